"""Every figure shows the numbers it is given; `conftest` checks that it is legible."""

import inspect
import math
import warnings
from functools import partial as call
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.quiver import Quiver

import pg_helpers as pg
from pg_course.nb01_gradient_ascent import figures as figures_01
from pg_course.nb02_the_objective import figures as figures_02
from pg_course.nb03_why_the_gradient_is_hard import figures as figures_03
from pg_course.nb04_the_log_derivative_trick import figures as figures_04
from pg_course.nb05_trajectory_probability import figures as figures_05
from pg_course.nb05_trajectory_probability.figures import Factor
from pg_course.nb06_the_policy_gradient import figures as figures_06
from pg_course.nb07_the_policy_network import figures as figures_07
from pg_course.nb08_the_pseudo_loss import figures as figures_08
from pg_course.nb10_exploration import figures as figures_10
from pg_course.nb11_variance_reduction import figures as figures_11
from pg_course.nb12_the_loss_clinic import figures as figures_12
from pg_course.stage import pictures, plots


def drawn(draw):
    """The panels of a new figure, drawn on by a function that lacks it or its axes."""
    figure = Figure(figsize=(9, 4.5))
    takes_axes = "axes" in inspect.signature(draw.func).parameters
    draw.func(
        figure.add_subplot() if takes_axes else figure, *draw.args, **draw.keywords
    )
    return figure.axes


# What is seen in a panel.


def lines(axes):
    return [line.get_xydata() for line in axes.lines]


def heights(axes):
    return [line.get_ydata() for line in axes.lines]


def rectangles(axes):
    """Left, bottom, width and height."""
    patches = [p for p in axes.patches if hasattr(p, "get_width") and not p.get_gid()]
    return [(*p.get_xy(), p.get_width(), p.get_height()) for p in patches]


def bars(axes):
    """Middle, foot and height."""
    return [(x + w / 2, y, h) for x, y, w, h in rectangles(axes)]


def rows(axes):
    """Row and signed length of each bar that begins at 0."""
    return sorted((y + h / 2, x + w) for x, y, w, h in rectangles(axes))


def blocks(axes):
    """Middle row, left and right end of each polygon of a collection."""
    corners = [path.vertices.T for c in axes.collections for path in c.get_paths()]
    return [((y.min() + y.max()) / 2, x.min(), x.max()) for x, y in corners]


def bands(axes):
    """Of each filled band: x, lower and upper edge."""
    bands = [c for c in axes.collections if isinstance(c, PolyCollection)]
    edges = [band.get_paths()[0].vertices.T for band in bands]
    return [
        [(at, y[x == at].min(), y[x == at].max()) for at in np.unique(x)]
        for x, y in edges
    ]


def arrows(axes):
    """Foot and length, in units of the axes."""
    (quiver,) = (c for c in axes.collections if isinstance(c, Quiver))
    assert quiver.angles == quiver.scale_units == "xy"
    parts = zip(quiver.XY, quiver.U, quiver.V, strict=True)
    return [(*foot, u / quiver.scale, v / quiver.scale) for foot, u, v in parts]


def heads(axes):
    """Places of arrowheads, and their areas, the largest being 1."""
    clouds = [c for c in axes.collections if isinstance(c, PathCollection)]
    found = [(*c.get_offsets()[0], c.get_sizes()[0]) for c in clouds]
    return [(x, y, area / max(a for *_, a in found)) for x, y, area in found]


def strokes(axes):
    """Both ends of each line of a collection."""
    kinds = (c for c in axes.collections if isinstance(c, LineCollection))
    return [segment for lines in kinds for segment in lines.get_segments()]


def points(axes):
    clouds = [c for c in axes.collections if isinstance(c, PathCollection)]
    return [c.get_offsets() for c in clouds]


def shades(axes):
    """Lowest and highest point."""
    patches = [p for p in axes.patches if p.get_gid() == "shade"]
    paths = [p.get_patch_transform().transform_path(p.get_path()) for p in patches]
    return [(path.vertices[:, 1].min(), path.vertices[:, 1].max()) for path in paths]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def written(axes):
    """The text at each place."""
    places = [getattr(text, "xy", text.get_position()) for text in axes.texts]
    rounded = [(round(float(x), 6), round(float(y), 6)) for x, y in places]
    return dict(zip(rounded, texts(axes), strict=True))


