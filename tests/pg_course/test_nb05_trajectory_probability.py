import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pg_course.nb05_trajectory_probability import experiments, figures
from pg_course.nb05_trajectory_probability.figures import Factor

STATES, ACTIONS = ("low", "high"), ("stay", "jump")
INITIAL = [0.75, 0.25]
PI = [[0.4, 0.6], [0.2, 0.8]]
TRANSITION = np.array([[[1, 0], [0.3, 0.7]], [[0, 1], [0.9, 0.1]]])
# low, jump, high, jump, low: 0.75 * 0.6 * 0.7 * 0.8 * 0.9.
WALK = (0, 1, 1, 1, 0)
VALUES = [0.75, 0.6, 0.7, 0.8, 0.9]


def axes_of():
    return Figure(figsize=(9, 5)).add_subplot()


def found():
    return figures.factors_of(WALK, INITIAL, PI, TRANSITION, STATES, ACTIONS)


def test_a_trajectory_in_words_names_states_and_actions_in_turn():
    words = figures.in_words(WALK, STATES, ACTIONS)
    assert words == "low, jump, high, jump, low"
    assert figures.in_words((1,), STATES, ACTIONS) == "high"


def test_the_factors_in_their_order_with_their_owners():
    assert found() == [
        Factor("start", "P_0(low)", 0.75),
        Factor("policy", "pi(jump | low)", 0.6),
        Factor("world", "P(high | low, jump)", 0.7),
        Factor("policy", "pi(jump | high)", 0.8),
        Factor("world", "P(low | high, jump)", 0.9),
    ]


def test_a_trajectory_without_steps_has_its_start_only():
    short = figures.factors_of((1,), INITIAL, PI, TRANSITION, STATES, ACTIONS)
    assert short == [Factor("start", "P_0(high)", 0.25)]


@pytest.mark.parametrize("trajectory", [(), (0, 1), (0, 1, 1, 0)])
def test_a_trajectory_that_does_not_end_in_a_state_is_refused(trajectory):
    with pytest.raises(ValueError, match="trajectory: expected T actions"):
        figures.factors_of(trajectory, INITIAL, PI, TRANSITION, STATES, ACTIONS)


@pytest.mark.parametrize("multiplied", range(6))
def test_the_blocks_hang_below_each_other(multiplied):
    axes = figures.draw_factors(axes_of(), found(), multiplied)
    running = 1.0
    for place, (block, value) in enumerate(zip(axes.patches, VALUES, strict=True)):
        assert block.get_x() + block.get_width() / 2 == pytest.approx(place)
        assert block.get_y() == pytest.approx(math.log(running))
        assert block.get_height() == pytest.approx(math.log(value))
        assert bool(block.get_hatch()) == (place < multiplied)
        assert (block.get_linestyle() in ("-", "solid")) == (place < multiplied)
        running *= value
    assert [text.get_text() for text in axes.texts] == [f"× {v:.2f}" for v in VALUES]


def test_each_owner_has_a_color_and_a_hatch_of_its_own():
    axes = figures.draw_factors(axes_of(), found(), 5)
    looks = [(to_hex(b.get_edgecolor()), b.get_hatch()) for b in axes.patches]
    start, policy, world, policy_again, world_again = looks
    assert policy == policy_again and world == world_again
    for index in range(2):
        assert len({look[index] for look in (start, policy, world)}) == 3


def test_the_labels_say_who_and_what():
    axes = figures.draw_factors(axes_of(), found(), 5)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "start\n$P_0$(low)"
    assert labels[1] == "policy\n$\\pi$(jump |\nlow)"
    assert labels[2] == "world\nP(high |\nlow, jump)"


@pytest.mark.parametrize("smallest", [0.9, 0.05, 1e-4, 1e-9, 1e-30])
def test_both_scales_agree_and_hold_every_block(smallest):
    axes = figures.draw_factors(axes_of(), [Factor("start", "x", smallest)], 1)
    (right,) = [a for a in axes.figure.axes if a is not axes]
    assert right.get_ylim() == axes.get_ylim()
    assert axes.get_ylim()[0] < math.log(smallest)
    for place, label in zip(right.get_yticks(), right.get_yticklabels(), strict=True):
        assert place == pytest.approx(math.log(float(label.get_text())))


@pytest.mark.parametrize(
    ("given", "multiplied", "error", "message"),
    [
        ([Factor("start", "x", 0.5)], 2, ValueError, "multiplied: expected at most 1"),
        ([Factor("start", "x", 0.5)], -1, ValueError, "multiplied: expected at least"),
        ([Factor("start", "x", 0.5)], 0.5, TypeError, "multiplied: expected an integ"),
        ([Factor("luck", "x", 0.5)], 1, ValueError, "factors: expected owners"),
        ([Factor("start", "x", 0.0)], 1, ValueError, "factors: expected values in"),
        ([Factor("start", "x", 1.1)], 1, ValueError, "factors: expected values in"),
        ([Factor("start", "x", math.nan)], 1, ValueError, "factors: expected values"),
    ],
)
def test_bad_factors_are_refused(given, multiplied, error, message):
    with pytest.raises(error, match=message):
        figures.draw_factors(axes_of(), given, multiplied)


