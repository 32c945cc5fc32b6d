"""Figures of numbers: arrays and an Axes in, the Axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like, to_rgba
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_number, check_text, check_texts
from pg_helpers.require import check_count, check_fraction, finite_array, shown

# Told apart by colour-blind readers, and each at 3 to 1 or more against white: Okabe
# and Ito's palette, with brown and navy for orange and sky blue, which are too pale.
# Each has a line style of its own, so that a curve is known without its colour.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#692D0F", "#002D5A")
# Those two: for shading that only repeats what a line or a word says too.
SHADES = ("#56B4E9", "#E69F00")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = "osD^vP"

# Readable from the back of a lecture hall at the width of a notebook.
STYLE = {
    "font.size": 14,
    "axes.titlesize": 15,
    "axes.labelsize": 14,
    "lines.linewidth": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.figsize": (9, 4.5),
}


def curve(
    axes: Axes,
    values: ArrayLike,
    label: str,
    number: int = 0,
    x: ArrayLike | None = None,
) -> Axes:
    """Draw one curve in the palette's color and line style of that number.

    Args:
        axes: drawn on.
        values: (n,).
        label: for the legend.
        number: which color and line style, from 0.
        x: (n,); 0, 1, 2, ... by default.

    Returns:
        The axes.

    Raises:
        TypeError: values are not numbers, or the label is no text.
        ValueError: values are not finite or not of shape (n,).
    """
    check_text("label", label)
    heights = _axis_of("values", values, 1)
    places = _places(x, len(heights))
    axes.plot(places, heights, label=label, **_look(number))
    return axes


def spread_band(
    axes: Axes,
    runs: ArrayLike,
    label: str,
    number: int = 0,
    x: ArrayLike | None = None,
    band: tuple[float, float] = (0.1, 0.9),
) -> Axes:
    """Draw the median of several runs, and a band between two of their quantiles.

    Args:
        axes: drawn on.
        runs: (number of runs, n), one row a random seed.
        label: for the legend.
        number: which color and line style, from 0.
        x: (n,); 0, 1, 2, ... by default.
        band: the two quantiles, in [0, 1].

    Returns:
        The axes.

    Raises:
        TypeError: runs are not numbers, or the label is no text.
        ValueError: runs are not finite or not of shape (number of runs, n).
    """
    check_text("label", label)
    rows = _axis_of("runs", runs, 2)
    places = _places(x, rows.shape[1])
    first, last = _axis_of("band", band, 1, 2)
    check_fraction("band", first), check_fraction("band", last)
    low, middle, high = np.quantile(rows, [first, 0.5, last], axis=0)
    look = _look(number)
    axes.plot(places, middle, label=label, **look)
    fill_band(axes, places, low, high, look["color"])
    return axes


def fill_band(
    axes: Axes,
    x: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    color: str,
    label: str | None = None,
) -> Axes:
    """Fill between two curves: pale, so that others show through, with a clear edge.

    Args:
        axes: drawn on.
        x: (n,).
        low: (n,).
        high: (n,).
        color: of the edge, and of the fill at a fifth of its strength.
        label: for a legend.

    Returns:
        The axes.

    Raises:
        TypeError: x, low or high are not numbers.
        ValueError: they are not finite or not of one shape (n,), or the color is none.
    """
    if not is_color_like(color):
        raise ValueError(f"color: expected a color of Matplotlib, got {shown(color)}")
    x = _axis_of("x", x, 1)
    low, high = _axis_of("low", low, 1, len(x)), _axis_of("high", high, 1, len(x))
    face = to_rgba(color, 0.2)
    band = axes.fill_between(x, low, high, facecolor=face, edgecolor=color, label=label)
    band.set_linewidth(0.8)
    return axes


def paired_bars(
    axes: Axes,
    names: Sequence[str],
    first: ArrayLike,
    second: ArrayLike,
    labels: tuple[str, str],
) -> Axes:
    """Draw two bars at each place: what should be in grey, what is hatched in colour.

    Args:
        axes: drawn on.
        names: of the n places.
        first: (n,), in grey.
        second: (n,), in colour.
        labels: of both, for a legend.

    Returns:
        The axes.

    Raises:
        TypeError: first or second are not numbers, or names or labels are no texts.
        ValueError: numbers are not finite or not of shape (n,), or there are not two
            labels.
    """
    names = check_texts("names", names)
    grey_label, colored_label = check_texts("labels", labels, 2)
    places = np.arange(len(names))
    first = _axis_of("first", first, 1, len(names))
    second = _axis_of("second", second, 1, len(names))
    grey: dict = {"color": "0.75", "edgecolor": "0.3"}
    axes.bar(places - 0.2, first, 0.4, label=grey_label, **grey)
    bars = axes.bar(places + 0.2, second, 0.4, color=COLORS[0], label=colored_label)
    for bar in bars:
        bar.set(hatch="//", edgecolor="white")
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xticks(places, names)
    return axes


def reference_line(axes: Axes, height: float, label: str) -> Axes:
    """Draw a thin dotted horizontal line with its name at the right end.

    Args:
        axes: drawn on.
        height: in units of the vertical axis.
        label: written just above the line.

    Returns:
        The axes.
    """
    height = check_number("height", height)
    axes.axhline(height, color="black", linewidth=1.2, linestyle=":")
    axes.annotate(
        label,
        (1.0, height),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize="small",
    )
    return axes


def _places(x: ArrayLike | None, count: int) -> NDArray:
    return np.arange(count) if x is None else _axis_of("x", x, 1, count)


def _look(number: int) -> dict:
    check_count("number", number, at_least=0)
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": LINE_STYLES[number % len(LINE_STYLES)],
    }


def _axis_of(
    name: str, values: ArrayLike, ndim: int, count: int | None = None
) -> NDArray[np.float64]:
    array = finite_array(name, values)
    if array.ndim != ndim or array.size == 0:
        shape: Sequence[str] = ("(n,)", "(number of runs, n)")
        raise ValueError(
            f"{name}: expected shape {shape[ndim - 1]}, not empty, got {array.shape}"
        )
    if count not in (None, len(array)):
        raise ValueError(f"{name}: expected {count} numbers, got {len(array)}")
    return array
