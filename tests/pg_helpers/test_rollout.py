from copy import deepcopy
from functools import partial
from itertools import cycle
from unittest import mock

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_refused, chi_square_excess, paths
from torch.distributions import Categorical, Independent, Normal
from worlds import CountingEnv, Rule, random_network, random_table

import pg_helpers as pg
from pg_helpers.require import NotFiniteError


def uniform(seen):
    return Categorical(logits=torch.zeros(*seen.shape[:-1], 2))


def several(env, policy=uniform, **options):
    return pg.sample_trajectories(env, policy, 3, **options)


class Recorded(gymnasium.Env):
    """Random observations and rewards, and a record of every episode.

    Episodes have these lengths in turn; `ends` says whether they are terminated and
    whether they are truncated. With `reuses` it shows the same memory again and again.
    """

    def __init__(self, seen, taken, ends, lengths, reuses=False):
        self.observation_space, self.action_space = deepcopy(seen), taken
        self.observation_space.seed(0)
        self.lengths, self.ends, self.episodes = cycle(lengths), ends, []
        self.rewards = np.random.default_rng(0)
        self.memory = np.zeros_like(seen.sample()) if reuses else None

    def reset(self, *, seed=None, options=None):
        self.length = next(self.lengths)
        self.episodes.append({"seen": [], "actions": [], "rewards": []})
        return self.shown(), {}

    def step(self, action):
        episode = self.episodes[-1]
        episode["actions"].append(np.array(action))
        episode["rewards"].append(self.rewards.normal())
        is_last = len(episode["actions"]) == self.length
        terminated, truncated = (is_last and end for end in self.ends)
        return self.shown(), episode["rewards"][-1], terminated, truncated, {}

    def shown(self):
        value = self.observation_space.sample()
        self.episodes[-1]["seen"].append(np.array(value))
        if self.memory is None:
            return value
        self.memory[...] = value
        return self.memory


class RecordedVector(SyncVectorEnv):
    """Notes which episodes begin when all are reset; overwrites what it is told."""

    begun = ()

    def reset(self, *, seed=None, options=None):
        is_of_all = not options
        answer = super().reset(seed=seed, options=options)
        if is_of_all:
            self.begun += tuple(env.episodes[-1] for env in self.envs)
        return answer

    def step(self, actions):
        told = actions.copy()
        actions[...] = 0
        return super().step(told)


def at_random(seen, taken, ends):
    """A policy for any spaces; its real actions often lie outside a Box."""

    def policy(observations):
        batch = observations.shape[: observations.ndim - len(seen.shape)]
        if isinstance(taken, spaces.Discrete):
            return Categorical(logits=torch.zeros(*batch, int(taken.n)))
        return Independent(Normal(torch.zeros(*batch, *taken.shape), 1.5), 1)

    return policy


def assert_recorded(batch, episodes, seen, taken, ends):
    """The batch says what the environments wrote down."""
    lengths = [len(episode["actions"]) for episode in episodes]
    assert batch.mask.shape == (len(episodes), max(lengths))
    assert batch.lengths.tolist() == lengths
    assert (batch.truncated == (ends == (False, True))).all()
    for row, (length, episode) in enumerate(zip(lengths, episodes, strict=True)):
        shown = np.array(episode["seen"][: length + 1]) - getattr(seen, "start", 0)
        assert batch.observations[row, :length].tolist() == shown[:-1].tolist()
        assert batch.final_observations[row].tolist() == shown[-1].tolist()
        paid = np.float32(episode["rewards"]).tolist()
        assert batch.rewards[row, :length].tolist() == paid
        told = batch.actions[row, :length].numpy()
        if isinstance(taken, spaces.Discrete):
            told = told + taken.start
        else:
            told = np.clip(told, taken.low, taken.high).astype(taken.dtype)
        np.testing.assert_array_equal(told, np.array(episode["actions"]))
        for padded in (batch.mask, batch.observations, batch.actions, batch.rewards):
            assert not padded[row, length:].any()


SEEN = (spaces.Box(-1, 1, (2,)), spaces.Box(0, 255, (3,), np.uint8))
SEEN = (*SEEN, spaces.Discrete(4), spaces.Discrete(3, start=5))
TAKEN = (spaces.Box(-1, 1, (1,), np.float64), spaces.Box(0, 3, (2,), np.int32))
TAKEN = (*TAKEN, spaces.Discrete(2), spaces.Discrete(3, start=-7))
ENDS = [(True, False), (False, True), (True, True)]
WORLDS = st.tuples(*map(st.sampled_from, (SEEN, TAKEN, ENDS)))
LENGTHS = st.lists(st.integers(1, 4), min_size=1, max_size=2)


