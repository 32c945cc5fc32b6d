"""What gradient steps on a loss do to the policy of a two-armed bandit."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pg_course.arguments import check_number
from pg_helpers.require import check_count, check_fraction, check_positive

Objective = Literal["expected pay", "half the sum of squares"]


def follow(
    objective: Objective,
    start: float,
    worse: float,
    better: float = 1.0,
    learning_rate: float = 1.0,
    num_updates: int = 200,
) -> NDArray[np.float64]:
    """Ascend an objective of a two-armed bandit by its exact gradient.

    The policy is a softmax of two logits. "expected pay" is the sum of pi q, which is
    J; "half the sum of squares" is half the sum of pi squared times q.

    Args:
        objective: one of the two.
        start: probability of the better arm at first, in (0, 1).
        worse: pay of the worse arm.
        better: pay of the better arm.
        learning_rate: alpha of the plain step on the logits.
        num_updates: number of steps.

    Returns:
        (num_updates + 1,), the probability of the better arm after each update.

    Raises:
        TypeError: an argument is not a number.
        ValueError: no such objective, a start outside (0, 1), or no update.
    """
    if objective not in ("expected pay", "half the sum of squares"):
        raise ValueError(f"objective: expected one of two, got {objective!r}")
    start = check_fraction("start", start)
    if start in (0, 1):
        raise ValueError(f"start: expected a number above 0 and below 1, got {start}")
    squares = objective == "half the sum of squares"
    worse, better = check_number("worse", worse), check_number("better", better)
    check_positive("learning_rate", learning_rate)
    path = [start]
    difference = math.log(start / (1 - start))  # of the two logits
    for _ in range(check_count("num_updates", num_updates, at_most=100_000)):
        p = path[-1]
        gap = better * p - worse * (1 - p) if squares else better - worse
        # One logit rises by alpha p (1 - p) gap, the other falls by as much.
        difference += 2 * learning_rate * p * (1 - p) * gap
        path.append(1 / (1 + math.exp(-difference)))
    return np.array(path)


def tipping_point(worse: float, better: float = 1.0) -> float:
    """Probability of the better arm at which half the sum of squares is lowest.

    Args:
        worse: pay of the worse arm, at least 0.
        better: pay of the better arm, above 0.

    Returns:
        In [0, 1]; below it the gradient points to the worse arm.

    Raises:
        ValueError: a pay is negative, or the better arm pays nothing.
    """
    worse, better = check_number("worse", worse), check_number("better", better)
    if worse < 0 or better <= 0:
        raise ValueError(f"worse, better: expected pays >= 0, got {worse} and {better}")
    return worse / (worse + better)