def test_bars_and_marks_stand_at_their_probabilities_from_the_top():
    axes = figures.draw_frequencies(
        axes_of(), ["a", "b", "c"], [0.5, 0.3, 0.2], {"seen": [0.4, 0.4, 0.2]}
    )
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.3, 0.2]
    (marks,) = axes.lines
    assert marks.get_xdata().tolist() == [0.4, 0.4, 0.2]
    assert marks.get_ydata().tolist() == [0, 1, 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    low, high = axes.get_ylim()
    assert low > high  # the first on top
    names = {text.get_text() for text in axes.get_legend().get_texts()}
    assert names == {"Eq. (13)", "seen"}


def test_two_compared_rows_have_marks_and_colors_of_their_own():
    rows = {"seen": [0.5, 0.5], "guessed": [0.1, 0.9]}
    axes = figures.draw_frequencies(axes_of(), ["a", "b"], [0.5, 0.5], rows)
    one, other = axes.lines
    assert one.get_marker() != other.get_marker()
    assert one.get_color() != other.get_color()
    assert other.get_xdata().tolist() == [0.1, 0.9]


@pytest.mark.parametrize(
    ("probabilities", "compared", "error", "message"),
    [
        ([0.5], {}, ValueError, r"Eq. \(13\): expected shape \(2,\)"),
        ([0.5, 0.5], {"seen": [1.0]}, ValueError, r"seen: expected shape \(2,\)"),
        ([0.5, math.nan], {}, ValueError, "expected finite numbers"),
        (["a", "b"], {}, TypeError, "expected real numbers"),
    ],
)
def test_bad_frequencies_are_refused(probabilities, compared, error, message):
    with pytest.raises(error, match=message):
        figures.draw_frequencies(axes_of(), ["a", "b"], probabilities, compared)


def test_a_product_is_drawn_until_it_is_zero():
    sums = [-100.0, -200.0, -300.0, -400.0]
    axes = figures.draw_underflow(
        axes_of(), sums, {"product": [1e-100, 1e-200, 1e-300, 0.0]}
    )
    whole, product, cross = axes.lines
    assert whole.get_xdata().tolist() == [1, 2, 3, 4]
    assert whole.get_ydata().tolist() == sums
    assert product.get_xdata().tolist() == [1, 2, 3]
    assert product.get_ydata() == pytest.approx(sums[:3])
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (3, pytest.approx(-300))
    (said,) = axes.texts
    assert said.get_text() == "product becomes 0"


@pytest.mark.parametrize(
    ("products", "message"),
    [
        ({"short": [0.1]}, r"products\['short'\]: expected \(2,\), got \(1,\)"),
        ({"nothing": [0.0, 0.0]}, r"products\['nothing'\]: expected a product above 0"),
        ({"broken": [math.inf, 0.0]}, r"products\['broken'\]: expected finite numbers"),
    ],
)
def test_bad_products_are_refused(products, message):
    with pytest.raises(ValueError, match=message):
        figures.draw_underflow(axes_of(), [-1.0, -2.0], products)


def test_chi_square_by_hand():
    # A coin: 60 heads of 100, 50 expected: (10^2 + 10^2) / 50 = 4. With one degree of
    # freedom chi-square is a squared standard normal: P(|z| > 2) = erfc(sqrt(2)).
    statistic, freedom, p_value = experiments.chi_square([60, 40], [0.5, 0.5])
    assert (statistic, freedom) == (4, 1)
    assert p_value == pytest.approx(math.erfc(math.sqrt(2)))


@pytest.mark.parametrize(
    ("freedom", "critical"),
    # The 95 % points of the printed tables.
    [(1, 3.841), (2, 5.991), (5, 11.070), (15, 24.996)],
)
def test_chi_square_against_the_tables(freedom, critical):
    # K equal cells of n; moving d from one to the other makes 2 d^2 / n.
    n, K = 1000, freedom + 1
    shift = math.sqrt(critical * n / 2)
    counts = np.full(K, float(n))
    counts[0] += shift
    counts[1] -= shift
    found = experiments.chi_square(counts, np.full(K, 1 / K))
    assert found == (pytest.approx(critical), freedom, pytest.approx(0.05, abs=1e-4))


def test_chi_square_of_what_fits_exactly():
    assert experiments.chi_square([25, 75], [0.25, 0.75]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("counts", "probabilities", "message"),
    [
        ([10, 10], [0.5, 0.4], "probabilities: expected a sum of 1, got 0.9"),
        ([10, 10], [0.5, 0.25, 0.25], "counts: expected shape"),
        ([10], [1.0], "counts: expected shape"),
        ([90, 10], [0.96, 0.04], "at least 5, got 4"),
        ([math.nan, 10], [0.5, 0.5], "counts: expected finite"),
    ],
)
def test_chi_square_refuses_what_it_cannot_judge(counts, probabilities, message):
    with pytest.raises(ValueError, match=message):
        experiments.chi_square(counts, probabilities)
