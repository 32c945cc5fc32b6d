"""Figures of notebook 03: probabilities that sum to one rise and fall together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pg_course.arguments import (
    as_float,
    check_named,
    check_number,
    check_texts,
    iterated,
    shaped_array,
)
from pg_course.stage.plots import COLORS, MARKERS, SHADES, curve
from pg_helpers.require import check_count, shown

_RISE, _FALL, _GREY = COLORS[0], COLORS[1], "0.8"


def draw_slopes(
    figure: Figure, slopes: Mapping[str, ArrayLike | Tensor], names: list[str]
) -> None:
    """Draw signed bars, one a trajectory, in a panel for each parameter.

    Args:
        figure: empty.
        slopes: (K,) by the title of its panel, per unit of the parameter.
        names: K, one a trajectory, from the top down.

    Raises:
        TypeError: slopes are no dict of numbers by title, or names no texts.
        ValueError: there are no slopes, or they are not finite or not of shape (K,).
    """
    check_named("slopes", slopes)
    names = check_texts("names", names)
    all_axes = figure.subplots(1, len(slopes), squeeze=False)[0]
    for axes, (title, values) in zip(all_axes, slopes.items(), strict=True):
        _signed_bars(axes, _one_each("slopes", values, names))
        axes.set_title(title)
        axes.set_xlabel("slope of $P$ (per unit of the logit)")
    _label_rows(all_axes, names)


def draw_changes(
    figure: Figure,
    before: ArrayLike | Tensor,
    after: ArrayLike | Tensor,
    names: list[str],
    pushed: int | None = None,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw the probabilities before and after a step, and beside them the changes.

    Args:
        figure: empty.
        before: (K,), probabilities.
        after: (K,), probabilities.
        names: K, one a trajectory, from the top down.
        pushed: the trajectory to be marked, or None.
        limits: the largest probability and the largest change that there is room
            for, so that several pictures have one scale; by default those drawn.

    Raises:
        TypeError: the probabilities or the limits are not numbers, or names no texts.
        ValueError: numbers are not finite or not of shape (K,), there is no such
            trajectory, or the limits are not two positive numbers.
    """
    names = check_texts("names", names)
    old = _one_each("before", before, names)
    new = _one_each("after", after, names)
    if pushed is not None:
        check_count("pushed", pushed, at_least=0, at_most=len(names) - 1)
    if limits is not None:
        if (shaped_array("limits", limits, 2) <= 0).any():
            raise ValueError(f"limits: expected positive numbers, got {shown(limits)}")
    left, right = figure.subplots(1, 2)
    places = np.arange(len(names))
    left.barh(places, new, color=_GREY, edgecolor="black", linewidth=0.5, label="after")
    left.plot(old, places, "k|", markersize=11, markeredgewidth=2.5, label="before")
    left.set_xlabel("probability")
    room = 1.05 * max(old.max(), new.max()) if limits is None else limits[0]
    left.set_xlim(0, room)
    left.legend(loc="lower right", fontsize=11)
    _signed_bars(right, new - old)
    _label_rows([left, right], names)
    if limits is not None:
        right.set_xlim(-limits[1], limits[1])
    right.set_xlabel("change (hatched: a fall)")
    if pushed is not None:
        left.get_yticklabels()[pushed].set_fontweight("bold")
        shade: Any = {"color": SHADES[1], "alpha": 0.3, "zorder": 0, "gid": "shade"}
        right.axhspan(pushed - 0.5, pushed + 0.5, **shade)
        left.axhspan(pushed - 0.5, pushed + 0.5, **shade)


def draw_counts(
    axes: Axes, counts: Mapping[str, Sequence[int]], landmarks: Mapping[str, float]
) -> Axes:
    """Draw how many trajectories there are, for horizons 1, 2, ..., and landmarks.

    Args:
        axes: drawn on; its vertical axis becomes logarithmic.
        counts: by the name of the world, for horizons from 1 on.
        landmarks: heights by their names.

    Returns:
        The axes.

    Raises:
        TypeError: counts are no dict of integers by name, or landmarks none of numbers.
        ValueError: there are no counts, one is below 1, or a number is not finite.
    """
    check_named("counts", counts)
    check_named("landmarks", landmarks, may_be_empty=True)
    for number, (name, values) in enumerate(counts.items()):
        whole = [check_count("counts", count) for count in iterated("counts", values)]
        heights = [as_float(count) for count in whole]  # they may be too long for int64
        curve(axes, heights, name, number, x=np.arange(1, len(heights) + 1))
        marker = MARKERS[number % len(MARKERS)]
        axes.lines[-1].set(marker=marker, markevery=10, markersize=8)
    for name, height in landmarks.items():
        height = check_number("landmarks", height)
        axes.axhline(height, color="black", linewidth=1.2, linestyle=":")
        axes.annotate(
            name,
            (0.58, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="small",
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=1)
    axes.set_xlabel("horizon (steps)")
    axes.set_ylabel("number of trajectories, $K$")
    axes.legend(loc="upper left")
    return axes


def _signed_bars(axes: Axes, values: NDArray[np.float64]) -> None:
    """Blue to the right for a rise, hatched to the left for a fall."""
    places = np.arange(len(values))
    rises = values >= 0
    axes.barh(places[rises], values[rises], color=_RISE)
    axes.barh(
        places[~rises], values[~rises], color="white", edgecolor=_FALL, hatch="////"
    )
    axes.axvline(0, color="black", linewidth=1)
    reach = max(1.1 * float(np.abs(values).max()), 1e-3)
    axes.set_xlim(-reach, reach)
    axes.locator_params(axis="x", nbins=4)


def _label_rows(panels: Sequence[Axes], names: list[str]) -> None:
    """The names at the first panel, and the same rows in all, from the top down.

    No shared axis: each of its ticks would be made, and paid for, in every panel.
    """
    for axes in panels:
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks([])
    panels[0].set_yticks(np.arange(len(names)), names, fontsize=12)


def _one_each(
    name: str, values: ArrayLike | Tensor, names: list[str]
) -> NDArray[np.float64]:
    numbers = values.detach().numpy() if isinstance(values, Tensor) else values
    return shaped_array(name, numbers, len(names))
