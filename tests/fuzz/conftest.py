"""How many cases: a few, always the same, or with --hypothesis-profile=long many."""

import pytest
from hypothesis import HealthCheck, settings
from judge import ended

settings.register_profile(
    "quick", max_examples=20, derandomize=True, deadline=None, database=None
)
settings.register_profile(
    "long",
    max_examples=400,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("quick")


# In quotes, as pytest 8 does not have the name.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    for how, count in sorted(ended.items()):
        terminalreporter.write_line(f"cases {how}: {count}")
