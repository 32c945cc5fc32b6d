"""The clinic against a brute force that shares nothing with it, not even autograd."""

import itertools
import math

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import (
    GAMMA,
    PATIENTS,
    Patient,
    mean_within_episode,
    plain,
    powers,
    total,
)
from torch.distributions import Categorical
from worlds import clinic_in_a_table, random_table, sparse_world

import pg_helpers as pg


def table_of(policy: pg.TabularPolicy) -> np.ndarray:
    return oracles.softmax(policy.logits.detach().numpy())


def slopes(loss, log_probs, rewards, mask) -> np.ndarray:
    """How the loss changes with each log-probability, by four points: error ~ 1e-13.

    A loss is linear or an exponential in these.
    """
    step, found = 1e-3, np.zeros(log_probs.shape)
    for place in np.ndindex(log_probs.shape):

        def value(shift, place=place):
            moved = log_probs.copy()
            moved[place] += shift
            tensors = map(torch.from_numpy, (moved, rewards, mask))
            return float(loss(*tensors))

        near = value(step) - value(-step)
        far = value(2 * step) - value(-2 * step)
        found[place] = (8 * near - far) / (12 * step)
    return found


def brute_force(loss, mdp, pi, num_trajectories):
    """Mean and total variance of minus the gradient, over all batches, one by one."""
    chances, rows = [], []
    horizon = mdp.horizon
    for batch in itertools.product(oracles.paths(mdp, pi), repeat=num_trajectories):
        shape = (num_trajectories, horizon)
        # At padded steps state 0, action 0, reward 0.
        states, actions = np.zeros(shape, int), np.zeros(shape, int)
        rewards, mask = np.zeros(shape), np.zeros(shape, bool)
        for row, path in enumerate(batch):
            length = len(path.actions)
            states[row, :length], actions[row, :length] = path.states[:-1], path.actions
            rewards[row, :length], mask[row, :length] = path.rewards, True
        log_probs = np.log(pi[states, actions])
        weights = slopes(loss, log_probs, rewards, mask)
        gradient = np.zeros_like(pi)
        for place in np.ndindex(shape):
            score = oracles.score(pi, states[place], actions[place])
            gradient -= weights[place] * score
        chances.append(math.prod(path.probability for path in batch))
        rows.append(gradient.ravel())
    chances, rows = np.array(chances), np.array(rows)
    mean = chances @ rows
    return mean, float(chances @ ((rows - mean) ** 2).sum(1))


NAMES = [f"{p.loss.__name__}, {p.num_trajectories}" for p in PATIENTS]
# What looks at its own log-probability with a detach has no slope by differences.
SMOOTH = [p for p in PATIENTS if p.loss.__name__ != "baseline_that_saw_the_action"]


@pytest.mark.parametrize("patient", SMOOTH, ids=lambda p: p.loss.__name__)
def test_bias_and_variance_by_brute_force(patient: Patient):
    world, policy = clinic_in_a_table()
    pi = table_of(policy)
    mean, variance = brute_force(patient.loss, world, pi, patient.num_trajectories)
    truth, _ = oracles.gradient_moments(world, pi, GAMMA)
    truth = truth.ravel()
    found = pg.clinic.examine(
        patient.loss,
        mdp=world,
        policy=policy,
        gamma=GAMMA,
        num_trajectories=patient.num_trajectories,
    )
    length = np.linalg.norm(truth)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    np.testing.assert_allclose(found.gradient.numpy(), truth, atol=1e-10)
    assert found.variance == pytest.approx(variance, abs=1e-8)
    error = np.linalg.norm(mean - truth) / length
    assert found.relative_error == pytest.approx(error, abs=1e-8)
    assert found.scale == pytest.approx(mean @ truth / length**2, abs=1e-8)
    if np.linalg.norm(mean) > 1e-8:
        cosine = mean @ truth / length / np.linalg.norm(mean)
        assert found.cosine == pytest.approx(cosine, abs=1e-8)


