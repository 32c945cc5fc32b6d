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
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.answers import ask
from pg_helpers.clinic.batches import sampled_batches
from pg_helpers.clinic.case import Case
from pg_helpers.clinic.causes import cause_of
from pg_helpers.clinic.measure import Asker

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


def gae(rewards, values, done, lam=0.95, cut_value=True, cut_sum=True):
    """Backward over one row of steps; `done` says where V and the sum are cut."""
    found, ahead, after = [], 0.0, 0.0
    for reward, value, end in reversed(list(zip(rewards, values, done, strict=True))):
        kept = 1.0 - end
        step = reward + GAMMA * after * (kept if cut_value else 1) - value
        ahead = step + GAMMA * lam * ahead * (kept if cut_sum else 1)
        found, after = [ahead, *found], value
    return torch.stack(found)


def flat_gae(shift=0, with_values=True, **options):
    """All steps of the batch in one row; `done` is read so many steps late."""

    def loss(log_probs, rewards, values, dones, episode):
        done = dones.double().roll(shift)
        if shift:
            done[0 if shift > 0 else -1] = 0
        weights = gae(rewards, values * with_values, done, **options)
        return -(weights * log_probs).sum() / dones.sum()

    return loss


def padded_gae(start_over=True, rows=None, lam=0.95):
    """Each episode for itself, with or without its last row."""

    def loss(log_probs, rewards, values, mask):
        weights = torch.zeros_like(rewards)
        for number, length in enumerate(mask.sum(1).tolist()):
            kept = min(length, rows or length)
            parts = [part[number, :length].clone() for part in (rewards, values)]
            if kept < length:  # V of the row that is left out is all that is known
                parts[0][kept] = parts[1][kept]
            done = torch.arange(length) == length - 1
            weights[number, :kept] = gae(*parts, done.double(), lam)[:kept]
        factors = powers(rewards) if start_over else 1.0
        return summed(log_probs, factors * weights, mask)

    return loss


def of_trajectories(combine):
    """What a batch makes of the sums of log-probabilities (N,) and returns (N, 1)."""

    def loss(log_probs, rewards, mask):
        return -combine((log_probs * mask).sum(1), total(rewards))

    return loss


def steps_meet_trajectories(log_probs, rewards, mask):
    return -(log_probs * mask * total(rewards)[:, 0]).sum(1).mean()


def without_last_row(log_probs, rewards, mask):
    kept = rewards * (torch.arange(rewards.shape[1]) < rewards.shape[1] - 1)
    return summed(log_probs, discounted_to_go(kept), mask)


ENDLESS = "the backward sum is never set to 0 at the end of an episode"
LAST_ROW = "the backward sum leaves out the last row of the batch, t = T - 1"
NEIGHBOUR = "each trajectory is weighted with the return of its neighbour in the batch"
PAIRS = "each return is multiplied with the actions of every trajectory, as where "
PAIRS += "(N, 1) meets (N,)"


@pytest.mark.parametrize(
    "loss, cause",
    [
        (padded_gae(), ""),
        (padded_gae(lam=0.0), ""),
        (padded_gae(False), DROPPED),
        (padded_gae(False, lam=1.0), DROPPED),
        (padded_gae(rows=3), LAST_ROW),
        (without_last_row, LAST_ROW),
        (flat_gae(), DROPPED),
        (flat_gae(1), f"`done` is read an index late in GAE, and {DROPPED}"),
        (flat_gae(-1), f"`done` is read an index early in GAE, and {DROPPED}"),
        (flat_gae(cut_sum=False), f"{ENDLESS}, and {DROPPED}"),
        (
            flat_gae(cut_sum=False, cut_value=False),
            f"GAE goes on past the end of an episode, V and sum, and {DROPPED}",
        ),
        (
            flat_gae(with_values=False, lam=1.0, cut_sum=False),
            f"{ENDLESS}, and {DROPPED}",
        ),
        (
            of_trajectories(lambda own, returns: own @ returns.roll(1, 0)[:, 0]),
            NEIGHBOUR,
        ),
        (of_trajectories(lambda own, returns: (own * returns).mean()), PAIRS),
        (
            of_trajectories(lambda own, returns: (own * returns).sum()),
            f"{PAIRS}, and the (N, N) products are summed, not averaged",
        ),
    ],
)
def test_what_goes_wrong_between_trajectories_and_at_their_ends(loss, cause):
    found = examine(loss, num_trajectories=2)
    if cause == NEIGHBOUR:
        cause += ", and trajectories are summed, not averaged"
    assert found.cause == cause
    assert found.unbiased is (cause == "")


