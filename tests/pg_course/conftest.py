import pytest


@pytest.fixture(autouse=True)
def _patient_checks(monkeypatch):
    """On a busy machine an answer that does end may need more than the 1.5 seconds."""
    monkeypatch.setattr("pg_course.asking.check.TIME_LIMIT", 60)
