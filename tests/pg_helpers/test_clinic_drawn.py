"""Trajectories are drawn where they cannot be listed: the same verdicts, with doubt."""

import math

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import (
    GAMMA,
    PATIENTS,
    discounted_to_go,
    summed,
    to_go,
    total,
    weighted,
)
from worlds import numbers_of, random_network, random_table

import pg_helpers as pg
from pg_helpers import exact
from pg_helpers.clinic import draws


@pytest.fixture
def no_lists(monkeypatch):
    """As if no world could be listed."""
    monkeypatch.setattr(exact, "MEMORY_LIMIT", 0)
    monkeypatch.setattr(draws, "_MOST", 2**13)


@pytest.mark.parametrize("rewards", ["rare", "never 0", "never 0 or always 0"])
def test_trajectories_are_drawn_by_their_law_and_by_the_other(rewards):
    """Chi-square of each half; the oracle lists by plain recursion."""
    base = pg.clinic.standard_world()
    reward = np.zeros_like(base.reward)
    reward[2, 1, 3] = 3.0
    if rewards == "never 0":
        reward[:] = 1.0
    elif rewards == "never 0 or always 0":
        reward[:, 0] = 1.0  # no first step by action 1 is paid
    ends = base.terminal, base.horizon
    world = pg.TabularMDP(base.initial, base.transition, reward, *ends)
    policy = random_table(4, 2, seed=1)
    pi = oracles.softmax(policy.logits.detach().numpy())
    paths = oracles.paths(world, pi)
    chance = np.array([path.probability for path in paths])
    paid = np.array([any(path.rewards) for path in paths])
    other = np.zeros_like(chance)
    kinds = [kind for kind in (paid, ~paid) if kind.any()]
    for kind in kinds:
        other += kind * chance / chance[kind].sum() / len(kinds)

    found, more = draws.draw(world, torch.from_numpy(pi), 8, seed=0)

    numbers = {path.key: number for number, path in enumerate(paths)}
    lengths = found.mask.sum(1).tolist()
    drawn = []
    for states, actions, length in zip(
        found.states.tolist(), found.actions.tolist(), lengths, strict=True
    ):
        steps = zip(actions[:length], states[1:], strict=False)
        drawn.append(numbers[states[0], *(part for step in steps for part in step)])
    half, drawn = len(drawn) // 2, np.array(drawn)
    for some, law in ((drawn[:half], chance), (drawn[half:], other)):
        counts = np.bincount(some, minlength=len(paths))
        assert not counts[law == 0].any()
        assert oracles.chi_square_excess(counts[law > 0], law[law > 0]) < 1
    np.testing.assert_allclose(more, (other / chance)[drawn], rtol=1e-12)
    paid_for = [sum(paths[number].rewards) for number in drawn]
    np.testing.assert_allclose(found.rewards.sum(1), paid_for)


# Losses whose mean dynamic programming knows, by the weights of a step.
KNOWN = [
    (1, lambda r, m: total(r)),
    (1, lambda r, m: to_go(r)),
    (1, lambda r, m: total(r, 0.99)),
    (1, lambda r, m: to_go(r, 0.99)),
    (1, lambda r, m: -3 * to_go(r, 1.0)),
    (2, lambda r, m: total(r) - total(r).flip(0)),
    (2, lambda r, m: to_go(r) - to_go(r).flip(0)),
    (2, lambda r, m: total(r) - total(r).mean()),
]


def examined(loss, N, **options):
    return pg.clinic.examine(loss, gamma=GAMMA, num_trajectories=N, **options)


def rarely_paid():
    """The standard world, where most trajectories have no reward any more."""
    world = pg.clinic.standard_world()
    reward = world.reward.copy()
    reward[:, 0] = reward[0] = reward[2, 1, 3] = 0
    ends = world.terminal, world.horizon, world.observations
    return pg.TabularMDP(world.initial, world.transition, reward, *ends)


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_verdict_is_that_of_all_trajectories(patient, request):
    loss, N, world = patient.loss, patient.num_trajectories, rarely_paid()
    listed = examined(loss, N, mdp=world)
    request.getfixturevalue("no_lists")
    found = examined(loss, N, mdp=world)
    assert found.answer in (listed.answer, "cannot tell")
    if found.answer == "fails":
        return  # two trajectories without a reward cannot be whitened
    off = (found.expected - listed.expected).norm() / listed.gradient.norm()
    assert off <= 5 * found.standard_error + 1e-9
    assert found.standard_error < 0.4 * max(1, listed.relative_error)
    assert found.cause == listed.cause
    assert math.isclose(found.variance, listed.variance, rel_tol=0.2, abs_tol=1e-12)
    assert "sampled" in found.examined


@pytest.mark.parametrize("N, weigh", KNOWN)
def test_the_mean_of_a_loss_that_is_recognised_is_exact(N, weigh, no_lists):
    found = examined(weighted(weigh), N)
    assert found.standard_error == 0


@pytest.mark.parametrize("lam", [0.0, 0.95, 1.0])
def test_the_mean_of_gae_is_exact(lam, request):
    def loss(log_probs, rewards, mask, values):
        advantages = pg.gae(rewards, values, mask, GAMMA, lam)
        return summed(log_probs, advantages, mask)

    listed = examined(loss, 1)
    request.getfixturevalue("no_lists")
    found = examined(loss, 1)
    torch.testing.assert_close(found.expected, listed.expected, rtol=0, atol=1e-10)
    assert found.standard_error == 0