@given(WORLDS, LENGTHS)
def test_a_single_environment_recorded_what_is_sampled(world, lengths):
    for sample, number in ((pg.sample_trajectory, 1), (several, 3)):
        env = Recorded(*world, lengths, reuses=True)
        batch = sample(env, at_random(*world))
        assert len(batch.mask) == number
        assert_recorded(batch, env.episodes, *world)


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.name)
@given(WORLDS, st.lists(LENGTHS, min_size=1, max_size=3), st.integers(1, 7), st.data())
def test_each_environment_of_a_vector_recorded_one_episode_in_its_turn(
    mode, world, lengths, number, data
):
    makers = [lambda row=row: Recorded(*world, row) for row in lengths]
    envs = RecordedVector(makers, autoreset_mode=mode)
    if mode is not AutoresetMode.DISABLED and data.draw(st.booleans(), "names no mode"):
        envs.metadata = {}
    batch = pg.sample_trajectories(envs, at_random(*world), number)
    assert len(batch.mask) == number
    assert_recorded(batch, envs.begun[:number], *world)


def test_trajectories_are_drawn_as_often_as_enumeration_says():
    # In rounds of 300. To keep the first 4,000 episodes that end, instead of one per
    # environment and round, would over-represent short ones.
    mdp, policy = pg.random_mdp(3, 2, 4), random_table(3, 2)
    pi = policy.logits.softmax(dim=1).detach().numpy()
    every = {path.key: path for path in paths(mdp, pi)}
    counts = dict.fromkeys(every, 0)
    batch = pg.sample_trajectories(pg.TabularVectorEnv(mdp, 300), policy, 4000)
    for row, length in enumerate(batch.lengths.tolist()):
        states = batch.observations[row, :length].argmax(1).tolist()
        states.append(batch.final_observations[row].argmax().item())
        key = [states[0]]
        for action, state in zip(batch.actions[row].tolist(), states[1:], strict=False):
            key += [action, state]
        counts[tuple(key)] += 1
        assert batch.rewards[row, :length].tolist() == [*every[tuple(key)].rewards]
        assert batch.truncated[row] == (not mdp.terminal[states[-1]])
    probabilities = [path.probability for path in every.values()]
    assert chi_square_excess([*counts.values()], probabilities) < 1


