import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pg_course.nb12_the_loss_clinic import exercises, experiments, figures
from pg_course.shared import crowds
from pg_course.stage.plots import COLORS
from pg_helpers import clinic, exact

GAMMA = 0.9


def found(**changes):
    numbers = {
        "relative_error": 0.25,
        "cosine": 0.5,
        "scale": 0.75,
        "variance": 3.0,
        "plain_variance": 2.0,
        "cause": "",
        "verdict": "Uphill.",
    }
    return SimpleNamespace(**{**numbers, **changes})


# The table


def test_a_row_holds_error_cosine_length_and_noise():
    lines = figures.table({"a loss": found()}).splitlines()
    assert lines[0].split() == ["error", "cosine", "length", "noise"]
    # Noise: the variance 3 in units of the plain one, 2.
    assert lines[1].split() == ["a", "loss", "25", "%", "0.500", "0.750", "1.50"]
    assert len(lines) == 2


def test_a_right_loss_has_the_error_0_and_no_number_is_minus_zero():
    right = found(relative_error=3e-16, cosine=1.0, scale=-1e-17)
    assert figures.table({"x": right}).splitlines()[1].split()[1:] == [
        "0",
        "1.000",
        "0.000",
        "1.50",
    ]


def test_a_cause_stands_below_its_row_and_no_line_is_too_long():
    text = figures.table({"x": found(cause="the mask is forgotten " * 9)}, width=60)
    lines = text.splitlines()
    assert lines[2].startswith("    the mask is forgotten")
    assert max(map(len, lines)) <= 60


def test_a_loss_that_was_not_examined_has_its_verdict_and_no_numbers():
    lost = found(relative_error=float("inf"), verdict="The loss is nan.")
    lines = figures.table({"x": lost, "y": found()}).splitlines()
    assert lines[1].split() == ["x", "could", "not", "be", "examined"]
    assert lines[2] == "    The loss is nan."
    assert lines[3].startswith("y")


def test_no_diagnosis_is_refused():
    with pytest.raises(ValueError, match="diagnoses: expected at least one"):
        figures.table({})


# Courses as panels


def test_each_panel_shows_the_median_of_its_loss_over_the_right_one():
    right = np.array([[0, 1, 2.0], [0, 1, 4.0], [0, 3, 9.0]])
    others = {"up": right + 1, "down": -right, "flat": 0 * right}
    figure = Figure(figsize=(9, 6))
    figures.draw_courses(figure, right, others, start=0.5, columns=2)
    assert [axes.get_title() for axes in figure.axes] == [*others, ""]
    for axes, (name, runs) in zip(figure.axes, others.items(), strict=False):
        start, grey, coloured = axes.lines
        assert set(start.get_ydata()) == {0.5}, name
        np.testing.assert_allclose(grey.get_ydata(), [0, 1, 4])
        np.testing.assert_allclose(coloured.get_ydata(), np.median(runs, axis=0))
        assert coloured.get_color() == COLORS[1]
        assert coloured.get_linestyle() == "--"
        assert grey.get_linestyle() == "-"
    assert not figure.axes[-1].axison
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


@pytest.mark.parametrize(
    ("right", "others", "message"),
    [
        ([[1.0, 2.0]], {}, "others: expected at least one"),
        ([1.0, 2.0], {"x": [[1.0, 2.0]]}, "right: expected shape"),
        (
            [[1.0, 2.0]],
            {"x": [[1.0, 2.0, 3.0]]},
            r"others\['x'\]: expected courses of 2",
        ),
        ([[1.0, 2.0]], {"x": [[1.0, np.nan]]}, r"others\['x'\]: expected finite"),
    ],
)
def test_courses_that_do_not_fit_are_refused(right, others, message):
    with pytest.raises(ValueError, match=message):
        figures.draw_courses(Figure(), right, others, start=0.0)


# The mixture


def mixture(**changes):
    arguments = {
        "names": ["0, 0", "0, 1"],
        "pushes": ([0.3, -0.3], [0.1, -0.1]),
        "shares": [0.0, 0.5, 1.0],
        "cosines": [1.0, 0.2, -0.6],
        "at": 2,
    }
    figure = Figure(figsize=(9, 3.8))
    figures.draw_mixture(figure, **{**arguments, **changes})
    return figure


def test_bars_are_the_pushes_and_the_mark_stands_at_the_share():
    left, right = mixture().axes
    of_j, of_loss = left.containers
    assert [bar.get_height() for bar in of_j] == [0.1, -0.1]
    assert [bar.get_height() for bar in of_loss] == [0.3, -0.3]
    assert all(bar.get_hatch() for bar in of_loss)
    assert not any(bar.get_hatch() for bar in of_j)
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["0, 0", "0, 1"]
    line, mark = right.lines[1:]
    np.testing.assert_allclose(line.get_ydata(), [1.0, 0.2, -0.6])
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1.0, -0.6)
    assert right.get_ylim() == (-1.1, 1.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pushes": ([0.3], [0.1])}, r"pushes: expected shape \(2, 2\)"),
        ({"cosines": [1.0]}, "cosines: expected shape"),
        ({"at": 3}, "at: expected at most 2"),
    ],
)
def test_a_mixture_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        mixture(**changes)


# Training by any loss


