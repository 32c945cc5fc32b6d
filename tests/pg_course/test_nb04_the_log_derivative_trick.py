import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from pg_course.nb04_the_log_derivative_trick import experiments, figures
from pg_course.stage.plots import COLORS

GRID = np.linspace(-12, 12, 480_001)
SPACING = GRID[1] - GRID[0]


def by_quadrature(rewards, mean, deviation):
    """Mean reward of a Gaussian, on a fine grid."""
    density = np.exp(-(((GRID - mean) / deviation) ** 2) / 2)
    return (rewards * density).sum() / density.sum()


def axes_of():
    return Figure().add_subplot()


# Rewards and exact answers


def test_the_rewards_by_hand():
    # At the top of the bump, and one width beside it: exp(-1/2) = 0.6065.
    assert experiments.reward("bump", [1.0, 1.5, 0.5]) == pytest.approx(
        [1, 0.6065, 0.6065], 1e-3
    )
    assert experiments.reward("step", [0.4, 0.5, 0.6]).tolist() == [0, 0, 1]
    places = [-1.1, -0.9, -0.7, 0, 0.2, 0.3, 5]
    assert experiments.staircase(places).tolist() == [0, 3, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("kind", experiments.KINDS)
@pytest.mark.parametrize("mean", [-1.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("deviation", [0.5, 1.3])
def test_the_exact_gradient_is_that_of_the_mean_reward(kind, mean, deviation):
    rewards = experiments.reward(kind, GRID)
    high, low = (by_quadrature(rewards, mean + d, deviation) for d in (1e-3, -1e-3))
    assert experiments.exact_gradient(kind, mean, deviation) == pytest.approx(
        (high - low) / 2e-3, abs=1e-4
    )


def test_the_gradient_on_the_bump_changes_its_sign_at_the_top():
    assert experiments.exact_gradient("bump", 1.0, 0.5) == 0
    assert experiments.exact_gradient("bump", 0.9, 0.5) > 0
    assert experiments.exact_gradient("bump", 1.1, 0.5) < 0


@pytest.mark.parametrize("mean", [-0.5, 0.0, 1.0])
@pytest.mark.parametrize("deviation", [0.5, 0.8])
def test_the_objective_of_the_staircase(mean, deviation):
    expected = by_quadrature(experiments.staircase(GRID), mean, deviation)
    assert experiments.staircase_objective(mean, deviation) == pytest.approx(
        expected, abs=1e-4
    )


def test_what_is_handed_over():
    actions, rewards = experiments.handed_over(
        3, mean=1.0, standard_deviation=2.0, N=20_000
    )
    assert actions.shape == rewards.shape == (20_000,)
    assert actions.mean() == pytest.approx(1, abs=4 * 2 / 20_000**0.5)
    assert actions.std() == pytest.approx(2, rel=0.03)
    assert (rewards == experiments.staircase(actions)).all()
    again, _ = experiments.handed_over(3, mean=1.0, standard_deviation=2.0, N=20_000)
    assert (again == actions).all()
    other, _ = experiments.handed_over(4, mean=1.0, standard_deviation=2.0, N=20_000)
    assert (other != actions).any()


# Areas


def test_a_bar_is_as_wide_as_its_probability_and_as_high_as_its_score():
    axes = figures.draw_areas(axes_of(), [0.7, 0.2, 0.1], [-0.3, 0.5, 1.1], list("abc"))
    bars = axes.patches
    assert [bar.get_x() for bar in bars] == pytest.approx([0, 0.7, 0.9])
    assert [bar.get_width() for bar in bars] == pytest.approx([0.7, 0.2, 0.1])
    assert [bar.get_height() for bar in bars] == pytest.approx([-0.3, 0.5, 1.1])
    # 0.7 * 0.3 = 0.21, 0.2 * 0.5 = 0.10, 0.1 * 1.1 = 0.11.
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["a\narea -0.21", "b\narea +0.10", "c\narea +0.11"]
    for bar, text in zip(bars, axes.texts, strict=True):
        x, y = text.get_position()
        assert x == pytest.approx(bar.get_x() + bar.get_width() / 2)
        assert abs(y) > abs(bar.get_height()) and y * bar.get_height() > 0
    # Told apart without colour, too.
    assert bars[0].get_hatch() and not bars[1].get_hatch()
    low, high = axes.get_ylim()
    assert low < -0.3 and high > 1.1


# Pushes


def pushed(kind="step", mean=0.0, deviation=0.5, noise=(1.2, -0.4, 2.0)):
    return figures.draw_pushes(
        Figure(figsize=(7, 5)), kind, mean, deviation, noise, np.full(len(noise), 0.5)
    )


def test_each_sample_has_an_arrow_as_long_as_reward_times_score():
    figure = pushed()
    _, middle, _ = figure.axes
    (quiver,) = (c for c in middle.collections if hasattr(c, "U"))
    # Actions 0.6, -0.2 and 1.0: the second is not paid. Scores a / 0.25.
    assert quiver.U == pytest.approx([2.4, 0, 4.0])
    assert quiver.V == pytest.approx([0, 0, 0])
    assert quiver.XY[:, 0] == pytest.approx([0.6, -0.2, 1.0])
    # Half as high as the density there, whose top is at 1.
    heights = np.exp(-np.square([1.2, 0.4, 2.0]) / 2) / 2
    assert quiver.XY[:, 1] == pytest.approx(heights)
    assert quiver.scale == 2.5 and quiver.scale_units == quiver.angles == "xy"


def test_an_arrow_below_the_mean_points_the_other_way_in_another_colour():
    _, middle, _ = pushed("bump", mean=1.0, noise=(1.0, -1.0)).axes
    (quiver,) = (c for c in middle.collections if hasattr(c, "U"))
    # At 1.5 and 0.5 the bump is exp(-1/2); the scores are 2 and -2.
    assert quiver.U == pytest.approx([1.2131, -1.2131], abs=1e-4)
    right, left = quiver.get_facecolors()
    assert same_color(right, COLORS[0]) and same_color(left, COLORS[4])


def test_the_bar_is_the_average_push_and_the_line_the_exact_gradient():
    *_, bottom = pushed().axes
    (bar,) = bottom.patches
    assert bar.get_width() == pytest.approx(6.4 / 3)
    # The density of the standard normal at 1 is 0.24197; divided by 0.5.
    assert bottom.lines[0].get_xdata() == pytest.approx([0.48394, 0.48394], abs=1e-5)


def test_the_samples_lie_on_the_reward():
    top, *_ = pushed().axes
    _, dots = top.lines
    assert dots.get_xdata() == pytest.approx([0.6, -0.2, 1.0])
    assert dots.get_ydata() == pytest.approx([1, 0, 1])


def test_no_more_than_sixty_arrows_but_all_samples_in_the_average():
    noise = np.append(np.full(100, 1.2), np.full(100, -1.2))
    _, middle, bottom = pushed(noise=noise).axes
    (quiver,) = (c for c in middle.collections if hasattr(c, "U"))
    assert quiver.N == 60
    assert bottom.patches[0].get_width() == pytest.approx(1.2)


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: experiments.reward("hat", [0.0]), ValueError, "kind"),
        (lambda: experiments.reward("step", ["a"]), TypeError, "actions"),
        (lambda: experiments.reward("bump", [np.nan]), ValueError, "actions"),
        (lambda: experiments.exact_gradient("hat", 0, 1), ValueError, "kind"),
        (
            lambda: experiments.exact_gradient("step", 0, 0),
            ValueError,
            "standard_deviation",
        ),
        (lambda: experiments.handed_over(0, 0, -1.0), ValueError, "standard_deviation"),
        (lambda: experiments.handed_over(0, N=0), ValueError, "N"),
        (lambda: experiments.staircase([np.inf]), ValueError, "actions"),
        (
            lambda: experiments.staircase_objective(0, 0),
            ValueError,
            "standard_deviation",
        ),
        (
            lambda: figures.draw_areas(axes_of(), [1], [1, 2], ["a"]),
            ValueError,
            "scores",
        ),
        (
            lambda: figures.draw_areas(axes_of(), [0.5, 0.6], [1, 2], ["a", "b"]),
            ValueError,
            "probabilities",
        ),
        (
            lambda: figures.draw_areas(axes_of(), [1.5, -0.5], [1, 2], ["a", "b"]),
            ValueError,
            "probabilities",
        ),
        (lambda: pushed("hat"), ValueError, "kind"),
        (lambda: pushed(deviation=0), ValueError, "standard_deviation"),
        (lambda: pushed(noise=()), ValueError, "noise"),
        (
            lambda: figures.draw_pushes(Figure(), "step", 0.0, 1.0, [1.0, 2.0], [0.5]),
            ValueError,
            "heights",
        ),
    ],
)
def test_what_is_refused_names_the_argument(call, error, name):
    with pytest.raises(error, match=f"^{name}: expected"):
        call()
