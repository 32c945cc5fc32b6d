import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from matplotlib.figure import Figure
from worlds import WORLDS

import pg_helpers as pg
from pg_course.stage import scenes, shapes
from pg_course.stage.display import png_of
from pg_course.stage.scenes import finite_world, path_of, scene_of


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        (pg.corridor(), "CorridorScene"),
        (pg.corridor(length=3, horizon=1), "CorridorScene"),
        (pg.TabularEnv(pg.corridor()), "CorridorScene"),
        (pg.TabularVectorEnv(pg.corridor(), 3), "CorridorScene"),
        (SyncVectorEnv([lambda: pg.TabularEnv(pg.corridor())]), "CorridorScene"),
        ("pg_helpers/Corridor-v0", "CorridorScene"),
        (pg.grid_world(slip=0.3), "GridScene"),
        ("pg_helpers/GridWorld-v0", "GridScene"),
        (pg.two_armed_bandit(), "TableScene"),
        (WORLDS["random (4, 3), horizon 3"], "TableScene"),
        (pg.random_mdp(6, 4, 3), "TableScene"),
        ("CartPole-v1", "CartPoleScene"),
        (gymnasium.make_vec("CartPole-v1", 2), "CartPoleScene"),
        (gymnasium.make("CartPole-v1"), "CartPoleScene"),
        ("Pendulum-v1", "PlainScene"),
        ("FrozenLake-v1", "PlainScene"),
    ],
)
def test_each_world_gets_its_pictures(env, kind):
    assert type(scene_of(env)).__name__ == kind


@pytest.mark.parametrize("shape", [(4, 4), (2, 3), (3, 2), (5, 2), (2, 2)])
@pytest.mark.parametrize("slip", [0.0, 0.4, 1.0])
def test_the_shape_of_a_grid_is_found_in_its_moves(shape, slip):
    assert shapes.grid_shape(pg.grid_world(*shape, slip=slip)) == shape


def test_a_mirrored_corridor_is_none():
    mdp = pg.corridor()
    mirrored = pg.TabularMDP(
        mdp.initial, mdp.transition[:, ::-1], mdp.reward, mdp.terminal, mdp.horizon
    )
    assert shapes.is_corridor(mdp) and not shapes.is_corridor(mirrored)


def test_the_finite_world_behind_an_environment():
    mdp = pg.corridor()
    for env in (mdp, pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp, 2)):
        assert finite_world(env) is mdp
    assert finite_world("pg_helpers/GridWorld-v0").num_states == 16
    assert finite_world("CartPole-v1") is None
    with pytest.raises(
        ValueError, match="^env: expected a registered id, got 'NoSuchWorld-v0'"
    ):
        finite_world("NoSuchWorld-v0")


def test_a_path_has_one_place_more_than_steps():
    mdp = pg.corridor()
    batch = pg.sample_trajectories(mdp, pg.policy_for(mdp), 20, seed=3)
    assert len(set(batch.lengths.tolist())) > 1
    for index, length in enumerate(batch.lengths.tolist()):
        states = scenes.states_of(mdp, path_of(batch, index))
        assert len(states) == length + 1
        assert states[0] == 3
        # Each step is to the cell that the action names, walls included.
        actions = batch.actions[index, :length].numpy()
        assert (states[1:] == np.maximum(states[:-1] + 2 * actions - 1, 0)).all()
    assert (path_of(batch) == path_of(batch, 19)).all()


@pytest.mark.parametrize(
    "env",
    [
        pg.corridor(),
        pg.grid_world(),
        pg.random_mdp(5, 3, 4),
        pg.random_mdp(5, 9, 4),
        "CartPole-v1",
        "MountainCarContinuous-v0",
        "FrozenLake-v1",
    ],
    ids=str,
)
def test_every_scene_draws_agent_way_and_policy(env):
    made = gymnasium.make(env) if isinstance(env, str) else env
    policy = pg.policy_for(made)
    path = path_of(pg.sample_trajectories(env, policy, 1))
    scene = scene_of(env)
    drawn = []
    for draw in (
        lambda axes: scene.draw_agent(axes, path[:1], "start"),
        lambda axes: scene.draw_agent(axes, path, "end"),
        lambda axes: scene.draw_path(axes, path),
        lambda axes: scene.draw_policy(axes, policy, path),
    ):
        axes = Figure(figsize=scene.frame_size).add_subplot()
        draw(axes)
        assert axes.get_xlabel()
        drawn.append(png_of(axes.figure))
    assert len(set(drawn[:2])) == 2 and drawn[3] not in drawn[:3]


def test_a_policy_is_asked_without_a_graph_and_in_its_precision():
    mdp = pg.corridor()
    policy = pg.policy_for(mdp).double()
    pi = scenes.probabilities(policy, mdp.observations)
    assert pi.shape == (7, 2) and pi.sum(1) == pytest.approx(1)
    with torch.no_grad():
        expected = policy(torch.tensor(mdp.observations)).probs.numpy()
    assert pi == pytest.approx(expected, abs=0)
    with pytest.raises(TypeError, match="^policy: expected a Categorical"):
        scenes.probabilities(pg.GaussianPolicy(1, 1).double(), mdp.observations)