def same(first, second):
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_one_trajectory_in_lock_step_is_that_of_the_plain_loop():
    mdp, policy = pg.random_mdp(4, 3, 6), random_table(4, 3)
    for seed in range(5):
        one = pg.sample_trajectory(pg.TabularEnv(mdp), policy, seed)
        assert same(one, pg.sample_trajectories(pg.TabularEnv(mdp), policy, 1, seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_has_the_precision_of_the_policy_and_no_graph(dtype):
    policy = random_network(pg.corridor()).to(dtype)
    batch = several(pg.TabularEnv(pg.corridor()), policy)
    floats = (batch.observations, batch.rewards, batch.final_observations)
    assert {tensor.dtype for tensor in floats} == {dtype}
    assert batch.actions.dtype == batch.lengths.dtype == torch.int64
    assert batch.mask.dtype == batch.truncated.dtype == torch.bool
    (-policy(batch.observations).log_prob(batch.actions).sum()).backward()


REACH = spaces.Box(-1, 1, (1,))
GAUSSIAN = pg.GaussianPolicy(2, 1)
ONES = np.ones((2, 2, 2))
ENDLESS = pg.TabularMDP([1, 0], ONES / 2, ONES, [0, 0], 30)
TABLE = random_table(2, 2)


@pytest.mark.parametrize(
    "sample",
    [
        lambda **seed: several(ENDLESS, TABLE, **seed),
        lambda **seed: several("CartPole-v1", **seed),
        lambda **seed: several(CountingEnv(action_space=REACH), GAUSSIAN, **seed),
        lambda **seed: pg.sample_trajectory(pg.TabularEnv(ENDLESS), TABLE, **seed),
        lambda **seed: pg.sample_trajectory(
            CountingEnv(action_space=REACH), GAUSSIAN, **seed
        ),
    ],
)
def test_a_seed_settles_the_sample_and_leaves_the_global_generators_alone(sample):
    torchs, numpys = torch.get_rng_state(), np.random.get_state()[1].tolist()
    first, again = sample(), sample(seed=0)
    others = [sample(seed=seed) for seed in (1, 4, None, None)]
    assert same(first, again)
    assert not any(same(first, other) for other in others)
    assert not same(others[2], others[3])
    assert torch.equal(torch.get_rng_state(), torchs)
    assert np.random.get_state()[1].tolist() == numpys


class Blind(CountingEnv):
    """Shows NaN after so many steps; shows and pays NaN after its first episode."""

    def __init__(self, length=4, at=None):
        super().__init__(length, reset_limit=1)
        self.at = at

    def _seen(self):
        is_blind = self.time == self.at or self.resets > 1
        return super()._seen() * (np.nan if is_blind else 1)


RICH = pg.TabularMDP([1, 0], ONES / 2, 1e300 * ONES, [0, 0], 3)


@pytest.mark.parametrize(
    "sample", [pg.sample_trajectory, lambda *a: pg.sample_trajectories(*a, 1)]
)
@pytest.mark.parametrize(
    ("make", "name", "place"),
    [
        (lambda: CountingEnv(4, nan_at=0), "rewards by trajectory and step", [0, 0]),
        (lambda: CountingEnv(4, nan_at=3), "rewards by trajectory and step", [0, 3]),
        (lambda: pg.TabularEnv(RICH), "rewards by trajectory and step", [0, 0]),
        (lambda: Blind(at=0), "observations by trajectory and step", [0, 0, 0]),
        (lambda: Blind(at=2), "observations by trajectory and step", [0, 2, 0]),
        (lambda: Blind(at=4), "final_observations by trajectory", [0, 0]),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(sample, make, name, place):
    before = torch.get_rng_state()
    words = (f"{name}: expected finite numbers", f"at {place}")
    assert_refused(lambda: sample(make(), uniform), NotFiniteError, *words)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("is_plain", [False, True])
def test_what_an_ended_environment_shows_and_pays_does_not_matter(is_plain):
    network = pg.MLPPolicy(2, 2)
    policy = (lambda seen: network(seen)) if is_plain else network  # which refuse NaN
    envs = SyncVectorEnv([lambda: Blind(1), lambda: CountingEnv(4)])
    batch = pg.sample_trajectories(envs, policy, 2)
    assert batch.lengths.tolist() == [1, 4]


@pytest.mark.parametrize("sample", [pg.sample_trajectory, several])
def test_an_episode_that_outlasts_max_steps_is_refused(sample):
    assert sample(CountingEnv(4), uniform, max_steps=4).lengths[0] == 4
    env = CountingEnv(None)
    words = ("env: expected every episode to end", "max_steps = 50 steps", "TimeLimit")
    assert_refused(lambda: sample(env, uniform, max_steps=50), ValueError, *words)
    assert len(env.received) == 50


class Keeps(SyncVectorEnv):
    """An episode that has ended starts again at the next step, also after reset()."""

    def reset(self, *, seed=None, options=None):
        ended = self._autoreset_envs.copy()
        answer = super().reset(seed=seed, options=options)
        self._autoreset_envs = ended
        return answer


@pytest.mark.parametrize("lengths", [(1, 1), (1, 3), (2, 3)])
def test_a_vector_that_keeps_ended_episodes_over_a_reset_is_refused(lengths):
    makers = [partial(CountingEnv, length) for length in lengths]
    with mock.patch("pg_helpers.spaces.SyncVectorEnv", AsyncVectorEnv):  # unknown now
        envs = Keeps(makers)
        first = pg.sample_trajectories(envs, uniform, 2)
        assert first.lengths.tolist() == [*lengths]
        with pytest.raises(ValueError, match="^env: expected a vector whose reset"):
            pg.sample_trajectories(envs, uniform, 2)
    envs = AsyncVectorEnv(makers, shared_memory=False)
    try:
        with pytest.raises(ValueError, match="^env: expected a vector whose reset"):
            pg.sample_trajectories(envs, uniform, 2)
    finally:
        envs.close()


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.name)
@pytest.mark.parametrize("vector", [SyncVectorEnv, AsyncVectorEnv])
def test_each_mode_gives_the_trajectories_of_the_plain_loop(vector, mode):
    makers = [partial(CountingEnv, length, name=length) for length in (1, 3, 2)]
    envs = vector(makers, autoreset_mode=mode)
    always_1 = Rule(lambda seen: seen[..., 0] * 0 + 1)
    try:
        batch = pg.sample_trajectories(envs, always_1, 6)
    finally:
        envs.close()
    for row, make in enumerate(makers * 2):
        plain = pg.sample_trajectory(make(), always_1)
        length = len(plain.rewards[0])
        assert batch.lengths[row] == length
        for name in ("observations", "actions", "rewards"):
            one, other = (getattr(b, name) for b in (batch, plain))
            assert torch.equal(one[row, :length], other[0])
        assert torch.equal(batch.final_observations[row], plain.final_observations[0])
        assert batch.truncated[row] == plain.truncated[0]


class Noisy(CountingEnv):
    """Pays what it draws."""

    def step(self, action):
        seen, _, *rest = super().step(action)
        return seen, self.np_random.normal(), *rest


def test_a_vector_of_others_that_resets_as_it_should_is_taken():
    lengths = (1, 3)
    envs = SyncVectorEnv([partial(Noisy, length) for length in lengths])
    with mock.patch("pg_helpers.spaces.SyncVectorEnv", AsyncVectorEnv):  # unknown now
        for number in (6, 2, 6):
            found = pg.sample_trajectories(envs, uniform, number)
            assert found.lengths.tolist() == [*lengths] * (number // 2)
            assert len(found.rewards[found.mask].unique()) == 2 * number
