"""The CartPole of arrays is compared with Gymnasium's own, number by number."""

import gymnasium
import numpy as np
import pytest
import torch
from worlds import Rule

import pg_helpers as pg
from pg_helpers.cartpole import in_arrays
from pg_helpers.spaces import as_vector_env


@pytest.mark.parametrize(("num_envs", "limit"), [(1, 500), (100, 500), (50, 20)])
def test_every_episode_is_gymnasiums_to_the_last_bit(num_envs, limit):
    theirs = gymnasium.make_vec("CartPole-v1", num_envs, max_episode_steps=limit)
    ours = pg.CartPoleVectorEnv(num_envs, limit)
    np.testing.assert_array_equal(ours.reset(seed=0)[0], theirs.reset(seed=0)[0])
    generator, running = np.random.default_rng(0), np.ones(num_envs, dtype=bool)
    num_fell = num_cut = 0
    while running.any():
        actions = generator.integers(2, size=num_envs)
        found, expected = ours.step(actions)[:4], theirs.step(actions)[:4]
        for own, other in zip(found, expected, strict=True):
            assert own.dtype == other.dtype and own.shape == other.shape
            np.testing.assert_array_equal(own[running], other[running])
        _, _, fell, cut = expected
        num_fell += np.sum(running & fell)
        num_cut += np.sum(running & cut & ~fell)
        running &= ~(fell | cut)
    assert num_fell + num_cut == num_envs
    assert (num_cut > 0) == (limit == 20)


def test_an_agent_that_has_ended_rests_until_all_are_reset():
    env = pg.CartPoleVectorEnv(40, 30)
    seen, _ = env.reset(seed=1)
    generator, ended = np.random.default_rng(1), np.zeros(40, dtype=bool)
    for _ in range(35):
        before, actions = seen, generator.integers(2, size=40)
        seen, rewards, terminated, truncated, _ = env.step(actions)
        np.testing.assert_array_equal(seen[ended], before[ended])
        assert (rewards == ~ended).all()
        assert not (terminated | truncated)[ended].any()
        ended |= terminated | truncated
    assert ended.all()
    again, _ = env.reset(seed=1)
    np.testing.assert_array_equal(again, pg.CartPoleVectorEnv(40).reset(seed=1)[0])
    _, rewards, _, truncated, _ = env.step(np.zeros(40, dtype=int))
    assert rewards.all() and not truncated.any()


def test_spaces_limits_and_starts_are_gymnasiums():
    theirs, ours = gymnasium.make_vec("CartPole-v1", 6), pg.CartPoleVectorEnv(6)
    for name in ("observation_space", "single_observation_space", "action_space"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.spec.id == theirs.spec.id
    assert ours.max_episode_steps == theirs.max_episode_steps
    assert pg.CartPoleVectorEnv().num_envs == 1
    wide = {"low": -0.1, "high": 0.2}
    found = ours.reset(seed=3, options=wide)[0]
    np.testing.assert_array_equal(found, theirs.reset(seed=3, options=wide)[0])
    assert found.max() > 0.1


def test_an_id_is_run_in_arrays_but_an_environment_or_another_reward_as_it_is():
    with as_vector_env("CartPole-v1", 3) as env:
        assert type(env) is pg.CartPoleVectorEnv
        assert (env.num_envs, env.max_episode_steps) == (3, 500)
    theirs = gymnasium.make_vec("CartPole-v1", 3)
    with as_vector_env(theirs, 3) as env:
        assert env is theirs
    paid_at_the_end = gymnasium.make_vec("CartPole-v1", 3, sutton_barto_reward=True)
    assert in_arrays(paid_at_the_end) is paid_at_the_end


@pytest.mark.parametrize(
    "policy",
    [pg.MLPPolicy(4, 2, (32, 32)), Rule(lambda seen: seen[..., 2] > 0)],
    ids=["in NumPy", "in PyTorch"],
)
def test_a_batch_by_id_is_a_batch_from_gymnasiums_own_vector(policy):
    found = pg.sample_trajectories("CartPole-v1", policy, 30)
    theirs = gymnasium.make_vec("CartPole-v1", 30)
    expected = pg.sample_trajectories(theirs, policy, 30)
    for name, value in vars(expected).items():
        assert torch.equal(getattr(found, name), value), name
