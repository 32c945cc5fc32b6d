"""Reports that scripts write: RESULTS.md and docs/reliability.md."""

import sys
from pathlib import Path

import pytest

from benchmarks import run as benchmarks
from reliability import run as reliability
from tools import report

sys.path.insert(0, str(Path(reliability.__file__).parent))
from outcome import outcome  # noqa: E402

SECTIONS = {"one": "## One\n\n| a |\n", "two": "## Two\n\ntext\n"}


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


def test_a_text_without_sections_has_none():
    assert report.read("") == {}


@pytest.mark.parametrize("module", [benchmarks, reliability])
def test_an_unknown_section_is_refused_by_name(module):
    names = ", ".join(module.REPORT.modules)
    with pytest.raises(SystemExit, match=f"unknown: nothing; there are {names}"):
        module.REPORT.write(["nothing"])


def test_the_outcomes_stand_in_a_table_at_the_top():
    text = f"## Kills\n\n{outcome('100 kills', '100', 'nothing')}\n\nMore.\n"
    assert reliability.head({"kills": text}).endswith(
        "|---|---|---|---|\n| Kills | 100 kills | 100 | nothing |\n"
    )


def test_a_section_without_an_outcome_is_refused():
    with pytest.raises(ValueError, match="expected a title and an outcome"):
        reliability.head({"kills": "## Kills\n\nAll went well.\n"})


def test_an_outcome_that_would_break_the_line_is_refused():
    with pytest.raises(ValueError, match="expected a text without"):
        outcome("100. Lost: all", "100", "nothing")
