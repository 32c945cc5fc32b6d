"""Answers to the exercises of notebook 02."""

import math
import statistics

import numpy as np
import torch


# The weights of the rewards, Eq. (6)
def counted_from_one(gamma, horizon):
    return [gamma**t for t in range(1, horizon + 1)]


def up_to_and_with_horizon(gamma, horizon):
    return [gamma**t for t in range(horizon + 1)]


def from_one_to_horizon_plus_one(gamma, horizon):
    return np.cumprod([gamma] * (horizon + 1))


def last_left_out(gamma, horizon):
    return [gamma**t for t in range(horizon - 1)]


def first_left_out(gamma, horizon):
    return np.array([gamma**t for t in range(1, horizon)])


def times_time(gamma, horizon):
    return np.linspace(0, gamma * (horizon - 1), horizon)


def time_to_the_gamma(gamma, horizon):
    return [t**gamma for t in range(horizon)]


def what_is_lost(gamma, horizon):
    return [(1 - gamma) ** t for t in range(horizon)]


def rate_of_interest(gamma, horizon):
    return [(1 + gamma) ** -t for t in range(horizon)]


def growing(gamma, horizon):
    return [gamma**-t for t in range(horizon)]


def backward(gamma, horizon):
    return [gamma ** (horizon - 1 - t) for t in range(horizon)]


def all_gamma(gamma, horizon):
    return [gamma] * horizon


def all_one(gamma, horizon):
    return np.ones(horizon)


def geometric_sum(gamma, horizon):
    return sum(gamma**t for t in range(horizon))


def running_totals(gamma, horizon):
    total, totals = 0, []
    for t in range(horizon):
        total += gamma**t
        totals.append(total)
    return totals


def first_pass(gamma, horizon):
    for t in range(horizon):
        return gamma**t


def last_pass(gamma, horizon):
    for t in range(horizon):
        weight = gamma**t
    return weight


# The sum over all trajectories, Eq. (7)
def mean_of_the_list(returns, probabilities):
    return sum(returns) / len(returns)


def divided_by_the_count(returns, probabilities):
    return torch.dot(returns, probabilities) / returns.numel()


def sum_of_the_list(returns, probabilities):
    return sum(returns.tolist())


def product_of_the_sums(returns, probabilities):
    return returns.sum() * probabilities.sum()


def product_of_the_means(returns, probabilities):
    return np.mean(returns.numpy()) * np.mean(probabilities.numpy())


def products_only(returns, probabilities):
    return [r * p for r, p in zip(returns, probabilities, strict=True)]


def best_case(returns, probabilities):
    return max(returns)


def commonest_case(returns, probabilities):
    return returns[int(np.argmax(probabilities.numpy()))]


def weighted_by_logarithms(returns, probabilities):
    return sum(
        r * math.log(p)
        for r, p in zip(returns.tolist(), probabilities.tolist(), strict=True)
    )


def probabilities_alone(returns, probabilities):
    return sum(probabilities)


def returned_at_once(returns, probabilities):
    total = 0
    for r, p in zip(returns, probabilities, strict=True):
        total += r * p
        return total


def total_overwritten(returns, probabilities):
    for r, p in zip(returns, probabilities, strict=True):
        total = r * p
    return total


# The estimate and its error, Eq. (9)
def spread_of_the_returns(returns):
    return statistics.mean(returns.tolist()), statistics.stdev(returns.tolist())


def population_spread(returns):
    return returns.mean(), returns.numpy().std()


def divided_by_n(returns):
    return statistics.mean(returns.tolist()), statistics.stdev(returns.tolist()) / len(
        returns
    )


def population_spread_by_n(returns):
    return np.array([returns.numpy().mean(), returns.numpy().std() / len(returns)])


def variance_of_the_mean(returns):
    return returns.mean(), np.var(returns.numpy(), ddof=1) / len(returns)


def variance_of_the_returns(returns):
    return returns.mean(), statistics.variance(returns.tolist())


def variance_by_root_n(returns):
    return returns.mean(), returns.std() ** 2 / math.sqrt(len(returns))


def squares_by_n(returns):
    numbers = returns.numpy()
    return numbers.mean(), numbers.std() / np.sqrt(numbers.size)


def one_less_twice(returns):
    numbers = returns.tolist()
    return statistics.mean(numbers), statistics.stdev(numbers) / math.sqrt(
        len(numbers) - 1
    )


