from itertools import product

import numpy as np
import pytest
import torch
from oracles import (
    discounted,
    finite_differences,
    gradient_moments,
    objective,
    path_score,
    paths,
    score,
    softmax,
)
from worlds import WORLDS, Rule, random_network, random_table, sparse_world

import pg_helpers as pg

GAMMAS = (0.0, 0.7, 1.0)
each_world = pytest.mark.parametrize("mdp", WORLDS.values(), ids=WORLDS.keys())
each_gamma = pytest.mark.parametrize("gamma", GAMMAS)


def policy_and_table(mdp):
    """A random network, and the table of its probabilities in NumPy, by hand."""
    policy = random_network(mdp)
    first_weight, first_bias, weight, bias = (
        parameter.detach().numpy() for parameter in policy.parameters()
    )
    hidden = np.tanh(mdp.observations @ first_weight.T + first_bias)
    return policy, softmax(hidden @ weight.T + bias)


@each_world
@each_gamma
def test_enumeration_and_dynamic_programming_agree_with_plain_recursion(mdp, gamma):
    policy, pi = policy_and_table(mdp)
    expected = objective(mdp, pi, gamma)
    listed = pg.exact.objective(mdp, policy, gamma)
    by_dp = pg.exact.objective_by_dp(mdp, policy, gamma)
    assert listed.dtype == by_dp.dtype == torch.float64
    assert listed.shape == by_dp.shape == ()
    assert listed.item() == pytest.approx(expected, abs=1e-12)
    assert by_dp.item() == pytest.approx(expected, abs=1e-12)


@each_world
def test_probabilities_are_the_products_and_sum_to_1(mdp):
    policy, pi = policy_and_table(mdp)
    listed = pg.exact.trajectories(mdp)
    log_probs = pg.exact.log_prob(mdp, policy, listed)
    expected = [path.probability for path in paths(mdp, pi)]
    np.testing.assert_allclose(log_probs.detach(), np.log(expected), atol=1e-12)
    assert log_probs.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_the_gradient_of_a_log_probability_is_the_sum_of_its_scores():
    mdp, policy = WORLDS["random (3, 2), horizon 4"], random_table(3, 2)
    pi = softmax(policy.logits.detach().numpy())
    log_probs = pg.exact.log_prob(mdp, policy, pg.exact.trajectories(mdp))
    for row in (0, 100, 500, 849):
        (found,) = torch.autograd.grad(log_probs[row], policy.logits, retain_graph=True)
        expected = path_score(pi, paths(mdp, pi)[row])
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_log_survives_where_the_product_underflows():
    # Corridor of 3 cells, start 1. Left 600 times: each has probability 1/(1 + e^3) and
    # the world adds no chance, so ln P = -600 ln(1 + e^3) = -1829, far below ln 1e-308.
    mdp = pg.corridor(3, horizon=600)
    policy = pg.TabularPolicy(1, 2).double()
    with torch.no_grad():
        policy.logits[0, 1] = 3.0

    def same_everywhere(observations):
        return policy(torch.zeros(observations.shape[:-1], dtype=torch.int64))

    left = pg.exact.AllTrajectories(
        states=torch.tensor([[1] + [0] * 600]),
        actions=torch.zeros(1, 600, dtype=torch.int64),
        rewards=torch.zeros(1, 600),
        mask=torch.ones(1, 600, dtype=torch.bool),
    )
    found = pg.exact.log_prob(mdp, same_everywhere, left)
    assert found.item() == pytest.approx(-600 * np.log1p(np.exp(3.0)), rel=1e-6)
    assert found.exp() == 0