def ticks(axes):
    return [tick.get_text() for tick in axes.get_xticklabels()]


def named(axes):
    """Names of the curves, as a legend has them."""
    return axes.get_legend_handles_labels()[1]


def maps(axes):
    return [image.get_array() for image in axes.images]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def agents(axes):
    return [p.center for p in axes.patches if isinstance(p, Circle)]


def from_top(axes):
    """Names of the rows, if the first is on top."""
    low, high = axes.get_ylim()
    return [tick.get_text() for tick in axes.get_yticklabels() if low > high]


def row_0_on_top(axes):
    low, high = axes.get_ylim()
    return bool(low > high)


def level(height):
    """A line from edge to edge."""
    return [(0, height), (1, height)]


def pole(angle, length):
    """From a cart at 1 to the tip of a pole."""
    return [(1, 0.2), (1 + length * math.sin(angle), 0.2 + length * math.cos(angle))]


# The line 1 + 2x with errors that no other line makes smaller: its MSE is 1.
X, Y = [0.0, 1.0, 2.0, 3.0], [2.0, 2.0, 4.0, 8.0]
# J of two levers that pay 0.2 and 0.6 on average, by the difference of the logits.
ACROSS = np.linspace(-8, 8, 161)
J_ACROSS = np.column_stack([ACROSS, 0.2 + 0.4 / (1 + np.exp(-ACROSS))])
J_AT_2 = 0.2 + 0.4 / (1 + math.exp(-2))
AREAS = ["a\narea -0.21", "b\narea +0.33"]  # 0.7 * 0.3 and 0.3 * 1.1
STEMS = [[(t, 0), (t, 0.5**t)] for t in range(41)] + [[(3, 0), (3, 0.125)]]
FACTORS = [
    Factor("start", "P_0(low)", 0.75),
    Factor("policy", "pi(jump | low)", 0.6),
    Factor("world", "P(high | low, jump)", 0.7),
]
AB, XY, LN = ["a", "b"], ["x", "y"], math.log
NINE, TEN, SIX = np.linspace(0.2, 1, 9), np.linspace(0.2, 0, 10), [1, 4, 3, 4, 5, 6]
BEFORE = [(0.2, 0), (0.8, 1)]
LINES, COUNTS = [[0, 0], [1, 2]], [[30, 10], [4, 36]]
ESTIMATES = [[0.5, 0.1], [9, 0], [0, 0], [-0.2, 0.1]]  # the second is too far
RIGHT, WRONG = [[0, 1], [0, 1], [0, 3]], [[1, 2], [1, 9], [1, 4]]
SLICE = [[0.2, 0.5, 0.9], [0.4, 0.7, 1]]
# The standard normal density at 1, over 0.5.
EXACT = 2 * math.exp(-1 / 2) / math.sqrt(2 * math.pi)
HALF_A, HALF_B = math.exp(-0.72) / 2, math.exp(-0.08) / 2
SHARES = [[(-0.38, 0.25), (0.38, 0.25)], [(0.62, 0.75), (1.38, 0.75)]]
SIGNED = {(0, 0): "+0.250", (1, 0): "-0.500", (0, 1): "+0.000", (1, 1): "+1.000"}
STAIRS = [(-0.5, -0.5), (0.5, 0.5), (1.5, 1.5)]
CREDIT = {(0, 0): "12", (1, 0): "250", (0, 1): "0", (1, 1): "500"}
COVERED = [[(0, 0, 0), (1, 1, 3)], [(0, 1, 1), (1, 2, 9)]]
GRID = [[(3, 2)], [(0, 0), (0, 1), (0, 2), (1, 2)], [(0, 0)]]
LIMITS = [pole(math.radians(-12), 1.2), pole(math.radians(12), 1.2)]
# Up, right, down and left of the middle, and shares of 0.7.
FOUR_WAYS = [(0, -0.37, 1 / 7), (0.37, 0, 1), (0, 0.37, 0), (-0.37, 0, 2 / 7)]
# Two numbers for each of two names, and the bars that show them side by side.
PAIR = [0.1, -0.1], [0.3, -0.3]
PAIRED = [(-0.2, 0, 0.1), (0.8, 0, -0.1), (0.2, 0, 0.3), (1.2, 0, -0.3)]

