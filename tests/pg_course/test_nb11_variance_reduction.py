"""The lists, worlds and figures of notebook 11."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from oracles import paths, softmax

import pg_helpers as pg
from pg_course.nb11_variance_reduction import experiments, figures


@pytest.fixture
def axes():
    return Figure().add_subplot()


@pytest.fixture
def figure():
    return Figure(figsize=(7.6, 3.6))


def tilted(num_states):
    """A policy without symmetries, in double precision."""
    policy = pg.TabularPolicy(num_states, 2).double()
    with torch.no_grad():
        policy.logits += torch.arange(2 * num_states).reshape(num_states, 2) ** 2 / 10
    return policy


# The list


def test_the_list_is_that_of_plain_recursion():
    world, policy = pg.hill(horizon=3), tilted(3)
    listing = experiments.list_all(world, policy)
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
        for t in range(length):
            # Of a table of logits: 1 - pi for the action taken, -pi for the other.
            score = np.zeros((3, 2))
            state, action = path.states[t], path.actions[t]
            score[state] = -pi[state]
            score[state, action] += 1
            np.testing.assert_allclose(listing.scores[k, t], score.ravel(), atol=1e-12)
        assert not listing.scores[k, length:].any()
    assert not listing.P.requires_grad and not listing.scores.requires_grad


def test_scores_of_a_network_weighed_by_returns_are_the_gradient():
    torch.manual_seed(0)
    world = pg.random_mdp(4, 3, 3, seed=1)
    policy = pg.MLPPolicy(4, 3, hidden=(5,)).double()
    listing = experiments.list_all(world, policy)
    returns = pg.total_return(listing.rewards, 0.8)
    found = torch.einsum("k,k,ktd->d", listing.P, returns, listing.scores)
    torch.testing.assert_close(found, pg.exact.gradient(world, policy, 0.8))
    assert pg.exact.score_table(world, policy).shape == (4, 3, listing.scores.shape[2])


# The worlds


def test_other_rewards_change_nothing_else():
    world = pg.corridor(length=3, horizon=4)
    other = experiments.with_rewards(world, world.reward - 2)
    for name in ("initial", "transition", "terminal", "observations"):
        np.testing.assert_array_equal(getattr(other, name), getattr(world, name))
    assert other.horizon == 4
    assert (other.reward == world.reward - 2).all()
    with pytest.raises(ValueError, match="^reward: "):
        experiments.with_rewards(world, np.zeros(3))


def test_each_door_pays_its_own():
    world = experiments.doors([1.0, -0.5, 4.0])
    found = {path.actions: path.rewards for path in paths(world, np.full((4, 2), 0.5))}
    assert len(found) == 8
    for actions, rewards in found.items():
        pays = zip(actions, (1.0, -0.5, 4.0), strict=True)
        assert rewards == tuple(a * pay for a, pay in pays)
    assert experiments.doors([1, 2], alike=True).observations.tolist() == [[1]] * 3


@pytest.mark.parametrize("pays", [[], [[1.0]], [np.nan]])
def test_doors_that_cannot_be_are_refused(pays):
    with pytest.raises(ValueError, match="^pays: "):
        experiments.doors(pays)


def test_the_loan_is_paid_back_whatever_is_done():
    found = {
        path.actions: path.rewards
        for path in paths(experiments.loan(wage=0.25), np.full((4, 2), 0.5))
    }
    assert found == {
        (0, 0): (0, 0),
        (0, 1): (0, 0.25),
        (1, 0): (1, -1),
        (1, 1): (1, -0.75),
    }
    with pytest.raises(ValueError, match="^wage: "):
        experiments.loan(np.inf)


# The table in text


def test_columns_are_flush():
    text = figures.text_table(("name", "N"), [("a", "1,000"), ("longer", 2.5)])
    assert text.splitlines() == ["name        N", "a       1,000", "longer    2.5"]
    text = figures.text_table(("name", "N"), [("x", np.inf)])
    assert text.splitlines()[1] == "x     -"


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="^rows: expected 2 entries, got 1"):
        figures.text_table(("name", "N"), [("a",)])


# The figures


def test_credit_is_written_in_thousandths(axes):
    figures.draw_credit(axes, [[0.012, 0.25], [0, 0.5]], "means")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    # At (column, row): the reward and the action.
    assert written == {(0, 0): "12", (1, 0): "250", (0, 1): "0", (1, 1): "500"}
    assert axes.get_title() == "means"
    (image,) = axes.images
    assert image.get_array().tolist() == [[0.012, 0.25], [0, 0.5]]


def test_the_stairs_leave_the_diagonal_above_them(axes):
    figures.draw_credit(axes, np.eye(3), "")
    (stairs,) = axes.lines
    # Down first, then to the right: left of and below each cell of the diagonal.
    assert stairs.get_drawstyle() == "steps-pre"
    assert stairs.get_xydata().tolist() == [[x, x] for x in (-0.5, 0.5, 1.5, 2.5)]


@pytest.mark.parametrize("table", [[[1, 2]], [[-1.0]], [[0.0]], [1.0], [[np.nan]]])
def test_credit_that_cannot_be_shown_is_refused(axes, table):
    with pytest.raises(ValueError, match="^table: "):
        figures.draw_credit(axes, table, "")


def test_heights_are_marked_where_they_lie(axes):
    marks = {"yours": (0.5, 1.25), "best": (1.0, 0.5)}
    figures.draw_height(axes, [0, 1, 2], [1, 0.5, 1], marks)
    curve, none, yours, best = axes.lines
    assert curve.get_xydata().tolist() == [[0, 1], [1, 0.5], [2, 1]]
    assert list(none.get_ydata()) == [1, 1]
    assert yours.get_xydata().tolist() == [[0.5, 1.25]]
    assert best.get_xydata().tolist() == [[1.0, 0.5]]
    assert yours.get_marker() != best.get_marker()
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["yours", "best"]


def test_heights_without_variances_are_refused(axes):
    with pytest.raises(ValueError, match="^variances: "):
        figures.draw_height(axes, [0, 1], [1], {})
    with pytest.raises(TypeError, match="^heights: "):
        figures.draw_height(axes, ["low"], [1], {})


def test_two_directions_side_by_side(figure):
    gammas, errors, cosines = [0, 0.5, 1], [2, 1, 0], [0.25, 0.5, 1]
    figures.draw_dropped(
        figure,
        ["a", "b"],
        ([0.5, -0.25], [0.75, -1]),
        gammas,
        errors,
        cosines,
        chosen=1,
    )
    left, right = figure.axes
    bars = [
        (bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in left.patches
    ]
    expected = [(-0.2, 0.5), (0.8, -0.25), (0.2, 0.75), (1.2, -1)]
    np.testing.assert_allclose(bars, expected)
    assert [text.get_text() for text in left.get_xticklabels()] == ["a", "b"]
    cosine, error, *points = right.lines
    assert list(cosine.get_ydata()) == cosines
    assert list(error.get_ydata()) == errors
    assert [point.get_xydata().tolist() for point in points] == [
        [[0.5, 0.5]],
        [[0.5, 1]],
    ]
    low, high = left.get_ylim()
    assert low < -1 and high > 0.75 and right.get_ylim()[1] > 2


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"names": ["a", "b", "c"]}, "parts"),
        ({"parts": ([1], [1])}, "parts"),
        ({"errors": [1]}, "errors"),
        ({"cosines": [1]}, "cosines"),
        ({"chosen": 2}, "chosen"),
    ],
)
def test_directions_that_do_not_fit_are_refused(figure, change, name):
    given = {
        "names": ["a", "b"],
        "parts": ([1, 2], [1, 2]),
        "gammas": [0, 1],
        "errors": [1, 0],
        "cosines": [0, 1],
        "chosen": 0,
    }
    with pytest.raises(ValueError, match=f"^{name}: "):
        figures.draw_dropped(figure, **(given | change))


def test_episodes_are_points_with_their_numbers(axes):
    figures.draw_episodes(axes, ["plain", "quiet"], [12000, 300])
    (points,) = axes.lines
    assert points.get_xydata().tolist() == [[12000, 0], [300, 1]]
    assert [text.get_text() for text in axes.texts] == ["12,000", "300"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["plain", "quiet"]
    assert axes.get_xscale() == "log"
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first is at the top


@pytest.mark.parametrize("numbers", [[1, 0], [1], [1, -3], [1, np.inf]])
def test_numbers_of_episodes_are_positive(axes, numbers):
    with pytest.raises(ValueError, match="^numbers: "):
        figures.draw_episodes(axes, ["plain", "quiet"], numbers)
