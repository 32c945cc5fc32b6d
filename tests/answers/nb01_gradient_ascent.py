"""Answers to the exercises of notebook 01."""

import numpy as np
import torch


# The step, Eq. (3)
def downhill(theta, gradient, learning_rate):
    return torch.sub(theta, gradient, alpha=learning_rate)


def rate_ignored(theta, gradient, learning_rate):
    return torch.stack([t + g for t, g in zip(theta, gradient, strict=True)])


def rate_twice(theta, gradient, learning_rate):
    step = learning_rate * gradient
    return theta + learning_rate * step


def divided_by_the_rate(theta, gradient, learning_rate):
    return theta.add(gradient.div(learning_rate))


def step_alone(theta, gradient, learning_rate):
    return [learning_rate * g for g in gradient.tolist()]


def bound_to_a_new_name(theta, gradient, learning_rate):
    new_theta = theta + learning_rate * gradient  # noqa: F841
    return theta


def equally_far(theta, gradient, learning_rate):
    return theta.numpy() + learning_rate * np.sign(gradient.numpy())


def normalised(theta, gradient, learning_rate):
    length = (gradient**2).sum() ** 0.5
    return theta + learning_rate * (gradient / length)


def grows_by_a_factor(theta, gradient, learning_rate):
    return theta + theta * learning_rate * gradient


def product(theta, gradient, learning_rate):
    return torch.einsum("n,n->n", theta, gradient) * learning_rate


def places_changed(theta, gradient, learning_rate):
    return torch.add(gradient, theta, alpha=learning_rate)


def in_place(theta, gradient, learning_rate):
    theta += learning_rate * gradient
    return theta


# The gradient of a mini-batch, Eq. (2)
def by_points(theta, x, y, batch):
    """Error and x of each point in the batch, as floats."""
    a, b = theta.tolist()
    return [(a + b * float(x[i]) - float(y[i]), float(x[i])) for i in batch.tolist()]


def points_toward_smaller_errors(theta, x, y, batch):
    errors = y[batch] - theta[0] - theta[1] * x[batch]
    return torch.stack([2 * errors.mean(), 2 * (errors * x[batch]).mean()])


