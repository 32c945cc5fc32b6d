"""How a loss is asked: every way, every N and both paddings against a brute force."""

import math

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import (
    ALL_STEPS,
    GAMMA,
    OTHERS,
    PATIENTS,
    T_STEPS,
    discounted_to_go,
    of_all_pairs,
    plain,
    powers,
    summed,
    to_go,
    total,
    weighted,
    white,
)
from test_clinic import brute_force, clinic_until, table_of
from worlds import random_table

import pg_helpers as pg
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic import measure
from pg_helpers.clinic.answers import answers
from pg_helpers.clinic.case import Case

BANDIT = pg.two_armed_bandit((1.0, 3.0), noise=0.5)
WAYS = (measure.AT_ONCE, measure.BY_LENGTHS, measure.ONE_BY_ONE)


def mean_over_steps(log_probs, rewards, mask):
    return -(total(rewards) * log_probs)[mask].mean()


def mean_over_all(log_probs, rewards, mask):
    return -(total(rewards) * log_probs * mask).mean()


def leave_one_out(log_probs, rewards, mask):
    returns = total(rewards)
    others = (returns.sum() - returns) / (len(returns) - 1)
    return summed(log_probs, returns - others, mask)


def whitened(log_probs, rewards, mask):
    returns = total(rewards)
    return summed(log_probs, white(returns, returns, correction=1), mask)


def whitened_steps(log_probs, rewards, mask):
    """The spread is that of the padded table."""
    weights = discounted_to_go(rewards)
    return summed(log_probs, weights / (weights.std() + 0.1), mask)


def ranked(log_probs, rewards, mask):
    """The order of the returns in the batch stands for them."""
    below = (total(rewards) > total(rewards).mT).sum(1, keepdim=True)
    return summed(log_probs, below.double(), mask)


def first_counts_double(log_probs, rewards, mask):
    counts = torch.ones(len(mask), 1, dtype=torch.float64)
    counts[0] = 2
    return summed(log_probs, counts * total(rewards), mask)


def first_only(log_probs, rewards, mask):
    return plain(log_probs[:1], rewards[:1], mask[:1])


def discounted_by_length(log_probs, rewards, mask):
    """The discount counts back from the padded end."""
    return summed(log_probs, powers(rewards).flip(0) * to_go(rewards), mask)


def wrong_and_noisy(log_probs, rewards, mask):
    """Downhill, with a hundred times the noise: scores have the mean zero."""
    return summed(log_probs, -total(rewards) + 100.0, mask)


def noisy_over_pairs(log_probs, rewards, mask):
    """Noise that no single trajectory shows: products of two scores."""
    scores = (log_probs * mask).sum(1)
    returns = total(rewards)[:, 0]
    others = (returns.sum() - returns) / max(1, len(returns) - 1)
    return plain(log_probs, -rewards, mask) - 100 * (others * scores).mean()


# loss, N that is chosen, and whether padding makes a difference
CHOSEN = [
    (plain, 1, False),
    (weighted(lambda rewards, mask: total(rewards) ** 2), 1, False),
    (first_only, 1, False),
    (mean_over_all, 1, True),
    (discounted_by_length, 1, True),
    (mean_over_steps, 2, False),
    (of_all_pairs, 2, False),
    (leave_one_out, 2, False),
    (whitened, 2, False),
    (whitened_steps, 2, True),
    (ranked, 2, False),
    (first_counts_double, 2, False),
]


@pytest.mark.parametrize(
    "loss, N, padded", CHOSEN, ids=lambda x: getattr(x, "__name__", x)
)
def test_the_smallest_n_is_chosen_and_each_padding_is_that_of_brute_force(
    loss, N, padded
):
    world, policy = clinic_until(horizon=2)
    found = pg.clinic.examine(loss, mdp=world, policy=policy, gamma=GAMMA)
    truth, _ = oracles.gradient_moments(world, table_of(policy), GAMMA)
    length = np.linalg.norm(truth)
    assert found.num_trajectories == N
    assert ("mixes" in found.examined) is (N > 1)
    here = [row for row in found.rows if row.num_trajectories == N]
    assert len(here) == 1 + padded
    for row, cut in zip(here, (False, True), strict=False):
        mean, _ = brute_force(loss, world, table_of(policy), N, cut)
        error = np.linalg.norm(mean - truth.ravel()) / length
        assert row.relative_error == pytest.approx(error, abs=1e-8)
        assert row.scale == pytest.approx(mean @ truth.ravel() / length**2, abs=1e-8)
    worst = max(row.relative_error for row in here)
    assert found.answer == ("unbiased" if worst < 1e-9 else "biased")
    larger = [row for row in found.rows if row.num_trajectories > N]
    assert len(larger) == (N > 1)


