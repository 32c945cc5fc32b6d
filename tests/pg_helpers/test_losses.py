from math import log

import numpy as np
import pytest
import torch
from oracles import assert_refused, score, softmax
from worlds import random_table

import pg_helpers as pg
from pg_helpers.require import NotFiniteError

NAN, INF = float("nan"), float("inf")


def hand_made():
    """Two trajectories, of 3 steps and of 1."""
    log_probs = torch.tensor(
        [[log(0.5), log(0.25), log(0.125)], [log(0.5), 0.0, 0.0]],
        dtype=torch.float64,
        requires_grad=True,
    )
    mask = torch.tensor([[True, True, True], [True, False, False]])
    return log_probs, mask


def test_the_loss_of_two_trajectories_by_hand():
    # Sums of ln pi: ln 1/2 + ln 1/4 + ln 1/8 = -6 ln 2, and -ln 2. Weights 3 and -1:
    # -(3 * -6 ln 2 + -1 * -ln 2) / 2 = 17/2 ln 2.
    log_probs, mask = hand_made()
    loss = pg.pseudo_loss(log_probs, torch.tensor([3.0, -1.0]), mask)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(8.5 * log(2), abs=1e-14)
    # Each ln pi(a|s) of a step taken counts -weight / N, N = 2; padding counts nothing.
    (slopes,) = torch.autograd.grad(loss, log_probs)
    assert slopes.tolist() == [[-1.5, -1.5, -1.5], [0.5, 0.0, 0.0]]


def test_the_loss_with_a_weight_a_step_by_hand():
    # -((2 * -ln 2 + 1 * -2 ln 2 + 4 * -3 ln 2) + 5 * -ln 2) / 2 = (16 + 5)/2 ln 2.
    log_probs, mask = hand_made()
    weights = torch.tensor([[2.0, 1.0, 4.0], [5.0, 7.0, 7.0]])
    loss = pg.pseudo_loss(log_probs, weights, mask)
    assert loss.item() == pytest.approx(10.5 * log(2), abs=1e-14)
    (slopes,) = torch.autograd.grad(loss, log_probs)
    assert slopes.tolist() == [[-1.0, -0.5, -2.0], [-2.5, 0.0, 0.0]]


def test_one_weight_a_trajectory_is_that_weight_at_each_step():
    # Three of each, so that the shapes alone do not tell trajectories from steps.
    log_probs = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 3)))
    mask = torch.tensor([[True, True, True], [True, True, False], [True, False, False]])
    weights = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    by_step = weights[:, None].repeat(1, 3)
    expected = -sum(
        float(weights[i] * log_probs[i, t]) for i in range(3) for t in range(3 - i)
    )
    for given in (weights, by_step):
        loss = pg.pseudo_loss(log_probs, given, mask)
        assert loss.item() == pytest.approx(expected / 3, abs=1e-14)


@pytest.mark.parametrize("per_step", [False, True])
def test_its_gradient_is_minus_the_estimate_assembled_score_by_score(per_step):
    # Eq. (24): (1/N) sum over i and t of weight times the gradient of ln pi(a|s).
    generator = np.random.default_rng(1)
    policy = random_table(4, 3)
    pi = softmax(policy.logits.detach().numpy())
    lengths = [1, 5, 2, 3]
    states, actions = generator.integers(0, 4, (4, 5)), generator.integers(0, 3, (4, 5))
    weights = generator.normal(size=(4, 5) if per_step else 4)
    mask = np.arange(5) < np.array(lengths)[:, None]
    estimate = np.zeros((4, 3))
    for i, length in enumerate(lengths):
        for t in range(length):
            weight = weights[i, t] if per_step else weights[i]
            estimate += weight * score(pi, states[i, t], actions[i, t]) / 4
    log_probs = policy(torch.from_numpy(states)).log_prob(torch.from_numpy(actions))
    loss = pg.pseudo_loss(log_probs, torch.from_numpy(weights), torch.from_numpy(mask))
    (slopes,) = torch.autograd.grad(loss, policy.logits)
    np.testing.assert_allclose(slopes, -estimate, atol=1e-14)
    assert np.abs(estimate).max() > 0.1


