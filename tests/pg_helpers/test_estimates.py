"""Samples against the truth: frequencies and gradients, with their errors."""

from itertools import product

import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from oracles import (
    chi_square_excess,
    discounted,
    gradient_moments,
    moments,
    path_score,
    paths,
    score,
    softmax,
)
from worlds import WORLDS, random_table

import pg_helpers as pg

WORLD = WORLDS["random (3, 2), horizon 4"]
SMALL = pg.random_mdp(3, 2, 2, seed=6)
N = 20_000


def table_for(mdp):
    """A random policy, and its probabilities in NumPy."""
    policy = random_table(mdp.num_states, mdp.num_actions)
    return policy, softmax(policy.logits.detach().numpy())


def as_network(table):
    """The same probabilities from a network without hidden layers."""
    policy = pg.MLPPolicy(*table.logits.shape, hidden=()).double()
    with torch.no_grad():
        policy.network[0].weight.copy_(table.logits.T)
        policy.network[0].bias.zero_()
    return policy


def in_lock_step(policy):
    envs = SyncVectorEnv([lambda: pg.TabularEnv(SMALL)] * 200)
    return pg.sample_trajectories(envs, policy, 3000)


@pytest.mark.parametrize(
    "sample",
    [
        lambda policy: pg.sample_trajectories(SMALL, policy, N),
        lambda policy: pg.sample_trajectories(SMALL, as_network(policy), N),
        in_lock_step,
        lambda policy: in_lock_step(as_network(policy)),
    ],
    ids=["table", "network", "table in lock-step", "network in lock-step"],
)
def test_trajectories_are_as_frequent_as_they_are_probable(sample):
    # 52 possible trajectories; Pearson's statistic below its 0.9999 quantile.
    policy, pi = table_for(SMALL)
    counts = {path.key: 0 for path in paths(SMALL, pi)}
    batch = sample(policy)
    states, actions = batch.observations.argmax(-1).tolist(), batch.actions.tolist()
    last = batch.final_observations.argmax(-1).tolist()
    for row, length in enumerate(batch.lengths.tolist()):
        visited = [*states[row][:length], last[row]]
        key = [visited[0]]
        for time in range(length):
            key += [actions[row][time], visited[time + 1]]
        counts[tuple(key)] += 1
    assert len(counts) == 52
    probabilities = [path.probability for path in paths(SMALL, pi)]
    assert chi_square_excess(list(counts.values()), probabilities) < 1


def weighted_score(pi, path, weights):
    total = np.zeros_like(pi)
    for state, action, weight in zip(path.states, path.actions, weights, strict=False):
        total += weight * score(pi, state, action)
    return total


@pytest.mark.parametrize("name", ["random (3, 2), horizon 4", "slippery grid"])
@pytest.mark.parametrize("kind", ["total return", "rewards to go"])
def test_the_sampled_gradient_is_the_exact_one_within_4_standard_errors(name, kind):
    # Eq. (19); without discount, what was paid before an action may be left out. The
    # error of each component is sqrt(Var / N), with the variance by enumeration.
    gamma = 0.9 if kind == "total return" else 1.0
    policy, pi = table_for(WORLDS[name])

    def weighted(path):
        first = [0 if kind == "total return" else t for t in range(len(path.rewards))]
        weights = [discounted(path.rewards[t:], gamma) for t in first]
        return weighted_score(pi, path, weights)

    batch = pg.sample_trajectories(WORLDS[name], policy, N)
    estimator = pg.total_return if kind == "total return" else pg.rewards_to_go
    log_probs = policy(batch.observations).log_prob(batch.actions)
    loss = pg.pseudo_loss(log_probs, estimator(batch.rewards, gamma), batch.mask)
    found = -torch.autograd.grad(loss, policy.logits)[0].numpy()
    exact, _ = gradient_moments(WORLDS[name], pi, gamma)
    error = (moments(WORLDS[name], pi, weighted)[1] / N) ** 0.5
    assert (np.abs(found - exact) - 4 * error).max() < 1e-12
    assert (np.abs(exact) > 8 * error).any(), "a wrong sign would not be seen"


def test_with_discount_rewards_to_go_lack_the_factor_of_their_time():
    # R may be replaced by what remains of it at t: the sum over k >= t of gamma^k r_k,
    # which is gamma^t times the rewards to go. These restart the discount at t, so
    # that they alone are weights of another direction than the gradient of J.
    _, pi = table_for(WORLD)
    exact, _ = gradient_moments(WORLD, pi, 0.5)

    def mean_with(factor):
        def weighted(path):
            rewards = torch.tensor([path.rewards], dtype=torch.float64)
            weights = pg.rewards_to_go(rewards, 0.5)[0].tolist()
            weights = [w * factor**time for time, w in enumerate(weights)]
            return weighted_score(pi, path, weights)

        return moments(WORLD, pi, weighted)[0]

    np.testing.assert_allclose(mean_with(0.5), exact, atol=1e-12)
    assert np.abs(mean_with(1.0) - exact).max() > 0.05


def test_the_batch_mean_shrinks_the_gradient_by_one_minus_one_over_n():
    # The expectation over all batches of 3 trajectories, by enumeration.
    mdp = pg.random_mdp(2, 2, 1, seed=6)
    _, pi = table_for(mdp)
    mean = np.zeros_like(pi)
    for batch in product(paths(mdp, pi), repeat=3):
        returns = [discounted(path.rewards, 0.9) for path in batch]
        returns = torch.tensor(returns, dtype=torch.float64)
        weights = pg.subtract_batch_mean(returns, torch.ones(3, 1, dtype=torch.bool))
        probability = np.prod([path.probability for path in batch])
        for path, weight in zip(batch, weights.tolist(), strict=True):
            mean += probability * weight * path_score(pi, path) / 3
    expected = 2 / 3 * gradient_moments(mdp, pi, 0.9)[0]
    np.testing.assert_allclose(mean, expected, atol=1e-12)
