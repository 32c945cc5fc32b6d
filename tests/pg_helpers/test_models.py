"""Worlds read from Gymnasium, beside the environments themselves and plain loops."""

import random
from collections import Counter
from functools import partial
from threading import Lock

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv
from gymnasium.wrappers import (
    FlattenObservation,
    TimeLimit,
    TransformObservation,
    TransformReward,
)
from oracles import assert_refused, chi_square_excess
from worlds import Constant, CountingEnv, Rule, flat

import pg_helpers as pg
from pg_helpers import exact

SCHEDULE = dict(success_rate=0.7, reward_schedule=(5, -1, -0.1))
TABLES = [
    ("FrozenLake-v1", {}, None),
    ("FrozenLake-v1", SCHEDULE, 20),
    ("CliffWalking-v1", {}, 30),
    ("CliffWalkingSlippery-v1", {}, 30),
    ("Taxi-v4", {}, 20),
    ("Taxi-v4", dict(is_rainy=True), 20),
]


def read(name, options, horizon):
    env = gymnasium.make(name, **options)
    return env, pg.from_gymnasium(env, horizon)


@pytest.mark.parametrize(("name", "options", "horizon"), TABLES)
def test_a_table_is_read_as_a_plain_loop_over_p_does(name, options, horizon):
    env, world = read(name, options, horizon)
    P, start = env.unwrapped.P, env.unwrapped.initial_state_distrib
    steps = horizon or env.spec.max_episode_steps
    assert world.horizon == steps
    mean, best = np.zeros(len(P)), np.zeros(len(P))
    for _ in range(steps):
        worth = [
            [
                [
                    sum(p * (r + 0.9 * (not done) * V[s]) for p, s, r, done in outcomes)
                    for outcomes in P[state].values()
                ]
                for state in range(len(P))
            ]
            for V in (mean, best)
        ]
        mean, best = np.mean(worth[0], axis=1), np.max(worth[1], axis=1)
    A = world.num_actions
    uniform = Constant(flat(world.num_states, A).expand((world.num_states,)))
    assert exact.objective_by_dp(world, uniform, 0.9).item() == pytest.approx(
        start @ mean, rel=1e-6
    )
    assert exact.optimal_objective(world, 0.9) == pytest.approx(start @ best, abs=1e-10)
    table = pg.TabularPolicy(world.num_states, A).double()
    seen = Constant(table(torch.arange(world.num_states)))
    J = exact.objective_by_dp(world, seen, 0.9).item()
    assert J == pytest.approx(start @ mean, abs=1e-10)


def transitions(world):
    """The chance of (seen after, reward, whether the end), by what is seen and done."""
    found, of = {}, {}
    for s, a, after, p, r in zip(*world.edges, strict=True):
        key = world.observations[s].tobytes(), a
        if of.setdefault(key, s) != s:
            continue  # a copy of the same state
        there = world.observations[after].tobytes(), r, bool(world.terminal[after])
        found.setdefault(key, Counter())[there] += p
    return found


@pytest.mark.parametrize(("name", "options", "horizon"), TABLES[1:])
def test_a_table_is_what_the_environment_does(name, options, horizon):
    env, world = read(name, options, horizon)
    looks = [look.tobytes() for look in world.observations]
    law, counts, taken = transitions(world), Counter(), Counter()
    rng = np.random.default_rng(0)
    seen, _ = env.unwrapped.reset(seed=0)
    for action in rng.integers(world.num_actions, size=100_000):
        after, reward, done, _, _ = env.unwrapped.step(action)
        key = looks[seen], int(action)
        taken[key] += 1
        counts[key, (looks[after], reward, done)] += 1
        seen = env.unwrapped.reset()[0] if done else after
    every = [(key, there) for key in taken for there in law[key]]
    assert counts.keys() <= set(every)
    expected = [taken[key] * law[key][there] / 100_000 for key, there in every]
    # What is deterministic would fit in any case.
    drawn = [n for n, (key, _) in enumerate(every) if len(law[key]) > 1]
    if drawn:
        observed = np.array([counts[every[n]] for n in drawn])
        chances = np.array(expected)[drawn]
        assert chi_square_excess(observed, chances / chances.sum()) < 1


@pytest.mark.parametrize(
    ("options", "value"), [({"sab": True}, -0.350111), ({"sab": False}, -0.353554)]
)
def test_blackjack_is_worth_what_is_known(options, value):
    world = pg.from_gymnasium(gymnasium.make("Blackjack-v1", **options))
    stands = Rule(lambda seen: seen[..., :20].sum(-1))  # hits below 20
    assert exact.objective_by_dp(world, stands, 1.0) == pytest.approx(value, abs=1e-6)


