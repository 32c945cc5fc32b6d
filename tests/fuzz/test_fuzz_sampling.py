"""What is handed to the sampling functions besides an environment."""

import numpy as np
import pytest
import torch
from hostile import OwnError, OwnValueError, judged, left_alone
from hypothesis import given
from hypothesis import strategies as st
from judge import covers
from nonsense import THINGS, Made, right_or_not, thing
from torch.distributions import (
    Beta,
    Categorical,
    Distribution,
    Independent,
    Normal,
    OneHotCategorical,
    Poisson,
)
from worlds import CountingEnv

import pg_helpers as pg

NAN = float("nan")
NAMES = ("env", "policy", "observations", "rewards", "num_trajectories", "seed")
NAMES += ("max_steps", "num_envs", "observation", "action")
WORLD = pg.corridor(length=3, horizon=4)


def world():
    return Made("a corridor", lambda: WORLD)


SEEDS = st.sampled_from(
    [thing(w) for w in ("None", "0", "np.int64(7)", "2**63", "2**200", "np.uint8(3)")]
)
COUNTS = st.sampled_from([thing(w) for w in ("1", "3", "np.int32(2)", "10**6 + 1")])
LIMITS = st.sampled_from([thing(w) for w in ("4", "10_000", "2**70", "3", "1")])
ENVS = st.sampled_from(
    [
        world(),
        Made("single", lambda: pg.TabularEnv(WORLD)),
        Made("vector", lambda: pg.TabularVectorEnv(WORLD, 2)),
        *(
            thing(word)
            for word in (
                "'CartPole-v1'", "'pg_helpers/Corridor-v0'", "''", "'a:b'", "'a b'",
                "'CartPole-v99'", "'os:CartPole-v0x'", "'x' * 5000", "'é-v1'",
            )
        ),
    ]
)  # fmt: skip


def policy_of(env):
    size = 4 if isinstance(env, str) and "Cart" in env else 1
    return pg.MLPPolicy(size, 2)


@covers(pg.sample_trajectories)
@given(
    env=st.one_of(ENVS, right_or_not(world())),
    number=right_or_not(COUNTS),
    seed=right_or_not(SEEDS),
    max_steps=right_or_not(LIMITS),
)
def test_arguments_of_sample_trajectories(env, number, seed, max_steps):
    env, number, seed, max_steps = env(), number(), seed(), max_steps()
    policy = policy_of(env)
    with left_alone(policy):
        found = judged(
            lambda: pg.sample_trajectories(env, policy, number, seed, max_steps), NAMES
        )
    if found is not None:
        assert len(found.mask) == number
        if seed is not None:
            again = pg.sample_trajectories(env, policy, number, seed)
            assert torch.equal(found.actions, again.actions)


@covers(pg.sample_trajectory)
@given(
    env=right_or_not(Made("single", lambda: pg.TabularEnv(WORLD))),
    seed=right_or_not(SEEDS),
    max_steps=right_or_not(LIMITS),
)
def test_arguments_of_sample_trajectory(env, seed, max_steps):
    env, seed, max_steps = env(), seed(), max_steps()
    policy = pg.MLPPolicy(1, 2)
    with left_alone(policy):
        found = judged(
            lambda: pg.sample_trajectory(env, policy, seed, max_steps), NAMES
        )
    if found is not None:
        assert found.lengths.item() <= max_steps


class Odd(Distribution):
    """A distribution of one's own that draws what it likes."""

    arg_constraints = {}

    def __init__(self, shape, drawn):
        super().__init__(shape, validate_args=False)
        self.drawn = drawn

    def sample(self, sample_shape=()):
        return self.drawn


def logits(*shape, value=0.0):
    return Categorical(logits=torch.full(shape, value), validate_args=False)