# Each call, and what is then seen in each of the figure's panels.
FIGURES = {
    call(figures_01.draw_line_run, [[0, 0], [0.8, 1.7], [1, 2]], X, Y): [
        {lines: [[(0, 0), (0.8, 1.7), (1, 2)], [(0, 0)], [(1, 2)]]},
        # The errors at (0.8, 1.7) are -1.2, 0.5, 0.2 and -2.1: MSE 1.535.
        {heights: [[22, 1.535, 1], [1, 1]]},
    ],
    # What lies beyond 8 is drawn there.
    call(figures_01.draw_lever_run, [[-1, 1], [0, 30]], [0.2, 0.6]): [
        {lines: [J_ACROSS, [(2, J_AT_2), (8, 0.6)], [(2, J_AT_2)], [(8, 0.6)]]},
        {heights: [[J_AT_2, 0.6], [0.6, 0.6], [0.2, 0.2]]},
    ],
    call(figures_01.draw_two_kinds_of_data, X, Y, LINES, COUNTS, AB): [
        {lines: [np.c_[X, Y], [(0, 0), (3, 0)], [(0, 1), (3, 7)]]},
        {bars: [(-0.2, 0, 30), (0.8, 0, 10), (0.2, 0, 4), (1.2, 0, 36)]},
    ],
    call(figures_02.draw_trajectories, AB, [0.5, 0.2], torch.tensor([1, 0.5])): [
        {blocks: [(0, 0, 0.5), (1, 0, 0.2)], from_top: AB},
        {blocks: [(0, 0, 1), (1, 0, 0.5)], row_0_on_top: True},
        {blocks: [(0, 0, 0.5), (1, 0, 0.1)], row_0_on_top: True},
    ],
    call(figures_02.draw_discounts, gamma=0.5, delay=3, level=0.2): [
        {strokes: STEMS, heights: [0.5 ** np.arange(41), [0.125], [0.2, 0.2]]},
    ],
    call(figures_02.draw_density, [0, 1], [0.5, 1.5], [-1, -2]): [
        {lines: [[(0, 0.5), (1, 1.5)]]},
        {lines: [[(0, -1), (1, -2)]]},
        {heights: [[-0.5, -3], [0, 0]], bands: [[(0, -0.5, 0), (1, -3, 0)]]},
    ],
    call(figures_02.draw_errors, [1, 100], [0.5, 0.06], slope=-0.5, height=-1): [
        {lines: [[(1, 0.1), (100, 0.01)], [(1, 0.5), (100, 0.06)]]},
    ],
    call(figures_03.draw_slopes, {"x": [0.5, -0.2], "y": torch.tensor([0, 1])}, AB): [
        {rows: [(0, 0.5), (1, -0.2)], from_top: AB},
        {rows: [(0, 0), (1, 1)], row_0_on_top: True},
    ],
    call(figures_03.draw_changes, [0.2, 0.8], [0.3, 0.7], AB, pushed=1): [
        {rows: [(0, 0.3), (1, 0.7)], lines: [BEFORE], shades: [(0.5, 1.5)]},
        {rows: [(0, 0.1), (1, -0.1)], shades: [(0.5, 1.5)], row_0_on_top: True},
    ],
    call(figures_03.draw_counts, {"a": [2, 4], "b": [3, 10**40]}, {"this": 9.0}): [
        {lines: [[(1, 2), (2, 4)], [(1, 3), (2, 1e40)], level(9)], named: AB},
    ],
    call(figures_04.draw_areas, [0.7, 0.3], [-0.3, 1.1], AB): [
        {bars: [(0.35, 0, -0.3), (0.85, 0, 1.1)], texts: AREAS},
    ],
    # The action 0.6 is rewarded, and has the score 0.6 / 0.25.
    call(figures_04.draw_pushes, "step", 0.0, 0.5, [1.2, -0.4], [0.5, 0.5]): [
        {},
        # 0.4 m for each unit of reward * score, at half the height of the density.
        {arrows: [(0.6, HALF_A, 0.96, 0), (-0.2, HALF_B, 0, 0)]},
        {rows: [(0, 1.2)], lines: [[(EXACT, -0.6), (EXACT, 0.6)], [(0, 0), (0, 1)]]},
    ],
    call(figures_05.draw_factors, FACTORS, multiplied=2): [
        {bars: [(0, 0, LN(0.75)), (1, LN(0.75), LN(0.6)), (2, LN(0.45), LN(0.7))]},
        {},
    ],
    call(figures_05.draw_frequencies, AB, [0.7, 0.3], {"x": [1, 0], "y": [0, 1]}): [
        {rows: [(0, 0.7), (1, 0.3)], lines: [[(1, 0), (0, 1)], [(0, 0), (1, 1)]]},
    ],
    # A product is drawn until it is 0.
    call(figures_05.draw_underflow, [-9, -99, -999], {"x": [1e-9, 1e-99, 0.0]}): [
        {lines: [[(1, -9), (2, -99), (3, -999)], [(1, -9), (2, -99)], [(2, -99)]]},
    ],
    # Points uphill, zero and downhill, and the tip of the arrow.
    call(figures_06.draw_cloud, ESTIMATES, [1, 0], reach=1): [
        {points: [[(0.5, 0.1)], [(0, 0)], [(-0.2, 0.1)]], written: {(1, 0): ""}},
    ],
    call(figures_06.name_the_points, loc="upper left"): [
        {legend: ["uphill", "zero", "downhill", "exact gradient"]},
    ],
    call(figures_06.write_beside, [0.2, 0.4], "x"): [{written: {(0.2, 0.4): "x"}}],
    call(figures_07.draw_policy, [0.4, 0.6], [1, 1, 0, 1]): [
        # The strokes are the shares of the draws.
        {bars: [(0, 0, 0.4), (1, 0, 0.6)], texts: ["0.40", "0.60"], strokes: SHARES},
        {lines: [[(3, 0)], [(1, 1), (2, 1), (4, 1)]]},
    ],
    call(figures_07.draw_signed, [[0.25, -0.5], [0, 1]], AB, XY): [
        {written: SIGNED, ticks: XY, from_top: AB, maps: [[[0.25, -0.5], [0, 1]]]},
    ],
    call(figures_07.draw_reach, [-1, 1], [0.5, 0], 0.5, "before"): [
        # The band is two standard deviations wide on either side.
        {heights: [[0.5, 0], [-1, 1]], bands: [[(-1, -0.5, 1.5), (1, -1, 1)]]},
    ],
    # Each curve is followed by its markers.
    call(figures_08.draw_paths, {"one": NINE, "other": TEN}, tipping=0.3): [
        {heights: [NINE, NINE, TEN, TEN, [0.3, 0.3]], texts: ["tipping point 0.30"]},
    ],
    call(figures_08.draw_paths, {"one": NINE}, None): [{heights: [NINE, NINE]}],
    call(figures_08.draw_race, {"a": [SIX, [9] * 6, [0] * 6]}, best=10, worst=1): [
        {heights: [SIX, SIX, [10, 10], [1, 1]]},
    ],
    call(figures_08.draw_losses, [1, 2], {"first": [0, 0.5], "second": [0, -1]}): [
        {heights: [[1, 2]]},
        {heights: [[0, 0.5], [0, -1], [0, 0]], named: ["first", "second"]},
    ],
    call(figures_10.draw_goals, (2, 3), {"here": (1, 2), "there": (0, 0)}): [
        {written: {(2, 1): "here", (0, 0): "there"}, row_0_on_top: True},
    ],
    call(figures_10.draw_shares, AB, {"x": [0.2, 0.9], "y": [1, 0]}, "step"): [
        {heights: [[20, 90], [100, 0]], named: ["x", "y"], ticks: AB},
    ],
    call(figures_10.draw_price, AB, [4.0, 1.0], best=4.0): [
        {
            bars: [(0, 0, 4), (1, 0, 1), (0, 4, 0), (1, 1, 3)],
            texts: ["0.0 %", "75.0 %"],
        },
    ],
    call(figures_10.draw_effective, [0, 10], [[4, 1], [4, 2], [4, 9]], [4, 1.5], 4): [
        {lines: [[(0, 4), (10, 2)], [(0, 4), (10, 1.5)]]},
    ],
    # In thousandths, at (reward, action); stairs leave the diagonal above them.
    call(figures_11.draw_credit, [[0.012, 0.25], [0, 0.5]], "means"): [
        {written: CREDIT, lines: [STAIRS], row_0_on_top: True},
    ],
    call(figures_11.draw_height, [0, 1], [1, 0.5], {"x": (0.5, 1.2), "y": (1, 2)}): [
        {lines: [[(0, 1), (1, 0.5)], level(1), [(0.5, 1.2)], [(1, 2)]], named: XY},
    ],
    call(figures_11.draw_dropped, AB, PAIR, [0, 1], [2, 1], [0.25, 0.5], chosen=1): [
        {bars: PAIRED, ticks: AB},
        {lines: [[(0, 0.25), (1, 0.5)], [(0, 2), (1, 1)], [(1, 0.5)], [(1, 1)]]},
    ],
    call(figures_11.draw_episodes, AB, [12000, 300]): [
        {lines: [[(12000, 0), (300, 1)]], texts: ["12,000", "300"], from_top: AB},
    ],
    # The medians of both, and all that their runs cover.
    call(figures_12.draw_courses, RIGHT, {"up": WRONG}, start=0.5, columns=1): [
        {heights: [[0.5, 0.5], [0, 1], [1, 4]], bands: COVERED},
    ],
    call(figures_12.draw_mixture, AB, PAIR[::-1], [0, 1], [1, -0.6], at=1): [
        {bars: PAIRED, ticks: AB},
        {lines: [level(0), [(0, 1), (1, -0.6)], [(1, -0.6)]]},
    ],
    call(figures_12.draw_pushes, AB, PAIR[1], PAIR[0]): [{bars: PAIRED, ticks: AB}],
    # A wall on the left, a star at the right end.
    call(pictures.draw_corridor, length=7, position=3): [
        {agents: [(3, 0)], lines: [[(-0.5, -0.5), (-0.5, 0.5)], [(6, 0)]]},
    ],
    # The goal, the way walked, and where it began.
    call(pictures.draw_grid, (3, 4), [0, 4, 8, 9]): [
        {lines: GRID, agents: [(1, 2)], row_0_on_top: True},
    ],
    call(pictures.draw_cartpole, [1.0, 0, 0.2, 0]): [
        # The track, the limits of 12 degrees, the pole and its hub.
        {lines: [level(0), *LIMITS, pole(0.2, 1), [(1, 0.2)]], bars: [(1, 0.04, 0.3)]},
    ],
    call(pictures.draw_corridor_policy, [[0.9, 0.1], [1, 0]], [0, 1]): [
        {heights: [[0.1], [0.9]], written: {(0.4, 0.1): "right", (0.4, 0.9): "left"}},
    ],
    # Up, right, down and left, where row numbers grow downward.
    call(pictures.draw_grid_policy, (1, 2), [[0.1, 0.7, 0, 0.2]] * 2, [0, 1]): [
        {heads: FOUR_WAYS, texts: ["70"], row_0_on_top: True},
    ],
    call(pictures.draw_cartpole_policy, [-9, 0, 9], [-5, 5], SLICE): [
        {texts: ["0.20", "0.90", "0.40", "1.00"], maps: [SLICE]},
    ],
    call(pictures.draw_lines, {"a": [3, 1], "b": [2, 2]}, "value"): [
        {lines: [[(0, 3), (1, 1)], [(0, 2), (1, 2)]], named: AB},
    ],
    call(plots.curve, [3, 1], "a", x=[5, 7]): [
        {lines: [[(5, 3), (7, 1)]], named: ["a"]},
    ],
    call(plots.spread_band, [[0, 1], [10, 1], [20, 4]], "a", band=(0.25, 0.75)): [
        {lines: [[(0, 10), (1, 1)]], bands: [[(0, 5, 15), (1, 1, 2.5)]]},
    ],
    call(plots.fill_band, [1, 2], [0, 1], [3, 2], "black"): [
        {bands: [[(1, 0, 3), (2, 1, 2)]]},
    ],
    call(plots.paired_bars, AB, *PAIR, ("x", "y")): [{bars: PAIRED, ticks: AB}],
    call(plots.reference_line, 0.5, "half"): [
        {lines: [level(0.5)], written: {(1, 0.5): "half"}},
    ],
}
WORDS = (texts, written, ticks, named, legend, from_top, row_0_on_top)
MODULES = dict.fromkeys(inspect.getmodule(draw.func) for draw in FIGURES)


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.func.__name__)
def test_the_numbers_drawn_are_the_numbers_given(draw):
    for axes, seen in zip(drawn(draw), FIGURES[draw], strict=True):
        for read, expected in seen.items():
            found = read(axes)
            if read in WORDS:
                assert found == expected, read
                continue
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-7, err_msg=str(read))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_figure_is_missing_from_the_table(module):
    draws = {name for name in vars(module) if name.startswith("draw_")}
    assert draws <= {draw.func.__name__ for draw in FIGURES}


