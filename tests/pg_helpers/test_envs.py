import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from oracles import assert_refused, chi_square_excess
from worlds import sparse_world

import pg_helpers as pg

IDS = {
    "pg_helpers/Corridor-v0": (7, 2, 12),
    "pg_helpers/GridWorld-v0": (16, 4, 20),
    "pg_helpers/TwoArmedBandit-v0": (3, 2, 1),
}
MAKERS = [pg.TabularEnv, pg.TabularVectorEnv]
each_maker = pytest.mark.parametrize("make", MAKERS)


def both(mdp):
    """One environment, and a vector of one, seeded alike."""
    one, many = pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp, num_envs=1)
    return one, many, one.reset(seed=3), many.reset(seed=3)


@pytest.mark.parametrize("name", IDS)
def test_gymnasiums_own_checks_pass_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name).unwrapped)


@pytest.mark.parametrize("mdp", [pg.random_mdp(3, 2, 4), sparse_world()])
def test_gymnasiums_checks_pass_for_any_world(mdp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # It can only try the render modes of an environment that has an id.
        warnings.filterwarnings("ignore", message=".*alternative render modes")
        check_env(pg.TabularEnv(mdp))


@pytest.mark.parametrize(("name", "sizes"), IDS.items())
def test_the_ids_make_one_environment_and_a_vector(name, sizes):
    one = gymnasium.make(name).unwrapped
    many = gymnasium.make_vec(name, num_envs=3)
    assert isinstance(one, pg.TabularEnv)
    assert isinstance(many, pg.TabularVectorEnv)
    assert many.num_envs == 3
    for env in (one, many):
        assert (env.mdp.num_states, env.mdp.num_actions, env.mdp.horizon) == sizes


def test_arguments_reach_the_world_behind_an_id():
    name = "pg_helpers/Corridor-v0"
    one = gymnasium.make(name, length=9, horizon=3, render_mode="ansi").unwrapped
    many = gymnasium.make_vec(name, num_envs=2, length=9, horizon=3)
    for env in (one, many):
        assert (env.mdp.num_states, env.mdp.horizon) == (9, 3)
    assert one.render_mode == "ansi"


def test_a_vector_made_by_id_draws_nothing():
    name = "pg_helpers/Corridor-v0"
    assert gymnasium.make_vec(name, num_envs=2, render_mode=None).render_mode is None
    assert_refused(
        lambda: gymnasium.make_vec(name, num_envs=2, render_mode="ansi"),
        ValueError,
        "render_mode",
        "'ansi'",
    )


def test_the_spaces_are_those_of_the_world():
    mdp = pg.corridor(5)
    one, many = pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp, 3)
    for space in (one.observation_space, many.single_observation_space):
        assert space == gymnasium.spaces.Box(-1, 1, (1,), np.float64)
    for space in (one.action_space, many.single_action_space):
        assert space == gymnasium.spaces.Discrete(2)
    assert many.observation_space.shape == (3, 1)
    assert many.action_space == gymnasium.spaces.MultiDiscrete([2, 2, 2])


def test_the_corridor_step_by_step():
    # Cells 0 to 4, start 2. Right, right: cell 4, reward 1, the end.
    env = pg.TabularEnv(pg.corridor(5))
    observation, info = env.reset(seed=0)
    assert (observation.tolist(), info) == ([0.0], {"state": 2})
    observation, *outcome = env.step(1)
    assert (observation.tolist(), outcome) == ([0.5], [0.0, False, False, {"state": 3}])
    observation, *outcome = env.step(1)
    assert (observation.tolist(), outcome) == ([1.0], [1.0, True, False, {"state": 4}])


def test_the_horizon_truncates_and_the_goal_terminates():
    # Horizon 3: left, left, left is cut off at the wall; right, left, right too; the
    # goal reached at the last moment is an end, not a cut.
    for actions, ends in {
        (0, 0, 0): [(False, False), (False, False), (False, True)],
        (1, 0, 1): [(False, False), (False, False), (False, True)],
        (1, 1): [(False, False), (True, False)],
    }.items():
        env = pg.TabularEnv(pg.corridor(5, horizon=3))
        env.reset(seed=0)
        assert [env.step(action)[2:4] for action in actions] == ends
    env = pg.TabularEnv(pg.corridor(5, horizon=2))
    env.reset(seed=0)
    env.step(1)
    assert env.step(1)[1:4] == (1.0, True, False)


