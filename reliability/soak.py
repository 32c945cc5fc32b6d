"""A long day: one kernel, in which cells are run again and again, and controls moved.

`python reliability/soak.py 10` makes ten rounds, to try it.
"""

import json
import sys
import time
from pathlib import Path

from browserless import Page, page
from outcome import outcome

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from reporting import table  # noqa: E402

ROUNDS = 100
WARM = 0.2  # of the rounds, after which it is compared with the end
CHANGES = 20  # of the slider in a round
FLAT = 1.05

IMPORTS = """
import matplotlib.pyplot as plt
import numpy as np
import pg_course as course
import pg_helpers as pg
world = pg.corridor()
short = pg.TrainConfig(num_updates=30, num_trajectories=4, seed=0)
"""
EXPLORER = """
def draw(figure, gamma):
    axes = figure.add_subplot()
    axes.stem(gamma ** np.arange(40))
course.Explorer(
    draw,
    {"gamma": course.Slider(0, 1, 0.01, value=0.95)},
    alt=lambda gamma: f"stems for {gamma}",
    sentence=lambda gamma: f"gamma = {gamma}",
)
"""
TRAINING = """
for env in (world, "CartPole-v1"):
    policy = pg.policy_for(env if env is world else pg.CartPoleVectorEnv(4))
    history = pg.train(env, policy, short)
"""
FIGURES = """
figure, axes = plt.subplots()
axes.plot(history.mean_return)
plt.show()
figure, axes = plt.subplots()
axes.plot(history.entropy)
course.show(figure, alt="The entropy.")
"""
WATCH = """
batch = pg.sample_trajectories(world, pg.policy_for(world), 3, seed=0)
course.watch(world, batch, "The agent walks.")
"""
CLINIC = """
pg.clinic.examine(
    lambda log_probs, rewards, mask: -(log_probs.sum(1) * rewards.sum(1)).mean()
)
"""
CELLS = {
    "explorer": EXPLORER,
    "dashboard": "course.TrainingDashboard(world, short)",
    "cartpole": 'course.TrainingDashboard("CartPole-v1", short)',
    "training": TRAINING,
    "figures": FIGURES,
    "watch": WATCH,
    "clinic": CLINIC,
    "prediction": 'course.predict("share-of-time-in-the-world")',
    "result": 'course.resolve("share-of-time-in-the-world", 20)',
    "self-test": "course.self_test(9)",
    "overview": "course.show_progress()",
}
# IPython keeps each result, in Out, and all that was displayed, in its history, by
# design: both are emptied after each round.
FLUSH = """
get_ipython().history_manager.outputs.clear()
get_ipython().displayhook.flush()
"""
HELD = "memory that is not free for reuse, MiB"
LOOK = f"""
import ctypes, gc, json, psutil
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure
gc.collect()
process = psutil.Process()
held = process.memory_info().rss / 2**20
ctypes.CDLL(None).malloc_trim(0)  # gives free pages back to the machine
print(json.dumps({{
    "memory, MiB": held,
    "{HELD}": process.memory_info().rss / 2**20,
    "widgets that are open": len(_instances),
    "figures of pyplot": len(plt.get_fignums()),
    "figures of all kinds": sum(type(o) is Figure for o in gc.get_objects()),
    "threads": process.num_threads(),
    "open files": process.num_fds(),
}}))
"""
CONTROLS = 12  # moves and presses in a round, besides the slider


def main(rounds: int = ROUNDS) -> str:
    """Live through the day, and return Markdown."""
    started = time.perf_counter()
    warm = max(1, round(WARM * rounds))
    with page(PG_HELPERS_PROGRESS="") as notebook:
        notebook.run("imports", IMPORTS)
        for number in range(rounds):
            one_round(notebook, number)
            notebook.run("flush", FLUSH)
            if number + 1 == warm:
                early = look(notebook)
        late = look(notebook)
    minutes = (time.perf_counter() - started) / 60
    return written(rounds, warm, early, late, notebook.errors, minutes)


def one_round(notebook: Page, number: int) -> None:
    """Every cell once more, and all its controls; an error in a cell is noted."""
    notebook.run("explorer", CELLS["explorer"])
    for change in range(CHANGES):
        value = (37 * change + 11 * number) % 101 / 100
        notebook.move("FloatSlider", value)
    for name in ("dashboard", "cartpole"):
        notebook.run(name, CELLS[name])
        for button in ("Start", "Stop", "Step", "Start", "Reset"):
            notebook.press(button)
    for name in ("training", "figures", "watch", "clinic"):
        notebook.run(name, CELLS[name])
    notebook.run("prediction", CELLS["prediction"])
    notebook.press("This is my guess")
    notebook.run("result", CELLS["result"])
    notebook.run("self-test", CELLS["self-test"])
    notebook.press("B")
    notebook.run("overview", CELLS["overview"])


def look(notebook: Page) -> dict[str, float]:
    return json.loads(notebook.run("look", LOOK))


def written(
    rounds: int,
    warm: int,
    early: dict[str, float],
    late: dict[str, float],
    errors: list[str],
    minutes: float,
) -> str:
    grown = [
        name
        for name in early
        if late[name] > FLAT * early[name] + (name == "open files")
    ]
    faults = [*errors, *(f"{name} grew" for name in grown)]
    line = outcome(
        f"one kernel for {rounds} rounds of {len(CELLS)} cells",
        "all within 5 %" if not grown else f"all but {len(grown)} of {len(early)}",
        "; ".join(faults)[:200].replace(".", ",") if faults else "nothing",
    )
    rows = [
        (
            name,
            f"{early[name]:.0f}",
            f"{late[name]:.0f}",
            f"{late[name] / (early[name] or late[name] or 1) - bool(late[name]):+.1%}",
        )
        for name in early
    ]
    trend = (late[HELD] - early[HELD]) / max(rounds - warm, 1)
    text = f"""## A long day

{line}

One kernel, addressed as JupyterLab addresses it: {len(CELLS)} cells (an Explorer, two
dashboards, trainings on the corridor and on CartPole, figures, `watch`, the clinic,
predictions, a self-test) run {rounds} times, {rounds * (CHANGES + CONTROLS)} moves of
controls and presses of buttons, {2 * rounds} trainings and {2 * rounds} dashboards
started, stopped, stepped and reset. In eight hours that is a cell every
{480 * 60 / rounds / len(CELLS):.0f} s, a control every
{480 * 60 / rounds / (CHANGES + CONTROLS):.0f} s and a training every
{480 / rounds / 4:.1f} minutes; here it took {minutes:.0f} minutes.

{table(("what is counted", f"after {warm} rounds", f"after {rounds}", "change"), rows)}

Memory is read as the machine counts it, and again after the C library gave back what
the kernel had freed and it had kept for the next picture. Of what is not free, a round
adds {1024 * trend:.0f} KiB.

IPython keeps each result, and all that was displayed, until the kernel stops. Here that
was emptied after each round, so that the rest can be seen.
"""
    return "\n".join([text, *(f"Fault: `{fault}`\n" for fault in faults[:10])])


if __name__ == "__main__":
    print(main(*map(int, sys.argv[1:])))
