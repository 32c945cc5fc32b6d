import itertools
import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pg_course.nb10_exploration import experiments, figures
from pg_course.shared import crowds
from pg_course.stage.plots import COLORS
from pg_helpers import TabularMDP, TabularPolicy, exact, hill, random_mdp


def axes_of():
    return Figure(figsize=(9, 5)).add_subplot()


def random_crowd(world, runs=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (runs, world.num_states, world.num_actions)
    return torch.randn(shape, generator=generator, dtype=torch.float64).softmax(-1)


def holding(pi):
    policy = TabularPolicy(*pi.shape).double()
    with torch.no_grad():
        policy.logits.copy_(pi.log())
    return policy


# The world of two goals


def test_the_best_policy_walks_four_steps_to_the_far_goal():
    # Four steps: the fourth reward is discounted three times.
    assert exact.optimal_objective(crowds.two_goals(), 0.9) == pytest.approx(7.29)
    # With three steps only the near goal is in reach.
    short = crowds.two_goals(near=2.0, horizon=3)
    assert exact.optimal_objective(short, 0.9) == 2


def test_one_step_left_ends_at_the_near_goal():
    world = crowds.two_goals(near=1.5, far=7.0)
    start = int(world.initial.argmax())
    assert divmod(start, 6) == (1, 1)
    goals = np.flatnonzero(world.terminal)
    assert [divmod(int(goal), 6) for goal in goals] == [(1, 0), (1, 5)]
    assert world.transition[start, 3, goals[0]] == 1
    assert world.reward[start, 3, goals[0]] == 1.5
    assert world.reward[goals[1] - 1, 1, goals[1]] == 7.0
    assert not world.reward[world.terminal].any()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"near": math.inf}, ValueError), ({"far": "much"}, TypeError)],
)
def test_bad_rewards_are_refused(arguments, error):
    with pytest.raises(error, match="near, far"):
        crowds.two_goals(**arguments)


# Exact values of a crowd


@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("world", [hill(horizon=3), random_mdp(4, 3, 3, seed=5)])
def test_the_objectives_of_a_crowd_are_those_of_each(world, gamma):
    crowd = random_crowd(world)
    found = crowds.objectives(world, crowd, gamma).tolist()
    for pi, J in zip(crowd, found, strict=True):
        by_listing = exact.objective(world, holding(pi), gamma).detach()
        assert J == pytest.approx(by_listing.item(), abs=1e-12)


def test_a_crowd_in_parts_is_the_same_crowd(monkeypatch):
    world = random_mdp(4, 3, 3, seed=5)
    crowd = random_crowd(world, runs=7)
    whole = crowds.objectives(world, crowd, 0.9)
    monkeypatch.setattr(crowds, "LEARNERS_AT_ONCE", 3)
    torch.testing.assert_close(crowds.objectives(world, crowd, 0.9), whole)
    assert len(whole.unique()) == 7


def test_what_is_gathered_along_the_way_by_listing():
    world, gamma = random_mdp(4, 2, 3, seed=2), 0.8
    (pi,) = random_crowd(world, runs=1)
    each = torch.tensor([0.5, -1.0, 2.0, 99.0]).double()  # 99: in the terminal state
    (found,) = crowds.along(world, pi[None], each, gamma)

    def gathered(listed):
        weights = gamma ** torch.arange(3).double() * listed.mask
        return (each[listed.states[:, :-1]] * weights).sum(1)

    expected = exact.expectation(world, holding(pi), gathered)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)


def test_the_length_of_an_episode():
    # A coin is tossed up to 3 times, until heads: 1 + 1/2 + 1/4 tosses.
    transition = [[[0.5, 0.5]], [[0, 1]]]
    world = TabularMDP([1, 0], transition, np.zeros((2, 1, 2)), [False, True], 3)
    lengths = crowds.along(world, np.ones((1, 2, 1)), np.ones(2))
    assert lengths.tolist() == [1.75]