UNIFORM = pg.TabularPolicy(3, 2).double()
FLAT = np.full((3, 2), 0.5)
BATCHED = [of_all_pairs, whitened, whitened_steps, ranked, first_counts_double]


def on_the_bandit(loss, **options):
    return pg.clinic.examine(loss, mdp=BANDIT, policy=UNIFORM, gamma=GAMMA, **options)


@pytest.mark.parametrize("loss", BATCHED)
def test_a_larger_n_is_measured_too(loss):
    """With four trajectories there are 256 batches of four: all are asked."""
    found = on_the_bandit(loss, num_trajectories=2)
    truth = oracles.gradient_moments(BANDIT, FLAT, GAMMA)[0].ravel()
    for row, N in zip(found.rows, (2, 4), strict=True):
        mean, _ = brute_force(loss, BANDIT, FLAT, N)
        error = np.linalg.norm(mean - truth) / np.linalg.norm(truth)
        assert row.num_trajectories == N
        assert row.relative_error == pytest.approx(error, abs=1e-8)
        assert row.standard_error == 0


@pytest.mark.parametrize(
    "loss", [plain, of_all_pairs, whitened, first_counts_double, mean_over_steps]
)
def test_batches_are_listed_once_up_to_order_or_in_every_order(loss):
    """All 4^5 = 1,024 batches of five are more than are listed without a thought."""
    found = on_the_bandit(loss, num_trajectories=5)
    assert found.examined == "all 1,024 batches of 5 trajectories"
    mean, variance = brute_force(loss, BANDIT, FLAT, 5)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    assert found.variance == pytest.approx(variance, abs=1e-8)


@pytest.mark.parametrize("N", [1, 2, 3])
def test_each_way_of_asking_gives_the_same_gradients(N):
    """Mapped over all batches, over those of equal lengths, or one by one."""
    world, policy = clinic_until(horizon=3)
    case = Case(world, policy, GAMMA)
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(len(case.states), (15, N), generator=generator)
    used = set()
    for loss in {*(p.loss for p in PATIENTS), *(loss for loss, *_ in CHOSEN)}:
        for cut in (False, True):
            told = []
            for way in WAYS:
                asker = measure.Asker(BoundLoss(loss), case)
                asker.way = way
                try:
                    told.append(asker(index, cut))
                    used.add(way)
                except (measure.SlowerError, measure.FaultError):
                    continue
            for other in told[:-1]:
                gap = (other - told[-1]).norm()
                assert gap <= 1e-12 * told[-1].norm()
    assert used == set(WAYS)


def looks_into_rewards(log_probs, rewards, mask):
    """A decision by a number, which cannot be mapped."""
    return plain(log_probs, rewards, mask) if rewards.sum() > 0 else 0 * log_probs.sum()


def of_the_policy(batch, policy):
    log_probs = policy(batch.observations).log_prob(batch.actions)
    return plain(log_probs, batch.rewards, batch.mask)


def by_own_functions(log_probs, rewards, mask):
    """What the package offers for losses can be mapped, too."""
    weights = pg.total_return(rewards, GAMMA)[:, None] + pg.rewards_to_go(rewards, 0.5)
    return -(weights * log_probs * mask).sum(1).mean()


def by_pseudo_loss(log_probs, rewards, mask):
    weights = pg.subtract_batch_mean(pg.total_return(rewards, GAMMA), mask)
    return pg.pseudo_loss(log_probs, weights, mask)


@pytest.mark.parametrize(
    "loss, way",
    [
        (plain, measure.AT_ONCE),
        (by_own_functions, measure.AT_ONCE),
        (by_pseudo_loss, measure.BY_LENGTHS),
        (of_the_policy, measure.AT_ONCE),
        (mean_over_steps, measure.BY_LENGTHS),
        (looks_into_rewards, measure.ONE_BY_ONE),
    ],
)
def test_the_fastest_way_is_taken(loss, way):
    world, policy = clinic_until(horizon=3)
    asker = measure.Asker(BoundLoss(loss), Case(world, policy, GAMMA))
    index = torch.arange(6).reshape(3, 2)
    while True:
        try:
            asker(index)
            break
        except measure.SlowerError:
            continue
    assert asker.way == way