def plain(log_probs, rewards, mask):
    discounts = GAMMA ** torch.arange(rewards.shape[1])
    returns = (discounts * rewards).sum(dim=1)
    return -(returns * (log_probs * mask).sum(dim=1)).mean()


def plain_of_batch(batch, policy):
    log_probs = policy(batch.observations).log_prob(batch.actions)
    return plain(log_probs, batch.rewards, batch.mask)


def mask_forgotten(log_probs, rewards, mask):
    return plain(log_probs, rewards, torch.ones_like(mask))


def one_step_by_hand(loss, world, policy, row, num_rows, N, learning_rate, seed):
    """J after one update of one member of the crowd, with PyTorch's own module."""
    learner = copy.deepcopy(policy)
    observations = torch.tensor(world.observations)
    table = learner(observations).probs.detach()
    generator = np.random.default_rng(seed)
    played = crowds.play(world, table.expand(num_rows, -1, -1), N, generator)
    mask = played.mask[row]
    states = played.states[row].masked_fill(~mask, 0)
    actions = played.actions[row].masked_fill(~mask, 0)
    log_probs = learner(observations[states]).log_prob(actions)
    optimizer = torch.optim.Adam(learner.parameters(), lr=learning_rate)
    loss(log_probs, played.rewards[row], mask).backward()
    optimizer.step()
    return exact.objective(world, learner, GAMMA).item()


def test_a_member_of_the_crowd_learns_as_it_would_alone():
    world = clinic.standard_world()
    policy = clinic.standard_policy(world)
    before = copy.deepcopy(policy.state_dict())
    losses = {"plain": plain, "batch": plain_of_batch, "no mask": mask_forgotten}
    courses = experiments.courses(
        losses,
        world,
        policy,
        GAMMA,
        num_updates=1,
        num_trajectories=5,
        learning_rate=0.1,
        num_runs=2,
        seed=3,
    )
    by_hand = {"plain": plain, "batch": plain, "no mask": mask_forgotten}
    start = exact.objective(world, policy, GAMMA).item()
    for number, (name, loss) in enumerate(by_hand.items()):
        assert courses[name].shape == (2, 2)
        np.testing.assert_allclose(courses[name][:, 0], start)
        for run in range(2):
            alone = one_step_by_hand(
                loss, world, policy, 2 * number + run, 6, 5, 0.1, 3
            )
            assert courses[name][run, 1] == pytest.approx(alone, abs=1e-9)
            assert alone != pytest.approx(start, abs=1e-3)
    for key, value in policy.state_dict().items():
        assert torch.equal(value, before[key])


def test_the_same_seed_gives_the_same_course_and_another_does_not():
    world = clinic.standard_world()
    policy = clinic.standard_policy(world)

    def course(seed):
        return experiments.courses(
            {"plain": plain}, world, policy, GAMMA, num_updates=3, seed=seed
        )["plain"]

    assert (course(1) == course(1)).all()
    assert (course(1) != course(2)).any()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"losses": {}}, ValueError, "losses"),
        ({"num_updates": 0}, ValueError, "num_updates"),
        ({"num_runs": 1.5}, TypeError, "num_runs"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate"),
        ({"gamma": 1.5}, ValueError, "gamma"),
    ],
)
def test_training_refuses_what_makes_no_sense(changes, error, message):
    world = clinic.standard_world()
    arguments = {
        "losses": {"plain": plain},
        "world": world,
        "policy": clinic.standard_policy(world),
        "gamma": GAMMA,
        "num_updates": 1,
    }
    with pytest.raises(error, match=message):
        experiments.courses(**{**arguments, **changes})


# What the messages of the exercises say in numbers


def test_the_numbers_in_the_messages_of_notebook_12_are_true():
    def steps(check, phrase):
        (mistake,) = (m for m in check.mistakes if phrase in m.message)
        observed = check.observe_all(check.right), check.observe_all(mistake.wrong[0])
        return [[s.values["the mean gradient step"] for s in seen] for seen in observed]

    def cosine(one, other):
        return float(one @ other / one.norm() / other.norm())

    right, by_steps = steps(
        exercises.mended_loss, "one fault is left: the sum is divided"
    )
    # More than 60 degrees.
    assert 0 < cosine(right[0], by_steps[0]) < 0.5
    right, padded = steps(exercises.mended_loss, "one fault is left: the padding")
    assert cosine(right[0], padded[0]) < 0
    right, dropped = steps(exercises.to_go_loss, "off by 1.4 %")
    error = (dropped[0] - right[0]).norm() / right[0].norm()
    assert error == pytest.approx(0.014, abs=0.0005)
    right, own = steps(exercises.to_go_loss, "its own reward only")
    assert cosine(right[0], own[0]) < 0
    right, included = steps(exercises.leave_one_out_loss, "the own one included")
    assert included[0].norm() / right[0].norm() == pytest.approx(1 / 2)
    assert included[1].norm() / right[1].norm() == pytest.approx(2 / 3)


def test_the_right_losses_of_the_checks_are_unbiased():
    for check in (exercises.mended_loss, exercises.to_go_loss):
        assert clinic.examine(check.right).unbiased
    loss = exercises.leave_one_out_loss.right
    assert clinic.examine(loss, num_trajectories=2).unbiased
