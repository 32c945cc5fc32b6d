"""Answers to the exercises of notebook 11."""

import numpy as np
import torch


# Rewards-to-go with gamma^t
def weights_by_loops(rewards, gamma):
    result = torch.zeros_like(rewards)
    for i in range(rewards.shape[0]):
        for t in range(rewards.shape[1]):
            for k in range(t, rewards.shape[1]):
                result[i, t] += gamma**k * rewards[i, k]
    return result


def weights_in_numpy(rewards, gamma):
    discounted = rewards.numpy() * gamma ** np.arange(rewards.shape[1])
    return np.cumsum(discounted[:, ::-1], axis=1)[:, ::-1]


def weights_by_matrix(rewards, gamma):
    T = rewards.shape[1]
    counts = torch.tensor([[gamma**k * (k >= t) for t in range(T)] for k in range(T)])
    return rewards @ counts


def weights_from_what_is_left(rewards, gamma):
    discounted = rewards * gamma ** torch.arange(rewards.shape[1])
    left = discounted.sum(dim=1)
    columns = []
    for t in range(rewards.shape[1]):
        columns.append(left)
        left = left - discounted[:, t]
    return torch.stack(columns, dim=1)


def discount_starts_anew(rewards, gamma):
    running = torch.zeros(len(rewards))
    columns = []
    for t in reversed(range(rewards.shape[1])):
        running = rewards[:, t] + gamma * running
        columns.insert(0, running)
    return torch.stack(columns, dim=1)


def discounted_twice(rewards, gamma):
    result = weights_by_loops(rewards, gamma)
    for t in range(rewards.shape[1]):
        result[:, t] *= gamma**t
    return result


def undiscounted(rewards, gamma):
    return torch.from_numpy(np.cumsum(rewards.numpy()[:, ::-1], axis=1)[:, ::-1].copy())


def whole_return_everywhere(rewards, gamma):
    returns = rewards @ torch.tensor([gamma**t for t in range(rewards.shape[1])])
    return returns[:, None].repeat(1, rewards.shape[1])


def own_reward_missing(rewards, gamma):
    result = torch.zeros_like(rewards)
    for t in range(rewards.shape[1]):
        for k in range(t + 1, rewards.shape[1]):
            result[:, t] += gamma**k * rewards[:, k]
    return result


def past_and_present(rewards, gamma):
    result = torch.zeros_like(rewards)
    for t in range(rewards.shape[1]):
        for k in range(t + 1):
            result[:, t] += gamma**k * rewards[:, k]
    return result


def past_only(rewards, gamma):
    result = torch.zeros_like(rewards)
    for t in range(rewards.shape[1]):
        for k in range(t):
            result[:, t] += gamma**k * rewards[:, k]
    return result


def own_reward_only(rewards, gamma):
    return np.einsum("nt,t->nt", rewards, [gamma**t for t in range(rewards.shape[1])])


def one_weight_a_trajectory(rewards, gamma):
    return sum(gamma**t * rewards[:, t] for t in range(rewards.shape[1]))


# The best constant baseline
def best_by_einsum(probabilities, returns, scores):
    numerator = torch.einsum("k,k,kd,kd->", probabilities, returns, scores, scores)
    return numerator / torch.einsum("k,kd,kd->", probabilities, scores, scores)


def best_by_loop(probabilities, returns, scores):
    above, below = 0.0, 0.0
    for p, r, score in zip(probabilities, returns, scores, strict=True):
        above += p * r * (score @ score)
        below += p * (score @ score)
    return above / below


def best_by_weights(probabilities, returns, scores):
    weights = probabilities.numpy() * np.linalg.norm(scores.numpy(), axis=1) ** 2
    return np.average(returns.numpy(), weights=weights)


def best_by_differences(probabilities, returns, scores):
    # A parabola through three heights, and where it is lowest.
    low, middle, high = (
        (probabilities * ((returns - b)[:, None] * scores).square().sum(1)).sum()
        for b in (-1, 0, 1)
    )
    return (low - high) / (2 * (low - 2 * middle + high))


def mean_return(probabilities, returns, scores):
    return torch.dot(probabilities, returns)


def without_probabilities(probabilities, returns, scores):
    return np.average(returns, weights=(scores**2).sum(dim=1))