def test_a_discount_of_gae_is_named_beside_lambda():
    def loss(log_probs, rewards, values, mask):
        weights = pg.gae(rewards, values, mask, 0.99, 0.95)
        return summed(log_probs, powers(rewards, 0.99) * weights, mask)

    other = "the discount is 0.99, not the gamma that it was examined with"
    assert examine(loss).cause == other


@pytest.mark.parametrize(
    "loss, cause",
    [
        (
            steps_meet_trajectories,
            "step t is weighted with the return of trajectory t, as where (N, T) meets "
            "(N,) and N = T",
        ),
        (flat_gae(1), f"`done` is read an index late in GAE, and {DROPPED}"),
        (
            of_trajectories(lambda own, r: (own * r.roll(-1, 0)[:, 0]).mean()),
            NEIGHBOUR,
        ),
    ],
)
def test_the_same_with_four_trajectories(loss, cause):
    assert examine(loss, num_trajectories=4).cause == cause


def mean_over_all(terms, mask):
    return terms[mask].mean()


def mean_of_sums(terms, mask):
    return (terms * mask).sum(1).mean()


def mean_of_means(terms, mask):
    return ((terms * mask).sum(1) / mask.sum(1)).mean()


def k1(log_ratio):
    return log_ratio


def k2(log_ratio):
    return log_ratio**2 / 2


def k3(log_ratio):
    return (-log_ratio).exp() - 1 + log_ratio


def with_tokens(kind, add_up, beta):
    def loss(log_probs, ref_log_probs, rewards, mask):
        penalty = add_up(kind(log_probs - ref_log_probs), mask)
        return summed(log_probs, total(rewards), mask) + beta * penalty

    return loss


def with_texts(kind, beta):
    def loss(log_probs, ref_log_probs, rewards, mask):
        text = ((log_probs - ref_log_probs) * mask).sum(1)
        return summed(log_probs, total(rewards), mask) + beta * kind(text).mean()

    return loss


def in_rewards(beta):
    def loss(log_probs, ref_log_probs, rewards, mask):
        penalty = (log_probs.detach() - ref_log_probs) * mask
        return summed(log_probs, total(rewards - beta * penalty), mask)

    return loss


KL_ADDED = "a KL penalty of {} is added ({})"
KL_FLIPPED = "the KL penalty of {} is flipped in sign ({})"
OF_K2 = "k2, per text, or in the return: the gradient of KL(pi || ref)"
OF_K3 = "k3, per text: the gradient of KL(ref || pi)"


@pytest.mark.parametrize(
    "loss, cause",
    [
        (with_tokens(k1, mean_of_means, 0.04), KL_ADDED.format(0.04, "k1")),
        (with_tokens(k2, mean_of_sums, 0.04), KL_ADDED.format(0.04, "k2, per token")),
        (with_tokens(k2, mean_over_all, 0.1), KL_ADDED.format(0.1, "k2, per token")),
        (with_tokens(k3, mean_of_sums, 0.04), KL_ADDED.format(0.04, "k3, per token")),
        (with_tokens(k3, mean_of_means, -1), KL_FLIPPED.format(1, "k3, per token")),
        (with_texts(k2, 0.04), KL_ADDED.format(0.04, OF_K2)),
        (with_texts(k3, -0.04), KL_FLIPPED.format(0.04, OF_K3)),
        (in_rewards(0.05), KL_ADDED.format(0.05, "in the rewards")),
        (in_rewards(-0.05), KL_FLIPPED.format(0.05, "in the rewards")),
    ],
)
def test_a_kl_penalty_is_named_with_its_kind_sign_and_weight(loss, cause):
    for N in (2, 4) if "rewards" in cause else (2,):
        assert examine(loss, num_trajectories=N).cause == cause


