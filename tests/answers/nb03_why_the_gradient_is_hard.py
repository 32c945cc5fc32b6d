"""Answers to the exercises of notebook 03."""

import itertools
import math

import numpy as np
import torch

# Eq. (10)


def averaged(returns, probability_gradients):
    return returns @ probability_gradients / len(returns)


def returns_unused(returns, probability_gradients):
    return sum(row for row in probability_gradients)


def unweighted_mean(returns, probability_gradients):
    return torch.mean(probability_gradients, dim=0)


def along_the_parameters(returns, probability_gradients):
    return torch.stack(
        [R * row.sum() for R, row in zip(returns, probability_gradients, strict=True)]
    )


def terms_unsummed(returns, probability_gradients):
    return returns.numpy()[:, None] * probability_gradients.numpy()


def grand_total(returns, probability_gradients):
    return (returns @ probability_gradients).sum()


def grand_mean(returns, probability_gradients):
    return torch.mean(returns.unsqueeze(1) * probability_gradients)


def sizes_of_slopes(returns, probability_gradients):
    return returns @ torch.abs(probability_gradients)


def sizes_of_terms(returns, probability_gradients):
    return torch.einsum("kd->d", (returns.reshape(-1, 1) * probability_gradients).abs())


def sizes_of_returns(returns, probability_gradients):
    return probability_gradients.T @ returns.abs()


def squared_returns(returns, probability_gradients):
    return torch.matmul(returns.square(), probability_gradients)


def as_a_loss(returns, probability_gradients):
    return -(returns @ probability_gradients)


def totals_multiplied(returns, probability_gradients):
    return returns.sum() * probability_gradients.sum(axis=0)


def mean_return_times_sum(returns, probability_gradients):
    return probability_gradients.sum(0) * torch.mean(returns)


def means_multiplied(returns, probability_gradients):
    return returns.mean() * torch.mean(probability_gradients, 0)


def sum_times_mean(returns, probability_gradients):
    return torch.sum(returns) * probability_gradients.mean(axis=0)


# Finite differences


def one_step_ahead(function, theta, step):
    here = function(theta)
    return [
        (function(theta + step * unit) - here) / step
        for unit in torch.eye(len(theta), dtype=theta.dtype)
    ]


def one_step_behind(function, theta, step):
    units = torch.eye(len(theta), dtype=theta.dtype)
    return [(function(theta) - function(theta - step * e)) / step for e in units]


def pairs(function, theta, step):
    """Values ahead and behind, for each parameter."""
    units = step * torch.eye(len(theta), dtype=theta.dtype)
    return [(function(theta + e), function(theta - e)) for e in units]


def twice_too_steep(function, theta, step):
    return [(up - down) / step for up, down in pairs(function, theta, step)]


def undivided(function, theta, step):
    return [up - down for up, down in pairs(function, theta, step)]


def precedence(function, theta, step):
    return [(up - down) / 2 * step for up, down in pairs(function, theta, step)]


def multiplied_by_the_step(function, theta, step):
    return [(up - down) * step for up, down in pairs(function, theta, step)]


def multiplied_by_twice_the_step(function, theta, step):
    return [(up - down) * 2 * step for up, down in pairs(function, theta, step)]


def second_value_divided(function, theta, step):
    return [up - down / (2 * step) for up, down in pairs(function, theta, step)]


def one_tensor_with_two_names(function, theta, step):
    slopes = torch.zeros_like(theta)
    for d in range(len(theta)):
        ahead = behind = theta.clone()
        ahead[d] += step
        behind[d] -= step
        slopes[d] = (function(ahead) - function(behind)) / (2 * step)
    return slopes


def behind_minus_ahead(function, theta, step):
    return [(down - up) / (2 * step) for up, down in pairs(function, theta, step)]


def all_at_once(function, theta, step):
    return (function(theta + step) - function(theta - step)) / (2 * step)


def all_at_once_in_a_loop(function, theta, step):
    slopes = torch.zeros(len(theta), dtype=theta.dtype)
    for d in range(len(theta)):
        slopes[d] = (function(theta + step) - function(theta - step)) / (2 * step)
    return slopes


def left_where_it_was(function, theta, step):
    theta = theta.clone()
    slopes = []
    for d in range(len(theta)):
        theta[d] += step
        up = function(theta)
        theta[d] -= 2 * step
        slopes.append((up - function(theta)) / (2 * step))
    return slopes


def half_way_back(function, theta, step):
    moved, slopes = theta.clone(), []
    for d in range(len(theta)):
        moved[d] = theta[d] + step
        up = function(moved)
        moved[d] -= step
        slopes.append((up - function(moved)) / (2 * step))
    return slopes


def added_up(function, theta, step):
    return sum((up - down) / (2 * step) for up, down in pairs(function, theta, step))


def first_pass(function, theta, step):
    for up, down in pairs(function, theta, step):
        return (up - down) / (2 * step)


def first_pass_in_a_list(function, theta, step):
    slopes = []
    for up, down in pairs(function, theta, step):
        slopes.append((up - down) / (2 * step))
        return slopes


# The number of trajectories


def sequences_of_actions(num_states, num_actions, horizon):
    return len(list(itertools.product(range(num_actions), repeat=horizon)))


def starts_and_actions(num_states, num_actions, horizon):
    return num_states * math.prod([num_actions] * horizon)


def sequences_of_states(num_states, num_actions, horizon):
    return num_states * num_states**horizon