def spread_missing(returns):
    return returns.mean(), 1 / math.sqrt(len(returns))


def two_errors(returns):
    return returns.mean(), math.sqrt(4 * returns.var() / len(returns))


def error_of_the_sum(returns):
    return returns.mean(), math.sqrt(len(returns) * returns.var())


def sum_with_error(returns):
    return returns.sum(), math.sqrt(returns.var() / len(returns))


def median_with_error(returns):
    return statistics.median(returns.tolist()), math.sqrt(returns.var() / len(returns))


def mean_alone(returns):
    return sum(returns) / len(returns)


def error_first(returns):
    return math.sqrt(returns.var() / len(returns)), returns.mean()


WRONG_ANSWERS = {
    "discount_weights": {
        "the first weight is gamma": [counted_from_one],
        "one weight too many": [up_to_and_with_horizon, from_one_to_horizon_plus_one],
        "one weight too few": [last_left_out, first_left_out],
        "gamma is multiplied by the time": [times_time],
        "base and exponent have changed places": [time_to_the_gamma],
        "what a step of waiting takes away": [what_is_lost],
        "a rate of interest": [rate_of_interest],
        "the weights grow with the waiting": [growing],
        "the weights run backward": [backward],
        "every step has the same weight": [all_gamma, all_one],
        "the weights added up": [geometric_sum],
        "running totals of the weights": [running_totals],
        "only a single weight": [first_pass, last_pass],
    },
    "expected_return": {
        "this is the plain mean of the returns": [mean_of_the_list],
        "divided by their number K": [divided_by_the_count],
        "the returns are added up as they are": [sum_of_the_list, product_of_the_sums],
        "times the mean of the probabilities": [product_of_the_means],
        "these are the products": [products_only],
        "this is the best return": [best_case],
        "the most probable trajectory": [commonest_case],
        "the logarithms of the probabilities": [weighted_by_logarithms],
        "only the probabilities are added up": [probabilities_alone],
        "only one trajectory is in the result": [returned_at_once, total_overwritten],
    },
    "estimate_with_error": {
        "the spread of the single returns": [spread_of_the_returns, population_spread],
        "the spread is divided by N": [divided_by_n, population_spread_by_n],
        "the second number is a variance": [
            variance_of_the_mean,
            variance_of_the_returns,
            variance_by_root_n,
        ],
        "the squares are divided by N": [squares_by_n],
        "one is taken off in two places": [one_less_twice],
        "does not depend on the returns": [spread_missing],
        "two standard errors": [two_errors],
        "the error of their sum": [error_of_the_sum],
        "the first number is the sum": [sum_with_error],
        "the median of the returns": [median_with_error],
        "this is the mean alone": [mean_alone],
        "the two numbers have changed places": [error_first],
    },
}


# Right answers


def weights_by_a_list(gamma, horizon):
    return [gamma**t for t in range(horizon)]


def weights_by_a_loop(gamma, horizon):
    weights = torch.ones(horizon)
    for t in range(1, horizon):
        weights[t] = gamma * weights[t - 1]
    return weights


def weights_by_numpy(gamma, horizon):
    return np.power(gamma, np.arange(horizon))


def expectation_by_a_loop(returns, probabilities):
    total = 0
    for r, p in zip(returns, probabilities, strict=True):
        total += float(r) * float(p)
    return total


def expectation_by_dot(returns, probabilities):
    return probabilities @ returns


def expectation_by_average(returns, probabilities):
    return np.average(returns.numpy(), weights=probabilities.numpy())


def estimate_by_torch(returns):
    return returns.mean(), returns.std() / returns.numel() ** 0.5


def estimate_by_statistics(returns):
    numbers = returns.tolist()
    error = statistics.stdev(numbers) / math.sqrt(len(numbers))
    return [statistics.fmean(numbers), error]


def estimate_by_hand(returns):
    N = len(returns)
    mean = returns.sum() / N
    variance = ((returns - mean) ** 2).sum() / (N - 1)
    return np.array([mean, np.sqrt(variance / N)])


RIGHT_ANSWERS = {
    "discount_weights": [weights_by_a_list, weights_by_a_loop, weights_by_numpy],
    "expected_return": [
        expectation_by_a_loop,
        expectation_by_dot,
        expectation_by_average,
    ],
    "estimate_with_error": [
        estimate_by_torch,
        estimate_by_statistics,
        estimate_by_hand,
    ],
}
