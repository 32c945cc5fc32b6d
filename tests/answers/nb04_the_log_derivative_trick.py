"""Answers to the exercises of notebook 04."""

import math

import numpy as np
import torch
from torch.distributions import Normal


# The estimate from scores, after Eq. (11)
def sum_over_samples(rewards, scores):
    return torch.einsum("n,nd->d", rewards, scores)


def mean_score_alone(rewards, scores):
    return torch.mean(scores, 0)


def sum_of_scores_alone(rewards, scores):
    return scores.T @ torch.ones(len(rewards))


def product_of_means(rewards, scores):
    return scores.mean(0) * (sum(rewards) / len(rewards))


def mean_score_times_sum_of_rewards(rewards, scores):
    return rewards.sum() * scores.sum(0) / len(scores)


def product_of_sums(rewards, scores):
    return sum(scores) * sum(rewards)


def minus_the_estimate(rewards, scores):
    return -(rewards @ scores) / len(rewards)


def minus_the_sum(rewards, scores):
    total = torch.zeros(scores.shape[1])
    for reward, row in zip(rewards, scores, strict=True):
        total -= reward * row
    return total


def mean_over_parameters(rewards, scores):
    return torch.mean(scores * rewards.unsqueeze(1), dim=-1)


def sum_over_parameters(rewards, scores):
    return rewards * scores.sum(1)


def products(rewards, scores):
    return torch.diag(rewards) @ scores


def mean_over_everything(rewards, scores):
    return np.mean(rewards.numpy()[:, None] * scores.numpy())


def sum_over_everything(rewards, scores):
    return (rewards @ scores).sum()


def sum_over_parameters_then_mean(rewards, scores):
    return (rewards @ scores).sum() / len(rewards)


def weighted_mean(rewards, scores):
    return np.average(scores.numpy(), axis=0, weights=rewards.numpy())


def with_a_baseline(rewards, scores):
    advantages = rewards - torch.mean(rewards)
    return advantages @ scores / len(rewards)


def over_one_less(rewards, scores):
    return rewards @ scores / (len(scores) - 1)


def estimate_by_matmul(rewards, scores):
    return rewards @ scores / len(rewards)


def estimate_by_loops(rewards, scores):
    result = [0.0] * scores.shape[1]
    for i in range(len(rewards)):
        for j in range(scores.shape[1]):
            result[j] += rewards[i].item() * scores[i, j].item() / len(rewards)
    return result


def estimate_by_numpy(rewards, scores):
    return np.mean(scores.numpy() * rewards.numpy()[:, np.newaxis], axis=0)


# The score of a Gaussian
def by_autograd(function):
    """Derivatives of function(action, mean, deviation) by the last two, row by row."""

    def answer(actions, mean, standard_deviation):
        rows = []
        for action in actions:
            theta = torch.tensor([mean, standard_deviation], requires_grad=True)
            value = function(action, theta[0], theta[1])
            rows.append(torch.autograd.grad(value, theta)[0])
        return torch.stack(rows)

    return answer


def named(name, answer):
    answer.__name__ = name
    return answer


gradient_of_the_density = named(
    "gradient_of_the_density",
    by_autograd(lambda a, m, s: Normal(m, s).log_prob(a).exp()),
)
logarithm_forgotten = named(
    "logarithm_forgotten", by_autograd(lambda a, m, s: -(((a - m) / s) ** 2) / 2)
)
score_by_autograd = named(
    "score_by_autograd", by_autograd(lambda a, m, s: Normal(m, s).log_prob(a))
)
both_signs = named(
    "both_signs", by_autograd(lambda a, m, s: ((a - m) / s) ** 2 / 2 + s.log())
)


def mean_minus_action(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([-z, z**2 - 1], dim=-1) / standard_deviation


def deviation_sign(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([z, 1 - z**2], dim=-1) / standard_deviation


def standardised(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([z, (z**2 - 1) / standard_deviation], dim=-1)


def of_log_deviation(actions, mean, standard_deviation):
    z = (actions.numpy() - mean) / standard_deviation
    return np.stack([z / standard_deviation, z**2 - 1], axis=1)


def of_the_variance(actions, mean, standard_deviation):
    variance = standard_deviation**2
    distance = actions - mean
    of_variance = distance**2 / (2 * variance**2) - 1 / (2 * variance)
    return torch.stack([distance / variance, of_variance], 1)


def log_density(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return -(z**2) / 2 - math.log(standard_deviation) - math.log(2 * math.pi) / 2


def first_column_only(actions, mean, standard_deviation):
    return (actions - mean) / standard_deviation**2


def first_column_as_a_column(actions, mean, standard_deviation):
    return first_column_only(actions, mean, standard_deviation).reshape(-1, 1)


def a_row_for_each_parameter(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([z, z**2 - 1]) / standard_deviation


def deviation_first(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([z**2 - 1, z], 1) / standard_deviation


def mean_over_actions(actions, mean, standard_deviation):
    return sum(score_by_z(actions, mean, standard_deviation)) / len(actions)


def sum_over_actions(actions, mean, standard_deviation):
    return sum(score_by_z(actions, mean, standard_deviation))


def score_by_z(actions, mean, standard_deviation):
    z = (actions - mean) / standard_deviation
    return torch.stack([z, z * z - 1], dim=1) / standard_deviation


def score_by_loop(actions, mean, standard_deviation):
    rows = []
    for action in actions.tolist():
        distance = action - mean
        variance = standard_deviation**2
        rows.append(
            [
                distance / variance,
                (distance**2 - variance) / (variance * standard_deviation),
            ]
        )
    return rows


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "score_estimate": {
        "this is the sum over samples": [sum_over_samples],
        "the rewards are not in it": [mean_score_alone, sum_of_scores_alone],
        "are averaged first": [
            product_of_means,
            mean_score_times_sum_of_rewards,
            product_of_sums,
        ],
        "the sign is turned round": [minus_the_estimate, minus_the_sum],
        "the mean runs over the parameters": [
            mean_over_parameters,
            sum_over_parameters,
        ],
        "these are the products of reward and score": [products],
        "this is one number for all parameters": [
            mean_over_everything,
            sum_over_everything,
            sum_over_parameters_then_mean,
        ],
        "divided by the sum of the rewards": [weighted_mean],
        "the mean reward is subtracted first": [with_a_baseline],
        "it is divided by N - 1": [over_one_less],
    },
    "gaussian_score": {
        "turned round in both columns": [both_signs],
        "the sign of the first column is turned round": [mean_minus_action],
        "the sign of the second column is turned round": [deviation_sign],
        "the first column is divided by the standard deviation": [standardised],
        "a term of the second column is missing": [logarithm_forgotten],
        "this is the gradient of the density": [gradient_of_the_density],
        "the logarithm of the standard deviation": [of_log_deviation],
        "with respect to the variance": [of_the_variance],
        "this is the log-density itself": [log_density],
        "only the score of the mean is there": [
            first_column_only,
            first_column_as_a_column,
        ],
        "rows and columns are exchanged": [a_row_for_each_parameter],
        "the two columns are in the wrong order": [deviation_first],
        "this is the mean over the actions": [mean_over_actions, sum_over_actions],
    },
}

RIGHT_ANSWERS = {
    "score_estimate": [estimate_by_matmul, estimate_by_loops, estimate_by_numpy],
    "gaussian_score": [score_by_z, score_by_autograd, score_by_loop],
}
