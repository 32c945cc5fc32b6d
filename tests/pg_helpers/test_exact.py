import re
from itertools import product
from math import ceil, log1p

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from oracles import (
    discounted,
    finite_differences,
    gradient_moments,
    moments,
    objective,
    path_score,
    paths,
    score,
    softmax,
)
from torch.distributions import Categorical
from worlds import Constant, Rule, finite_worlds, gammas, random_network, random_table

import pg_helpers as pg
from pg_helpers import exact

WORLD, TABLE = pg.random_mdp(3, 2, 3), random_table(3, 2)
TABLE_OF_PI = softmax(TABLE.logits.detach().numpy())


def by_weights(mdp, table):
    """What a gradient over the table of logits is for those of `linear_policy`."""
    return np.concatenate([(table.T @ mdp.observations).ravel(), table.sum(axis=0)])


def linear_policy(mdp):
    """A policy with linear logits, and the table (S, A) of its probabilities."""
    policy = random_network(mdp, hidden=())
    weight, bias = (parameter.detach().numpy() for parameter in policy.parameters())
    return policy, softmax(mdp.observations @ weight.T + bias)


@given(finite_worlds(), gammas)
def test_enumeration_and_dynamic_programming_agree_with_plain_recursion(mdp, gamma):
    policy, pi = linear_policy(mdp)
    expected = objective(mdp, pi, gamma)
    for method in (exact.objective, exact.objective_by_dp):
        found = method(mdp, policy, gamma)
        assert found.shape == ()
        assert found.item() == pytest.approx(expected, abs=1e-12)


@given(finite_worlds(), gammas, st.sampled_from([None, 0, 1]))
def test_the_gradient_is_the_mean_of_return_times_score(mdp, gamma, frozen):
    policy, pi = linear_policy(mdp)
    # The logits are W s + b: by the chain rule, from the gradient over their table.
    table, _ = gradient_moments(mdp, pi, gamma)
    expected = [(table.T @ mdp.observations).ravel(), table.sum(axis=0)]
    if frozen is not None:
        [*policy.parameters()][frozen].requires_grad_(False)
        expected[frozen][:] = 0
    for method in (exact.gradient, exact.gradient_by_dp):
        found = method(mdp, policy, gamma)
        np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-12)
    assert all(parameter.grad is None for parameter in policy.parameters())


@given(
    *(finite_worlds(), gammas, gammas, st.booleans()),
    st.sampled_from([None, "by state", "by time and state"]),
)
def test_the_mean_of_estimators_is_that_over_all_paths(mdp, gamma, lam, factor, critic):
    policy, pi = linear_policy(mdp)
    S, T = mdp.num_states, mdp.horizon
    shape = (S,) if critic == "by state" else (T + 1, S)
    values = torch.from_numpy(np.random.default_rng(1).normal(size=shape))
    of_state = np.broadcast_to(0 if critic is None else values, (T + 1, S))
    of_state = np.where(mdp.terminal, 0, of_state)

    def estimate(path):
        states, length = path.states, len(path.actions)
        ahead, total = 0.0, np.zeros_like(pi)
        for t in reversed(range(length)):
            here, after = of_state[t, states[t]], of_state[t + 1, states[t + 1]]
            ahead = path.rewards[t] + gamma * after - here + gamma * lam * ahead
            weight = ahead * gamma**t if factor else ahead
            total += weight * score(pi, states[t], path.actions[t])
        return by_weights(mdp, total)

    expected, _ = moments(mdp, pi, estimate)
    options = {} if critic is None else {"values": values}
    options |= {"lam": lam, "discounted": factor}
    found = exact.estimator_mean(mdp, policy, gamma, **options)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(finite_worlds(), gammas)