def test_a_step_against_the_gradient_makes_rewarded_actions_likelier():
    policy = pg.TabularPolicy(1, 2).double()
    states = torch.zeros(2, 1, dtype=torch.int64)
    log_probs = policy(states).log_prob(torch.tensor([[0], [1]]))
    weights = torch.tensor([1.0, 0.0])
    loss = pg.pseudo_loss(log_probs, weights, torch.ones(2, 1, dtype=torch.bool))
    (slopes,) = torch.autograd.grad(loss, policy.logits)
    # -(1/2) (1 - pi(0)) for the action that was rewarded: -0.25, so it is raised.
    assert slopes.tolist() == [[-0.25, 0.25]]


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_weights_are_constants(shape):
    log_probs, mask = hand_made()
    weights = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    pg.pseudo_loss(log_probs, weights * log_probs.sum(), mask).backward()
    assert weights.grad is None


def test_longer_padding_changes_nothing():
    log_probs, mask = hand_made()
    weights = torch.tensor([3.0, -1.0])
    expected = pg.pseudo_loss(log_probs, weights, mask).item()
    wider = torch.nn.functional.pad(log_probs, (0, 4), value=-7.0)
    found = pg.pseudo_loss(wider, weights, torch.nn.functional.pad(mask, (0, 4)))
    assert found.item() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("junk", [5.0, -1e30, NAN, INF])
@pytest.mark.parametrize(
    "name",
    ["log_probs", "weights"],
)
def test_padding_never_leaks(name, junk):
    log_probs, mask = hand_made()
    weights = torch.tensor([[3.0] * 3, [-1.0] * 3], dtype=torch.float64)
    given = {"log_probs": log_probs.detach().clone(), "weights": weights}
    given[name][~mask] = junk
    given["log_probs"].requires_grad_(True)
    loss = pg.pseudo_loss(given["log_probs"], given["weights"], mask)
    assert loss.item() == pytest.approx(8.5 * log(2), abs=1e-14)
    (slopes,) = torch.autograd.grad(loss, given["log_probs"])
    assert slopes.tolist() == [[-1.5, -1.5, -1.5], [0.5, 0.0, 0.0]]


def test_the_loss_has_the_precision_of_the_log_probabilities():
    log_probs, mask = hand_made()
    weights = torch.tensor([3, -1])
    assert pg.pseudo_loss(log_probs, weights, mask).dtype == torch.float64
    assert pg.pseudo_loss(log_probs.float(), weights, mask).dtype == torch.float32


ONES, TRUE = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.bool)
WITH_NAN = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, NAN]])


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (([[1.0]], ONES, TRUE), TypeError, ("log_probs", "tensor", "[[1.0]]")),
        ((ONES, np.ones(2), TRUE), TypeError, ("weights", "tensor", "array")),
        ((ONES, ONES, None), TypeError, ("mask", "tensor", "None")),
        ((ONES, ONES, ONES), TypeError, ("mask", "bool", "float32")),
        ((ONES.long(), ONES, TRUE), TypeError, ("log_probs", "floats", "int64")),
        ((ONES[0], ONES, TRUE), ValueError, ("log_probs", "(N, T)", "(3,)")),
        ((ONES[:0], ONES[:0], TRUE[:0]), ValueError, ("log_probs", "empty", "(0, 3)")),
        ((ONES, ONES, TRUE[:, :2]), ValueError, ("mask", "(2, 3)", "(2, 2)")),
        ((ONES, torch.ones(3), TRUE), ValueError, ("weights", "(2,)", "(3,)")),
        ((ONES, torch.ones(2, 1), TRUE), ValueError, ("weights", "(2, 3)", "(2, 1)")),
        ((ONES, torch.tensor(1.0), TRUE), ValueError, ("weights", "(2,)", "()")),
        (
            (ONES, ONES, torch.tensor([[True] * 3, [False] * 3])),
            ValueError,
            ("mask", "a step in every row", "False"),
        ),
        (
            (ONES, WITH_NAN, TRUE),
            NotFiniteError,
            ("weights", "nan at [1, 2]"),
        ),
        (
            (ONES, torch.tensor([1.0, -INF]), TRUE),
            NotFiniteError,
            ("weights", "-inf at [1, 0]"),
        ),
        (
            (WITH_NAN, ONES, TRUE),
            NotFiniteError,
            ("log_probs", "nan at [1, 2]"),
        ),
        (
            (-INF * ONES, 0 * ONES, TRUE),
            NotFiniteError,
            ("log_probs", "-inf at [0, 0]"),
        ),
        (
            (3e38 * ONES, 3e38 * ONES, TRUE),
            NotFiniteError,
            ("weights * log_probs", "finite sum"),
        ),
    ],
)
def test_what_cannot_be_a_loss_is_refused_by_name(arguments, kind, words):
    assert_refused(lambda: pg.pseudo_loss(*arguments), kind, *words)
