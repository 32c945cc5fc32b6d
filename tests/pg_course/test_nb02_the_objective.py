import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pg_course.nb02_the_objective import experiments, figures
from pg_helpers import exact, worlds

LISTED = exact.trajectories(worlds.hill())
NAMES = ["one", "two", "three"]


def widths(axes):
    """Right ends of the bars, from the first on; they begin at 0."""
    (bars,) = axes.collections
    corners = [path.vertices for path in bars.get_paths()]
    assert all(c[:, 0].min() == 0 for c in corners)
    return [float(c[:, 0].max()) for c in corners]


def middles(axes):
    (bars,) = axes.collections
    corners = [path.vertices for path in bars.get_paths()]
    return [float((c[:, 1].min() + c[:, 1].max()) / 2) for c in corners]


# Words


def test_the_stories_of_the_hill_told_by_hand():
    told = figures.stories(LISTED)
    assert len(told) == 16
    assert told[0] == ["valley", "rest", "valley", "rest", "valley"]
    assert told[8] == ["valley", "climb", "ridge", "climb", "summit"]
    # It ends on the summit after one step: nothing is told of the padding.
    assert told[15] == ["ridge", "climb", "summit"]
    assert len({tuple(story) for story in told}) == 16


def test_short_names_number_the_stories_from_one():
    names = figures.short_names(LISTED)
    assert names[0] == "1  V rest V rest V"
    assert names[8] == "9  V climb R climb S"
    assert names[15] == "16  R climb S"


def test_a_world_that_is_not_the_hill_is_refused():
    with pytest.raises(ValueError, match=r"states: the hill has 3, got number \d"):
        figures.stories(exact.trajectories(worlds.corridor(horizon=2)))
    with pytest.raises(ValueError, match="actions: the hill has 2, got number 3"):
        figures.stories(exact.trajectories(worlds.grid_world(1, 2, horizon=1)))


def test_the_table_holds_each_number_in_its_line_and_the_sums():
    probabilities = np.arange(1, 17) / 136
    returns = np.arange(16) / 4
    lines = figures.table(LISTED, probabilities, returns).split("\n")
    assert len(lines) == 18
    assert lines[0].split() == ["k", "start", "actions", "states", "after"] + [
        "P",
        "R",
        "R",
        "P",
    ]
    # 9/136 = 0.0662, 8/4 = 2, and the product 0.1324.
    assert lines[9].split() == [
        "9",
        "valley",
        "climb,",
        "climb",
        "ridge,",
        "summit",
        "0.0662",
        "2.000",
        "0.1324",
    ]
    assert lines[16].split()[1:4] == ["ridge", "climb", "summit"]
    # The sum of k (k - 1) from 1 to 16 is 1496 - 136 = 1360; by 4 * 136 it is 2.5.
    assert lines[17].split() == ["sum", "1.0000", "2.5000"]
    assert len({len(line) for line in lines}) == 1


def test_halves_go_up_in_the_table_on_either_side_of_their_last_bit():
    for half in (0.09375, np.nextafter(0.09375, 0), np.nextafter(0.09375, 1)):
        line = figures.table(LISTED, np.full(16, half), np.ones(16)).split("\n")[1]
        assert line.split()[-3:] == ["0.0938", "1.000", "0.0938"]


@pytest.mark.parametrize(
    ("probabilities", "returns", "error", "message"),
    [
        (
            np.ones(15),
            np.ones(16),
            ValueError,
            r"probabilities: expected shape \(16,\)",
        ),
        (np.ones(16), np.ones((16, 1)), ValueError, r"returns: expected shape \(16,\)"),
        (np.full(16, np.nan), np.ones(16), ValueError, "probabilities: .* finite"),
        (np.ones(16), ["a"] * 16, TypeError, "returns: expected real numbers"),
    ],
)
def test_a_table_of_other_numbers_is_refused(probabilities, returns, error, message):
    with pytest.raises(error, match=message):
        figures.table(LISTED, probabilities, returns)