ANSWERS = {
    "no distribution": lambda seen: torch.zeros(len(seen), 2),
    "nothing": lambda seen: None,
    "its class": lambda seen: Categorical,
    "one for all": lambda seen: logits(2),
    "one for one more": lambda seen: logits(len(seen) + 1, 2),
    "an axis more": lambda seen: logits(*seen.shape[:-1], 1, 2),
    "three actions": lambda seen: logits(*seen.shape[:-1], 3),
    "one action": lambda seen: logits(*seen.shape[:-1], 1),
    "NaN": lambda seen: logits(*seen.shape[:-1], 2, value=NAN),
    "minus infinity": lambda seen: logits(*seen.shape[:-1], 2, value=-float("inf")),
    "infinity": lambda seen: logits(*seen.shape[:-1], 2, value=float("inf")),
    "one-hot": lambda seen: OneHotCategorical(torch.ones(*seen.shape[:-1], 2)),
    "counts": lambda seen: Poisson(torch.ones(seen.shape[:-1])),
    "a density": lambda seen: Normal(torch.zeros(*seen.shape[:-1], 1), 1.0),
    "a wide density": lambda seen: Normal(torch.zeros(*seen.shape[:-1], 2), 1.0),
    "a density of NaN": lambda seen: Normal(
        torch.zeros(*seen.shape[:-1], 1), NAN, validate_args=False
    ),
    "its own": lambda seen: Odd(seen.shape[:-1] + (1,), torch.zeros(9)),
    "its own, and a word": lambda seen: Odd(seen.shape[:-1] + (1,), "left"),
    "its own, and NaN": lambda seen: Odd(
        seen.shape[:-1] + (1,), torch.full(seen.shape[:-1] + (1,), NAN)
    ),
    "bounded": lambda seen: Independent(
        Beta(torch.ones(*seen.shape[:-1], 1), torch.ones(*seen.shape[:-1], 1)), 1
    ),
}
RIGHT = {
    "two actions": lambda seen: logits(*seen.shape[:-1], 2),
    "a density": ANSWERS["a density"],
}


class Changing:
    """Answers rightly, then in another way from some call on."""

    def __init__(self, right, odd, at, mutates, error):
        self.right, self.odd, self.at = right, odd, at
        self.mutates, self.error, self.calls = mutates, error, 0

    def __call__(self, seen):
        self.calls += 1
        now = self.calls > self.at
        answer = ANSWERS[self.odd] if now and self.odd else RIGHT[self.right]
        found = answer(seen.clone())
        if self.mutates:
            seen.fill_(NAN)
        if now and self.error:
            raise self.error
        return found


CHANGING = st.builds(
    Changing,
    st.sampled_from([*RIGHT]),
    st.one_of(st.none(), st.sampled_from([*ANSWERS])),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([None, None, OwnError("own"), OwnValueError("own")]),
)


@pytest.mark.parametrize("single", [True, False])
@given(policy=CHANGING)
def test_a_policy_that_changes(single, policy):
    density = policy.right == "a density"
    space = pg.policies.gymnasium.spaces.Box(-1, 1, (1,)) if density else None
    env = CountingEnv(4, action_space=space)

    def call():
        if single:
            return pg.sample_trajectory(env, policy)
        return pg.sample_trajectories(env, policy, 2)

    with left_alone():
        found = judged(call, NAMES)
    if found is None:
        assert policy.odd or policy.error
        return
    # CountingEnv shows (0, time): a policy that writes into it changes no record.
    count = len(found.mask)
    times = torch.arange(4.0).expand(count, 4)
    assert torch.equal(found.observations[..., 1], times)
    told = np.array([float(np.sum(action)) for action in env.received])
    assert found.rewards.numpy().ravel() == pytest.approx(
        (np.tile(np.arange(1, 5), count) + 0.1 * told).astype(np.float32)
    )
    drawn = found.actions.numpy().ravel()
    assert np.array_equal(np.clip(drawn, -1, 1) if density else drawn, told)


def altered(change):
    policy = pg.MLPPolicy(2, 2)
    change(policy)
    return policy


def filled(number):
    def change(policy):
        with torch.no_grad():
            policy.network[-1].bias[0].fill_(number)

    return change


MODULES = {
    "float64": lambda p: p.double(),
    "two precisions": lambda p: p.network[2].double(),
    "NaN": filled(NAN),
    "infinite": filled(float("inf")),
    "huge": filled(3e38),
    "no parameters": lambda p: p.network.__setitem__(0, torch.nn.Identity()),
}


@given(
    change=st.sampled_from([*MODULES]),
    env=st.sampled_from(["CartPole-v1", "corridor", "single"]),
)
def test_a_network_that_was_tampered_with(change, env):
    size = 4 if env == "CartPole-v1" else 1
    policy = pg.MLPPolicy(size, 2)
    MODULES[change](policy)
    envs = {"corridor": WORLD, "single": pg.TabularEnv(WORLD)}.get(env, env)
    found = judged(lambda: pg.sample_trajectories(envs, policy, 2), NAMES)
    works = change == "float64"
    assert (found is not None) == works or change == "huge"
    if found is not None:
        assert found.rewards.dtype == next(policy.parameters()).dtype


@given(policy=THINGS, env=st.sampled_from(["single", "vector"]))
def test_what_is_no_policy(policy, env):
    def call():
        if env == "single":
            return pg.sample_trajectory(pg.TabularEnv(WORLD), policy())
        return pg.sample_trajectories(WORLD, policy(), 2)

    assert judged(call, NAMES) is None