@each_world
@each_gamma
def test_the_gradient_is_that_of_finite_differences(mdp, gamma):
    # With steps of 1e-5, central differences of a smooth function of order 1 err by
    # about 1e-10 (step squared) and 1e-11 (rounding over step).
    policy = random_table(*mdp.transition.shape[:2])
    table = policy.logits.detach().numpy()
    if mdp.observations.shape[1] != mdp.num_states:
        mdp = pg.TabularMDP(
            mdp.initial, mdp.transition, mdp.reward, mdp.terminal, mdp.horizon
        )
    expected = finite_differences(lambda x: objective(mdp, softmax(x), gamma), table)
    found = pg.exact.gradient(mdp, policy, gamma).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=2e-8)
    np.testing.assert_allclose(
        found, gradient_moments(mdp, softmax(table), gamma)[0], atol=1e-12
    )


@each_world
def test_the_gradient_is_that_of_autograd_through_the_objectives(mdp):
    policy = random_network(mdp)
    found = pg.exact.gradient(mdp, policy, 0.9)
    for road in (pg.exact.objective, pg.exact.objective_by_dp):
        slopes = torch.autograd.grad(
            road(mdp, policy, 0.9), list(policy.parameters()), materialize_grads=True
        )
        flat = torch.cat([slope.flatten() for slope in slopes])
        np.testing.assert_allclose(found, flat, atol=1e-12)
    assert found.abs().max() > 1e-3, "a gradient of zero would prove nothing"


@each_world
def test_the_gradient_by_dynamic_programming_is_that_of_enumeration(mdp):
    policy = random_network(mdp)
    next(policy.parameters()).requires_grad_(False)
    found = pg.exact.gradient_by_dp(mdp, policy, 0.9)
    listed = pg.exact.gradient(mdp, policy, 0.9)
    np.testing.assert_allclose(found, listed, atol=1e-12)
    assert listed.abs().max() > 1e-3, "a gradient of zero would prove nothing"


def test_frozen_parameters_have_a_gradient_of_zero():
    mdp = WORLDS["random (4, 3), horizon 3"]
    policy = random_network(mdp)
    free = pg.exact.gradient(mdp, policy, 0.9)
    sizes = [p.numel() for p in policy.parameters()]
    next(policy.parameters()).requires_grad_(False)
    found = pg.exact.gradient(mdp, policy, 0.9)
    assert not found[: sizes[0]].any()
    np.testing.assert_allclose(found[sizes[0] :], free[sizes[0] :], atol=1e-14)
    assert free[: sizes[0]].abs().max() > 1e-3


def test_the_gradient_leaves_the_policy_as_it_was():
    mdp = pg.corridor()
    policy = random_network(mdp)
    before = [p.detach().clone() for p in policy.parameters()]
    pg.exact.gradient(mdp, policy, 0.9)
    assert all(p.grad is None for p in policy.parameters())
    assert all(map(torch.equal, before, policy.parameters()))


@each_gamma
@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_is_the_best_of_all_deterministic_plans(gamma, seed):
    # A plan names an action for each time and living state: 2^(2 * 3) = 64 of them.
    mdp = pg.random_mdp(3, 2, 3, seed=seed)

    def value(plan, state, time):
        if mdp.terminal[state] or time == mdp.horizon:
            return 0.0
        action = plan[2 * time + state]
        return sum(
            mdp.transition[state, action, after]
            * (mdp.reward[state, action, after] + gamma * value(plan, after, time + 1))
            for after in range(3)
        )

    values = [
        sum(mdp.initial[state] * value(plan, state, 0) for state in range(2))
        for plan in product(range(2), repeat=6)
    ]
    found = pg.exact.optimal_objective(mdp, gamma)
    assert type(found) is float
    assert found == pytest.approx(max(values), abs=1e-12)
    assert max(values) > min(values) + 1e-3


def test_the_optimum_sees_the_time():
    # Action 0 pays 1 and stays; action 1 pays 3 and ends. Two steps, no discount: stay,
    # then end, is 4; always ending gives 3, always staying 2.
    transition = [[[1, 0], [0, 1]], [[0, 0], [0, 0]]]
    reward = [[[1, 0], [0, 3]], [[0, 0], [0, 0]]]
    mdp = pg.TabularMDP([1, 0], transition, reward, [0, 1], horizon=2)
    assert pg.exact.optimal_objective(mdp, 1.0) == 4.0


