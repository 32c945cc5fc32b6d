import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from oracles import assert_refused
from torch.distributions import Bernoulli, Categorical, Normal
from worlds import Constant, CountingEnv, Rule, flat, random_table

import pg_helpers as pg
from pg_helpers.acting import Translator, as_vector_env, seeded
from pg_helpers.require import NotFiniteError

CPU = torch.device("cpu")


class Spaces(gymnasium.Env):
    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


BOX, TWO = spaces.Box(-1, 1, (3,)), spaces.Discrete(2)


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_are_seen_in_the_float_type_of_the_policy(dtype):
    translator = Translator(Spaces(BOX, TWO), pg.MLPPolicy(3, 2).to(dtype))
    seen = translator.for_policy(np.array([[0.25, 0.5, 1.0]], np.float16))
    assert seen.dtype == dtype
    assert seen.tolist() == [[0.25, 0.5, 1.0]]


def test_integers_are_seen_from_0():
    space = spaces.Discrete(4, start=-2)
    translator = Translator(Spaces(space, TWO), pg.TabularPolicy(4, 2))
    seen = translator.for_policy(np.array([-2, 1]))
    assert seen.dtype == torch.int64
    assert seen.tolist() == [0, 3]
    assert translator.for_policy(np.int64(0)).tolist() == 2


def test_actions_are_shifted_to_the_start_of_the_space():
    translator = Translator(Spaces(BOX, spaces.Discrete(3, start=5)), None)
    assert translator.for_env(np.array([0, 2])).tolist() == [5, 7]
    one = translator.for_env(np.array(1))
    assert type(one) is int
    assert one == 6


def test_actions_are_clipped_to_the_box():
    space = spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf]))
    translator = Translator(Spaces(BOX, space), None)
    given = np.array([[-3.0, 5.0], [0.5, -5.0]])
    clipped = translator.for_env(given)
    assert clipped.dtype == np.float32
    assert clipped.tolist() == [[-1.0, 5.0], [0.5, 0.0]]
    assert given.tolist() == [[-3.0, 5.0], [0.5, -5.0]]


def test_a_draw_without_chance_is_the_action_that_the_rule_names():
    rule = Rule(lambda seen: seen[..., 0] > 0)
    translator = Translator(Spaces(BOX, TWO), rule)
    seen = np.array([[0.5, 0, 0], [-0.5, 0, 0], [1, 0, 0]], np.float32)
    for step in range(3):
        assert translator.draw(seen, step, generator()).tolist() == [1, 0, 1]
    one = translator.draw(seen[0], 0, generator())
    assert (one.shape, int(one)) == ((), 1)


REACH = spaces.Box(-1, 1, (2,))


def broken(size):
    logits = torch.tensor([[0.0, float("nan")]] * size)
    return Categorical(logits=logits, validate_args=False)


NAN_MEAN = Normal(torch.full((4, 2), float("nan")), 1.0, validate_args=False)


@pytest.mark.parametrize(
    ("action_space", "distribution", "kind", "words"),
    [
        (TWO, torch.ones(4, 2), TypeError, ("policy", "torch.distributions", "Tensor")),
        (TWO, None, TypeError, ("policy", "NoneType")),
        (TWO, flat(4, 3), ValueError, ("policy", "Discrete(2)", "Categorical", "3")),
        (TWO, flat(2), ValueError, ("policy", "(4, 3)", "Size([2])")),
        (TWO, flat(1, 4, 2), ValueError, ("policy", "Discrete(2)")),
        (TWO, Normal(torch.zeros(4, 2), 1.0), ValueError, ("Discrete(2)", "Normal")),
        (TWO, Bernoulli(torch.ones(4)), ValueError, ("Discrete(2)", "Bernoulli")),
        (REACH, flat(4, 2), ValueError, ("policy", "Box", "Categorical")),
        (REACH, Normal(torch.zeros(4, 3), 1.0), ValueError, ("Box", "(4, 3)")),
        (REACH, Normal(torch.zeros(2), 1.0), ValueError, ("Box", "(2,)")),
        (TWO, broken(4), NotFiniteError, ("policy", "probabilities", "nan")),
        (REACH, NAN_MEAN, NotFiniteError, ("policy", "step 0", "nan")),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(action_space, distribution, kind, words):
    translator = Translator(Spaces(BOX, action_space), Constant(distribution))
    seen = np.zeros((4, 3), np.float32)
    assert_refused(lambda: translator.draw(seen, 0, generator()), kind, *words)


@pytest.mark.parametrize(
    ("observation_space", "action_space", "words"),
    [
        (spaces.MultiBinary(3), TWO, ("observation space", "MultiBinary(3)")),
        (spaces.Dict(a=BOX), TWO, ("observation space", "Dict")),
        (BOX, spaces.MultiDiscrete([2, 3]), ("action space", "MultiDiscrete([2 3])")),
    ],
)
def test_a_space_that_is_not_supported_is_named(observation_space, action_space, words):
    env = Spaces(observation_space, action_space)
    assert_refused(lambda: Translator(env, None), ValueError, *words)


def test_a_translator_needs_an_environment():
    assert_refused(lambda: Translator("Corridor", None), TypeError, "env", "'Corridor'")


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
    ],
)
def test_what_is_no_environment_is_refused_by_name(env, kind, words):
    def enter():
        with as_vector_env(env, 1):
            raise AssertionError("the block was entered")

    assert_refused(enter, kind, *words)


def drawn_inside(seed):
    with seeded(seed, CPU) as (for_env, numbers):
        return for_env, numbers.random(3).tolist(), torch.rand(3).tolist()


def test_a_seed_settles_everything_that_is_drawn_inside():
    first, again, other = drawn_inside(5), drawn_inside(5), drawn_inside(6)
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert drawn_inside(None) != drawn_inside(None)


def test_the_three_streams_of_a_seed_differ():
    for_env, numbers, torchs = drawn_inside(5)
    assert np.random.default_rng(for_env).random(3).tolist() != numbers
    assert not np.isclose(numbers, torchs).any()


@pytest.mark.parametrize("raises", [False, True])
def test_the_generator_outside_stays_as_it_was(raises):
    before = torch.get_rng_state()
    try:
        with seeded(0, CPU):
            torch.rand(10)
            if raises:
                raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_worlds_and_tables_of_float64_keep_their_precision():
    translator = Translator(Spaces(BOX, TWO), random_table(3, 2))
    seen = translator.for_policy(np.array([1 / 3, 0, 0]))
    assert seen[0].item() == 1 / 3
