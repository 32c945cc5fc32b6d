import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pg_course.nb08_the_pseudo_loss import exercises, experiments, figures

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "08_the_pseudo_loss.ipynb"
KINDS = ("expected pay", "half the sum of squares")


def by_autograd(objective, start, pays, learning_rate, num_updates):
    """The same climb, with the gradient of a scalar in two logits."""
    logits = torch.tensor([1 - start, start], dtype=torch.float64).log()
    pays = torch.tensor(pays, dtype=torch.float64)
    path = []
    for _ in range(num_updates + 1):
        logits = logits.detach().requires_grad_()
        pi = logits.softmax(0)
        path.append(pi[1].item())
        if objective == "expected pay":
            scalar = (pi * pays).sum()
        else:
            scalar = (pi.square() * pays).sum() / 2
        (gradient,) = torch.autograd.grad(scalar, logits)
        logits = logits + learning_rate * gradient
    return path


@pytest.mark.parametrize("objective", KINDS)
@pytest.mark.parametrize("start", [0.05, 0.25, 0.9])
@pytest.mark.parametrize(("worse", "better"), [(0, 1), (0.5, 1), (-1, 2), (0.9, 1)])
def test_a_climb_is_that_of_the_gradient_by_autograd(objective, start, worse, better):
    path = experiments.follow(objective, start, worse, better, 0.7, 30)
    expected = by_autograd(objective, start, [worse, better], 0.7, 30)
    assert path.tolist() == pytest.approx(expected, abs=1e-12)


def test_squares_lead_to_the_better_arm_from_above_the_tipping_point_only():
    # 1/2 ((1 - p)^2 w + p^2): the slope p - w (1 - p) is zero at p = w / (1 + w).
    for worse in (0.2, 0.5, 0.9):
        tipping = experiments.tipping_point(worse)
        assert tipping == pytest.approx(worse / (1 + worse))
        for distance in (-0.02, 0.02):
            path = experiments.follow(KINDS[1], tipping + distance, worse)
            assert (np.sign(np.diff(path)) == np.sign(distance)).all()
    assert experiments.tipping_point(3, better=6) == pytest.approx(1 / 3)
    assert experiments.tipping_point(0) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("pay", 0.5, 0.5), ValueError, "objective: expected one of two"),
        ((KINDS[0], 0, 0.5), ValueError, "start: expected a number above 0"),
        ((KINDS[0], 1, 0.5), ValueError, "start: expected a number above 0"),
        ((KINDS[0], 1.5, 0.5), ValueError, "start"),
        ((KINDS[0], "half", 0.5), TypeError, "start"),
        ((KINDS[0], 0.5, 0.5, 1, 1, 0), ValueError, "num_updates"),
    ],
)
def test_a_climb_that_makes_no_sense_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        experiments.follow(*arguments)


@pytest.mark.parametrize("pays", [(-0.1, 1), (0.5, 0)])
def test_a_tipping_point_needs_pays(pays):
    with pytest.raises(ValueError, match="worse, better: expected pays"):
        experiments.tipping_point(*pays)


def test_paths_are_drawn_as_given_with_marks_on_them():
    paths = {"one": np.linspace(0.2, 1, 41), "other": np.linspace(0.2, 0, 41)}
    axes = figures.draw_paths(Figure(), paths, 0.3)
    first, first_marks, second, second_marks, line = axes.lines
    for drawn, marks, path in (
        (first, first_marks, paths["one"]),
        (second, second_marks, paths["other"]),
    ):
        assert drawn.get_ydata().tolist() == path.tolist()
        places = marks.get_xdata().tolist()
        assert marks.get_ydata().tolist() == path[places].tolist()
        assert to_hex(marks.get_color()) == to_hex(drawn.get_color())
    assert first.get_linestyle() != second.get_linestyle()
    assert first_marks.get_marker() != second_marks.get_marker()
    assert set(line.get_ydata()) == {0.3}
    assert [text.get_text() for text in axes.texts] == ["tipping point 0.30"]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["one", "other"]
    assert axes.get_ylabel() == "probability of the better arm"


def test_without_a_tipping_point_there_is_no_line():
    axes = figures.draw_paths(Figure(), {"one": [0.5, 0.6]}, None)
    assert len(axes.lines) == 2 and not axes.texts


