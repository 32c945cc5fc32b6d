"""The clinic against a brute force that shares nothing with it, not even autograd."""

import itertools
import math

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import GAMMA, PATIENTS, plain, total, weighted
from hypothesis import given
from hypothesis import strategies as st
from worlds import clinic_in_a_table, random_table

import pg_helpers as pg

BANDIT = pg.two_armed_bandit((1.0, 3.0), noise=0.5)


def table_of(policy):
    return oracles.softmax(policy.logits.detach().numpy())


def clinic_until(horizon):
    """The clinic's world, cut off earlier, and a policy that is a table of logits."""
    world, policy = clinic_in_a_table()
    parts = (world.initial, world.transition, world.reward, world.terminal)
    return pg.TabularMDP(*parts, horizon), policy


def slopes(loss, log_probs, rewards, mask):
    """How the loss changes with each log-probability, by four points: error ~ 1e-13.

    A loss is linear or an exponential in these.
    """
    step, found = 1e-3, np.zeros(log_probs.shape)
    for place in np.ndindex(log_probs.shape):

        def value(shift, place=place):
            moved = log_probs.copy()
            moved[place] += shift
            return float(loss(*map(torch.from_numpy, (moved, rewards, mask))))

        near = value(step) - value(-step)
        far = value(2 * step) - value(-2 * step)
        found[place] = (8 * near - far) / (12 * step)
    return found


def brute_force(loss, mdp, pi, num_trajectories, cut=False):
    """Mean and total variance of minus the gradient, over all batches, one by one."""
    chances, rows = [], []
    for batch in itertools.product(oracles.paths(mdp, pi), repeat=num_trajectories):
        # At padded steps state 0, action 0, reward 0.
        longest = max(len(path.actions) for path in batch)
        shape = (num_trajectories, longest if cut else mdp.horizon)
        states, actions = np.zeros(shape, int), np.zeros(shape, int)
        rewards, mask = np.zeros(shape), np.zeros(shape, bool)
        for row, path in enumerate(batch):
            for time, action in enumerate(path.actions):
                states[row, time], actions[row, time] = path.states[time], action
                rewards[row, time], mask[row, time] = path.rewards[time], True
        weights = slopes(loss, np.log(pi[states, actions]), rewards, mask)
        gradient = np.zeros_like(pi)
        for place in np.ndindex(shape):
            score = oracles.score(pi, states[place], actions[place])
            gradient -= weights[place] * score
        chances.append(math.prod(path.probability for path in batch))
        rows.append(gradient.ravel())
    chances, rows = np.array(chances), np.array(rows)
    mean = chances @ rows
    return mean, float(chances @ ((rows - mean) ** 2).sum(1))


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda p: p.cause or "no cause")
def test_every_loss_is_measured_as_by_brute_force_and_its_fault_named(patient):
    number = patient.num_trajectories
    world, policy = clinic_until(horizon=4 - number)
    options = {"gamma": GAMMA, "num_trajectories": number}
    found = pg.clinic.examine(patient.loss, mdp=world, policy=policy, **options)
    assert found.unbiased is patient.unbiased
    assert found.verdict.startswith("Unbiased") is patient.unbiased
    assert found.cause == patient.cause
    assert patient.cause.lower() in found.verdict.lower()
    assert_measured_by_hand(found, patient, world, table_of(policy))


def assert_measured_by_hand(found, patient, world, pi):
    mean, variance = brute_force(patient.loss, world, pi, patient.num_trajectories)
    truth, plain_variances = oracles.gradient_moments(world, pi, GAMMA)
    truth = truth.ravel()
    length = np.linalg.norm(truth)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    np.testing.assert_allclose(found.gradient.numpy(), truth, atol=1e-10)
    plain_variance = plain_variances.sum() / patient.num_trajectories
    assert found.plain_variance == pytest.approx(plain_variance)
    assert found.variance == pytest.approx(variance, abs=1e-8)
    error = np.linalg.norm(mean - truth) / length
    assert found.relative_error == pytest.approx(error, abs=1e-8)
    assert found.scale == pytest.approx(mean @ truth / length**2, abs=1e-8)
    is_zero = np.linalg.norm(mean) < 1e-8
    cosine = 0 if is_zero else mean @ truth / length / np.linalg.norm(mean)
    assert found.cosine == pytest.approx(cosine, abs=1e-8)
    assert found.standard_error == 0
    for of_step, step in zip(found.pushes, (mean, truth), strict=True):
        for place in np.ndindex(pi.shape):
            slope = pi[place] * oracles.score(pi, *place).ravel() @ step
            assert float(of_step[place]) == pytest.approx(slope, abs=1e-8)


@given(
    factor=st.one_of(st.just(1.0), st.floats(-9, -0.1), st.floats(0.1, 9)),
    constant=st.floats(-100, 100),
)
def test_a_right_loss_times_a_number_is_that_much_too_long(factor, constant):
    found = pg.clinic.examine(
        lambda *batch: factor * plain(*batch) + constant, mdp=BANDIT, gamma=GAMMA
    )
    assert found.unbiased is (abs(factor - 1) < 1e-6)
    assert found.scale == pytest.approx(factor)
    assert found.cosine == pytest.approx(math.copysign(1, factor))
    assert found.relative_error == pytest.approx(abs(factor - 1), abs=1e-9)
    assert found.variance == pytest.approx(factor**2 * found.plain_variance)
    way = "uphill" if factor > 0 else "downhill"
    start = "Unbiased" if found.unbiased else f"Straight {way}"
    assert found.verdict.startswith(start)


