"""What the truth costs: listing every trajectory, dynamic programming, sampling."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from reporting import (
    by_turns,
    exponent,
    growth,
    marked_curve,
    picture,
    significant,
    table,
)

import pg_helpers as pg
from pg_helpers.execution import one_thread

GAMMA = 0.95
ROUNDS = 9
HORIZONS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 22)
GROWING = 14  # from this horizon on, time is spent on trajectories

# What each method is given: N is of use to sampling alone.
USUAL = {
    "a sampled update": {"N": 100, "S": 16, "A": 4, "T": 16},
    "dynamic programming": {"S": 64, "A": 4, "T": 16},
    "enumeration": {"S": 4, "A": 2, "T": 3},
}
RANGES = {
    "a sampled update": {
        "N": (100, 300, 1000, 3000, 10_000),
        "S": (16, 32, 64, 128, 256),
        "A": (4, 8, 16, 32, 64),
        "T": (16, 32, 64, 128, 256),
    },
    "dynamic programming": {
        "S": (32, 64, 128, 256, 512),
        "A": (4, 8, 16, 32, 64),
        "T": (16, 32, 64, 128, 256),
    },
    "enumeration": {"S": (8, 10, 13, 16, 20), "A": (8, 10, 13, 16, 20)},
}


def main() -> str:
    """Measure everything and return Markdown."""
    with one_thread():
        return f"{horizon_section()}\n{exponent_section()}"


def horizon_section() -> str:
    """The gradient on the corridor by both ways, against the horizon."""
    worlds = {T: pg.corridor(horizon=T) for T in HORIZONS}
    counts = {T: pg.exact.count_trajectories(world) for T, world in worlds.items()}
    actions: dict = {}
    for T, world in worlds.items():
        policy = new_policy(world)
        actions["list", T] = lambda w=world, p=policy: pg.exact.gradient(w, p, GAMMA)
        actions["dp", T] = lambda w=world, p=policy: gradient_by_dp(w, p)
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


def exponent_section() -> str:
    """Fitted powers of N, S, A and T for each method."""
    actions: dict = {}
    for method, ranges in RANGES.items():
        for letter, values in ranges.items():
            for value in values:
                sizes = {**USUAL[method], letter: value}
                actions[method, letter, value] = ACTIONS[method](**sizes)
    for action in actions.values():
        action()  # warms up
    seconds = by_turns(actions, ROUNDS)
    rows, curves = [], {}
    for method, ranges in RANGES.items():
        for letter, values in ranges.items():
            costs = [seconds[method, letter, value] for value in values]
            curves[method, letter] = (values, costs)
            rows.append(exponent_row(method, letter, values, costs))
    head = (
        "what",
        "against",
        "exponent",
        "between the last two",
        "range",
        "others fixed at",
        "ms, least to most",
    )
    return f"""## How the cost grows: fitted exponents

Worlds with dense random dynamics and no early ending, one-hot observations; a sampled
update (sampling, loss, step of Adam) with the network S-8-8-A, the exact gradients with
a table. The exponent is the slope of a least-squares line in logarithms over the range;
where fixed costs matter at its lower end, or memory at its upper one, the slope between
the last two points is higher. Medians of {ROUNDS} rounds by turns, processor time on
one core. Enumeration lists S^(T+1) A^T trajectories: it is exponential in T, as above.

{table(head, rows)}

{exponent_picture(curves)}
"""


def exponent_row(method: str, letter: str, values: tuple, costs: list) -> tuple:
    others = ", ".join(f"{n} {v}" for n, v in USUAL[method].items() if n != letter)
    return (
        method,
        letter,
        f"**{exponent(values, costs):.2f}**",
        f"{exponent(values[-2:], costs[-2:]):.2f}",
        f"{values[0]} to {values[-1]:,}",
        others,
        f"{significant(1000 * costs[0])} to {significant(1000 * costs[-1])}",
    )


def exponent_picture(curves: dict) -> str:
    def draw(*panels: Axes) -> None:
        for axes, method in zip(panels, RANGES, strict=True):
            for number, letter in enumerate("NSAT"):
                if (method, letter) in curves:
                    values, costs = curves[method, letter]
                    relative = np.divide(values, values[0])
                    marked_curve(axes, relative, costs, letter, number)
            axes.set(xscale="log", yscale="log", title=method)
            axes.set(xlabel="times its smallest value", ylabel="time (s)")
            axes.legend()

    return picture(
        "exponents",
        draw,
        "Time against N, S, A and T on logarithmic axes, a panel for a sampled update, "
        "dynamic programming and enumeration; the lines of enumeration are by far the "
        "steepest.",
        columns=3,
    )


def dense_world(S: int, A: int, T: int) -> pg.TabularMDP:
    """Every state follows every other, and no episode ends before T steps."""
    generator = np.random.default_rng(0)
    transition = generator.dirichlet(np.ones(S), (S, A))
    reward = generator.standard_normal((S, A, S))
    return pg.TabularMDP(np.full(S, 1 / S), transition, reward, np.zeros(S), T)


def new_policy(world: pg.TabularMDP) -> torch.nn.Module:
    torch.manual_seed(0)
    return pg.policy_for(world)


def gradient_by_dp(world: pg.TabularMDP, policy: torch.nn.Module) -> torch.Tensor:
    objective = pg.exact.objective_by_dp(world, policy, GAMMA)
    found = torch.autograd.grad(objective, list(policy.parameters()))
    return torch.cat([gradient.flatten() for gradient in found])


def sampled_update(N: int, S: int, A: int, T: int) -> Callable[[], object]:
    world = dense_world(S, A, T)
    config = pg.TrainConfig(10**6, N, learning_rate=1e-6)
    updates = pg.iterate_training(world, new_policy(world), config)
    return lambda: next(updates)


def update_by_dp(S: int, A: int, T: int) -> Callable[[], object]:
    world, policy = dense_world(S, A, T), pg.TabularPolicy(S, A)
    return lambda: gradient_by_dp(world, policy)


def update_by_enumeration(S: int, A: int, T: int) -> Callable[[], object]:
    world, policy = dense_world(S, A, T), pg.TabularPolicy(S, A)
    return lambda: pg.exact.gradient(world, policy, GAMMA)


ACTIONS: dict[str, Callable[..., Callable[[], object]]] = {
    "a sampled update": sampled_update,
    "dynamic programming": update_by_dp,
    "enumeration": update_by_enumeration,
}


if __name__ == "__main__":
    print(main())
