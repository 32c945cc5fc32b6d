"""How many cases are drawn, and the count of how they ended."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests")]

from judge import ended  # noqa: E402

settings.register_profile(
    "long",
    max_examples=400,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("long")


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# In quotes, as pytest 8 does not have the name.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """One line for each file and each end, which reliability/fuzz.py reads."""
    for (group, how), count in sorted(ended.items()):
        terminalreporter.write_line(f"cases {group}: {how}: {count}")