@pytest.mark.parametrize(
    ("make_world", "objective", "length"),
    [
        (pg.clinic.standard_world, 1.4202063442299335, 0.6782853657288673),
        (pg.clinic.near_tie_world, 1.4618384692165993, 0.7177792222121534),
    ],
)
def test_the_standard_world_and_policy_stay_those_of_the_course(
    make_world, objective, length
):
    """Notebooks quote what the clinic finds in them: any other number shows in J."""
    world = make_world()
    policy = pg.clinic.standard_policy(world)
    pi = policy(torch.tensor(world.observations)).probs.detach().numpy()
    gradient = pg.exact.gradient(world, policy, pg.clinic.GAMMA)
    found = pg.clinic.examine(plain, mdp=world, num_trajectories=2)
    assert found.examined == "all 961 pairs of trajectories"
    assert len(found.cloud) == 2 + 300  # mean, truth, and the likeliest
    assert oracles.objective(world, pi, 0.95) == pytest.approx(objective)
    assert float(gradient.norm()) == pytest.approx(length)


def closest_returns(world, gamma):
    """The smallest difference between two returns.

    At gamma = 1 the same steps in another order have the same return; those count as
    one.
    """
    returns = {}
    for path in oracles.paths(world, np.full((4, 2), 0.5)):
        steps = sorted(zip(path.states, path.actions, path.states[1:], strict=False))
        name = tuple(steps) if gamma == 1 else path.key
        returns[name] = oracles.discounted(path.rewards, gamma)
    assert len(returns) == (29 if gamma == 1 else 31)
    pairs = itertools.combinations(returns.values(), 2)
    return min(abs(one - other) for one, other in pairs)


@pytest.mark.parametrize("gamma", [0.9, 0.95, 0.98, 0.99, 1])
def test_no_two_returns_of_the_standard_world_nearly_tie(gamma):
    assert closest_returns(pg.clinic.standard_world(), gamma) > 0.02


def test_two_returns_of_the_near_tie_world_nearly_tie():
    closest = closest_returns(pg.clinic.near_tie_world(), pg.clinic.GAMMA)
    assert closest == pytest.approx(0.00027, abs=5e-6)


@pytest.mark.parametrize("epsilon", [1e-8, 1e-6, 1e-5])
def test_whitening_is_recognised_whatever_small_constant_it_has(epsilon):
    def whitened(rewards, mask):
        returns = total(rewards, pg.clinic.GAMMA)
        return (returns - returns.mean()) / (returns.std() + epsilon)

    found = pg.clinic.examine(weighted(whitened), num_trajectories=2)
    assert found.cause == "returns are whitened over the batch"


def test_the_picture_shows_the_likeliest_gradients_where_they_scatter_most():
    world, policy = clinic_until(horizon=3)
    found = pg.clinic.examine(plain, mdp=world, policy=policy, gamma=GAMMA)
    pi = table_of(policy)
    paths = oracles.paths(world, pi)
    chances = np.array([path.probability for path in paths])
    rows = np.array(
        [
            oracles.discounted(p.rewards, GAMMA) * oracles.path_score(pi, p)
            for p in paths
        ]
    ).reshape(len(paths), -1)
    truth = chances @ rows
    along = truth / np.linalg.norm(truth)
    rest = rows - np.outer(rows @ along, along)
    widest = np.linalg.eigvalsh(rest.T @ (chances[:, None] * rest)).max()
    x, y, chance = found.cloud[2:].numpy().T
    assert chance.tolist() == pytest.approx(sorted(chances, reverse=True))
    assert x.tolist() == pytest.approx(
        (rows @ along)[np.argsort(-chances, kind="stable")]
    )
    assert chance @ y**2 == pytest.approx(widest)


def test_no_loss_meets_what_the_policy_never_does():
    world, policy = clinic_until(horizon=4)
    with torch.no_grad():
        policy.logits[2, 1] -= 10_000
    every = oracles.paths(world, table_of(policy))
    possible = [path for path in every if path.probability > 0]
    found = pg.clinic.examine(plain, mdp=world, policy=policy, gamma=GAMMA)
    assert found.examined == f"all {len(possible)} trajectories"
    assert len(possible) < len(every)
    assert found.unbiased


def test_another_target_takes_the_place_of_the_gradient():
    world, policy = clinic_until(horizon=2)
    target = torch.arange(8.0)
    options = {"mdp": world, "policy": policy, "gamma": GAMMA}
    found = pg.clinic.examine(plain, target=target, **options)
    gradient = pg.exact.gradient(world, policy, GAMMA)
    torch.testing.assert_close(found.gradient, target.double())
    cosine = torch.cosine_similarity(gradient, target.double(), dim=0)
    assert found.cosine == pytest.approx(float(cosine))
    assert "not the target" in found.verdict
    assert "gradient of J" not in found.verdict + str(found) + found.alt


def test_single_precision_is_judged_by_its_own_rounding():
    world, _ = clinic_until(horizon=4)
    policy = random_table(4, 2, seed=3).float()
    found = pg.clinic.examine(plain, mdp=world, policy=policy, gamma=GAMMA)
    assert found.unbiased
    assert 1e-8 < found.relative_error < 1e-4


def test_nothing_outside_is_changed():
    policy = random_table(4, 2)
    before = policy.logits.detach().clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()

    def hostile(log_probs, rewards, mask):
        torch.rand(())
        value = plain(log_probs, rewards.clone(), mask.clone())
        rewards.zero_()
        mask.zero_()
        return value

    world, _ = clinic_until(horizon=2)
    found = pg.clinic.examine(hostile, mdp=world, policy=policy, gamma=GAMMA)
    assert found.unbiased
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(policy.logits, before)
    assert policy.logits.grad is None
    assert torch.get_num_threads() == threads
