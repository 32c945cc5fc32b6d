"""Reports that scripts write: RESULTS.md and docs/reliability.md."""

import sys
from pathlib import Path

import pytest

from reliability import run as reliability
from tools import report

sys.path.insert(0, str(Path(reliability.__file__).parent))
import fuzz  # noqa: E402
from outcome import outcome  # noqa: E402

SECTIONS = {"one": "## One\n\n| a |\n", "two": "## Two\n\ntext\n"}
PRINTED = """....
cases exact: answered: 4000
cases exact: refused, TypeError: 1000
cases policies: refused, ValueError: 5000
cases policies: wrong: 0
4 passed
"""


def test_a_section_that_is_not_measured_again_is_kept(tmp_path, monkeypatch):
    file = tmp_path / "report.md"
    file.write_text(report.written("# Old", SECTIONS), encoding="utf-8")
    (tmp_path / "measure_two.py").write_text("def main(): return '## Two\\n\\nnew'")
    monkeypatch.syspath_prepend(tmp_path)
    modules = {"one": "measure_one", "two": "measure_two"}
    report.Report(file, lambda sections: "# New", modules).write(["two"])
    found = report.read(file.read_text(encoding="utf-8"))
    assert found["one"] == SECTIONS["one"]
    assert found["two"].startswith("## Two\n\nnew\n*Measured on ")
    assert file.read_text(encoding="utf-8").startswith("# New\n")


def test_the_outcomes_stand_in_a_table_at_the_top():
    text = f"## Kills\n\n{outcome('100 kills', '100', 'nothing')}\n\nMore.\n"
    assert reliability.head({"kills": text}).endswith(
        "|---|---|---|---|\n| Kills | 100 kills | 100 | nothing |\n"
    )


def test_the_cases_of_the_fuzz_tests_are_added_up():
    text = fuzz.written(fuzz.read(PRINTED), 0, 7, 60)
    assert "| exact | 5,000 | 4,000 | 0 | 1,000 | 0 | 0 |" in text
    assert "| all | 10,000 | 4,000 | 5,000 | 1,000 | 0 | 0 |" in text
    assert "Lost: nothing" in text


@pytest.mark.parametrize(
    ("printed", "status"),
    [(PRINTED, 1), (PRINTED.replace("wrong: 0", "wrong: 3"), 0), ("", 0)],
)
def test_a_failure_of_the_fuzz_tests_is_not_passed_over(printed, status):
    assert "Lost: nothing" not in fuzz.written(fuzz.read(printed), status, 7, 60)
