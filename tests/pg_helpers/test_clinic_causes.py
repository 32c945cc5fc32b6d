"""Which fault is named, where other things stand beside it."""

import pytest
import torch
from clinic_losses import (
    ALL_STEPS,
    DROPPED,
    GAMMA,
    LAST_REWARD,
    OWN_STEPS,
    PAST,
    PROBABILITY,
    SAME,
    discounted_to_go,
    powers,
    summed,
    to_go,
    total,
    without_last,
)
from worlds import clinic_in_a_table

import pg_helpers as pg

WORLD, POLICY = clinic_in_a_table()
BESIDE = torch.linspace(-2, 3, 16, dtype=torch.float64).reshape(4, 4).sin()


def log_probs_of(batch, policy):
    return policy(batch.observations).log_prob(batch.actions)


def examine(loss, **options):
    return pg.clinic.examine(loss, mdp=WORLD, policy=POLICY, gamma=GAMMA, **options)


def minus_sum(terms, mask):
    return -(terms * mask).sum(1).mean()


FORMS = {
    "": (discounted_to_go, minus_sum),
    "the sign is flipped": (lambda r: -total(r), minus_sum),
    DROPPED: (to_go, minus_sum),
    SAME: (lambda r: powers(r) * r, minus_sum),
    PAST: (lambda r: r.cumsum(1), minus_sum),
    "the mask is forgotten": (total, lambda terms, mask: -terms.sum(1).mean()),
    OWN_STEPS: (total, lambda t, m: -((t * m).sum(1) / m.sum(1)).mean()),
    ALL_STEPS: (total, lambda terms, mask: -terms[mask].mean()),
    "trajectories are summed, not averaged": (total, lambda t, m: -(t * m).sum()),
}


@pytest.mark.parametrize("cause", FORMS)
@pytest.mark.parametrize("baseline", ["constant", "of state and time"])
def test_a_baseline_hides_no_cause(cause, baseline):
    """What is subtracted depends on the state and the time, not on the action."""
    weigh, add_up = FORMS[cause]

    def loss(batch, policy):
        sign = -1 if cause == "the sign is flipped" else 1
        base = torch.full_like(batch.rewards, 0.6)
        if baseline == "of state and time":
            horizon = batch.rewards.shape[1]
            states = batch.observations.argmax(-1)
            base = BESIDE[states, torch.arange(horizon)]
        weights = weigh(batch.rewards) - sign * base
        return add_up(weights * log_probs_of(batch, policy), batch.mask)

    found = examine(loss, num_trajectories=2)
    assert found.cause == cause
    assert found.unbiased is (cause == "")


@pytest.mark.parametrize("weight", [0.02, -0.3])
@pytest.mark.parametrize("cause", ["", SAME, OWN_STEPS])
def test_an_entropy_bonus_is_named_with_its_sign_and_weight(cause, weight):
    weigh, add_up = FORMS[cause]

    def loss(batch, policy):
        distribution = policy(batch.observations)
        log_probs = distribution.log_prob(batch.actions)
        own = add_up(weigh(batch.rewards) * log_probs, batch.mask)
        return own + weight * add_up(distribution.entropy(), batch.mask)

    found = examine(loss)
    sign = "is added" if weight > 0 else "the sign of the bonus is flipped"
    assert not found.unbiased
    assert cause in found.cause
    assert f"{abs(weight):g}" in found.cause
    assert sign in found.cause


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize(
    "inside, eps",
    [
        *((False, eps) for eps in (1e-8, 1e-6, 1e-5, 1e-4)),
        *((True, eps) for eps in (1e-8, 1e-6, 1e-5)),
    ],
)
def test_whitening_is_named_whatever_the_small_constant(eps, inside, correction):
    def loss(log_probs, rewards, mask):
        returns = total(rewards, 0.95)
        variance = returns.var(correction=correction)
        spread = (variance + eps).sqrt() if inside else variance.sqrt() + eps
        return summed(log_probs, (returns - returns.mean()) / spread, mask)

    found = pg.clinic.examine(loss, num_trajectories=3)
    assert found.cause == "returns are whitened over the batch"


def softmax_twice(batch, policy):
    log_probs = policy(batch.observations).probs.log_softmax(-1)
    return log_probs.gather(-1, batch.actions[..., None])[..., 0]


def tempered(temperature):
    def log_probs(batch, policy):
        logits = policy(batch.observations).logits / temperature
        taken = logits.log_softmax(-1).gather(-1, batch.actions[..., None])
        return taken[..., 0]

    return log_probs