# What a single number does to a figure.


def test_a_descent_that_diverges_is_drawn_as_far_as_it_can_be():
    path = [[0, 0], [50, 80], [1e100, 1e100]]
    plane, _ = drawn(call(figures_01.draw_line_run, path, X, Y))
    np.testing.assert_allclose(plane.lines[0].get_xydata(), path[:2])
    low, high = plane.get_xlim()
    assert low < 0 and 1 < high < 10


def test_sixty_samples_have_an_arrow_and_all_of_them_count_in_the_average():
    noise, heights = np.repeat([1.2, -1.2], 100), np.full(200, 0.5)
    draw = call(figures_04.draw_pushes, "step", 0.0, 0.5, noise, heights)
    _, pushes, average = drawn(draw)
    assert len(arrows(pushes)) == 60
    assert rows(average) == [(0, pytest.approx(1.2))]


@pytest.mark.parametrize("multiplied", [0, 1, 3])
def test_factors_still_to_come_are_empty(multiplied):
    axes, _ = drawn(call(figures_05.draw_factors, FACTORS, multiplied))
    filled = [bool(block.get_hatch()) for block in axes.patches]
    assert filled == [place < multiplied for place in range(3)]


@pytest.mark.parametrize("smallest", [0.9, 1e-4, 1e-30])
def test_the_product_on_the_right_belongs_to_its_logarithm_on_the_left(smallest):
    factors = [Factor("start", "x", smallest)]
    left, right = drawn(call(figures_05.draw_factors, factors, 1))
    assert right.get_ylim() == left.get_ylim()
    assert left.get_ylim()[0] < LN(smallest)
    for place, tick in zip(right.get_yticks(), right.get_yticklabels(), strict=True):
        assert place == pytest.approx(LN(float(tick.get_text())))