@pytest.mark.parametrize(
    "target", [pg.clinic.entropy_regularised(0.3), pg.clinic.kl_regularised(0.3)]
)
def test_the_gradient_of_a_penalty_needs_no_list(target, request):
    listed = examined(PATIENTS[0].loss, 1, target=target)
    request.getfixturevalue("no_lists")
    found = examined(PATIENTS[0].loss, 1, target=target)
    torch.testing.assert_close(found.gradient, listed.gradient, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.expected, listed.expected, rtol=0, atol=1e-10)


def test_groups_of_one_start_are_drawn(request):
    """The mean over the group of 2 halves the gradient, also in batches of two."""
    world = pg.corridor(3, horizon=3)
    options = {"mdp": world, "policy": random_network(world), "groups": (2, 2)}

    def loss(log_probs, mask, advantages):
        return summed(log_probs, advantages, mask)

    request.getfixturevalue("no_lists")
    found = pg.clinic.examine(loss, gamma=GAMMA, advantages="group", **options)
    assert math.isclose(found.relative_error, 0.5, rel_tol=1e-9)
    assert found.cause == "the mean over the group is subtracted"


def old_and_new(log_probs, old_log_probs, rewards, mask):
    return summed((log_probs - old_log_probs).exp(), total(rewards), mask)


@pytest.mark.parametrize(
    "options",
    [
        {"groups": (2, 2), "num_trajectories": None},
        {"target": pg.clinic.ppo_clip(0.2)},
        {"behaviour": pg.clinic.standard_policy(pg.clinic.standard_world())},
    ],
)
def test_what_needs_a_list_is_refused(options, no_lists):
    with pytest.raises(ValueError, match="mdp: .* trajectories can be listed"):
        pg.clinic.examine(old_and_new, gamma=GAMMA, **options)


def test_a_ratio_is_examined_on_the_policy_alone(no_lists):
    found = examined(old_and_new, 1)
    assert found.unbiased and found.off_policy is None
    assert "trajectories of another policy" in found.not_examined


def test_too_few_batches_are_no_verdict(no_lists):
    found = examined(PATIENTS[1].loss, 100)
    assert found.answer == "cannot tell" and "batches of 100" in found.verdict


def centred_by_time(rewards):
    return (
        discounted_to_go(rewards) - 0.3 * torch.arange(1.0, 1 + rewards.shape[1]).sqrt()
    )


def against_the_other(rewards):
    other = rewards.sum(dim=1, keepdim=True).roll(1, 0)
    return (
        discounted_to_go(rewards) - torch.arange(1.0, 1 + rewards.shape[1]) - other**2
    )


def without_large(rewards):
    return total(rewards.where(rewards < 100, 0))


@pytest.mark.parametrize(
    "weigh, N, chance, large",
    [
        (centred_by_time, 1, 1e-6, 1e6),  # none is drawn, and it matters
        (against_the_other, 2, 1e-4, 1e6),  # one is, or a few
        (without_large, 1, 1e-6, 1e6),  # biased where nothing was drawn
    ],
)
def test_what_is_drawn_too_rarely_is_no_verdict(weigh, N, chance, large, no_lists):
    """The mean of the first two is the gradient of J: baselines of other steps."""
    go, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    go[0, :, 0], go[0, :, 1], go[1:, :, 2] = 1 - chance, chance, 1
    reward[0, 0], reward[0, 1], reward[1, 0], reward[1, 1] = 0.5, 1, 0.5, large
    ends = np.array([False, False, True]), 4
    world = pg.TabularMDP(np.array([1.0, 0, 0]), go, reward, *ends)
    policy = pg.policy_for(world).double()
    for seed in range(3):
        found = examined(
            weighted(lambda r, m: weigh(r)), N, mdp=world, policy=policy, seed=seed
        )
        assert found.answer == "cannot tell"


def test_powers_in_float32_are_rounding():
    """On this lake the sample alone leaves half a per cent of doubt."""
    lake = pg.from_gymnasium("FrozenLake8x8-v1")
    policy = pg.policy_for(lake).double()

    def right(log_probs, rewards, mask):
        powers = 0.95 ** torch.arange(rewards.shape[1])
        return summed(log_probs, powers * pg.rewards_to_go(rewards, 0.95), mask)

    assert pg.clinic.examine(right, mdp=lake, policy=policy, gamma=0.95).unbiased


def test_frozen_lake_is_examined_at_its_own_horizon():
    """Returns are 0 on 98 % of its trajectories, of which there are 10^57."""
    lake = pg.from_gymnasium("FrozenLake-v1")
    policy = pg.policy_for(lake).double()

    def dropped(log_probs, rewards, mask):
        return summed(log_probs, pg.rewards_to_go(rewards, 0.95), mask)

    found = pg.clinic.examine(dropped, mdp=lake, policy=policy, gamma=0.95)
    weight = pg.exact.estimator_mean(lake, policy, 0.95, discounted=False)
    truth = pg.exact.gradient_by_dp(lake, policy, 0.95)
    assert found.cause == "the factor gamma^t is dropped"
    error = float((weight - truth).norm() / truth.norm())
    assert math.isclose(found.relative_error, error, rel_tol=1e-9)
    assert numbers_of(policy).abs().max() == 0  # it is left alone
