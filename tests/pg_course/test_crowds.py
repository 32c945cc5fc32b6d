"""Crowds of learners: their world, their exact values and what they play."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from oracles import moments, objective
from worlds import sparse_world

import pg_helpers as pg
from pg_course.shared import crowds


def random_crowd(world, runs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (runs, world.num_states, world.num_actions)
    return torch.randn(shape, generator=generator, dtype=torch.float64).softmax(-1)


def test_the_best_policy_walks_to_the_far_goal_if_it_is_in_reach():
    # Four steps: the fourth reward is discounted three times.
    assert pg.exact.optimal_objective(crowds.two_goals(), 0.9) == pytest.approx(7.29)
    short = crowds.two_goals(near=2.0, horizon=3)
    assert pg.exact.optimal_objective(short, 0.9) == 2


def test_one_step_to_the_left_ends_at_the_near_goal():
    world = crowds.two_goals(near=1.5, far=7.0)
    start = int(world.initial.argmax())
    goals = np.flatnonzero(world.terminal)
    cells = [divmod(int(state), 6) for state in (start, *goals)]
    assert cells == [(1, 1), (1, 0), (1, 5)]
    assert world.transition[start, 3, goals[0]] == 1
    assert world.reward[start, 3, goals[0]] == 1.5
    assert world.reward[goals[1] - 1, 1, goals[1]] == 7.0
    assert not world.reward[world.terminal].any()


@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
def test_the_objectives_of_a_crowd_are_those_of_each(gamma, monkeypatch):
    monkeypatch.setattr(crowds, "LEARNERS_AT_ONCE", 3)
    world = pg.random_mdp(3, 2, 3, seed=5)
    crowd = random_crowd(world, runs=7)
    expected = [objective(world, pi.numpy(), gamma) for pi in crowd]
    assert crowds.objectives(world, crowd, gamma).tolist() == pytest.approx(expected)


def test_what_is_gathered_along_the_way_is_the_mean_over_all_trajectories():
    world, gamma = pg.random_mdp(4, 2, 3, seed=2), 0.8
    crowd = random_crowd(world, runs=2)
    each = np.array([[0.5, -1, 2, 99], [1, 0, 0, 99]])  # 99: in the terminal state
    found = crowds.along(world, crowd, each, gamma)
    same_for_all = crowds.along(world, crowd, each[0], gamma)

    def gathered(path):
        return sum(gamma**t * each[:, s] for t, s in enumerate(path.states[:-1]))

    for run, pi in enumerate(crowd.numpy()):
        mean, _ = moments(world, pi, gathered)
        assert found[run].item() == pytest.approx(mean[run], abs=1e-12)
        assert same_for_all[run].item() == pytest.approx(mean[0], abs=1e-12)


def test_the_gradient_of_a_crowd_is_that_of_each():
    world = pg.hill()
    logits = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    J = crowds.objectives(world, logits.softmax(-1), 0.9).sum()
    (found,) = torch.autograd.grad(J, [logits])
    policy = pg.TabularPolicy(3, 2).double()
    for row, table in zip(found, logits.detach(), strict=True):
        policy.logits.data = table
        gradient = pg.exact.gradient(world, policy, 0.9)
        torch.testing.assert_close(row.flatten(), gradient, atol=1e-12, rtol=0)


def test_each_learner_plays_as_often_as_its_own_probabilities_say():
    world, N = pg.random_mdp(3, 2, 2, seed=1), 40_000
    crowd = random_crowd(world, runs=2, seed=3)
    played = crowds.play(world, crowd, N, np.random.default_rng(0))
    for run, pi in enumerate(crowd):
        for s, a, t, b in product(range(3), range(2), range(3), range(2)):
            alive = not world.terminal[[s, t]].any()
            probability = alive * float(
                world.initial[s] * pi[s, a] * world.transition[s, a, t] * pi[t, b]
            )
            seen = (played.states[run] == torch.tensor([s, t])).all(1)
            seen &= (played.actions[run] == torch.tensor([a, b])).all(1)
            seen &= played.mask[run].all(1)
            error = math.sqrt(probability * (1 - probability) / N)
            assert abs(seen.double().mean() - probability) <= 5 * error


def test_rewards_and_steps_stop_where_the_episode_ends():
    world = sparse_world()  # its terminal states hold rewards that must never be used
    played = crowds.play(world, random_crowd(world, 1), 50, np.random.default_rng(0))
    ended = torch.tensor(world.terminal)[played.states]
    assert torch.equal(played.mask, ~ended) and ended.any()
    assert not played.rewards[ended].any()


def test_tables_are_looked_up_at_states_and_actions():
    world = pg.random_mdp(4, 3, 3)
    played = crowds.play(world, random_crowd(world, 2), 5, np.random.default_rng(1))
    values = torch.arange(24.0).reshape(2, 4, 3)
    found = crowds.at_steps(values, played)
    of_states = crowds.at_steps(values[..., 0], played)
    for r, n, t in np.ndindex(2, 5, 3):
        s, a = played.states[r, n, t], played.actions[r, n, t]
        assert found[r, n, t] == values[r, s, a]
        assert of_states[r, n, t] == values[r, s, 0]