def length_not_squared(probabilities, returns, scores):
    lengths = torch.linalg.norm(scores, dim=1)
    return torch.dot(probabilities * lengths, returns) / (probabilities @ lengths)


def not_divided(probabilities, returns, scores):
    return torch.einsum("k,k,kd,kd->", probabilities, returns, scores, scores)


def divided_by_the_mean_length(probabilities, returns, scores):
    lengths = torch.linalg.norm(scores, dim=1)
    return not_divided(probabilities, returns, scores) / (probabilities @ lengths)


def divided_without_probabilities(probabilities, returns, scores):
    return not_divided(probabilities, returns, scores) / (scores**2).sum()


def returns_squared(probabilities, returns, scores):
    return best_by_einsum(probabilities, returns**2, scores)


def one_for_each_parameter(probabilities, returns, scores):
    columns = []
    for column in scores.T:
        weights = probabilities * column * column
        columns.append((weights @ returns) / weights.sum())
    return torch.stack(columns)


# Leaving one out
def left_out_by_loop(returns):
    result = []
    for i in range(len(returns)):
        others = torch.cat([returns[:i], returns[i + 1 :]])
        result.append(returns[i] - others.mean())
    return torch.stack(result)


def left_out_by_the_factor(returns):
    N = len(returns)
    return N / (N - 1) * (returns - returns.mean())


def left_out_by_a_matrix(returns):
    N = len(returns)
    return returns.numpy() - (1 - np.eye(N)) @ returns.numpy() / (N - 1)


def mean_of_all(returns):
    return returns - sum(returns) / len(returns)


def baselines_only(returns):
    return np.array([np.delete(returns, i).mean() for i in range(len(returns))])


def others_minus_own(returns):
    N = len(returns)
    return N / (N - 1) * (returns.mean() - returns)


def divided_by_all(returns):
    return torch.stack(
        [r - (returns.sum() - r) / len(returns) for r in returns.unbind()]
    )


def sum_of_the_others(returns):
    return torch.stack([r + r - returns.sum() for r in returns.unbind()])


def whitened(returns):
    return (returns - returns.mean()) / torch.std(returns)


def whitened_by_numpy(returns):
    values = returns.numpy()
    return (values - np.mean(values)) / np.std(values)


def against_the_first(returns):
    return returns - returns[:1]


def against_the_next(returns):
    return returns - torch.cat([returns[1:], returns[:1]])


RIGHT_ANSWERS = {
    "discounted_rewards_to_go": [
        weights_by_loops,
        weights_in_numpy,
        weights_by_matrix,
        weights_from_what_is_left,
    ],
    "best_constant_baseline": [
        best_by_einsum,
        best_by_loop,
        best_by_weights,
        best_by_differences,
    ],
    "leave_one_out": [left_out_by_loop, left_out_by_the_factor, left_out_by_a_matrix],
}

# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "discounted_rewards_to_go": {
        "its discount starts anew at every step": [discount_starts_anew],
        "the discount is applied twice": [discounted_twice],
        "nothing is discounted": [undiscounted],
        "every step gets the whole return": [whole_return_everywhere],
        "begins one step too late": [own_reward_missing],
        "the sum runs over the past": [past_and_present, past_only],
        "each step keeps its own reward only": [own_reward_only],
        "this is one number for each trajectory": [one_weight_a_trajectory],
    },
    "best_constant_baseline": {
        "this is the mean return": [mean_return],
        "the probabilities are not in it": [without_probabilities],
        "the scores enter by their length": [length_not_squared],
        "the division by the mean square": [not_divided],
        "only the numerator is weighed": [
            divided_by_the_mean_length,
            divided_without_probabilities,
        ],
        "the returns are squared as well": [returns_squared],
        "this is a height for each parameter": [one_for_each_parameter],
    },
    "leave_one_out": {
        "the trajectory's own included": [mean_of_all],
        "these are the baselines": [baselines_only],
        "the sign is turned round": [others_minus_own],
        "but there are N - 1 of them": [divided_by_all],
        "the others are summed": [sum_of_the_others],
        "divided by the spread of the batch": [whitened, whitened_by_numpy],
        "compared with one and the same trajectory": [against_the_first],
        "compared with its neighbour alone": [against_the_next],
    },
}
