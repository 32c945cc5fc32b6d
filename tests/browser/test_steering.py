"""A dashboard whose controls are moved while it trains, also on a busy machine."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import write_notebook
from live import faultless, running

CELLS = [
    """
import pg_course as course, pg_helpers as pg
config = pg.TrainConfig(num_updates=1_000_000, learning_rate=1e-4)
board = course.TrainingDashboard(pg.corridor(), config)
board
""",
]


@pytest.fixture(params=[0, 4])
def busy(request) -> Iterator[None]:
    """So many processes beside it that never rest."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(request.param)]
    yield
    for process in processes:
        process.kill()
        process.wait()


def test_every_control_works_while_it_trains(lab, root: Path, busy):
    write_notebook(root / "steering.ipynb", CELLS)
    with running(lab, "steering.ipynb") as live:
        faultless(live.faults + live.faults_of_steering() + live.watch.faults)
