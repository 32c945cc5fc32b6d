"""Answers to the exercises of notebook 12."""

import torch

GAMMA = 0.95


# As learners write them: loops and einsum, where the checks have sums of tensors.
def returns_of(rewards):
    """R(tau) by Horner's rule, a number for each row."""
    values = []
    for row in rewards.tolist():
        value = 0.0
        for reward in reversed(row):
            value = reward + GAMMA * value
        values.append(value)
    return torch.tensor(values, dtype=rewards.dtype)


def from_here(rewards, gamma=GAMMA):
    """G_t by a loop from the end."""
    table = torch.zeros_like(rewards)
    ahead = torch.zeros(len(rewards), dtype=rewards.dtype)
    for t in range(rewards.shape[1] - 1, -1, -1):
        ahead = rewards[:, t] + gamma * ahead
        table[:, t] = ahead
    return table


def times_gamma_t(table):
    factors = torch.tensor([GAMMA**t for t in range(table.shape[1])]).to(table)
    return table * factors


def summed(log_probs, mask):
    """ln P of the steps taken, (N,)."""
    return torch.where(mask, log_probs, 0).sum(1)


def step_by_step(weights, log_probs, mask):
    """The sum over all cells of weight times log-probability, taken steps only."""
    return torch.einsum("nt,nt,nt->", weights, log_probs, mask.to(weights))


# Mend a loss
def mended_by_einsum(log_probs, rewards, mask):
    return -torch.dot(returns_of(rewards), summed(log_probs, mask)) / len(rewards)


def mended_by_loop(log_probs, rewards, mask):
    total = 0
    for row, value, taken in zip(log_probs, returns_of(rewards), mask, strict=True):
        total = total - value * row[taken].sum()
    return total / mask.shape[0]


def mended_by_rewards_to_go(log_probs, rewards, mask):
    weights = times_gamma_t(from_here(rewards))
    return -step_by_step(weights, log_probs, mask) / len(mask)


def as_it_was(log_probs, rewards, mask):
    return -(returns_of(rewards) @ log_probs).sum() / mask.sum()


def only_masked(log_probs, rewards, mask):
    return mended_by_einsum(log_probs, rewards, mask) * len(mask) / mask.sum()


def only_divided(log_probs, rewards, mask):
    return -(returns_of(rewards) * log_probs.sum(1)).sum() / len(rewards)


def by_own_length(log_probs, rewards, mask):
    rows = [row[taken].mean() for row, taken in zip(log_probs, mask, strict=True)]
    return -(returns_of(rewards) * torch.stack(rows)).mean()


def by_cells(log_probs, rewards, mask):
    return mended_by_einsum(log_probs, rewards, mask) / mask.shape[1]


def summed_trajectories(log_probs, rewards, mask):
    return mended_by_einsum(log_probs, rewards, mask) * len(mask)


def turned(log_probs, rewards, mask):
    return torch.dot(returns_of(rewards), summed(log_probs, mask)) / len(rewards)


def undiscounted(log_probs, rewards, mask):
    return -(rewards.sum(1) * summed(log_probs, mask)).mean()


def starting_anew(log_probs, rewards, mask):
    return -step_by_step(from_here(rewards), log_probs, mask) / len(mask)


# Rewards-to-go
def to_go_by_subtraction(log_probs, rewards, mask):
    each = times_gamma_t(rewards)
    before = each.cumsum(1) - each
    weights = each.sum(1, keepdim=True) - before
    return -step_by_step(weights, log_probs, mask) / len(mask)


def to_go_without_mask(log_probs, rewards, mask):
    # After the end nothing is to come: these weights are zero there.
    return -(times_gamma_t(from_here(rewards)) * log_probs).sum() / len(mask)


def twice(log_probs, rewards, mask):
    weights = times_gamma_t(from_here(times_gamma_t(rewards)))
    return -step_by_step(weights, log_probs, mask) / len(mask)


def own_reward(log_probs, rewards, mask):
    return -step_by_step(times_gamma_t(rewards), log_probs, mask) / len(mask)


def own_reward_in_full(log_probs, rewards, mask):
    return -step_by_step(rewards, log_probs, mask) / len(mask)


def so_far(log_probs, rewards, mask):
    weights = times_gamma_t(rewards).cumsum(dim=1)
    return -step_by_step(weights, log_probs, mask) / len(mask)


def too_late(log_probs, rewards, mask):
    weights = times_gamma_t(from_here(rewards)).roll(-1, dims=1)
    weights[:, -1] = 0
    return -step_by_step(weights, log_probs, mask) / len(mask)


def to_go_of_all(log_probs, rewards, mask):
    return -step_by_step(from_here(rewards, 1.0), log_probs, mask) / len(mask)


def to_go_over_steps(log_probs, rewards, mask):
    return to_go_by_subtraction(log_probs, rewards, mask) * len(mask) / mask.sum()


def to_go_summed(log_probs, rewards, mask):
    return to_go_by_subtraction(log_probs, rewards, mask) * len(mask)


def to_go_turned(log_probs, rewards, mask):
    return -to_go_by_subtraction(log_probs, rewards, mask)


# Leave one out
def to_come(rewards):
    return times_gamma_t(from_here(rewards))


