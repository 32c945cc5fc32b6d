"""Losses, right and wrong, as they are found in the wild, and what is wrong with each.

All have the discount 0.9.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

GAMMA = 0.9


def powers(rewards):
    return GAMMA ** torch.arange(rewards.shape[1], dtype=torch.float64)


def total(rewards):
    """R(tau), (N,)."""
    return (powers(rewards) * rewards).sum(1)


def to_go(rewards):
    """Rewards-to-go by the definition: entry t sums gamma^(k - t) r_k."""
    columns = []
    for time in range(rewards.shape[1]):
        columns.append(total(rewards[:, time:]))
    return torch.stack(columns, dim=1)


def summed(log_probs, weights, mask):
    """The right form, whatever the weights."""
    return -(torch.where(mask, log_probs, 0.0) * weights).sum(1).mean()


def plain(log_probs, rewards, mask):
    return summed(log_probs, total(rewards)[:, None], mask)


def sign_flipped(log_probs, rewards, mask):
    return -plain(log_probs, rewards, mask)


def mask_forgotten(log_probs, rewards, mask):
    return -(log_probs.sum(1) * total(rewards)).mean()


def mean_over_all_entries(log_probs, rewards, mask):
    return -(torch.where(mask, log_probs, 0.0) * total(rewards)[:, None]).mean()


def mean_over_steps_of_the_batch(log_probs, rewards, mask):
    return -(log_probs * total(rewards)[:, None])[mask].mean()


def mean_log_prob_times_return(log_probs, rewards, mask):
    mean = (log_probs * mask).sum(1) / mask.sum(1)
    return -(mean * total(rewards)).mean()


def summed_over_trajectories(log_probs, rewards, mask):
    return len(mask) * plain(log_probs, rewards, mask)


def probabilities(log_probs, rewards, mask):
    return summed(log_probs.exp(), total(rewards)[:, None], mask)


def one_minus_probability(log_probs, rewards, mask):
    return summed(1 - log_probs.exp(), total(rewards)[:, None], mask)


def discounted_to_go(log_probs, rewards, mask):
    return summed(log_probs, powers(rewards) * to_go(rewards), mask)


def gamma_t_dropped(log_probs, rewards, mask):
    return summed(log_probs, to_go(rewards), mask)


def not_discounted(log_probs, rewards, mask):
    return summed(log_probs, rewards.sum(1, keepdim=True), mask)


def discounted_twice(log_probs, rewards, mask):
    return summed(log_probs, to_go(powers(rewards) * rewards), mask)


def other_discount(log_probs, rewards, mask):
    weights = 0.99 ** torch.arange(rewards.shape[1], dtype=torch.float64) * rewards
    return summed(log_probs, weights.sum(1, keepdim=True), mask)


def same_step_reward(log_probs, rewards, mask):
    return summed(log_probs, rewards, mask)


def rewards_late(log_probs, rewards, mask):
    return summed(log_probs[:, :-1], to_go(rewards)[:, 1:], mask[:, :-1])


def rewards_early(log_probs, rewards, mask):
    return summed(log_probs[:, 1:], to_go(rewards)[:, :-1], mask[:, 1:])


def past_rewards(log_probs, rewards, mask):
    return summed(log_probs, rewards.cumsum(1), mask)


def returns_added_up(log_probs, rewards, mask):
    return summed(log_probs, to_go(rewards).sum(1, keepdim=True), mask)


def constant_baseline(log_probs, rewards, mask):
    return summed(log_probs, total(rewards)[:, None] - 0.7, mask)


def baseline_by_time(log_probs, rewards, mask):
    heights = torch.tensor([0.7, -0.2, 1.5, 0.4], dtype=torch.float64)
    return summed(log_probs, total(rewards)[:, None] - heights, mask)


def baseline_that_saw_the_action(log_probs, rewards, mask):
    return summed(log_probs, total(rewards)[:, None] - log_probs.detach(), mask)


def no_reward(log_probs, rewards, mask):
    return summed(log_probs, torch.ones_like(rewards), mask)


def batch_mean(log_probs, rewards, mask):
    weights = total(rewards)
    return summed(log_probs, (weights - weights.mean())[:, None], mask)


def leave_one_out(log_probs, rewards, mask):
    weights, number = total(rewards), len(rewards)
    others = (weights.sum() - weights) / (number - 1)
    return summed(log_probs, (weights - others)[:, None], mask)


def whitened_over_batch(log_probs, rewards, mask):
    weights = total(rewards)
    white = (weights - weights.mean()) / (weights.std(correction=0) + 1e-8)
    return summed(log_probs, white[:, None], mask)


def advantages_whitened_over_steps(log_probs, rewards, mask):
    """Rewards-to-go without gamma^t, whitened over all steps of the batch."""
    taken = to_go(rewards)[mask]
    white = (to_go(rewards) - taken.mean()) / (taken.std() + 1e-8)
    return summed(log_probs, white, mask)


def mean_within_episode(log_probs, rewards, mask):
    weights = to_go(rewards)
    mean = (weights * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)
    return summed(log_probs, weights - mean, mask)


def whitened_within_episode(log_probs, rewards, mask):
    rows = []
    for row, weights, taken in zip(log_probs, to_go(rewards), mask, strict=True):
        own = weights[taken]
        white = (own - own.mean()) / (own.std(correction=0) + 1e-8)
        rows.append(-(row[taken] * white).sum())
    return torch.stack(rows).mean()


def squared_return(log_probs, rewards, mask):
    """No known fault, but wrong."""
    return summed(log_probs, total(rewards)[:, None] ** 2, mask)


class Patient(NamedTuple):
    """A loss, how many trajectories it needs, and what the clinic is to find.

    A cause of None is one that no recipe has; unbiased losses may still have a cause,
    that of a recipe which happens to be right on average.
    """

    loss: Callable[..., Any]
    num_trajectories: int
    unbiased: bool
    cause: str | None


DROPPED = "the factor gamma^t is dropped"
LATE = "rewards come a step late: each action is credited from the next one on"
EARLY = (
    "rewards come a step early: each action is credited with the one before it too, "
    "the first with nothing"
)
PROBABILITY = "probabilities stand where log-probabilities belong"
OWN_STEPS = "the mean over each episode's steps stands for their sum"

PATIENTS = [
    Patient(plain, 1, True, ""),
    Patient(plain, 2, True, ""),
    Patient(discounted_to_go, 1, True, ""),
    Patient(constant_baseline, 1, True, None),
    Patient(baseline_by_time, 1, True, None),
    Patient(leave_one_out, 2, True, "the mean of the other trajectories is subtracted"),
    Patient(sign_flipped, 1, False, "the sign is flipped"),
    Patient(mask_forgotten, 1, False, "the mask is forgotten"),
    Patient(
        mean_over_all_entries,
        1,
        False,
        "the mean is over all T steps, padding included",
    ),
    Patient(mean_log_prob_times_return, 1, False, OWN_STEPS),
    Patient(
        mean_over_steps_of_the_batch,
        2,
        False,
        "the mean is over all steps, not over trajectories",
    ),
    Patient(
        summed_over_trajectories, 2, False, "trajectories are summed, not averaged"
    ),
    Patient(probabilities, 1, False, PROBABILITY),
    Patient(one_minus_probability, 1, False, f"the sign is flipped, and {PROBABILITY}"),
    Patient(gamma_t_dropped, 1, False, DROPPED),
    Patient(not_discounted, 1, False, "the rewards are not discounted"),
    Patient(discounted_twice, 1, False, "the discount is applied twice"),
    Patient(
        other_discount,
        1,
        False,
        "the discount is 0.99, not the gamma that it was examined with",
    ),
    Patient(same_step_reward, 1, False, "only the reward of the same step is credited"),
    Patient(rewards_late, 1, False, LATE),
    Patient(rewards_early, 1, False, EARLY),
    Patient(
        past_rewards,
        1,
        False,
        "each action is credited with the rewards up to it, not from it on",
    ),
    Patient(
        returns_added_up,
        1,
        False,
        "the returns of all steps are added up before they are multiplied",
    ),
    Patient(baseline_that_saw_the_action, 1, False, None),
    Patient(no_reward, 1, False, "no reward is in it"),
    Patient(batch_mean, 2, False, "the mean over the batch is subtracted"),
    Patient(whitened_over_batch, 2, False, "returns are whitened over the batch"),
    Patient(
        advantages_whitened_over_steps,
        2,
        False,
        f"{DROPPED}, and returns are whitened over all steps of the batch",
    ),
    Patient(
        mean_within_episode,
        1,
        False,
        f"{DROPPED}, and the mean over the episode is subtracted",
    ),
    Patient(
        whitened_within_episode,
        1,
        False,
        f"{DROPPED}, and returns are whitened over the episode",
    ),
    Patient(squared_return, 1, False, None),
]
