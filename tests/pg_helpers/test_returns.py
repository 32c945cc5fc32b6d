import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from worlds import gammas

import pg_helpers as pg

each_return = pytest.mark.parametrize("function", [pg.total_return, pg.rewards_to_go])
rewards_of_any_length = st.builds(
    lambda N, T, seed: np.random.default_rng(seed).normal(size=(N, T)),
    st.integers(1, 4),
    st.integers(1, 70),
    st.integers(0, 99),
)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.95])
def test_the_return_of_constant_rewards_is_a_geometric_series(gamma):
    # 1 + gamma + ... + gamma^(T - 1) = (1 - gamma^T) / (1 - gamma)
    rewards = torch.ones(2, 9, dtype=torch.float64)
    expected = (1 - gamma**9) / (1 - gamma)
    np.testing.assert_allclose(pg.total_return(rewards, gamma), [expected] * 2)


@given(rewards_of_any_length, gammas)
def test_the_return_and_the_rewards_to_go_are_those_of_plain_loops(rewards, gamma):
    T = rewards.shape[1]
    expected = [
        [sum(gamma ** (k - t) * row[k] for k in range(t, T)) for t in range(T)]
        for row in rewards
    ]
    to_go, total = pg.rewards_to_go(rewards, gamma), pg.total_return(rewards, gamma)
    np.testing.assert_allclose(to_go, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(total, [row[0] for row in expected], rtol=0, atol=1e-12)


@each_return
def test_leading_axes_are_kept(function):
    rewards = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 5)))
    found = function(rewards, 0.9)
    for row in np.ndindex(2, 3):
        np.testing.assert_allclose(found[row], function(rewards[row], 0.9), rtol=1e-12)


@each_return
def test_floats_keep_their_precision_and_integers_get_the_default(function):
    assert function(torch.ones(1, 2), 0.5).dtype == torch.float32
    assert function(np.ones((1, 2)), 0.5).dtype == torch.float64
    for integers in ([[1, 2]], torch.tensor([[1, 2]])):
        found = function(integers, 0.5)
        assert found.flatten()[0] == 2
        assert found.dtype == torch.float32


@each_return
@pytest.mark.parametrize("length", [1, 2])
def test_the_rewards_are_left_as_they_were(function, length):
    rewards = torch.ones(2, length)
    function(rewards, 0.5).zero_()
    assert torch.equal(rewards, torch.ones(2, length))


def test_the_batch_mean_of_one_weight_per_trajectory_is_over_trajectories():
    # The trajectories have 1 and 3 steps; steps do not count here: (2 + 6) / 2 = 4.
    mask = torch.tensor([[True, False, False], [True, True, True]])
    found = pg.subtract_batch_mean(torch.tensor([2.0, 6.0]), mask)
    assert found.tolist() == [-2.0, 2.0]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_the_batch_mean_of_each_step_is_over_the_trajectories_that_take_it(N, T, seed):
    generator = np.random.default_rng(seed)
    weights, mask = generator.normal(size=(N, T)), generator.random((N, T)) < 0.6
    expected = np.zeros((N, T))
    for n, t in np.argwhere(mask):
        taken = [weights[m, t] for m in range(N) if mask[m, t]]
        expected[n, t] = weights[n, t] - sum(taken) / len(taken)
    padded = torch.from_numpy(np.where(mask, weights, np.nan))
    found = pg.subtract_batch_mean(padded, torch.from_numpy(mask))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@given(
    seed=st.integers(0, 99),
    gamma=gammas,
    lam=st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1)),
    cut=st.booleans(),
)
def test_gae_is_the_weighted_sum_of_what_comes_unexpectedly(seed, gamma, lam, cut):
    """By its definition, the sum over k of (gamma lam)^k d_{t+k}."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 6, size=3)
    rewards, values = generator.normal(size=(2, 3, 6))
    last = generator.normal(size=3) * cut
    expected = np.zeros((3, 6))
    for row, length in enumerate(lengths):
        after = [*values[row, 1:length], last[row]]
        steps = [
            rewards[row, t] + gamma * after[t] - values[row, t] for t in range(length)
        ]
        for t in range(length):
            terms = enumerate(steps[t:])
            expected[row, t] = sum((gamma * lam) ** k * step for k, step in terms)
    mask = torch.from_numpy(np.arange(6) < lengths[:, None])
    given = map(torch.from_numpy, (rewards, values))
    options = {"final_values": torch.from_numpy(last)} if cut else {}
    found = pg.gae(*given, mask, gamma, lam, **options)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_gae_of_integers_is_not_rounded():
    one = torch.ones(1, 1, dtype=torch.int64)
    found = pg.gae(one, one, one > 0, 1.0, 1.0, torch.tensor([0.5]))
    assert found.tolist() == [[0.5]]
    assert found.dtype == torch.float32


def test_gae_passes_gradients_to_values_and_is_not_disturbed_by_padding():
    values = torch.tensor([[0.5, 0.2, 9.0]], requires_grad=True)
    rewards = torch.tensor([[1.0, 2.0, torch.nan]])
    mask = torch.tensor([[True, True, False]])
    found = pg.gae(rewards, values, mask, 0.9, 0.5)
    # d_1 = 2 - 0.2; d_0 = 1 + 0.9 * 0.2 - 0.5; A_0 = d_0 + 0.45 d_1
    assert found[0].tolist() == pytest.approx([0.68 + 0.45 * 1.8, 1.8, 0.0])
    (slopes,) = torch.autograd.grad(found.sum(), values)
    assert slopes[0].tolist() == pytest.approx([-1.0, 0.9 - 1.45, 0.0])
