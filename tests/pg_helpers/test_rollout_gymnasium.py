"""Rollouts in worlds that are not ours: CartPole, FrozenLake, and others' spaces."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit
from torch.distributions import Categorical
from worlds import CountingEnv, Rule

import pg_helpers as pg
from pg_helpers.acting import seeded


def uniform(seen):
    return Categorical(logits=torch.zeros(*seen.shape[:-1], 2))


def lean(seen):
    """Push the cart to where the pole leans: swings ever wider, for 25 to 50 steps."""
    return seen[..., 2] > 0


def env_seed(seed):
    with seeded(seed, torch.device("cpu")) as (for_env, _):
        return for_env


def plain_loop(env, observation):
    """One episode from where it stands: what was seen, done and got, and the end."""
    seen, actions, rewards, ended = [observation], [], [], False
    while not ended:
        actions.append(int(lean(seen[-1])))
        observation, reward, terminated, truncated, _ = env.step(actions[-1])
        seen.append(observation)
        rewards.append(reward)
        ended = terminated or truncated
    return np.array(seen), actions, rewards, truncated and not terminated


def assert_same_episode(batch, row, episode, tolerance=0.0):
    seen, actions, rewards, truncated = episode
    length = len(actions)
    assert batch.lengths[row] == length
    assert batch.actions[row, :length].tolist() == actions
    assert batch.rewards[row, :length].tolist() == rewards
    assert not batch.rewards[row, length:].any()
    assert bool(batch.truncated[row]) == truncated
    found = torch.cat(
        [batch.observations[row, :length], batch.final_observations[row][None]]
    )
    np.testing.assert_allclose(found, seen, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.name)
def test_cartpoles_side_by_side_are_cartpoles_one_by_one(mode):
    # The k-th environment of a SyncVectorEnv is seeded with the seed plus k.
    makers = [lambda: gymnasium.make("CartPole-v1", max_episode_steps=40)] * 6
    envs = SyncVectorEnv(makers, autoreset_mode=mode)
    batch = pg.sample_trajectories(envs, Rule(lean), 6, seed=1)
    for row in range(6):
        env = gymnasium.make("CartPole-v1", max_episode_steps=40)
        start, _ = env.reset(seed=env_seed(1) + row)
        assert_same_episode(batch, row, plain_loop(env, start))
    assert 0 < batch.truncated.sum() < 6, "both kinds of end"


def test_the_vector_of_cartpoles_is_cartpoles_one_by_one():
    # The vector draws all starts from one generator: read them from a second one.
    # Sines of arrays and of numbers may differ in the last digit.
    twin = gymnasium.make_vec("CartPole-v1", 8, max_episode_steps=40)
    twin.reset(seed=env_seed(2))
    batch = pg.sample_trajectories(
        gymnasium.make_vec("CartPole-v1", 8, max_episode_steps=40), Rule(lean), 8, 2
    )
    for row, state in enumerate(twin.unwrapped.state.T):
        env = gymnasium.make("CartPole-v1", max_episode_steps=40)
        env.reset()
        env.unwrapped.state = tuple(state)
        episode = plain_loop(env, np.array(state, np.float32))
        assert_same_episode(batch, row, episode, tolerance=1e-5)
    assert 0 < batch.truncated.sum() < 8, "both kinds of end"


def test_one_cartpole_is_the_plain_loop():
    for seed in range(3):
        batch = pg.sample_trajectory(gymnasium.make("CartPole-v1"), Rule(lean), seed)
        env = gymnasium.make("CartPole-v1")
        start, _ = env.reset(seed=env_seed(seed))
        assert_same_episode(batch, 0, plain_loop(env, start))


@pytest.mark.parametrize(("num_envs", "num_trajectories"), [(3, 7), (20, 20), (9, 4)])
def test_cartpole_has_no_junk_transitions(num_envs, num_trajectories):
    # Every real step pays 1; the step that only resets pays 0, and starts within 0.05
    # of zero, where no episode can be at a later time with its final observation
    # outside the limits.
    envs = gymnasium.make_vec("CartPole-v1", num_envs)
    batch = pg.sample_trajectories(envs, uniform, num_trajectories)
    assert batch.mask.shape[0] == num_trajectories
    assert (batch.rewards[batch.mask] == 1).all()
    assert (batch.rewards[~batch.mask] == 0).all()
    assert batch.rewards.sum(1).tolist() == batch.lengths.tolist()
    assert (batch.mask.int().diff(dim=1) <= 0).all(), "no gap"
    assert (batch.observations[:, 0].abs() <= 0.05).all()
    ended = batch.final_observations[:, [0, 2]].abs() > torch.tensor([2.4, 0.20943])
    assert ended.any(dim=1).all()
    assert not batch.truncated.any()
    # One step moves the pole by tau = 0.02 times its speed (Euler): no step is missing.
    seen, time = batch.observations, batch.lengths - 1
    moved = seen[:, :-1, 2] + 0.02 * seen[:, :-1, 3] - seen[:, 1:, 2]
    assert moved[batch.mask[:, 1:]].abs().max() < 1e-6
    last = seen[torch.arange(num_trajectories), time]
    final = last[:, 2] + 0.02 * last[:, 3] - batch.final_observations[:, 2]
    assert final.abs().max() < 1e-6


def test_long_episodes_are_as_frequent_side_by_side_as_one_by_one():
    # Two samples of lengths, n = 2,000 in rounds of 50 and m = 600 one by one; the
    # standard error of the difference of means is sqrt(s_n^2 / n + s_m^2 / m), about
    # 0.5 steps. To stop at the first n ends would lose several steps.
    envs = gymnasium.make_vec("CartPole-v1", 50)
    together = pg.sample_trajectories(envs, uniform, 2000).lengths.double()
    env, generator, alone = gymnasium.make("CartPole-v1"), np.random.default_rng(0), []
    env.reset(seed=0)
    for _ in range(600):
        env.reset()
        steps, ended = 0, False
        while not ended:
            _, _, terminated, truncated, _ = env.step(int(generator.integers(2)))
            steps, ended = steps + 1, terminated or truncated
        alone.append(steps)
    error = (together.var() / 2000 + np.var(alone) / 600) ** 0.5
    assert 0.3 < error < 0.7
    assert abs(together.mean() - np.mean(alone)) < 4 * error


@pytest.mark.parametrize("limit", [2, 3, 9])
def test_a_time_limit_cuts_off_and_an_end_does_not(limit):
    # Three steps end the episode by itself. At a limit of 3 it ends by itself and is
    # cut off at once, as Gymnasium has it: that is an end.
    env = TimeLimit(CountingEnv(3), limit)
    rule = Rule(lambda seen: seen[..., 0] * 0)
    for batch in (
        pg.sample_trajectory(env, rule),
        pg.sample_trajectories(SyncVectorEnv([lambda: env]), rule, 2),
    ):
        assert set(batch.lengths.tolist()) == {min(limit, 3)}
        assert set(batch.truncated.tolist()) == {limit < 3}


def test_frozen_lake_is_walked_by_a_table():
    # SFFF / FHFH / FFFH / HFFG, actions left 0, down 1, right 2, up 3. Down, down,
    # right, down, right, right: cells 0 4 8 9 13 14, and the goal, 15, pays 1.
    envs = gymnasium.make_vec("FrozenLake-v1", 2, is_slippery=False)
    policy = pg.policy_for(envs)
    assert type(policy) is pg.TabularPolicy
    with torch.no_grad():
        for cell, action in {0: 1, 4: 1, 8: 2, 9: 1, 13: 2, 14: 2}.items():
            policy.logits[cell, action] = 10_000.0
    batch = pg.sample_trajectories(envs, policy, 3)
    assert batch.observations.tolist() == [[0, 4, 8, 9, 13, 14]] * 3
    assert batch.actions.tolist() == [[1, 1, 2, 1, 2, 2]] * 3
    assert batch.rewards.tolist() == [[0, 0, 0, 0, 0, 1]] * 3
    assert batch.final_observations.tolist() == [15] * 3
    assert not batch.truncated.any()
    alone = pg.sample_trajectory(envs.envs[0], policy)
    assert torch.equal(alone.observations, batch.observations[:1])
    log_probs = policy(batch.observations).log_prob(batch.actions)
    assert log_probs.tolist() == [[0.0] * 6] * 3


class Shifted(gymnasium.Env):
    """Counts 5, 6, 7 up to its length; the actions -1 and 0 stay and go."""

    def __init__(self, length):
        self.observation_space = spaces.Discrete(3, start=5)
        self.action_space = spaces.Discrete(2, start=-1)
        self.length, self.place = length, 5

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.place = 0, 5
        return self.place, {}

    def step(self, action):
        assert action in (-1, 0)
        self.time += 1
        self.place += action + 1
        return self.place, float(self.place), self.time == self.length, False, {}


def go_once(seen):
    """Go from the first place, stay on the second."""
    return Categorical(logits=10_000.0 * torch.tensor([[0.0, 1], [1, 0], [1, 0]])[seen])


def test_discrete_spaces_that_start_elsewhere_are_seen_from_0():
    for batch in (
        pg.sample_trajectory(Shifted(3), go_once),
        pg.sample_trajectories(Shifted(3), go_once, 1),
    ):
        assert batch.observations.tolist() == [[0, 1, 1]]
        assert batch.actions.tolist() == [[1, 0, 0]]
        assert batch.rewards.tolist() == [[6.0, 6.0, 6.0]]
        assert batch.final_observations.tolist() == [1]


def test_padding_is_zero_where_a_space_starts_elsewhere():
    envs = SyncVectorEnv([lambda: Shifted(1), lambda: Shifted(3)])
    batch = pg.sample_trajectories(envs, go_once, 2)
    assert batch.observations.tolist() == [[0, 0, 0], [0, 1, 1]]
    pg.TabularPolicy(3, 2)(batch.observations)


class BothAtOnce(CountingEnv):
    """Its time is up with the very step that ends it."""

    def step(self, action):
        seen, reward, ended, _, info = super().step(action)
        return seen, reward, ended, ended, info


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.name)
def test_an_episode_that_ends_both_ways_at_once_has_terminated(mode):
    single = pg.sample_trajectory(BothAtOnce(), uniform)
    again = pg.sample_trajectories(BothAtOnce(), uniform, 3)
    side_by_side = SyncVectorEnv([BothAtOnce] * 2, autoreset_mode=mode)
    several = pg.sample_trajectories(side_by_side, uniform, 3)
    for batch in (single, again, several):
        assert not batch.truncated.any()
        assert batch.lengths.tolist() == [3] * len(batch.mask)


class SeedsKept(CountingEnv):
    """Keeps each seed that it is given."""

    def reset(self, *, seed=None, options=None):
        self.seeds = [*getattr(self, "seeds", []), seed]
        return super().reset(seed=seed, options=options)


def test_every_seed_of_an_environment_fits_into_an_int_of_32_bits():
    # As environments written in C++ need it. Number i of a vector gets the seed plus i.
    envs = SyncVectorEnv([lambda: SeedsKept(1)] * 3)
    single = SeedsKept(1)
    policy = pg.MLPPolicy(2, 2)
    for seed in range(20):
        pg.sample_trajectories(envs, policy, 3, seed=seed)
        pg.sample_trajectory(single, policy, seed=seed)
    settings = pg.TrainConfig(num_updates=20, num_trajectories=3)
    pg.train(envs, policy, settings, progress=False)
    kept = [env.unwrapped.seeds for env in envs.envs] + [single.seeds]
    given = [seed for seeds in kept for seed in seeds if seed is not None]
    assert len(given) == 3 * 40 + 20
    assert max(given) < 2**31
    assert len(set(given)) > 100  # and they are not all the same
