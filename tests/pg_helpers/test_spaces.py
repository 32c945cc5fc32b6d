import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from oracles import assert_refused
from worlds import CountingEnv, Rule

import pg_helpers as pg
from pg_helpers.spaces import Spaces, as_vector_env, autoreset_mode

SMALL, OWN = spaces.Discrete(2), gymnasium.Space()
SEEN = np.zeros(2, np.float32)
FIVE = "(observation, reward, terminated, truncated, info) from step()"

always_0 = Rule(lambda seen: seen[..., 0] * 0)


def test_one_action_is_a_plain_integer_of_the_space():
    found = Spaces(CountingEnv(action_space=spaces.Discrete(3, start=5)), None)
    told = found.for_env(np.int64(1))
    assert (type(told), told) == (int, 6)


def test_actions_are_clipped_to_the_box():
    space = spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf]))
    given = np.array([[-3.0, 5.0], [0.5, -5.0]])
    clipped = Spaces(CountingEnv(action_space=space), None).for_env(given)
    assert clipped.dtype == np.float32
    assert clipped.tolist() == [[-1.0, 5.0], [0.5, 0.0]]
    assert given.tolist() == [[-3.0, 5.0], [0.5, -5.0]]


@pytest.mark.parametrize("name", ["observation", "action"])
def test_a_space_that_is_not_supported_is_named(name):
    env = CountingEnv()
    setattr(env, f"{name}_space", spaces.MultiBinary(3))
    words = (f"{name} space: expected Discrete or Box", "MultiBinary(3)")
    assert_refused(lambda: Spaces(env, None), ValueError, *words)


def lying(env, part, change):
    """The environment, whose first reset or second step answers as changed."""
    is_step = part != "reset"
    honest, answers = env.step if is_step else env.reset, []

    def answer(*args, **kwargs):
        answers.append(honest(*args, **kwargs))
        if len(answers) != (2 if is_step else 1):
            return answers[-1]
        if part in ("reset", "step"):
            return change(answers[-1])
        names = ("observation", "reward", "terminated", "truncated", "info")
        parts = dict(zip(names, answers[-1], strict=True))
        return tuple((parts | {part: change(parts[part])}).values())

    setattr(env, "step" if is_step else "reset", answer)
    return env


# What lies, what it says in place of the truth, and how it is refused.
LIES = [
    ("reset", SEEN, TypeError, "(observation, info) from reset()"),
    ("reset", ([0.0], {}), ValueError, "observations of shape (2,), got (1,)"),
    ("step", [SEEN, 0.0, False, False, {}], TypeError, FIVE),
    ("step", (SEEN, 0.0, False, {}), TypeError, FIVE),
    ("observation", [0.0], ValueError, "observations of shape (2,), got (1,)"),
    ("observation", [[0.0], 1.0], TypeError, "observations in an array"),
    ("observation", None, TypeError, "numbers as observations, got None"),
    ("reward", "3", TypeError, "numbers as rewards, got '3'"),
    ("reward", [1.0], ValueError, "rewards of shape (), got (1,)"),
    ("terminated", None, TypeError, "booleans or integers as terminated, got None"),
    ("truncated", 0.5, TypeError, "booleans or integers as truncated, got 0.5"),
    ("terminated", -1, ValueError, "True or False as terminated, got -1"),
    ("truncated", 2, ValueError, "True or False as truncated, got 2"),
    ("info", None, TypeError, "a dict as info, got None"),
]


@pytest.mark.parametrize(("part", "lie", "kind", "words"), LIES)
def test_an_answer_that_does_not_fit_is_refused(part, lie, kind, words):
    for sample in (pg.sample_trajectory, lambda *a: pg.sample_trajectories(*a, 2)):
        env = lying(CountingEnv(4), part, lambda honest: lie)
        asked = lambda env=env, sample=sample: sample(env, always_0)  # noqa: E731
        assert_refused(asked, kind, "env: expected", words)