# Bars


def test_the_bars_are_probability_return_and_product_from_the_top_down():
    figure = Figure()
    figures.draw_trajectories(figure, NAMES, [0.5, 0.2, 0.3], torch.tensor([1, 0, 0.5]))
    left, middle, right = figure.axes
    assert widths(left) == pytest.approx([0.5, 0.2, 0.3])
    assert widths(middle) == pytest.approx([1, 0, 0.5])
    assert widths(right) == pytest.approx([0.5, 0, 0.15])
    for axes in figure.axes:
        assert middles(axes) == pytest.approx([0, 1, 2])
        bottom, top = axes.get_ylim()
        assert bottom > 2 and top < 0
    assert [label.get_text() for label in left.get_yticklabels()] == NAMES
    assert left.get_yticks().tolist() == [0, 1, 2]
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "share of episodes",
        "units of reward",
        "units of reward",
    ]
    assert [axes.get_title() for axes in figure.axes] == [
        "probability $P$",
        "return $R$",
        "product $R\\,P$",
    ]


def test_the_scales_do_not_follow_the_numbers_and_hold_what_the_hill_can_do():
    limits = []
    for probability in (0.1, 0.75):
        figure = Figure()
        figures.draw_trajectories(figure, ["one"], [probability], [0.38])
        limits.append([axes.get_xlim() for axes in figure.axes])
    assert limits[0] == limits[1]
    # Resting twice happens to at most 3/4 of the episodes, no return exceeds 1, and
    # two climbs from the valley contribute at most (3/4)^3 * 0.9 = 0.38.
    for (low, high), largest in zip(limits[0], (0.75, 1, 0.38), strict=True):
        assert low == 0 and high > largest


def test_bars_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r"probabilities: expected shape \(3,\)"):
        figures.draw_trajectories(Figure(), NAMES, [0.5, 0.5], [1, 0, 1])
    with pytest.raises(ValueError, match=r"returns: expected shape \(3,\)"):
        figures.draw_trajectories(Figure(), NAMES, [0.5, 0.2, 0.3], [1, 0])


# Discounts


def test_the_stems_fall_by_half_each_step_and_one_is_marked():
    axes = figures.draw_discounts(Figure().subplots(), 0.5, delay=3, level=0.2)
    stems, marked = axes.collections
    tops = [segment[1].tolist() for segment in stems.get_segments()]
    assert len(tops) == 41
    assert tops[:4] == [[0, 1], [1, 0.5], [2, 0.25], [3, 0.125]]
    (segment,) = marked.get_segments()
    assert segment.tolist() == [[3, 0], [3, 0.125]]
    dots, diamond, level = axes.lines
    assert dots.get_ydata()[:3].tolist() == [1, 0.5, 0.25]
    assert (diamond.get_xdata()[0], diamond.get_ydata()[0]) == (3, 0.125)
    assert level.get_ydata()[0] == 0.2
    assert [text.get_text() for text in axes.texts] == ["0.2 now"]


@pytest.mark.parametrize(("gamma", "last"), [(0, 0), (1, 1)])
def test_the_first_reward_counts_in_full_at_any_gamma(gamma, last):
    axes = figures.draw_discounts(Figure().subplots(), gamma, delay=0, level=0.2)
    heights = axes.lines[0].get_ydata()
    assert heights[0] == 1
    assert heights[1] == heights[40] == last


@pytest.mark.parametrize(
    ("gamma", "delay", "error", "message"),
    [
        (1.1, 3, ValueError, "gamma"),
        ("half", 3, TypeError, "gamma"),
        (0.5, 41, ValueError, "delay: expected at most 40, got 41"),
        (0.5, -1, ValueError, "delay"),
    ],
)
def test_a_discount_that_makes_no_sense_is_refused(gamma, delay, error, message):
    with pytest.raises(error, match=message):
        figures.draw_discounts(Figure().subplots(), gamma, delay, level=0.2)