def test_the_gradient_of_a_crowd():
    world = hill()
    logits = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    J = crowds.objectives(world, logits.softmax(-1), 0.9).sum()
    (found,) = torch.autograd.grad(J, [logits])
    for row, table in zip(found, logits.detach(), strict=True):
        policy = holding(table.softmax(-1))
        torch.testing.assert_close(
            row.flatten(), exact.gradient(world, policy, 0.9), atol=1e-12, rtol=0
        )


@pytest.mark.parametrize(
    ("pi", "error"),
    [
        (np.ones((3, 2)) / 2, ValueError),
        (np.ones((1, 2, 2)) / 2, ValueError),
        (np.full((1, 3, 2), np.nan), ValueError),
        ("policies", TypeError),
    ],
)
def test_a_crowd_that_does_not_fit_is_refused(pi, error):
    with pytest.raises(error, match="probabilities: expected"):
        crowds.objectives(hill(), pi, 0.9)


# Playing


def test_each_learner_plays_as_often_as_its_own_probabilities_say():
    world = random_mdp(3, 2, 2, seed=1)
    crowd, N = random_crowd(world, runs=2, seed=3), 40_000
    played = crowds.play(world, crowd, N, np.random.default_rng(0))
    listed = exact.trajectories(world)
    for run, pi in enumerate(crowd):
        expected = exact.log_prob(world, holding(pi), listed).exp()
        for s, a, t, b in itertools.product(range(3), range(2), range(3), range(2)):
            rows = (listed.states[:, :2] == torch.tensor([s, t])).all(1)
            rows &= (listed.actions == torch.tensor([a, b])).all(1) & listed.mask.all(1)
            probability = float(expected[rows].sum().detach())
            seen = (played.states[run] == torch.tensor([s, t])).all(1)
            seen &= (played.actions[run] == torch.tensor([a, b])).all(1)
            seen &= played.mask[run].all(1)
            error = math.sqrt(probability * (1 - probability) / N)
            assert abs(seen.double().mean() - probability) <= 5 * error


def test_rewards_and_steps_stop_where_the_episode_ends():
    world = crowds.two_goals()
    left = torch.zeros(1, 18, 4).double()
    left[..., 3] = 1
    played = crowds.play(world, left, 2, np.random.default_rng(0))
    assert played.mask.sum(-1).tolist() == [[1, 1]]
    assert played.rewards.sum(-1).tolist() == [[1, 1]]
    assert played.rewards[..., 1:].abs().max() == 0


def test_what_is_drawn_follows_the_probabilities():
    generator = np.random.default_rng(0)
    rows = np.tile([0.0, 0.2, 0.8, 0.0], (20_000, 1))
    shares = np.bincount(crowds.draw_actions(rows, generator), minlength=4) / 20_000
    assert shares[0] == shares[3] == 0
    assert abs(shares[1] - 0.2) < 5 * math.sqrt(0.16 / 20_000)


def test_tables_are_looked_up_at_states_and_actions():
    world = random_mdp(4, 3, 3)
    played = crowds.play(world, random_crowd(world, 2), 5, np.random.default_rng(1))
    values = torch.arange(24.0).reshape(2, 4, 3)
    found = crowds.at_steps(values, played)
    of_states = crowds.at_steps(values[..., 0], played)
    for r, n, t in np.ndindex(2, 5, 3):
        s, a = played.states[r, n, t], played.actions[r, n, t]
        assert found[r, n, t] == values[r, s, a]
        assert of_states[r, n, t] == values[r, s, 0]
    for bad in (values[:1], values[0, 0]):
        with pytest.raises(ValueError, match="table: expected shape"):
            crowds.at_steps(bad, played)


# Epsilon


def test_effective_actions_of_epsilon_by_hand():
    # 0.7, 0.1, 0.1, 0.1: 1 / (0.7^0.7 * 0.1^0.3).
    by_hand = 1 / (0.7**0.7 * 0.1**0.3)
    found = experiments.effective_of_epsilon([0.0, 0.4, 1.0], 4)
    assert found == pytest.approx([1, by_hand, 4])
    assert experiments.effective_of_epsilon(0.5, 1) == pytest.approx(1)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, [0.5, math.nan]])