def test_a_policy_that_the_loss_finds_elsewhere_is_seen():
    """Mapped by log-probabilities alone, half of the gradient would be missing."""
    world, policy = clinic_until(horizon=3)

    def loss(log_probs, batch):
        own = policy(batch.observations).log_prob(batch.actions)
        return plain((log_probs + own) / 2, batch.rewards, batch.mask)

    options = {"mdp": world, "policy": policy, "gamma": GAMMA}
    assert pg.clinic.examine(loss, **options).unbiased
    with_weights = policy.logits  # not by its name in the policy

    def by_tensor(log_probs, batch):
        table = (batch.observations @ with_weights).log_softmax(-1)
        own = table.gather(-1, batch.actions[..., None])[..., 0]
        return plain((log_probs + own) / 2, batch.rewards, batch.mask)

    assert pg.clinic.examine(by_tensor, **options).unbiased


@pytest.fixture
def few(monkeypatch):
    """Samples where batches would be listed, and small ones."""
    monkeypatch.setattr(measure, "LISTED", (20, 20, 20))
    monkeypatch.setattr(measure, "DRAWN", (600, 600, 600))


def test_a_sample_of_a_recognised_loss_has_the_exact_mean(few):
    for loss, cause in (
        (plain, ""),
        (leave_one_out, OTHERS),
        (mean_over_all, T_STEPS),
        (mean_over_steps, ALL_STEPS),
        (whitened, "returns are whitened over the batch"),
    ):
        world, policy = clinic_until(horizon=2)
        options = {"mdp": world, "policy": policy, "gamma": GAMMA}
        found = pg.clinic.examine(loss, num_trajectories=3, **options)
        assert found.examined == "600 sampled batches of 3 trajectories"
        assert found.cause == cause
        mean, _ = brute_force(loss, world, table_of(policy), 3)
        np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
        assert found.standard_error == 0


def test_a_sample_is_exact_where_trajectories_are_not_mixed(few):
    def squares(log_probs, rewards, mask):
        return summed(log_probs, total(rewards) ** 2, mask)

    world, policy = clinic_until(horizon=2)
    options = {"mdp": world, "policy": policy, "gamma": GAMMA}
    found = pg.clinic.examine(squares, num_trajectories=8, **options)
    mean, variance = brute_force(squares, world, table_of(policy), 1)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    assert found.variance == pytest.approx(variance / 8, rel=0.2)
    assert found.standard_error < 1e-9
    assert found.answer == "biased"


def test_the_standard_error_is_that_of_repeated_samples(few):
    """The order of returns is no recipe; its mean over 4^4 batches is known."""
    mean, _ = brute_force(ranked, BANDIT, FLAT, 4)
    asker = measure.Asker(BoundLoss(ranked), Case(BANDIT, UNIFORM, GAMMA))
    found = [answers(asker, 4, seed) for seed in range(40)]
    errors = [float((f.expected - torch.tensor(mean)).norm()) for f in found]
    told = [f.uncertain for f in found]
    root_mean_square = math.sqrt(np.mean(np.square(errors)))
    # Of 40 squares the root mean square varies by about 11 %.
    assert root_mean_square == pytest.approx(np.mean(told), rel=0.4)
    assert len(set(errors)) == 40


@pytest.mark.parametrize("N", range(1, 9))
def test_no_answer_is_false_however_noisy_a_loss_is(few, N):
    def right_and_noisy(log_probs, rewards, mask):
        noise = wrong_and_noisy(log_probs, rewards, mask)
        return noise + 2 * plain(log_probs, rewards, mask)

    for seed in range(3):
        options = {"num_trajectories": N, "seed": seed}
        for loss in (wrong_and_noisy, noisy_over_pairs):
            assert on_the_bandit(loss, **options).answer in ("biased", "cannot tell")
        for loss in (plain, right_and_noisy, *([leave_one_out] if N > 1 else [])):
            assert on_the_bandit(loss, **options).answer != "biased"


