"""The CartPole of arrays is Gymnasium's: every number is held against it."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.envs.classic_control import cartpole
from oracles import assert_refused
from worlds import Rule

import pg_helpers as pg
from pg_helpers.spaces import as_vector_env


def at_random(seen, generator):
    return generator.integers(2, size=len(seen))


def balanced(seen, generator):
    """Push to where the pole falls: it stands for all of the 500 steps."""
    return (seen @ np.array([0.1, 0.3, 1.0, 0.7]) > 0).astype(np.int64)


def until_all_have_ended(policy, num_envs, seed, limit=500):
    """Both environments side by side: what each says, and who ran, at every step."""
    theirs = gymnasium.make_vec("CartPole-v1", num_envs, max_episode_steps=limit)
    ours = pg.CartPoleVectorEnv(num_envs, limit)
    generator, running = np.random.default_rng(seed), np.ones(num_envs, dtype=bool)
    seen, expected = ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0]
    yield (seen,), (expected,), running
    while running.any():
        actions = policy(expected, generator)
        found, expected = ours.step(actions), theirs.step(actions)
        yield found[:4], expected[:4], running
        running = running & ~(expected[2] | expected[3])
        expected = expected[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("policy", "num_envs", "limit", "ends"),
    [
        (at_random, 1, 500, {"fell"}),
        (at_random, 7, 500, {"fell"}),
        (at_random, 300, 500, {"fell"}),
        (at_random, 50, 20, {"fell", "cut off"}),
        (balanced, 4, 500, {"cut off"}),
    ],
)
def test_it_says_what_gymnasiums_own_says(policy, num_envs, limit, ends, seed):
    ended, steps = set(), -1
    for found, expected, running in until_all_have_ended(policy, num_envs, seed, limit):
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            np.testing.assert_array_equal(ours[running], theirs[running])
        if len(expected) == 4:
            ended |= {"fell"} if expected[2][running].any() else set()
            ended |= (
                {"cut off"} if (expected[3] & ~expected[2])[running].any() else set()
            )
        steps += 1
    assert ended == ends
    assert steps == limit if "cut off" in ends else 9 < steps < 200


@pytest.mark.parametrize("policy", [at_random, balanced])
def test_it_says_what_a_single_cartpole_says(policy):
    # NumPy's sines of arrays and of numbers may differ in the last digit.
    ours = pg.CartPoleVectorEnv(3)
    seen, _ = ours.reset(seed=0)
    singles = [gymnasium.make("CartPole-v1") for _ in range(3)]
    for env, state in zip(singles, ours.state.T, strict=True):
        env.reset()
        env.unwrapped.state = state
    generator, running = np.random.default_rng(0), [0, 1, 2]
    while running:
        actions = policy(seen, generator)
        seen, rewards, terminated, truncated, _ = ours.step(actions)
        for row in list(running):
            one, reward, fell, cut, _ = singles[row].step(int(actions[row]))
            np.testing.assert_allclose(seen[row], one, rtol=0, atol=1e-6)
            assert (rewards[row], terminated[row], truncated[row]) == (
                reward,
                fell,
                cut,
            )
            if fell or cut:
                running.remove(row)


def test_who_has_ended_rests_until_all_are_reset():
    env = pg.CartPoleVectorEnv(40, 30)
    seen, _ = env.reset(seed=1)
    generator, ended = np.random.default_rng(1), np.zeros(40, dtype=bool)
    for _ in range(35):
        before = seen
        seen, rewards, terminated, truncated, _ = env.step(at_random(seen, generator))
        np.testing.assert_array_equal(seen[ended], before[ended])
        assert (rewards == ~ended).all()
        assert not (terminated | truncated)[ended].any()
        ended |= terminated | truncated
    assert ended.all()
    again, _ = env.reset(seed=1)
    fresh, _ = pg.CartPoleVectorEnv(40).reset(seed=1)
    np.testing.assert_array_equal(again, fresh)
    assert env.step(np.zeros(40, dtype=int))[1].all()


def test_what_it_returned_stays_as_it_was():
    env = pg.CartPoleVectorEnv(5)
    seen = [env.reset(seed=0)[0]]
    copies = [seen[0].copy()]
    for _ in range(5):
        seen.append(env.step(np.ones(5, dtype=int))[0])
        copies.append(seen[-1].copy())
    np.testing.assert_array_equal(seen, copies)


def test_spaces_name_and_starts_are_gymnasiums():
    theirs, ours = gymnasium.make_vec("CartPole-v1", 6), pg.CartPoleVectorEnv(6)
    for name in ("observation_space", "single_observation_space"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.single_action_space == theirs.single_action_space
    assert ours.spec.id == theirs.spec.id
    wide = {"low": -0.1, "high": 0.2}
    found = ours.reset(seed=3, options=wide)[0]
    np.testing.assert_array_equal(found, theirs.reset(seed=3, options=wide)[0])
    assert found.max() > 0.1


def test_the_id_is_run_on_it_and_an_environment_as_it_is():
    with as_vector_env("CartPole-v1", 3) as env:
        assert type(env) is pg.CartPoleVectorEnv
        assert (env.num_envs, env.max_episode_steps) == (3, 500)
    theirs = gymnasium.make_vec("CartPole-v1", 3)
    with as_vector_env(theirs, 3) as env:
        assert env is theirs


def test_another_reward_is_left_to_gymnasium():
    entry = "gymnasium.envs.classic_control.cartpole:CartPoleVectorEnv"
    name, rule = "tests/MinusOne-v0", {"sutton_barto_reward": True}
    gymnasium.register(name, vector_entry_point=entry, kwargs=rule)
    try:
        with as_vector_env(name, 3) as env:
            assert type(env) is cartpole.CartPoleVectorEnv
    finally:
        del gymnasium.registry[name]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pg.MLPPolicy(4, 2, (32, 32)),
        lambda: Rule(lambda seen: seen[..., 2] > 0),
    ],
    ids=["the fast path", "the plain path"],
)
def test_a_batch_by_id_is_one_from_gymnasiums_own(make):
    torch.manual_seed(0)
    policy = make()
    for seed in range(3):
        found = pg.sample_trajectories("CartPole-v1", policy, 30, seed)
        theirs = gymnasium.make_vec("CartPole-v1", 30)
        expected = pg.sample_trajectories(theirs, policy, 30, seed)
        for name, value in vars(expected).items():
            assert torch.equal(getattr(found, name), value), name


def test_training_by_id_is_training_on_gymnasiums_own():
    config = pg.TrainConfig(num_updates=5, num_trajectories=8, learning_rate=0.02)
    trained = []
    for env in ("CartPole-v1", gymnasium.make_vec("CartPole-v1", 8)):
        torch.manual_seed(0)
        policy = pg.MLPPolicy(4, 2)
        pg.train(env, policy, config, progress=False)
        trained.append(torch.cat([p.flatten() for p in policy.parameters()]))
    assert torch.equal(*trained)


@pytest.mark.parametrize(
    "actions", [[0, 2], [-1, 0], [0.0, 1.0], [0], [[0, 1]], [True, False]]
)
def test_actions_that_are_none_are_refused(actions):
    env = pg.CartPoleVectorEnv(2)
    env.reset(seed=0)
    assert_refused(lambda: env.step(np.array(actions)), ValueError, "actions")


def test_bad_arguments_are_refused():
    env = pg.CartPoleVectorEnv(2)
    assert_refused(lambda: env.step(np.array([0, 1])), ValueError, "reset")
    assert_refused(lambda: pg.CartPoleVectorEnv(0), ValueError, "num_envs")
    assert_refused(lambda: pg.CartPoleVectorEnv(2, 1.5), TypeError, "max_episode_steps")
