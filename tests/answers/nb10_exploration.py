"""Answers to the exercises of notebook 10."""

import math

import numpy as np
import torch


# The effective number of actions
def nats(probabilities):
    return [-sum(p * math.log(p) for p in row) for row in probabilities.tolist()]


def bits(probabilities):
    return [-sum(p * math.log2(p) for p in row) for row in probabilities.tolist()]


def e_to_the_bits(probabilities):
    return np.exp(bits(probabilities))


def two_to_the_nats(probabilities):
    return [2**h for h in nats(probabilities)]


def sign_forgotten(probabilities):
    return torch.exp((probabilities * torch.log(probabilities)).sum(dim=1))


def all_states_together(probabilities):
    return math.exp(sum(nats(probabilities)))


def mean_over_states(probabilities):
    return np.exp(np.mean(nats(probabilities)))


def down_the_columns(probabilities):
    p = probabilities.numpy()
    return np.exp(-(p * np.log(p)).sum(axis=0))


def mean_over_actions(probabilities):
    A = probabilities.shape[1]
    return [math.exp(h / A) for h in nats(probabilities)]


def inverse_of_squares(probabilities):
    return [1 / sum(p * p for p in row) for row in probabilities.tolist()]


def logarithms_alone(probabilities):
    return [1 / math.prod(row) for row in probabilities.tolist()]


def mean_of_logarithms(probabilities):
    A = probabilities.shape[1]
    return [math.prod(row) ** (-1 / A) for row in probabilities.tolist()]


def sum_of_exponentials(probabilities):
    return [sum(p**-p for p in row) for row in probabilities.tolist()]


# Epsilon-greedy
def shared(q_values, own, other):
    """`own` for the best to share, `other` for each of the rest."""
    q = q_values.tolist()
    number = q.count(max(q))
    return [own / number if value == max(q) else other for value in q]


def best_lacks_its_share(q_values, epsilon):
    return shared(q_values, 1 - epsilon, epsilon / len(q_values))


def others_only(q_values, epsilon):
    q = q_values.tolist()
    return shared(q_values, 1 - epsilon, epsilon / (len(q) - q.count(max(q))))


def others_by_a_minus_one(q_values, epsilon):
    return shared(q_values, 1 - epsilon, epsilon / (len(q_values) - 1))


def by_list(q_values, epsilon, best):
    q = q_values.tolist()
    number = q.count(best)
    rest = epsilon / len(q)
    return [rest + (1 - epsilon) / number if v == best else rest for v in q]


def worst_is_best(q_values, epsilon):
    return by_list(q_values, epsilon, min(q_values.tolist()))


def largest_without_sign(q_values, epsilon):
    return by_list(q_values, epsilon, max(q_values.tolist(), key=abs))


def exchanged(q_values, epsilon):
    return by_list(q_values, 1 - epsilon, max(q_values.tolist()))


def first_of_the_best(q_values, epsilon):
    pi = np.full(len(q_values), epsilon / len(q_values))
    pi[int(np.argmax(q_values.numpy()))] += 1 - epsilon
    return pi


def last_of_the_best(q_values, epsilon):
    q = q_values.tolist()
    pi = [epsilon / len(q)] * len(q)
    pi[len(q) - 1 - q[::-1].index(max(q))] += 1 - epsilon
    return pi


def each_of_the_best(q_values, epsilon):
    pi = torch.full((len(q_values),), epsilon / len(q_values))
    pi[q_values == q_values.max()] += 1 - epsilon
    return pi


def epsilon_for_each(q_values, epsilon):
    q = q_values.tolist()
    return [
        epsilon + (1 - epsilon) / q.count(max(q)) * (value == max(q)) for value in q
    ]


def epsilon_for_each_other(q_values, epsilon):
    return shared(q_values, 1 - epsilon, epsilon)


def softmax_of_q(q_values, epsilon):
    powers = np.exp(q_values.numpy())
    return powers / powers.sum()


def softmax_and_epsilon(q_values, epsilon):
    return (1 - epsilon) * softmax_of_q(q_values, epsilon) + epsilon / len(q_values)


def greedy_alone(q_values, epsilon):
    return shared(q_values, 1.0, 0.0)