@pytest.mark.parametrize(
    ("part", "change", "kind", "words"),
    [
        ("reset", lambda a: (a[0][:1], {}), ValueError, "of shape (3, 2), got (1, 2)"),
        ("observation", lambda seen: seen[:2], ValueError, "(3, 2), got (2, 2)"),
        ("reward", lambda paid: paid[:, None], ValueError, "(3,), got (3, 1)"),
        ("terminated", lambda ended: ended[0], ValueError, "(3,), got ()"),
        ("truncated", lambda cut: cut + np.uint8(2), ValueError, "True or False"),
        ("info", lambda info: {}, ValueError, "'final_obs' in the info of step()"),
        ("info", lambda info: {"final_obs": [SEEN, None, SEEN]}, TypeError, "numbers"),
        ("info", lambda info: {"final_obs": [[SEEN]] * 3}, ValueError, "(1, 2)"),
    ],
)
def test_a_vector_that_answers_rightly_at_first_is_still_checked(
    part, change, kind, words
):
    makers = [lambda length=length: CountingEnv(length) for length in (3, 2, 4)]
    envs = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    sample = lambda: pg.sample_trajectories(envs, always_0, 3)  # noqa: E731
    lying(envs, part, change)
    assert_refused(sample, kind, "env: expected", words)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("observation", np.ndarray.tolist),
        ("observation", torch.tensor),
        ("observation", lambda seen: seen.astype(np.float64)),
        ("reward", lambda paid: paid.astype(np.float16)),
        ("terminated", lambda ended: ended.astype(np.uint8)),
        ("truncated", lambda cut: cut.astype(int).tolist()),
    ],
)
def test_the_same_numbers_in_another_form_are_taken_as_they_are(part, change):
    makers = [lambda: CountingEnv(2), lambda: CountingEnv(3)]
    told_otherwise = lying(SyncVectorEnv(makers), part, change)
    found = pg.sample_trajectories(told_otherwise, always_0, 2)
    expected = pg.sample_trajectories(SyncVectorEnv(makers), always_0, 2)
    for name, value in vars(expected).items():
        assert torch.equal(getattr(found, name), value), name


@pytest.mark.parametrize("number", [0, None, 2.0])
def test_a_vector_without_a_number_of_environments_is_refused(number):
    envs = SyncVectorEnv([CountingEnv])
    envs.num_envs = number
    with pytest.raises((TypeError, ValueError), match=r"^env\.num_envs: expected"):
        pg.sample_trajectories(envs, always_0, 1)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_the_autoreset_mode_is_the_one_that_is_named(mode):
    envs = SyncVectorEnv([CountingEnv], autoreset_mode=mode)
    assert autoreset_mode(envs) is mode
    envs.metadata = {"autoreset_mode": mode.value}
    assert autoreset_mode(envs) is mode
    for metadata in ({}, None):
        envs.metadata = metadata
        assert autoreset_mode(envs) is None


def test_an_autoreset_mode_that_gymnasium_does_not_have_is_refused():
    envs = SyncVectorEnv([CountingEnv])
    envs.metadata = {"autoreset_mode": "next_step"}
    words = ("env: expected an autoreset_mode among", "'NextStep'", "'next_step'")
    sample = lambda: pg.sample_trajectories(envs, always_0, 1)  # noqa: E731
    assert_refused(sample, ValueError, *words)


def test_an_environment_is_used_as_it_is_and_left_open():
    inner, mdp = CountingEnv(), pg.corridor()
    vector = SyncVectorEnv([lambda: inner])
    with as_vector_env(vector, 5) as envs:
        assert envs is vector
    with as_vector_env(inner, 5) as envs:
        assert (envs.env, envs.num_envs) == (inner, 1)
    with as_vector_env(mdp, 5) as envs:
        assert (type(envs), envs.mdp, envs.num_envs) == (pg.TabularVectorEnv, mdp, 5)
    assert inner.closed == 0


def test_what_is_made_from_an_id_is_closed_also_after_an_error():
    with as_vector_env("FrozenLake-v1", 4) as envs:
        assert (envs.num_envs, envs.closed) == (4, False)
    assert envs.closed
    with pytest.raises(KeyError), as_vector_env("FrozenLake-v1", 1) as envs:
        raise KeyError
    assert envs.closed


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (spaces.MultiDiscrete([2, 3]), "(gymnasium.wrappers.FlattenObservation makes"),
        (spaces.Tuple([SMALL, spaces.Text(3)]), "(gymnasium.wrappers.FlattenObservat"),
        (spaces.Dict(a=SMALL, b=spaces.Sequence(SMALL)), "flattens ['b'] (Sequence)"),
        (spaces.Dict(a=spaces.Tuple([OWN])), "nothing flattens ['a'][0] (Space)"),
        (OWN, "nothing flattens Space: leave it out by a wrapper"),
    ],
)
def test_what_flattens_a_space_is_said_only_where_it_does(space, said):
    env = CountingEnv()
    env.observation_space = space
    for refused in (lambda: Spaces(env, None), lambda: pg.policy_for(env)):
        assert_refused(refused, ValueError, "observation space: expected", said)
