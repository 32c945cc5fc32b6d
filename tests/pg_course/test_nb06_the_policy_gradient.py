"""The cloud of notebook 06: what is drawn, and the closed form of the hill."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pg_course.nb06_the_policy_gradient import experiments, figures
from pg_course.stage import plots
from pg_helpers import exact, policies, worlds

GAMMA = 0.9
THETA = np.array([0.25, 1.25])


def policy_at(theta):
    policy = policies.TabularPolicy(3, 2).double()
    with torch.no_grad():
        policy.logits[:2, 1] = torch.as_tensor(theta)
    return policy


@pytest.fixture
def plane():
    return experiments.plane_of(worlds.hill(), GAMMA)


@pytest.fixture
def axes():
    return Figure(figsize=(4, 4)).add_subplot()


# The closed form, held against enumeration and automatic differentiation


@pytest.mark.parametrize(
    "theta", [(0.0, 0.0), (0.25, 1.25), (-2.0, 3.0), (40.0, -40.0)]
)
def test_probabilities_and_objective_are_those_of_the_enumeration(plane, theta):
    world, policy = worlds.hill(), policy_at(theta)
    listed = exact.trajectories(world)
    expected = exact.log_prob(world, policy, listed).exp().detach().numpy()
    np.testing.assert_allclose(plane.probabilities(theta), expected, atol=1e-14)
    np.testing.assert_array_equal(plane.actions, listed.actions)
    J = exact.objective(world, policy, GAMMA).item()
    assert plane.objective(theta) == pytest.approx(J, abs=1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_scores_are_those_of_automatic_differentiation(horizon):
    world = worlds.hill(horizon=horizon)
    plane, policy = experiments.plane_of(world, GAMMA), policy_at(THETA)
    log_probs = exact.log_prob(world, policy, exact.trajectories(world))
    scores = plane.scores(THETA)
    for k, one in enumerate(log_probs):
        (table,) = torch.autograd.grad(one, [policy.logits], retain_graph=True)
        np.testing.assert_allclose(scores[k], table[:2, 1], atol=1e-12)


def test_returns_by_hand(plane):
    # Rest twice in the valley: 0.2 + 0.9 * 0.2. Climb to the ridge, then the summit:
    # 0.9 * 1. From the ridge to the summit at once: 1.
    found = {
        tuple(s): R for s, R in zip(plane.states.tolist(), plane.returns, strict=True)
    }
    assert found[0, 1, 2] == pytest.approx(0.9)
    assert found[1, 2, 2] == pytest.approx(1)
    assert plane.returns.max() == pytest.approx(1)
    rests = (plane.states == 0).all(1) & (plane.actions == 0).all(1)
    assert plane.returns[rests].tolist() == pytest.approx([0.38])


def test_many_thetas_at_once(plane):
    thetas = np.array([[[0.0, 1.0], [2.0, -1.0]], [[0.5, 0.5], [-3.0, 2.0]]])
    probabilities, scores = plane.probabilities(thetas), plane.scores(thetas)
    assert probabilities.shape == (2, 2, 16)
    assert scores.shape == (2, 2, 16, 2)
    np.testing.assert_allclose(probabilities[1, 0], plane.probabilities([0.5, 0.5]))
    np.testing.assert_allclose(scores[0, 1], plane.scores([2.0, -1.0]))
    np.testing.assert_allclose(probabilities.sum(-1), 1)


@pytest.mark.parametrize(
    ("theta", "error"),
    [
        ([0.0], ValueError),
        (0.0, ValueError),
        ([0.0, np.nan], ValueError),
        (["a", "b"], TypeError),
    ],
)
@pytest.mark.parametrize("method", ["probabilities", "scores", "objective"])
def test_a_theta_that_does_not_fit_is_refused(plane, method, theta, error):
    with pytest.raises(error, match="theta: "):
        getattr(plane, method)(theta)


def test_a_world_or_discount_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="mdp: expected two actions, got 4"):
        experiments.plane_of(worlds.grid_world(), GAMMA)
    with pytest.raises(ValueError, match="gamma: "):
        experiments.plane_of(worlds.hill(), 1.5)


# Shares and points


def test_shares_by_hand():
    # Inner products with (1, 2): 1, 2, 0, -7, 0 (at a right angle).
    estimates = [[3, -1], [-2, 2], [0, 0], [1, -4], [2, -1]]
    assert experiments.shares(estimates, [1, 2]).tolist() == pytest.approx(
        [0.4, 0.4, 0.2]
    )
    weights = [0.5, 0.1, 0.1, 0.2, 0.1]
    found = experiments.shares(estimates, [1, 2], weights)
    assert found.tolist() == pytest.approx([0.6, 0.2, 0.2])


def test_points_on_each_other_are_put_together():
    points = [[1.0, 2.0], [0.0, 0.0], [1.0, 2.0 + 1e-14], [-0.0, 0.0]]
    places, weights = experiments.distinct(points, [0.1, 0.2, 0.3, 0.4])
    assert places.tolist() == [[0, 0], [1, 2]]
    assert weights.tolist() == pytest.approx([0.6, 0.4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: experiments.shares([1.0, 2.0], [1.0, 2.0]), "estimates: "),
        (lambda: experiments.shares([[1.0, 2.0]], [1.0]), "estimates: "),
        (lambda: experiments.shares([[np.inf, 2.0]], [1.0, 0.0]), "estimates: "),
        (lambda: experiments.shares([[1.0, 2.0]], [1.0, np.nan]), "gradient: "),
        (
            lambda: experiments.shares([[1.0, 2.0]], [1.0, 0.0], [0.5, 0.5]),
            "probabilities: ",
        ),
        (lambda: experiments.distinct([1.0, 2.0], [1.0, 2.0]), "points: "),
        (lambda: experiments.distinct([[1.0], [2.0]], [1.0]), "probabilities: "),
    ],
)
def test_arrays_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_number_is_refused(axes):
    with pytest.raises(TypeError, match="estimates: "):
        experiments.shares([["a", "b"]], [1.0, 2.0])
    with pytest.raises(TypeError, match="reach: "):
        figures.draw_cloud(axes, [[0.0, 1.0]], [1.0, 0.0], "wide")


# The picture


def test_points_are_told_apart_by_colour_and_marker(axes):
    estimates = np.array([[0.5, 0.1], [0.0, 0.0], [-0.2, 0.1], [0.3, 0.3], [9.0, 0.0]])
    assert figures.draw_cloud(axes, estimates, [1.0, 0.0], 1) is axes
    up, zero, down = axes.collections
    assert up.get_offsets().tolist() == [[0.5, 0.1], [0.3, 0.3]]  # not the one beyond
    assert zero.get_offsets().tolist() == [[0.0, 0.0]]
    assert down.get_offsets().tolist() == [[-0.2, 0.1]]
    assert to_rgb(up.get_facecolor()[0]) == to_rgb(plots.COLORS[0])
    assert to_rgb(down.get_facecolor()[0]) == to_rgb(plots.COLORS[1])
    assert len(zero.get_facecolor()) == 0
    shapes = [len(c.get_paths()[0].vertices) for c in (up, zero, down)]
    assert len(set(shapes)) == 3


def test_areas_are_in_proportion_to_probabilities(axes):
    estimates = [[0.5, 0.0], [0.3, 0.0], [-0.3, 0.0]]
    figures.draw_cloud(axes, estimates, [1.0, 0.0], 1, [0.1, 0.3, 0.6], area=1000)
    up, _, down = axes.collections
    assert up.get_sizes().tolist() == pytest.approx([100, 300])
    assert down.get_sizes().tolist() == pytest.approx([600])


@pytest.mark.parametrize("arrow", [(0.1, 0.0), (0.0, -0.2), (-0.3, 0.4), (0.003, 0.05)])
def test_the_arrow_and_the_half_plane_uphill(axes, arrow):
    figures.draw_cloud(axes, [[0.1, 0.1]], arrow, 0.5)
    (annotation,) = axes.texts
    assert annotation.xy == pytest.approx(arrow)
    assert annotation.xyann == (0, 0)
    (shaded,) = axes.patches
    for corner in [(0.49, 0.49), (-0.49, 0.49), (0.49, -0.49), (-0.49, -0.49)]:
        uphill = np.dot(corner, arrow) > 1e-12
        downhill = np.dot(corner, arrow) < -1e-12
        inside = shaded.get_path().contains_point(corner)
        assert inside == uphill or not (uphill or downhill)
    assert axes.get_xlim() == (-0.5, 0.5)
    assert axes.get_ylim() == (-0.5, 0.5)
    assert axes.get_aspect() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.1, 0.1]], [0.0, 0.0], 1), "gradient: "),
        (([[0.1, 0.1, 0.1]], [0.0, 0.0, 1.0], 1), "gradient: "),
        (([[0.1, 0.1]], [0.0, 1.0], 0), "reach: "),
        (([[0.1, 0.1]], [0.0, 1.0], 1, [0.5, 0.5]), "probabilities: "),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused(axes, arguments, message):
    with pytest.raises(ValueError, match=message):
        figures.draw_cloud(axes, *arguments)


def test_the_legend_names_every_marker(axes):
    assert figures.name_the_points(axes, loc="upper left") is axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["uphill", "zero", "downhill", "exact gradient"]
    markers = [h.get_marker() for h in axes.get_legend().legend_handles[:3]]
    assert len(set(markers)) == 3


def test_a_text_stands_above_and_to_the_right_of_its_point(axes):
    assert figures.write_beside(axes, [0.2, 0.4], "0.18") is axes
    (text,) = axes.texts
    assert text.get_text() == "0.18"
    assert text.xy == pytest.approx((0.2, 0.4))
    assert min(text.xyann) > 0
