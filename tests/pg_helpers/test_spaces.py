import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from oracles import assert_refused
from worlds import CountingEnv, random_table

import pg_helpers as pg
from pg_helpers.spaces import Spaces, as_vector_env, autoreset_mode, make_by_id


class Env(gymnasium.Env):
    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


BOX, TWO = spaces.Box(-1, 1, (3,)), spaces.Discrete(2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_are_seen_in_the_float_type_of_the_policy(dtype):
    found = Spaces(Env(BOX, TWO), pg.MLPPolicy(3, 2).to(dtype))
    seen = found.for_policy(np.array([[0.25, 0.5, 1.0]], np.float32))
    assert seen.dtype == dtype
    assert seen.tolist() == [[0.25, 0.5, 1.0]]


def test_worlds_and_tables_of_float64_keep_their_precision():
    found = Spaces(Env(BOX, TWO), random_table(3, 2))
    seen = found.for_policy(np.array([1 / 3, 0, 0]))
    assert seen[0].item() == 1 / 3


def test_integers_are_seen_from_0():
    space = spaces.Discrete(4, start=-2)
    env = Env(space, TWO)
    found = Spaces(env, pg.TabularPolicy(4, 2))
    for shown, expected in ((-2, 0), (np.int32(1), 3)):
        env.reset = lambda shown=shown: (shown, {})
        seen = found.for_policy(found.reset(env))
        assert seen.dtype == torch.int64
        assert seen.tolist() == expected


def test_actions_are_shifted_to_the_start_of_the_space():
    found = Spaces(Env(BOX, spaces.Discrete(3, start=5)), None)
    assert found.for_env(np.array([0, 2])).tolist() == [5, 7]
    one = found.for_env(np.array(1))
    assert type(one) is int
    assert one == 6


def test_actions_are_clipped_to_the_box():
    space = spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf]))
    found = Spaces(Env(BOX, space), None)
    given = np.array([[-3.0, 5.0], [0.5, -5.0]])
    clipped = found.for_env(given)
    assert clipped.dtype == np.float32
    assert clipped.tolist() == [[-1.0, 5.0], [0.5, 0.0]]
    assert given.tolist() == [[-3.0, 5.0], [0.5, -5.0]]


@pytest.mark.parametrize(
    ("observation_space", "action_space", "words"),
    [
        (spaces.MultiBinary(3), TWO, ("observation space", "MultiBinary(3)")),
        (spaces.Dict(a=BOX), TWO, ("observation space", "Dict")),
        (BOX, spaces.MultiDiscrete([2, 3]), ("action space", "MultiDiscrete([2 3])")),
    ],
)
def test_a_space_that_is_not_supported_is_named(observation_space, action_space, words):
    env = Env(observation_space, action_space)
    assert_refused(lambda: Spaces(env, None), ValueError, *words)


def test_spaces_are_those_of_an_environment():
    assert_refused(lambda: Spaces("Corridor", None), TypeError, "env", "'Corridor'")


class Answers(CountingEnv):
    """Gives a reset or a step, or some part of a step, other than it should."""

    def __init__(self, reset=None, step=None, **parts):
        super().__init__(4)
        self.of_reset, self.of_step, self.parts = reset, step, parts

    def reset(self, **arguments):
        answer = super().reset(**arguments)
        return answer if self.of_reset is None else self.of_reset

    def step(self, action):
        names = ("observation", "reward", "terminated", "truncated", "info")
        answer = dict(zip(names, super().step(action), strict=True)) | self.parts
        return tuple(answer.values()) if self.of_step is None else self.of_step


SEEN = np.zeros(2, np.float32)


