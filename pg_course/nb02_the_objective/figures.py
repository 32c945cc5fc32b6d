"""Figures of notebook 02: what happens how often, what it is worth, the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pg_course.arguments import check_number, check_texts
from pg_course.nb02_the_objective.experiments import column
from pg_course.shared.trajectories import words_of
from pg_course.stage.plots import COLORS
from pg_helpers.exact import AllTrajectories
from pg_helpers.require import check_count, check_fraction, shown

STATES = ("valley", "ridge", "summit")
ACTIONS = ("rest", "climb")

_PROBABILITY, _RETURN, _PRODUCT = COLORS[0], "0.75", COLORS[1]


def stories(listed: AllTrajectories) -> list[list[str]]:
    """Tell every trajectory of the hill in words.

    Args:
        listed: its K trajectories.

    Returns:
        K lists: state, action, state, action, ..., state.

    Raises:
        TypeError: something else than trajectories is listed.
        ValueError: there are more states or actions than the hill has.
    """
    if not isinstance(listed, AllTrajectories):
        raise TypeError(f"listed: expected AllTrajectories, got {shown(listed)}")
    _check_below("states", listed.states, len(STATES))
    _check_below("actions", listed.actions, len(ACTIONS))
    return words_of(listed, STATES, ACTIONS)


def short_names(listed: AllTrajectories) -> list[str]:
    """Name every trajectory of the hill: the initials of its states, its actions.

    Args:
        listed: its K trajectories.

    Returns:
        K texts, such as "1  V rest V climb R".

    Raises:
        TypeError: something else than trajectories is listed.
        ValueError: there are more states or actions than the hill has.
    """
    names = []
    for number, words in enumerate(stories(listed), start=1):
        words[::2] = [state[0].upper() for state in words[::2]]
        names.append(f"{number}  {' '.join(words)}")
    return names


def table(
    listed: AllTrajectories,
    probabilities: ArrayLike | Tensor,
    returns: ArrayLike | Tensor,
) -> str:
    """Write all trajectories of the hill as aligned text, with their sums.

    Args:
        listed: its K trajectories.
        probabilities: (K,), of each.
        returns: (K,), of each, in units of reward.

    Returns:
        A line for the heads, one for each trajectory, and one for the sums.

    Raises:
        TypeError: the numbers are not numbers, or no trajectories are listed.
        ValueError: they are not finite or not of shape (K,).
    """
    told = stories(listed)
    P = column("probabilities", probabilities, len(told))
    R = column("returns", returns, len(told))
    form = "{:>2}  {:<7} {:<13} {:<15} {:>7} {:>7} {:>8}"
    lines = [form.format("k", "start", "actions", "states after", "P", "R", "R P")]
    for k, words in enumerate(told):
        numbers = _fixed(P[k], 4), _fixed(R[k], 3), _fixed(R[k] * P[k], 4)
        actions, after = ", ".join(words[1::2]), ", ".join(words[2::2])
        lines.append(form.format(k + 1, words[0], actions, after, *numbers))
    sums = "", "sum", "", "", _fixed(P.sum(), 4), "", _fixed((R * P).sum(), 4)
    return "\n".join([*lines, form.format(*sums)])


def draw_trajectories(
    figure: Figure,
    names: Sequence[str],
    probabilities: ArrayLike | Tensor,
    returns: ArrayLike | Tensor,
) -> None:
    """Draw three bars for each trajectory: P, R and their product.

    Args:
        figure: empty.
        names: K, one a trajectory, from the top down.
        probabilities: (K,), of each.
        returns: (K,), of each, in units of reward.

    Raises:
        TypeError: the numbers are not numbers, or names no texts.
        ValueError: they are not finite or not of shape (K,).
    """
    names = check_texts("names", names)
    P = column("probabilities", probabilities, len(names))
    R = column("returns", returns, len(names))
    panels = figure.subplots(1, 3)
    # The scales are fixed, so that bars can be compared from one theta to the next.
    panels[0].add_collection(_bars(P, color=_PROBABILITY))
    panels[0].set(title="probability $P$", xlim=(0, 0.9), xticks=(0, 0.4, 0.8))
    panels[1].add_collection(_bars(R, facecolor=_RETURN, edgecolor="black"))
    panels[1].set(title="return $R$", xlim=(0, 1.15), xticks=(0, 0.5, 1))
    panels[2].add_collection(_bars(R * P, fc=_PRODUCT, ec="white", hatch="///"))
    panels[2].set(title="product $R\\,P$", xlim=(0, 0.42), xticks=(0, 0.2, 0.4))
    units = ("share of episodes", "units of reward", "units of reward")
    for axes, unit in zip(panels, units, strict=True):
        axes.set(xlabel=unit, ylim=(len(names) - 0.4, -0.6), yticks=[])
    panels[0].set_yticks(np.arange(len(names)), names, fontsize=11)
    panels[0].tick_params(axis="y", length=0)


def draw_discounts(axes: Axes, gamma: float, delay: int, level: float) -> Axes:
    """Draw the weights gamma^t as stems, and mark the one of a chosen delay.

    Args:
        axes: drawn on.
        gamma: discount, in [0, 1].
        delay: in steps, from 0 to 40.
        level: a height to compare with, in units of reward.

    Returns:
        The axes.

    Raises:
        TypeError: gamma is not a number.
        ValueError: gamma outside [0, 1], or delay outside 0 to 40.
    """
    gamma = check_fraction("gamma", gamma)
    delay = check_count("delay", delay, at_least=0, at_most=40)
    level = check_number("level", level)
    time, weights = np.arange(41), gamma ** np.arange(41)
    axes.vlines(time, 0, weights, color=COLORS[0], linewidth=1.5)
    axes.plot(time, weights, "o", color=COLORS[0], markersize=4)
    axes.vlines(delay, 0, weights[delay], color=COLORS[1], linewidth=4)
    axes.plot(delay, weights[delay], "D", color=COLORS[1], markersize=11)
    axes.axhline(level, color="black", linewidth=1.2, linestyle=":")
    note = axes.text(40.8, level + 0.04, f"{level} now", ha="right", fontsize=12)
    note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 2})
    axes.set(xlabel="time $t$ (steps)", ylabel="weight $\\gamma^t$ of a reward")
    axes.set(xlim=(-1, 41), ylim=(-0.06, 1.08))
    return axes


def draw_density(
    figure: Figure,
    actions: ArrayLike | Tensor,
    density: ArrayLike | Tensor,
    returns: ArrayLike | Tensor,
) -> None:
    """Draw the density of the actions, their returns, and the product with its area.

    Args:
        figure: empty.
        actions: (n,), ascending.
        density: (n,), per unit of action.
        returns: (n,), in units of reward.

    Raises:
        TypeError: the numbers are not numbers.
        ValueError: they are not finite or not of one shape (n,).
    """
    a = column("actions", actions)
    p = column("density", density, len(a))
    R = column("returns", returns, len(a))
    panels = figure.subplots(1, 3)
    panels[0].plot(a, p, color=_PROBABILITY)
    panels[0].set(title="density $P$", ylabel="per unit of action")
    panels[1].plot(a, R, color="black", linestyle="--")
    panels[1].set(title="return $R$", ylabel="units of reward")
    look: Any = {"fc": to_rgba(_PRODUCT, 0.5), "ec": _PRODUCT, "hatch": "//"}
    panels[2].fill_between(a, R * p, **look)
    panels[2].plot(a, R * p, color=_PRODUCT)
    panels[2].axhline(0, color="black", linewidth=1)
    panels[2].set(title="product $R\\,P$", ylabel="reward per unit of action")
    for axes in panels:
        axes.set_xlabel("action $a$")


def draw_errors(
    axes: Axes,
    numbers: ArrayLike | Tensor,
    errors: ArrayLike | Tensor,
    slope: float,
    height: float,
) -> Axes:
    """Draw errors against N on logarithmic axes, with a fitted power of N.

    Args:
        axes: drawn on.
        numbers: (n,), N.
        errors: (n,), in units of reward.
        slope: of the line through the decimal logarithms.
        height: of that line at N = 1, a decimal logarithm.

    Returns:
        The axes.

    Raises:
        TypeError: the numbers are not numbers.
        ValueError: they are not finite or not of one shape (n,), or not positive.
    """
    N = column("numbers", numbers)
    found = column("errors", errors, len(N))
    for name, values in (("numbers", N), ("errors", found)):
        if (values <= 0).any():
            raise ValueError(f"{name}: expected positive numbers, got {values.min()}")
    slope, height = check_number("slope", slope), check_number("height", height)
    fitted = f"fitted line, slope {slope:.2f}"
    axes.loglog(N, 10**height * N**slope, "--", color=COLORS[1], label=fitted)
    axes.loglog(N, found, "o", color=COLORS[0], markersize=10, label="measured")
    axes.set_xlabel("trajectories an estimate, $N$")
    axes.set_ylabel("error of $J$ (units of reward)")
    axes.legend()
    return axes


def _fixed(number: float, digits: int) -> str:
    # Halves go up on every processor, though they differ in the last bit.
    return f"{number + 1e-9:.{digits}f}"


def _bars(widths: NDArray[np.float64], **look: Any) -> PolyCollection:
    """Horizontal bars as one artist: a patch for each takes several times as long."""
    corners = [
        [(0, y - 0.4), (width, y - 0.4), (width, y + 0.4), (0, y + 0.4)]
        for y, width in enumerate(widths)
    ]
    return PolyCollection(corners, linewidth=0.6, **look)


def _check_below(name: str, values: Tensor, limit: int) -> None:
    if (largest := int(values.max())) >= limit:
        raise ValueError(f"{name}: the hill has {limit}, got number {largest}")