def sum_over_points(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    return [sum(2 * e for e, _ in pairs), sum(2 * e * at for e, at in pairs)]


def factor_missing(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    m = len(pairs)
    return [sum(e for e, _ in pairs) / m, sum(e * at for e, at in pairs) / m]


def sum_without_the_factor(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    return [sum(e for e, _ in pairs), sum(e * at for e, at in pairs)]


def times_the_slope(theta, x, y, batch):
    errors = theta[0] + theta[1] * x[batch] - y[batch]
    return [2 * float(errors.mean()), 2 * float((errors * theta[1]).mean())]


def intercept_alone(theta, x, y, batch):
    return 2 * np.mean([e for e, _ in by_points(theta, x, y, batch)])


def divided_by_all(theta, x, y, batch):
    columns = torch.stack([torch.ones(len(batch)), x[batch]])
    return 2 * columns @ (columns.T @ theta - y[batch]) / x.numel()


def batch_ignored(theta, x, y, batch):
    errors = theta[0] + theta[1] * x - y
    return 2 * torch.stack([errors.mean(), (errors * x).mean()])


def first_points(theta, x, y, batch):
    m = len(batch)
    return batch_ignored(theta, x[:m], y[:m], batch)


def slope_like_the_intercept(theta, x, y, batch):
    errors = theta[0] + theta[1] * x[batch] - y[batch]
    return torch.stack([2 * errors.mean(), 2 * errors.mean()])


def slope_first(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    return [
        2 * np.mean([e * at for e, at in pairs]),
        2 * np.mean([e for e, _ in pairs]),
    ]


def means_multiplied(theta, x, y, batch):
    error = np.mean([e for e, _ in by_points(theta, x, y, batch)])
    return [2 * error, 2 * error * float(x[batch].mean())]


def plus_y(theta, x, y, batch):
    sums = theta[0] + theta[1] * x[batch] + y[batch]
    return torch.stack([2 * sums.mean(), 2 * (sums * x[batch]).mean()])


def the_error_itself(theta, x, y, batch):
    return torch.nn.functional.mse_loss(theta[0] + theta[1] * x[batch], y[batch])


def one_row_a_number(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    return [[2 * e for e, _ in pairs], [2 * e * at for e, at in pairs]]


def one_row_a_point(theta, x, y, batch):
    return [[2 * e, 2 * e * at] for e, at in by_points(theta, x, y, batch)]


# The gradient of J, Eq. (3)
def shares(logits):
    weights = logits.exp()
    return weights / weights.sum()


def by_autograd(logits, mean_rewards):
    leaf = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((shares(leaf) * mean_rewards).sum(), leaf)
    return gradient


def turned_round(logits, mean_rewards):
    return shares(logits) * ((shares(logits) * mean_rewards).sum() - mean_rewards)


def without_the_average(logits, mean_rewards):
    return torch.mul(mean_rewards, torch.softmax(logits, dim=0))


def each_alone(logits, mean_rewards):
    p = shares(logits)
    return p * mean_rewards - p**2 * mean_rewards


def own_push(logits, mean_rewards):
    return mean_rewards - shares(logits) * mean_rewards


def average_in_full(logits, mean_rewards):
    weighted = shares(logits) * mean_rewards
    return weighted - weighted.sum()


def taken_off_twice(logits, mean_rewards):
    p = shares(logits)
    return (p - p**2) * (mean_rewards - torch.dot(p, mean_rewards))


def without_the_probability(logits, mean_rewards):
    return mean_rewards - torch.dot(shares(logits), mean_rewards)


def plain_mean(logits, mean_rewards):
    average = mean_rewards.sum() / len(mean_rewards)
    return shares(logits) * (mean_rewards - average)


def logits_throughout(logits, mean_rewards):
    return logits * mean_rewards - logits * (logits * mean_rewards).sum()


def logits_in_front(logits, mean_rewards):
    return logits * (mean_rewards - torch.dot(shares(logits), mean_rewards))


def logits_inside(logits, mean_rewards):
    return shares(logits) * (mean_rewards - torch.dot(logits, mean_rewards))


def logarithm_in_front(logits, mean_rewards):
    p = shares(logits)
    return p.log() * (mean_rewards - (p * mean_rewards).sum())


def logarithms_throughout(logits, mean_rewards):
    log_p = shares(logits).log()
    return log_p * (mean_rewards - (log_p * mean_rewards).sum())


def by_the_probabilities(logits, mean_rewards):
    return mean_rewards.clone()


def the_objective_itself(logits, mean_rewards):
    return (shares(logits) * mean_rewards).sum()


def added_up(logits, mean_rewards):
    return by_autograd(logits, mean_rewards).sum()


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "ascent_step": {
        "the step goes downhill": [downhill],
        "the learning rate has no effect": [rate_ignored],
        "the learning rate enters twice": [rate_twice],
        "the step is divided by the learning rate": [divided_by_the_rate],
        "this is the step alone": [step_alone],
        "the parameters are where they were before": [bound_to_a_new_name],
        "every parameter moves equally far": [equally_far],
        "brought to length 1": [normalised],
        "the step is multiplied by theta": [grows_by_a_factor, product],
        "parameters and gradient have changed places": [places_changed],
        "changes its first argument in place": [in_place],
    },
    "minibatch_gradient": {
        "the sign is turned round": [points_toward_smaller_errors],
        "this is the sum over the points": [sum_over_points],
        "a factor 2 is missing": [factor_missing],
        "two things at once": [sum_without_the_factor],
        "the errors are multiplied by the slope": [times_the_slope],
        "only the derivative by the intercept": [intercept_alone],
        "divided by the number of all points": [divided_by_all],
        "the mini-batch is not used": [batch_ignored],
        "these are the first m points": [first_points],
        "both entries are the same": [slope_like_the_intercept],
        "the two entries are exchanged": [slope_first],
        "multiplied by the mean of x": [means_multiplied],
        "the measurements are added": [plus_y],
        "this is the mean squared error itself": [the_error_itself],
        "the gradients of the single points": [one_row_a_number, one_row_a_point],
    },
    "bandit_gradient": {
        "the sign is turned round": [turned_round],
        "J is not subtracted": [without_the_average],
        "as if it were alone": [each_alone],
        "a pull gives to its own lever": [own_push],
        "J is subtracted in full": [average_in_full],
        "there is a factor too many": [taken_off_twice],
        "the probability in front is missing": [without_the_probability],
        "the mean over the levers is subtracted": [plain_mean],
        "the logits stand where probabilities belong": [
            logits_throughout,
            logits_in_front,
            logits_inside,
        ],
        "there are logarithms of probabilities": [
            logarithm_in_front,
            logarithms_throughout,
        ],
        "this is the derivative by the probabilities": [by_the_probabilities],
        "this is J itself": [the_objective_itself],
        "the entries are already added up": [added_up],
    },
}


# Right answers


def step_by_loop(theta, gradient, learning_rate):
    return [t + learning_rate * g for t, g in zip(theta, gradient, strict=True)]


def step_by_add(theta, gradient, learning_rate):
    return torch.add(theta, gradient, alpha=learning_rate)


def step_on_a_copy(theta, gradient, learning_rate):
    moved = theta.clone()
    moved += learning_rate * gradient
    return moved


def batch_by_loop(theta, x, y, batch):
    pairs = by_points(theta, x, y, batch)
    return [
        np.mean([2 * e for e, _ in pairs]),
        np.mean([2 * e * at for e, at in pairs]),
    ]


def batch_by_matrices(theta, x, y, batch):
    columns = torch.stack([torch.ones(len(batch)), x[batch]], dim=1)
    return 2 / len(batch) * columns.T @ (columns @ theta - y[batch])


def batch_by_autograd(theta, x, y, batch):
    leaf = theta.clone().requires_grad_()
    the_error_itself(leaf, x, y, batch).backward()
    return leaf.grad


def bandit_by_jacobian(logits, mean_rewards):
    p = shares(logits)
    return (torch.diag(p) - torch.outer(p, p)) @ mean_rewards


def bandit_by_loops(logits, mean_rewards):
    p, r = shares(logits).tolist(), mean_rewards.tolist()
    result = []
    for b in range(len(p)):
        total = 0.0
        for a in range(len(p)):
            total += r[a] * p[a] * ((a == b) - p[b])
        result.append(total)
    return result


def bandit_by_numpy(logits, mean_rewards):
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum()
    return p * (mean_rewards.numpy() - np.average(mean_rewards.numpy(), weights=p))


RIGHT_ANSWERS = {
    "ascent_step": [step_by_loop, step_by_add, step_on_a_copy],
    "minibatch_gradient": [batch_by_loop, batch_by_matrices, batch_by_autograd],
    "bandit_gradient": [
        bandit_by_jacobian,
        bandit_by_loops,
        bandit_by_numpy,
        by_autograd,
    ],
}
