"""Try the faults that a course meets, and write what was seen to docs/reliability.md.

`python reliability/run.py kills load` runs only kills.py and load.py of this folder and
leaves the other sections as they are. All of them take about an hour and a half.
"""

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path[:0] = [str(FOLDER), str(ROOT)]

from outcome import LINE  # noqa: E402

from tools.report import Report  # noqa: E402

HEADER = """# What was tried, and what was lost

Written by `make reliability`. Each section is one run of the script of its name in
`reliability/`, and ends with the machine that it ran on. Times depend on the machine
and its load.

| section | faults tried | as they should | lost |
|---|---|---|---|
"""
NAMES = ("install", "kills", "fuzz", "load", "soak", "security")


def head(sections: dict[str, str]) -> str:
    """The title, and a table with the outcome of each section."""
    rows = []
    for text in sections.values():
        title = re.search(r"^## (.+)$", text, re.MULTILINE)
        outcome = LINE.search(text)
        if title is None or outcome is None:
            raise ValueError(f"expected a title and an outcome in {text[:80]!r}")
        rows.append(f"| {title[1]} | {outcome[1]} | {outcome[2]} | {outcome[3]} |\n")
    return HEADER + "".join(rows)


REPORT = Report(
    file=ROOT / "docs" / "reliability.md",
    head=head,
    modules={name: name for name in NAMES},
)

if __name__ == "__main__":
    REPORT.write(sys.argv[1:])
