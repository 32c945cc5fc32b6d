"""Notebook 12: diagnoses as a table, courses of training, and a mixture of losses."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_named, check_number, check_texts
from pg_course.stage.plots import COLORS, fill_band, paired_bars
from pg_helpers.require import check_count, finite_array

_SMALL = 12


def table(diagnoses: Mapping[str, Any], width: int = 88) -> str:
    """Write diagnoses in lines: the numbers of each, and below them its cause.

    Args:
        diagnoses: what `clinic.examine` returned, by name.
        width: longest line, in characters.

    Returns:
        The table; the noise is the variance in units of that of the plain estimator.

    Raises:
        ValueError: there is no diagnosis.
    """
    if not diagnoses:
        raise ValueError("diagnoses: expected at least one, got none")
    first = max(len(name) for name in diagnoses) + 2
    lines = [f"{'':{first}}{'error':>7}{'cosine':>9}{'length':>9}{'noise':>8}"]
    for name, found in diagnoses.items():
        if not np.isfinite(found.relative_error):
            lines.append(f"{name:{first}}could not be examined")
            lines += _indented(found.verdict, width)
            continue
        error = f"{100 * found.relative_error:.3g} %"
        if found.relative_error < 1e-6:
            error = "0"
        noise = found.variance / found.plain_variance
        # Adding zero turns -0 into 0.
        lines.append(
            f"{name:{first}}{error:>7}{round(found.cosine, 3) + 0:>9.3f}"
            f"{round(found.scale, 3) + 0:>9.3f}{noise:>8.2f}"
        )
        lines += _indented(found.cause, width)
    return "\n".join(lines)


def draw_courses(
    figure: Figure,
    right: ArrayLike,
    others: Mapping[str, ArrayLike],
    start: float,
    columns: int = 4,
) -> None:
    """Draw a small panel for each loss: its learners before those of the right loss.

    Args:
        figure: an empty figure.
        right: (number of runs, n), J of the learners by the right loss, grey.
        others: the same for each other loss, by the title of its panel.
        start: J before training, a dotted line.
        columns: panels in a row, at most 20.

    Raises:
        TypeError: something is not made of numbers, or others are not by name.
        ValueError: no other loss, courses of another length, or columns out of range.
    """
    check_named("others", others)
    check_count("columns", columns, at_most=20)
    band = _course("right", right)
    start = check_number("start", start)
    rows = -(-len(others) // columns)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, values) in zip(panels.flat, others.items(), strict=False):
        runs = _course(f"others[{name!r}]", values)
        if runs.shape[1] != band.shape[1]:
            raise ValueError(
                f"others[{name!r}]: expected courses of {band.shape[1]} numbers as "
                f"right, got {runs.shape[1]}"
            )
        updates = np.arange(band.shape[1])
        axes.axhline(start, color="black", linewidth=1, linestyle=":")
        fill_band(axes, updates, band.min(axis=0), band.max(axis=0), "0.5")
        axes.plot(updates, np.median(band, axis=0), color="0.5", linewidth=3)
        fill_band(axes, updates, runs.min(axis=0), runs.max(axis=0), COLORS[1])
        axes.plot(updates, np.median(runs, axis=0), color=COLORS[1], linestyle="--")
        axes.set_title(name, fontsize=_SMALL + 1)
        axes.tick_params(labelsize=_SMALL)
    for axes in panels.flat[len(others) :]:
        axes.axis("off")
    figure.supxlabel("update", fontsize=_SMALL + 2)
    figure.supylabel("exact $J$ (units of reward)", fontsize=_SMALL + 2)


def draw_mixture(
    figure: Figure,
    names: Sequence[str],
    pushes: ArrayLike,
    shares: ArrayLike,
    cosines: ArrayLike,
    at: int,
) -> None:
    """Draw where a mixture of two losses pushes, and its angle against the share.

    Args:
        figure: an empty figure.
        names: of the n bars: a state and an action.
        pushes: (2, n), of the mixture and of the gradient of J.
        shares: (m,), how much of the bug is in the mixture.
        cosines: (m,), between the mean gradient of the mixture and that of J.
        at: which share is marked.

    Raises:
        TypeError: something is not made of numbers, or names are not texts.
        ValueError: shapes disagree, or `at` is not one of the shares.
    """
    names, both = check_texts("names", names), finite_array("pushes", pushes)
    if both.shape != (2, len(names)):
        raise ValueError(
            f"pushes: expected shape (2, {len(names)}) as names, got {both.shape}"
        )
    x, y = finite_array("shares", shares), finite_array("cosines", cosines)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"cosines: expected shape {x.shape} as shares, got {y.shape}")
    check_count("at", at, at_least=0, at_most=len(x) - 1)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.2, top=0.88, wspace=0.32)
    left, right = figure.subplots(1, 2)
    draw_pushes(left, names, *both)
    right.axhspan(-1.1, 0, color="0.93", gid="shade")
    right.axhline(0, color="0.4", linewidth=1)
    right.plot(x, y, color=COLORS[1], linestyle="--")
    right.plot(x[at], y[at], "o", color=COLORS[1], markersize=11)
    right.text(0.02, -1.02, "downhill", fontsize=_SMALL, color="0.35")
    right.set(xlabel="share of the bug, w", ylabel="cosine", ylim=(-1.1, 1.1))
    right.set_title("Angle to the gradient of $J$", fontsize=_SMALL + 1)


def draw_pushes(
    axes: Axes, names: Sequence[str], of_loss: ArrayLike, of_j: ArrayLike
) -> None:
    """Draw bars: how fast a step changes each probability, by a loss and by J.

    Args:
        axes: drawn on.
        names: of the n bars.
        of_loss: (n,), coloured and hatched.
        of_j: (n,), grey.

    Raises:
        TypeError: names are not texts, or something is not made of numbers.
        ValueError: there is not a finite number for each name.
    """
    paired_bars(axes, names, of_j, of_loss, ("gradient of $J$", "the loss"))
    axes.tick_params(axis="x", labelsize=_SMALL)
    axes.set(xlabel="state, action", ylabel="push on $\\pi(a|s)$")
    # Above the axes, where it hides no bar.
    axes.legend(
        fontsize=_SMALL,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.98),
        ncols=2,
        frameon=False,
    )


def _indented(text: str, width: int) -> list[str]:
    indent = "    "
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def _course(name: str, values: ArrayLike) -> NDArray[np.float64]:
    runs = finite_array(name, values)
    if runs.ndim != 2 or runs.size == 0:
        raise ValueError(
            f"{name}: expected shape (number of runs, n), not empty, got {runs.shape}"
        )
    return runs