@pytest.mark.parametrize(
    "log_probs, cause",
    [
        (softmax_twice, "softmax is applied twice"),
        (tempered(0.6), "log-probabilities have the temperature 0.6, not the policy's"),
        (tempered(2.0), "log-probabilities have the temperature 2, not the policy's"),
    ],
)
def test_log_probabilities_of_another_distribution(log_probs, cause):
    def loss(batch, policy):
        weights = discounted_to_go(batch.rewards)
        return minus_sum(weights * log_probs(batch, policy), batch.mask)

    for N in (1, 2):
        assert examine(loss, num_trajectories=N).cause == cause


def test_two_faults_and_a_baseline():
    def loss(log_probs, rewards, mask):
        weights = to_go(rewards * without_last(mask)) - 0.4
        return (weights * log_probs * mask).sum(1).mean()

    cause = examine(loss).cause
    for fault in ("the sign is flipped", LAST_REWARD, DROPPED):
        assert fault in cause


def test_probabilities_and_a_baseline():
    def loss(log_probs, rewards, mask):
        return minus_sum((total(rewards) - 0.4) * log_probs.exp(), mask)

    assert examine(loss).cause == PROBABILITY


@pytest.mark.parametrize("N", [1, 2, 4])
@pytest.mark.parametrize("size", [2, 8])
def test_a_right_loss_with_a_baseline_is_accused_of_nothing(N, size):
    """In worlds where few batches say something new."""

    def loss(log_probs, rewards, mask):
        return minus_sum((total(rewards) - 0.5) * log_probs, mask)

    def with_scores(log_probs, rewards, mask):
        return minus_sum((total(rewards) - 0.1) * log_probs, mask)

    for world in (pg.two_armed_bandit(), pg.hill(), pg.corridor(horizon=4)):
        torch.manual_seed(size)
        policy = pg.policy_for(world, hidden=(size,)).double()
        for own in (loss, with_scores):
            options = {"mdp": world, "policy": policy, "gamma": GAMMA}
            found = pg.clinic.examine(own, num_trajectories=N, **options)
            assert found.unbiased and found.cause == ""


def test_where_little_can_be_told_nothing_is_invented():
    """Smoothed log-probabilities, which are no recipe, where few steps are paid."""

    def smoothed(batch, policy):
        probabilities = 0.9 * policy(batch.observations).probs + 0.05
        taken = probabilities.gather(-1, batch.actions[..., None])[..., 0].log()
        return minus_sum(total(batch.rewards) * taken, batch.mask)

    for world in (pg.corridor(horizon=4), pg.two_armed_bandit()):
        torch.manual_seed(0)
        policy = pg.policy_for(world).double()
        for N in (1, 2):
            options = {"mdp": world, "policy": policy, "num_trajectories": N}
            assert pg.clinic.examine(smoothed, gamma=GAMMA, **options).cause == ""


def test_half_a_loss_beside_a_bonus_is_named():
    def loss(batch, policy):
        distribution = policy(batch.observations)
        log_probs = distribution.log_prob(batch.actions)
        own = minus_sum(total(batch.rewards) * log_probs, batch.mask) / 4
        return own + 0.02 * minus_sum(distribution.entropy(), batch.mask)

    cause = examine(loss).cause
    assert "an entropy bonus of 0.02 is added" in cause
    assert "multiplied by 0.25" in cause


def test_what_no_recipe_has_gets_no_cause():
    """Two numbers for four states and times are not a baseline."""

    def cubed(log_probs, rewards, mask):
        return summed(log_probs, total(rewards) ** 3, mask)

    def of_the_action(batch, policy):
        weights = total(batch.rewards) - batch.actions
        return minus_sum(weights * log_probs_of(batch, policy), batch.mask)

    for loss in (cubed, of_the_action):
        found = examine(loss)
        assert found.cause == ""
        assert not found.unbiased


def test_few_batches_do_not_invent_a_cause():
    """Two arms without noise: with a baseline any two weights would fit."""
    bandit = pg.two_armed_bandit((1.0, 3.0), noise=0.0)

    def odd(log_probs, rewards, mask):
        return summed(log_probs, torch.where(rewards > 2, -5.0, 0.7), mask)

    policy = pg.TabularPolicy(3, 2).double()
    options = {"mdp": bandit, "policy": policy, "gamma": GAMMA}
    assert pg.clinic.examine(odd, **options).cause == ""
