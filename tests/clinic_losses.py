"""Losses, right and wrong, and what the clinic has to find in each.

All have the discount 0.9.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn.functional import pad

GAMMA = 0.9


class Patient(NamedTuple):
    """A loss, how many trajectories it needs, and what the clinic has to find.

    The cause is empty where there is no fault, and where no recipe has it. Unbiased
    losses may have a cause: that of a recipe which happens to be right on average.
    """

    loss: Callable[..., Any]
    num_trajectories: int
    unbiased: bool
    cause: str


def powers(rewards, gamma=GAMMA):
    return gamma ** torch.arange(rewards.shape[1], dtype=torch.float64)


def total(rewards, gamma=GAMMA):
    """R(tau), (N, 1)."""
    return (powers(rewards, gamma) * rewards).sum(1, keepdim=True)


def to_go(rewards, gamma=GAMMA):
    """Rewards-to-go by the definition: entry t sums gamma^(k - t) r_k."""
    times = range(rewards.shape[1])
    return torch.cat([total(rewards[:, time:], gamma) for time in times], dim=1)


def discounted_to_go(rewards, gamma=GAMMA):
    return powers(rewards, gamma) * to_go(rewards, gamma)


def without_mean_of_episode(weights, mask):
    return weights - (weights * mask).sum(1, True) / mask.sum(1, True)


def white(weights, own, correction=0):
    return (weights - own.mean()) / (own.std(correction=correction) + 1e-8)


def white_within_episodes(weights, mask):
    pairs = zip(weights, mask, strict=True)
    return torch.stack([white(row, row[taken]) for row, taken in pairs])


def white_with_padding(weights, mask):
    return (weights - weights.mean(1, True)) / weights.std(1, keepdim=True)


def summed(log_probs, weights, mask):
    """The right form, whatever the weights."""
    return -(torch.where(mask, log_probs, 0.0) * weights).sum(1).mean()


def plain(log_probs, rewards, mask):
    return summed(log_probs, total(rewards), mask)


def weighted(weigh):
    """A loss whose weights are this function of the rewards and the mask."""

    def loss(log_probs, rewards, mask):
        return summed(log_probs, weigh(rewards, mask), mask)

    return loss


def centred(change):
    return weighted(lambda rewards, mask: change(discounted_to_go(rewards), mask))


def mask_forgotten(log_probs, rewards, mask):
    return -(log_probs * total(rewards)).sum(1).mean()


def without_last(mask):
    """The mask without the last step of each episode."""
    kept = mask.clone()
    kept[torch.arange(len(mask)), mask.sum(1) - 1] = False
    return kept


def late(mask):
    return pad(mask[:, :-1], (1, 0))


def mask_late(log_probs, rewards, mask):
    return -(log_probs * late(mask) * total(rewards)).sum(1).mean()


def of_all_pairs(log_probs, rewards, mask):
    """An (N,) times an (N, 1): each return meets the actions of each trajectory."""
    return -((log_probs * mask).sum(1) * total(rewards)).mean()


def three_faults(rewards, mask):
    """Without a discount, centred, and a mean over steps: more than are named."""
    return without_mean_of_episode(to_go(rewards, 1.0), mask) / mask.sum(1, True)


def probabilities(log_probs, rewards, mask):
    return plain(log_probs.exp(), rewards, mask)


def three_times_one_minus_probability(log_probs, rewards, mask):
    return 3 * plain(1 - log_probs.exp(), rewards, mask)


def flat_batch(log_probs, rewards, mask):
    """All steps of the batch in one row: weights whitened, and one mean."""
    weights = to_go(rewards)[mask]
    return -(log_probs[mask] * white(weights, weights, correction=1)).mean()


DROPPED = "the factor gamma^t is dropped"
NOT_DISCOUNTED = "the rewards are not discounted"
TWICE = "the discount is applied twice"
OTHER = "the discount is {}, not the gamma that it was examined with"
SAME = "only the reward of the same step is credited"
PAST = "each action is credited with the rewards up to it, not from it on"
LATE = "rewards come a step late: each action is credited from the next one on"
EARLY = "rewards come a step early: each action is credited with the one before it too"
EARLY += ", the first with nothing"
ADDED = "the returns of all steps are added up before they are multiplied"
OTHERS = "the mean of the other trajectories is subtracted"
MEAN = "the mean over {} is subtracted"
MEAN_PADDED = "the mean over {}, padding included, is subtracted"
WHITE = "returns are whitened over {}"
STEPS = "all steps of the batch"
PADDED = ", padding included"
T_STEPS = "the mean is over all T steps, padding included"
OWN_STEPS = "each episode's steps are averaged, not summed"
ALL_STEPS = "the mean is over all steps, not over trajectories"
LAST_ACTION = "the last action of each episode is left out"
LAST_REWARD = "the last reward of each episode is lost"
LATE_MASK = "the mask is a step late"
PRODUCT = "each return is multiplied with the actions of every trajectory, as where "
PRODUCT += "(N, 1) meets (N,)"
PROBABILITY = "probabilities are used in place of log-probabilities"

# What multiplies the log-probability of each step, from rewards r and mask m (N, T).
RIGHT_WEIGHTS = [
    (1, "", lambda r, m: total(r)),
    (2, "", lambda r, m: total(r)),
    (1, "", lambda r, m: discounted_to_go(r)),
    (1, "", lambda r, m: total(r) - 0.7),
    (2, OTHERS, lambda r, m: total(r) - total(r).flip(0)),
]
WRONG_WEIGHTS = [
    (1, "", lambda r, m: total(r) ** 2),
    (1, "no reward is in it", lambda r, m: torch.ones_like(r)),
    (1, DROPPED, lambda r, m: to_go(r)),
    (1, NOT_DISCOUNTED, lambda r, m: total(r, 1.0)),
    (1, NOT_DISCOUNTED, lambda r, m: to_go(r, 1.0)),
    (1, TWICE, lambda r, m: total(powers(r) * r)),
    (1, TWICE, lambda r, m: to_go(powers(r) * r)),
    (1, TWICE, lambda r, m: discounted_to_go(powers(r) * r)),
    (1, OTHER.format(0.95), lambda r, m: total(r, 0.95)),
    (1, OTHER.format(0.98), lambda r, m: total(r, 0.98)),
    (1, OTHER.format(0.99), lambda r, m: discounted_to_go(r, 0.99)),
    (1, OTHER.format(0.995), lambda r, m: total(r, 0.995)),
    (1, f"{OTHER.format(0.999)}, and {DROPPED}", lambda r, m: to_go(r, 0.999)),
    (1, SAME, lambda r, m: r),
    (1, SAME, lambda r, m: powers(r) * r),
    (1, PAST, lambda r, m: r.cumsum(1)),
    (1, PAST, lambda r, m: (powers(r) * r).cumsum(1)),
    (1, LATE, lambda r, m: pad(r[:, 1:], (0, 1))),
    (1, LATE, lambda r, m: pad(to_go(r)[:, 1:], (0, 1))),
    (1, LATE, lambda r, m: pad(discounted_to_go(r)[:, 1:], (0, 1))),
    (1, EARLY, lambda r, m: pad(to_go(r)[:, :-1], (1, 0))),
    (1, EARLY, lambda r, m: pad(discounted_to_go(r)[:, :-1], (1, 0))),
    (1, ADDED, lambda r, m: to_go(r).sum(1, True)),
    (1, ADDED, lambda r, m: discounted_to_go(r).sum(1, True)),
    (1, "the sign is flipped", lambda r, m: -total(r)),
    (1, LAST_ACTION, lambda r, m: discounted_to_go(r) * without_last(m)),
    (1, LAST_REWARD, lambda r, m: discounted_to_go(r * without_last(m))),
    (1, LAST_REWARD, lambda r, m: total(r * without_last(m))),
    (1, T_STEPS, lambda r, m: total(r) / m.shape[1]),
    (2, T_STEPS, lambda r, m: total(r) / m.shape[1]),
    (1, OWN_STEPS, lambda r, m: total(r) / m.sum(1, True)),
    (2, MEAN.format("the batch"), lambda r, m: total(r) - total(r).mean()),
    (2, WHITE.format("the batch"), lambda r, m: white(total(r), total(r))),
    (2, ALL_STEPS, lambda r, m: 2 * total(r) / m.sum()),
    (2, "trajectories are summed, not averaged", lambda r, m: len(r) * total(r)),
]
# The same for two trajectories, from the discounted rewards-to-go w (N, T) and m.
CENTRED_WEIGHTS = [
    (MEAN.format("the batch"), lambda w, m: w - (w * m).sum(0) / m.sum(0).clamp(1)),
    (MEAN.format("the episode"), without_mean_of_episode),
    (MEAN_PADDED.format("the episode"), lambda w, m: w - w.mean(1, True)),
    (MEAN.format(STEPS), lambda w, m: w - w[m].mean()),
    (MEAN_PADDED.format(STEPS), lambda w, m: w - w.mean()),
    (WHITE.format("the episode"), white_within_episodes),
    (WHITE.format(f"the episode{PADDED}"), white_with_padding),
    (WHITE.format(STEPS), lambda w, m: white(w, w[m])),
    (WHITE.format(f"{STEPS}{PADDED}"), lambda w, m: white(w, w)),
]
OTHER_FORMS = [
    Patient(mask_forgotten, 1, False, "the mask is forgotten"),
    Patient(mask_late, 1, False, LATE_MASK),
    Patient(of_all_pairs, 2, False, PRODUCT),
    Patient(probabilities, 1, False, PROBABILITY),
    Patient(
        three_times_one_minus_probability,
        1,
        False,
        f"the sign is flipped, and {PROBABILITY}, and all of it is multiplied by 3",
    ),
    Patient(weighted(three_faults), 1, False, ""),
    Patient(
        flat_batch, 2, False, f"{DROPPED}, and {WHITE.format(STEPS)}, and {ALL_STEPS}"
    ),
]
PATIENTS = [
    *[Patient(weighted(weigh), n, True, cause) for n, cause, weigh in RIGHT_WEIGHTS],
    *[Patient(weighted(weigh), n, False, cause) for n, cause, weigh in WRONG_WEIGHTS],
    *[Patient(centred(change), 2, False, cause) for cause, change in CENTRED_WEIGHTS],
    *OTHER_FORMS,
]
