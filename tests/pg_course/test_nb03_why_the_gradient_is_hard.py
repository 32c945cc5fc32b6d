import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import pg_helpers as pg
from pg_course.nb03_why_the_gradient_is_hard import figures
from pg_course.stage.display import png_of
from pg_course.stage.plots import COLORS


@pytest.fixture
def listed():
    return pg.exact.trajectories(pg.hill())


def bars(axes):
    """Signed widths of horizontal bars, by their place."""
    return {
        round(bar.get_y() + bar.get_height() / 2): bar.get_x() + bar.get_width()
        for bar in axes.patches
        if bar.get_height() < 1  # the mark behind a pushed bar is a full row high
    }


# Slopes


def test_each_panel_has_the_slopes_as_signed_bars():
    figure = Figure(figsize=(9, 5), layout="constrained")
    slopes = {"one": [0.5, -0.25, -0.25], "other": [0.0, 0.125, -0.125]}
    given = {"one": slopes["one"], "other": torch.tensor(slopes["other"])}
    figures.draw_slopes(figure, given, ["a", "b", "c"])
    for axes, (title, values) in zip(figure.axes, slopes.items(), strict=True):
        assert axes.get_title() == title
        assert "slope" in axes.get_xlabel()
        assert bars(axes) == pytest.approx(dict(enumerate(values)))
        low, high = axes.get_xlim()
        assert low == -high and high > max(abs(v) for v in values)
        assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["a", "b", "c"]


def test_falls_differ_from_rises_by_more_than_colour():
    figure = Figure()
    figures.draw_slopes(figure, {"": [0.5, -0.5]}, ["up", "down"])
    up, down = figure.axes[0].patches
    assert up.get_facecolor() == to_rgba(COLORS[0]) and not up.get_hatch()
    assert down.get_edgecolor() == to_rgba(COLORS[1]) and down.get_hatch()


@pytest.mark.parametrize(
    ("values", "error"),
    [([1.0], ValueError), ([1.0, np.nan], ValueError), (["a", "b"], TypeError)],
)
def test_slopes_that_are_none_are_refused(values, error):
    with pytest.raises(error, match="^slopes"):
        figures.draw_slopes(Figure(), {"": values}, ["a", "b"])


# Changes


def test_before_after_and_their_difference_are_drawn():
    figure = Figure(figsize=(7, 4))
    before, after = [0.2, 0.3, 0.5], [0.1, 0.5, 0.4]
    figures.draw_changes(figure, before, after, ["a", "b", "c"])
    left, right = figure.axes
    assert bars(left) == pytest.approx(dict(enumerate(after)))
    ticks = left.lines[0]
    assert ticks.get_xdata() == pytest.approx(before)
    assert ticks.get_ydata() == pytest.approx([0, 1, 2])
    assert ticks.get_marker() == "|" and ticks.get_linestyle() == "None"
    assert bars(right) == pytest.approx({0: -0.1, 1: 0.2, 2: -0.1})
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["before", "after"]
    assert left.get_xlim()[1] > 0.5 and right.get_xlim()[1] > 0.2


def test_the_pushed_trajectory_is_marked_in_both_panels():
    figure = Figure()
    figures.draw_changes(figure, [0.5, 0.5], [0.4, 0.6], ["a", "b"], pushed=1)
    for axes in figure.axes:
        (mark,) = (p for p in axes.patches if p.get_height() == 1)
        assert mark.get_y() == 0.5
    weights = [t.get_fontweight() for t in figure.axes[0].get_yticklabels()]
    assert weights == ["normal", "bold"]


def test_given_limits_are_kept():
    figure = Figure()
    figures.draw_changes(figure, [1.0], [1.0], ["a"], limits=(0.75, 0.5))
    left, right = figure.axes
    assert left.get_xlim() == (0, 0.75) and right.get_xlim() == (-0.5, 0.5)


def test_no_change_can_be_drawn():
    figure = Figure(figsize=(7, 4))
    figures.draw_changes(figure, [0.5, 0.5], [0.5, 0.5], ["a", "b"])
    assert bars(figure.axes[1]) == {0: 0, 1: 0}
    png_of(figure)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([0.5], [0.5, 0.5], ["a", "b"]), "^before: expected shape"),
        (([0.5, 0.5], [0.5, np.inf], ["a", "b"]), "^after: expected finite"),
        (([0.5, 0.5], [0.5, 0.5], ["a", "b"], 2), "^pushed: expected at most 1, got 2"),
        (([0.5, 0.5], [0.5, 0.5], ["a", "b"], -1), "^pushed"),
    ],
)
def test_changes_that_do_not_fit_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        figures.draw_changes(Figure(), *arguments)


# Counts


def test_counts_are_curves_on_a_logarithmic_axis():
    axes = Figure().add_subplot()
    counts = {"small": [2, 4, 8], "large": [3, 30, 10**40]}
    assert figures.draw_counts(axes, counts, {"a landmark": 100.0}) is axes
    curves = {line.get_label(): line for line in axes.lines[:2]}
    for name, values in counts.items():
        assert curves[name].get_xdata().tolist() == [1, 2, 3]
        assert curves[name].get_ydata() == pytest.approx(values)
    styles = {(c.get_linestyle(), c.get_marker()) for c in curves.values()}
    assert len(styles) == 2
    assert list(axes.lines[2].get_ydata()) == [100, 100]
    (text,) = axes.texts
    assert text.get_text() == "a landmark" and text.xy[1] == 100
    assert axes.get_yscale() == "log" and axes.get_ylim()[0] == 1
    assert "horizon" in axes.get_xlabel() and "number" in axes.get_ylabel()


def test_a_count_of_nothing_is_refused():
    with pytest.raises(ValueError, match="^counts: expected at least 1, got 0"):
        figures.draw_counts(Figure().add_subplot(), {"": [0, 1]}, {})