def test_the_optimum_of_a_start_in_a_terminal_state_counts_nothing():
    mdp = sparse_world(start_ended=True)
    shares = mdp.initial[:2] / mdp.initial[:2].sum()
    alive = pg.TabularMDP(
        [*shares, 0, 0], mdp.transition, mdp.reward, mdp.terminal, mdp.horizon
    )
    # 0.7 of the episodes start alive; the others return 0.
    expected = 0.7 * pg.exact.optimal_objective(alive, 0.9)
    assert pg.exact.optimal_objective(mdp, 0.9) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("length", [3, 4, 7, 10])
def test_always_right_reaches_the_end_of_the_corridor_at_once(length):
    # From length // 2 it takes d = length - 1 - length // 2 steps; the last one, at
    # time d - 1, pays 1: J = gamma^(d - 1), and no policy is faster.
    mdp, right = pg.corridor(length, horizon=9), Rule(lambda x: x[..., 0] * 0 + 1)
    expected = 0.9 ** (length - 1 - length // 2 - 1)
    for road in (pg.exact.objective, pg.exact.objective_by_dp):
        assert road(mdp, right, 0.9).item() == pytest.approx(expected, rel=1e-6)
    assert pg.exact.optimal_objective(mdp, 0.9) == pytest.approx(expected, abs=1e-15)


def test_dynamic_programming_reaches_horizons_that_no_listing_could():
    # Arms that pay 0.4 and 0.6 on average, pulled uniformly in a world that goes on:
    # 0.5 a step, discounted: 0.5 (1 - gamma^T) / (1 - gamma).
    transition = np.ones((2, 2, 2)) / 2
    reward = np.zeros((2, 2, 2)) + np.array([0.4, 0.6])[None, :, None]
    mdp = pg.TabularMDP([1, 0], transition, reward, [0, 0], horizon=500)
    found = pg.exact.objective_by_dp(mdp, pg.TabularPolicy(2, 2).double(), 0.99)
    assert found.item() == pytest.approx(0.5 * (1 - 0.99**500) / 0.01, rel=1e-12)


@each_world
def test_the_expectation_is_the_weighted_sum_of_plain_recursion(mdp):
    policy, pi = policy_and_table(mdp)
    found = pg.exact.expectation(
        mdp,
        policy,
        lambda listed: torch.stack([listed.mask.sum(1), listed.rewards[:, 0]], 1),
    )
    everything = paths(mdp, pi)
    length = sum(p.probability * len(p.actions) for p in everything)
    first = sum(p.probability * p.rewards[0] for p in everything if p.rewards)
    np.testing.assert_allclose(found.detach(), [length, first], atol=1e-12)
    squared = pg.exact.expectation(
        mdp, policy, lambda listed: listed.rewards.sum(1) ** 2
    )
    expected = sum(p.probability * discounted(p.rewards, 1) ** 2 for p in everything)
    assert squared.shape == ()
    assert squared.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_truth_has_the_precision_of_the_policy(dtype):
    mdp, policy = pg.corridor(3, 2), pg.MLPPolicy(1, 2).to(dtype)
    listed = pg.exact.trajectories(mdp)
    for found in (
        pg.exact.objective(mdp, policy, 0.9),
        pg.exact.objective_by_dp(mdp, policy, 0.9),
        pg.exact.gradient(mdp, policy, 0.9),
        pg.exact.log_prob(mdp, policy, listed),
        pg.exact.expectation(mdp, policy, lambda listed: listed.rewards),
    ):
        assert found.dtype == dtype


def test_the_scores_in_closed_form():
    """Over a table of logits: 1[b = a] - pi(b|s) in the row of s, else 0."""
    world, policy = pg.random_mdp(3, 2, 2), random_table(3, 2)
    pi = softmax(policy.logits.detach().numpy())
    table = pg.exact.score_table(world, policy).numpy()
    for state, action in np.ndindex(3, 2):
        expected = score(pi, state, action).ravel()
        np.testing.assert_allclose(table[state, action], expected, atol=1e-14)
