from math import inf, log, nan

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import score, softmax
from worlds import random_table

import pg_helpers as pg

MASK = torch.tensor([[True, True, True], [True, False, False]])
HALVES = torch.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, 0.0]], dtype=torch.float64)


def loss_and_slopes(log_probs, weights):
    """Of two trajectories, of 3 steps and of 1."""
    log_probs = log_probs.clone().requires_grad_(True)
    loss = pg.pseudo_loss(log_probs, weights, MASK)
    assert loss.shape == ()
    return loss.item(), torch.autograd.grad(loss, log_probs)[0].tolist()


def test_the_loss_of_two_trajectories_by_hand():
    # Sums of ln pi: ln 1/2 + ln 1/4 + ln 1/8 = -6 ln 2, and -ln 2. Weights 3 and -1:
    # -(3 * -6 ln 2 + -1 * -ln 2) / 2 = 17/2 ln 2.
    loss, slopes = loss_and_slopes(-log(2) * HALVES, torch.tensor([3.0, -1.0]))
    assert loss == pytest.approx(8.5 * log(2), abs=1e-14)
    # Each ln pi(a|s) of a step taken counts -weight / N, N = 2; padding counts nothing.
    assert slopes == [[-1.5, -1.5, -1.5], [0.5, 0.0, 0.0]]


@pytest.mark.parametrize("junk", [5.0, -1e30, nan, inf])
def test_the_loss_with_a_weight_for_each_step_by_hand_whatever_the_padding(junk):
    # -((2 * -ln 2 + 1 * -2 ln 2 + 4 * -3 ln 2) + 5 * -ln 2) / 2 = (16 + 5)/2 ln 2.
    log_probs, weights = -log(2) * HALVES, torch.tensor([[2.0, 1.0, 4.0], [5.0, 7, 7]])
    for padded in (log_probs, weights):
        padded[~MASK] = junk
        loss, slopes = loss_and_slopes(log_probs, weights)
        assert loss == pytest.approx(10.5 * log(2), abs=1e-14)
        assert slopes == [[-1.0, -0.5, -2.0], [-2.5, 0.0, 0.0]]


@given(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_the_gradient_is_minus_the_estimate_assembled_score_by_score(
    N, T, per_step, seed
):
    # Eq. (24): (1/N) sum over i and t of weight times the gradient of ln pi(a|s).
    generator = np.random.default_rng(seed)
    policy = random_table(4, 3)
    pi = softmax(policy.logits.detach().numpy())
    states, actions = generator.integers(0, 4, (N, T)), generator.integers(0, 3, (N, T))
    weights = generator.normal(size=(N, T) if per_step else N)
    mask = np.arange(T) < generator.integers(1, T + 1, (N, 1))
    estimate = np.zeros((4, 3))
    for i, t in np.argwhere(mask):
        weight = weights[i, t] if per_step else weights[i]
        estimate += weight * score(pi, states[i, t], actions[i, t]) / N
    log_probs = policy(torch.from_numpy(states)).log_prob(torch.from_numpy(actions))
    loss = pg.pseudo_loss(log_probs, torch.from_numpy(weights), torch.from_numpy(mask))
    (slopes,) = torch.autograd.grad(loss, policy.logits)
    np.testing.assert_allclose(slopes, -estimate, atol=1e-14)


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_weights_are_constants(shape):
    log_probs = HALVES.clone().requires_grad_(True)
    weights = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    pg.pseudo_loss(log_probs, weights * log_probs.sum(), MASK).backward()
    assert weights.grad is None
    assert log_probs.grad.tolist() == [[-3.5, -3.5, -3.5], [-3.5, 0.0, 0.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_has_the_precision_of_the_log_probabilities(dtype):
    loss = pg.pseudo_loss(HALVES.to(dtype), torch.tensor([3, -1]), MASK)
    assert loss.dtype == dtype
