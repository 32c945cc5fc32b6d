import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import pg_helpers as pg
from pg_course.stage import scenes, shapes

CORRIDOR, TABLE = pg.corridor(), pg.random_mdp(5, 3, 4)


@pytest.mark.parametrize(
    ("env", "kind", "world"),
    [
        (CORRIDOR, "Corridor", CORRIDOR),
        (pg.TabularEnv(CORRIDOR), "Corridor", CORRIDOR),
        (pg.TabularVectorEnv(CORRIDOR, 3), "Corridor", CORRIDOR),
        (SyncVectorEnv([lambda: pg.TabularEnv(CORRIDOR)]), "Corridor", CORRIDOR),
        ("pg_helpers/GridWorld-v0", "Grid", None),
        (TABLE, "Table", TABLE),
        (pg.two_armed_bandit(), "Table", None),
        ("CartPole-v1", "CartPole", None),
        (gymnasium.make_vec("CartPole-v1", 2), "CartPole", None),
        ("Pendulum-v1", "Plain", None),
    ],
)
def test_each_world_has_its_own_pictures(env, kind, world):
    assert type(scenes.scene_of(env)).__name__ == f"{kind}Scene"
    if world is not None:
        assert scenes.finite_world(env) is world


@given(st.integers(2, 5), st.integers(2, 5), st.sampled_from([0.0, 0.4, 1.0]))
def test_the_shape_of_a_grid_is_found_in_its_moves(rows, columns, slip):
    grid = pg.grid_world(rows, columns, slip=slip)
    assert shapes.grid_shape(grid) == (rows, columns)


def test_a_mirrored_corridor_is_no_corridor():
    parts = CORRIDOR.reward, CORRIDOR.terminal, CORRIDOR.horizon
    turned = CORRIDOR.transition[:, ::-1]
    mirrored = pg.TabularMDP(CORRIDOR.initial, turned, *parts)
    assert shapes.is_corridor(CORRIDOR) and not shapes.is_corridor(mirrored)


def test_a_path_has_one_place_more_than_steps():
    batch = pg.sample_trajectories(CORRIDOR, pg.policy_for(CORRIDOR), 20, seed=3)
    assert len(set(batch.lengths.tolist())) > 1
    for index, length in enumerate(batch.lengths.tolist()):
        states = scenes.states_of(CORRIDOR, scenes.path_of(batch, index))
        assert len(states) == length + 1
        assert states[0] == 3
        # Each step is to the cell that the action names, walls included.
        actions = batch.actions[index, :length].numpy()
        assert (states[1:] == np.maximum(states[:-1] + 2 * actions - 1, 0)).all()
    assert (scenes.path_of(batch) == scenes.path_of(batch, 19)).all()


ENVS = [CORRIDOR, pg.grid_world(), TABLE, "CartPole-v1", "MountainCarContinuous-v0"]


@pytest.mark.parametrize("env", [*ENVS, "FrozenLake-v1"], ids=str)
def test_every_scene_draws_agent_way_and_policy(env):
    policy = pg.policy_for(gymnasium.make(env) if isinstance(env, str) else env)
    path = scenes.path_of(pg.sample_trajectories(env, policy, 1, seed=0))[:20]
    scene = scenes.scene_of(env)
    agent, way, policy_axes = Figure().subplots(1, 3)
    scene.draw_agent(agent, path, "at the end")
    scene.draw_path(way, path)
    scene.draw_policy(policy_axes, policy, path)
    assert "at the end" in (agent.get_title(), agent.get_title(loc="left"))
    for axes in (agent, way, policy_axes):
        assert axes.get_xlabel()
        assert axes.has_data()


def test_a_path_is_drawn_at_its_states_and_a_policy_at_its_probabilities():
    policy = pg.policy_for(TABLE).double()
    path = TABLE.observations[[2, 0, 3]]
    scene = scenes.scene_of(TABLE)
    way, policy_axes = Figure().subplots(1, 2)
    scene.draw_path(way, path)
    scene.draw_policy(policy_axes, policy, path)
    assert way.lines[0].get_ydata().tolist() == [2, 0, 3]
    with torch.no_grad():
        pi = policy(torch.tensor(TABLE.observations)).probs.numpy()
    drawn = [line.get_ydata() for line in policy_axes.lines]
    np.testing.assert_array_equal(drawn, pi.T)


def test_the_slice_of_a_cartpole_policy_is_asked_at_angles_and_velocities():
    policy = pg.MLPPolicy(4, 2)
    axes = Figure().add_subplot()
    scenes.scene_of("CartPole-v1").draw_policy(axes, policy, np.zeros((1, 4)))
    (image,) = axes.images
    assert image.origin == "lower"  # the first row is the lowest velocity
    corner = torch.tensor([0, 0, np.radians(12), np.radians(-120)]).float()
    right = policy(corner).probs[1].item()
    assert image.get_array()[0, -1] == pytest.approx(right)
    assert image.get_extent() == [-12, 12, -120, 120]
