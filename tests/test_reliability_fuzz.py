import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "reliability"
PRINTED = """....
cases exact: answered: 4000
cases exact: refused, TypeError: 1000
cases policies: refused, ValueError: 5000
cases sampling: raised by the environment or the policy: 2
cases policies: wrong: 0
4 passed
"""


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("fuzz_section", FOLDER / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("outcome", None)


def test_counts_are_read_and_added_up(fuzz):
    text = fuzz.written(fuzz.read(PRINTED), 0, 7, 60)
    assert "| exact | 5,000 | 4,000 | 0 | 1,000 | 0 | 0 |" in text
    assert "| all | 10,002 | 4,000 | 5,000 | 1,000 | 2 | 0 |" in text
    assert "As they should: 10,002. Lost: nothing." in text
    assert "--hypothesis-seed=7" in text


@pytest.mark.parametrize(
    ("printed", "status"),
    [(PRINTED, 1), (PRINTED.replace("wrong: 0", "wrong: 3"), 0), ("", 0)],
)
def test_a_failure_is_not_passed_over(fuzz, printed, status):
    assert "Lost: nothing" not in fuzz.written(fuzz.read(printed), status, 7, 60)
