"""Figures of notebook 01: the fit of a line beside the choice between two levers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from pg_course.arguments import check_texts, shaped_array
from pg_course.nb01_gradient_ascent.experiments import (
    check_pairs,
    check_points,
    probabilities,
    squared_errors,
)
from pg_course.stage.plots import COLORS, curve, reference_line

_REACH = 8.0  # difference of the logits at which the picture of the levers ends


def draw_line_run(figure: Figure, path: ArrayLike, x: ArrayLike, y: ArrayLike) -> None:
    """Draw a descent: left on the contours of the MSE, right the MSE at each step.

    Args:
        figure: empty.
        path: (num_steps + 1, 2), intercept and slope.
        x: (n,).
        y: (n,), in units of y.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is not finite.
    """
    steps, (xs, ys) = check_pairs("path", path, 2), check_points(x, y)
    plane, graph = _two_panels(figure)
    slope, intercept = np.polyfit(xs, ys, 1)
    across = intercept + np.linspace(-3.2, 3.2, 60)
    along = slope + np.linspace(-2.6, 2.6, 60)
    heights = squared_errors(np.stack(np.meshgrid(across, along), -1), xs, ys)
    lowest = float(squared_errors([intercept, slope], xs, ys))
    levels = lowest + np.array([0.3, 1, 2.5, 5, 10, 20, 40])
    plane.contour(across, along, heights, levels, colors="0.55", linewidths=1)
    seen = steps[abs(steps).max(-1) < 1e6]  # what is farther out cannot be drawn
    plane.plot(*seen.T, ".-", color=COLORS[0], linewidth=1.3, markersize=7)
    plane.plot(*steps[0], "s", color="black", markersize=8)
    plane.plot(intercept, slope, "*", color=COLORS[1], markersize=15)
    for name, place in (("start", steps[0]), ("best", (intercept, slope))):
        plane.annotate(name, place, (10, -4), textcoords="offset points", va="top")
    plane.set(xlim=across[[0, -1]], ylim=along[[0, -1]], title="mean squared error")
    plane.set(xlabel="intercept (cm)", ylabel="slope (cm/kg)")
    curve(graph, squared_errors(steps, xs, ys), "", 0)
    reference_line(graph, lowest, "smallest possible")
    graph.set(yscale="log", ylim=(0.3 * lowest, 1e5 * lowest))
    graph.yaxis.set_major_formatter("{x:g}")  # 10^x would take longer than all else
    graph.minorticks_off()
    graph.set(xlabel="step", ylabel="MSE (cm²)", title="at each step")


def draw_lever_run(figure: Figure, path: ArrayLike, mean_rewards: ArrayLike) -> None:
    """Draw an ascent: left on the curve of J, right J at each step.

    Args:
        figure: empty.
        path: (num_steps + 1, 2), logits; what lies beyond the ends is drawn there.
        mean_rewards: (2,), what a pull of each lever pays on average.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: shapes do not fit, or a number is not finite.
    """
    steps, means = (
        check_pairs("path", path, 2),
        check_pairs("mean_rewards", mean_rewards, 1),
    )
    hill, graph = _two_panels(figure)
    differences = np.linspace(-_REACH, _REACH, 161)
    logits = np.stack([np.zeros_like(differences), differences], -1)
    hill.plot(differences, probabilities(logits) @ means, color="0.55", linewidth=2)
    objectives = probabilities(steps) @ means
    places = np.clip(np.diff(steps)[:, 0], -_REACH, _REACH)
    hill.plot(places, objectives, "o", color=COLORS[2], markersize=6)
    hill.plot(places[0], objectives[0], "s", color="black", markersize=9, label="start")
    end = "<" if places[-1] == -_REACH else ">" if places[-1] == _REACH else "*"
    hill.plot(places[-1], objectives[-1], end, color=COLORS[1], ms=14, label="end")
    hill.set(xlabel="logit 1 minus logit 0", ylabel="J (reward)", title="objective J")
    hill.legend(loc="upper left", fontsize="small", handletextpad=0.1)
    curve(graph, objectives, "", 2)
    reference_line(graph, means.max(), "best possible")
    reference_line(graph, means.min(), "the worse lever")
    graph.set(xlabel="step", ylabel="J (reward)", title="at each step")
    room = 0.12 * np.ptp(means)
    for axes in (hill, graph):
        axes.set_ylim(means.min() - room, means.max() + 1.5 * room)


def draw_two_kinds_of_data(
    figure: Figure,
    x: ArrayLike,
    y: ArrayLike,
    lines: ArrayLike,
    counts: ArrayLike,
    labels: Sequence[str],
) -> tuple[Axes, Axes]:
    """Draw the data of a fit under several lines, and the pulls of several policies.

    Args:
        figure: empty.
        x: (n,).
        y: (n,).
        lines: (m, 2), intercept and slope at each of m moments.
        counts: (m, 2), pulls of each lever at the same moments.
        labels: m, names of the moments.

    Returns:
        The axes of the lines, and those of the pulls.

    Raises:
        TypeError: an argument is not numeric, or a label is no text.
        ValueError: shapes do not fit, or a number is not finite.
    """
    (xs, ys), labels = check_points(x, y), check_texts("labels", labels)
    thetas = shaped_array("lines", lines, len(labels), 2)
    heights = shaped_array("counts", counts, len(labels), 2)
    left, right = figure.subplots(1, 2)
    left.plot(xs, ys, "o", color="0.45", markersize=8, label="the data")
    ends = np.array([xs.min(), xs.max()])
    width = 0.8 / len(labels)
    for number, label in enumerate(labels):
        intercept, slope = thetas[number]
        curve(left, intercept + slope * ends, label, number, x=ends)
        places = np.arange(2) + (number - (len(labels) - 1) / 2) * width
        bars = right.bar(
            places,
            heights[number],
            0.92 * width,
            color=COLORS[number % len(COLORS)],
            hatch=("", "//", "..", "xx")[number % 4],
            edgecolor="white",
            label=label,
        )
        right.bar_label(bars, fmt="%.0f", fontsize="small", padding=2)
    right.set_xticks([0, 1], ["lever 0", "lever 1"])
    right.margins(y=0.15)
    return left, right


def _two_panels(figure: Figure) -> tuple[Axes, Axes]:
    figure.subplots_adjust(left=0.1, right=0.98, wspace=0.32)
    return tuple(figure.subplots(1, 2))
