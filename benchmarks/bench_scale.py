"""One update against N, the number of trajectories: time, memory, and the network.

Each N is measured in a process of its own, for its peak memory:
`python benchmarks/bench_scale.py corridor 1000` prints one such measurement.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import torch
from matplotlib.axes import Axes
from memory import peak_mib
from reporting import crossing, exponent, marked_curve, picture, significant, table

import pg_helpers as pg
from pg_helpers.execution import one_thread

SIZES = {
    "corridor": (1, 10, 100, 1000, 10_000, 100_000),
    "CartPole-v1": (1, 10, 100, 1000, 10_000),
}
HIDDEN = {"corridor": (8, 8), "CartPole-v1": (32, 32)}
PROCESSES = 2  # for each N, by turns
SECONDS = 2.0  # of measuring in each process
HALF = 0.5


def main() -> str:
    """Measure every N in fresh processes and return Markdown."""
    found: dict[tuple[str, int], list[dict]] = {}
    for _ in range(PROCESSES):
        for world, sizes in SIZES.items():
            for N in sizes:
                found.setdefault((world, N), []).append(in_a_process(world, N))
    results = {
        key: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        for key, runs in found.items()
    }
    sections = [section(world, results) for world in SIZES]
    return f"""## One update of N trajectories

Processor time on one core; a process for each N, {PROCESSES} of them by turns, medians.
CartPole is run by an untrained policy, whose episodes are short. "In the network": the
share of the matrix products and tanh, forward in NumPy at each step of CartPole (the
corridor asks for a table of all states once) and forward and backward in PyTorch once
an update, timed on their own. Memory is what the process took beyond the one with
N = 1.

{chr(10).join(sections)}
{scale_picture(results)}
"""


def section(world: str, results: dict) -> str:
    sizes = SIZES[world]
    rows = [row(N, results[world, N], results[world, 1]) for N in sizes]
    shares = [results[world, N]["in_network"] for N in sizes]
    half = crossing(sizes, shares, HALF)
    if half is None:
        reached = f"stays below one half (at most {max(shares):.0%})"
    else:
        reached = f"reaches one half at about N = {significant(half, 1)}"
    large = [N for N in sizes if N >= 1000]
    power = exponent(large, [results[world, N]["seconds"] for N in large])
    head = (
        "N",
        "trajectories a second",
        "s an update",
        "in the network",
        "forward of a step on average, µs",
        "memory, MiB",
        "kB a trajectory",
        "longest episode",
    )
    return f"""### {world}

The share of the network {reached}.
From N = 1,000 on, the time grows like N^{power:.2f}.

{table(head, rows)}
"""


def row(N: int, measured: dict, smallest: dict) -> tuple:
    extra = max(measured["peak"] - smallest["peak"], 0.0)
    return (
        f"{N:,}",
        f"{N / measured['seconds']:,.0f}",
        significant(measured["seconds"]),
        f"{measured['in_network']:.0%}",
        significant(1e6 * measured["forward"]),
        f"{extra:.0f}",
        f"{extra * 1024 / N:.1f}" if N >= 1000 else "too few to tell",
        f"{measured['longest']:.0f}",
    )


def scale_picture(results: dict) -> str:
    def draw(left: Axes, right: Axes) -> None:
        for number, (world, sizes) in enumerate(SIZES.items()):
            seconds = [results[world, N]["seconds"] for N in sizes]
            peaks = [results[world, N]["peak"] for N in sizes]
            marked_curve(left, sizes, seconds, world, number)
            marked_curve(right, sizes, peaks, world, number)
        left.set(yscale="log", ylabel="time for an update (s)")
        right.set(ylabel="peak memory (MiB)", ylim=(0, None))
        for axes in (left, right):
            axes.set(xscale="log", xlabel="trajectories an update, N")
            axes.legend()

    return picture(
        "scale",
        draw,
        "Time of an update against N on logarithmic axes: it rises slowly up to about "
        "a hundred and then in proportion. Beside it the peak memory of the process "
        "is flat up to a hundred and then rises.",
        columns=2,
    )


def in_a_process(world: str, N: int) -> dict:
    """What `measure` finds, in a fresh process."""
    command = [sys.executable, str(Path(__file__).resolve()), world, str(N)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    output = subprocess.check_output(command, text=True, env=environment)
    return json.loads(output.splitlines()[-1])


def measure(name: str, N: int) -> dict:
    """Seconds of an update, of its parts in the network, and the peak memory in MiB."""
    env = pg.corridor() if name == "corridor" else gymnasium.make_vec(name, N)
    torch.manual_seed(0)
    policy = pg.policy_for(env, HIDDEN[name])
    # So small a step that the episodes stay as they are.
    config = pg.TrainConfig(10**6, N, learning_rate=1e-9)
    updates = pg.iterate_training(env, policy, config)
    update = next(updates)  # warms up
    observations, mask = update.batch.observations, update.batch.mask
    steps = observations.shape[1]
    # The sampler asks for the trajectories that still run.
    seen = [observations[running, t].numpy() for t, running in enumerate(mask.T)]
    next(updates)
    peak = peak_mib()  # before the parts are timed
    seconds, forward, both = by_turns_for_a_while(
        lambda: next(updates),
        numpy_forward(policy, seen),
        forward_and_backward(policy, observations[mask]),
    )
    # The corridor's sampler asks for the few states of the world, once an update.
    in_network = both + (0 if name == "corridor" else forward)
    return {
        "seconds": seconds,
        "in_network": in_network / seconds,
        "forward": forward / steps,
        "peak": peak,
        "longest": steps,
    }


def by_turns_for_a_while(*actions: Callable[[], object]) -> list[float]:
    """Median processor seconds of each action, over at least 3 rounds by turns."""
    found: list[list[float]] = [[] for _ in actions]
    while sum(map(sum, found)) < SECONDS or len(found[0]) < 3:
        for action, seconds in zip(actions, found, strict=True):
            started = time.process_time()
            action()
            seconds.append(time.process_time() - started)
    return [statistics.median(seconds) for seconds in found]


def numpy_forward(
    policy: torch.nn.Module, observations: list[np.ndarray]
) -> Callable[[], object]:
    """The forward passes of all steps."""
    arrays = [parameter.detach().numpy() for parameter in policy.parameters()]
    layers = list(zip(arrays[::2], arrays[1::2], strict=True))

    def forward_one(values: np.ndarray) -> np.ndarray:
        for number, (weight, bias) in enumerate(layers, start=1):
            values = values @ weight.T + bias
            if number < len(layers):
                np.tanh(values, out=values)
        return values

    found = torch.as_tensor(forward_one(observations[0])).softmax(-1)
    expected = policy(torch.as_tensor(observations[0])).logits.softmax(-1).detach()
    torch.testing.assert_close(found, expected)
    return lambda: [forward_one(values) for values in observations]


def forward_and_backward(
    policy: torch.nn.Module, observations: torch.Tensor
) -> Callable[[], object]:
    """Both passes of the update, through the network alone."""
    parameters = list(policy.parameters())
    return lambda: torch.autograd.grad(policy.network(observations).sum(), parameters)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        with one_thread():
            print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        print(main())
