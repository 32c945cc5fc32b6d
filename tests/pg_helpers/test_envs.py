import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_refused
from worlds import as_sparse, sparse_world

import pg_helpers as pg

# An id, arguments, and the numbers of states and actions and the horizon they make.
IDS = [
    ("pg_helpers/Corridor-v0", {}, (7, 2, 12)),
    ("pg_helpers/Corridor-v0", {"length": 9, "horizon": 3}, (9, 2, 3)),
    ("pg_helpers/GridWorld-v0", {}, (16, 4, 20)),
    ("pg_helpers/TwoArmedBandit-v0", {}, (3, 2, 1)),
]


@pytest.mark.parametrize(("name", "arguments", "sizes"), IDS)
def test_an_id_makes_one_environment_or_a_vector(name, arguments, sizes):
    one = gymnasium.make(name, render_mode="ansi", **arguments).unwrapped
    many = gymnasium.make_vec(name, num_envs=3, **arguments)
    assert (type(one), type(many)) == (pg.TabularEnv, pg.TabularVectorEnv)
    assert (one.render_mode, many.num_envs) == ("ansi", 3)
    for env in (one, many):
        assert (env.mdp.num_states, env.mdp.num_actions, env.mdp.horizon) == sizes
    with pytest.raises(ValueError, match="^render_mode: expected None, got 'ansi'"):
        gymnasium.make_vec(name, render_mode="ansi", **arguments)


@pytest.mark.parametrize("name", [*dict.fromkeys(name for name, *_ in IDS), None])
def test_gymnasiums_own_checks_pass_without_a_warning(name):
    env = gymnasium.make(name).unwrapped if name else pg.TabularEnv(sparse_world())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Gymnasium can only try the render modes of an environment that has an id.
        warnings.filterwarnings("ignore", message=".*alternative render modes")
        check_env(env)


def test_the_spaces_are_those_of_the_world():
    one, many = pg.TabularEnv(pg.corridor(5)), pg.TabularVectorEnv(pg.corridor(5), 3)
    assert many.single_observation_space == one.observation_space
    assert one.observation_space == gymnasium.spaces.Box(-1, 1, (1,), np.float64)
    assert many.observation_space.shape == (3, 1)
    assert one.action_space == many.single_action_space == gymnasium.spaces.Discrete(2)
    assert many.action_space == gymnasium.spaces.MultiDiscrete([2, 2, 2])


@given(st.integers(0, 99))
def test_every_step_is_one_that_the_tables_of_the_world_allow(seed):
    # Horizon 3: at the step after its end an agent starts again, whatever its action,
    # with reward 0. A reset starts all of them again, at any time.
    mdp = pg.random_mdp(4, 3, 3, seed=seed)
    env, draws = pg.TabularVectorEnv(mdp, 5), np.random.default_rng(seed)
    for num_steps in (2, 12):
        states = env.reset(seed=seed)[1]["state"]
        assert (mdp.initial[states] > 0).all()
        times, is_over = np.zeros(5, int), np.zeros(5, bool)
        for actions in draws.integers(0, 3, (num_steps, 5)):
            before, (seen, rewards, *ends, info) = states, env.step(actions)
            states = env.states
            np.testing.assert_array_equal(states, info["state"])
            way = (before, actions, states)
            chances = np.where(is_over, mdp.initial[states], mdp.transition[way])
            assert (chances > 0).all()
            times = np.where(is_over, 0, times + 1)
            cut = (times == 3) & ~mdp.terminal[states]
            paid = np.where(is_over, 0, mdp.reward[way])
            np.testing.assert_array_equal(rewards, paid)
            np.testing.assert_array_equal(seen, mdp.observations[states])
            np.testing.assert_array_equal(ends, [mdp.terminal[states], cut])
            is_over = ends[0] | ends[1]


@pytest.mark.parametrize("mdp", [pg.random_mdp(5, 3, 4), sparse_world()], ids=str)
def test_sparse_dynamics_draw_what_dense_ones_do(mdp):
    dense, sparse = (pg.TabularVectorEnv(w, 40) for w in (mdp, as_sparse(mdp)))
    dense.reset(seed=0), sparse.reset(seed=0)
    for actions in np.random.default_rng(0).integers(0, mdp.num_actions, (30, 40)):
        for one, other in zip(dense.step(actions), sparse.step(actions), strict=True):
            np.testing.assert_equal(one, other)


