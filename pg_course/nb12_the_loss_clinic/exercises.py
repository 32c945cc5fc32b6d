"""The exercises of the loss clinic: the check is an examination."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.examined_loss import (
    PAIRS,
    SINGLES,
    TRIPLES,
    mean_and_variance,
    mean_gradient,
    quieter_than_loss_a,
)
from pg_helpers.clinic.standard import GAMMA
from pg_helpers.returns import rewards_to_go, total_return


def _powers(rewards: Tensor) -> Tensor:
    return GAMMA ** torch.arange(rewards.shape[1])


def _total(rewards: Tensor) -> Tensor:
    """R(tau), (N, 1)."""
    return total_return(rewards, GAMMA)[:, None]


def _weighed(weights: Tensor, log_probs: Tensor, mask: Tensor) -> Tensor:
    """What a right loss takes the mean of, (N,)."""
    return -(weights * log_probs * mask).sum(1)


def _to_go(rewards: Tensor) -> Tensor:
    """gamma^t G_t, (N, T)."""
    return _powers(rewards) * rewards_to_go(rewards, GAMMA)


def _others(rewards: Tensor) -> Tensor:
    """The sum of gamma^t G_t over all other trajectories, (N, T)."""
    return _to_go(rewards).sum(0) - _to_go(rewards)


def _compared(
    weights: Tensor, log_probs: Tensor, mask: Tensor, sign: int = -1
) -> Tensor:
    """With each weight minus its mean over the other trajectories, (N,)."""
    others = (weights.sum(0) - weights) / (len(weights) - 1)
    return _weighed(weights + sign * others, log_probs, mask)


_SIGN = (
    "the mean step points straight downhill: the sign is turned round. An optimiser "
    "makes a loss smaller, and the loss is minus what is to grow."
)

mended_loss = Check(
    name="mended_loss",
    right=lambda lp, r, mask: _weighed(_total(r), lp, mask).mean(),
    observe=mean_gradient,
    cases=[SINGLES, PAIRS],
    mistakes=[
        Mistake(
            "this is still the broken loss: both faults are in it. One is in which "
            "steps push, the other in what the sum is divided by.",
            lambda lp, r, mask: -(_total(r) * lp).sum() / mask.sum(),
        ),
        Mistake(
            "the mask is in, and one fault is left: the sum is divided by the number "
            "of steps of the batch. A trajectory alone in its batch is then divided "
            "by its own length, and that turns the mean by more than 60 degrees.",
            lambda lp, r, mask: _weighed(_total(r), lp, mask).sum() / mask.sum(),
        ),
        Mistake(
            "the division is mended, and one fault is left: the padding is counted. "
            "Short episodes push on steps that nobody took, so strongly that the mean "
            "points downhill in the clinic's world.",
            lambda lp, r, mask: -(_total(r) * lp).sum(1).mean(),
        ),
        Mistake(
            "each trajectory is divided by its own number of steps. Long ones then "
            "count too little, and the mean turns by more than 60 degrees. Over steps "
            "there is a sum; only over trajectories is there a mean.",
            lambda lp, r, mask: (_weighed(_total(r), lp, mask) / mask.sum(1)).mean(),
        ),
        Mistake(
            "this is the mean over all cells of the table. The direction is right, "
            "and the length is that of a right loss divided by the number of columns.",
            lambda lp, r, mask: (-_total(r) * lp * mask).mean(),
        ),
        Mistake(
            "here every return meets every trajectory, in a table (N, N): a column "
            "(N, 1) times a row (N,). One trajectory alone is right; for a pair the "
            "mean is half as long.",
            lambda lp, r, m: -(_total(r) * (lp * m).sum(1)).mean(),
            lambda lp, r, m: -_total(r).mean() * (lp * m).sum(1).mean(),
        ),
        Mistake(
            "the trajectories are summed, not averaged. One alone is right; a pair "
            "gives a step twice as long.",
            lambda lp, r, mask: _weighed(_total(r), lp, mask).sum(),
        ),
        Mistake(_SIGN, lambda lp, r, mask: -_weighed(_total(r), lp, mask).mean()),
        Mistake(
            "the rewards are no longer discounted. The discount was not one of the "
            "faults: without it, the loss climbs another objective.",
            lambda lp, r, mask: _weighed(r.sum(1, keepdim=True), lp, mask).mean(),
        ),
        Mistake(
            "both faults are mended, and a new one has come in: rewards-to-go whose "
            "factor gamma^t is missing. That is biased, if only by a little.",
            lambda lp, r, mask: _weighed(rewards_to_go(r, GAMMA), lp, mask).mean(),
        ),
    ],
    expected=(
        "The loss is a single number, shape (). Its mean gradient over all batches is "
        "minus the gradient of J, however long the episodes are."
    ),
    where="section 12.3, loss A in section 12.1, and the text of Exercise 12.1.",
    shows=(
        "the mean of your gradient over all batches is the gradient of J, for single "
        "trajectories and for pairs."
    ),
)

to_go_loss = Check(
    name="to_go_loss",
    right=lambda lp, r, mask: _weighed(_to_go(r), lp, mask).mean(),
    observe=quieter_than_loss_a,
    cases=[SINGLES, PAIRS],
    mistakes=[
        Mistake(
            "the factor gamma^t is missing: these rewards-to-go start their discount "
            "anew at every step. The mean is off by 1 % in the clinic's world, and by "
            "more where episodes are longer.",
            lambda lp, r, mask: _weighed(rewards_to_go(r, GAMMA), lp, mask).mean(),
        ),
        Mistake(
            "unbiased, but every step is weighed with the return of the whole "
            "trajectory. Rewards from before a step add noise to it and nothing else.",
            lambda lp, r, mask: _weighed(_total(r), lp, mask).mean(),
        ),
        Mistake(
            "the discount is applied twice: to the rewards, and to their sum once "
            "more. That is the gradient for the discount gamma squared.",
            lambda lp, r, mask: _weighed(_to_go(_powers(r) * r), lp, mask).mean(),
        ),
        Mistake(
            "each step is weighed with its own reward only. What an action leads to "
            "later is credited to nobody; the mean points downhill here.",
            lambda lp, r, mask: _weighed(_powers(r) * r, lp, mask).mean(),
            lambda lp, r, mask: _weighed(r, lp, mask).mean(),
        ),
        Mistake(
            "each step is weighed with the rewards up to it, not from it on. An "
            "action cannot have caused what came before.",
            lambda lp, r, mask: _weighed((_powers(r) * r).cumsum(1), lp, mask).mean(),
        ),
        Mistake(
            "each step is weighed with what comes from the next one on. Its own "
            "reward is never credited to it.",
            lambda lp, r, mask: -(_to_go(r)[:, 1:] * lp[:, :-1]).sum(1).mean(),
            lambda lp, r, mask: (
                -(rewards_to_go(r, GAMMA)[:, 1:] * lp[:, :-1]).sum(1).mean()
            ),
        ),
        Mistake(
            "nothing is discounted: these are the rewards-to-go for gamma = 1, and of "
            "an agent that does not mind how late a reward comes.",
            lambda lp, r, mask: _weighed(rewards_to_go(r, 1.0), lp, mask).mean(),
        ),
        Mistake(
            "the weights are right, and the mean is over all steps of the batch, not "
            "over trajectories. Long and short episodes then count differently.",
            lambda lp, r, mask: _weighed(_to_go(r), lp, mask).sum() / mask.sum(),
        ),
        Mistake(
            "the mean is subtracted of rewards-to-go that the trajectory's own are "
            "among. What a step brings is then held against itself, and the mean is no "
            "longer the gradient of J.",
            lambda lp, r, m: _weighed(_to_go(r) - _to_go(r).mean(), lp, m).mean(),
            lambda lp, r, m: _weighed(_to_go(r) - _to_go(r).mean(0), lp, m).mean(),
            lambda lp, r, m: _weighed(
                _to_go(r) - _to_go(r).mean(1, keepdim=True), lp, m
            ).mean(),
            lambda lp, r, m: _weighed(
                (_to_go(r) - _to_go(r).mean()) / (_to_go(r).std() + 1e-8), lp, m
            ).mean(),
        ),
        Mistake(
            "all that is still to come has one and the same discount, that of step t. "
            "Each reward keeps its own, as in the return.",
            lambda lp, r, m: _weighed(_powers(r) * rewards_to_go(r, 1.0), lp, m).mean(),
        ),
        Mistake(
            "the weights are right, and this is the mean over all cells of the table. "
            "The length is that of a right loss divided by the number of columns.",
            lambda lp, r, m: _weighed(_to_go(r), lp, m).mean() / m.shape[1],
        ),
        Mistake(
            "the trajectories are summed, not averaged. One alone is right; a pair "
            "gives a step twice as long.",
            lambda lp, r, mask: _weighed(_to_go(r), lp, mask).sum(),
        ),
        Mistake(_SIGN, lambda lp, r, mask: -_weighed(_to_go(r), lp, mask).mean()),
    ],
    expected=(
        "The loss is a single number, shape (). Each log-probability of a step that "
        "was taken meets the rewards from that step on, discounted as they stand in "
        "the return; a baseline may be subtracted if it leaves less noise than loss A "
        "has."
    ),
    where="section 12.5, and the text of Exercise 12.2.",
    shows="your loss is unbiased, and quieter than with the whole return.",
)

leave_one_out_loss = Check(
    name="leave_one_out_loss",
    right=lambda lp, r, mask: _compared(_to_go(r), lp, mask).mean(),
    observe=mean_and_variance,
    cases=[PAIRS, TRIPLES],
    mistakes=[
        Mistake(
            "this is the mean of all trajectories, the own one included. The mean "
            "gradient is then too short, by 1 - 1/N: half as long for pairs, two "
            "thirds for three.",
            lambda lp, r, mask: _weighed(
                _to_go(r) - _to_go(r).mean(0), lp, mask
            ).mean(),
        ),
        Mistake(
            "whole returns are compared, as in section 12.7. That is unbiased, but "
            "rewards from before a step add noise to its weight.",
            lambda lp, r, mask: _compared(_total(r), lp, mask).mean(),
        ),
        Mistake(
            "the factor gamma^t is missing: these rewards-to-go start their discount "
            "anew at every step. Leaving one out adds no bias, but the one of section "
            "12.5 is in it.",
            lambda lp, r, mask: _compared(rewards_to_go(r, GAMMA), lp, mask).mean(),
        ),
        Mistake(
            "the sum of the others' numbers is subtracted, not their mean. For pairs "
            "it is the same; with more trajectories it is unbiased still, but ever "
            "noisier.",
            lambda lp, r, mask: _weighed(_to_go(r) - _others(r), lp, mask).mean(),
        ),
        Mistake(
            "the sum of the others' numbers is divided by N. There are only N - 1 of "
            "them, so the baseline is too small: no bias, but another noise than "
            "asked for.",
            lambda lp, r, mask: _weighed(
                _to_go(r) - _others(r) / len(r), lp, mask
            ).mean(),
        ),
        Mistake(
            "the mean is over those of the others that still run. That is a baseline "
            "too, and unbiased; but here one that has ended counts with 0, as nothing "
            "is to come for it.",
            lambda lp, r, mask: _weighed(
                _to_go(r) - _others(r) / (mask.sum(0) - mask * 1).clamp(min=1),
                lp,
                mask,
            ).mean(),
        ),
        Mistake(
            "no baseline is in it: these are the rewards-to-go alone. Unbiased, but "
            "not what is asked for.",
            lambda lp, r, mask: _weighed(_to_go(r), lp, mask).mean(),
        ),
        Mistake(
            "the mean of the others is added, not subtracted. It stays unbiased, and "
            "the noise grows where it should shrink.",
            lambda lp, r, mask: _compared(_to_go(r), lp, mask, sign=1).mean(),
        ),
        Mistake(
            "each step is compared with the other steps of the same trajectory. The "
            "others of the batch stand in the same column, not in the same row.",
            lambda lp, r, mask: _weighed(
                _to_go(r) - _to_go(r).sum(1, keepdim=True) / mask.sum(1, keepdim=True),
                lp,
                mask,
            ).mean(),
        ),
        Mistake(
            "the padding is counted: the mask is missing. For rewards-to-go alone "
            "that would be harmless; but behind the end the mean of the others is "
            "still subtracted, and pushes on steps that nobody took.",
            lambda lp, r, mask: _compared(_to_go(r), lp, torch.ones_like(mask)).mean(),
        ),
        Mistake(
            "the weights are right, and the mean is over all steps of the batch, not "
            "over trajectories. Long and short episodes then count differently.",
            lambda lp, r, mask: _compared(_to_go(r), lp, mask).sum() / mask.sum(),
        ),
        Mistake(
            "the trajectories are summed, not averaged: N times too long a step.",
            lambda lp, r, mask: _compared(_to_go(r), lp, mask).sum(),
        ),
        Mistake(_SIGN, lambda lp, r, mask: -_compared(_to_go(r), lp, mask).mean()),
    ],
    expected=(
        "The loss is a single number, shape (). Each step that was taken is weighed "
        "with its discounted reward-to-go, minus the mean of those of the other "
        "trajectories at the same step."
    ),
    where="sections 12.5 and 12.7, and the text of Exercise 12.3.",
    shows=(
        "each step is compared with the same step of the others only: the mean of your "
        "gradient is the gradient of J, and its noise is what it should be."
    ),
)
