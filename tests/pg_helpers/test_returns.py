import numpy as np
import pytest
import torch
from oracles import assert_refused

import pg_helpers as pg

NAN = float("nan")
SHAPES = [(1, 1), (3, 1), (1, 2), (4, 2), (2, 3), (5, 7), (3, 8), (2, 37), (4, 64)]
each_gamma = pytest.mark.parametrize("gamma", [0.0, 0.3, 0.95, 1.0])
each_return = pytest.mark.parametrize("function", [pg.total_return, pg.rewards_to_go])


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.95])
def test_the_return_of_constant_rewards_is_a_geometric_series(gamma):
    # 1 + gamma + ... + gamma^(T - 1) = (1 - gamma^T) / (1 - gamma)
    rewards = torch.ones(2, 9, dtype=torch.float64)
    expected = (1 - gamma**9) / (1 - gamma)
    np.testing.assert_allclose(pg.total_return(rewards, gamma), [expected] * 2)


def test_without_discount_the_return_is_the_sum():
    assert pg.total_return(torch.tensor([[1.0, 2.0, -5.0]]), 1).tolist() == [-2.0]


def test_the_first_reward_is_not_discounted_and_the_third_twice():
    rewards = torch.tensor([[8.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 8.0]])
    assert pg.total_return(rewards, 0.5).tolist() == [8.0, 4.0, 2.0]
    assert pg.total_return(rewards, 0).tolist() == [8.0, 0.0, 0.0]


@pytest.mark.parametrize("shape", SHAPES)
@each_gamma
def test_the_return_is_that_of_a_plain_loop(shape, gamma):
    rewards = drawn(*shape)
    expected = [sum(gamma**t * row[t] for t in range(shape[1])) for row in rewards]
    found = pg.total_return(torch.from_numpy(rewards), gamma)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@each_gamma
def test_the_rewards_to_go_are_those_of_a_plain_double_loop(shape, gamma):
    rewards = drawn(*shape, seed=1)
    T = shape[1]
    expected = [
        [sum(gamma ** (k - t) * row[k] for k in range(t, T)) for t in range(T)]
        for row in rewards
    ]
    found = pg.rewards_to_go(torch.from_numpy(rewards), gamma)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_rewards_to_go_by_hand():
    # From the end: 4, then 2 + 0.5 * 4 = 4, then 1 + 0.5 * 4 = 3; padding stays zero.
    rewards = torch.tensor([[1.0, 2.0, 4.0, 0.0]])
    assert pg.rewards_to_go(rewards, 0.5).tolist() == [[3.0, 4.0, 4.0, 0.0]]


@each_return
def test_leading_axes_are_kept(function):
    rewards = torch.from_numpy(drawn(2, 3, 5))
    found = function(rewards, 0.9)
    assert found.shape[:2] == (2, 3)
    torch.testing.assert_close(found[1, 2], function(rewards[1, 2], 0.9))


@each_return
def test_anything_that_is_an_array_of_numbers_will_do(function):
    expected = function(torch.tensor([[1.0, 2.0]], dtype=torch.float64), 0.5)
    assert function(np.array([[1.0, 2.0]]), 0.5).tolist() == expected.tolist()
    assert function([[1, 2]], 0.5).tolist() == expected.tolist()
    assert function(torch.tensor([[1, 2]]), 0.5).is_floating_point()
    assert function(np.array([[1.0, 2.0]]), 0.5).dtype == torch.float64
    assert function(torch.ones(1, 2), 0.5).dtype == torch.float32


@each_return
def test_the_rewards_are_left_as_they_were(function):
    rewards = torch.ones(2, 3)
    function(rewards, 0.5)
    assert torch.equal(rewards, torch.ones(2, 3))


@pytest.mark.parametrize("length", [1, 2])
def test_rewards_to_go_are_a_tensor_of_their_own(length):
    rewards = torch.ones(2, length)
    pg.rewards_to_go(rewards, 0.5).zero_()
    assert torch.equal(rewards, torch.ones(2, length))


def test_the_batch_mean_of_one_weight_a_trajectory_is_over_trajectories():
    # The trajectories have 1 and 3 steps; steps do not count here: (2 + 6) / 2 = 4.
    mask = torch.tensor([[True, False, False], [True, True, True]])
    found = pg.subtract_batch_mean(torch.tensor([2.0, 6.0]), mask)
    assert found.tolist() == [-2.0, 2.0]


def test_the_batch_mean_of_one_weight_a_step_is_over_those_that_take_the_step():
    # Step 0: (2 + 6) / 2 = 4. From then on the second runs alone: 4 - 4 and 8 - 8. The
    # 99s are padding.
    mask = torch.tensor([[True, False, False], [True, True, True]])
    weights = torch.tensor([[2.0, 99.0, 99.0], [6.0, 4.0, 8.0]])
    found = pg.subtract_batch_mean(weights, mask)
    assert found[mask].tolist() == [-2.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize(("shape", "came"), [((3,), "(3,)"), ((2, 1), "(2, 1)")])
def test_a_batch_mean_needs_a_weight_a_trajectory_or_a_step(shape, came):
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert_refused(
        lambda: pg.subtract_batch_mean(torch.ones(shape), mask),
        ValueError,
        "weights",
        "(2,)",
        "(2, 3)",
        came,
    )


@each_return
@pytest.mark.parametrize(
    ("rewards", "gamma", "kind", "words"),
    [
        ([[1.0]], 1.01, ValueError, ("gamma", "[0, 1]", "1.01")),
        ([[1.0]], -0.1, ValueError, ("gamma", "[0, 1]", "-0.1")),
        ([[1.0]], NAN, ValueError, ("gamma", "nan")),
        ([[1.0]], "0.9", TypeError, ("gamma", "'0.9'")),
        ([[1.0]], None, TypeError, ("gamma", "None")),
        ([[1.0, NAN]], 0.9, pg.NotFiniteError, ("rewards", "finite", "nan", "[0, 1]")),
        ([[1.0], [np.inf]], 0.9, pg.NotFiniteError, ("rewards", "inf", "[1, 0]")),
        (1.0, 0.9, ValueError, ("rewards", "time axis", "1.")),
        ("many", 0.9, TypeError, ("rewards", "numbers")),
        ([["a"]], 0.9, TypeError, ("rewards", "numbers")),
        ([[1.0], [1.0, 2.0]], 0.9, TypeError, ("rewards", "numbers")),
        (np.array([["a"]]), 0.9, TypeError, ("rewards", "numbers")),
        (None, 0.9, TypeError, ("rewards", "numbers")),
        ([[1j]], 0.9, TypeError, ("rewards", "real", "complex")),
    ],
)
def test_what_are_no_rewards_and_what_is_no_gamma(
    function, rewards, gamma, kind, words
):
    assert_refused(lambda: function(rewards, gamma), kind, *words)
