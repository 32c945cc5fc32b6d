import pytest
import torch
from oracles import assert_refused

import pg_helpers as pg

WORLD, TABLE = pg.random_mdp(3, 2, 2), pg.TabularPolicy(3, 2)
LISTED = pg.exact.trajectories(WORLD)
OF_A_POLICY = {
    "log_prob": lambda policy: pg.exact.log_prob(WORLD, policy, LISTED),
    "objective": lambda policy: pg.exact.objective(WORLD, policy, 0.9),
    "gradient": lambda policy: pg.exact.gradient(WORLD, policy, 0.9),
    "objective_by_dp": lambda policy: pg.exact.objective_by_dp(WORLD, policy, 0.9),
    "gradient_by_dp": lambda policy: pg.exact.gradient_by_dp(WORLD, policy, 0.9),
    "expectation": lambda p: pg.exact.expectation(WORLD, p, lambda all_: all_.rewards),
}
OF_GAMMA = {
    "objective": lambda gamma: pg.exact.objective(WORLD, TABLE, gamma),
    "gradient": lambda gamma: pg.exact.gradient(WORLD, TABLE, gamma),
    "objective_by_dp": lambda gamma: pg.exact.objective_by_dp(WORLD, TABLE, gamma),
    "gradient_by_dp": lambda gamma: pg.exact.gradient_by_dp(WORLD, TABLE, gamma),
    "optimal_objective": lambda gamma: pg.exact.optimal_objective(WORLD, gamma),
}


@pytest.mark.parametrize("name", OF_A_POLICY)
def test_a_policy_that_does_not_fit_is_refused(name):
    call = OF_A_POLICY[name]
    assert_refused(
        lambda: call(lambda seen: seen), TypeError, "policy", "Categorical", "Tensor"
    )
    assert_refused(
        lambda: call(pg.GaussianPolicy(3, 2)), TypeError, "policy", "Independent"
    )
    assert_refused(
        lambda: call(pg.TabularPolicy(3, 4)), ValueError, "policy", "(3, 2)", "(3, 4)"
    )


@pytest.mark.parametrize("name", OF_GAMMA)
def test_a_gamma_that_is_none_is_refused(name):
    call = OF_GAMMA[name]
    assert_refused(lambda: call("0.9"), TypeError, "gamma", "[0, 1]", "'0.9'")
    assert_refused(lambda: call(1.5), ValueError, "gamma", "[0, 1]", "1.5")
    assert_refused(lambda: call(float("nan")), ValueError, "gamma", "nan")


def test_a_gradient_needs_something_to_train():
    frozen = pg.TabularPolicy(3, 2).requires_grad_(False)
    assert_refused(
        lambda: pg.exact.gradient(WORLD, frozen, 0.9), ValueError, "policy", "trainable"
    )


@pytest.mark.parametrize(
    ("function", "came"),
    [(lambda listed: 1.0, "()"), (lambda listed: torch.zeros(3), "(3,)")],
)
def test_an_expectation_needs_a_value_a_trajectory(function, came):
    assert_refused(
        lambda: pg.exact.expectation(WORLD, TABLE, function),
        ValueError,
        "function",
        str(len(LISTED.states)),
        came,
    )