def test_integers_that_are_observed_are_a_discrete_space():
    world = pg.hill()
    parts = (world.initial, world.transition, world.reward, world.terminal)
    env = pg.TabularEnv(pg.TabularMDP(*parts, world.horizon, [4, 0, 4]))
    assert env.observation_space == gymnasium.spaces.Discrete(5)
    check_env(env, skip_render_check=True)
    assert {int(env.reset(seed=seed)[0]) for seed in range(9)} == {4, 0}


def test_one_environment_is_a_vector_of_one_with_the_same_seed():
    mdp = pg.random_mdp(4, 3, 6, seed=1)
    one, many = pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp)
    ends = [(False, False)]
    for action in np.random.default_rng(0).integers(0, mdp.num_actions, 120).tolist():
        if any(ends[-1]) or len(ends) == 1:
            (seen, info), (seen_many, info_many) = (
                env.reset(seed=len(ends)) for env in (one, many)
            )
            assert (seen_many[0] == seen).all()
            assert info_many["state"].tolist() == [info["state"]]
        seen, *outcome, info = one.step(action)
        seen_many, *outcome_many, info_many = many.step([action])
        assert (seen_many[0] == seen).all()
        assert [part.tolist() for part in outcome_many] == [[part] for part in outcome]
        assert [type(part) for part in outcome] == [float, bool, bool]
        assert info_many["state"].tolist() == [info["state"]]
        ends.append(tuple(outcome[1:]))
    assert set(ends) == {(False, False), (True, False), (False, True)}


@pytest.mark.parametrize(
    ("env", "action"),
    [
        (pg.TabularEnv(pg.corridor(5)), 1),
        (pg.TabularVectorEnv(pg.corridor(5), 2), [1, 1]),
        (pg.CartPoleVectorEnv(2), [1, 1]),
    ],
)
def test_what_is_returned_does_not_change_later_nor_change_the_world(env, action):
    seen = [env.reset(seed=0)[0], env.step(action)[0]]
    copies = [array.copy() for array in seen]
    expected = env.step(action)[0].copy()
    np.testing.assert_array_equal(seen, copies)
    env.reset(seed=0)[0][:] = 9.0
    env.step(action)[0][:] = 9.0
    np.testing.assert_array_equal(env.step(action)[0], expected)


def test_rendering_is_a_line_of_text():
    env = pg.TabularEnv(pg.corridor(5), render_mode="ansi")
    assert env.render() == "step   0  ....."
    env.reset(seed=0)
    assert env.render() == "step   0  ..o.."
    env.step(1)
    assert env.render() == "step   1  ...o."
    assert pg.TabularEnv(pg.corridor(5)).render() is None


@pytest.mark.parametrize("actions", [(1, 1), (0, 0, 0)], ids=["goal", "horizon"])
def test_one_agent_takes_no_step_after_the_end(actions):
    env = pg.TabularEnv(pg.corridor(5, horizon=3))
    for _ in range(2):
        env.reset(seed=0)
        for action in actions:
            env.step(action)
        assert_refused(lambda: env.step(0), ValueError, "step: expected reset", "first")


NO_ACTIONS = [[0, 2], [-1, 0], [0], [[0, 1]], [0.0, 1.0], [True, False], None]
OF_TWO = "actions: expected 2 integers from 0 to 1"


@pytest.mark.parametrize(
    ("env", "words", "actions"),
    [
        (pg.TabularEnv(pg.corridor(5)), "action: expected one of", [2, -1, 0.5, True]),
        (pg.TabularVectorEnv(pg.corridor(5), 2), OF_TWO, NO_ACTIONS),
        (pg.CartPoleVectorEnv(2), OF_TWO, NO_ACTIONS),
    ],
)
def test_a_step_needs_a_reset_first_and_actions_of_the_space(env, words, actions):
    assert_refused(lambda: env.step(0), ValueError, "step: expected reset", "first")
    env.reset(seed=0)
    for action in actions:
        step = lambda action=action: env.step(action)  # noqa: E731
        assert_refused(step, ValueError, words, repr(action))
