"""Descent on the squared errors of a line, and ascent on the rewards of two levers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_number
from pg_helpers.require import check_count, check_positive, finite_array

_MOST = 10_000  # steps; and ten times as many runs


def line_path(
    x: ArrayLike, y: ArrayLike, learning_rate: float, num_steps: int, start: ArrayLike
) -> NDArray[np.float64]:
    """Descend on the mean squared error of a line, Eq. (1).

    Args:
        x: (n,).
        y: (n,), in units of y.
        learning_rate: alpha.
        num_steps: number of steps, at least 1.
        start: (2,), intercept and slope.

    Returns:
        (num_steps + 1, 2), the start included.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is out of range.
    """
    (xs, ys), theta = check_points(x, y), check_pairs("start", start, 1)
    rate = check_positive("learning_rate", learning_rate)
    inputs = np.stack([np.ones_like(xs), xs])
    curvature, pull = 2 * inputs @ inputs.T / len(xs), 2 * inputs @ ys / len(xs)
    path = [theta]
    for _ in range(check_count("num_steps", num_steps, 1, _MOST)):
        path.append(path[-1] - rate * (curvature @ path[-1] - pull))
    return np.stack(path)


def squared_errors(theta: ArrayLike, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Mean over the data of the squared errors of a line.

    Args:
        theta: (..., 2), intercept and slope.
        x: (n,).
        y: (n,), in units of y.

    Returns:
        (...), in units of y squared.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is not finite.
    """
    (xs, ys), lines = check_points(x, y), check_pairs("theta", theta)
    return np.square(lines[..., :1] + lines[..., 1:] * xs - ys).mean(-1)


def lever_path(
    mean_rewards: ArrayLike, learning_rate: float, num_steps: int, start: ArrayLike
) -> NDArray[np.float64]:
    """Ascend on J of two levers along its exact gradient, Eq. (3).

    Args:
        mean_rewards: (2,), what a pull of each lever pays on average.
        learning_rate: alpha.
        num_steps: number of steps, at least 1.
        start: (2,), logits.

    Returns:
        (num_steps + 1, 2), the start included.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is out of range.
    """
    means, theta = (
        check_pairs("mean_rewards", mean_rewards, 1),
        check_pairs("start", start, 1),
    )
    rate = check_positive("learning_rate", learning_rate)
    path = [theta]
    for _ in range(check_count("num_steps", num_steps, 1, _MOST)):
        pi = probabilities(path[-1])
        path.append(path[-1] + rate * pi * (means - pi @ means))
    return np.stack(path)


def pull_paths(
    mean_rewards: ArrayLike,
    noise: float,
    learning_rate: float,
    num_steps: int,
    start: ArrayLike,
    num_runs: int = 1,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Ascend along the estimate from one pull a step, Eq. (4), in several runs.

    Args:
        mean_rewards: (2,), what a pull of each lever pays on average.
        noise: a pull pays this much more or less, each with probability one half.
        learning_rate: alpha.
        num_steps: number of steps, at least 1.
        start: (2,), logits.
        num_runs: number of runs, at least 1.
        seed: of the random generator.

    Returns:
        (num_runs, num_steps + 1, 2), the start included.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is out of range.
    """
    means, theta = (
        check_pairs("mean_rewards", mean_rewards, 1),
        check_pairs("start", start, 1),
    )
    rate = check_positive("learning_rate", learning_rate)
    noise = check_number("noise", noise)
    runs = check_count("num_runs", num_runs, 1, 10 * _MOST)
    steps = check_count("num_steps", num_steps, 1, _MOST)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    path = np.empty((runs, steps + 1, 2))
    path[:, 0] = theta
    for step in range(steps):
        pi = probabilities(path[:, step])
        chance, luck = generator.random((2, runs))
        chosen = np.eye(2)[(chance < pi[:, 1]).astype(int)]
        rewards = chosen @ means + noise * np.where(luck < 0.5, -1, 1)
        path[:, step + 1] = path[:, step] + rate * rewards[:, None] * (chosen - pi)
    return path


def probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax of two logits (..., 2), Eq. (20), safe where they are far apart.

    Raises:
        ValueError: the last axis is not of length 2, or a logit is not finite.
    """
    values = check_pairs("logits", logits)
    weights = np.exp(values - values.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def check_points(x: ArrayLike, y: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return x and y as two float64 arrays of one shape (n,), or refuse them."""
    xs, ys = finite_array("x", x), finite_array("y", y)
    if xs.ndim != 1 or xs.shape != ys.shape or not xs.size:
        raise ValueError(
            f"x and y: expected the same shape (n,), got {xs.shape} and {ys.shape}"
        )
    return xs, ys


def check_pairs(
    name: str, value: ArrayLike, ndim: int | None = None
) -> NDArray[np.float64]:
    """Return a float64 array of pairs, (..., 2), of ndim axes, or refuse it."""
    array = finite_array(name, value)
    if array.shape[-1:] != (2,) or ndim not in (None, array.ndim):
        shape = {None: "(..., 2)", 1: "(2,)", 2: "(n, 2)"}[ndim]
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    return array