@example(pg.random_mdp(3, 2, 4), 0.9)  # some terms count from the third step on
def test_the_variance_of_estimators_is_that_over_all_paths(mdp, gamma):
    policy, pi = linear_policy(mdp)

    def by_total_return(path):
        return discounted(path.rewards, gamma) * by_weights(mdp, path_score(pi, path))

    def by_rewards_to_go(path):
        total = np.zeros_like(pi)
        for t, action in enumerate(path.actions):
            weight = gamma**t * discounted(path.rewards[t:], gamma)
            total += weight * score(pi, path.states[t], action)
        return by_weights(mdp, total)

    for weights, estimate in (
        ("total_return", by_total_return),
        ("rewards_to_go", by_rewards_to_go),
    ):
        _, expected = moments(mdp, pi, estimate)
        found = exact.estimator_variance(mdp, policy, gamma, weights)
        assert found.item() == pytest.approx(expected.sum(), rel=1e-10, abs=1e-12)


def test_where_only_the_last_step_pays_both_estimators_are_one(monkeypatch):
    # Then gamma^t G_t is R(tau) at every step. Ten transitions at a time.
    monkeypatch.setattr(exact, "_PART", 640)
    lake, policy = pg.from_gymnasium("FrozenLake-v1"), random_table(16, 4)
    plain, to_go = (
        exact.estimator_variance(lake, policy, 0.99, weights).item()
        for weights in ("total_return", "rewards_to_go")
    )
    assert plain == pytest.approx(to_go, rel=1e-12)
    J = exact.objective_by_dp(lake, policy, 0.99)
    (slopes,) = torch.autograd.grad(J, policy.logits)
    found = exact.estimator_mean(lake, policy, 0.99)
    np.testing.assert_allclose(found, slopes.flatten(), rtol=1e-10, atol=1e-14)


