"""Figures of notebook 11: credit, the height of a baseline, and the dropped gamma^t."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_named, check_texts, iterated
from pg_course.stage.plots import COLORS
from pg_helpers.require import check_count, finite_array


def draw_credit(axes: Axes, table: ArrayLike, title: str) -> Axes:
    """Draw a number for each pair of a step and a reward, as a map.

    Args:
        axes: drawn on.
        table: (T, T), not negative; row t is the action, column k the reward. It is
            written in thousandths.
        title: above the axes.

    Returns:
        The axes, with a heavy line between the past (k < t) and the rest.

    Raises:
        TypeError: table is not numbers.
        ValueError: table is not square, not finite, negative or all zero.
    """
    numbers = finite_array("table", table)
    if numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1]:
        raise ValueError(f"table: expected shape (T, T), got {numbers.shape}")
    if (numbers < 0).any() or not numbers.any():
        raise ValueError("table: expected no negative number, and one above zero")
    steps = len(numbers)
    axes.imshow(numbers, cmap="Blues", vmin=0, vmax=numbers.max())
    for (t, k), number in np.ndenumerate(numbers):
        color = "white" if number > 0.715 * numbers.max() else "black"
        text = f"{1000 * number:.0f}" if number > 1e-12 else "0"
        axes.text(k, t, text, ha="center", va="center", color=color, fontsize=15)
    edge = np.arange(steps + 1) - 0.5
    axes.step(edge, edge, where="pre", color=COLORS[1], linewidth=3)
    axes.set(xticks=range(steps), yticks=range(steps), title=title)
    axes.set(xlabel="reward of step k", ylabel="action of step t")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return axes


def draw_height(
    axes: Axes,
    heights: ArrayLike,
    variances: ArrayLike,
    marks: Mapping[str, tuple[float, float]],
) -> Axes:
    """Draw the variance against the height of a baseline, with marked points.

    Args:
        axes: drawn on.
        heights: (n,), in units of reward.
        variances: (n,), relative to no baseline.
        marks: height and variance by their name in the legend.

    Returns:
        The axes: a curve, a dotted line at 1, and a marker for each mark.

    Raises:
        TypeError: an argument is not numbers, or marks are not by name.
        ValueError: heights and variances do not fit, or there is no mark, or one that
            is not two finite numbers.
    """
    places, curve = _pair("heights", heights, "variances", variances)
    check_named("marks", marks)
    axes.plot(places, curve, color=COLORS[0])
    axes.axhline(1, color="black", linewidth=1.2, linestyle=":")
    for number, (name, mark) in enumerate(marks.items()):
        place = finite_array(f"marks[{name!r}]", mark)
        if place.shape != (2,):
            raise ValueError(
                f"marks[{name!r}]: expected a height and a variance, got {place}"
            )
        height, variance = place
        axes.plot(
            [height],
            [variance],
            "sDvo"[number % 4],
            color=("black", *COLORS[2:])[number % 5],
            markersize=11,
            label=name,
            clip_on=False,
            zorder=3 + number,
        )
    axes.set(xlim=(places.min(), places.max()), ylim=(0, 3.1))
    axes.set(xlabel="height of the baseline b (units of reward)")
    axes.set(ylabel="variance, 1: no baseline")
    axes.legend(fontsize=11, loc="upper right")
    return axes


def draw_dropped(
    figure: Figure,
    names: Sequence[str],
    parts: ArrayLike,
    gammas: ArrayLike,
    errors: ArrayLike,
    cosines: ArrayLike,
    chosen: int,
) -> Figure:
    """Draw two directions as bars, and how far they are apart for every gamma.

    Args:
        figure: an empty one.
        names: of the n components shown.
        parts: (2, n), components of the exact gradient and of the direction without
            gamma^t, at the chosen gamma.
        gammas: (m,), rising.
        errors: (m,), relative error of the direction at each gamma.
        cosines: (m,), of the angle to the exact gradient.
        chosen: index of the gamma that is marked.

    Returns:
        The figure, with two axes.

    Raises:
        TypeError: an argument is not numbers, or names are not texts.
        ValueError: shapes do not fit, or chosen is no index of gammas.
    """
    names = check_texts("names", names)
    pair = finite_array("parts", parts)
    if pair.shape != (2, len(names)) or not names:
        raise ValueError(
            f"parts: expected shape (2, {len(names)}) as names, got {pair.shape}"
        )
    with_it, without = pair
    places, wrong = _pair("gammas", gammas, "errors", errors)
    _, close = _pair("gammas", gammas, "cosines", cosines)
    check_count("chosen", chosen, at_least=0, at_most=len(places) - 1)
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    figure.subplots_adjust(left=0.14, right=0.98, bottom=0.19, top=0.95, wspace=0.28)
    at = np.arange(len(names))
    left.bar(at - 0.2, with_it, 0.38, color=COLORS[0], label="exact gradient")
    left.bar(
        at + 0.2,
        without,
        0.38,
        color=COLORS[1],
        hatch="//",
        label="without $\\gamma^t$",
    )
    left.axhline(0, color="black", linewidth=1)
    left.set_xticks(at, names)
    low, high = min(0, with_it.min(), without.min()), max(with_it.max(), without.max())
    left.set_ylim(1.1 * low, high + 0.45 * (high - low))
    left.set(xlabel="logit of action 1, by state", ylabel="part (units of reward)")
    left.legend(fontsize=11, loc="upper left")
    right.plot(places, close, color=COLORS[2], label="cosine")
    right.plot(places, wrong, "--", color=COLORS[3], label="relative error")
    right.plot([places[chosen]], [close[chosen]], "o", color=COLORS[2], markersize=10)
    right.plot([places[chosen]], [wrong[chosen]], "D", color=COLORS[3], markersize=10)
    top = 1.3 * max(wrong.max(), 1.0)
    right.set(xlim=(-0.04, 1.04), ylim=(-0.05 * top, top), xlabel="discount $\\gamma$")
    right.legend(fontsize=11, loc="upper right")
    return figure


def draw_episodes(axes: Axes, names: Sequence[str], numbers: ArrayLike) -> Axes:
    """Draw how many episodes each estimator needs: points on a logarithmic axis.

    Args:
        axes: drawn on.
        names: n of them, from the top down.
        numbers: (n,), positive; the place of a point, and written beside it.

    Returns:
        The axes.

    Raises:
        TypeError: numbers are not numbers, or names are not texts.
        ValueError: they are not positive, or names do not fit.
    """
    names = check_texts("names", names)
    needed = finite_array("numbers", numbers)
    if needed.shape != (len(names),) or (needed <= 0).any():
        raise ValueError(
            f"numbers: expected {len(names)} positive numbers, got {needed}"
        )
    rows = np.arange(len(names))
    axes.hlines(rows, needed.min() / 3, needed, color="0.5", linewidth=2)
    axes.plot(needed, rows, "o", color=COLORS[0], markersize=12)
    for row, number in enumerate(needed):
        axes.text(number * 1.14, row, f"{number:,.0f}", va="center")
    axes.set_yticks(rows, names)
    axes.set(xscale="log", xlim=(needed.min() / 3, needed.max() * 3))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("episodes for an error of 10 %")
    return axes


def _pair(
    name: str, values: ArrayLike, other: str, others: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    these, those = finite_array(name, values), finite_array(other, others)
    if these.ndim != 1 or not these.size or these.shape != those.shape:
        raise ValueError(
            f"{other}: expected shape {these.shape} as {name}, got {those.shape}"
        )
    return these, those


def text_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns of text, the first flush left and the others flush right.

    Args:
        head: names of the columns.
        rows: texts; a float that is not finite is written as a dash.

    Returns:
        Lines, the first with the names.

    Raises:
        TypeError: head is not a list of texts, or rows are not lists.
        ValueError: a row does not have an entry for each column.
    """
    lines = [check_texts("head", head)]
    for row in iterated("rows", rows):
        lines.append([_entry(value) for value in iterated("rows", row)])
        if len(lines[-1]) != len(head):
            raise ValueError(
                f"rows: expected {len(head)} entries, got {len(lines[-1])}"
            )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _entry(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if isfinite(value) else "-"
    return str(value)
