"""The paths and figures of notebook 01, held against closed forms and the truth."""

import numpy as np
import pytest
import torch
from answers.nb01_gradient_ascent import WRONG_ANSWERS
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pg_course.nb01_gradient_ascent import exercises, experiments, figures
from pg_course.stage import plots
from pg_helpers import exact
from pg_helpers.policies import TabularPolicy
from pg_helpers.worlds import two_armed_bandit

# The line 1 + 2x with the errors 1, -1, -1, 1, which no line can make smaller: they are
# orthogonal to a constant and to x. So the best line is known, and its MSE is 1.
X = [0.0, 1.0, 2.0, 3.0]
Y = [2.0, 2.0, 4.0, 8.0]
MEANS = [0.2, 0.6]


def policy_at(logits):
    policy = TabularPolicy(3, 2).double()
    with torch.no_grad():
        policy.logits[0] = torch.tensor(logits)
    return policy


def texts(axes):
    return {text.get_text() for text in axes.texts}


# Paths


def test_one_descent_step_by_hand():
    # At (0, 0) the errors are -2, -2, -4, -8: the gradient is twice the mean of them,
    # -8, and twice the mean of error times x, -(0 + 2 + 8 + 24) / 2 = -17.
    path = experiments.line_path(X, Y, 0.1, 1, [0, 0])
    np.testing.assert_allclose(path, [[0, 0], [0.8, 1.7]])


def test_descent_converges_below_and_diverges_above_the_threshold():
    # Second derivatives 2 [[1, 1.5], [1.5, 3.5]]: eigenvalues 4.5 -+ sqrt(15.25).
    threshold = 2 / (4.5 + 15.25**0.5)
    below = experiments.line_path(X, Y, 0.99 * threshold, 2000, [0, 0])
    above = experiments.line_path(X, Y, 1.01 * threshold, 2000, [0, 0])
    np.testing.assert_allclose(below[-1], [1, 2], atol=1e-6)
    assert abs(above[-1]).max() > 1e6


def test_squared_errors_by_hand():
    # y squared is 4, 4, 16, 64.
    errors = experiments.squared_errors([[1, 2], [0, 0]], X, Y)
    np.testing.assert_allclose(errors, [1, 22])


@pytest.mark.parametrize("start", [[0.0, 0.0], [1.0, 0.0], [-2.0, 1.5]])
def test_an_ascent_step_follows_the_exact_gradient(start):
    levers = two_armed_bandit(MEANS)
    gradient = exact.gradient(levers, policy_at(start), gamma=1.0)[:2].numpy()
    path = experiments.lever_path(MEANS, 0.5, 1, start)
    np.testing.assert_allclose(path, [start, start + 0.5 * gradient], atol=1e-12)


def test_the_steps_of_single_pulls_are_the_four_that_are_possible():
    # Undecided: r (1, -1) / 2 for lever 0 and r (-1, 1) / 2 for lever 1, with the
    # rewards 0 or 0.4, and 0.4 or 0.8, each as probable as the next.
    paths = experiments.pull_paths(MEANS, 0.2, 1.0, 1, [0, 0], 4000, seed=3)
    values, counts = np.unique(paths[:, 1].round(9) + 0.0, axis=0, return_counts=True)
    np.testing.assert_allclose(values, [[-0.4, 0.4], [-0.2, 0.2], [0, 0], [0.2, -0.2]])
    # The standard error of a count is sqrt(4000 * 3 / 16) = 27.
    assert (abs(counts - 1000) < 4 * 27.4).all()


@pytest.mark.parametrize("start", [[1.0, 0.0], [0.0, 0.7]])
def test_the_mean_step_of_single_pulls_is_the_exact_one(start):
    paths = experiments.pull_paths(MEANS, 0.2, 1.0, 1, start, 20_000, seed=4)
    steps = paths[:, 1] - paths[:, 0]
    gradient = experiments.lever_path(MEANS, 1.0, 1, start)[1] - start
    standard_errors = steps.std(0) / len(steps) ** 0.5
    assert (abs(steps.mean(0) - gradient) < 4 * standard_errors).all()
    assert (standard_errors < 0.05 * abs(gradient)).all()


def test_single_pulls_depend_on_the_seed_and_on_nothing_else():
    def path(seed):
        return experiments.pull_paths(MEANS, 0.2, 1.0, 30, [1, 0], 2, seed)

    np.testing.assert_array_equal(path(1), path(1))
    assert not np.array_equal(path(1), path(2))
    assert path(1).shape == (2, 31, 2)
    assert (path(1)[:, 0] == [1, 0]).all()


