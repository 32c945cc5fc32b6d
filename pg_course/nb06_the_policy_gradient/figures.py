"""Estimates of the policy gradient, as points in the plane of two parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import shaped_array
from pg_course.nb06_the_policy_gradient.experiments import signs_of
from pg_course.stage.plots import COLORS, SHADES
from pg_helpers.require import check_positive

# Which way a point points: colour, marker and name in a legend.
LOOKS = (
    (COLORS[0], "o", "uphill"),
    ("black", "s", "zero"),
    (COLORS[1], "v", "downhill"),
)


def draw_cloud(
    axes: Axes,
    estimates: ArrayLike,
    gradient: ArrayLike,
    reach: float,
    probabilities: ArrayLike | None = None,
    area: float = 1500,
) -> Axes:
    """Draw estimates as points, the exact gradient as an arrow, and uphill shaded.

    Args:
        axes: drawn on.
        estimates: (n, 2), in units of reward.
        gradient: (2,), the exact one, not zero.
        reach: the axes go from -reach to reach, both ways; points beyond are left out.
        probabilities: (n,), drawn as the areas of the points; by default all are small.
        area: of a point of probability 1, in square points.

    Returns:
        The axes.

    Raises:
        TypeError: an argument is not numbers.
        ValueError: shapes do not fit, a number is not finite, the gradient is zero, or
            reach or area is not positive.
    """
    signs, reach = signs_of(estimates, gradient), check_positive("reach", reach)
    area = check_positive("area", area)
    points, arrow = np.asarray(estimates, float), np.asarray(gradient, float)
    if arrow.shape != (2,) or not arrow.any():
        raise ValueError(f"gradient: expected two numbers, not both 0, got {arrow}")
    sizes, opacity = np.full(signs.shape, 14.0), 0.45
    if probabilities is not None:
        each = shaped_array("probabilities", probabilities, *signs.shape)
        if (each < 0).any():
            raise ValueError(
                f"probabilities: expected none below 0, got {each.min():.3g}"
            )
        sizes = area * each
        opacity = 0.6
    _shade_uphill(axes, arrow, reach)
    inside = (abs(points) <= reach).all(axis=1)
    for sign, (color, marker, _) in zip((1, 0, -1), LOOKS, strict=True):
        chosen = inside & (signs == sign)
        # Zero is an open square, through which the foot of the arrow is seen.
        axes.scatter(
            points[chosen, 0],
            points[chosen, 1],
            s=sizes[chosen],
            facecolor=to_rgba(color, opacity) if sign else "none",
            edgecolor=color,
            linewidth=0.5 if sign else 2,
            marker=marker,
        )
    axes.annotate(
        "",
        (arrow[0], arrow[1]),
        (0, 0),
        arrowprops={
            "arrowstyle": "-|>,head_width=0.2,head_length=0.4",
            "linewidth": 2.5,
            "color": COLORS[2],
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=5,
    )
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return axes


def name_the_points(axes: Axes, **options: Any) -> Axes:
    """Add a legend of the markers, all of one size, and of the arrow.

    Args:
        axes: drawn on.
        **options: for the legend, such as loc.

    Returns:
        The axes.
    """
    handles = [
        Line2D(
            [],
            [],
            color=color,
            marker=marker,
            fillstyle="none" if label == "zero" else "full",
            linestyle="",
            markersize=9,
        )
        for color, marker, label in LOOKS
    ]
    handles.append(Line2D([], [], color=COLORS[2], linewidth=2.5))
    labels = [label for *_, label in LOOKS] + ["exact gradient"]
    axes.legend(handles, labels, **options)
    return axes


def write_beside(axes: Axes, point: ArrayLike, text: str) -> Axes:
    """Write a short text a little above and to the right of a point.

    Args:
        axes: drawn on.
        point: (2,), where.
        text: what.

    Returns:
        The axes.

    Raises:
        TypeError: point is not numbers.
        ValueError: it is not finite, or not of shape (2,).
    """
    x, y = shaped_array("point", point, 2)
    axes.annotate(text, (x, y), (9, 9), textcoords="offset points")
    return axes


def _shade_uphill(axes: Axes, arrow: NDArray, reach: float) -> None:
    """Shade the half-plane of all vectors with a part along the arrow."""
    ahead = 4 * reach * arrow / np.hypot(*arrow)
    aside = np.array([-ahead[1], ahead[0]])
    corners = np.array([aside, aside + ahead, ahead - aside, -aside])
    axes.fill(*corners.T, color=SHADES[0], alpha=0.18, linewidth=0, gid="shade")
    axes.plot(*np.array([aside, -aside]).T, color="0.5", linewidth=1, linestyle=":")