def the_action(q_values, epsilon):
    q = q_values.tolist()
    return q.index(max(q))


def the_value(q_values, epsilon):
    return max(q_values.tolist())


# The loss with a bonus: N trajectories one after the other
def by_loops(log_probs, returns, mask, step):
    """`step` gives what each step taken adds to the loss."""
    losses = []
    for i in range(len(returns)):
        total = 0.0 * log_probs[i, 0]
        for t in range(int(mask[i].sum())):
            total = total - step(i, t)
        losses.append(total)
    return torch.stack(losses)


def bonus_subtracted(log_probs, returns, mask, entropies, beta):
    return by_loops(
        log_probs,
        returns,
        mask,
        lambda i, t: returns[i] * log_probs[i, t] - beta * entropies[i, t],
    ).mean()


def without_minus(log_probs, returns, mask, entropies, beta):
    return -loss_by_loops(log_probs, returns, mask, entropies, beta)


def reward_upside_down(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, -returns, mask, entropies, beta)


def bonus_for_padding(log_probs, returns, mask, entropies, beta):
    plain = loss_by_loops(log_probs, returns, mask, entropies, 0.0)
    return plain - beta * entropies.sum() / len(entropies)


def padding_in_both(log_probs, returns, mask, entropies, beta):
    terms = torch.einsum("n,nt->nt", returns, log_probs) + beta * entropies
    return -terms.sum() / len(terms)


def bonus_by_steps(log_probs, returns, mask, entropies, beta):
    plain = loss_by_loops(log_probs, returns, mask, entropies, 0.0)
    return plain - beta * (entropies * mask).sum() / mask.sum()


def bonus_by_own_steps(log_probs, returns, mask, entropies, beta):
    plain = loss_by_loops(log_probs, returns, mask, entropies, 0.0)
    means = [h[m].mean() for h, m in zip(entropies, mask, strict=True)]
    return plain - beta * torch.stack(means).mean()


def bonus_by_cells(log_probs, returns, mask, entropies, beta):
    plain = loss_by_loops(log_probs, returns, mask, entropies, 0.0)
    return plain - beta * entropies.sum() / entropies.numel()


def mean_over_steps(log_probs, returns, mask, entropies, beta):
    weights = returns[:, None].expand_as(log_probs)
    return -(weights * log_probs + beta * entropies)[mask].mean()


def sum_over_trajectories(log_probs, returns, mask, entropies, beta):
    return len(returns) * loss_by_loops(log_probs, returns, mask, entropies, beta)


def beta_at_the_returns(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, beta * returns, mask, entropies, 1.0)


def beta_at_both(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, beta * returns, mask, entropies, beta)


def beta_forgotten(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, returns, mask, entropies, 1.0)


def returns_at_both(log_probs, returns, mask, entropies, beta):
    return by_loops(
        log_probs,
        returns,
        mask,
        lambda i, t: returns[i] * (log_probs[i, t] + beta * entropies[i, t]),
    ).mean()


def entropies_as_numbers(log_probs, returns, mask, entropies, beta):
    numbers = torch.tensor(entropies.tolist())
    return loss_by_loops(log_probs, returns, mask, numbers, beta)


def no_bonus(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, returns, mask, entropies, 0.0)


def surprise_for_entropy(log_probs, returns, mask, entropies, beta):
    return loss_by_loops(log_probs, returns - beta, mask, entropies, 0.0)


def a_number_each(log_probs, returns, mask, entropies, beta):
    return by_loops(
        log_probs,
        returns,
        mask,
        lambda i, t: returns[i] * log_probs[i, t] + beta * entropies[i, t],
    )