@pytest.mark.parametrize("actions", [(1, 1), (0, 0, 0)])  # the goal; the horizon
def test_after_the_end_a_step_is_refused_until_the_next_reset(actions):
    env = pg.TabularEnv(pg.corridor(5, horizon=3))
    for _ in range(2):
        env.reset(seed=0)
        for action in actions:
            env.step(action)
        assert_refused(lambda: env.step(0), ValueError, "step", "reset", "first")


@pytest.mark.parametrize("length", [3, 7, 8])
def test_always_right_returns_what_geometry_says(length):
    # d = length - 1 - length // 2 steps, and the last one, at time d - 1, pays 1.
    env = pg.TabularEnv(pg.corridor(length))
    env.reset(seed=0)
    total, time, ended = 0.0, 0, False
    while not ended:
        _, reward, ended, _, _ = env.step(1)
        total += 0.9**time * reward
        time += 1
    assert total == pytest.approx(0.9 ** (length - 1 - length // 2 - 1), abs=1e-15)


def test_a_vector_resets_at_the_step_after_the_end():
    # Two agents in the corridor of 5, horizon 3. The first goes right and ends at step
    # 2; at step 3 it starts anew, whatever its action, with reward 0; the second is cut
    # off at step 3 and starts anew at step 4. The new episodes have their own clock.
    env = pg.TabularVectorEnv(pg.corridor(5, horizon=3), num_envs=2)
    _, info = env.reset(seed=0)
    assert info["state"].tolist() == [2, 2]
    expected = [
        ([1, 0], [3, 1], [0.0, 0.0], [False, False], [False, False]),
        ([1, 0], [4, 0], [1.0, 0.0], [True, False], [False, False]),
        ([1, 0], [2, 0], [0.0, 0.0], [False, False], [False, True]),
        ([1, 1], [3, 2], [0.0, 0.0], [False, False], [False, False]),
        ([1, 1], [4, 3], [1.0, 0.0], [True, False], [False, False]),
        ([0, 0], [2, 2], [0.0, 0.0], [False, False], [False, False]),
        ([0, 0], [1, 1], [0.0, 0.0], [False, False], [False, True]),
        ([0, 0], [0, 2], [0.0, 0.0], [False, False], [False, False]),
        ([0, 1], [0, 3], [0.0, 0.0], [False, False], [True, False]),
    ]
    for actions, states, rewards, terminated, truncated in expected:
        seen, *outcome, info = env.step(np.array(actions))
        assert env.states.tolist() == info["state"].tolist() == states
        assert [part.tolist() for part in outcome] == [rewards, terminated, truncated]
        np.testing.assert_array_equal(seen, env.mdp.observations[states])


def test_a_reset_starts_every_clock_anew():
    env = pg.TabularVectorEnv(pg.corridor(5, horizon=2), num_envs=2)
    for _ in range(2):
        env.reset(seed=0)
        assert env.step(np.array([0, 1]))[3].tolist() == [False, False]
    assert env.step(np.array([0, 0]))[3].tolist() == [True, True]
    env.reset()
    assert env.states.tolist() == [2, 2]
    assert env.step(np.array([1, 1]))[0].tolist() == [[0.5], [0.5]]


def test_the_step_that_resets_pays_nothing():
    # Every step of this world pays 1; horizon 2, so each third step only resets.
    ones = np.ones((2, 1, 2))
    env = pg.TabularVectorEnv(pg.TabularMDP([1, 0], ones / 2, ones, [0, 0], 2), 3)
    env.reset(seed=0)
    paid = [env.step(np.zeros(3, int))[1].tolist() for _ in range(6)]
    assert paid == [[1.0] * 3, [1.0] * 3, [0.0] * 3] * 2


@pytest.mark.parametrize("mdp", [pg.random_mdp(4, 3, 6, seed=1), pg.grid_world()])
def test_one_environment_is_a_vector_of_one_with_the_same_seed(mdp):
    one, many, (seen, _), (seen_many, _) = both(mdp)
    assert seen_many.tolist() == [seen.tolist()]
    actions = np.random.default_rng(0).integers(0, mdp.num_actions, 120)
    ends = 0
    for action in actions:
        seen, reward, terminated, truncated, info = one.step(int(action))
        seen_many, *outcome, info_many = many.step(np.array([action]))
        assert seen_many.tolist() == [seen.tolist()]
        assert [x.tolist() for x in outcome] == [[reward], [terminated], [truncated]]
        assert info_many["state"].tolist() == [info["state"]]
        if terminated or truncated:
            ends += 1
            # From here each draws its start at another moment: seed both anew.
            one.reset(seed=ends)
            many.reset(seed=ends)
    assert ends > 3


@each_maker
def test_states_are_drawn_as_the_world_says(make):
    # From the start, by action 1: expected frequencies are the sum over starts of
    # P_0(s) P(s'|s, 1). 5,000 episodes of one step, alone or 500 at a time.
    mdp = pg.random_mdp(6, 2, 3, seed=4)
    single = make is pg.TabularEnv
    env = make(mdp) if single else make(mdp, 500)
    env.reset(seed=0)
    pairs = np.zeros((6, 6))
    for _ in range(5000 if single else 10):
        before = env.reset()[1]["state"]
        after = env.step(1 if single else np.ones(500, dtype=int))[4]["state"]
        np.add.at(pairs, (before, after), 1)
    expected = mdp.initial[:, None] * mdp.transition[:, 1]
    assert chi_square_excess(pairs[:5].ravel(), expected[:5].ravel()) < 1


@each_maker
def test_what_is_returned_does_not_change_later(make):
    single = make is pg.TabularEnv
    env = make(pg.corridor(5)) if single else make(pg.corridor(5), 2)
    action = 1 if single else np.array([1, 1])
    first, _ = env.reset(seed=0)
    copies = [first.copy()]
    second, *_ = env.step(action)
    copies.append(second.copy())
    env.step(action)
    np.testing.assert_array_equal([first, second], copies)
    second[:] = 9.0
    assert env.mdp.observations.max() == 1.0


def test_rendering_is_a_line_of_text():
    env = pg.TabularEnv(pg.corridor(5), render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "step   0  ..o.."
    env.step(1)
    assert env.render() == "step   1  ...o."
    assert pg.TabularEnv(pg.corridor(5)).render() is None


def stepped(action):
    env = pg.TabularEnv(pg.corridor(5))
    env.reset(seed=0)
    return env.step(action)


def stepped_together(actions):
    env = pg.TabularVectorEnv(pg.corridor(5), 2)
    env.reset(seed=0)
    return env.step(actions)


ENDED = sparse_world(start_ended=True)
MANY = pg.TabularVectorEnv(pg.corridor(5), 2)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (
            lambda: pg.TabularEnv("corridor"),
            TypeError,
            ("mdp", "TabularMDP", "'corridor'"),
        ),
        (lambda: pg.TabularVectorEnv(None), TypeError, ("mdp", "None")),
        (lambda: pg.TabularEnv(ENDED), ValueError, ("mdp", "initial", "0.3")),
        (lambda: pg.TabularVectorEnv(ENDED), ValueError, ("mdp", "initial", "0.3")),
        (
            lambda: pg.TabularEnv(pg.corridor(), render_mode="human"),
            ValueError,
            ("render_mode", "'ansi'", "'human'"),
        ),
        (
            lambda: pg.TabularVectorEnv(pg.corridor(), render_mode="ansi"),
            ValueError,
            ("render_mode", "None", "'ansi'"),
        ),
        (
            lambda: pg.TabularVectorEnv(pg.corridor(), 0),
            ValueError,
            ("num_envs", "1", "0"),
        ),
        (
            lambda: pg.TabularVectorEnv(pg.corridor(), 2.5),
            TypeError,
            ("num_envs", "2.5"),
        ),
        (lambda: stepped(2), ValueError, ("action", "Discrete(2)", "2")),
        (lambda: stepped(-1), ValueError, ("action", "-1")),
        (lambda: stepped(0.5), ValueError, ("action", "0.5")),
        (lambda: stepped(True), ValueError, ("action", "True")),
        (
            lambda: pg.TabularEnv(pg.corridor()).step(0),
            ValueError,
            ("step", "reset", "first"),
        ),
        (lambda: stepped_together([0, 2]), ValueError, ("actions", "0 to 1", "2")),
        (lambda: stepped_together([-1, 0]), ValueError, ("actions", "0 to 1", "-1")),
        (lambda: stepped_together([0]), ValueError, ("actions", "2 integers", "[0]")),
        (
            lambda: stepped_together([0.0, 1.0]),
            ValueError,
            ("actions", "integers", "0.0"),
        ),
        (lambda: MANY.step([0, 0]), ValueError, ("reset", "first")),
        (lambda: MANY.reset(seed=[1, 2]), TypeError, ("seed", "integer", "[1, 2]")),
    ],
)
def test_what_no_environment_can_do_is_refused_by_name(call, kind, words):
    assert_refused(call, kind, *words)