@pytest.mark.parametrize("patient", PATIENTS, ids=NAMES)
def test_every_fault_is_told_and_named(patient: Patient):
    found = pg.clinic.examine(
        patient.loss, gamma=GAMMA, num_trajectories=patient.num_trajectories
    )
    assert found.unbiased is patient.unbiased
    assert (found.relative_error < 1e-6) is patient.unbiased
    assert found.cause == (patient.cause or "")
    assert found.verdict.startswith("Unbiased") is patient.unbiased
    for fault in (patient.cause or "").split(", and "):
        assert fault.lower() in found.verdict.lower()


def test_another_size_is_told_and_the_first_of_equal_recipes_named():
    """For one trajectory the mean of its episode is that of all steps of the batch."""
    found = pg.clinic.examine(
        lambda *batch: 3 * mean_within_episode(*batch), gamma=GAMMA
    )
    assert found.cause == (
        "the factor gamma^t is dropped, and the mean over the episode is subtracted, "
        "and all of it is multiplied by 3"
    )


def test_the_plain_variance_in_closed_form():
    world, policy = clinic_in_a_table()
    _, variances = oracles.gradient_moments(world, table_of(policy), GAMMA)
    for number in (1, 2):
        found = pg.clinic.examine(
            plain, mdp=world, policy=policy, gamma=GAMMA, num_trajectories=number
        )
        assert found.plain_variance == pytest.approx(variances.sum() / number)
        assert found.variance == pytest.approx(variances.sum() / number)


def test_a_baseline_that_saw_the_action_by_its_closed_form():
    """With weights R - b(s, a) the bias is minus the sum of E[b grad ln pi].

    In a world of one step the baseline ln pi(a|s) takes away the mean of
    ln pi grad ln pi, which over logits is pi_a (ln pi_a + H), H the entropy.
    """
    world, policy = pg.two_armed_bandit((0.4, 0.6)), random_table(3, 2, seed=1)
    pi = table_of(policy)[0]
    entropy = -(pi * np.log(pi)).sum()
    truth = pi * (np.array([0.4, 0.6]) - pi @ [0.4, 0.6])
    bias = pi * (np.log(pi) + entropy)

    def loss(log_probs, rewards, mask):
        weights = rewards - log_probs.detach()
        return -(torch.where(mask, log_probs, 0.0) * weights).sum(1).mean()

    found = pg.clinic.examine(loss, mdp=world, policy=policy)
    np.testing.assert_allclose(found.expected[:2].numpy(), truth - bias, atol=1e-12)
    assert not found.expected[2:].any()


