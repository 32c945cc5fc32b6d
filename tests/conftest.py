import random
import signal
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from matplotlib.figure import Figure

from tools.legible import examine

# Some tests interrupt themselves; a process in the background ignores that otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "quick",
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("quick")


@pytest.fixture(autouse=True)
def _seeded():
    """No test depends on the random numbers that the tests before it have drawn."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def without_examination() -> None:
    """Marks a test that draws what nobody should: see below."""


@pytest.fixture(autouse=True)
def _legible_figures(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Whatever a test draws can be read without colours, and if pale."""
    drawn: list[Figure] = []
    make = Figure.__init__

    def made(figure: Figure, *args, **kwargs) -> None:
        make(figure, *args, **kwargs)
        drawn.append(figure)

    monkeypatch.setattr(Figure, "__init__", made)
    yield
    if "without_examination" not in request.fixturenames:
        faults = [fault for figure in drawn for fault in examine(figure).faults]
        assert not faults, "tools/legible.py finds: " + "; ".join(dict.fromkeys(faults))