def test_the_areas_of_points_are_in_proportion_to_their_probabilities():
    estimates, chances = [[0.5, 0.0], [0.3, 0.0], [-0.3, 0.0]], [0.1, 0.3, 0.6]
    draw = call(figures_06.draw_cloud, estimates, [1.0, 0.0], 1, chances, area=1000)
    sizes = [cloud.get_sizes().tolist() for cloud in drawn(draw)[0].collections]
    assert sizes == [pytest.approx([100, 300]), [], pytest.approx([600])]


@pytest.mark.parametrize("gradient", [(0.1, 0.0), (0.0, -0.2), (-0.3, 0.4)])
def test_the_half_plane_uphill_is_shaded(gradient):
    (axes,) = drawn(call(figures_06.draw_cloud, [[0.1, 0.1]], gradient, 0.5))
    (shade,) = axes.patches
    for corner in [(0.49, 0.48), (-0.49, 0.48), (0.49, -0.48), (-0.49, -0.48)]:
        assert shade.get_path().contains_point(corner) == (np.dot(corner, gradient) > 0)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_policy_that_is_the_same_everywhere_is_drawn_without_a_warning(level):
    flat = np.full((2, 3), level)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(call(pictures.draw_cartpole_policy, [-1, 0, 1], [-1, 1], flat))


