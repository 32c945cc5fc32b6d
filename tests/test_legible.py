"""Figures can be read by who sees no colours, and on a pale projector."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from pg_course.stage import plots
from tools.colours import contrast, over, smallest_distance
from tools.legible import DRAWN, examine

GREY, PALE = "0.5", "#E69F00"


def test_contrast_is_that_of_the_standard():
    assert contrast("black") == pytest.approx(21)
    assert contrast("white") == 1
    # WCAG's own examples: #767676 is the lightest grey for text on white.
    assert contrast("#767676") >= 4.5 > contrast("#777777")


def test_every_colour_of_the_curves_stands_out_from_white():
    assert all(contrast(colour) >= DRAWN for colour in plots.COLORS)


def test_no_two_colours_of_the_curves_look_alike_to_anybody():
    colours = [over(colour) for colour in plots.COLORS]
    assert smallest_distance(colours) > 10
    # Two that only the healthy eye tells apart.
    assert smallest_distance([over("#D55E00"), over("#8A8A00")]) < 10


def test_each_curve_has_a_line_style_of_its_own():
    axes = Figure().add_subplot()
    for number in range(len(plots.COLORS)):
        plots.curve(axes, [number, 2], f"curve {number}", number)
    found = examine(axes.figure)
    assert found.faults == []
    assert found.counts["pairs of curves"] == 15


def bars_by_colour_alone(axes):
    for number in (0, 2):
        axes.bar([number], [1], color=plots.COLORS[number], label=f"kind {number}")
    axes.legend()


def curves_by_colour_alone(axes):
    for number in (0, 1):
        axes.plot([number, 2], color=plots.COLORS[number], label=f"curve {number}")


def text_on_a_bar(axes):
    axes.bar([0], [1], color=plots.COLORS[0])
    axes.text(0, 0.5, "dark", ha="center")


def pale_band(axes):
    axes.fill_between([0, 1], [0, 0], [1, 1], color=plots.COLORS[0], alpha=0.2, lw=0)


FAULTS = {
    "Line2D 'curve': contrast 2.25, less than 3": lambda axes: axes.plot(
        [0, 1], color=PALE, label="curve"
    ),
    "Line2D 'points': contrast": lambda axes: axes.plot(
        [0, 1], "o", color="black", alpha=0.2, label="points"
    ),
    "text 'pale': contrast 3.35, below 4.5": lambda axes: axes.text(
        0.2, 0.5, "pale", color="0.55"
    ),
    "text 'dark': contrast 4.0": text_on_a_bar,
    "PolyCollection: contrast 1.3": pale_band,
    "Rectangle: contrast 2.1": lambda axes: axes.bar([0, 1], [1, 2], color="0.7"),
    "Line2D 'curve 0' and Line2D 'curve 1': apart by colour alone": (
        curves_by_colour_alone
    ),
    "fills 'kind 0' and 'kind 2': apart by colour alone": bars_by_colour_alone,
    "AxesImage: lightness of jet turns": lambda axes: axes.imshow(
        np.eye(9), cmap="jet"
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_figure_is_found(fault, without_examination):
    axes = Figure().add_subplot()
    FAULTS[fault](axes)
    assert fault in "; ".join(examine(axes.figure).faults)


def test_what_is_told_otherwise_too_has_no_fault():
    axes = Figure().add_subplot()
    plots.curve(axes, [0, 1], "solid", 0)
    plots.curve(axes, [1, 0], "dashed", 1)
    plots.spread_band(axes, [[0, 1], [1, 2]], "with a band", 2)
    plots.paired_bars(axes, ["a", "b"], [1, 2], [2, 1], labels=("grey", "hatched"))
    axes.axhspan(0, 1, color=plots.SHADES[0], alpha=0.3, gid="shade")
    axes.imshow(np.eye(3), cmap="cividis")
    axes.plot([0, 2], color=GREY, linewidth=6, label="wide")
    axes.legend()
    found = examine(axes.figure)
    assert found.faults == []
    assert found.counts["pairs of fills"] == found.counts["colour scales"] == 1
