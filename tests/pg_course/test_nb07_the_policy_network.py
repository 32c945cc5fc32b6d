import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from pg_course.nb07_the_policy_network import experiments, figures
from pg_course.stage.plots import COLORS


@pytest.fixture
def figure():
    return Figure()


@pytest.fixture
def axes(figure):
    return figure.add_subplot()


# From uniform numbers to actions


def test_a_uniform_number_is_the_action_in_whose_share_it_lies():
    # The shares are [0, 0.2), [0.2, 0.7) and [0.7, 1).
    uniform = [0.0, 0.1999, 0.2, 0.69, 0.71, 0.999]
    assert experiments.drawn([0.2, 0.5, 0.3], uniform).tolist() == [0, 0, 1, 1, 2, 2]


def test_an_action_of_probability_zero_is_never_drawn():
    uniform = np.linspace(0, 1, 1000, endpoint=False)
    assert set(experiments.drawn([0.0, 0.4, 0.0, 0.6], uniform)) == {1, 3}


def test_as_often_as_its_probability():
    uniform = (np.arange(1000) + 0.5) / 1000
    counts = np.bincount(experiments.drawn([0.125, 0.625, 0.25], uniform))
    assert counts.tolist() == [125, 625, 250]


@pytest.mark.parametrize("uniform", [[1.0], [-0.1], [[0.5]]])
def test_numbers_outside_are_refused(uniform):
    with pytest.raises(ValueError, match="^uniform: "):
        experiments.drawn([0.5, 0.5], uniform)


@pytest.mark.parametrize(
    "probabilities", [[0.5, 0.6], [-0.5, 1.5], [[0.5, 0.5]], [np.nan, 1]]
)
def test_what_is_no_distribution_is_refused(probabilities, figure):
    with pytest.raises(ValueError, match="^probabilities: "):
        experiments.drawn(probabilities, [0.5])
    with pytest.raises(ValueError, match="^probabilities: "):
        figures.draw_policy(figure, probabilities, [0])


# The policy


def test_bars_are_as_high_as_the_probabilities(figure):
    figures.draw_policy(figure, [0.2, 0.5, 0.3], [1, 1, 0, 2])
    bars = figure.axes[0].patches
    assert [bar.get_height() for bar in bars] == [0.2, 0.5, 0.3]
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "0.20",
        "0.50",
        "0.30",
    ]


def test_black_lines_are_the_shares_of_the_draws(figure):
    figures.draw_policy(figure, [0.2, 0.5, 0.3], [1, 1, 0, 1])
    (lines,) = figure.axes[0].collections
    segments = lines.get_segments()
    assert [segment[0][1] for segment in segments] == [0.25, 0.75, 0]
    assert [segment.mean(axis=0)[0] for segment in segments] == [0, 1, 2]


def test_every_draw_has_a_marker_in_the_row_of_its_action(figure):
    actions = [1, 1, 0, 2, 0]
    figures.draw_policy(figure, [0.2, 0.5, 0.3], actions)
    points = [
        (int(x), int(y)) for line in figure.axes[1].lines for x, y in line.get_xydata()
    ]
    assert sorted(points) == list(enumerate(actions, start=1))
    assert len({line.get_marker() for line in figure.axes[1].lines}) == 3


@pytest.mark.parametrize("actions", [[2], [-1], [0.5], [], [[0]]])
def test_actions_that_do_not_exist_are_refused(figure, actions):
    with pytest.raises(ValueError, match="^actions: "):
        figures.draw_policy(figure, [0.5, 0.5], actions)


def test_what_is_not_numbers_is_refused(figure):
    with pytest.raises(TypeError, match="^actions: "):
        figures.draw_policy(figure, [0.5, 0.5], ["left"])


# The signed map


def test_every_entry_is_written_into_its_cell(axes):
    figures.draw_signed(
        axes, [[0.25, -0.5, 0], [1, 0.125, -1]], ["a", "b"], ["x", "y", "z"]
    )
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[0, 0] == "+0.250"
    assert written[1, 0] == "-0.500"
    assert written[0, 1] == "+1.000"
    assert written[2, 1] == "-1.000"
    assert len(written) == 6
    assert [label.get_text() for label in axes.get_xticklabels()] == list("xyz")
    assert [label.get_text() for label in axes.get_yticklabels()] == list("ab")


def test_the_colours_are_symmetric_about_zero(axes):
    figures.draw_signed(axes, [[0.25, -0.5]], ["a"], ["x", "y"])
    (image,) = axes.images
    assert image.get_clim() == (-0.5, 0.5)
    positive, zero, negative = (image.cmap(image.norm(x)) for x in (0.5, 0.0, -0.5))
    assert positive[0] > positive[2]  # orange
    assert negative[2] > negative[0]  # violet
    assert min(zero[:3]) > 0.9


@pytest.mark.parametrize("matrix", [[[1, 2], [3, 4]], [1, 2], [[0, 0]], [[np.inf, 1]]])
def test_a_matrix_that_cannot_be_shown_is_refused(axes, matrix):
    with pytest.raises(ValueError, match="^matrix: "):
        figures.draw_signed(axes, matrix, ["a"], ["x", "y"])


# The Gaussian


def test_mean_band_and_diagonal(axes):
    figures.draw_reach(axes, [-1, 0, 1], [0.5, 0.25, 0], 0.5, "before")
    mean, diagonal = axes.lines
    assert mean.get_xydata().tolist() == [[-1, 0.5], [0, 0.25], [1, 0]]
    assert diagonal.get_xydata().tolist() == [[-1, -1], [0, 0], [1, 1]]
    (band,) = axes.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices}
    # Two standard deviations of 0.5 on either side.
    expected = {(-1, 1.5), (-1, -0.5), (0, 1.25), (0, -0.75), (1, 1), (1, -1)}
    assert expected <= corners
    assert axes.get_title() == "before"
    assert to_rgba(mean.get_color()) == to_rgba(COLORS[0])


def test_reach_refuses_what_does_not_fit(axes):
    with pytest.raises(ValueError, match="^means: "):
        figures.draw_reach(axes, [-1, 1], [0, 0, 0], 1, "")
    with pytest.raises(ValueError, match="^standard_deviation: "):
        figures.draw_reach(axes, [-1, 1], [0, 0], 0, "")
    with pytest.raises(TypeError, match="^targets: "):
        figures.draw_reach(axes, ["here"], [0], 1, "")
