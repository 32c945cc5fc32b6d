"""What the truth costs: listing every trajectory, and dynamic programming."""

import numpy as np
import torch
from matplotlib.axes import Axes
from reporting import by_turns, growth, marked_curve, picture, significant, table

import pg_helpers as pg
from pg_helpers.execution import one_thread

GAMMA = 0.95
ROUNDS = 9
HORIZONS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 22)
GROWING = 14  # from this horizon on, time is spent on trajectories


def main() -> str:
    """Measure everything and return Markdown."""
    with one_thread():
        return horizon_section()


def horizon_section() -> str:
    """The gradient on the corridor by both ways, against the horizon."""
    worlds = {T: pg.corridor(horizon=T) for T in HORIZONS}
    counts = {T: pg.exact.count_trajectories(world) for T, world in worlds.items()}
    actions: dict = {}
    for T, world in worlds.items():
        policy = new_policy(world)
        actions["list", T] = lambda w=world, p=policy: pg.exact.gradient(w, p, GAMMA)
        actions["dp", T] = lambda w=world, p=policy: pg.exact.gradient_by_dp(
            w, p, GAMMA
        )
        listed, by_dp = actions["list", T](), actions["dp", T]()
        assert torch.allclose(listed, by_dp, atol=1e-5), "the two gradients differ"
    seconds = by_turns(actions, ROUNDS)
    listed = [seconds["list", T] for T in HORIZONS]
    by_dp = [seconds["dp", T] for T in HORIZONS]
    large = slice(HORIZONS.index(GROWING), None)
    number = list(counts.values())
    times, more = (growth(HORIZONS[large], y[large]) for y in (listed, number))
    rows = [
        (
            T,
            f"{counts[T]:,}",
            significant(one / other),
            significant(1000 * one),
            significant(1000 * other),
            significant(counts[T] / one / 1e6),
        )
        for T, one, other in zip(HORIZONS, listed, by_dp, strict=True)
    ]
    head = (
        "horizon T",
        "trajectories K",
        "enumeration / dynamic programming",
        "enumeration, ms",
        "dynamic programming, ms",
        "million trajectories a second",
    )
    return f"""## The exact gradient on the corridor, against the horizon

Network 1-8-8-2. Both ways give the same gradient (checked); medians of {ROUNDS} rounds
by turns, processor time on one core. From T = {GROWING} on, a step more makes
enumeration {times:.2f} times as dear (K: {more:.2f} times as many). The largest had
{max(number):,} trajectories: {significant(number[-1] / listed[-1] / 1e6)} million a
second, gradient included.

{table(head, rows)}

{horizon_picture(listed, by_dp, number)}
"""


def horizon_picture(listed: list, by_dp: list, counts: list) -> str:
    def draw(left: Axes, right: Axes) -> None:
        marked_curve(left, HORIZONS, listed, "all trajectories listed", 0)
        marked_curve(left, HORIZONS, by_dp, "dynamic programming", 1)
        left.set(yscale="log", ylabel="time for a gradient (s)")
        left.legend()
        speed = np.divide(counts, listed)
        marked_curve(right, HORIZONS, speed, "all trajectories listed", 0)
        right.set(yscale="log", ylabel="trajectories a second")
        for axes in (left, right):
            axes.set_xlabel("horizon T (steps)")

    return picture(
        "enumeration",
        draw,
        "Against the horizon: the time of a gradient by enumeration, flat at first and "
        "then a rising straight line on the logarithmic axis, and by dynamic "
        "programming, nearly flat. Beside it trajectories a second, which rise and "
        "then level off.",
        columns=2,
    )


def new_policy(world: pg.TabularMDP) -> torch.nn.Module:
    torch.manual_seed(0)
    return pg.policy_for(world)


if __name__ == "__main__":
    print(main())
