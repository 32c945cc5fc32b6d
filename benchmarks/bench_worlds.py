"""J and its gradient on worlds too large to list: time and memory."""

import subprocess
import sys
from pathlib import Path

from reporting import significant, table

ROUNDS = 3
TAXI = """
world = pg.from_gymnasium("Taxi-v4")
policy = pg.MaskedPolicy(pg.TabularPolicy(500, 6), 6)
"""
DENSE = f"""{TAXI}
parts = world.initial, world.transition, world.reward, world.terminal
world = pg.TabularMDP(*parts, world.horizon, world.observations)
"""
LARGE = """
S, A, k = 100_000, 2, 5
rng = np.random.default_rng(0)
row = np.arange(S * A).repeat(k)
after = (row * 7 + np.tile(np.arange(k) * 131, S * A)) % S
where = torch.from_numpy(np.stack([row, after]))
P, R = (
    torch.sparse_coo_tensor(where, torch.from_numpy(v), (S * A, S))
    for v in (rng.dirichlet(np.ones(k), S * A).ravel(), rng.normal(size=len(row)))
)
start = np.full(S, 1 / S)
world = pg.TabularMDP(start, P, R, start < 0, 20, np.arange(S))
policy = pg.TabularPolicy(S, A)
"""
WORLDS = {
    "Taxi-v4": TAXI,
    "Taxi-v4, dynamics as dense arrays": DENSE,
    "100,000 states, 2 actions, 5 successors": LARGE,
}
PROGRAM = """
import resource, time, warnings
import gymnasium, numpy as np, torch
import pg_helpers as pg
warnings.simplefilter("ignore")
torch.set_num_threads(1)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
{world}
start = time.process_time()
pg.exact.objective_by_dp(world, policy, 0.99)
pg.exact.gradient_by_dp(world, policy, 0.99)
seconds = time.process_time() - start
print(seconds, peak() - before, len(world.edges.state) * world.horizon)
"""


def measured(world: str) -> tuple[float, ...]:
    """Seconds, MiB above the imports, and transitions times steps."""
    command = [sys.executable, "-c", PROGRAM.format(world=world)]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, cwd=root, capture_output=True, check=True)
    return tuple(map(float, run.stdout.split()))


def main() -> str:
    """Measure everything and return Markdown."""
    runs: dict[str, list[tuple[float, ...]]] = {name: [] for name in WORLDS}
    for name in [*WORLDS] * ROUNDS:
        runs[name].append(measured(WORLDS[name]))
    rows, first = [], None
    for name, every in runs.items():
        seconds, memory, steps = map(min, zip(*every, strict=True))
        each = seconds / steps
        first = first or (seconds, each)
        ratios = significant(seconds / first[0]), significant(each / first[1])
        times = significant(1000 * seconds), f"{1e9 * each:.0f}"
        rows.append((name, ratios[0], times[0], f"{memory:.0f}", times[1], ratios[1]))
    head = ("world", "ratio", "ms", "MiB", "ns per transition and step", "ratio")
    return f"""## Worlds too large to list

J and its gradient by dynamic programming, each in a process of its own on one thread;
the best of {ROUNDS} rounds by turns, processor time. Memory is the peak above the
imports, with the making of the world.

{table(head, rows)}
"""


if __name__ == "__main__":
    print(main())