@given(finite_worlds(), gammas)
def test_values_and_visits_are_those_of_plain_recursion(mdp, gamma):
    policy, pi = linear_policy(mdp)
    S, A, T = mdp.num_states, mdp.num_actions, mdp.horizon

    def of_action(state, action, time):
        if mdp.terminal[state]:
            return 0.0
        chances, paid = mdp.transition[state, action], mdp.reward[state, action]
        onward = [paid[after] + gamma * of_state(after, time + 1) for after in range(S)]
        return sum(chances * onward)

    def of_state(state, time):
        if time == T:
            return 0.0
        return sum(pi[state, a] * of_action(state, a, time) for a in range(A))

    met = np.zeros((T, S))
    for path in paths(mdp, pi):
        for time in range(len(path.actions)):
            met[time, path.states[time]] += path.probability
    values = [[of_state(s, t) for s in range(S)] for t in range(T + 1)]
    each = [of_action(s, a, t) for t, s, a in np.ndindex(T, S, A)]
    for found, expected in (
        (exact.state_values(mdp, policy, gamma), values),
        (exact.action_values(mdp, policy, gamma), np.reshape(each, (T, S, A))),
        (exact.visits(mdp, policy), met),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
def test_the_gradient_is_that_of_finite_differences(gamma):
    # With steps of 1e-5, central differences of a smooth function of order 1 err by
    # about 1e-10 (step squared) and 1e-11 (rounding over step).
    table = TABLE.logits.detach().numpy()
    expected = finite_differences(lambda x: objective(WORLD, softmax(x), gamma), table)
    found = exact.gradient(WORLD, TABLE, gamma).reshape(3, 2)
    (slopes,) = torch.autograd.grad(exact.objective(WORLD, TABLE, gamma), TABLE.logits)
    np.testing.assert_allclose(found, expected, atol=2e-8)
    np.testing.assert_allclose(slopes, expected, atol=2e-8)
    assert np.abs(expected).max() > 1e-2, "a gradient of zero would prove nothing"


def test_the_scores_of_a_table_in_closed_form(monkeypatch):
    expected = [[score(TABLE_OF_PI, s, a).ravel() for a in (0, 1)] for s in (0, 1, 2)]
    monkeypatch.setattr(exact, "MOST_SCORES", 36)
    np.testing.assert_allclose(exact.score_table(WORLD, TABLE), expected, atol=1e-14)
    monkeypatch.setattr(exact, "MOST_SCORES", 35)
    with pytest.raises(ValueError, match=r"policy: .* at most 35, got \(3, 2, 6\)"):
        exact.score_table(WORLD, TABLE)


@given(finite_worlds(most_steps=2), gammas)
def test_the_optimum_is_the_best_of_all_deterministic_plans(mdp, gamma):
    # A plan names an action for each time and state.
    S, A, T = mdp.num_states, mdp.num_actions, mdp.horizon

    def value(plan, state, time):
        if mdp.terminal[state] or time == T:
            return 0.0
        action = plan[S * time + state]
        return sum(
            chance
            * (mdp.reward[state, action, after] + gamma * value(plan, after, time + 1))
            for after, chance in enumerate(mdp.transition[state, action])
        )

    best = max(
        sum(mdp.initial[state] * value(plan, state, 0) for state in range(S))
        for plan in product(range(A), repeat=S * T)
    )
    assert exact.optimal_objective(mdp, gamma) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("length", [3, 4, 7])
def test_always_right_reaches_the_end_of_the_corridor_at_once(length):
    # From length // 2 it takes d = length - 1 - length // 2 steps; the last one, at
    # time d - 1, pays 1: J = gamma^(d - 1), and no policy is faster.
    mdp, right = pg.corridor(length, horizon=9), Rule(lambda x: x[..., 0] * 0 + 1)
    expected = 0.9 ** (length - 1 - length // 2 - 1)
    for method in (exact.objective, exact.objective_by_dp):
        assert method(mdp, right, 0.9).item() == pytest.approx(expected, rel=1e-6)
    assert exact.optimal_objective(mdp, 0.9) == pytest.approx(expected, abs=1e-15)


def test_dynamic_programming_reaches_horizons_that_no_enumeration_could():
    # Arms that pay 0.4 and 0.6 on average, pulled uniformly in a world that goes on:
    # 0.5 per step, discounted: 0.5 (1 - gamma^T) / (1 - gamma).
    reward = np.broadcast_to([[0.4], [0.6]], (2, 2, 2))
    mdp = pg.TabularMDP([1, 0], np.ones((2, 2, 2)) / 2, reward, [0, 0], horizon=500)
    found = exact.objective_by_dp(mdp, pg.TabularPolicy(2, 2).double(), 0.99)
    assert found.item() == pytest.approx(0.5 * (1 - 0.99**500) / 0.01, rel=1e-12)


@given(finite_worlds())
def test_the_trajectories_are_those_of_plain_recursion_in_its_order(mdp):
    expected = []
    for path in paths(mdp, np.ones((mdp.num_states, mdp.num_actions))):
        padding = mdp.horizon - len(path.actions)
        states = path.states + path.states[-1:] * padding
        mask = [True] * len(path.actions) + [False] * padding
        zeros = (0,) * padding
        expected.append((states, path.actions + zeros, path.rewards + zeros, mask))
    listed = exact.trajectories(mdp)
    found = (listed.states, listed.actions, listed.rewards, listed.mask)
    kinds = (torch.int64, torch.int64, torch.float64, torch.bool)
    for part, rows, kind in zip(found, zip(*expected, strict=True), kinds, strict=True):
        assert part.dtype == kind
        assert torch.equal(part, torch.tensor(rows, dtype=kind))
    assert exact.count_trajectories(mdp) == len(expected)


def test_a_world_too_large_for_arrays_is_known_by_its_edges():
    # 5000 states in a row, of which 4 can be met: action 0 stays, action 1 goes on and
    # pays 1. Half of the time each: 3 steps pay 1.5 on average, and ln pi(1|0), whose
    # gradient by its logit is 1/2, is worth 1/2 in each of the steps of state 0: they
    # have the probabilities 1, 1/2 and 1/4.
    S, state = 5000, torch.arange(5000)
    places = torch.stack([torch.arange(2 * S), state.repeat_interleave(2)])
    places[1, 1:-1:2] += 1
    chances, paid = (
        torch.sparse_coo_tensor(places, values, (2 * S, S), check_invariants=True)
        for values in (torch.ones(2 * S), torch.arange(2 * S) % 2)
    )
    mdp = pg.TabularMDP(state == 0, chances, paid, 0 * state, 3, state)
    policy = pg.TabularPolicy(S, 2).double()
    listed = exact.trajectories(mdp)
    assert exact.count_trajectories(mdp) == len(listed.mask) == 8
    assert listed.rewards.sum(1).sort().values.tolist() == [0, 1, 1, 1, 2, 2, 2, 3]
    log_probs = exact.log_prob(mdp, policy, listed)
    np.testing.assert_allclose(log_probs.exp().detach(), 1 / 8, rtol=1e-12)
    for J in (exact.objective, exact.objective_by_dp):
        assert J(mdp, policy, 1.0).item() == pytest.approx(1.5, rel=1e-12)
    for gradient in (exact.gradient, exact.gradient_by_dp):
        found = gradient(mdp, policy, 1.0).reshape(S, 2)
        np.testing.assert_allclose(found[0], [-7 / 16, 7 / 16], rtol=1e-12)
        assert not found[4:].any()
    assert exact.optimal_objective(mdp, 1.0) == 3
    batch = pg.sample_trajectories(mdp, policy, 50, seed=0)
    went_on = batch.observations[:, 1:] - batch.observations[:, :-1]
    np.testing.assert_array_equal(went_on, batch.actions[:, :-1])


def count_by_hand(horizon):
    """K of random_mdp(5, 3, horizon).

    Each of 3 actions leads to 4 living states, or to the end: from each of 4 starts
    a(T) = 12 a(T - 1) + 3 with a(0) = 1, which is (14 * 12^T - 3) / 11.
    """
    return 4 * ((14 * 12**horizon - 3) // 11)


def test_a_count_beyond_64_bits_is_exact():
    assert exact.count_trajectories(pg.random_mdp(5, 3, 60)) == count_by_hand(60)


@given(finite_worlds())
def test_log_probabilities_are_those_of_the_products_and_sum_to_1(mdp):
    policy, pi = linear_policy(mdp)
    found = exact.log_prob(mdp, policy, exact.trajectories(mdp))
    expected = [path.probability for path in paths(mdp, pi)]
    np.testing.assert_allclose(found.detach(), np.log(expected), atol=1e-12)
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_the_gradient_of_a_log_probability_is_the_sum_of_its_scores():
    log_probs = exact.log_prob(WORLD, TABLE, exact.trajectories(WORLD))
    for found, path in zip(log_probs, paths(WORLD, TABLE_OF_PI), strict=True):
        (slopes,) = torch.autograd.grad(found, TABLE.logits, retain_graph=True)
        np.testing.assert_allclose(slopes, path_score(TABLE_OF_PI, path), atol=1e-12)


@pytest.mark.parametrize(
    ("start", "expected"), [(1, -600 * log1p(np.exp(3.0))), (0, -torch.inf)]
)
def test_the_log_survives_underflow_and_is_minus_infinity_if_impossible(
    start, expected
):
    # A corridor of 3 cells starts in cell 1. Left 600 times: each has probability
    # 1/(1 + e^3), so ln P = -600 ln(1 + e^3) = -1829, far below ln 1e-308.
    policy = Constant(Categorical(logits=torch.tensor([[0.0, 3.0]] * 3).double()))
    left = exact.AllTrajectories(
        states=torch.tensor([[start] + [0] * 600]),
        actions=torch.zeros(1, 600).long(),
        rewards=torch.zeros(1, 600),
        mask=torch.ones(1, 600).bool(),
    )
    found = exact.log_prob(pg.corridor(3, horizon=600), policy, left)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@given(finite_worlds())
def test_the_expectation_is_the_weighted_sum_of_plain_recursion(mdp):
    policy, pi = linear_policy(mdp)

    def length_and_square(listed):
        return torch.stack([listed.mask.sum(1), listed.rewards.sum(1) ** 2], dim=1)

    weighted = [
        np.multiply(path.probability, [len(path.actions), sum(path.rewards) ** 2])
        for path in paths(mdp, pi)
    ]
    found = exact.expectation(mdp, policy, length_and_square).detach()
    np.testing.assert_allclose(found, np.sum(weighted, axis=0), atol=1e-12)
    as_lists = exact.expectation(mdp, policy, lambda x: length_and_square(x).tolist())
    assert as_lists.tolist() == found.tolist()


def test_the_answers_have_the_precision_of_the_policy():
    # Only in float64 can the other tests of this file hold to 12 digits.
    policy = pg.TabularPolicy(3, 2).float()
    for answer in (
        exact.objective(WORLD, policy, 0.9),
        exact.objective_by_dp(WORLD, policy, 0.9),
        exact.gradient(WORLD, policy, 0.9),
        exact.estimator_mean(WORLD, policy, 0.9, values=torch.ones(3).double()),
        exact.estimator_variance(WORLD, policy, 0.9),
        exact.log_prob(WORLD, policy, exact.trajectories(WORLD)),
        exact.expectation(WORLD, policy, lambda listed: listed.rewards),
    ):
        assert answer.dtype == torch.float32


# From each of 2 starts, 6 prefixes of 1 step (2 actions, 3 states), of which 4 live on:
# 6, 4 * 6 + 2 = 26 and 4 * 26 + 2 = 106 prefixes. A step takes 80 bytes.
@pytest.mark.parametrize(
    ("call", "num_bytes"),
    [
        (exact.trajectories, 80 * 3 * 2 * 106),  # padded to 3 steps
        (lambda mdp: exact.objective(mdp, TABLE, 0.9), 80 * 2 * (6 + 26 + 106)),
    ],
)
def test_an_enumeration_may_take_the_memory_limit_and_no_byte_more(
    call, num_bytes, monkeypatch
):
    monkeypatch.setattr(exact, "MEMORY_LIMIT", num_bytes)
    call(WORLD)
    monkeypatch.setattr(exact, "MEMORY_LIMIT", num_bytes - 1)
    with pytest.raises(ValueError, match="mdp: .* has 212 trajectories"):
        call(WORLD)


@pytest.mark.parametrize(
    ("horizon", "words"),
    [
        (13, f"{count_by_hand(13):,} trajectories"),
        (
            13,
            f"{ceil(count_by_hand(13) * 13 * 80 / 2**30):,} GiB, and the limit is 1.0",
        ),
        (14, f"{count_by_hand(14):.3g} trajectories"),  # from 10^15 on
        (231, f"{count_by_hand(231):.3g} trajectories"),  # 9.95 * 10^249
        (1000, "more than 10^250 trajectories"),
    ],
)
def test_an_enumeration_too_large_is_refused_with_its_size(horizon, words, monkeypatch):
    # Refused before it starts: it would fill the memory of the machine.
    monkeypatch.setattr(exact, "_grow", lambda _: pytest.fail("the listing began"))
    with pytest.raises(ValueError, match=re.escape(words)):
        exact.trajectories(pg.random_mdp(5, 3, horizon))


def test_sums_and_policies_that_are_not_finite_are_refused_as_such():
    huge = pg.TabularMDP([1], [[[1]]], [[[1.5e308]]], [False], horizon=2)
    with pytest.raises(pg.NotFiniteError, match="mdp: expected finite sums"):
        exact.optimal_objective(huge, 1)
    broken = pg.TabularPolicy(3, 2)
    broken.logits.data.fill_(torch.nan)
    with pytest.raises(pg.NotFiniteError, match="policy: .* NotFiniteError: policy: "):
        exact.objective(WORLD, broken, 1)
