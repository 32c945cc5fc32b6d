"""Figures of notebook 07: a policy's probabilities, their slopes, and a Gaussian."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from pg_course.arguments import check_texts
from pg_course.nb07_the_policy_network.experiments import check_probabilities
from pg_course.stage.plots import COLORS, fill_band
from pg_helpers.require import check_positive, finite_array

_MARKERS = "os^DvP"


def draw_policy(figure: Figure, probabilities: ArrayLike, actions: ArrayLike) -> Figure:
    """Draw the probabilities as bars, and below them what was drawn from them.

    Args:
        figure: empty.
        probabilities: (A,), which sum to 1.
        actions: (n,), drawn from them, from 0 to A - 1.

    Returns:
        The figure, with two axes: a bar for each probability with a black line at the
        share of the draws, and a marker for each draw.

    Raises:
        TypeError: an argument is not numbers.
        ValueError: the probabilities are negative or do not sum to 1, or an action is
            none of them.
    """
    heights = check_probabilities(probabilities)
    names = np.arange(len(heights))
    taken = finite_array("actions", actions)
    if taken.ndim != 1 or not len(taken) or not np.isin(taken, names).all():
        raise ValueError(
            f"actions: expected shape (n,), each from 0 to {len(names) - 1}"
        )
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1.4])
    figure.subplots_adjust(left=0.17, right=0.98, top=0.97, bottom=0.17, hspace=0.35)
    shares = [np.mean(taken == name) for name in names]
    top.bar(names, heights, 0.6, color=COLORS[: len(names)])
    top.hlines(shares, names - 0.38, names + 0.38, color="black", linewidth=3)
    for name, height, share in zip(names, heights, shares, strict=True):
        above = max(height, share) + 0.03
        top.text(name, above, f"{height:.2f}", ha="center", va="bottom")
    top.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, 1.25), yticks=(0, 0.5, 1))
    top.set_xticks(names, [f"action {name}" for name in names])
    top.set_ylabel("probability")
    for name in names:
        places = np.flatnonzero(taken == name)
        rows = np.full(len(places), name)
        marker = _MARKERS[name % len(_MARKERS)]
        bottom.plot(places + 1, rows, marker, color=COLORS[name % 6], markersize=4)
    bottom.set(xlim=(0, len(taken) + 1), ylim=(len(names) - 0.4, -0.6))
    bottom.set(yticks=names, xlabel="number of the draw", ylabel="action")
    return figure


def draw_signed(
    axes: Axes, matrix: ArrayLike, rows: Sequence[str], columns: Sequence[str]
) -> Axes:
    """Draw a matrix as a map: violet for negative, orange for positive entries.

    Args:
        axes: drawn on.
        matrix: (m, n), not all zero; every entry is written into its cell.
        rows: m names, from the top down.
        columns: n names.

    Returns:
        The axes.

    Raises:
        TypeError: matrix is not numbers, or the names are not lists of texts.
        ValueError: matrix is not finite or all zero, or the names do not fit.
    """
    rows, columns = check_texts("rows", rows), check_texts("columns", columns)
    entries = finite_array("matrix", matrix)
    if entries.shape != (len(rows), len(columns)):
        raise ValueError(
            f"matrix: expected shape {(len(rows), len(columns))}, one row and one "
            f"column for each name, got {entries.shape}"
        )
    reach = np.abs(entries).max()
    if reach == 0:
        raise ValueError("matrix: expected an entry that is not zero")
    axes.imshow(entries, cmap="PuOr_r", vmin=-reach, vmax=reach)
    for (row, column), entry in np.ndenumerate(entries):
        # White on the dark ends of the map.
        color = "white" if abs(entry) > 0.6 * reach else "black"
        axes.text(
            column, row, f"{entry:+.3f}", ha="center", va="center", color=color, size=17
        )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes


def draw_reach(
    axes: Axes,
    targets: ArrayLike,
    means: ArrayLike,
    standard_deviation: float,
    title: str,
) -> Axes:
    """Draw where a Gaussian policy aims, against where it should, and its spread.

    Args:
        axes: drawn on.
        targets: (n,), in metres, rising.
        means: (n,), of the action at each target, in metres.
        standard_deviation: of the action, in metres.
        title: above the axes.

    Returns:
        The axes: a line with a band two standard deviations wide on either side, and
        the diagonal, where the action is the target.

    Raises:
        TypeError: an argument is not numbers.
        ValueError: shapes disagree, a number is not finite, or standard_deviation is
            not positive.
    """
    places, heights = finite_array("targets", targets), finite_array("means", means)
    if places.ndim != 1 or places.shape != heights.shape:
        raise ValueError(
            f"means: expected one for each target, got {heights.shape} for "
            f"{places.shape}"
        )
    spread = 2 * check_positive("standard_deviation", standard_deviation)
    low, high = heights - spread, heights + spread
    fill_band(axes, places, low, high, COLORS[5], label="95 % of actions")
    axes.plot(places, heights, color=COLORS[0], marker="o", label="mean action")
    axes.plot(
        places, places, color="black", linewidth=1.5, linestyle=":", label="target"
    )
    axes.set(xlabel="target $s$ (m)", ylabel="action $a$ (m)", title=title)
    return axes
