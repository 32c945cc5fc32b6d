"""Figures of notebook 08: what a loss drives a two-armed bandit to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_named
from pg_course.stage.plots import COLORS, MARKERS, curve, reference_line, spread_band
from pg_helpers.require import check_fraction, finite_array


def draw_paths(
    figure: Figure, paths: Mapping[str, ArrayLike], tipping: float | None
) -> Axes:
    """Draw the probability of the better arm against updates, a curve for each loss.

    Args:
        figure: empty.
        paths: (n,) by the name of the loss, each in [0, 1].
        tipping: height of the dotted line, or None for no line.

    Returns:
        The axes.

    Raises:
        TypeError: paths are not by name, or a path is not made of numbers.
        ValueError: there is no path, one is not finite or not of shape (n,), or tipping
            is outside [0, 1].
    """
    drawn = _each("paths", paths)
    axes = figure.add_subplot()
    for number, (name, heights) in enumerate(drawn.items()):
        curve(axes, heights, name, number)
        places = np.linspace(0, len(heights) - 1, 9 + number).astype(int)
        _mark(axes, places, heights[places], number)
    if tipping is not None:
        tipping = check_fraction("tipping", tipping)
        reference_line(axes, tipping, f"tipping point {tipping:.2f}")
    axes.set_xlabel("update")
    axes.set_ylabel("probability of the better arm")
    axes.set_ylim(-0.03, 1.03)
    # Above the curves, which may be anywhere.
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(paths))
    return axes


def draw_race(
    axes: Axes, runs: Mapping[str, ArrayLike], best: float, worst: float
) -> Axes:
    """Draw J against updates: median and spread over learners, a band for each loss.

    Args:
        axes: drawn on.
        runs: (number of learners, n) by the name of the loss.
        best: J of the better arm, a dotted line.
        worst: J of the worse arm, another.

    Returns:
        The axes.

    Raises:
        TypeError: runs are not by name, or a run is not made of numbers.
        ValueError: there is none, or one is not finite or not of shape (number of
            learners, n).
    """
    check_named("runs", runs)
    for number, (name, run) in enumerate(runs.items()):
        spread_band(axes, run, name, number)
        middle = np.median(finite_array("runs", run), axis=0)
        places = np.linspace(0, len(middle) - 1, 6 + number).astype(int)
        _mark(axes, places, middle[places], number)
    reference_line(axes, best, "always the better arm")
    reference_line(axes, worst, "always the worse arm")
    # Below its line, as the curves come from above.
    axes.texts[-1].set(va="top", position=(0, -4))
    axes.set_xlabel("update")
    axes.set_ylabel("exact $J$ (units of reward)")
    return axes


def draw_losses(
    figure: Figure, objective: ArrayLike, losses: Mapping[str, ArrayLike]
) -> None:
    """Draw J against updates on the left, and on the right losses of the same run.

    Args:
        figure: empty.
        objective: (n,).
        losses: (n,) by name.

    Raises:
        TypeError: something is not made of numbers, or losses are not by name.
        ValueError: something is not finite, there is no loss, or one is not as long as
            the objective.
    """
    heights, drawn = finite_array("objective", objective), _each("losses", losses)
    left, right = figure.subplots(1, 2)
    curve(left, heights, "$J$")
    left.set_ylabel("exact $J$ (units of reward)")
    for number, (name, values) in enumerate(drawn.items()):
        if values.shape != heights.shape:
            raise ValueError(
                f"losses[{name!r}]: expected {len(heights)} numbers as objective, got "
                f"{len(values)}"
            )
        curve(right, values, name, number)
    right.axhline(0, color="0.5", linewidth=1)
    right.set_ylabel("mean of the loss $L$")
    right.legend()
    for axes in (left, right):
        axes.set_xlabel("update")


def _each(name: str, rows: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """What was given by name, each of shape (n,) and not empty."""
    check_named(name, rows)
    arrays = {key: finite_array(f"{name}[{key!r}]", row) for key, row in rows.items()}
    for key, array in arrays.items():
        if array.ndim != 1 or not array.size:
            raise ValueError(
                f"{name}[{key!r}]: expected shape (n,), not empty, got {array.shape}"
            )
    return arrays


def _mark(axes: Axes, x: NDArray, y: NDArray, number: int) -> None:
    """Markers on a curve, so that it is known without its colour."""
    look = MARKERS[number % len(MARKERS)]
    axes.plot(x, y, look, color=COLORS[number % len(COLORS)], markersize=8)
