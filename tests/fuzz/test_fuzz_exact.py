import dataclasses
from types import SimpleNamespace

import numpy as np
import oracles
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import GAMMAS, THINGS, Made, near, right_or_not
from patients import policies
from worlds import sparse_world

import pg_helpers as pg
from pg_helpers import exact

NAMES = ("mdp", "policy", "gamma")


def scaled(size, row=slice(None)):
    """A world whose rewards are so large, in some of its states."""
    world = sparse_world()
    reward = np.array(world.reward)
    reward[row] *= size
    parts = (world.initial, world.transition, reward, world.terminal, world.horizon)
    return pg.TabularMDP(*parts, world.observations)


WORLDS = {
    "sparse": sparse_world,
    "may start ended": lambda: sparse_world(start_ended=True),
    "hill": pg.hill,
    "rewards of 1e39": lambda: scaled(1e39, slice(2)),
    "rewards of 1e308": lambda: scaled(8e307, slice(2)),
    "rewards of 1e307 after the end": lambda: scaled(1e305, slice(2, None)),
    "rewards of 1e-310": lambda: scaled(1e-310, slice(2)),
    "two steps of a grid": lambda: pg.grid_world(2, 2, 0.5, 2),
    "too large": lambda: pg.random_mdp(5, 2, 400),
    "too long": lambda: pg.hill(horizon=9000),
    "seen as 1e300": lambda: pg.TabularMDP(
        [1, 0], np.eye(2)[:, None], np.ones((2, 1, 2)), [0, 1], 2, [[1e300], [-1e300]]
    ),
}
MDPS = right_or_not(st.sampled_from([Made(*item) for item in WORLDS.items()]))


def table_of(world, policy):
    """Probabilities, where the answer was accepted, by a call of our own."""
    like = next(getattr(policy, "parameters", lambda: iter([torch.zeros(1)]))())
    with torch.no_grad():
        answer = policy(torch.tensor(world.observations).to(like.dtype))
    return np.exp(answer.logits.double().numpy()), answer.logits.dtype


def size_of(world):
    """Of the largest reward that can be had."""
    return max(1e-300, np.abs(world.reward[~world.terminal]).max())


def in_size(world):
    """The same world with rewards up to 1, for an oracle that may not overflow."""
    numbers = {name: getattr(world, name) for name in WHOLE}
    reward = np.where(world.terminal[:, None, None], 0, world.reward) / size_of(world)
    return SimpleNamespace(**numbers, reward=reward)


WHOLE = ("initial", "transition", "terminal", "horizon", "num_states", "num_actions")


def assert_close(found, expected, dtype, world):
    """Expected: in the size of the world's rewards."""
    rounding = {torch.float64: 1e-9, torch.float32: 1e-4}.get(dtype, 0.05)
    found = torch.as_tensor(found, dtype=torch.float64).detach().numpy() / size_of(
        world
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


def drawn(mdp, policy):
    world = mdp()
    make = policy()
    return world, make(world if isinstance(world, pg.TabularMDP) else sparse_world())


@covers(exact.objective)
@given(MDPS, policies(), GAMMAS)
def test_objective(mdp, policy, gamma):
    (mdp, policy), gamma = drawn(mdp, policy), gamma()
    found = judge(lambda: exact.objective(mdp, policy, gamma), NAMES)
    if found is not None:
        pi, dtype = table_of(mdp, policy)
        expected = oracles.objective(in_size(mdp), pi, float(gamma))
        assert_close(found, expected, dtype, mdp)


@covers(exact.objective_by_dp)
@given(MDPS, policies(), GAMMAS)
def test_objective_by_dp(mdp, policy, gamma):
    (mdp, policy), gamma = drawn(mdp, policy), gamma()
    found = judge(lambda: exact.objective_by_dp(mdp, policy, gamma), NAMES)
    if found is not None and mdp.horizon < 9:
        pi, dtype = table_of(mdp, policy)
        expected = oracles.objective(in_size(mdp), pi, float(gamma))
        assert_close(found, expected, dtype, mdp)


@covers(exact.gradient, exact.gradient_by_dp)
@given(
    st.sampled_from([exact.gradient, exact.gradient_by_dp]), MDPS, policies(), GAMMAS
)
def test_gradient(gradient, mdp, policy, gamma):
    (mdp, policy), gamma = drawn(mdp, policy), gamma()
    found = judge(lambda: gradient(mdp, policy, gamma), NAMES)
    if found is not None and mdp.horizon < 9:
        pi, dtype = table_of(mdp, policy)
        slopes = oracles.gradient_moments(in_size(mdp), pi, float(gamma))[0]
        # By d J / d logits, (S, A), and autograd from there to the parameters.
        like = next(policy.parameters())
        answer = policy(torch.tensor(mdp.observations).to(like.dtype))
        possible = torch.where(torch.tensor(pi) > 0, answer.logits, 0)
        value = (torch.tensor(slopes).to(dtype) * possible).sum()
        parts = torch.autograd.grad(value, list(policy.parameters()))
        # The gradient by logits sums to 0 in each row, so that log pi serves as well.
        expected = torch.cat([part.flatten() for part in parts]).double().numpy()
        assert_close(found, expected, dtype, mdp)


@covers(exact.score_table)
@given(MDPS, policies())
def test_score_table(mdp, policy):
    mdp, policy = drawn(mdp, policy)
    found = judge(lambda: exact.score_table(mdp, policy), NAMES)
    if found is not None:
        pi, dtype = table_of(mdp, policy)
        # The mean score is zero in every state: probabilities go on summing to 1.
        mean = (torch.tensor(pi)[..., None] * found.double()).sum(1)
        assert mean.abs().max() <= 1e-6 if dtype == torch.float64 else 0.05


@covers(exact.optimal_objective)
@given(MDPS, GAMMAS)
def test_optimal_objective(mdp, gamma):
    mdp, gamma = mdp(), gamma()
    found = judge(lambda: exact.optimal_objective(mdp, gamma), NAMES)
    if found is not None and mdp.horizon < 9:
        pi = np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)
        at_random = oracles.objective(in_size(mdp), pi, float(gamma))
        expected = best(in_size(mdp), float(gamma))
        assert_close(found, expected, torch.float64, mdp)
        assert expected >= at_random - 1e-9


