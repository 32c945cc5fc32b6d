"""Losses of a batch and a policy: ratios, values, baselines, ends and cut-offs."""

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import GAMMA, plain, total
from torch.distributions import Categorical
from worlds import clinic_in_a_table, random_table, sparse_world

import pg_helpers as pg


def log_probs_of(batch, policy):
    return policy(batch.observations).log_prob(batch.actions)


def of_batch(batch, policy):
    return plain(log_probs_of(batch, policy), batch.rewards, batch.mask)


def clipped_ratio(batch, policy):
    """At the policy that sampled, nothing is clipped, and a ratio is its log."""
    log_probs = log_probs_of(batch, policy)
    ratio = (log_probs - log_probs.detach()).exp()
    weights = total(batch.rewards)
    surrogate = torch.minimum(ratio * weights, ratio.clamp(0.8, 1.2) * weights)
    return -(surrogate * batch.mask).sum(1).mean()


@pytest.mark.parametrize("loss", [of_batch, clipped_ratio])
@pytest.mark.parametrize("world", [pg.clinic.standard_world(), sparse_world()])
def test_right_losses_of_a_batch_and_its_policy(loss, world):
    found = pg.clinic.examine(loss, mdp=world, gamma=GAMMA)
    assert found.unbiased
    assert found.cause == ""
    assert found.variance == pytest.approx(found.plain_variance)
    assert not found.pushes[:, world.terminal.tolist()].any()


def test_the_batches_are_the_trajectories_of_the_world():
    """Padded steps hold the observation of state 0, action 0 and reward 0."""
    world = pg.clinic.standard_world()
    horizon, seen = world.horizon, []

    def loss(batch, policy):
        # mask, truncated, actions, rewards, observations and the last observation
        parts = (batch.mask, batch.truncated, batch.actions, batch.rewards)
        ends = (batch.observations, batch.final_observations)
        rows = [part.flatten().tolist() for part in (*parts, *ends)]
        seen.append([float(number) for row in rows for number in row])
        return log_probs_of(batch, policy).sum()

    pg.clinic.examine(loss, num_trajectories=1)
    expected = []
    for path in oracles.paths(world, np.full((4, 2), 0.5)):
        taken, missing = len(path.actions), horizon - len(path.actions)
        row = [1.0] * taken + [0.0] * missing
        row += [0.0 if world.terminal[path.states[-1]] else 1.0]
        row += [*map(float, path.actions), *[0.0] * missing]
        row += [*path.rewards, *[0.0] * missing]
        states = [*path.states[:-1], *[0] * missing, path.states[-1]]
        row += world.observations[states].ravel().tolist()
        expected.append(row)
    alone = [row for row in seen if len(row) == len(expected[0])]
    assert sorted({*map(tuple, alone)}) == sorted(map(tuple, expected))


class WithValues(torch.nn.Module):
    """A table of logits and, in the same module, a value for each state."""

    def __init__(self):
        super().__init__()
        self.logits = random_table(4, 2, seed=3).logits
        values = torch.tensor([0.2, -0.5, 1.5, 0.7], dtype=torch.float64)
        self.values = torch.nn.Parameter(values)

    def forward(self, observations):
        return Categorical(logits=observations @ self.logits)


@pytest.mark.parametrize("detach", [True, False])
def test_a_value_without_detach_trains_the_value_instead(detach):
    """The gradient by the values of -(sum ln pi (R - V)) is ln pi at each visit."""
    world, policy = clinic_in_a_table()
    pi = oracles.softmax(policy.logits.detach().numpy())

    def loss(batch, policy):
        values = batch.observations @ policy.values
        weights = total(batch.rewards) - (values.detach() if detach else values)
        return -(log_probs_of(batch, policy) * weights * batch.mask).sum(1).mean()

    def minus_log_prob_at_visits(path):
        found = np.zeros(4)
        for state, action in zip(path.states, path.actions, strict=False):
            found[state] -= 0 if detach else np.log(pi[state, action])
        return found

    found = pg.clinic.examine(loss, mdp=world, policy=WithValues(), gamma=GAMMA)
    of_logits = pg.exact.gradient(world, policy, GAMMA)
    of_values, _ = oracles.moments(world, pi, minus_log_prob_at_visits)
    expected = np.concatenate([of_logits.numpy(), of_values])
    np.testing.assert_allclose(found.expected.numpy(), expected, atol=1e-10)
    assert found.unbiased is detach


def greedy(batch, policy):
    best = policy(batch.observations).logits.max(-1).values
    return plain(best, batch.rewards, batch.mask)


def spread(batch, policy):
    everything = policy(batch.observations).logits.sum(-1)
    return plain(everything, batch.rewards, batch.mask)


@pytest.mark.parametrize(
    "loss, cause",
    [
        (greedy, "the most likely action is used in place of the sampled one"),
        (spread, "the weight is spread over all actions, not put on the sampled one"),
    ],
)
def test_other_actions_than_the_sampled_one_are_noticed(loss, cause):
    found = pg.clinic.examine(loss, gamma=GAMMA)
    assert not found.unbiased
    assert found.cause == cause
