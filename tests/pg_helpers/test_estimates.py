"""Samples against the truth: frequencies, means and gradients, with their errors."""

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

# One-hot worlds, in which a table sees every state.
CHOSEN = ("random (3, 2), horizon 4", "random (4, 3), horizon 3", "slippery grid")
each_world = pytest.mark.parametrize("mdp", [WORLDS[n] for n in CHOSEN], ids=CHOSEN)
N = 20_000


def table_for(mdp, seed=0):
    """A random policy, and its probabilities in NumPy."""
    policy = random_table(mdp.num_states, mdp.num_actions, seed)
    return policy, softmax(policy.logits.detach().numpy())


def estimate(policy, batch, weights):
    """The gradient estimate that the loss gives, of the shape of the table."""
    log_probs = policy(batch.observations).log_prob(batch.actions)
    loss = pg.pseudo_loss(log_probs, weights, batch.mask)
    return -torch.autograd.grad(loss, policy.logits)[0].numpy()


def assert_within_4_standard_errors(found, mean, error):
    # Where nothing varies, at terminal states, nothing may differ but by rounding.
    excess = np.abs(found - mean) - 4 * error
    assert excess.max() < 1e-12, f"{(np.abs(found - mean) / error).max():.1f} errors"


def step_by_step(mdp, policy, number):
    vector = SyncVectorEnv([lambda: pg.TabularEnv(mdp)] * 200)
    return [pg.sample_trajectories(vector, policy, number)]


def as_network(table):
    """The same probabilities from a network without hidden layers."""
    policy = pg.MLPPolicy(*table.logits.shape, hidden=()).double()
    with torch.no_grad():
        policy.network[0].weight.copy_(table.logits.T)
        policy.network[0].bias.zero_()
    return policy


ROADS = {
    "network, table": (
        lambda m, p, n: [pg.sample_trajectories(m, as_network(p), n)],
        20_000,
    ),
    "network, lock-step": (lambda m, p, n: step_by_step(m, as_network(p), n), 6000),
    "table": (lambda m, p, n: [pg.sample_trajectories(m, p, n)], 20_000),
    "lock-step": (step_by_step, 6000),
    "in rounds of 7": (
        lambda m, p, n: [pg.sample_trajectories(pg.TabularVectorEnv(m, 7), p, n)],
        6000,
    ),
    "plain loop": (
        lambda m, p, n: [
            pg.sample_trajectory(pg.TabularEnv(m), p, seed) for seed in range(n)
        ],
        3000,
    ),
}


@pytest.mark.parametrize(("sample", "number"), ROADS.values(), ids=ROADS.keys())
def test_trajectories_are_as_frequent_as_they_are_probable(sample, number):
    # 52 possible trajectories; Pearson's statistic below its 0.9999 quantile.
    mdp = pg.random_mdp(3, 2, 2, seed=6)
    policy, pi = table_for(mdp)
    counts = {path.key: 0 for path in paths(mdp, pi)}
    for batch in sample(mdp, policy, number):
        visited = torch.cat([batch.observations, batch.final_observations[:, None]], 1)
        states = visited.argmax(-1)
        for row, length in enumerate(batch.lengths.tolist()):
            states[row, length] = batch.final_observations[row].argmax()
            key = [int(states[row, 0])]
            for time in range(length):
                key += [int(batch.actions[row, time]), int(states[row, time + 1])]
            counts[tuple(key)] += 1
    assert len(counts) == 52
    assert sum(counts.values()) == number
    probabilities = [path.probability for path in paths(mdp, pi)]
    assert chi_square_excess(list(counts.values()), probabilities) < 1


@each_world
def test_the_mean_return_is_j_within_its_error(mdp):
    # Eq. (9). The standard error is sqrt(Var R / N), by enumeration.
    policy, pi = table_for(mdp)
    mean, variance = moments(mdp, pi, lambda path: discounted(path.rewards, 0.9))
    batch = pg.sample_trajectories(mdp, policy, N)
    found = pg.total_return(batch.rewards, 0.9).mean().item()
    assert_within_4_standard_errors(found, mean, (variance / N) ** 0.5)
    assert pg.exact.objective(mdp, policy, 0.9).item() == pytest.approx(mean, abs=1e-12)


@each_world
def test_lengths_and_cuts_are_as_frequent_as_they_should_be(mdp):
    policy, pi = table_for(mdp)

    def length_and_cut(path):
        return len(path.actions), not mdp.terminal[path.states[-1]]

    mean, variance = moments(mdp, pi, length_and_cut)
    batch = pg.sample_trajectories(mdp, policy, N)
    found = [batch.lengths.double().mean(), batch.truncated.double().mean()]
    assert_within_4_standard_errors(np.array(found), mean, (variance / N) ** 0.5)


