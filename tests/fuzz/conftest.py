"""How many cases: a few, always the same, or with --hypothesis-profile=long many."""

import pytest
from hypothesis import HealthCheck, settings
from judge import ended

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick",
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=QUIET,
)
settings.register_profile(
    "long",
    max_examples=400,
    deadline=None,
    print_blob=True,
    suppress_health_check=QUIET,
)
settings.load_profile("quick")


# In quotes, as pytest 8 does not have the name.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """One line for each group of functions and each end: reliability/fuzz.py reads."""
    for (group, how), count in sorted(ended.items()):
        terminalreporter.write_line(f"cases {group}: {how}: {count}")