# Densities


def test_density_return_and_product_stand_side_by_side():
    figure = Figure()
    figures.draw_density(figure, [0, 1, 2], [0.5, 1.5, 0.5], torch.tensor([-1, -2, 0]))
    drawn = [axes.lines[0].get_ydata().tolist() for axes in figure.axes]
    assert drawn == [[0.5, 1.5, 0.5], [-1, -2, 0], [-0.5, -3, 0]]
    (area,) = figure.axes[2].collections
    assert area.get_paths()[0].vertices[:, 1].min() == -3
    assert all(axes.get_xlabel() == "action $a$" for axes in figure.axes)


def test_densities_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"actions: expected shape \(n,\)"):
        figures.draw_density(Figure(), [[0, 1]], [1, 1], [1, 1])
    with pytest.raises(ValueError, match=r"density: expected shape \(2,\)"):
        figures.draw_density(Figure(), [0, 1], [1, 1, 1], [1, 1])
    with pytest.raises(ValueError, match=r"returns: expected shape \(2,\)"):
        figures.draw_density(Figure(), [0, 1], [1, 1], [1])


# The fitted line


def test_a_straight_line_is_found_with_the_error_worked_out_by_hand():
    # x - mean is (-1, 0, 1), so the slope is (y_2 - y_0) / 2, and its error is
    # the root of 0.3^2 + 0.4^2, halved: 0.25. The error of the middle has no effect.
    slope, error, height = experiments.fit_line([0, 1, 2], [1, -1, -3], [0.3, 9, 0.4])
    assert (slope, error, height) == pytest.approx((-2, 0.25, 1))


def test_the_line_is_that_of_numpy_where_points_scatter():
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((2, 20))
    slope, error, height = experiments.fit_line(x, y, np.full(20, 0.7))
    assert [slope, height] == pytest.approx(np.polyfit(x, y, 1))
    design = np.column_stack([x, np.ones(20)])
    assert error == pytest.approx(0.7 * np.linalg.inv(design.T @ design)[0, 0] ** 0.5)


def test_points_that_fix_no_line_are_refused():
    with pytest.raises(ValueError, match="x: expected two different numbers"):
        experiments.fit_line([1, 1], [0, 1], [1, 1])
    with pytest.raises(ValueError, match="x: expected shape"):
        experiments.fit_line([[1, 2]], [0, 1], [1, 1])
    with pytest.raises(ValueError, match=r"y: expected shape \(2,\)"):
        experiments.fit_line([1, 2], [0, 1, 2], [1, 1])
    with pytest.raises(ValueError, match=r"standard_errors: expected shape \(2,\)"):
        experiments.fit_line([1, 2], [0, 1], [1])


def test_errors_and_the_power_law_are_drawn_on_logarithmic_axes():
    axes = figures.draw_errors(
        Figure().subplots(), [1, 100], [0.5, 0.06], slope=-0.5, height=-0.301
    )
    line, points = axes.lines
    assert line.get_ydata() == pytest.approx([0.5, 0.05], rel=1e-3)
    assert points.get_ydata().tolist() == [0.5, 0.06]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    texts = {text.get_text() for text in axes.get_legend().get_texts()}
    assert texts == {"fitted line, slope -0.50", "measured"}


def test_what_has_no_logarithm_is_refused():
    with pytest.raises(ValueError, match="numbers: expected positive"):
        figures.draw_errors(Figure().subplots(), [0, 1], [1, 1], -0.5, 0)
    with pytest.raises(ValueError, match="errors: expected positive"):
        figures.draw_errors(Figure().subplots(), [1, 2], [1, 0], -0.5, 0)
    with pytest.raises(ValueError, match=r"errors: expected shape \(2,\)"):
        figures.draw_errors(Figure().subplots(), [1, 2], [1], -0.5, 0)