# What is written in words and tables.

HILL = pg.exact.trajectories(pg.hill())


def test_the_trajectories_of_the_hill_are_told_and_numbered():
    told, names = figures_02.stories(HILL), figures_02.short_names(HILL)
    assert len({tuple(story) for story in told}) == len(set(names)) == 16
    assert told[0] == ["valley", "rest", "valley", "rest", "valley"]
    assert told[8] == ["valley", "climb", "ridge", "climb", "summit"]
    # It ends after one step: nothing is told of the padding.
    assert told[15] == ["ridge", "climb", "summit"]
    assert names[0] == "1  V rest V rest V" and names[15] == "16  R climb S"


def test_the_table_of_the_hill_has_a_line_for_each_trajectory_and_the_sums():
    lines = figures_02.table(HILL, np.arange(1, 17) / 136, np.arange(16) / 4)
    head, *body, sums = [line.split() for line in lines.split("\n")]
    assert len(body) == 16
    assert len({len(line) for line in lines.split("\n")}) == 1
    # 9/136 = 0.0662, 8/4 = 2, and the product is 0.1324.
    words = ["valley", "climb,", "climb", "ridge,", "summit"]
    assert body[8] == ["9", *words, "0.0662", "2.000", "0.1324"]
    # The sum of k (k - 1) from 1 to 16 is 1496 - 136 = 1360; over 4 * 136 it is 2.5.
    assert sums == ["sum", "1.0000", "2.5000"]