def sequences_of_later_states(num_states, num_actions, horizon):
    return math.prod(num_states for _ in range(horizon))


def start_forgotten(num_states, num_actions, horizon):
    return num_actions**horizon * num_states**horizon


def one_step_short(num_states, num_actions, horizon):
    K = num_states
    for _ in range(1, horizon):
        K *= num_actions * num_states
    return K


def an_action_at_the_end(num_states, num_actions, horizon):
    return (num_states * num_actions) ** (horizon + 1)


def one_step_more(num_states, num_actions, horizon):
    K = num_states
    for _ in range(horizon + 1):
        K = K * num_states * num_actions
    return K


def a_product_of_sizes(num_states, num_actions, horizon):
    return math.prod([num_states, num_actions, horizon])


def added_steps(num_states, num_actions, horizon):
    K = num_states
    for _ in range(horizon):
        K += num_states * num_actions * num_states
    return K


def steps_in_proportion(num_states, num_actions, horizon):
    return horizon * num_actions * num_states**2


def action_or_state(num_states, num_actions, horizon):
    return num_states * pow(num_actions + num_states, horizon)


def action_or_state_without_start(num_states, num_actions, horizon):
    return math.prod([num_states + num_actions] * horizon)


WRONG_ANSWERS = {
    "gradient_by_enumeration": {
        "this is the mean over the K trajectories": [averaged],
        "the returns are not in it": [returns_unused, unweighted_mean],
        "the sum runs along the parameters": [along_the_parameters],
        "these are the terms of the sum": [terms_unsummed],
        "one number for all parameters together": [grand_total, grand_mean],
        "the signs of the gradients are lost": [sizes_of_slopes, sizes_of_terms],
        "the sign of the returns is lost": [sizes_of_returns, squared_returns],
        "the sign is turned round": [as_a_loss],
        "the returns are put together first": [
            totals_multiplied,
            mean_return_times_sum,
            means_multiplied,
            sum_times_mean,
        ],
    },
    "finite_difference": {
        "this is a one-sided difference": [one_step_ahead, one_step_behind],
        "a factor of 2 is missing": [twice_too_steep],
        "the difference is not divided by anything": [undivided],
        "the difference is multiplied by the step": [
            precedence,
            multiplied_by_the_step,
            multiplied_by_twice_the_step,
        ],
        "only the second value is divided": [second_value_divided],
        "both values are taken at the same place": [one_tensor_with_two_names],
        "the sign is turned round": [behind_minus_ahead],
        "all parameters are moved at once": [all_at_once, all_at_once_in_a_loop],
        "is not put back before the next one moves": [left_where_it_was],
        "the second value is taken at theta itself": [half_way_back],
        "the slopes are added up": [added_up],
        "only the first slope is in the result": [first_pass, first_pass_in_a_list],
    },
    "number_of_trajectories": {
        "only the actions are counted": [sequences_of_actions, starts_and_actions],
        "only the states are counted": [
            sequences_of_states,
            sequences_of_later_states,
        ],
        "the start is forgotten": [start_forgotten],
        "that is one step too few": [one_step_short],
        "that is one action too many": [an_action_at_the_end, one_step_more],
        "the steps are multiplied by their number": [
            a_product_of_sizes,
            added_steps,
            steps_in_proportion,
        ],
        "the choices of a step are added": [
            action_or_state,
            action_or_state_without_start,
        ],
    },
}


# Right answers


def gradient_by_loops(returns, probability_gradients):
    total = [0.0] * probability_gradients.shape[1]
    for k in range(len(returns)):
        for d in range(len(total)):
            total[d] += float(returns[k] * probability_gradients[k, d])
    return total


def gradient_by_matmul(returns, probability_gradients):
    return returns @ probability_gradients


def gradient_by_numpy(returns, probability_gradients):
    return np.tensordot(returns.numpy(), probability_gradients.numpy(), axes=1)


def difference_by_units(function, theta, step):
    return [(up - down) / (2 * step) for up, down in pairs(function, theta, step)]


def difference_by_halves(function, theta, step):
    slopes = torch.empty_like(theta)
    for d, value in enumerate(theta.tolist()):
        moved = theta.clone()
        moved[d] = value + step
        ahead = function(moved)
        moved[d] = value - step
        slopes[d] = 0.5 * (ahead - function(moved)) / step
    return slopes


def difference_in_numpy(function, theta, step):
    sides = np.array(
        [[float(v) for v in pair] for pair in pairs(function, theta, step)]
    )
    return (sides[:, 0] - sides[:, 1]) / 2 / step


def number_by_listing(num_states, num_actions, horizon):
    step = list(itertools.product(range(num_actions), range(num_states)))
    return num_states * sum(1 for _ in itertools.product(step, repeat=horizon))


def number_by_a_loop(num_states, num_actions, horizon):
    K = num_states
    for _ in range(horizon):
        K *= num_actions
        K *= num_states
    return K


def number_by_powers(num_states, num_actions, horizon):
    return num_actions**horizon * num_states ** (horizon + 1)


RIGHT_ANSWERS = {
    "gradient_by_enumeration": [
        gradient_by_loops,
        gradient_by_matmul,
        gradient_by_numpy,
    ],
    "finite_difference": [
        difference_by_units,
        difference_by_halves,
        difference_in_numpy,
    ],
    "number_of_trajectories": [number_by_listing, number_by_a_loop, number_by_powers],
}