@pytest.mark.parametrize(
    ("env", "kind", "words"),
    [
        (Answers(reset=SEEN), TypeError, ("(observation, info) from reset()",)),
        (Answers(step=(SEEN, 0.0, False, {})), TypeError, ("truncated, info", "step")),
        (Answers(reset=([0.0], {})), ValueError, ("observations", "(2,)", "(1,)")),
        (Answers(observation=[0.0]), ValueError, ("observations", "(2,)", "(1,)")),
        (Answers(observation=[[0.0], 1.0]), TypeError, ("observations", "array")),
        (Answers(observation=None), TypeError, ("observations", "numbers", "None")),
        (Answers(reward="3"), TypeError, ("rewards", "numbers", "'3'")),
        (Answers(reward=None), TypeError, ("rewards", "numbers", "None")),
        (Answers(reward=[1.0]), ValueError, ("rewards", "()", "(1,)")),
        (Answers(terminated=None), TypeError, ("terminated", "booleans", "None")),
        (Answers(truncated=None), TypeError, ("truncated", "booleans", "None")),
        (Answers(truncated=0.5), TypeError, ("truncated", "booleans", "0.5")),
        (Answers(terminated=-1), ValueError, ("terminated", "True or False", "-1")),
        (Answers(info=None), TypeError, ("info", "dict", "None")),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(env, kind, words):
    policy = pg.MLPPolicy(2, 2)
    for sample in (
        lambda: pg.sample_trajectory(env, policy),
        lambda: pg.sample_trajectories(env, policy, 2),
    ):
        assert_refused(sample, kind, "env", *words)


def test_a_vector_that_has_no_number_of_environments_is_refused():
    vector = SyncVectorEnv([CountingEnv])
    for number in (0, None, 2.0):
        vector.num_envs = number
        with pytest.raises((TypeError, ValueError), match=r"^env\.num_envs: expected"):
            pg.sample_trajectories(vector, pg.MLPPolicy(2, 2), 1)


def test_a_vector_environment_is_used_as_it_is_and_left_open():
    inner = CountingEnv()
    vector = SyncVectorEnv([lambda: inner])
    with as_vector_env(vector, 5) as envs:
        assert envs is vector
    assert inner.closed == 0


def test_a_world_and_an_id_become_as_many_environments_as_asked():
    mdp = pg.corridor()
    with as_vector_env(mdp, 5) as envs:
        assert isinstance(envs, pg.TabularVectorEnv)
        assert (envs.mdp, envs.num_envs) == (mdp, 5)
    with as_vector_env("FrozenLake-v1", 4) as envs:
        assert envs.num_envs == 4
        assert not envs.closed
    assert envs.closed


def test_what_was_made_from_an_id_is_closed_after_an_error():
    with pytest.raises(KeyError), as_vector_env("FrozenLake-v1", 1) as envs:
        raise KeyError
    assert envs.closed


def test_a_single_environment_becomes_a_vector_of_one_and_stays_open():
    env = CountingEnv()
    with as_vector_env(env, 5) as envs:
        assert envs.num_envs == 1
        assert envs.env is env
    del envs
    assert env.closed == 0


@pytest.mark.parametrize(
    ("env", "kind", "words"),
    [
        (None, TypeError, ("env", "None")),
        (lambda: None, TypeError, ("env", "Gymnasium environment", "function")),
        ("NoSuchWorld-v0", ValueError, ("env", "registered", "'NoSuchWorld-v0'")),
        ("nomodule:Foo-v0", ValueError, ("env", "registered", "'nomodule:Foo-v0'")),
        ("no id at all", ValueError, ("env", "registered", "'no id at all'")),
        ("", ValueError, ("env", "registered", "''")),
    ],
)
def test_what_is_no_environment_is_refused_by_name(env, kind, words):
    def enter():
        with as_vector_env(env, 1):
            raise AssertionError("the block was entered")

    assert_refused(enter, kind, *words)


def test_a_single_environment_of_an_unknown_id_is_refused_too():
    made = make_by_id(gymnasium.make, "CartPole-v1")
    assert made.spec.id == "CartPole-v1"
    assert_refused(
        lambda: make_by_id(gymnasium.make, "NoSuchWorld-v0"),
        ValueError,
        "env",
        "registered",
        "'NoSuchWorld-v0'",
    )


@pytest.mark.parametrize("mode", AutoresetMode)
def test_the_autoreset_mode_is_the_one_that_is_named(mode):
    vector = SyncVectorEnv([CountingEnv], autoreset_mode=mode)
    assert autoreset_mode(vector) is mode
    vector.metadata = {"autoreset_mode": mode.value}
    assert autoreset_mode(vector) is mode
    vector.metadata = {}
    assert autoreset_mode(vector) is None


def test_an_autoreset_mode_that_gymnasium_does_not_have_is_refused():
    vector = SyncVectorEnv([CountingEnv])
    vector.metadata = {"autoreset_mode": "next_step"}
    sample = lambda: pg.sample_trajectories(vector, pg.MLPPolicy(2, 2), 1)  # noqa: E731
    assert_refused(sample, ValueError, "env", "'NextStep'", "'next_step'")
