"""The exercises on J: its weights, the sum over all trajectories, an estimate."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case


def _weights(gamma: float, horizon: int) -> Tensor:
    """gamma^t for t = 0, 1, ..., T - 1, Eq. (6)."""
    return gamma ** torch.arange(horizon, dtype=torch.float64)


def _standard_error(returns: Tensor) -> Tensor:
    return returns.std() / len(returns) ** 0.5


discount_weights = Check(
    name="discount_weights",
    right=_weights,
    cases=[
        Case("gamma = 0.5 and 4 steps", (0.5, 4)),
        Case("gamma = 0.9 and 3 steps", (0.9, 3)),
        Case("gamma = 1 and 2 steps", (1.0, 2)),
    ],
    mistakes=[
        Mistake(
            "the first weight is gamma, where it should be 1. Time is counted from 0, "
            "and nobody has waited for the first reward. With yours every return comes "
            "out gamma times too small.",
            lambda gamma, horizon: gamma * _weights(gamma, horizon),
        ),
        Mistake(
            "there is one weight too many. T steps pay T rewards, and the last of them "
            "is r_(T-1): the sum in Eq. (6) ends at T - 1.",
            lambda gamma, horizon: _weights(gamma, horizon + 1),
            lambda gamma, horizon: gamma * _weights(gamma, horizon + 1),
        ),
        Mistake(
            "there is one weight too few. The sum in Eq. (6) runs from 0 to T - 1, "
            "both included: that makes T terms.",
            lambda gamma, horizon: _weights(gamma, horizon - 1),
            lambda gamma, horizon: gamma * _weights(gamma, horizon - 1),
        ),
        Mistake(
            "gamma is multiplied by the time, where Eq. (6) has a power. Your weights "
            "grow with the waiting, and the first reward counts nothing.",
            lambda gamma, horizon: gamma * torch.arange(horizon),
        ),
        Mistake(
            "base and exponent have changed places: this is time to the power of "
            "gamma, and it grows. The weight is gamma to the power of time.",
            lambda gamma, horizon: torch.arange(horizon) ** gamma,
        ),
        Mistake(
            "gamma is taken for what a step of waiting takes away. It is what is left: "
            "with 0.9, a reward one step later counts 0.9; with yours 0.1.",
            lambda gamma, horizon: _weights(1 - gamma, horizon),
        ),
        Mistake(
            "gamma is taken for a rate of interest. It is itself the factor by which a "
            "step of waiting multiplies a reward: with 0.9, one step later counts 0.9; "
            "with yours about 0.53.",
            lambda gamma, horizon: _weights(1 / (1 + gamma), horizon),
        ),
        Mistake(
            "the weights grow with the waiting: each is the one before divided by "
            "gamma, where it should be multiplied.",
            lambda gamma, horizon: 1 / _weights(gamma, horizon),
        ),
        Mistake(
            "the weights run backward: the last reward counts in full and the first "
            "the least. It is what lies far ahead that counts less.",
            lambda gamma, horizon: _weights(gamma, horizon).flip(0),
        ),
        Mistake(
            "every step has the same weight. The longer a reward has to be waited for, "
            "the less it counts.",
            lambda gamma, horizon: torch.full((horizon,), gamma),
            lambda gamma, horizon: torch.ones(horizon),
        ),
        Mistake(
            "this is one number, the weights added up. What is asked for is the weight "
            "of each step, before anything is added.",
            lambda gamma, horizon: _weights(gamma, horizon).sum(),
        ),
        Mistake(
            "these are running totals of the weights: the second is already larger "
            "than the first. Each step has one weight of its own.",
            lambda gamma, horizon: _weights(gamma, horizon).cumsum(0),
        ),
        Mistake(
            "only a single weight is in the result. Does your loop return in its first "
            "pass, or keep only what it found last?",
            lambda gamma, horizon: _weights(gamma, horizon)[0],
            lambda gamma, horizon: _weights(gamma, horizon)[-1],
        ),
    ],
    expected=(
        "The result has a number for each step, shape (T,): how much a reward of 1 at "
        "that step counts."
    ),
    where="Eq. (6), in section 2.2 and in the text of Exercise 2.1.",
    shows=(
        "T weights for T steps, the first of them 1, each later one gamma times the "
        "one before; at gamma = 1 all are 1."
    ),
)

expected_return = Check(
    name="expected_return",
    right=lambda returns, probabilities: (returns * probabilities).sum(),
    cases=[
        Case(
            "two trajectories with the returns 8 and 0 and the probabilities 0.25 and "
            "0.75",
            (torch.tensor([8.0, 0.0]), torch.tensor([0.25, 0.75])),
        ),
        Case(
            "four trajectories with the returns -1, 2, 0.5 and 3 and the probabilities "
            "0.1, 0.2, 0.4 and 0.3",
            (torch.tensor([-1.0, 2.0, 0.5, 3.0]), torch.tensor([0.1, 0.2, 0.4, 0.3])),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the plain mean of the returns, over the list. The probabilities "
            "are not in it: a story that almost never happens counts as much as the "
            "commonest, and no change of theta could change your J.",
            lambda returns, probabilities: returns.mean(),
        ),
        Mistake(
            "the sum over the trajectories is divided by their number K. The "
            "probabilities are the weights of a mean already: they add up to 1. With "
            "16 trajectories your J would be 16 times too small.",
            lambda returns, probabilities: (returns * probabilities).mean(),
        ),
        Mistake(
            "the returns are added up as they are. The probabilities have no effect on "
            "the result: either they are not in it, or they were added up on their "
            "own, which gives 1.",
            lambda returns, probabilities: returns.sum(),
        ),
        Mistake(
            "this is the mean of the returns times the mean of the probabilities. Once "
            "each is averaged on its own, nothing remembers which return belongs to "
            "which probability. Each product comes first, then the sum.",
            lambda returns, probabilities: returns.mean() * probabilities.mean(),
        ),
        Mistake(
            "these are the products, one for each trajectory. J is one number: a sum "
            "over the trajectories is still missing.",
            lambda returns, probabilities: returns * probabilities,
        ),
        Mistake(
            "this is the best return, however rare it is. J is what the policy gets on "
            "average over everything that can happen to it.",
            lambda returns, probabilities: returns.max(),
        ),
        Mistake(
            "this is the return of the most probable trajectory. The others happen "
            "too, and together they are often more probable than that one.",
            lambda returns, probabilities: returns[probabilities.argmax()],
        ),
        Mistake(
            "the returns are weighted by the logarithms of the probabilities. Those "
            "are negative and do not add up to 1; Eq. (7) has the probabilities "
            "themselves.",
            lambda returns, probabilities: (returns * probabilities.log()).sum(),
        ),
        Mistake(
            "only the probabilities are added up, which gives 1 for every policy. "
            "Where have the returns gone?",
            lambda returns, probabilities: probabilities.sum(),
        ),
        Mistake(
            "only one trajectory is in the result. Does your loop return in its first "
            "pass, or overwrite its total instead of adding to it?",
            lambda returns, probabilities: returns[0] * probabilities[0],
            lambda returns, probabilities: returns[-1] * probabilities[-1],
        ),
    ],
    expected=(
        "J is a single number, shape (): every trajectory adds its return, weighted by "
        "how often it happens."
    ),
    where="Eq. (7), in section 2.3 and in the text of Exercise 2.2.",
    shows=(
        "every trajectory counts by how often it happens, and nothing is divided by "
        "their number: the weights add up to 1 by themselves. An 8 that comes a "
        "quarter of the time is worth 2."
    ),
)

estimate_with_error = Check(
    name="estimate_with_error",
    right=lambda returns: torch.stack([returns.mean(), _standard_error(returns)]),
    cases=[
        Case("the four returns 2, 4, 4 and 6", (torch.tensor([2.0, 4.0, 4.0, 6.0]),)),
        Case(
            "the nine returns 1, 0, 0, 0, 3, 0, -2, 0 and 1",
            (torch.tensor([1.0, 0, 0, 0, 3.0, 0, -2.0, 0, 1.0]),),
        ),
    ],
    mistakes=[
        Mistake(
            "the second number is the spread of the single returns, not the error of "
            "their mean. Highs and lows cancel in a mean: its error shrinks as N "
            "grows, while the spread of the returns stays what it is. With N = 10000 "
            "yours would be 100 times too large.",
            lambda r: torch.stack([r.mean(), r.std()]),
            lambda r: torch.stack([r.mean(), r.std(correction=0)]),
        ),
        Mistake(
            "the spread is divided by N, where the error of a mean falls only with the "
            "square root of N. With N = 10000 yours would be 100 times too small, and "
            "mere noise would look like a discovery.",
            lambda r: torch.stack([r.mean(), r.std() / len(r)]),
            lambda r: torch.stack([r.mean(), r.std(correction=0) / len(r)]),
        ),
        Mistake(
            "the second number is a variance: its unit is reward squared, so it cannot "
            "be held against the mean. A square root is missing.",
            lambda r: torch.stack([r.mean(), r.var() / len(r)]),
            lambda r: torch.stack([r.mean(), r.var()]),
            lambda r: torch.stack([r.mean(), r.var() / len(r) ** 0.5]),
        ),
        Mistake(
            "in the spread the squares are divided by N. The deviations are taken from "
            "the mean of these very returns, which lies closer to them than J does; "
            "dividing by N - 1 makes up for it. For four returns your error is 13 % "
            "too small.",
            lambda r: torch.stack([r.mean(), r.std(correction=0) / len(r) ** 0.5]),
        ),
        Mistake(
            "one is taken off in two places: inside the spread, where it belongs, and "
            "again under the root, where it does not: the mean is of N returns. For "
            "four returns your error is 15 % too large.",
            lambda r: torch.stack([r.mean(), r.std() / (len(r) - 1) ** 0.5]),
        ),
        Mistake(
            "the second number does not depend on the returns, only on how many there "
            "are. Their spread is missing: returns that are all the same leave no "
            "doubt about their mean.",
            lambda r: torch.stack([r.mean(), torch.tensor(len(r) ** -0.5)]),
        ),
        Mistake(
            "the second number is two standard errors. That is how far an estimate is "
            "off now and then; asked for is how far it typically is.",
            lambda r: torch.stack([r.mean(), 2 * _standard_error(r)]),
        ),
        Mistake(
            "the second number is multiplied by the root of N, so that it grows with "
            "every further trajectory. That is the error of their sum; the error of "
            "the mean shrinks.",
            lambda r: torch.stack([r.mean(), r.std() * len(r) ** 0.5]),
        ),
        Mistake(
            "the first number is the sum over the trajectories, where Eq. (9) has the "
            "mean: it grows with N, and J does not.",
            lambda r: torch.stack([r.sum(), _standard_error(r)]),
        ),
        Mistake(
            "the first number is the median of the returns. J is a mean: rare large "
            "returns count in it too.",
            lambda r: torch.stack([r.median(), _standard_error(r)]),
        ),
        Mistake(
            "this is the mean alone. Without its standard error nobody can say whether "
            "two estimates differ.",
            lambda r: r.mean(),
        ),
        Mistake(
            "this is the standard error alone. It belongs to an estimate, which comes "
            "first.",
            _standard_error,
        ),
        Mistake(
            "the two numbers have changed places: first the estimate, then its error.",
            lambda r: torch.stack([_standard_error(r), r.mean()]),
        ),
    ],
    expected=(
        "The result is two numbers: the mean of the N returns, and the standard error "
        "of that mean."
    ),
    where="Eq. (9), in section 2.5 and in the text of Exercise 2.3.",
    shows=(
        "the mean estimates J, and its error is the spread of the returns divided by "
        "the root of N: four times the trajectories, half the error. For 2, 4, 4, 6 "
        "it is 0.82."
    ),
)
