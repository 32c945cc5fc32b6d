"""A long day: one kernel, in which cells are run again and again, and controls moved.

`python reliability/soak.py 10` makes ten rounds, to try it.
"""

import json
import os
import sys
import time

import numpy as np
from browserless import Page, page
from outcome import outcome

ROUNDS = 100
WARM = 10  # rounds after which memory is compared with the end
CHANGES = 24  # of controls in a round
FLAT = 1.05

IMPORTS = """
import matplotlib.pyplot as plt
import numpy as np
import pg_helpers as pg
world = pg.corridor()
short = pg.TrainConfig(num_updates=30, num_trajectories=4, seed=0)
"""
EXPLORER = """
def draw(figure, gamma):
    axes = figure.add_subplot()
    axes.stem(gamma ** np.arange(40))
pg.Explorer(
    draw,
    {"gamma": pg.Slider(0, 1, 0.01, value=0.95)},
    alt=lambda gamma: f"stems for {gamma}",
    sentence=lambda gamma: f"gamma = {gamma}",
)
"""
DASHBOARD = "pg.TrainingDashboard({!r} if {!r} else world, short)"
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
pg.show(figure, alt="The entropy.")
"""
WATCH = """
batch = pg.sample_trajectories(world, pg.policy_for(world), 3, seed=0)
pg.watch(world, batch, "The agent walks.")
"""
CLINIC = """
pg.clinic.examine(
    lambda log_probs, rewards, mask: -(log_probs.sum(1) * rewards.sum(1)).mean()
)
"""
CELLS = {
    "explorer": EXPLORER,
    "dashboard": "pg.TrainingDashboard(world, short)",
    "cartpole": 'pg.TrainingDashboard("CartPole-v1", short)',
    "training": TRAINING,
    "figures": FIGURES,
    "watch": WATCH,
    "clinic": CLINIC,
    "prediction": 'pg.predict("share-of-time-in-the-world")',
    "result": 'pg.resolve("share-of-time-in-the-world", 20)',
    "self-test": "pg.self_test(9)",
    "overview": "pg.show_progress()",
}
# What may not grow; Out is IPython's own list of results, which it keeps by design.
LOOK = """
import gc, json, os, sys, threading
import psutil
from ipywidgets.widgets import widget
from matplotlib.figure import Figure
gc.collect()
process = psutil.Process()
print(json.dumps({
    "memory": process.memory_info().rss / 2**20,
    "widgets": len(widget._instances),
    "figures": len(plt.get_fignums()),
    "threads": process.num_threads(),
    "files": process.num_fds() if hasattr(process, "num_fds") else 0,
    "pictures": sum(type(o) is Figure for o in gc.get_objects()),
    "objects": len(gc.get_objects()),
}))
"""


def main(rounds: int = ROUNDS) -> str:
    pass


def one_round(page: Page, number: int) -> None:
    """What a reader does in five minutes."""
    page.run("explorer", EXPLORER)
    for change in range(CHANGES):
        page.move("FloatSlider", round((37 * change + 11 * number) % 101 / 100, 2))
    for name in ("dashboard", "cartpole"):
        page.run(name, CELLS[name])
        page.press("Start")
        page.press("Pause")
        page.press("Step")
        page.move("Dropdown", number % 5, label="seed") if False else None
        page.press("Stop")
        page.press("Reset")
    for name in ("training", "figures", "watch", "clinic", "prediction"):
        page.run(name, CELLS[name])


if __name__ == "__main__":
    with page(**(os.environ | {"PG_HELPERS_PROGRESS": ""})) as p:
        p.run("imports", IMPORTS)
        for k, n in CELLS.items():
            t = time.time()
            p.run(k, n)
            a = p.run("look", LOOK)
            print(k, round(time.time() - t, 2), a, p.errors)
        for i in range(int(sys.argv[1])):
            t = time.time()
            one_round(p, i)
            print(i, round(time.time() - t, 1), p.run("look", LOOK).strip(), p.errors)
