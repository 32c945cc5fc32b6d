"""Figures of notebook 04: scores as areas, and samples that push a mean."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_number, check_texts, shaped_array
from pg_course.nb04_the_log_derivative_trick.experiments import exact_gradient, reward
from pg_course.stage.plots import COLORS, fill_band
from pg_helpers.require import check_positive, finite_array

_MAX_ARROWS = 60
_METRES_PER_PUSH = 0.4
_REACH = (-2.6, 4.0)


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