def test_a_kl_penalty_beside_other_faults_a_baseline_and_an_entropy_bonus():
    def loss(batch, policy, ref_log_probs):
        distribution, mask = policy(batch.observations), batch.mask
        log_probs = distribution.log_prob(batch.actions)
        own = summed(log_probs, to_go(batch.rewards) - 0.6, mask)
        bonus = mean_of_sums(distribution.entropy(), mask)
        penalty = mean_of_sums(k3(log_probs - ref_log_probs), mask)
        return own - 0.02 * bonus + 0.04 * penalty

    parts = DROPPED, "an entropy bonus of 0.02 is added"
    expected = ", and ".join([*parts, KL_ADDED.format(0.04, "k3, per token")])
    assert examine(loss).cause == expected


def test_a_reference_and_values_that_are_not_used_are_no_cause():
    def loss(log_probs, ref_log_probs, values, rewards, mask):
        return summed(log_probs, total(rewards) - 0.5, mask)

    def of_the_bandit(log_probs, ref_log_probs, values, rewards, mask):
        return summed(log_probs, torch.where(rewards > 2, -5.0, 0.7), mask)

    def only_a_penalty(log_probs, ref_log_probs, mask):
        return mean_of_sums(k3(log_probs - ref_log_probs), mask)

    assert examine(loss).cause == examine(only_a_penalty).cause == ""
    bandit = pg.two_armed_bandit()
    torch.manual_seed(8)
    policy = pg.policy_for(bandit, hidden=(8,)).double()
    options = {"mdp": bandit, "policy": policy, "gamma": GAMMA}
    assert pg.clinic.examine(of_the_bandit, **options).cause == ""


@pytest.mark.parametrize("longest", [0.05, 1.0])
@pytest.mark.parametrize("cause", ["", "the sign is flipped", DROPPED])
def test_clipping_of_the_gradient_is_named_with_its_length(longest, cause):
    weigh, add_up = FORMS[cause]

    def run(batch, policy):
        log_probs = log_probs_of(batch, policy)
        add_up(weigh(batch.rewards) * log_probs, batch.mask).backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), longest)

    clipped = f"each batch's gradient is clipped to the length {longest:g}"
    found = examine(pg.clinic.from_backward(run), num_trajectories=2)
    assert found.cause == ", and ".join(filter(None, [cause, clipped]))


def test_half_a_loss_beside_a_bonus_of_another_size():
    def loss(batch, policy):
        distribution = policy(batch.observations)
        log_probs = distribution.log_prob(batch.actions)
        own = minus_sum(total(batch.rewards) * log_probs, batch.mask) / 2
        return own + 0.02 * minus_sum(distribution.entropy(), batch.mask)

    expected = "all of it is multiplied by 0.5, and an entropy bonus of 0.02 is added"
    assert examine(loss).cause == expected


@pytest.mark.parametrize(
    "change, cause",
    [
        (lambda w: w, ""),
        (lambda w: w - w.mean(), "the mean over the group is subtracted"),
        (
            lambda w: w - (w.sum() - w) / (len(w) - 1),
            "the mean of the other trajectories of the group is subtracted",
        ),
        (
            lambda w: (w - w.mean()) / (w.std() + 1e-4),
            "returns are whitened over the group",
        ),
    ],
)
@pytest.mark.parametrize("groups", [(2, 2), (2, 3)])
def test_within_groups(change, cause, groups):
    def loss(log_probs, rewards, mask):
        parts = [change(part) for part in total(rewards).split(groups[1])]
        return summed(log_probs, torch.cat(parts), mask)

    case = Case(WORLD, POLICY, GAMMA, groups=groups)
    index = sampled_batches(case.law, groups[0] * groups[1], 100, seed=0).index
    found = cause_of(ask(Asker(BoundLoss(loss), case), index), case, index)
    assert found is not None
    assert found.in_words(index.shape[1], 1) == cause