def test_blackjack_is_played_by_its_rules():
    env = gymnasium.make("Blackjack-v1")
    world = pg.from_gymnasium(env)
    looks = [tuple(np.flatnonzero(seen) - [0, 32, 43]) for seen in world.observations]
    law = Counter()
    for s, a, after, p, r in zip(*world.edges, strict=True):
        if world.initial[s]:
            done = bool(world.terminal[after])
            law[looks[s], looks[after], a, r, done] += world.initial[s] * p / 2
    counts, rng = Counter(), np.random.default_rng(0)
    env.reset(seed=0)
    for action in rng.integers(2, size=100_000):
        seen, _ = env.unwrapped.reset()
        after, reward, done, _, _ = env.unwrapped.step(action)
        counts[seen, after, action, reward, done] += 1
    assert counts.keys() <= law.keys()
    observed, chances = zip(*[(counts[k], law[k]) for k in law], strict=True)
    assert chi_square_excess(observed, np.array(chances) / sum(chances)) < 1


def test_natural_pays_one_and_a_half_where_that_is_the_rule():
    env = gymnasium.make("Blackjack-v1", sab=False, natural=True)
    assert set(pg.from_gymnasium(env).edges.reward) == {-1.0, 0.0, 1.0, 1.5}


class Walk(gymnasium.Env):
    """Left and right on a line of five; the right end pays, and later it pays less."""

    observation_space = spaces.Dict(
        place=spaces.Discrete(5), far=spaces.Box(0, 4, (1,), np.float32)
    )
    action_space = spaces.Discrete(2, start=1)

    def __init__(self, slips=False, starts=False, mission=False, endless=False):
        self.slips, self.starts, self.endless = slips, starts, endless
        if mission:
            self.observation_space = spaces.Dict(mission=spaces.Sequence(SMALL))

    def _seen(self):
        far = np.array([4 - self.place], np.float32)
        return {"place": self.place % 5, "far": far}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(4)) if self.starts else 2
        self.time = 0
        return self._seen(), {}

    def step(self, action):
        self.time += 1
        move = 2 * action - 3
        if self.slips and self.np_random.random() < 0.5:
            move = -move
        self.place = max(0, self.place + move)
        done = self.place == 4 and not self.endless
        return self._seen(), done * (10.0 - self.time), done, False, {}


SMALL = spaces.Discrete(2)


def test_a_deterministic_environment_is_explored():
    env = TimeLimit(Walk(), 8)
    world = pg.from_gymnasium(env, 8)
    assert world.observations.shape[1] == 6
    paid = []
    for moves in np.ndindex(*[2] * 8):
        place, worth = 2, 0
        for time, move in enumerate(moves):
            place = max(0, place + 2 * move - 1)
            if place == 4:
                worth = 9 - time
                break
        paid.append(worth)
    policy = pg.MLPPolicy(6, 2).double().requires_grad_(False)
    for parameter in policy.parameters():
        parameter.zero_()
    J = exact.objective_by_dp(world, policy, 1.0).item()
    assert J == pytest.approx(np.mean(paid), abs=1e-10)
    assert exact.optimal_objective(world, 1.0) == 8
    env.reset(seed=0)  # it is as it was
    assert env.step(2)[0]["place"] == 3


@pytest.mark.parametrize(
    ("env", "horizon", "kind", "words"),
    [
        (3, 2, TypeError, "env: expected an environment"),
        ("NoSuch-v0", 2, ValueError, "env: expected a registered id"),
        ("CliffWalking-v1", None, ValueError, "horizon: expected a number of steps"),
        ("CliffWalking-v1", 2.5, TypeError, "horizon: expected an integer"),
        ("CliffWalking-v1", 0, ValueError, "horizon: expected at least 1"),
        ("Pendulum-v1", 2, ValueError, "action space: expected Discrete"),
        ("CartPole-v1", 2, ValueError, "env: expected one that always starts"),
        (Walk(slips=True), 2, ValueError, "env: expected one that draws no random"),
        (Walk(starts=True), 2, ValueError, "env: expected one that always starts"),
        (Walk(mission=True), 2, ValueError, "observation space: expected one that"),
        (
            TransformObservation(Walk(endless=True), lambda seen: seen, None),
            60,
            ValueError,
            "env: expected at most 100 states",
        ),
    ],
)
def test_what_has_no_finite_world_is_refused(env, horizon, kind, words, monkeypatch):
    monkeypatch.setattr("pg_helpers.models.MOST_STATES", 100)
    assert_refused(lambda: pg.from_gymnasium(env, horizon), kind, words)


def test_a_wrapper_that_may_change_the_rules_is_refused():
    for name in ("FrozenLake-v1", "Blackjack-v1"):
        env = TransformReward(gymnasium.make(name), lambda reward: 2 * reward)
        refused = partial(pg.from_gymnasium, env)
        assert_refused(refused, ValueError, "env: expected no wrapper", "TransformRew")
    env = TimeLimit(gymnasium.make("FrozenLake-v1"), 7)
    assert pg.from_gymnasium(env).horizon == 7