def test_a_batch_and_its_policy_say_the_same_as_log_probs():
    def of_batch(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        return plain(log_probs, batch.rewards, batch.mask)

    for world in (None, sparse_world()):
        one = pg.clinic.examine(plain, mdp=world, gamma=GAMMA)
        other = pg.clinic.examine(of_batch, mdp=world, gamma=GAMMA)
        torch.testing.assert_close(one.expected, other.expected, rtol=0, atol=1e-14)
        assert one.variance == pytest.approx(other.variance)
        assert one.unbiased and other.unbiased


def test_the_batch_is_as_the_world_makes_it():
    world = pg.clinic.standard_world()
    seen = []

    def loss(batch, policy):
        seen.append(batch)
        return policy(batch.observations).log_prob(batch.actions).sum()

    pg.clinic.examine(loss)
    pi = np.full((4, 2), 0.5)
    assert len(seen) == len(oracles.paths(world, pi)) == 31
    told = set()
    for batch in seen:
        length = int(batch.lengths)
        assert batch.rewards.shape == (1, world.horizon)
        assert not batch.actions[0, length:].any()
        assert not batch.rewards[0, length:].any()
        padded = batch.observations[0, length:].numpy()
        assert (padded == world.observations[0]).all()
        last = batch.final_observations[0].numpy()
        ended = bool((last == world.observations[3]).all())
        assert bool(batch.truncated) is not ended
        told.add((tuple(batch.rewards[0].tolist()), tuple(batch.actions[0].tolist())))
    rewards = {
        (tuple(p.rewards + (0.0,) * (4 - len(p.rewards))),)
        for p in oracles.paths(world, pi)
    }
    assert {(row,) for row, _ in told} == rewards


def test_the_most_likely_action_as_label():
    """The expected gradient: each state's visits with a return, at its best action."""
    world, policy = clinic_in_a_table()
    pi = table_of(policy)

    def loss(batch, policy):
        logits = policy(batch.observations).logits
        best = Categorical(logits=logits).log_prob(logits.argmax(-1))
        return plain(best, batch.rewards, batch.mask)

    def by_hand(path):
        weight = oracles.discounted(path.rewards, GAMMA)
        places = [oracles.score(pi, s, pi[s].argmax()) for s in path.states[:-1]]
        return weight * sum(places)

    mean, variance = oracles.moments(world, pi, by_hand)
    found = pg.clinic.examine(loss, mdp=world, policy=policy, gamma=GAMMA)
    np.testing.assert_allclose(found.expected.numpy(), mean.ravel(), atol=1e-10)
    assert found.variance == pytest.approx(variance.sum())
    assert found.cause == (
        "the most likely action stands where the sampled one belongs"
    )


def test_batch_mean_shortens_by_one_over_n():
    def batch_mean(log_probs, rewards, mask):
        weights = total(rewards)[:, None]
        return -((weights - weights.mean()) * log_probs * mask).sum(1).mean()

    two = pg.clinic.examine(batch_mean, gamma=GAMMA, num_trajectories=2)
    assert two.scale == pytest.approx(1 / 2)
    assert two.verdict.startswith("Straight uphill, but 2 times too short")
    one = pg.clinic.examine(batch_mean, gamma=GAMMA)
    assert "num_trajectories=2" in one.verdict and math.isinf(one.relative_error)


def test_too_many_batches_are_sampled_with_their_errors():
    """All of 31^4 batches cannot be listed; the variance of the mean of 4 is known."""
    world, policy = clinic_in_a_table()
    _, variances = oracles.gradient_moments(world, table_of(policy), GAMMA)
    length = pg.exact.gradient(world, policy, GAMMA).norm().item()

    def examine(loss, seed=0):
        return pg.clinic.examine(
            loss, mdp=world, policy=policy, gamma=GAMMA, num_trajectories=4, seed=seed
        )

    found = examine(plain)
    assert "3,000 sampled batches of 4" in found.examined
    # A variance is estimated from 3000 squares to about 5 %.
    assert found.variance == pytest.approx(variances.sum() / 4, rel=0.2)
    expected_error = math.sqrt(variances.sum() / 4 / 3000) / length
    assert found.standard_error == pytest.approx(expected_error, rel=0.1)
    assert 0 < found.relative_error < 4 * found.standard_error and found.unbiased
    assert "as far as a sample tells" in found.verdict
    wrong = examine(lambda *batch: -plain(*batch))
    assert not wrong.unbiased and wrong.verdict.startswith("Straight downhill")
    assert examine(plain).relative_error == found.relative_error
    assert examine(plain, seed=1).relative_error != found.relative_error


def test_another_target():
    """Without gamma^t the sum of gradients of the values at the visited states."""
    world, policy = clinic_in_a_table()
    truth = pg.exact.gradient(world, policy, GAMMA)
    found = pg.clinic.examine(
        lambda *batch: 3 * plain(*batch),
        mdp=world,
        policy=policy,
        gamma=GAMMA,
        target=3 * truth,
    )
    assert found.unbiased
    against_j = pg.clinic.examine(plain, mdp=world, policy=policy, gamma=GAMMA)
    torch.testing.assert_close(found.gradient, 3 * against_j.gradient)


def test_single_precision_is_judged_by_its_own_rounding():
    world, _ = clinic_in_a_table()
    policy = random_table(4, 2, seed=3).float()

    def single(log_probs, rewards, mask):
        assert log_probs.dtype == rewards.dtype == torch.float32
        weights = (powers(rewards).float() * rewards).sum(1)
        return -((log_probs * mask).sum(1) * weights).mean()

    found = pg.clinic.examine(single, mdp=world, policy=policy, gamma=GAMMA)
    assert found.unbiased and 0 < found.relative_error < 1e-4


def test_nothing_outside_is_changed():
    policy = random_table(4, 2)
    before = policy.logits.detach().clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()

    def noisy(log_probs, rewards, mask):
        rewards += torch.rand(())  # its own copy
        return plain(log_probs, rewards, mask)

    world, _ = clinic_in_a_table()
    pg.clinic.examine(noisy, mdp=world, policy=policy)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(policy.logits, before) and policy.logits.grad is None
    assert torch.get_num_threads() == threads