def test_probabilities_are_those_of_a_sigmoid_and_safe_far_apart():
    pi = experiments.probabilities([[0, 2], [1000, -1000]])
    np.testing.assert_allclose(pi[0], [1 / (1 + np.e**2), 1 / (1 + np.e**-2)])
    np.testing.assert_array_equal(pi[1], [1, 0])


# Figures


def test_a_descent_is_drawn_with_its_path_its_ends_and_its_errors():
    figure = Figure()
    path = [[0, 0], [0.8, 1.7], [1, 2]]
    figures.draw_line_run(figure, path, X, Y)
    plane, graph = figure.axes
    drawn, start, best = plane.lines
    np.testing.assert_allclose(drawn.get_xydata(), path)
    np.testing.assert_allclose(start.get_xydata(), [[0, 0]])
    np.testing.assert_allclose(best.get_xydata(), [[1, 2]], atol=1e-9)
    assert texts(plane) == {"start", "best"}
    errors = graph.lines[0].get_ydata()
    np.testing.assert_allclose(errors[[0, 2]], [22, 1])
    assert graph.lines[1].get_ydata()[0] == pytest.approx(1)
    assert graph.get_yscale() == "log"
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in (plane, graph))


def test_a_path_that_diverges_is_drawn_as_far_as_it_can_be():
    figure = Figure()
    figures.draw_line_run(figure, [[0, 0], [50, 80], [1e100, 1e100]], X, Y)
    plane, _ = figure.axes
    np.testing.assert_allclose(plane.lines[0].get_xydata(), [[0, 0], [50, 80]])
    low, high = plane.get_xlim()
    assert low < 0 and 1 < high < 10
    figure.canvas.draw()


def test_an_ascent_is_drawn_on_the_curve_and_against_the_steps():
    figure = Figure()
    figures.draw_lever_run(figure, [[0, 0], [-1, 1]], MEANS)
    hill, graph = figure.axes
    curve, points, start, end = hill.lines
    # J = 0.2 + 0.4 sigmoid(difference of the logits).
    across, heights = curve.get_xydata().T
    np.testing.assert_allclose(heights, 0.2 + 0.4 / (1 + np.exp(-across)))
    objectives = [0.4, 0.2 + 0.4 / (1 + np.exp(-2))]
    np.testing.assert_allclose(points.get_xydata(), [[0, 0.4], [2, objectives[1]]])
    np.testing.assert_allclose(start.get_xydata(), [[0, 0.4]])
    np.testing.assert_allclose(end.get_xydata(), [[2, objectives[1]]])
    np.testing.assert_allclose(graph.lines[0].get_ydata(), objectives)
    assert [line.get_ydata()[0] for line in graph.lines[1:]] == [0.6, 0.2]
    assert texts(graph) == {"best possible", "the worse lever"}
    for axes in (hill, graph):
        assert axes.get_ylim()[0] < 0.2 and axes.get_ylim()[1] > 0.6
        assert axes.get_xlabel() and axes.get_ylabel()


@pytest.mark.parametrize(
    ("last", "place", "marker"),
    [([30, 0], -8, "<"), ([0, 30], 8, ">"), ([0, 1], 1, "*")],
)
def test_an_end_beyond_the_picture_is_drawn_as_an_arrow_at_its_edge(
    last, place, marker
):
    figure = Figure()
    figures.draw_lever_run(figure, [[1, 0], last], MEANS)
    end = figure.axes[0].lines[-1]
    assert end.get_marker() == marker
    assert end.get_xdata()[0] == place


def test_the_two_kinds_of_data_are_drawn_with_their_numbers():
    figure = Figure()
    left, right = figures.draw_two_kinds_of_data(
        figure, X, Y, [[0, 0], [1, 2]], [[30, 10], [4, 36]], ["before", "after"]
    )
    points, before, after = left.lines
    np.testing.assert_allclose(points.get_xydata(), np.column_stack([X, Y]))
    np.testing.assert_allclose(before.get_xydata(), [[0, 0], [3, 0]])
    np.testing.assert_allclose(after.get_xydata(), [[0, 1], [3, 7]])
    assert [bar.get_height() for bar in right.patches] == [30, 10, 4, 36]
    centres = [bar.get_x() + bar.get_width() / 2 for bar in right.patches]
    np.testing.assert_allclose(centres, [-0.2, 0.8, 0.2, 1.2])
    assert texts(right) == {"30", "10", "4", "36"}
    # A moment has the same color on both sides, and a hatch besides.
    for number, (line, bars) in enumerate(
        zip((before, after), right.containers, strict=True)
    ):
        assert line.get_label() == bars.get_label() == ["before", "after"][number]
        assert line.get_color() == plots.COLORS[number]
        assert to_hex(bars[0].get_facecolor()).upper() == plots.COLORS[number]
    assert len({bars[0].get_hatch() for bars in right.containers}) == 2
    ticks = [tick.get_text() for tick in right.get_xticklabels()]
    assert ticks == ["lever 0", "lever 1"]