WRONG_ANSWERS = {
    "effective_actions": {
        "the entropy itself, in nats": [nats],
        "the entropy in bits": [bits],
        "in bits, but e is raised": [e_to_the_bits],
        "in nats, but 2 is raised": [two_to_the_nats],
        "the sign of the entropy is turned round": [sign_forgotten],
        "the states are put together": [all_states_together, mean_over_states],
        "down the columns": [down_the_columns],
        "the mean over the actions": [mean_over_actions],
        "one over the sum of squared": [inverse_of_squares],
        "in front of the logarithms are missing": [
            logarithms_alone,
            mean_of_logarithms,
        ],
        "the exponential is taken for each action": [sum_of_exponentials],
    },
    "epsilon_greedy": {
        "the best action lacks its share": [best_lacks_its_share],
        "among the other actions only": [others_only, others_by_a_minus_one],
        "the worst action is taken for the best": [worst_is_best],
        "without regard to the sign": [largest_without_sign],
        "have changed places": [exchanged],
        "only one of the best actions": [first_of_the_best, last_of_the_best],
        "each of them gets the whole": [each_of_the_best],
        "each action gets epsilon in full": [epsilon_for_each, epsilon_for_each_other],
        "a softmax of the Q-values": [softmax_of_q, softmax_and_epsilon],
        "epsilon has no effect": [greedy_alone],
        "this is an action": [the_action, the_value],
    },
    "loss_with_entropy": {
        "the sign of the bonus is turned round": [bonus_subtracted],
        "the sign of the whole is turned round": [without_minus],
        "the sign of the reward term": [reward_upside_down],
        "the bonus is paid for the padding": [bonus_for_padding],
        "the padding is counted, in both": [padding_in_both],
        "the bonus is the mean entropy over the steps": [
            bonus_by_steps,
            bonus_by_own_steps,
        ],
        "the mean over all cells of the table": [bonus_by_cells],
        "the mean over all steps taken": [mean_over_steps],
        "this is the sum over trajectories": [sum_over_trajectories],
        "beta stands at the wrong term": [beta_at_the_returns],
        "beta multiplies both terms": [beta_at_both],
        "beta has no effect": [beta_forgotten],
        "the entropies are multiplied by the return": [returns_at_both],
        "cut off from the graph": [entropies_as_numbers],
        "there is no bonus in it": [no_bonus],
        "minus the log-probabilities of the actions": [surprise_for_entropy],
        "one number for each trajectory": [a_number_each],
    },
}


# Right answers


def effective_by_loops(probabilities):
    return [math.exp(h) for h in nats(probabilities)]


def effective_by_bits(probabilities):
    return 2 ** np.array(bits(probabilities))


def effective_by_torch(probabilities):
    return torch.distributions.Categorical(probs=probabilities).entropy().exp()


def effective_by_product(probabilities):
    return [1 / math.prod(p**p for p in row) for row in probabilities.tolist()]


def epsilon_greedy_by_list(q_values, epsilon):
    return by_list(q_values, epsilon, max(q_values.tolist()))


def epsilon_greedy_by_numpy(q_values, epsilon):
    q = q_values.numpy()
    best = q == q.max()
    return np.where(best, (1 - epsilon) / best.sum(), 0) + epsilon / q.size


def epsilon_greedy_by_index(q_values, epsilon):
    pi = torch.full((len(q_values),), epsilon / len(q_values))
    best = (q_values == q_values.max()).nonzero()[:, 0]
    pi[best] += (1 - epsilon) / len(best)
    return pi


def loss_by_loops(log_probs, returns, mask, entropies, beta):
    return a_number_each(log_probs, returns, mask, entropies, beta).mean()


def loss_by_einsum(log_probs, returns, mask, entropies, beta):
    kept = mask.to(log_probs)
    reward = torch.einsum("n,nt,nt->", returns, log_probs, kept)
    return -(reward + beta * torch.einsum("nt,nt->", entropies, kept)) / len(returns)


def loss_by_where_and_mean(log_probs, returns, mask, entropies, beta):
    terms = returns.unsqueeze(1) * log_probs + beta * entropies
    return -torch.where(mask, terms, torch.zeros_like(terms)).sum(dim=1).mean()


RIGHT_ANSWERS = {
    "effective_actions": [
        effective_by_loops,
        effective_by_bits,
        effective_by_torch,
        effective_by_product,
    ],
    "epsilon_greedy": [
        epsilon_greedy_by_list,
        epsilon_greedy_by_numpy,
        epsilon_greedy_by_index,
    ],
    "loss_with_entropy": [loss_by_loops, loss_by_einsum, loss_by_where_and_mean],
}
