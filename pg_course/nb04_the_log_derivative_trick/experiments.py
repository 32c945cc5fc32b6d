"""Samples from a Gaussian, their rewards, and exact expectations and gradients."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_choice, check_number
from pg_helpers.require import check_count, check_positive, finite_array

# The rewards of the demo, in metres: a bump of height 1, and a step from 0 to 1.
KINDS = ("bump", "step")
BUMP_CENTRE, BUMP_WIDTH = 1.0, 0.5
THRESHOLD = 0.5
# The hidden reward of the puzzle: (from, to, reward), 0 elsewhere.
_STAIRS = ((-1.0, -0.8, 3.0), (0.2, math.inf, 1.0))


def reward(kind: str, actions: ArrayLike) -> NDArray[np.float64]:
    """Reward of each action in the demo.

    Args:
        kind: "bump" or "step".
        actions: (...), in metres.

    Returns:
        (...), from 0 to 1.

    Raises:
        TypeError: actions are not numbers.
        ValueError: kind is another, or an action is not finite.
    """
    check_choice("kind", kind, KINDS)
    places = finite_array("actions", actions)
    if kind == "step":
        return (places > THRESHOLD).astype(float)
    return np.exp(-(((places - BUMP_CENTRE) / BUMP_WIDTH) ** 2) / 2)


def exact_gradient(kind: str, mean: float, standard_deviation: float) -> float:
    """Derivative of the expected reward with respect to the mean, in closed form.

    Args:
        kind: "bump" or "step".
        mean: of the Gaussian that actions are drawn from, in metres.
        standard_deviation: of the same, in metres.

    Returns:
        In units of reward a metre.

    Raises:
        TypeError: standard_deviation is not a number.
        ValueError: kind is another, or standard_deviation is not positive.
    """
    check_choice("kind", kind, KINDS)
    mean = check_number("mean", mean)
    width = check_positive("standard_deviation", standard_deviation)
    if kind == "step":
        return _density((THRESHOLD - mean) / width) / width
    # The product of two Gaussians: a wider one of the distance of their centres.
    spread = math.hypot(BUMP_WIDTH, width)
    distance = (BUMP_CENTRE - mean) / spread
    height = BUMP_WIDTH * math.sqrt(2 * math.pi) * _density(distance) / spread
    return height * distance / spread


def handed_over(
    seed: int, mean: float = 0.0, standard_deviation: float = 0.5, N: int = 1000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample actions from a Gaussian, and their hidden rewards.

    Args:
        seed: of the samples.
        mean: in metres.
        standard_deviation: in metres.
        N: number of samples.

    Returns:
        Actions (N,), in metres, and rewards (N,).

    Raises:
        TypeError: N or standard_deviation is not a number.
        ValueError: N is below 1, or standard_deviation not positive.
    """
    width = check_positive("standard_deviation", standard_deviation)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    noise = generator.standard_normal(check_count("N", N, at_most=10**7))
    actions = check_number("mean", mean) + width * noise
    return actions, staircase(actions)


def staircase(actions: ArrayLike) -> NDArray[np.float64]:
    """The hidden reward of the puzzle: constant but for its jumps.

    Args:
        actions: (...), in metres.

    Returns:
        (...).

    Raises:
        TypeError: actions are not numbers.
        ValueError: an action is not finite.
    """
    places = finite_array("actions", actions)
    parts = [r * ((places > low) & (places <= high)) for low, high, r in _STAIRS]
    return np.sum(parts, axis=0)


def staircase_objective(mean: float, standard_deviation: float = 0.5) -> float:
    """Expected hidden reward, in closed form.

    Args:
        mean: of the Gaussian that actions are drawn from, in metres.
        standard_deviation: of the same, in metres.

    Returns:
        J(mean).

    Raises:
        TypeError: standard_deviation is not a number.
        ValueError: standard_deviation is not positive.
    """
    width = check_positive("standard_deviation", standard_deviation)
    mean = check_number("mean", mean)
    return sum(
        r * (_below((high - mean) / width) - _below((low - mean) / width))
        for low, high, r in _STAIRS
    )


def _density(z: float) -> float:
    """Standard normal density."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _below(z: float) -> float:
    """Standard normal distribution function."""
    return math.erfc(-z / math.sqrt(2)) / 2