@each_world
@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_the_sampled_gradient_is_the_exact_one_within_its_error(mdp, gamma):
    # Eq. (19). The standard error of each component is sqrt(Var / N), with the variance
    # of one trajectory's estimate by enumeration.
    policy, pi = table_for(mdp)
    batch = pg.sample_trajectories(mdp, policy, N)
    found = estimate(policy, batch, pg.total_return(batch.rewards, gamma))
    exact = pg.exact.gradient(mdp, policy, gamma).reshape(found.shape).numpy()
    variance = gradient_moments(mdp, pi, gamma)[1]
    assert_within_4_standard_errors(found, exact, (variance / N) ** 0.5)
    significant = np.abs(exact) > 8 * (variance / N) ** 0.5
    assert significant.any(), "a wrong sign would not be seen"


def to_go(path, gamma):
    return [discounted(path.rewards[time:], gamma) for time in range(len(path.rewards))]


def weighted_score(pi, path, weights):
    total = np.zeros_like(pi)
    for state, action, weight in zip(path.states, path.actions, weights, strict=False):
        total += weight * score(pi, state, action)
    return total


@each_world
def test_without_discount_rewards_to_go_give_the_same_gradient_within_its_error(mdp):
    # What was paid before an action does not depend on it, so leaving it out changes
    # the variance alone: it is that of the weighted score, by enumeration.
    policy, pi = table_for(mdp)
    batch = pg.sample_trajectories(mdp, policy, N)
    found = estimate(policy, batch, pg.rewards_to_go(batch.rewards, 1.0))
    exact = pg.exact.gradient(mdp, policy, 1.0).reshape(found.shape).numpy()
    _, variance = moments(mdp, pi, lambda p: weighted_score(pi, p, to_go(p, 1.0)))
    assert_within_4_standard_errors(found, exact, (variance / N) ** 0.5)


def test_with_discount_rewards_to_go_lack_the_factor_of_their_time():
    # R may be replaced by what remains of it at t: the sum over k >= t of gamma^k r_k,
    # which is gamma^t times the rewards to go. These restart the discount at t, so
    # that alone they are weights of another direction than the gradient of J. Both
    # expectations are taken over all trajectories: nothing is sampled here.
    mdp, gamma = WORLDS["random (3, 2), horizon 4"], 0.5
    _, pi = table_for(mdp)
    exact, _ = gradient_moments(mdp, pi, gamma)

    def mean_with(factor):
        def weighted(path):
            rewards = torch.tensor([path.rewards], dtype=torch.float64)
            weights = pg.rewards_to_go(rewards, gamma)[0].tolist()
            weights = [w * factor**time for time, w in enumerate(weights)]
            return weighted_score(pi, path, weights)

        return moments(mdp, pi, weighted)[0]

    np.testing.assert_allclose(mean_with(gamma), exact, atol=1e-12)
    assert np.abs(mean_with(1.0) - exact).max() > 0.05


def test_the_batch_mean_shrinks_the_gradient_by_one_minus_one_over_n():
    # 3,000 batches of 4: the mean of their estimates is 3/4 of the gradient, within 4
    # standard errors of that mean, taken from the spread of the batches.
    mdp = WORLDS["random (3, 2), horizon 4"]
    policy, pi = table_for(mdp)
    batch = pg.sample_trajectories(mdp, policy, 12_000)
    returns = pg.total_return(batch.rewards, 0.9).reshape(-1, 4)
    every = torch.ones(4, 1, dtype=torch.bool)
    centred = torch.cat([pg.subtract_batch_mean(row, every) for row in returns])
    # The estimate of a batch is a sum over its rows: weigh the score of each.
    scores = np.array([row_score(pi, batch, row) for row in range(len(centred))])
    by_row = centred.numpy()[:, None, None] * scores
    estimates = by_row.reshape(-1, 4, *pi.shape).mean(1)
    np.testing.assert_allclose(
        estimates.mean(0), estimate(policy, batch, centred), atol=1e-12
    )
    exact, _ = gradient_moments(mdp, pi, 0.9)
    error = estimates.std(0, ddof=1) / len(estimates) ** 0.5
    assert_within_4_standard_errors(estimates.mean(0), 0.75 * exact, error)
    assert (np.abs(estimates.mean(0) - exact) > 4 * error).any()


def row_score(pi, batch, row):
    total = np.zeros_like(pi)
    length = int(batch.lengths[row])
    states = batch.observations[row, :length].argmax(-1).tolist()
    for state, action in zip(states, batch.actions[row].tolist(), strict=False):
        total += score(pi, state, action)
    return total


def test_scores_have_mean_zero():
    # The sum over k of the gradient of P(tau_k) is zero: by enumeration, and for the
    # weights 1 that an untrained eye takes for harmless, within 4 standard errors.
    mdp = WORLDS["random (4, 3), horizon 3"]
    policy, pi = table_for(mdp)
    mean, variance = moments(mdp, pi, lambda path: path_score(pi, path))
    np.testing.assert_allclose(mean, np.zeros_like(pi), atol=1e-12)
    batch = pg.sample_trajectories(mdp, policy, N)
    found = estimate(policy, batch, torch.ones(N))
    assert_within_4_standard_errors(found, mean, (variance / N) ** 0.5)