def test_the_race_shows_medians_bands_and_both_ends():
    runs = {"a": [[1.0, 2.0], [1.0, 4.0], [1.0, 9.0]], "b": [[1.0, 0.5]] * 2}
    axes = figures.draw_race(Figure().add_subplot(), runs, best=10, worst=0.25)
    median, marks, other, _, best, worst = axes.lines
    assert median.get_ydata().tolist() == [1, 4]
    assert set(marks.get_ydata()) <= {1, 4}
    assert other.get_ydata().tolist() == [1, 0.5]
    assert len(axes.collections) == 2
    assert set(best.get_ydata()) == {10} and set(worst.get_ydata()) == {0.25}
    names = {text.get_text(): text.get_va() for text in axes.texts}
    assert names == {"always the better arm": "bottom", "always the worse arm": "top"}


def test_losses_stand_beside_the_objective():
    figure = Figure()
    losses = {"first": [0.0, 1.0, 0.5], "second": [0.0, -1.0, -0.5]}
    figures.draw_losses(figure, [1.0, 2.0, 3.0], losses)
    left, right = figure.axes
    assert left.lines[0].get_ydata().tolist() == [1, 2, 3]
    assert [line.get_ydata().tolist() for line in right.lines[:2]] == list(
        losses.values()
    )
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(losses)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (
            lambda f: figures.draw_losses(f, [1.0, 2.0], {"x": [1.0]}),
            ValueError,
            r"losses\['x'\]: expected 2 numbers as objective, got 1",
        ),
        (
            lambda f: figures.draw_losses(f, [1.0], {"x": [math.nan]}),
            ValueError,
            "finite",
        ),
        (
            lambda f: figures.draw_paths(f, {"x": ["a"]}, 0.5),
            TypeError,
            r"paths\['x'\]: expected real numbers",
        ),
        (
            lambda f: figures.draw_paths(f, {"x": [0.5]}, 1.5),
            ValueError,
            "tipping",
        ),
        (
            lambda f: figures.draw_race(f.add_subplot(), {"x": [1.0]}, 1, 0),
            ValueError,
            "number of runs",
        ),
    ],
)
def test_bad_numbers_are_refused(draw, error, message):
    with pytest.raises(error, match=message):
        draw(Figure())


@pytest.mark.parametrize("name", ["loss_from_logits", "all_action_loss", "ratio_loss"])
def test_the_sections_and_readings_that_the_checks_name_are_in_the_notebook(name):
    check = getattr(exercises, name)
    texts = [check.where, check.expected, *(m.message for m in check.mistakes)]
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    everything = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    for text in texts:
        for number in re.findall(r"8\.\d+", text):
            assert re.search(
                rf"^##+ (Exercise )?{re.escape(number)} ", everything, re.MULTILINE
            )
        for reading in re.findall(r"section 8\.7 (\([abc]\))", text):
            assert f"**{reading} " in everything


def test_the_numbers_in_the_messages_are_true():
    def gradient(check, function):
        return check.observe_all(function)[1].values["the gradient"]

    def lengths(check, phrase):
        (mistake,) = [m for m in check.mistakes if phrase in m.message]
        return [gradient(check, wrong).norm() for wrong in mistake.wrong]

    # Four samples, or states, and three actions.
    for check in (
        exercises.loss_from_logits,
        exercises.all_action_loss,
        exercises.ratio_loss,
    ):
        right = gradient(check, check.right).norm()
        (summed,) = lengths(check, "4 times too long")
        assert summed / right == pytest.approx(4)
    for check in (exercises.loss_from_logits, exercises.all_action_loss):
        (short,) = lengths(check, "3 times too short")
        assert gradient(check, check.right).norm() / short == pytest.approx(3)
    for length in lengths(exercises.loss_from_logits, "the gradient is exactly zero"):
        assert length == pytest.approx(0, abs=1e-6)
    (twice,) = lengths(exercises.loss_from_logits, "the softmax is taken twice")
    assert (
        twice
        < 0.5
        * gradient(exercises.loss_from_logits, exercises.loss_from_logits.right).norm()
    )
    for phrase in ("the gradient is right", "the value is not the one"):
        for check in (exercises.all_action_loss, exercises.ratio_loss):
            (same,) = [
                gradient(check, wrong)
                for m in check.mistakes
                if phrase in m.message
                for wrong in m.wrong
            ]
            torch.testing.assert_close(same, gradient(check, check.right))