def best(mdp, gamma):
    def value(state, left):
        if mdp.terminal[state] or not left:
            return 0.0
        return max(
            sum(
                chance
                * (mdp.reward[state, action, after] + gamma * value(after, left - 1))
                for after, chance in enumerate(mdp.transition[state, action])
                if chance > 0
            )
            for action in range(mdp.num_actions)
        )

    return sum(p * value(s, mdp.horizon) for s, p in enumerate(mdp.initial) if p > 0)


@covers(exact.trajectories, exact.count_trajectories)
@given(MDPS)
def test_trajectories(mdp):
    mdp = mdp()
    if getattr(mdp, "horizon", 0) > 1000:
        return  # a count of 40,000 digits is right, and takes its time
    number = judge(lambda: exact.count_trajectories(mdp), ("mdp",))
    found = judge(lambda: exact.trajectories(mdp), ("mdp",))
    if found is not None:
        pi = np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)
        assert number == len(found.states) == len(oracles.paths(mdp, pi))


def test_a_listing_that_is_far_too_long_is_refused_at_once():
    world = pg.hill(horizon=100_000)
    assert judge(lambda: exact.trajectories(world), ("mdp",)) is None


LISTED = exact.trajectories(sparse_world())


@st.composite
def listings(draw):
    """Trajectories, with another tensor in one place."""
    name = draw(st.sampled_from(["states", "actions", "mask", "rewards"]))
    right = getattr(LISTED, name)
    how = draw(st.sampled_from(["nothing", "shape", "number", "dtype", "thing"]))
    changed = right.clone()
    if how == "shape":
        shape = draw(near(right.shape))
        changed = torch.from_numpy(np.resize(right.numpy(), shape))
    elif how == "number":
        row, time = draw(st.integers(0, len(right) - 1)), draw(st.integers(0, 3))
        changed[row, time] = draw(st.integers(-5, 5))
    elif how == "dtype":
        kinds = (torch.float32, torch.int32, torch.uint8, torch.complex64)
        changed = right.to(draw(st.sampled_from(kinds)))
    elif how == "thing":
        changed = draw(THINGS)()
    listed = dataclasses.replace(LISTED, **{name: changed})
    return Made(f"{how} of {name} changed", lambda: listed)


@covers(exact.log_prob)
@given(MDPS, policies(), right_or_not(listings()))
def test_log_prob(mdp, policy, listed):
    (mdp, policy), listed = drawn(mdp, policy), listed()
    names = (*NAMES, "trajectories")
    found = judge(lambda: exact.log_prob(mdp, policy, listed).exp(), names)
    if found is not None:
        pi, dtype = table_of(mdp, policy)
        steps = zip(
            listed.states.numpy(), listed.actions.numpy(), listed.mask, strict=True
        )
        for chance, (states, actions, mask) in zip(found.tolist(), steps, strict=True):
            expected = mdp.initial[states[0]]
            for t in range(len(actions)):
                if mask[t]:
                    at = states[t], actions[t]
                    expected *= pi[at] * mdp.transition[(*at, states[t + 1])]
            assert abs(chance - expected) <= (1e-12 if dtype == torch.float64 else 1e-2)


FUNCTIONS = {
    "returns": lambda listed: listed.rewards.sum(1),
    "rewards": lambda listed: listed.rewards,
    "lists": lambda listed: listed.rewards.sum(1).tolist(),
    "numpy": lambda listed: listed.rewards.numpy(),
    "whole numbers": lambda listed: listed.actions.sum(1),
    "a number": lambda listed: 1.0,
    "another number of rows": lambda listed: listed.rewards.T,
    "nothing": lambda listed: None,
    "words": lambda listed: ["a"] * len(listed.mask),
    "complex": lambda listed: listed.rewards.sum(1) * 1j,
    "NaN": lambda listed: listed.rewards.sum(1) * np.nan,
    "huge": lambda listed: torch.full_like(listed.rewards, 1e308),
    "a record": lambda listed: listed,
}


@covers(exact.expectation)
@given(
    MDPS,
    policies(),
    right_or_not(
        st.sampled_from([Made(k, lambda f=f: f) for k, f in FUNCTIONS.items()])
    ),
)
def test_expectation(mdp, policy, function):
    (mdp, policy), function = drawn(mdp, policy), function()
    names = (*NAMES, "function")
    found = judge(lambda: exact.expectation(mdp, policy, function), names)
    if found is not None:
        pi, dtype = table_of(mdp, policy)
        listed = exact.trajectories(mdp)
        values = np.asarray(function(listed), dtype=float)
        order = sorted(oracles.paths(mdp, pi), key=lambda path: path.key)
        chances = np.array([path.probability for path in order])
        expected = np.tensordot(chances, values, axes=1)
        size = max(1, np.abs(values).max())
        rounding = {torch.float64: 1e-9, torch.float32: 1e-4}.get(dtype, 0.1) * size
        np.testing.assert_allclose(
            found.detach().double(), expected, rtol=0, atol=rounding
        )
