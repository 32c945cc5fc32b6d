"""The exercises on estimates with less noise: weights, a baseline, leaving one out."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case
from pg_helpers import returns


def _powers(rewards: Tensor, gamma: float) -> Tensor:
    """gamma^t for t = 0, 1, ..., T - 1."""
    return gamma ** torch.arange(rewards.shape[1])


def _discounted(rewards: Tensor, gamma: float) -> Tensor:
    return _powers(rewards, gamma) * rewards


def _from_here(values: Tensor) -> Tensor:
    """Sums of each row from each column to the last."""
    return values.flip(1).cumsum(1).flip(1)


def _right_weights(rewards: Tensor, gamma: float) -> Tensor:
    return _from_here(_discounted(rewards, gamma))


discounted_rewards_to_go = Check(
    name="discounted_rewards_to_go",
    right=_right_weights,
    cases=[
        Case(
            "one trajectory with the rewards 4, 2, 8 and gamma = 0.5",
            (torch.tensor([[4.0, 2.0, 8.0]]), 0.5),
        ),
        Case(
            "two trajectories of 4 and 2 steps and gamma = 0.9",
            (torch.tensor([[1, -2, 0.5, 3], [2, 5, 0, 0]]), 0.9),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the reward-to-go as it is used in practice: its discount starts "
            "anew at every step. The weight asked for is that times gamma to the power "
            "of t. With the rewards 4, 2, 8 and gamma = 0.5 your last weight is 8, "
            "four times too large.",
            returns.rewards_to_go,
        ),
        Mistake(
            "the discount is applied twice: gamma to the power of t stands in front of "
            "a sum that already counts time from the start. With gamma = 0.5 the third "
            "weight is four times too small.",
            lambda r, gamma: _powers(r, gamma) * _right_weights(r, gamma),
        ),
        Mistake(
            "all that is still to come has one and the same discount, that of step t. "
            "Each reward keeps its own, gamma to the power of its own step k.",
            lambda r, gamma: _powers(r, gamma) * _from_here(r),
        ),
        Mistake(
            "the running sums are right, and still run backward: the first column "
            "holds the last weight. What was turned round has to be turned back.",
            lambda r, gamma: _right_weights(r, gamma).flip(1),
        ),
        Mistake(
            "nothing is discounted. These are the weights for gamma = 1, but for no "
            "smaller gamma.",
            lambda r, gamma: _from_here(r),
        ),
        Mistake(
            "every step gets the whole return. The rewards before step t are still in "
            "its weight; they add noise, and nothing to the mean.",
            lambda r, gamma: _discounted(r, gamma).sum(1, keepdim=True).expand(r.shape),
        ),
        Mistake(
            "the sum begins one step too late: the reward of step t itself is missing. "
            "It is the first that the action of step t has an influence on.",
            lambda r, gamma: _right_weights(r, gamma) - _discounted(r, gamma),
        ),
        Mistake(
            "the sum runs over the past: over the rewards up to step t, where the ones "
            "from t onward are asked for. What came before an action was not earned "
            "by it.",
            lambda r, gamma: _discounted(r, gamma).cumsum(1),
            lambda r, gamma: _discounted(r, gamma).cumsum(1) - _discounted(r, gamma),
        ),
        Mistake(
            "each step keeps its own reward only. What an action does to later rewards "
            "is lost, and with it the reason to wait for a larger one.",
            _discounted,
        ),
        Mistake(
            "this is one number for each trajectory. Each step has a weight of its own "
            "here, shape (N, T).",
            returns.total_return,
        ),
    ],
    expected=(
        "The weight of step t is the sum of the rewards from t onward, each with the "
        "discount that it has in R(tau); shape (N, T)."
    ),
    where="section 11.3, and the text of Exercise 11.1.",
    shows=(
        "each reward keeps the discount that it has in R(tau), and counts for the "
        "actions up to its own step and for no later one."
    ),
)


def _squares(scores: Tensor) -> Tensor:
    return scores.square().sum(1)


def _best_height(P: Tensor, R: Tensor, scores: Tensor) -> Tensor:
    return (P * R * _squares(scores)).sum() / (P * _squares(scores)).sum()


best_constant_baseline = Check(
    name="best_constant_baseline",
    right=_best_height,
    cases=[
        Case(
            "two trajectories with the probabilities 0.75 and 0.25, the returns 1 and "
            "3, and the scores 1 and -3",
            (
                torch.tensor([0.75, 0.25]),
                torch.tensor([1.0, 3.0]),
                torch.tensor([[1.0], [-3.0]]),
            ),
        ),
        Case(
            "three trajectories and two parameters",
            (
                torch.tensor([0.5, 0.3, 0.2]),
                torch.tensor([2.0, -1.0, 4.0]),
                torch.tensor([[1.0, 2.0], [-3.0, 0.5], [2.0, -5.75]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the mean return, the height that is commonly used. It makes the "
            "mean square of the returns as small as can be, but not that of the pulls: "
            "a trajectory with a long score pulls harder and counts for more. For "
            "the first case the mean is 1.5 and the best height 2.5.",
            lambda P, R, s: P @ R,
        ),
        Mistake(
            "the probabilities are not in it: rare trajectories count as much as "
            "frequent ones.",
            lambda P, R, s: (R * _squares(s)).sum() / _squares(s).sum(),
        ),
        Mistake(
            "the scores enter by their length, where the variance contains its square. "
            "A trajectory that pulls three times as hard then counts three times, and "
            "should count nine times.",
            lambda P, R, s: (P * R * s.norm(dim=1)).sum() / (P * s.norm(dim=1)).sum(),
        ),
        Mistake(
            "the components of a score are added up before they are squared, or not "
            "squared at all. The squared length is the sum of the squares.",
            lambda P, R, s: (P * R * s.sum(1)).sum() / (P * s.sum(1)).sum(),
            lambda P, R, s: (P * R * s.sum(1) ** 2).sum() / (P * s.sum(1) ** 2).sum(),
        ),
        Mistake(
            "the division by the mean square of the score is missing. The result then "
            "has the wrong unit: longer scores would ask for a higher baseline.",
            lambda P, R, s: (P * R * _squares(s)).sum(),
        ),
        Mistake(
            "only the numerator is weighed by the squares of the scores; what it is "
            "divided by must be weighed in the same way.",
            lambda P, R, s: (P * R * _squares(s)).sum() / (P * s.norm(dim=1)).sum(),
            lambda P, R, s: (P * R * _squares(s)).sum() / _squares(s).sum(),
        ),
        Mistake(
            "the returns are squared as well. That is the noise without a baseline, "
            "divided by that of the score, and it has the unit of a squared reward.",
            lambda P, R, s: (
                (P * R.square() * _squares(s)).sum() / (P * _squares(s)).sum()
            ),
        ),
        Mistake(
            "this is a height for each parameter. That is allowed, and can be better "
            "still, but here one number is asked for: sum over the parameters first.",
            lambda P, R, s: ((P * R) @ s.square()) / (P @ s.square()),
        ),
    ],
    expected=(
        "One number: the mean of the return, in which each trajectory counts by its "
        "probability times the squared length of its score."
    ),
    where="section 11.5, and the text of Exercise 11.2.",
    shows=(
        "no other constant gives less variance, and it is not the mean return, because "
        "long scores count for more."
    ),
)


def _others(R: Tensor) -> Tensor:
    """Mean of the other returns, for each."""
    return (R.sum() - R) / (len(R) - 1)


leave_one_out = Check(
    name="leave_one_out",
    right=lambda R: R - _others(R),
    cases=[
        Case("the returns 1 and 5", (torch.tensor([1.0, 5.0]),)),
        Case("the returns 2, -1, 0 and 7", (torch.tensor([2.0, -1.0, 0.0, 7.0]),)),
    ],
    mistakes=[
        Mistake(
            "the mean is over all returns, the trajectory's own included. A part of "
            "each return is then subtracted from itself, and the expected gradient is "
            "shorter by the factor 1 - 1/N: by half for two trajectories.",
            lambda R: R - R.mean(),
        ),
        Mistake(
            "the sum of all returns is divided by N - 1: there are N of them in it, "
            "the trajectory's own included. It is to be taken out of the sum as well.",
            lambda R: R - R.sum() / (len(R) - 1),
        ),
        Mistake(
            "the correction is applied the wrong way: minus the mean of all, a result "
            "is too short by 1 - 1/N, and yours is so twice.",
            lambda R: (R - R.mean()) * (1 - 1 / len(R)),
        ),
        Mistake(
            "these are the baselines, the means of the others. They are still to be "
            "subtracted.",
            _others,
        ),
        Mistake(
            "the sign is turned round: what is better than the others would be made "
            "rarer.",
            lambda R: _others(R) - R,
        ),
        Mistake(
            "the sum of the others is divided by N, but there are N - 1 of them. With "
            "two trajectories the baseline is half as high as it should be. It is "
            "still independent of the trajectory, so the mean is right, but there is "
            "more noise left than need be.",
            lambda R: R - (R.sum() - R) / len(R),
        ),
        Mistake(
            "the others are summed, where their mean is asked for. The baseline grows "
            "with the size of the batch.",
            lambda R: R - (R.sum() - R),
        ),
        Mistake(
            "the result is divided by the spread of the batch too. That is whitening: "
            "it changes the length of the gradient from batch to batch.",
            lambda R: (R - R.mean()) / R.std(),
            lambda R: (R - R.mean()) / R.std(correction=0),
            lambda R: (R - _others(R)) / R.std(),
        ),
        Mistake(
            "all returns are compared with one and the same trajectory. Each is to be "
            "compared with all the others.",
            lambda R: R - R[0],
            lambda R: R - R[-1],
        ),
        Mistake(
            "each return is compared with its neighbour alone. That is unbiased too, "
            "but the mean of all others is a quieter baseline than a single one.",
            lambda R: R - R.roll(1),
            lambda R: R - R.roll(-1),
        ),
    ],
    expected=(
        "Each return minus the mean of all the other returns of the batch; shape (N,)."
    ),
    where="section 11.6, and the text of Exercise 11.3.",
    shows=(
        "no return is compared with itself, so the expected gradient keeps its length, "
        "for two trajectories as for a thousand."
    ),
)
