"""The clinic and random losses: its numbers are those of plain loops."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import judge
from worlds import clinic_in_a_table

import pg_helpers as pg

WORLD, POLICY = clinic_in_a_table()
PI = oracles.softmax(POLICY.logits.detach().numpy())
GAMMA = 0.95
NAMES = ("loss", "policy", "gradient")


def weights_of(rewards, shares):
    """A mixture of the return, the reward-to-go, the reward and 1, for each step."""
    total = oracles.discounted(rewards, GAMMA)
    found = []
    for time in range(len(rewards)):
        ahead = GAMMA**time * oracles.discounted(rewards[time:], GAMMA)
        found.append(np.dot(shares, [total, ahead, rewards[time], 1.0]))
    return found


def loss_of(shares):
    """Minus the mean over trajectories of the sum over steps of weight * log pi."""

    def loss(log_probs, rewards, mask):
        weights = torch.zeros_like(rewards)
        for row, length in enumerate(mask.sum(1).tolist()):
            paid = rewards[row, :length].tolist()
            weights[row, :length] = torch.tensor(weights_of(paid, shares))
        return -(weights * log_probs).sum() / len(mask)

    return loss


SHARES = st.tuples(*[st.sampled_from([0.0, 0.0, 1.0, 0.5, -1.0])] * 4)
RIGHT = st.sampled_from([(1, 0, 0, 0), (0, 1, 0, 5), (0.5, 0.5, 0, -1)])


@given(shares=RIGHT | SHARES)
def test_the_mean_gradient_of_a_random_loss_is_that_of_plain_loops(shares):
    def step(path):
        total = np.zeros_like(PI)
        for time, weight in enumerate(weights_of(path.rewards, shares)):
            total += weight * oracles.score(PI, path.states[time], path.actions[time])
        return total

    mean, variance = oracles.moments(WORLD, PI, step)
    truth, _ = oracles.gradient_moments(WORLD, PI, GAMMA)
    error = np.linalg.norm(mean - truth) / np.linalg.norm(truth)
    found = judge(
        lambda: pg.clinic.examine(loss_of(shares), mdp=WORLD, policy=POLICY), NAMES
    )
    np.testing.assert_allclose(found.expected, mean.ravel(), atol=1e-9)
    assert found.variance == pytest.approx(variance.sum(), rel=1e-9, abs=1e-12)
    assert found.relative_error == pytest.approx(error, rel=1e-7, abs=1e-9)
    assert found.unbiased == (error < 1e-9)


def raises(error):
    def loss(log_probs, rewards, mask):
        raise error

    return loss


def endless(log_probs, rewards, mask):
    return endless(log_probs, rewards, mask)


@torch.no_grad()
def spoils(batch, policy):
    for parameter in policy.parameters():
        parameter.zero_()
        parameter.requires_grad_(False)


LOSSES = {
    "raises": raises(KeyError("a")),
    "runs out of memory": raises(MemoryError()),
    "stops": raises(StopIteration()),
    "asserts": raises(AssertionError()),
    "recurses": endless,
    "nothing": lambda log_probs, rewards, mask: None,
    "no graph": lambda log_probs, rewards, mask: log_probs.detach().sum(),
    "NaN": lambda log_probs, rewards, mask: log_probs.sum() * torch.nan,
    "NaN in the gradient": lambda log_probs, *_: (0 * log_probs).sqrt().sum(),
    "complex": lambda log_probs, rewards, mask: log_probs.sum() * 1j,
    "a vector": lambda log_probs, rewards, mask: log_probs.sum(1, keepdim=True).mT[0],
    "another shape": lambda log_probs, rewards, mask: log_probs @ rewards,
    "another graph": lambda *_: torch.ones((), requires_grad=True) * 2,
    "spoils the policy": spoils,
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_hostile_loss_is_not_called_right_and_changes_nothing(name):
    before = POLICY.logits.detach().clone()
    state = torch.get_rng_state()

    def verdict():
        found = pg.clinic.examine(LOSSES[name], mdp=WORLD, policy=POLICY)
        assert not found.unbiased
        return found.verdict

    judge(verdict, NAMES)
    assert torch.equal(POLICY.logits, before)
    assert POLICY.logits.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
