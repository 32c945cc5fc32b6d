"""The clinic's fixture for pytest, and a summary of the losses that were checked.

It is a module of its own, because importing any part of pg_helpers imports PyTorch:
only a test that checks a loss should wait for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def check_loss(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`pg_helpers.clinic.check`; the summary of the run says what it found."""
    from pg_helpers.clinic import check

    def checked(loss: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # a failure points to the line of the test
        try:
            found = check(loss, **options)
        except AssertionError as error:
            _note(request.node, loss, "fails", str(error))
            raise AssertionError(str(error)) from None
        _note(request.node, loss, "passes", str(found))
        return found

    return checked


def _note(test: pytest.Item, loss: Any, does: str, diagnosis: str) -> None:
    """Where the report has it, also from another process and in JUnit's XML."""
    name = getattr(loss, "__name__", type(loss).__name__)
    said = diagnosis.splitlines()[0].split(". ")[0].removesuffix(".")
    test.user_properties.append(("clinic", f"{name} {does}: {said}"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List each loss, and how its verdict begins."""
    every = [r for reports in terminalreporter.stats.values() for r in reports]
    calls = [report for report in every if getattr(report, "when", "") == "call"]
    noted = [pair for report in calls for pair in report.user_properties]
    if found := [text for name, text in noted if name == "clinic"]:
        terminalreporter.section("policy-gradient losses")
        terminalreporter.write_line("\n".join(found))
