import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from screens import middle, near, pixels

from pg_course.stage import pictures, plots
from pg_course.stage.display import png_of
from pg_course.stage.pictures import BLUE, BROWN, GREEN, NAVY


def axes_of(width=4, height=4):
    return Figure(figsize=(width, height)).add_subplot()


def image(axes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pixels(png_of(axes.figure))


def place(axes, mask):
    """Middle of what is marked, in the units of the axes."""
    column, row = middle(mask)
    return axes.transData.inverted().transform((column, len(mask) - row))


def test_the_agent_stands_in_its_cell_of_the_corridor():
    for position in range(6):
        axes = pictures.draw_corridor(axes_of(6, 2), 7, position)
        found = place(axes, near(image(axes), BLUE))
        assert found == pytest.approx([position, 0], abs=0.1)


def test_the_agent_stands_in_its_cell_of_the_grid():
    for state in range(11):
        axes = pictures.draw_grid(axes_of(), (3, 4), [state])
        row, column = divmod(state, 4)
        found = place(axes, near(image(axes), BLUE))
        assert found == pytest.approx([column, row], abs=0.1)


def test_the_rows_of_the_grid_grow_downward():
    axes = pictures.draw_grid(axes_of(), (3, 4))
    wide, high = middle(near(image(axes), "#80cfb9"))  # half of green, half of white
    assert wide > 200 and high > 200


def test_the_way_through_the_grid_is_drawn():
    axes = pictures.draw_grid(axes_of(), (3, 4), [0, 4, 8, 9, 10])
    found = near(image(axes), NAVY)
    for x, y, expected in ((0, 1, True), (1, 2, True), (2, 1, False), (3, 0, False)):
        column, row = axes.transData.transform((x, y)).round().astype(int)
        assert found[400 - row - 3 : 400 - row + 3, column].any() == expected


@pytest.mark.parametrize("angle", [-0.2, -0.05, 0.05, 0.2])
def test_the_pole_leans_as_the_observation_says(angle):
    axes = pictures.draw_cartpole(axes_of(6, 3), [1.0, 0, angle, 0])
    found = image(axes)
    assert place(axes, near(found, BLUE))[0] == pytest.approx(1.0, abs=0.1)
    # A pole of length 1: its middle is half a sine to the side, half a cosine up.
    x, y = place(axes, near(found, BROWN))
    assert x == pytest.approx(1 + np.sin(angle) / 2, abs=0.05)
    assert y == pytest.approx(0.2 + np.cos(angle) / 2, abs=0.15)


def test_probabilities_on_the_corridor():
    right = np.array([0.1, 0.3, 0.6, 0.9, 0.5])
    pi = np.stack([1 - right, right], axis=1)
    axes = pictures.draw_corridor_policy(axes_of(), pi, np.arange(5) == 4)
    lines = {
        line.get_color(): line for line in axes.lines if len(line.get_xdata()) == 4
    }
    assert lines[BLUE].get_ydata() == pytest.approx(right[:4])
    assert lines[BROWN].get_ydata() == pytest.approx(1 - right[:4])
    assert lines[BLUE].get_linestyle() != lines[BROWN].get_linestyle()
    assert lines[BLUE].get_marker() != lines[BROWN].get_marker()
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights == {"right": 0.9, "left": pytest.approx(0.1)}


@pytest.mark.parametrize(
    ("action", "to"),
    [(0, (0, -0.25)), (1, (0.25, 0)), (2, (0, 0.25)), (3, (-0.25, 0))],
)
def test_arrows_on_the_grid_point_as_the_actions_move(action, to):
    # The first cell is certain of one action; all the others are undecided.
    pi = np.full((6, 4), 0.25)
    pi[0] = np.eye(4)[action]
    axes = pictures.draw_grid_policy(axes_of(), (2, 3), pi, np.arange(6) == 5)
    found = near(image(axes), BLUE)
    column, row = axes.transData.transform((0.5, 0.5)).astype(int)
    found[400 - row :, :] = False
    found[:, column:] = False
    assert place(axes, found) == pytest.approx(to, abs=0.12)


def test_an_arrow_is_as_long_as_its_action_is_likely():
    lengths = []
    for likely in (0.4, 0.7, 1.0):
        pi = np.tile([(1 - likely) / 3, likely, *[(1 - likely) / 3] * 2], (2, 1))
        axes = pictures.draw_grid_policy(axes_of(4, 2), (1, 2), pi, [False, True])
        columns = np.nonzero(near(image(axes), BLUE))[1]
        lengths.append(columns.max() - columns.min())
        assert [t.get_text() for t in axes.texts] == [f"{100 * likely:.0f}"]
    assert lengths[2] - lengths[1] == pytest.approx(lengths[1] - lengths[0], abs=4)
    assert lengths[2] > 1.8 * lengths[0]


def test_the_slice_of_cartpole_has_its_axes_the_right_way_round():
    angles, velocities = np.linspace(-12, 12, 9), np.linspace(-50, 50, 5)
    # Pushes right exactly where the pole leans right, whatever the velocity.
    right = np.tile(angles > 0, (5, 1)).astype(float)
    axes = pictures.draw_cartpole_policy(axes_of(), angles, velocities, right)
    yellow, dark = near(image(axes), "#fde737"), near(image(axes), "#00224e")
    assert place(axes, yellow) == pytest.approx([6, 0], abs=3)
    assert place(axes, dark) == pytest.approx([-6, 0], abs=3)
    corners = {text.get_position(): text.get_text() for text in axes.texts}
    assert [corners[p] for p in sorted(corners)] == ["0.00", "0.00", "1.00", "1.00"]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_policy_that_is_the_same_everywhere_can_be_drawn(level):
    flat = np.full((5, 9), level)
    places = np.linspace(-1, 1, 9), np.linspace(-1, 1, 5)
    image(pictures.draw_cartpole_policy(axes_of(), *places, flat))


def test_lines_differ_in_more_than_colour():
    series = {str(k): np.arange(5) + k for k in range(6)}
    axes = pictures.draw_lines(axes_of(), series, "value (m)")
    looks = {(line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == 6
    assert [t.get_text() for t in axes.get_legend().get_texts()] == list(series)
    with pytest.raises(ValueError, match="expected at most 6, got 7"):
        pictures.draw_lines(axes_of(), series | {"7": [1]}, "value")


def drawn():
    half = np.full((6, 4), 0.25)
    ends = np.arange(6) == 5
    n = np.linspace(-1, 1, 4)
    yield pictures.draw_corridor(axes_of(), 7, 3)
    yield pictures.draw_grid(axes_of(), (2, 3), [0])
    yield pictures.draw_cartpole(axes_of(), np.zeros(4))
    yield pictures.draw_corridor_policy(axes_of(), np.full((6, 2), 0.5), ends)
    yield pictures.draw_grid_policy(axes_of(), (2, 3), half, ends)
    yield pictures.draw_cartpole_policy(axes_of(), n, n, np.full((4, 4), 0.5))
    yield pictures.draw_lines(axes_of(), {"a": [1, 2]}, "a (m)")


def test_axes_are_named_and_can_be_read_from_afar():
    for axes in drawn():
        assert axes.get_xlabel()
        texts = [axes.xaxis.label, *axes.get_xticklabels(), *axes.texts]
        assert min(text.get_fontsize() for text in texts) >= 10


def test_the_colours_are_those_of_the_curves():
    colours = {pictures.BLUE, BROWN, GREEN, pictures.VERMILION, NAVY, pictures.PURPLE}
    assert colours == set(plots.COLORS)
    assert len({color for color, _, _ in pictures.STYLES}) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: pictures.draw_corridor(a, 7, 7), "expected at most 6, got 7"),
        (lambda a: pictures.draw_grid(a, (2, 2), [0, 4]), "expected at most 3, got 4"),
        (lambda a: pictures.draw_cartpole(a, [0, 0]), r"expected shape \(4,\)"),
        (
            lambda a: pictures.draw_corridor_policy(a, np.ones((3, 4)), [0, 0, 1]),
            r"expected shape \(n, 2\), got \(3, 4\)",
        ),
        (
            lambda a: pictures.draw_grid_policy(a, (2, 2), np.ones((3, 4)), [0, 0, 1]),
            r"expected shape \(4, 4\), got \(3, 4\)",
        ),
        (
            lambda a: pictures.draw_cartpole_policy(a, [0, 1], [0, 1], [[0.5, 0.5]]),
            r"expected shape \(2, 2\), got \(1, 2\)",
        ),
        (
            lambda a: pictures.draw_corridor_policy(a, [[-1, 2]] * 2, [0, 1]),
            "expected numbers from 0 to 1",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(axes_of())
