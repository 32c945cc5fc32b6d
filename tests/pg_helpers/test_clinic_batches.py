"""Losses of a batch and a policy: ratios, values, baselines, ends and cut-offs."""

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import GAMMA, plain, to_go, total
from torch.distributions import Categorical
from worlds import clinic_in_a_table, random_table

import pg_helpers as pg


class WithValues(torch.nn.Module):
    """A table of logits and, in the same module, a value for each state."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(random_table(4, 2, seed=3).logits.detach())
        values = np.random.default_rng(2).normal(size=4)
        self.values = torch.nn.Parameter(torch.from_numpy(values))

    def forward(self, observations):
        return Categorical(logits=observations @ self.logits)


def actor_critic(detach: bool):
    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        values = batch.observations @ policy.values
        baseline = values.detach() if detach else values
        weights = total(batch.rewards)[:, None] - baseline
        return -(log_probs * weights * batch.mask).sum(1).mean()

    return loss


def test_a_value_without_detach_trains_the_value_instead():
    """Its gradient is -(d/dV) of -(sum ln pi (R - V)), minus ln pi at each visit."""
    world, _ = clinic_in_a_table()
    policy = WithValues()
    pi = oracles.softmax(policy.logits.detach().numpy())

    def log_prob_at_visits(path):
        found = np.zeros(4)
        for state, action in zip(path.states, path.actions, strict=False):
            found[state] -= np.log(pi[state, action])
        return found

    mean, _ = oracles.moments(world, pi, log_prob_at_visits)
    kept, cut = (
        pg.clinic.examine(actor_critic(detach), mdp=world, policy=policy, gamma=GAMMA)
        for detach in (True, False)
    )
    assert kept.unbiased and not kept.expected[8:].any()
    np.testing.assert_allclose(cut.expected[8:].numpy(), mean, atol=1e-10)
    torch.testing.assert_close(cut.expected[:8], kept.expected[:8])
    assert not cut.unbiased


def test_a_value_network_of_its_own_does_not_matter_to_the_policy():
    values = torch.nn.Linear(2, 1).double()

    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        baseline = values(batch.observations)[..., 0]
        weights = total(batch.rewards)[:, None] - baseline
        critic = ((to_go(batch.rewards) - baseline) ** 2 * batch.mask).sum()
        return -(log_probs * weights * batch.mask).sum(1).mean() + critic

    found = pg.clinic.examine(loss, gamma=GAMMA)
    assert found.unbiased
    assert all(parameter.grad is None for parameter in values.parameters())


def test_the_clipped_ratio_at_the_policy_that_sampled():
    """At ratio 1 nothing is clipped, and the ratio has the gradient of its log."""

    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        ratio = (log_probs - log_probs.detach()).exp()
        weights = total(batch.rewards)[:, None]
        clipped = ratio.clamp(0.8, 1.2)
        surrogate = torch.minimum(ratio * weights, clipped * weights)
        return -(surrogate * batch.mask).sum(1).mean()

    found = pg.clinic.examine(loss, gamma=GAMMA)
    assert found.unbiased and found.cause == ""
    assert found.variance == pytest.approx(found.plain_variance)


def test_an_entropy_bonus_is_not_of_the_gradient_of_j():
    """It adds its own gradient, here by finite differences of the visited entropies."""
    world, policy = clinic_in_a_table()
    strength = 0.3

    def loss(batch, policy):
        distribution = policy(batch.observations)
        log_probs = distribution.log_prob(batch.actions)
        entropy = (distribution.entropy() * batch.mask).sum(1).mean()
        return plain(log_probs, batch.rewards, batch.mask) - strength * entropy

    pi = oracles.softmax(policy.logits.detach().numpy())
    visits, _ = oracles.moments(
        world, pi, lambda path: np.bincount(path.states[:-1], minlength=4)
    )

    def at_fixed_visits(logits):
        """The loss does not differentiate how often a state is visited."""
        rows = oracles.softmax(logits)
        return float(visits @ -(rows * np.log(rows)).sum(1))

    slope = oracles.finite_differences(at_fixed_visits, policy.logits.detach().numpy())
    found = pg.clinic.examine(loss, mdp=world, policy=policy, gamma=GAMMA)
    added = (found.expected - found.gradient).reshape(4, 2).numpy()
    np.testing.assert_allclose(added, strength * slope, atol=1e-8)


def test_truncation_and_termination():
    """One step, then a cut-off; the task goes on, and its values are known.

    The truth is the gradient in a world of one step whose reward holds the value of
    what comes after. To bootstrap where the episode was cut off is right; nowhere, or
    also where it ended, is not.
    """
    long, policy = clinic_in_a_table()
    values = torch.tensor([0.8, -0.5, 1.2, 2.0], dtype=torch.float64)
    parts = (long.initial, long.transition)
    after = GAMMA * values.numpy() * ~long.terminal
    paid = pg.TabularMDP(*parts, long.reward + after, long.terminal, horizon=1)
    short = pg.TabularMDP(*parts, long.reward, long.terminal, horizon=1)
    truth = pg.exact.gradient(paid, policy, GAMMA)

    def bootstrapped(where):
        def loss(batch, policy):
            log_probs = policy(batch.observations).log_prob(batch.actions)
            value = (batch.final_observations @ values) * where(batch)
            weights = batch.rewards + GAMMA * value[:, None]
            return -(log_probs * weights * batch.mask).sum(1).mean()

        return pg.clinic.examine(
            loss, mdp=short, policy=policy, gamma=GAMMA, target=truth
        )

    assert bootstrapped(lambda batch: batch.truncated).unbiased
    assert not bootstrapped(lambda batch: torch.zeros(len(batch.mask))).unbiased
    assert not bootstrapped(lambda batch: torch.ones(len(batch.mask))).unbiased
