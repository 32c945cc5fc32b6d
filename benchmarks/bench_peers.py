"""CartPole to 475 by this package and by others, by turns and by the same rule.

`make bench-peers` installs the others first; without them only ours and the PyTorch
example are run. `python benchmarks/bench_peers.py --seeds 3` takes fewer seeds.
"""

import argparse
import importlib.metadata
import importlib.util
import math
import statistics

import gymnasium
from bench_cartpole import GOAL, SEEDS
from matplotlib.axes import Axes
from reporting import picture, significant, table
from trainers import BUDGET, EVERY, METHODS, NUM_PEER_ENVS, OURS, PEERS, Run

from pg_course.stage import plots
from pg_helpers.execution import one_thread

TICKS = (0.5, 1, 2, 5, 10, 20, 60)  # seconds, in the picture
# What the methods are; the settings are in trainers.py.
LEGEND = f"""Ours: the settings of the section on CartPole above. stable-baselines3 with
{NUM_PEER_ENVS} environments (DummyVecEnv), MlpPolicy (4-64-64-2 and a value network)
and the settings that rl-baselines3-zoo publishes for CartPole-v1, in
hyperparams/a2c.yml (at most 500,000 steps) and hyperparams/ppo.yml (at most 100,000).
PyTorch's REINFORCE example is written anew after its description: one environment, one
state at a time, 4-128-2 with ReLU, dropout 0.6 (off when it is judged), Adam 0.01,
gamma 0.99, an update an episode, rewards-to-go whitened within the episode."""


def main(num_seeds: int = len(SEEDS)) -> str:
    """Run every method on every seed, by turns, and return Markdown."""
    runs = run_by_turns(list(SEEDS)[:num_seeds])
    return f"""## CartPole-v1 to an average of {GOAL:.0f}, beside other trainers

Processor seconds of training until 100 episodes average {GOAL:.0f}, judged by the same
function after the first update past every {EVERY:,} environment steps, with the clock
stopped. One process, one thread, CPU, seeds by turns, {num_seeds} seeds that were not
used to choose our settings. A run that took {BUDGET:.0f} s, or all the steps that its
published settings allow, is not solved, and counts as longer than any other in median
and most. {peers_installed()}

The sampled policy, which draws its actions:

{results(runs, "sampled")}

The greedy policy, which takes the most probable one:

{results(runs, "greedy")}

{peers_picture(runs)}

{LEGEND}
"""


def run_by_turns(seeds: list[int]) -> dict[str, list[Run]]:
    """A run of every method that is installed, for each seed."""
    methods = {**METHODS, **(PEERS if has_peers() else {})}
    judges = gymnasium.make_vec("CartPole-v1", 100)
    runs: dict[str, list[Run]] = {name: [] for name in methods}
    with one_thread():
        for method in methods.values():  # warm up: the first run loads and sets up
            method(0, lambda: Run(0, judges, budget=0.3))
        for seed in seeds:
            for name, method in methods.items():
                run = method(seed, lambda s=seed: Run(s, judges, BUDGET))
                runs[name].append(run)
                print(f"{seed} {name}: {run.solved}", flush=True)
    return runs


def has_peers() -> bool:
    return importlib.util.find_spec("stable_baselines3") is not None


def peers_installed() -> str:
    """Which version, or a sentence that says what is missing."""
    if has_peers():
        return f"stable-baselines3 {importlib.metadata.version('stable-baselines3')}."
    return (
        "**stable-baselines3 was not installed, so its methods are missing:** "
        "`make bench-peers` installs and runs it."
    )


def results(runs: dict[str, list[Run]], kind: str) -> str:
    """A row for each method: how many solved, and how long it took."""
    rows = []
    our_median = statistics.median(r.seconds_until(kind) for r in runs[OURS])
    for name, found in runs.items():
        seconds = sorted(run.seconds_until(kind) for run in found)
        steps = [run.solved[kind][1] for run in found if kind in run.solved]
        middle = statistics.median(seconds)
        rows.append(
            (
                name,
                f"{len(steps)}/{len(found)}",
                cell(middle / our_median, ".1f"),
                *(cell(x, ".2f") for x in (middle, seconds[0], seconds[-1])),
                significant(statistics.median(steps), 3) if steps else "none",
            )
        )
    head = (
        "method",
        "solved",
        "times our median",
        "median, s",
        "least, s",
        "most, s",
        "environment steps, median of the solved",
    )
    return table(head, rows)


def cell(value: float, spec: str) -> str:
    return format(value, spec) if math.isfinite(value) else "not solved"


def peers_picture(runs: dict[str, list[Run]]) -> str:
    def draw(axes: Axes) -> None:
        for row, found in enumerate(runs.values()):
            seconds = [min(run.seconds_until("sampled"), BUDGET) for run in found]
            marker, color = plots.MARKERS[row], plots.COLORS[row]
            places = [row] * len(seconds)
            axes.plot(seconds, places, marker, color=color, markerfacecolor="none")
        axes.set_yticks(range(len(runs)), list(runs))
        axes.set(
            xscale="log", xlabel=f"time until solved (s); {BUDGET:.0f}: not solved"
        )
        axes.invert_yaxis()

    medians = {
        name: statistics.median(run.seconds_until("sampled") for run in found)
        for name, found in runs.items()
    }
    ranking = ", ".join(sorted(medians, key=medians.__getitem__))
    return picture(
        "peers",
        draw,
        "A row of marks for each method, one a seed, at the time until its sampled "
        "policy averaged 475, on a logarithmic axis. From the shortest median to the "
        f"longest, the methods are: {ranking}.",
        width=9,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many")
    print(main(parser.parse_args().seeds))