# Bad arguments


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: experiments.line_path(X, Y[:3], 0.1, 1, [0, 0]), ValueError, "x and"),
        (lambda: experiments.line_path([], [], 0.1, 1, [0, 0]), ValueError, "x and y"),
        (lambda: experiments.line_path(X, Y, 0, 1, [0, 0]), ValueError, "learning_"),
        (lambda: experiments.line_path(X, Y, 0.1, 0, [0, 0]), ValueError, "num_steps"),
        (lambda: experiments.line_path(X, Y, 0.1, 1, [0]), ValueError, "start"),
        (lambda: experiments.line_path("x", Y, 0.1, 1, [0, 0]), TypeError, "x: "),
        (lambda: experiments.squared_errors(1.0, X, Y), ValueError, "theta"),
        (lambda: experiments.lever_path([1], 0.1, 1, [0, 0]), ValueError, "mean_rew"),
        (lambda: experiments.lever_path(MEANS, 0.1, 1.5, [0, 0]), TypeError, "num_st"),
        (
            lambda: experiments.pull_paths(MEANS, 0.2, 0.1, 1, [0, 0], num_runs=0),
            ValueError,
            "num_runs",
        ),
        (
            lambda: experiments.pull_paths(MEANS, 0.2, 0.1, 1, [0, 0], seed=-1),
            ValueError,
            "seed",
        ),
        (lambda: experiments.probabilities([1, 2, 3]), ValueError, "logits"),
        (
            lambda: figures.draw_line_run(Figure(), [0, 0], X, Y),
            ValueError,
            "path",
        ),
        (
            lambda: figures.draw_lever_run(Figure(), [[0, np.inf]], MEANS),
            ValueError,
            "path",
        ),
        (
            lambda: figures.draw_two_kinds_of_data(
                Figure(), X, Y, [[0, 0]], [[1, 2]], ["one", "two"]
            ),
            ValueError,
            r"lines: expected shape \(2, 2\), got \(1, 2\)",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


# The checks of the same notebook


def test_the_right_minibatch_gradient_by_hand():
    # At x = 2, y = 5 the line 1 + 3x is off by 2: 2 * 2 and 2 * 2 * 2.
    theta, x, y, batch = exercises.minibatch_gradient.cases[0].inputs
    assert exercises.minibatch_gradient.right(theta, x, y, batch).tolist() == [4, 8]
    # Errors at x = 3, 0.5, 1.5, 4 under 0.5 - x: -7.5, -2, -4, -4.5.
    theta, x, y, batch = exercises.minibatch_gradient.cases[1].inputs
    by_slope = -(7.5 * 3 + 2 * 0.5 + 4 * 1.5 + 4.5 * 4) / 2
    found = exercises.minibatch_gradient.right(theta, x, y, batch).tolist()
    assert found == pytest.approx([-9, by_slope])


def test_the_right_bandit_gradient_is_the_exact_one():
    logits, means = [0.3, -0.4], [1.5, -2.0]
    truth = exact.gradient(two_armed_bandit(means), policy_at(logits), gamma=1.0)
    found = exercises.bandit_gradient.right(torch.tensor(logits), torch.tensor(means))
    np.testing.assert_allclose(found, truth[:2], rtol=1e-5)


@pytest.mark.parametrize(
    ("phrase", "case", "factor"),
    [
        ("this is the sum over the points", 1, 4),
        ("a factor 2 is missing", 1, 1 / 2),
        ("divided by the number of all points", 1, 1 / 2),
    ],
)
def test_the_numbers_in_the_messages_are_true(phrase, case, factor):
    (wrong,) = WRONG_ANSWERS["minibatch_gradient"][phrase]
    inputs = exercises.minibatch_gradient.cases[case].inputs
    right = exercises.minibatch_gradient.right(*inputs)
    found = torch.as_tensor(wrong(*inputs), dtype=torch.float64)
    np.testing.assert_allclose(found, factor * right, rtol=1e-5)