def test_an_epsilon_that_is_no_probability_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon: expected"):
        experiments.effective_of_epsilon(epsilon, 2)


def test_a_schedule_halves():
    found = experiments.schedule(0.8, 2, 5)
    assert found[::2] == pytest.approx([0.8, 0.4, 0.2])
    assert found[1] / found[0] == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ((1.5, 2, 5), ValueError, "start"),
        ((0.5, 0, 5), ValueError, "half_life"),
        ((0.5, 2, 0), ValueError, "num_episodes"),
        ((0.5, 2, 1.5), TypeError, "num_episodes"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(arguments, error, name):
    with pytest.raises(error, match=name):
        experiments.schedule(*arguments)


# Figures


def test_words_stand_in_their_cells():
    axes = figures.draw_goals(axes_of(), (2, 3), {"here": (1, 2), "there": (0, 0)})
    assert len(axes.patches) == 6
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places == {"here": (2, 1), "there": (0, 0)}
    low, high = axes.get_ylim()
    assert low > high  # row 0 on top


@pytest.mark.parametrize("place", [(2, 0), (0, 3), (-1, 0)])
def test_a_place_outside_the_grid_is_refused(place):
    with pytest.raises(ValueError, match=r"places\['here'\]: expected"):
        figures.draw_goals(axes_of(), (2, 3), {"here": place})


def test_shares_are_drawn_in_percent():
    axes = figures.draw_shares(
        axes_of(), ["1", "10"], {"one": [0.2, 0.9], "other": [1, 0]}, "step"
    )
    one, other = axes.lines
    assert one.get_ydata() == pytest.approx([20, 90])
    assert other.get_ydata() == pytest.approx([100, 0])
    assert one.get_marker() != other.get_marker()
    assert one.get_linestyle() != other.get_linestyle()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]
    assert axes.get_xlabel() == "step"


@pytest.mark.parametrize("row", [[0.5], [0.5, 1.1], [-0.1, 0.5], [math.nan, 0.5]])
def test_shares_that_are_none_are_refused(row):
    with pytest.raises(ValueError, match=r"shares\['mine'\]: expected"):
        figures.draw_shares(axes_of(), ["1", "10"], {"mine": row}, "step")


def test_the_price_stands_on_what_is_left():
    axes = figures.draw_price(axes_of(), ["a", "b"], [4.0, 1.0], best=4.0)
    left, lost = axes.patches[:2], axes.patches[2:]
    assert [bar.get_height() for bar in left] == [4, 1]
    assert [(bar.get_y(), bar.get_height()) for bar in lost] == [(4, 0), (1, 3)]
    assert [text.get_text() for text in axes.texts] == ["0.0 %", "75.0 %"]
    assert lost[0].get_hatch() and not left[0].get_hatch()


@pytest.mark.parametrize(
    ("reached", "best", "name"),
    [([1.0], 2.0, "reached"), ([1.0, 3.0], 2.0, "reached"), ([1.0, 1.0], 0.0, "best")],
)
def test_a_price_that_makes_no_sense_is_refused(reached, best, name):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        figures.draw_price(axes_of(), ["a", "b"], reached, best)


def test_both_ways_of_exploring_in_one_figure():
    runs = [[4, 2, 1], [4, 3, 1], [4, 4, 2]]
    axes = figures.draw_effective(axes_of(), [0, 10, 20], runs, [4, 2, 1.5], 4)
    learned, scheduled = axes.lines
    assert learned.get_ydata() == pytest.approx([4, 3, 1])  # the median
    assert scheduled.get_ydata() == pytest.approx([4, 2, 1.5])
    assert scheduled.get_xdata().tolist() == [0, 10, 20]
    assert (learned.get_color(), scheduled.get_color()) == COLORS[:2]
    assert learned.get_linestyle() != scheduled.get_linestyle()
    assert axes.get_yticks().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("runs", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[math.inf, 1.0]]])
def test_runs_that_do_not_fit_the_schedule_are_refused(runs):
    with pytest.raises(ValueError, match="learned: expected"):
        figures.draw_effective(axes_of(), [0, 10], runs, [2, 1], 2)
