"""Figures of notebook 10: two goals, shares, a price, and effective actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_named, check_texts, iterated
from pg_course.stage.plots import COLORS, MARKERS, curve, spread_band
from pg_helpers.require import check_count, check_positive, finite_array, shown


def draw_goals(
    axes: Axes, shape: tuple[int, int], places: Mapping[str, tuple[int, int]]
) -> Axes:
    """Draw a grid with words in some of its cells.

    Args:
        axes: drawn on.
        shape: rows and columns.
        places: cells as row and column, by the words to stand in them.

    Returns:
        The axes.

    Raises:
        TypeError: shape or a place is not of integers, or places are not by name.
        ValueError: shape or a place is not two numbers, there is no place, or one is
            outside the grid.
    """
    rows, columns = _pair("shape", shape)
    for number in (rows, columns):
        check_count("shape", number, at_most=100)
    check_named("places", places)
    for row, column in np.ndindex(rows, columns):
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor="0.4"))
    for words, place in places.items():
        row, column = _pair(f"places[{words!r}]", place)
        if row >= rows or column >= columns:
            raise ValueError(
                f"places[{words!r}]: expected a cell of {shape}, got {place}"
            )
        axes.text(column, row, words, ha="center", va="center", weight="bold")
    axes.set(xlim=(-0.52, columns - 0.48), ylim=(rows - 0.48, -0.52), aspect="equal")
    axes.axis("off")
    return axes


def draw_shares(
    axes: Axes, labels: Sequence[str], shares: Mapping[str, ArrayLike], x_label: str
) -> Axes:
    """Draw shares of learners, in percent, a line with marks for each group.

    Args:
        axes: drawn on.
        labels: of the n settings, from the left.
        shares: (n,) in [0, 1], by the name of the group.
        x_label: what the settings are.

    Returns:
        The axes.

    Raises:
        TypeError: labels are not texts, or the shares are not numbers by name.
        ValueError: there are no shares, or not one in [0, 1] for each label.
    """
    labels = check_texts("labels", labels)
    check_named("shares", shares)
    places = np.arange(len(labels))
    for number, (name, row) in enumerate(shares.items()):
        heights = 100 * _shares(f"shares[{name!r}]", row, len(labels))
        curve(axes, heights, name, number, x=places)
        axes.lines[-1].set(marker=MARKERS[number % len(MARKERS)], markersize=9)
    axes.set_xticks(places, labels)
    axes.set(xlabel=x_label, ylabel="learners at the far goal (%)", ylim=(-4, 108))
    return axes


def draw_price(
    axes: Axes, labels: Sequence[str], reached: ArrayLike, best: float
) -> Axes:
    """Draw J at the optimum of another objective as bars, and what is lost above them.

    Args:
        axes: drawn on.
        labels: of the n settings, from the left.
        reached: (n,), J, not above `best`.
        best: the largest J there is, above 0.

    Returns:
        The axes.

    Raises:
        TypeError: something is not a number, or labels are not texts.
        ValueError: shapes disagree, or a J is above the best.
    """
    labels = check_texts("labels", labels)
    heights = finite_array("reached", reached)
    if heights.shape != (len(labels),):
        raise ValueError(
            f"reached: expected shape ({len(labels)},) as labels, got {heights.shape}"
        )
    check_positive("best", best)
    if heights.max() > best * (1 + 1e-6):
        raise ValueError(
            f"reached: expected at most {best:.4g}, got {heights.max():.4g}"
        )
    places = np.arange(len(labels))
    axes.bar(places, heights, color=COLORS[0], width=0.7, label="$J$ that is left")
    axes.bar(
        places,
        best - heights,
        bottom=heights,
        width=0.7,
        facecolor="none",
        edgecolor=COLORS[1],
        hatch="//",
        label="the price",
    )
    for place, height in zip(places, heights, strict=True):
        axes.annotate(
            f"{abs(100 * (1 - height / best)):.1f} %",
            (place, best),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
        )
    axes.set_xticks(places, labels)
    axes.set_ylim(0, 1.15 * best)
    return axes


def draw_effective(
    axes: Axes,
    episodes: ArrayLike,
    learned: ArrayLike,
    scheduled: ArrayLike,
    num_actions: int,
) -> Axes:
    """Draw effective numbers of actions: of policies that learn, and by a schedule.

    Args:
        axes: drawn on.
        episodes: (n,), where both were measured.
        learned: (number of runs, n), of policy-gradient learners.
        scheduled: (n,), of an epsilon-greedy policy.
        num_actions: A, the upper end of the scale.

    Returns:
        The axes.

    Raises:
        TypeError: something is not made of numbers.
        ValueError: shapes disagree.
    """
    top = check_count("num_actions", num_actions, at_most=100)
    rows, line = finite_array("learned", learned), finite_array("scheduled", scheduled)
    if rows.ndim != 2 or rows.shape[1:] != line.shape:
        raise ValueError(
            f"learned: expected shape (runs, {line.size}) as scheduled, "
            f"got {rows.shape}"
        )
    places = finite_array("episodes", episodes)
    if places.shape != line.shape:
        raise ValueError(
            f"episodes: expected shape {line.shape} as scheduled, got {places.shape}"
        )
    spread_band(axes, rows, "policy gradient", x=places)
    curve(axes, line, "schedule of epsilon", 1, x=places)
    axes.set(xlabel="episodes", ylabel="effective actions", ylim=(0.9, top + 0.1))
    axes.set_yticks(range(1, top + 1))
    # Above the axes, where it hides neither.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=2, fontsize=12)
    return axes


def _pair(name: str, value: tuple[int, int]) -> list[int]:
    """Two integers, none negative."""
    pair = [check_count(name, number, at_least=0) for number in iterated(name, value)]
    if len(pair) != 2:
        raise ValueError(f"{name}: expected two integers, got {shown(value)}")
    return pair


def _shares(name: str, values: ArrayLike, count: int) -> NDArray[np.float64]:
    shares = finite_array(name, values)
    if shares.shape != (count,):
        raise ValueError(f"{name}: expected shape ({count},), got {shares.shape}")
    if shares.size and not (shares.min() >= 0 and shares.max() <= 1 + 1e-9):
        raise ValueError(f"{name}: expected values in [0, 1], got {shares}")
    return shares