def test_the_factors_of_a_trajectory_are_listed_in_order_with_their_owners():
    transition = np.array([[[1, 0], [0.3, 0.7]], [[0, 1], [0.9, 0.1]]])
    tables = [0.75, 0.25], [[0.4, 0.6], [0.2, 0.8]], transition
    words = ("low", "high"), ("stay", "jump")
    assert figures_05.in_words((0, 1, 1), *words) == "low, jump, high"
    assert figures_05.factors_of((0, 1, 1), *tables, *words) == FACTORS
    only_start = figures_05.factors_of((1,), *tables, *words)
    assert only_start == [Factor("start", "P_0(high)", 0.25)]


def test_a_text_table_is_flush_left_and_then_flush_right():
    rows = [("a", "1,000"), ("longer", 2.5), ("x", math.inf)]
    assert figures_11.text_table(("name", "N"), rows).split("\n") == [
        *("name        N", "a       1,000", "longer    2.5", "x           -")
    ]


def diagnosis(**changes):
    usual = dict(relative_error=0.25, cosine=0.5, scale=0.75, variance=3.0)
    usual |= dict(plain_variance=2.0, cause="", verdict="The loss is nan.")
    return SimpleNamespace(**usual | changes)


def test_the_table_of_diagnoses_has_error_cosine_length_noise_and_cause():
    found = {
        "a loss": diagnosis(cause="the mask is forgotten " * 9),
        "right": diagnosis(relative_error=3e-16, cosine=1.0, scale=-1e-17),
        "lost": diagnosis(relative_error=math.inf),
    }
    head, first, *cause, right, lost, verdict = figures_12.table(found, 60).split("\n")
    assert head.split() == ["error", "cosine", "length", "noise"]
    # The noise is the variance 3 in units of the plain one, 2.
    assert first.split() == ["a", "loss", "25", "%", "0.500", "0.750", "1.50"]
    assert cause[0].startswith("    the mask is forgotten")
    assert max(map(len, cause)) <= 60
    # An error of rounding is 0, and no number is minus zero.
    assert right.split() == ["right", "0", "1.000", "0.000", "1.50"]
    assert lost.split() == ["lost", "could", "not", "be", "examined"]
    assert verdict == "    The loss is nan."
