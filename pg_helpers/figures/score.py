"""Samples that push the mean of a Gaussian: rewards, exact answers and pictures."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pg_helpers.arguments import (
    check_choice,
    check_count,
    check_number,
    check_positive,
    check_texts,
    finite_array,
    shaped_array,
)
from pg_helpers.plots import COLORS, fill_band

# The rewards of the demo, in metres: a bump of height 1, and a step from 0 to 1.
KINDS = ("bump", "step")
BUMP_CENTRE, BUMP_WIDTH = 1.0, 0.5
THRESHOLD = 0.5
# The hidden reward of the puzzle: (from, to, reward), 0 elsewhere.
_STAIRS = ((-1.0, -0.8, 3.0), (0.2, math.inf, 1.0))
_MAX_ARROWS = 60
_METRES_PER_PUSH = 0.4
_REACH = (-2.6, 4.0)


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


def draw_areas(
    axes: Axes, probabilities: ArrayLike, scores: ArrayLike, names: list[str]
) -> Axes:
    """Draw Eq. (11): a bar for each outcome, P wide and as high as its score.

    Args:
        axes: drawn on.
        probabilities: (K,), which sum to 1.
        scores: (K,), of one component of theta.
        names: K of them, written into the bars.

    Returns:
        The axes. The area of a bar is the gradient of P.

    Raises:
        TypeError: probabilities or scores are not numbers, or names no texts.
        ValueError: shapes disagree, a number is not finite, or a probability is
            negative or the probabilities do not sum to 1.
    """
    widths = shaped_array("probabilities", probabilities, None)
    heights = shaped_array("scores", scores, len(widths))
    names = check_texts("names", names, len(widths))
    if (widths < 0).any() or abs(widths.sum() - 1) > 1e-9:
        raise ValueError(f"probabilities: expected a sum of 1, got {widths}")
    left = widths.cumsum() - widths
    colors = [COLORS[0] if height > 0 else COLORS[4] for height in heights]
    bars = axes.bar(left, heights, widths, align="edge", color=colors, ec="black")
    for bar, height in zip(bars, heights, strict=True):
        bar.set_hatch("" if height > 0 else "//")
    axes.axhline(0, color="black", linewidth=1.2)
    room = 0.06 * np.ptp(np.append(heights, 0))
    for x, height, width, name in zip(left, heights, widths, names, strict=True):
        axes.text(
            x + width / 2,
            height + (room if height > 0 else -room),
            f"{name}\narea {width * height:+.2f}",
            ha="center",
            va="bottom" if height > 0 else "top",
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(min(0, heights.min()) - 5 * room, max(0, heights.max()) + 5 * room)
    return axes


def draw_pushes(
    figure: Figure,
    kind: str,
    mean: float,
    standard_deviation: float,
    noise: ArrayLike,
    heights: ArrayLike,
) -> Figure:
    """Draw samples of a Gaussian, how each pushes its mean, and the average push.

    Args:
        figure: an empty one.
        kind: of reward, "bump" or "step".
        mean: in metres.
        standard_deviation: in metres.
        noise: (N,), standard normal; sample i lies at mean + standard_deviation noise.
        heights: (N,) or more, in [0, 1]: how high under the density a sample is drawn.

    Returns:
        The figure, with three axes: rewards, density with an arrow for each of the
        first 60 samples, and the average of all pushes beside the exact gradient.

    Raises:
        TypeError: noise or heights are not numbers.
        ValueError: kind is another, standard_deviation is not positive, there is no
            sample, or there are fewer heights than samples.
    """
    width = check_positive("standard_deviation", standard_deviation)
    mean = check_number("mean", mean)
    deviations = finite_array("noise", noise)
    if deviations.ndim != 1 or not len(deviations):
        raise ValueError(f"noise: expected shape (N,), got {deviations.shape}")
    up = finite_array("heights", heights)
    if up.ndim != 1 or len(up) < len(deviations):
        raise ValueError(
            f"heights: expected at least {len(deviations)}, got {up.shape}"
        )
    actions = mean + width * deviations
    pushes = reward(kind, actions) * deviations / width
    shown = slice(_MAX_ARROWS)
    top, middle, bottom = (
        figure.add_axes((0.14, low, 0.83, height))
        for low, height in ((0.79, 0.19), (0.34, 0.43), (0.13, 0.08))
    )
    _draw_reward(top, kind, actions[shown])
    _draw_arrows(middle, actions[shown], pushes[shown], up[shown], mean, width)
    _draw_average(bottom, pushes.mean(), exact_gradient(kind, mean, width))
    return figure


def _draw_reward(axes: Axes, kind: str, actions: NDArray) -> None:
    grid = np.linspace(*_REACH, 400)
    axes.plot(grid, reward(kind, grid), color=COLORS[1], linestyle="--", linewidth=2)
    axes.plot(actions, reward(kind, actions), "o", color=COLORS[1], markersize=5)
    axes.set(xlim=_REACH, ylim=(-0.15, 1.2), yticks=(0, 1), ylabel="reward")
    axes.tick_params(labelbottom=False)


def _draw_arrows(
    axes: Axes,
    actions: NDArray,
    pushes: NDArray,
    up: NDArray,
    mean: float,
    width: float,
) -> None:
    grid = np.linspace(*_REACH, 400)
    curve = np.exp(-(((grid - mean) / width) ** 2) / 2)
    levels = np.exp(-(((actions - mean) / width) ** 2) / 2) * up[: len(actions)]
    fill_band(axes, grid, np.zeros_like(grid), curve, COLORS[5])
    axes.plot([mean, mean], [0, 1], color="black", linewidth=1.2, linestyle=":")
    axes.plot(actions, levels, "o", color="0.35", markersize=3.5)
    axes.quiver(
        actions,
        levels,
        pushes,
        np.zeros_like(pushes),
        color=[COLORS[0] if push > 0 else COLORS[4] for push in pushes],
        angles="xy",
        scale_units="xy",
        scale=1 / _METRES_PER_PUSH,
        width=0.005,
        minlength=0,
        headwidth=4,
        zorder=3,
    )
    axes.set(xlim=_REACH, ylim=(0, 1.08), yticks=(), ylabel="density")
    axes.set_xlabel("action a (m)", labelpad=1)


def _draw_average(axes: Axes, average: float, exact: float) -> None:
    axes.barh([0], [average], 0.5, color=COLORS[0 if average > 0 else 4], zorder=2)
    axes.plot([exact, exact], [-0.6, 0.6], color="black", linewidth=3, zorder=3)
    axes.axvline(0, color="0.5", linewidth=1)
    axes.set(xlim=(-2, 2), ylim=(-0.6, 0.6), xticks=range(-2, 3), yticks=())
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("bar: average push, line: exact gradient (reward/m)", labelpad=1)


def _density(z: float) -> float:
    """Standard normal density."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _below(z: float) -> float:
    """Standard normal distribution function."""
    return math.erfc(-z / math.sqrt(2)) / 2