def mean_of_others(values):
    """By a loop that leaves each row out in turn."""
    means = []
    for i in range(len(values)):
        rest = torch.cat([values[:i], values[i + 1 :]])
        means.append(rest.mean(dim=0))
    return torch.stack(means)


def compared(weights, log_probs, mask):
    return -step_by_step(weights, log_probs, mask) / len(weights)


def left_out_by_loop(log_probs, rewards, mask):
    values = to_come(rewards)
    return compared(values - mean_of_others(values), log_probs, mask)


def left_out_by_factor(log_probs, rewards, mask):
    values = to_come(rewards)
    N = len(values)
    return compared((values - values.mean(dim=0)) * N / (N - 1), log_probs, mask)


def left_out_by_entries(log_probs, rewards, mask):
    values, total = to_come(rewards), 0
    N = len(values)
    for i in range(N):
        for t in range(int(mask[i].sum())):
            others = sum(values[j, t] for j in range(N) if j != i) / (N - 1)
            total = total - (values[i, t] - others) * log_probs[i, t]
    return total / N


def own_included(log_probs, rewards, mask):
    values = to_come(rewards)
    return compared(values - values.mean(dim=0), log_probs, mask)


def returns_left_out(log_probs, rewards, mask):
    values = returns_of(rewards)[:, None]
    return compared(values - mean_of_others(values), log_probs, mask)


def left_out_starting_anew(log_probs, rewards, mask):
    values = from_here(rewards)
    return compared(values - mean_of_others(values), log_probs, mask)


def sum_of_others(log_probs, rewards, mask):
    values = to_come(rewards)
    N = len(values)
    return compared(values - (N - 1) * mean_of_others(values), log_probs, mask)


def divided_by_all(log_probs, rewards, mask):
    values = to_come(rewards)
    N = len(values)
    return compared(values - mean_of_others(values) * (N - 1) / N, log_probs, mask)


def others_still_running(log_probs, rewards, mask):
    values = to_come(rewards)
    weights = values.clone()
    for i in range(len(values)):
        for t in range(values.shape[1]):
            running = [j for j in range(len(values)) if j != i and mask[j, t]]
            if running:
                weights[i, t] -= values[running, t].mean()
    return compared(weights, log_probs, mask)


def added(log_probs, rewards, mask):
    values = to_come(rewards)
    return compared(values + mean_of_others(values), log_probs, mask)


def centred_in_the_row(log_probs, rewards, mask):
    values = to_come(rewards)
    means = [row[taken].mean() for row, taken in zip(values, mask, strict=True)]
    return compared(values - torch.stack(means)[:, None], log_probs, mask)


def padding_counted(log_probs, rewards, mask):
    values = to_come(rewards)
    weights = values - mean_of_others(values)
    return -(weights * log_probs).sum(1).mean()


def left_out_over_steps(log_probs, rewards, mask):
    return left_out_by_loop(log_probs, rewards, mask) * len(mask) / mask.sum()


def left_out_summed(log_probs, rewards, mask):
    return left_out_by_loop(log_probs, rewards, mask) * len(mask)


def left_out_turned(log_probs, rewards, mask):
    return -left_out_by_loop(log_probs, rewards, mask)


RIGHT_ANSWERS = {
    "mended_loss": [mended_by_einsum, mended_by_loop, mended_by_rewards_to_go],
    "to_go_loss": [
        mended_by_rewards_to_go,
        to_go_by_subtraction,
        to_go_without_mask,
    ],
    "leave_one_out_loss": [
        left_out_by_loop,
        left_out_by_factor,
        left_out_by_entries,
    ],
}

WRONG_ANSWERS = {
    "mended_loss": {
        "both faults are in it": [as_it_was],
        "divided by the number of steps of the batch": [only_masked],
        "the padding is counted": [only_divided],
        "divided by its own number of steps": [by_own_length],
        "the mean over all cells": [by_cells],
        "summed, not averaged": [summed_trajectories],
        "the sign is turned round": [turned],
        "no longer discounted": [undiscounted],
        "a new one has come in": [starting_anew],
    },
    "to_go_loss": {
        "start their discount anew": [starting_anew],
        "the return of the whole trajectory": [mended_by_einsum],
        "the discount is applied twice": [twice],
        "with its own reward only": [own_reward, own_reward_in_full],
        "the rewards up to it": [so_far],
        "from the next one on": [too_late],
        "nothing is discounted": [to_go_of_all],
        "over all steps of the batch": [to_go_over_steps],
        "summed, not averaged": [to_go_summed],
        "the sign is turned round": [to_go_turned],
    },
    "leave_one_out_loss": {
        "the own one included": [own_included],
        "is subtracted, not their mean": [sum_of_others],
        "divided by N.": [divided_by_all],
        "whole returns are compared": [returns_left_out],
        "the factor gamma^t is missing": [left_out_starting_anew],
        "over those of the others that still run": [others_still_running],
        "no baseline is in it": [mended_by_rewards_to_go],
        "is added, not subtracted": [added],
        "the padding is counted": [padding_counted],
        "the other steps of the same trajectory": [centred_in_the_row],
        "over all steps of the batch": [left_out_over_steps],
        "summed, not averaged": [left_out_summed],
        "the sign is turned round": [left_out_turned],
    },
}
