"""Pictures of worlds and policies: each draws arrays on an Axes and returns it.

The colours are those of plots.py, which the colour-blind can tell apart; marks, line
styles, lengths and numbers say the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import check_named, iterated, shaped_array
from pg_helpers.require import check_count

FONT = 12  # points, at a hundred dots an inch
BLACK, BLUE, BROWN, GREEN = "#000000", "#0072B2", "#692D0F", "#009E73"
VERMILION, PURPLE, NAVY, GREY = "#D55E00", "#CC79A7", "#002D5A", "#888888"
# Each action, or component, with a mark and a line style of its own.
STYLES = (
    (BLUE, "o", "-"),
    (BROWN, "s", "--"),
    (GREEN, "^", "-."),
    (VERMILION, "v", ":"),
    (NAVY, "D", "-"),
    (PURPLE, "X", "--"),
)
# Up, right, down, left, in a picture whose rows grow downward.
_DIRECTIONS = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)])


def draw_corridor(axes: Axes, length: int, position: int, title: str = "") -> Axes:
    """The corridor: a wall on the left, the rewarded end on the right, the agent.

    Args:
        axes: drawn on.
        length: number of cells.
        position: cell of the agent, from 0.
        title: stands above.

    Raises:
        ValueError: the position is not in the corridor.
    """
    check_count("length", length, at_most=10_000)
    check_count("position", position, at_least=0, at_most=length - 1)
    for cell in range(length):
        fill = to_rgba(GREEN, 0.5) if cell == length - 1 else "white"
        axes.add_patch(Rectangle((cell - 0.5, -0.5), 1, 1, fc=fill, ec=GREY))
    axes.plot([-0.5, -0.5], [-0.5, 0.5], color=BLACK, linewidth=6)
    axes.plot(length - 1, 0, "*", color=BLACK, markersize=16)
    axes.add_patch(Circle((position, 0), 0.32, fc=BLUE, ec=BLACK, zorder=3))
    axes.set(xlim=(-0.7, length - 0.4), ylim=(-0.6, 0.6), aspect="equal", yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[:].set_visible(False)
    label(axes, "position (cells)", title=title)
    return axes


def draw_grid(
    axes: Axes, shape: tuple[int, int], path: Sequence[int] = (), title: str = ""
) -> Axes:
    """The grid: the rewarded corner, the way walked so far, and the agent at its end.

    Args:
        axes: drawn on.
        shape: rows and columns.
        path: states entered, row * columns + column, the start first.
        title: stands above.

    Raises:
        TypeError: the shape or the path is no list of integers.
        ValueError: the shape is not of two counts, or a state is not in the grid.
    """
    rows, columns = _rows_and_columns(shape)
    entered = path.tolist() if isinstance(path, np.ndarray) else path
    last = rows * columns - 1
    states = [check_count("path", s, 0, last) for s in iterated("path", entered)]
    _draw_cells(axes, rows, columns)
    if states:
        y, x = np.divmod(states, columns)
        axes.plot(x, y, "-", color=NAVY, linewidth=4)
        axes.plot(x[0], y[0], "s", color="white", mec=BLACK, markersize=14)
        axes.add_patch(Circle((x[-1], y[-1]), 0.28, fc=BLUE, ec=BLACK, zorder=3))
    label(axes, "column", "row", title)
    return axes


def draw_cartpole(axes: Axes, observation: ArrayLike, title: str = "") -> Axes:
    """The cart and its pole, and the limits beyond which an episode ends.

    Args:
        axes: drawn on.
        observation: (4,), cart position (m) and velocity (m/s), pole angle (rad, to the
            right) and angular velocity (rad/s).
        title: stands above.

    Raises:
        TypeError: the observation is not numeric.
        ValueError: it does not have four finite numbers.
    """
    seen = shaped_array("observation", observation, 4)
    x, angle = seen[0], seen[2]
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.vlines((-2.4, 2.4), 0, 1.5, color=GREY, linestyle="--")
    for limit in np.radians((-12, 12)):
        tip = (x + 1.2 * np.sin(limit), 0.2 + 1.2 * np.cos(limit))
        axes.plot([x, tip[0]], [0.2, tip[1]], ":", color=GREY)
    axes.add_patch(Rectangle((x - 0.3, 0.04), 0.6, 0.3, fc=BLUE, ec=BLACK))
    pole = (x + np.sin(angle), 0.2 + np.cos(angle))
    axes.plot([x, pole[0]], [0.2, pole[1]], color=BROWN, linewidth=7)
    axes.plot(x, 0.2, "o", color=BLACK)
    axes.set(xlim=(-2.8, 2.8), ylim=(-0.05, 1.5), aspect="equal", yticks=[])
    axes.spines[["left", "right", "top"]].set_visible(False)
    label(axes, "cart position (m)", title=title)
    return axes


def draw_corridor_policy(
    axes: Axes, probabilities: ArrayLike, terminal: ArrayLike
) -> Axes:
    """Probability of each action against position.

    Args:
        axes: drawn on.
        probabilities: (S, 2), of left and right in each cell.
        terminal: bool (S,), True where no action is taken.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: the shapes disagree, a number is no probability, or all is terminal.
    """
    pi = _probabilities("probabilities", probabilities, None, 2)
    cells = np.flatnonzero(shaped_array("terminal", terminal, len(pi)) == 0)
    if not cells.size:
        raise ValueError("terminal: expected a cell that is not, got none")
    names = ("left", "right")
    for action, (color, mark, line) in zip((1, 0), STYLES, strict=False):
        axes.plot(cells, pi[cells, action], mark + line, color=color, markersize=7)
        end = pi[cells[-1], action]
        # Apart from each other, also where both are near one half.
        height = max(end, 0.56) if end >= 0.5 else min(end, 0.44)
        bold: Any = {"fontsize": FONT, "fontweight": "bold", "va": "center"}
        axes.text(cells[-1] + 0.4, height, names[action], color=color, **bold)
    axes.set(xlim=(-0.5, 1.25 * len(pi) - 1), ylim=(-0.05, 1.05))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    label(axes, "position (cells)", "probability")
    return axes


def draw_grid_policy(
    axes: Axes, shape: tuple[int, int], probabilities: ArrayLike, terminal: ArrayLike
) -> Axes:
    """In each cell an arrowhead for each action, its area as its probability.

    The likeliest is blue, and its probability, in percent, is in the middle.

    Args:
        axes: drawn on.
        shape: rows and columns.
        probabilities: (S, 4), of up, right, down and left in each cell.
        terminal: bool (S,), True where no action is taken.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: the shapes disagree, or a number is no probability.
    """
    rows, columns = _rows_and_columns(shape)
    pi = _probabilities("probabilities", probabilities, rows * columns, 4)
    cells = np.flatnonzero(shaped_array("terminal", terminal, len(pi)) == 0)
    _draw_cells(axes, rows, columns)
    y, x = np.divmod(cells, columns)
    box = axes.get_position(original=True).transformed(axes.figure.transSubfigure)
    pixels = min(box.width / columns, box.height / rows)
    cell = 72 * pixels / axes.figure.dpi  # points
    pi = pi[cells]
    likeliest, percent = pi.argmax(axis=1), 100 * pi.max(axis=1)
    for action, mark in enumerate("^>v<"):
        dx, dy = 0.37 * _DIRECTIONS[action]
        areas = (0.29 * cell) ** 2 * pi[:, action]
        colors = np.where(likeliest == action, BLUE, GREY)
        axes.scatter(x + dx, y + dy, areas, colors, marker=mark, linewidths=0)
    middle: Any = {"ha": "center", "va": "center", "fontsize": min(FONT, 0.3 * cell)}
    for place in zip(x, y, map("{:.0f}".format, percent), strict=True):
        axes.text(*place, **middle)
    label(axes, "column", "row", "policy (percent)")
    return axes


def draw_cartpole_policy(
    axes: Axes, angles: ArrayLike, velocities: ArrayLike, probability: ArrayLike
) -> Axes:
    """Probability of pushing right, for each angle and angular velocity of the pole.

    Lines where it is 0.1, 0.5 and 0.9; numbers in the corners.

    Args:
        axes: drawn on.
        angles: (n,), evenly spaced, degrees.
        velocities: (m,), evenly spaced, degrees a second.
        probability: (m, n).

    Raises:
        TypeError: an argument is not numeric.
        ValueError: the shapes disagree or are below two, or a number is no probability.
    """
    x, y = (
        shaped_array("angles", angles, None),
        shaped_array("velocities", velocities, None),
    )
    right = _probabilities("probability", probability, len(y), len(x))
    if min(right.shape) < 2:
        raise ValueError(f"probability: expected at least (2, 2), got {right.shape}")
    extent = (x[0], x[-1], y[0], y[-1])
    axes.imshow(
        right, extent=extent, origin="lower", aspect="auto", cmap="cividis",
        vmin=0, vmax=1, interpolation="bilinear",
    )  # fmt: skip
    # Levels that the probabilities do not reach would make matplotlib warn.
    levels = [p for p in (0.1, 0.5, 0.9) if right.min() < p < right.max()]
    if levels:
        colors = [BLACK if p > 0.5 else "white" for p in levels]
        axes.contour(x, y, right, levels, colors=colors, linestyles="--")
    for row, column in np.ndindex(2, 2):
        p = right[-row, -column]
        place = (0.03 + 0.94 * column, 0.04 + 0.92 * row, f"{p:.2f}")
        sides: Any = {"ha": ("left", "right")[column], "va": ("bottom", "top")[row]}
        shade = "white" if p < 0.47 else BLACK
        axes.text(*place, transform=axes.transAxes, color=shade, fontsize=FONT, **sides)
    label(axes, "pole angle (degrees)", "velocity (degrees/s)", "P(push right)")
    return axes


def draw_lines(
    axes: Axes, series: Mapping[str, ArrayLike], y: str, x: str = "time (steps)"
) -> Axes:
    """One line for each series, by default over the steps of a trajectory.

    Args:
        axes: drawn on.
        series: name and values of each, at most six; names are shown where there is
            more than one.
        y: label of the axis of values, with its unit.
        x: label of the axis of places 0, 1, ...

    Raises:
        TypeError: the series are no dict of numbers by name.
        ValueError: no series or more than six, or one is not finite or not of one axis.
    """
    check_named("series", series)
    if len(series) > len(STYLES):
        raise ValueError(f"series: expected at most {len(STYLES)}, got {len(series)}")
    for (name, row), (color, mark, line) in zip(series.items(), STYLES, strict=False):
        numbers = shaped_array(f"series[{name!r}]", row, None)
        every = max(1, len(numbers) // 12)
        axes.plot(numbers, line, marker=mark, markevery=every, color=color, label=name)
    if len(series) > 1:
        axes.legend(fontsize=FONT - 2, loc="upper left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    label(axes, x, y)
    return axes


def label(axes: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Axis labels and title, in a size to be read from afar."""
    axes.set_xlabel(x, fontsize=FONT)
    axes.set_ylabel(y, fontsize=FONT)
    if title:
        # At a given height: to find one takes longer than to draw the lines.
        axes.set_title(title, fontsize=FONT, loc="left", y=1.02)
    axes.tick_params(labelsize=FONT - 1)


def _draw_cells(axes: Axes, rows: int, columns: int) -> None:
    """Empty cells, row 0 on top, and the rewarded corner."""
    corner = (columns - 1.5, rows - 1.5)
    axes.add_patch(Rectangle(corner, 1, 1, fc=to_rgba(GREEN, 0.5), ec=GREEN))
    axes.plot(columns - 1, rows - 1, "*", color=BLACK, markersize=16)
    axes.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, color=GREY)
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color=GREY)
    axes.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[:].set_visible(False)


def _rows_and_columns(shape: tuple[int, int]) -> tuple[int, int]:
    sides = [check_count("shape", n, 1, 10_000) for n in iterated("shape", shape)]
    if len(sides) != 2:
        raise ValueError(f"shape: expected rows and columns, got {sides}")
    return sides[0], sides[1]


def _probabilities(name: str, value: ArrayLike, *shape: int | None) -> NDArray:
    array = shaped_array(name, value, *shape)
    if not ((array >= -1e-6) & (array <= 1 + 1e-6)).all():
        raise ValueError(f"{name}: expected numbers from 0 to 1")
    return array