def test_a_sample_that_is_too_small_says_so_and_what_it_would_take(few):
    found = on_the_bandit(ranked_right, num_trajectories=6)
    assert found.answer == "cannot tell"
    assert not found.unbiased
    bound = found.relative_error + 5 * found.standard_error
    assert found.verdict.startswith("Cannot tell whether it is biased: the sample's")
    assert f"A tolerance above {100 * bound:.2g} %" in found.verdict
    wider = on_the_bandit(ranked_right, num_trajectories=6, tolerance=1.01 * bound)
    assert wider.unbiased
    assert wider.verdict.startswith(f"Unbiased to within {101 * bound:.2g} %: ")
    assert (
        on_the_bandit(ranked_right, num_trajectories=6, tolerance=0.99 * bound).answer
        == "cannot tell"
    )


def ranked_right(log_probs, rewards, mask):
    """Right, with a baseline of the others that is no recipe: the median."""
    returns = total(rewards)[:, 0]
    others = returns.expand(len(returns), -1).clone()
    others[torch.eye(len(returns), dtype=torch.bool)] = torch.inf
    median = others.sort(dim=1).values[:, (len(returns) - 1) // 2]
    return summed(log_probs, (returns - median)[:, None], mask)


def test_single_precision_is_asked_in_single_precision():
    """Numbers with few digits: the weights are exact, and so is all that follows."""
    policy = random_table(3, 2, seed=3).float()
    pi = oracles.softmax(policy.logits.detach().double().numpy())
    for loss in (plain, of_all_pairs, leave_one_out, mean_over_steps):

        def checked(log_probs, rewards, mask, loss=loss):
            assert log_probs.dtype == rewards.dtype == torch.float32
            return loss(log_probs, rewards, mask)

        options = {"mdp": BANDIT, "policy": policy, "gamma": GAMMA}
        found = pg.clinic.examine(checked, num_trajectories=2, **options)
        mean, _ = brute_force(loss, BANDIT, pi, 2)
        truth = oracles.gradient_moments(BANDIT, pi, GAMMA)[0].ravel()
        np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
        np.testing.assert_allclose(found.gradient.numpy(), truth, atol=1e-12)


def jackpot():
    """One step in a hundred thousand pays ten thousand."""
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    transition[0, 0, [1, 2]] = 1 - 1e-5, 1e-5
    transition[0, 1, 1] = transition[1, :, 2] = 1
    reward[0, 0, 2], reward[1, 1, 2], reward[0, 1, 1] = 1e4, 0.5, -0.2
    return pg.TabularMDP([1, 0, 0], transition, reward, [0, 0, 1], 2)


def clipped(log_probs, rewards, mask):
    return plain(log_probs, rewards.clamp(-1, 1), mask)


def clipped_one_by_one(log_probs, rewards, mask):
    least = [[min(1.0, max(-1.0, r)) for r in row] for row in rewards.tolist()]
    return plain(log_probs, torch.tensor(least, dtype=torch.float64), mask)


@pytest.mark.parametrize("loss", [clipped, clipped_one_by_one])
def test_a_sample_misses_no_rare_trajectory(few, loss):
    """The policy draws the jackpot once in 200,000 trajectories."""
    world, policy = jackpot(), pg.TabularPolicy(3, 2).double()
    options = {"mdp": world, "policy": policy, "gamma": GAMMA}
    found = pg.clinic.examine(loss, num_trajectories=8, **options)
    mean, _ = brute_force(loss, world, FLAT, 1)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    assert found.answer == "biased"
    right = pg.clinic.examine(plain, num_trajectories=8, **options)
    assert right.answer == "unbiased"


def test_what_a_sample_leaves_out_is_not_vouched_for(monkeypatch):
    """Ten batches of two: most of 31 trajectories are in none of them."""
    monkeypatch.setattr(measure, "LISTED", (20, 20, 20))
    monkeypatch.setattr(measure, "DRAWN", (10, 10, 10))
    found = pg.clinic.examine(first_counts_double, num_trajectories=2, gamma=GAMMA)
    assert found.answer in ("biased", "cannot tell")
    found = pg.clinic.examine(leave_one_out, num_trajectories=2, gamma=GAMMA)
    assert found.answer == "cannot tell"
    assert found.rows[0].missed > 10
