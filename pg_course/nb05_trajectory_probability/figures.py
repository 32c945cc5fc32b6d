"""The factors of P(tau|theta), Eq. (13): who owns which, and what they multiply to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from pg_course.arguments import check_named, iterated
from pg_course.stage.plots import COLORS, SHADES
from pg_helpers.require import check_count, finite_array, shown

# Who decides a factor: its color, and a hatch for who sees no colors.
OWNERS = {
    "start": (COLORS[4], ".."),
    "policy": (COLORS[0], "//"),
    "world": (COLORS[2], "xx"),
}
# The scale of ln P reaches down to one of these.
_DEPTHS = (-3.0, -6.0, -12.0, -24.0)
_PROBABILITIES = (1, 0.5, 0.2, 0.1, 1e-2, 1e-3, 1e-4, 1e-5)


class Factor(NamedTuple):
    """One factor of P(tau|theta).

    Attributes:
        owner: "start", "policy" or "world".
        words: what it is the probability of.
        value: in (0, 1].
    """

    owner: str
    words: str
    value: float


def in_words(
    trajectory: Sequence[int], states: Sequence[str], actions: Sequence[str]
) -> str:
    """Name the states and actions of s_0, a_0, ..., a_{T-1}, s_T in their order."""
    names = (states, actions)
    return ", ".join(names[at % 2][index] for at, index in enumerate(trajectory))


def factors_of(
    trajectory: Sequence[int],
    initial: ArrayLike,
    pi: ArrayLike,
    transition: ArrayLike,
    states: Sequence[str],
    actions: Sequence[str],
) -> list[Factor]:
    """List the factors of P(tau|theta) in the order in which they are met, Eq. (13).

    Args:
        trajectory: s_0, a_0, s_1, ..., a_{T-1}, s_T.
        initial: (S,), P_0(s).
        pi: (S, A), pi(a|s).
        transition: (S, A, S), P(s'|s, a).
        states: S names.
        actions: A names.

    Returns:
        2 T + 1 factors: the start, then policy and world in turn.

    Raises:
        ValueError: the trajectory does not end in a state.
    """
    if len(trajectory) % 2 == 0:
        raise ValueError(
            f"trajectory: expected T actions and T + 1 states, got {len(trajectory)}"
        )
    start, policy, world = map(np.asarray, (initial, pi, transition))
    first = trajectory[0]
    factors = [Factor("start", f"P_0({states[first]})", float(start[first]))]
    for at in range(0, len(trajectory) - 1, 2):
        s, a, after = trajectory[at : at + 3]
        given = f"{states[s]}, {actions[a]}"
        factors += [
            Factor("policy", f"pi({actions[a]} | {states[s]})", float(policy[s, a])),
            Factor("world", f"P({states[after]} | {given})", float(world[s, a, after])),
        ]
    return factors


def draw_factors(axes: Axes, factors: Sequence[Factor], multiplied: int) -> Axes:
    """Draw factors as blocks that hang below each other, each as high as -ln of it.

    The lower edge of a block is the logarithm of the product so far, read on the left;
    the product itself is read on the right. Blocks still to come are dashed and empty.

    Args:
        axes: drawn on.
        factors: in the order in which they are multiplied.
        multiplied: how many of them have been.

    Returns:
        The axes.

    Raises:
        TypeError: factors are not Factors, or multiplied is not an integer.
        ValueError: there are not that many factors, an owner is unknown, or a value is
            not in (0, 1].
    """
    factors = [_checked(factor) for factor in iterated("factors", factors)]
    if check_count("multiplied", multiplied, at_least=0) > len(factors):
        raise ValueError(
            f"multiplied: expected at most {len(factors)} factors, got {multiplied}"
        )
    running = 0.0
    for place, factor in enumerate(factors):
        height = math.log(factor.value)
        color, hatch = OWNERS[factor.owner]
        done = place < multiplied
        (block,) = axes.bar(
            place, height, 0.8, running, fc="none", ec="0.5", ls="--", lw=1
        )
        if done:
            block.set(fc=to_rgba(color, 0.35), ec=color, ls="-", lw=2, hatch=hatch)
        axes.annotate(
            f"× {factor.value:.2f}",
            (place, running),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color="black" if done else "0.4",
        )
        running += height
    axes.set_xticks(range(len(factors)), [_below(f) for f in factors], fontsize=12)
    axes.set_xlim(-0.6, 4.6)
    _scale(axes, running)
    return axes


def draw_frequencies(
    axes: Axes,
    labels: Sequence[str],
    probabilities: ArrayLike,
    compared: Mapping[str, ArrayLike],
) -> Axes:
    """Draw a bar for the probability of each trajectory, and marks for others' numbers.

    Args:
        axes: drawn on.
        labels: K trajectories in words, from the top.
        probabilities: (K,), the bars.
        compared: one or two of (K,), by their names for the legend.

    Returns:
        The axes.

    Raises:
        TypeError: something is not made of numbers.
        ValueError: something does not have a number for each label.
    """
    rows = {"Eq. (13)": probabilities, **compared}
    values = {name: finite_array(name, row) for name, row in rows.items()}
    for name, row in values.items():
        if row.shape != (len(labels),):
            raise ValueError(
                f"{name}: expected shape ({len(labels)},) as labels, got {row.shape}"
            )
    places = np.arange(len(labels))
    bars, *others = values.items()
    axes.barh(places, bars[1], fc=SHADES[0], ec=COLORS[5], label=bars[0])
    for (name, row), mark, color in zip(
        others, "ox", ("black", COLORS[1]), strict=False
    ):
        axes.plot(row, places, mark, color=color, label=name, markersize=8)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlabel("probability, or share of the episodes")
    # Above the axes, where it hides no bar.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(rows))
    return axes


def draw_underflow(
    axes: Axes, logarithms: ArrayLike, products: Mapping[str, ArrayLike]
) -> Axes:
    """Draw running products on top of the sum of logarithms, until they are 0.

    Args:
        axes: drawn on.
        logarithms: (n,), the running sum, to the base 10.
        products: running products (n,) of the same factors, by their names.

    Returns:
        The axes.

    Raises:
        TypeError: something is not made of numbers, or products are not by name.
        ValueError: shapes disagree, there is no product, or one is 0 from the first
            step.
    """
    check_named("products", products)
    total = finite_array("logarithms", logarithms)
    if total.ndim != 1:
        raise ValueError(f"logarithms: expected shape (n,), got {total.shape}")
    steps = np.arange(1, len(total) + 1)
    edge = [withStroke(linewidth=11, foreground=COLORS[5])]
    axes.plot(steps, total, color=SHADES[0], lw=9, path_effects=edge, label="sum")
    for number, (name, product) in enumerate(products.items()):
        given = f"products[{name!r}]"
        values = finite_array(given, product)
        if values.shape != total.shape:
            raise ValueError(f"{given}: expected {total.shape}, got {values.shape}")
        heights = np.log10(values[values > 0])
        if not heights.size:
            raise ValueError(f"{given}: expected a product above 0 at first, got 0")
        color, (style, end) = COLORS[number % 6], (("-", "X"), ("--", "P"))[number % 2]
        axes.plot(steps[: len(heights)], heights, style, color=color, label=name)
        axes.plot(len(heights), heights[-1], end, color=color, markersize=12)
        place = (len(heights) + 0.025 * len(total), heights[-1])
        axes.annotate(f"{name} becomes 0", place, va="center")
    axes.set_xlabel("steps multiplied")
    axes.set_ylabel(r"$\log_{10}$ of the running $P$")
    axes.legend(loc="lower left")
    return axes


def room_for_factors(figure: Figure) -> Axes:
    """Make axes with room for three lines below and a second scale on the right."""
    figure.subplots_adjust(bottom=0.22, right=0.88, left=0.11, top=0.9)
    return figure.add_subplot()


def _checked(factor: object) -> Factor:
    if not isinstance(factor, Factor):
        raise TypeError(f"factors: expected each to be a Factor, got {shown(factor)}")
    if factor.owner not in OWNERS:
        raise ValueError(f"factors: expected owners {[*OWNERS]}, got {factor.owner!r}")
    if not 0 < factor.value <= 1:
        raise ValueError(f"factors: expected values in (0, 1], got {factor.value}")
    return factor


def _below(factor: Factor) -> str:
    """Owner and words of a factor, on lines short enough to stand side by side."""
    formula = factor.words.replace("P_0", "$P_0$").replace("pi(", r"$\pi$(")
    return f"{factor.owner}\n" + formula.replace(" | ", " |\n")


def _scale(axes: Axes, lowest: float) -> None:
    """The same scale for all trajectories that fit in it; P itself on the right."""
    depth = next((depth for depth in _DEPTHS if lowest > 0.95 * depth), 1.1 * lowest)
    axes.set_ylim(depth, -0.12 * depth)
    axes.set_ylabel("ln of the product (nats)")
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    ticks = [p for p in _PROBABILITIES if math.log(p) >= depth]
    right.set_yticks([math.log(p) for p in ticks], [f"{p:g}" for p in ticks])
    right.set_ylabel("product")
    right.spines["right"].set_visible(True)
