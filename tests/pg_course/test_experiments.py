"""What the rooms compute, against closed forms, plain loops and autograd."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import discounted, objective, path_score, paths, softmax
from worlds import random_table

import pg_helpers as pg
from pg_course.nb01_gradient_ascent import experiments as levers
from pg_course.nb02_the_objective.experiments import fit_line
from pg_course.nb04_the_log_derivative_trick import experiments as gaussian
from pg_course.nb05_trajectory_probability.experiments import chi_square
from pg_course.nb06_the_policy_gradient import experiments as plane
from pg_course.nb07_the_policy_network.experiments import drawn
from pg_course.nb08_the_pseudo_loss import experiments as bandit
from pg_course.nb10_exploration import experiments as exploration
from pg_course.nb11_variance_reduction import experiments as lists
from pg_course.nb12_the_loss_clinic.experiments import courses
from pg_course.shared import crowds

MEANS = [0.2, 0.6]
GAMMA = 0.9
# The line 1 + 2x with the errors 1, -1, -1, 1, which are orthogonal to a constant and
# to x. So no line has a smaller MSE than 1.
X, Y = [0.0, 1.0, 2.0, 3.0], [2.0, 2.0, 4.0, 8.0]


def numbers(low, high):
    return st.floats(low, high, allow_nan=False)


# 01: a line and two levers


def test_a_descent_step_follows_the_gradient_of_the_squared_errors():
    # At (0, 0) the errors are -2, -2, -4, -8: the gradient is twice the mean of them,
    # -8, and twice the mean of error times x, -(0 + 2 + 8 + 24) / 2 = -17.
    path = levers.line_path(X, Y, 0.1, 1, [0, 0])
    np.testing.assert_allclose(path, [[0, 0], [0.8, 1.7]])
    np.testing.assert_allclose(levers.squared_errors([[1, 2], [0, 0]], X, Y), [1, 22])


def test_descent_converges_below_and_diverges_above_the_threshold():
    # Second derivatives 2 [[1, 1.5], [1.5, 3.5]]: eigenvalues 4.5 -+ sqrt(15.25).
    threshold = 2 / (4.5 + 15.25**0.5)
    below = levers.line_path(X, Y, 0.99 * threshold, 2000, [0, 0])
    above = levers.line_path(X, Y, 1.01 * threshold, 2000, [0, 0])
    np.testing.assert_allclose(below[-1], [1, 2], atol=1e-6)
    assert abs(above[-1]).max() > 1e6


@given(st.lists(numbers(-2, 2), min_size=2, max_size=2))
def test_an_ascent_step_follows_the_exact_gradient(start):
    logits = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    objective = logits.softmax(0) @ torch.tensor(MEANS, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(objective, logits)
    path = levers.lever_path(MEANS, 0.5, 1, start)
    np.testing.assert_allclose(path, [start, start + 0.5 * gradient.numpy()])


def test_the_steps_of_single_pulls_are_the_four_that_are_possible():
    # pi is (3/4, 1/4). The steps are r (1, -1) / 4 for lever 0 with a reward of 0 or
    # 0.4, and 3 r (-1, 1) / 4 for lever 1 with a reward of 0.4 or 0.8.
    start = [math.log(3), 0]
    paths = levers.pull_paths(MEANS, 0.2, 2.0, 1, start, 4000, seed=3)
    steps = (paths[:, 1] - start).round(9) + 0.0
    values, counts = np.unique(steps, axis=0, return_counts=True)
    np.testing.assert_allclose(values, [[-1.2, 1.2], [-0.6, 0.6], [0, 0], [0.2, -0.2]])
    chances = np.array([1 / 8, 1 / 8, 3 / 8, 3 / 8])
    standard_errors = np.sqrt(4000 * chances * (1 - chances))
    assert (abs(counts - 4000 * chances) < 4 * standard_errors).all()


def test_probabilities_of_two_levers_are_safe_where_logits_are_far_apart():
    pi = levers.probabilities([[0, 2], [1000, -1000]])
    np.testing.assert_allclose(pi, [[1 / (1 + np.e**2), 1 / (1 + np.e**-2)], [1, 0]])


# 02: a line through errors


def test_the_fitted_line_and_its_error_are_those_of_least_squares():
    x, y = np.random.default_rng(0).standard_normal((2, 20))
    errors = np.linspace(0.1, 2, 20)
    slope, error, height = fit_line(x, torch.tensor(y), errors)
    assert [slope, height] == pytest.approx(np.polyfit(x, y, 1))
    weights = np.linalg.pinv(np.column_stack([x, np.ones(20)]))[0]
    assert error == pytest.approx(np.sqrt(weights**2 @ errors**2))


# 04: a Gaussian

# Middles of cells, at whose edges the rewards jump.
GRID = np.arange(-12_000, 12_000) / 1000 + 0.0005


def by_quadrature(rewards, mean, deviation):
    """Mean reward of a Gaussian, on a fine grid."""
    density = np.exp(-(((GRID - mean) / deviation) ** 2) / 2)
    return (rewards * density).sum() / density.sum()


def test_the_rewards_by_hand():
    # At the top of the bump, and one width beside it: exp(-1/2) = 0.6065.
    bump = gaussian.reward("bump", [1.0, 1.5, 0.5])
    assert bump == pytest.approx([1, 0.6065, 0.6065], 1e-3)
    assert gaussian.reward("step", [0.4, 0.5, 0.6]).tolist() == [0, 0, 1]
    places = [-1.0, -0.9, -0.8, -0.7, 0.2, 0.3, 5]
    assert gaussian.staircase(places).tolist() == [0, 3, 3, 0, 0, 1, 1]


@given(st.sampled_from(gaussian.KINDS), numbers(-1, 2), numbers(0.4, 1.3))
def test_the_exact_gradient_is_that_of_the_mean_reward(kind, mean, deviation):
    rewards = gaussian.reward(kind, GRID)
    high, low = (by_quadrature(rewards, mean + d, deviation) for d in (1e-3, -1e-3))
    found = gaussian.exact_gradient(kind, mean, deviation)
    assert found == pytest.approx((high - low) / 2e-3, abs=1e-5)


@given(numbers(-1, 1.5), numbers(0.4, 1.3))
def test_the_objective_of_the_staircase_is_its_mean_reward(mean, deviation):
    expected = by_quadrature(gaussian.staircase(GRID), mean, deviation)
    found = gaussian.staircase_objective(mean, deviation)
    assert found == pytest.approx(expected, abs=1e-6)


def test_what_is_handed_over_is_drawn_from_the_gaussian_with_its_rewards():
    actions, rewards = gaussian.handed_over(3, mean=1, standard_deviation=2, N=20_000)
    assert actions.shape == rewards.shape == (20_000,)
    assert actions.mean() == pytest.approx(1, abs=4 * 2 / 20_000**0.5)
    assert actions.std() == pytest.approx(2, rel=0.03)
    assert (rewards == gaussian.staircase(actions)).all()
    again, other = (gaussian.handed_over(s, 1, 2, 20_000)[0] for s in (3, 4))
    assert (again == actions).all() and (other != actions).any()


# 05: Pearson's test


def test_chi_square_of_a_coin_by_hand():
    # 60 heads of 100, 50 expected: (10^2 + 10^2) / 50 = 4. With one degree of freedom
    # chi-square is a squared standard normal: P(|z| > 2) = erfc(sqrt(2)).
    found = chi_square([60, 40], [0.5, 0.5])
    assert found == (4, 1, pytest.approx(math.erfc(math.sqrt(2))))
    assert chi_square([25, 75], [0.25, 0.75]) == (0, 1, 1)


def test_chi_square_agrees_with_the_printed_table():
    # Six equal cells of n; moving d from one to the other makes 2 d^2 / n.
    counts = np.full(6, 1000.0)
    counts[:2] += np.array([1, -1]) * math.sqrt(11.070 * 1000 / 2)
    found = chi_square(counts, np.full(6, 1 / 6))
    assert found == (pytest.approx(11.070), 5, pytest.approx(0.05, abs=1e-4))


# 06: the plane of two log-odds


@pytest.mark.parametrize("theta", [(0.0, 0.0), (0.25, 1.25), (40.0, -40.0)])
@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_the_plane_is_that_of_all_trajectories_by_plain_recursion(theta, horizon):
    world = pg.hill(horizon=horizon)
    flat = plane.plane_of(world, GAMMA)
    pi = softmax(np.array([[0, theta[0]], [0, theta[1]], [0, 0]]))
    expected = paths(world, pi)
    assert len(flat.actions) == len(expected)
    for k, path in enumerate(expected):
        length = len(path.actions)
        assert flat.states[k, : length + 1].tolist() == list(path.states)
        assert flat.actions[k, :length].tolist() == list(path.actions)
        assert flat.returns[k] == pytest.approx(discounted(path.rewards, GAMMA))
        P = flat.probabilities(theta)[k]
        assert P == pytest.approx(path.probability, abs=1e-14)
        score = path_score(pi, path)[:2, 1]
        np.testing.assert_allclose(flat.scores(theta)[k], score, atol=1e-12)
    exact = objective(world, pi, GAMMA)
    assert flat.objective(theta) == pytest.approx(exact, abs=1e-12)


def test_the_plane_takes_many_thetas_at_once():
    flat = plane.plane_of(pg.hill(), GAMMA)
    thetas = np.array([[[0.0, 1.0], [2.0, -1.0]], [[0.5, 0.5], [-3.0, 2.0]]])
    for of_theta in (flat.probabilities, flat.scores, flat.objective):
        together = of_theta(thetas)
        for place in np.ndindex(2, 2):
            np.testing.assert_allclose(together[place], of_theta(thetas[place]))


def test_shares_uphill_level_and_downhill_by_hand():
    # Inner products with (1, 2): 1, 2, 0, -7, 0 (at a right angle).
    estimates = [[3, -1], [-2, 2], [0, 0], [1, -4], [2, -1]]
    assert plane.shares(estimates, [1, 2]) == pytest.approx([0.4, 0.4, 0.2])
    weighted = plane.shares(estimates, [1, 2], [0.5, 0.1, 0.1, 0.2, 0.1])
    assert weighted == pytest.approx([0.6, 0.2, 0.2])


def test_points_on_each_other_are_put_together():
    points = [[1.0, 2.0], [0.0, 0.0], [1.0, 2.0 + 1e-14], [-0.0, 0.0]]
    places, weights = plane.distinct(points, [0.1, 0.2, 0.3, 0.4])
    assert places.tolist() == [[0, 0], [1, 2]]
    assert weights == pytest.approx([0.6, 0.4])


# 07: from uniform numbers to actions


def test_a_uniform_number_is_the_action_in_whose_share_it_lies():
    # The shares are [0, 0.2), nothing, [0.2, 0.7) and [0.7, 1).
    uniform = [0.0, 0.1999, 0.2, 0.69, 0.71, 0.999]
    assert drawn([0.2, 0.0, 0.5, 0.3], uniform).tolist() == [0, 0, 2, 2, 3, 3]
    assert drawn([0.0, 1.0], [0.0]).tolist() == [1]


# 08: what a loss drives a bandit to

KINDS = ("expected pay", "half the sum of squares")


def by_autograd(objective, start, worse, better, learning_rate, num_updates):
    """The same climb, with the gradient of a scalar in two logits."""
    logits = torch.tensor([1 - start, start], dtype=torch.float64).log()
    pays = torch.tensor([worse, better], dtype=torch.float64)
    path = []
    for _ in range(num_updates + 1):
        logits = logits.detach().requires_grad_()
        pi = logits.softmax(0)
        path.append(pi[1].item())
        pay = (pi * pays).sum()
        scalar = pay if objective == KINDS[0] else (pi.square() * pays).sum() / 2
        (gradient,) = torch.autograd.grad(scalar, logits)
        logits = logits + learning_rate * gradient
    return path


@given(st.sampled_from(KINDS), numbers(0.05, 0.95), numbers(-1, 2), numbers(-1, 2))
def test_a_climb_is_that_of_the_gradient_by_autograd(objective, start, worse, better):
    arguments = objective, start, worse, better, 0.7, 10
    path = bandit.follow(*arguments)
    assert path == pytest.approx(by_autograd(*arguments), abs=1e-12)


def test_squares_lead_to_the_better_arm_only_from_above_the_tipping_point():
    # 1/2 ((1 - p)^2 w + p^2): the slope p - w (1 - p) is zero at p = w / (1 + w).
    for worse in (0.2, 0.9):
        tipping = bandit.tipping_point(worse)
        assert tipping == pytest.approx(worse / (1 + worse))
        for distance in (-0.02, 0.02):
            path = bandit.follow(KINDS[1], tipping + distance, worse)
            assert (np.sign(np.diff(path)) == np.sign(distance)).all()
    assert bandit.tipping_point(3, better=6) == pytest.approx(1 / 3)


# 10: epsilon


def test_effective_actions_of_epsilon_by_hand():
    # 0.7, 0.1, 0.1, 0.1: 1 / (0.7^0.7 * 0.1^0.3).
    by_hand = 1 / (0.7**0.7 * 0.1**0.3)
    found = exploration.effective_of_epsilon([0.0, 0.4, 1.0], 4)
    assert found == pytest.approx([1, by_hand, 4])
    assert exploration.effective_of_epsilon(0.5, 1) == pytest.approx(1)


def test_a_schedule_halves():
    found = exploration.schedule(0.8, 2, 5)
    assert found[::2] == pytest.approx([0.8, 0.4, 0.2])
    assert found[1] / found[0] == pytest.approx(math.sqrt(0.5))


# 11: lists of trajectories, and small worlds


def test_the_list_is_that_of_plain_recursion():
    world, policy = pg.hill(horizon=3), random_table(3, 2)
    listing = lists.list_all(world, policy)
    pi = softmax(policy.logits.detach().numpy())
    expected = paths(world, pi)
    assert len(listing.P) == len(expected)
    for k, path in enumerate(expected):
        length = len(path.actions)
        assert listing.mask[k].tolist() == [t < length for t in range(3)]
        assert listing.P[k].item() == pytest.approx(path.probability)
        assert listing.states[k, :length].tolist() == list(path.states[:-1])
        assert listing.actions[k, :length].tolist() == list(path.actions)
        assert listing.rewards[k, :length].tolist() == list(path.rewards)
        scores = listing.scores[k]
        np.testing.assert_allclose(scores.sum(0), path_score(pi, path).ravel())
        assert not scores[length:].any()
    assert not listing.P.requires_grad and not listing.scores.requires_grad


def rewards_by_actions(world):
    half = np.full((world.num_states, 2), 0.5)
    return {path.actions: path.rewards for path in paths(world, half)}


def test_each_door_pays_its_own():
    found = rewards_by_actions(lists.doors([1.0, -0.5, 4.0]))
    assert len(found) == 8
    for actions, rewards in found.items():
        assert rewards == tuple(np.multiply(actions, (1.0, -0.5, 4.0)))
    assert lists.doors([1, 2], alike=True).observations.tolist() == [[1]] * 3


def test_the_loan_is_paid_back_whatever_is_done():
    found = rewards_by_actions(lists.loan(wage=0.25))
    without = {(0, 0): (0, 0), (0, 1): (0, 0.25)}
    assert found == without | {(1, 0): (1, -1), (1, 1): (1, -0.75)}


# 12: learners trained by losses of their own


def plain(log_probs, rewards, mask):
    returns = (GAMMA ** torch.arange(rewards.shape[1]) * rewards).sum(dim=1)
    return -(returns * (log_probs * mask).sum(dim=1)).mean()


def plain_of_batch(batch, policy):
    log_probs = policy(batch.observations).log_prob(batch.actions)
    return plain(log_probs, batch.rewards, batch.mask)


def mask_forgotten(log_probs, rewards, mask):
    return plain(log_probs, rewards, torch.ones_like(mask))


def two_updates_by_hand(loss, world, policy, row):
    """J after two updates of one of six learners, with PyTorch's own module."""
    learner, generator = copy.deepcopy(policy), np.random.default_rng(3)
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.1)
    observations = torch.tensor(world.observations)
    for _ in range(2):
        table = learner(observations).probs.detach()
        played = crowds.play(world, table.expand(6, -1, -1), 5, generator)
        mask = played.mask[row]
        states = played.states[row].masked_fill(~mask, 0)
        actions = played.actions[row].masked_fill(~mask, 0)
        log_probs = learner(observations[states]).log_prob(actions)
        optimizer.zero_grad()
        loss(log_probs, played.rewards[row], mask).backward()
        optimizer.step()
    return pg.exact.objective(world, learner, GAMMA).item()


def test_a_member_of_the_crowd_learns_as_it_would_alone():
    world = pg.clinic.standard_world()
    policy = pg.clinic.standard_policy(world)
    before = copy.deepcopy(policy.state_dict())
    losses = {"plain": plain, "batch": plain_of_batch, "no mask": mask_forgotten}
    usual = dict(num_updates=2, num_trajectories=5, learning_rate=0.1, num_runs=2)
    found = np.stack([*courses(losses, world, policy, GAMMA, **usual, seed=3).values()])
    assert found.shape == (3, 2, 3)
    start = pg.exact.objective(world, policy, GAMMA).item()
    np.testing.assert_allclose(found[..., 0], start)
    in_order = [plain, plain, plain, plain, mask_forgotten, mask_forgotten]
    for row, (loss, J) in enumerate(zip(in_order, found[..., 2].flat, strict=True)):
        alone = two_updates_by_hand(loss, world, policy, row)
        assert J == pytest.approx(alone, abs=1e-9)
        assert alone != pytest.approx(start, abs=1e-3)
    for key, value in policy.state_dict().items():
        assert torch.equal(value, before[key])
