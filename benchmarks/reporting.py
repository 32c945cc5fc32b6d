"""What the benchmarks share: timing by turns, fits, tables and pictures."""

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from pg_course.stage import plots

PLOTS = Path(__file__).resolve().parent / "plots"
MAX_BYTES = 60_000
TURN = 0.02  # seconds


def by_turns(
    actions: dict[Hashable, Callable[[], object]], rounds: int
) -> dict[Hashable, float]:
    """Median processor seconds of each action, which other processes do not count in.

    Each has its turn, then each again: a slow moment of the machine meets all alike. In
    its turn a short action is repeated, as its first call may pay for tidying up the
    memory of the action before.
    """
    seconds: dict[Hashable, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            turn: list[float] = []
            while not turn or sum(turn) < TURN:
                started = time.process_time()
                action()
                turn.append(time.process_time() - started)
            seconds[name].append(float(np.median(turn)))
    return {name: float(np.median(found)) for name, found in seconds.items()}


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The p of costs ~ sizes ** p, by least squares in the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def growth(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The g of costs ~ g ** sizes, by least squares in the logarithm of the costs."""
    return float(np.exp(np.polyfit(sizes, np.log(costs), 1)[0]))


def crossing(
    sizes: Sequence[float], values: Sequence[float], level: float
) -> float | None:
    """The size from which on the values stay at the level or above.

    Straight lines between the logarithms of the sizes; None if the last value is below,
    and the first size if none is.
    """
    below = np.flatnonzero(np.asarray(values) < level)
    if below.size == 0:
        return float(sizes[0])
    last = int(below[-1])
    if last == len(sizes) - 1:
        return None
    part = (level - values[last]) / (values[last + 1] - values[last])
    return float(sizes[last] * (sizes[last + 1] / sizes[last]) ** part)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every row must be as long as the head."""
    lines = [head, ["---"] * len(head)]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"expected {len(head)} cells as in the head, got {row}")
        lines.append([str(cell) for cell in row])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def significant(value: float, digits: int = 2) -> str:
    """Rounded to so many significant digits, in plain notation with thousands."""
    if value == 0 or not np.isfinite(value):
        return str(value)
    decimals = digits - 1 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def picture(
    name: str,
    draw: Callable[..., None],
    alt: str,
    columns: int = 1,
    width: float = 5.5,
) -> str:
    """Draw on `columns` axes, save as plots/<name>.png; the Markdown that shows it.

    `draw` gets the axes, each `width` inches wide. `alt` is the alternative text.
    """
    with matplotlib.rc_context({**plots.STYLE, "font.size": 12}):
        figure = Figure(figsize=(width * columns, 4), layout="constrained")
        draw(*figure.subplots(1, columns, squeeze=False)[0])
        PLOTS.mkdir(exist_ok=True)
        path = PLOTS / f"{name}.png"
        figure.savefig(path, dpi=80)
    # A palette takes a third of the bytes and looks the same.
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name}: more than {MAX_BYTES} bytes; draw less")
    return f"![{alt}](plots/{path.name})"


def marked_curve(
    axes: Axes, x: Sequence[float], y: Sequence[float], label: str, number: int
) -> None:
    """A curve with the colour, line style and marker of that number."""
    axes.plot(
        x,
        y,
        label=label,
        color=plots.COLORS[number],
        linestyle=plots.LINE_STYLES[number],
        marker=plots.MARKERS[number],
    )