def test_a_passenger_who_changes_his_mind_is_in_no_table():
    env = gymnasium.make("Taxi-v4", fickle_passenger=True)
    assert_refused(lambda: pg.from_gymnasium(env), ValueError, "env: expected dynamics")


class Hidden(Walk):
    """The goal pays ten times as much after the first step to the left."""

    def reset(self, **options):
        self.went = torch.zeros(1)
        return super().reset(**options)

    def step(self, action):
        self.went = self.went + (action == 1)
        seen, reward, *rest = super().step(action)
        return seen, reward * (10 if self.went.any() else 1), *rest


class Bonus(gymnasium.Wrapper):
    """The first step to the right pays 5."""

    had = False

    def step(self, action):
        seen, reward, *rest = super().step(action)
        bonus, self.had = 5 * (action == 2 and not self.had), self.had or action == 2
        return seen, reward + bonus, *rest


class CutsOff(Walk):
    def step(self, action):
        seen, reward, done, _, info = super().step(action)
        return seen, reward, done, self.time >= 3, info


def test_what_is_hidden_in_a_tensor_or_a_wrapper_is_part_of_the_state():
    assert exact.optimal_objective(pg.from_gymnasium(Hidden(), 4), 1.0) == 60
    assert exact.optimal_objective(pg.from_gymnasium(Bonus(Walk()), 4), 1.0) == 13
    env = CutsOff()
    world = pg.from_gymnasium(env, 3)
    policy = pg.policy_for(world)
    flat = FlattenObservation(env)
    one, other = (pg.sample_trajectories(e, policy, 200) for e in (flat, world))
    assert one.truncated.sum() > 100 and other.truncated.sum() > 100
    words = "env: expected no episode cut off before the horizon"
    assert_refused(lambda: pg.from_gymnasium(env, 4), ValueError, words)


class Doubles(FrozenLakeEnv):
    def step(self, action):
        seen, reward, *rest = super().step(action)
        return seen, 2 * reward, *rest


class OwnGenerator(Walk):
    def __init__(self, generator):
        super().__init__()
        self.generator = generator


@pytest.mark.parametrize(
    "env, words",
    [
        (Doubles(), "env: expected a step() that does what its rules say"),
        (OwnGenerator(random.Random(0)), "env: expected an environment made of plain"),
        (OwnGenerator(np.random.default_rng(0)), "env: expected an environment made"),
    ],
)
def test_what_cannot_be_known_is_refused(env, words):
    assert_refused(lambda: pg.from_gymnasium(env, 3), ValueError, words)


def test_what_cannot_be_copied_is_refused():
    env = CountingEnv()
    env.own = Lock()
    words = "env: expected one that can be copied"
    assert_refused(lambda: pg.from_gymnasium(env, 3), ValueError, words)


def test_the_world_of_taxi_shows_the_mask_as_the_environment_does():
    world = pg.from_gymnasium("Taxi-v4")
    env = pg.MaskInObservation(gymnasium.make("Taxi-v4"))
    policy = pg.MaskedPolicy(pg.TabularPolicy(500, 6), 6)
    batch = pg.sample_trajectories(env, policy, 3, seed=1)
    masks = batch.observations[..., -6:]
    assert masks.gather(2, batch.actions[..., None])[batch.mask].all()
    looks = {look.astype(np.float32).tobytes() for look in world.observations}
    seen = batch.observations[batch.mask].numpy()
    assert {look.tobytes() for look in seen} <= looks


class Masked(CountingEnv):
    """A mask in the observation, and one too short where `wrong`."""

    def __init__(self, wrong=False):
        super().__init__()
        self.mask = np.array([1, 0] if not wrong else [1])
        own = self.observation_space
        bits = spaces.MultiBinary(2)
        self.observation_space = spaces.Dict(action_mask=bits, seen=own)

    def _seen(self):
        return {"action_mask": self.mask, "seen": super()._seen()}


def test_a_mask_in_the_observation_comes_last():
    env = pg.MaskInObservation(Masked())
    assert env.observation_space.shape == (4,)
    policy = pg.MaskedPolicy(pg.MLPPolicy(2, 2), 2)
    batch = pg.sample_trajectory(env, policy)
    assert (batch.observations[..., 2:] == torch.tensor([1.0, 0.0])).all()
    assert not batch.actions.any()
    log_probs = policy(torch.zeros(1, 4)).logits
    assert log_probs.isfinite().all()  # a padded step has no mask
    with pytest.raises(TypeError, match="^policy: expected a Categorical"):
        pg.MaskedPolicy(pg.GaussianPolicy(2, 1), 2)(torch.zeros(1, 4))
    with pytest.raises(ValueError, match="^observations: expected vectors"):
        policy(torch.tensor(3))
    for env in (Masked(wrong=True), CountingEnv()):
        refused = pg.MaskInObservation(env).reset
        assert_refused(refused, ValueError, "env: expected 'action_mask' of 2 entries")
