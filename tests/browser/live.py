"""A notebook in JupyterLab with its kernel, after all its cells were run."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from asked import Asked
from dashboards import drive_dashboard, steer
from demos import ENTRIES, SIZES, Demo
from explorers import drive_explorer
from lab import NORMAL, NOTEBOOKS, Watch, open_in_lab, run_all
from playwright.sync_api import Locator, Page

EXPLORERS, DASHBOARDS, QUESTIONS = ".pg-explorer", ".pg-dashboard", ".pg-question"
DEMOS = f"{EXPLORERS}, {DASHBOARDS}"
SCREENSHOTS = Path(__file__).parent / "screenshots"  # which git ignores


@dataclass
class Live:
    """The page, its cells before the run, and what went wrong in the run."""

    page: Page
    watch: Watch
    name: str
    cells_before: list[dict]
    faults: list[str]

    def _found(self, selector: str, kind: type = Demo) -> list:
        """What stands in the notebook, in order, called by its kind and its cell."""
        return [
            kind(
                self.page,
                self.watch,
                root,
                f"{self.name}, cell {root.evaluate('root => lab.cellOf(root)')}",
            )
            for root in self.page.locator(selector).all()
        ]

    def faults_of_demos(self) -> list[str]:
        """Do to each demo all that its kind can have done to it."""
        faults = [drive_explorer(demo) for demo in self._found(EXPLORERS)]
        faults += [drive_dashboard(demo) for demo in self._found(DASHBOARDS)]
        return sum(faults, [])

    def faults_of_steering(self) -> list[str]:
        """Move and press all that steers a dashboard while it trains."""
        return sum((steer(board) for board in self._found(DASHBOARDS)), [])

    def faults_of_questions(self) -> list[str]:
        """Answer predictions and self-tests."""
        return sum((asked.drive() for asked in self._found(QUESTIONS, Asked)), [])

    def faults_of_width(self) -> list[str]:
        """What overflows at 100 % and 200 %; every demo leaves screenshots."""
        SCREENSHOTS.mkdir(exist_ok=True)
        demos, questions = self._found(DEMOS), self._found(QUESTIONS)
        try:
            for size, view in SIZES.items():
                self.page.set_viewport_size(view)
                for number, demo in enumerate([*demos, *questions], 1):
                    demo.check_width(size)
                    if demo in demos:
                        shot = f"{Path(self.name).stem}_demo_{number}_{size}.png"
                        demo.root.screenshot(path=SCREENSHOTS / shot)
        finally:
            self.page.set_viewport_size(NORMAL)
        return [fault for demo in [*demos, *questions] for fault in demo.faults]

    def stray_controls(self) -> list[str]:
        """Controls in no demo, which no test would move."""
        known = [ENTRIES, f"{DEMOS}, {QUESTIONS}"]
        strays = self.page.evaluate("known => lab.strays(known)", known)
        return [f"in no demo and no question: {stray}" for stray in strays]

    def _cell(self, tag: str) -> Locator:
        number = self.page.evaluate("tag => lab.tagged(tag)", tag)
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def output(self, tag: str) -> str:
        """What is shown under the cell of a tag."""
        return " ".join(self._cell(tag).locator(".jp-OutputArea").inner_text().split())

    def sign(self, tag: str) -> str:
        """What is drawn before the text under the cell of a tag."""
        return (
            self._cell(tag)
            .locator("pre")
            .first.evaluate("text => getComputedStyle(text, '::before').content")
        )

    def type_and_check(self, name: str, source: str) -> str:
        """Type an answer to an exercise and run it and its check; what that says."""
        self._cell(f"exercise-{name}").locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")
        self._cell(f"check-{name}").locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.evaluate("lab.idle()")
        return self.output(f"check-{name}")


@contextmanager
def running(lab: Watch, path: str) -> Iterator[Live]:
    """Open a notebook in JupyterLab and run it."""
    lab.faults, lab.doing = [], f"opening {path}"
    open_in_lab(lab.page, path, kernel=True)
    try:
        before = lab.page.evaluate("lab.outputs()")
        lab.doing = f"running all cells of {path}"
        yield Live(lab.page, lab, Path(path).name, before, run_all(lab.page))
    finally:
        lab.page.evaluate("lab.close()")


def worked_answers(stem: str) -> dict[str, str]:
    """The answers to the exercises of a notebook by name, each with the imports."""
    file = NOTEBOOKS.parent / "pg_course" / f"nb{stem}" / "solutions.py"
    pieces = re.split(r"^# %% (.*)$", file.read_text("utf-8"), flags=re.MULTILINE)
    found = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    imports = found.pop("imports", "")
    return {
        tag.removeprefix("exercise-"): f"{imports}\n{source.strip()}\n"
        for tag, source in found.items()
    }


def faultless(faults: list[str]) -> None:
    """Fail with one line per fault."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
