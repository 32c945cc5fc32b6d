"""A notebook in JupyterLab with its kernel, after all its cells were run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from asked import QUESTIONS, Asked
from dashboards import drive_dashboard
from demos import DEMOS, ENTRIES, Demo
from explorers import drive_explorer
from lab import Watch, open_notebook, run_all
from playwright.sync_api import BrowserContext, Page

CELL_OF = """demo => [...document.querySelectorAll('.jp-Notebook .jp-Cell')]
  .indexOf(demo.closest('.jp-Cell'))"""
STRAYS = """([entries, demos]) =>
  [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(
    output => [...output.querySelectorAll(entries)])
  .filter(entry => !entry.closest(demos))
  .map(entry => entry.outerHTML.slice(0, 200))"""


@dataclass
class Live:
    """The page, and what went wrong in the run."""

    page: Page
    watch: Watch
    faults: list[str]
    name: str
    screenshots: Path

    def demos(self) -> list[Demo]:
        """The demos, in order."""
        return self._found(DEMOS, "demo", Demo)

    def questions(self) -> list[Asked]:
        """Predictions, their results and self-tests, in order."""
        return self._found(QUESTIONS, "question", Asked)

    def _found(self, selector: str, word: str, kind: type) -> list:
        found = []
        for number, root in enumerate(self.page.locator(selector).all(), 1):
            name = f"{self.name}, {word} {number} (cell {root.evaluate(CELL_OF)})"
            path = self.screenshots / f"{Path(self.name).stem}_{word}_{number}"
            found.append(kind(self.page, self.watch, root, name, path))
        return found

    def stray_controls(self) -> list[str]:
        """Controls in no demo, which no test would move."""
        strays = self.page.evaluate(STRAYS, [ENTRIES, f"{DEMOS}, {QUESTIONS}"])
        return [
            f"{self.name}: in none of {DEMOS}, {QUESTIONS}: {stray}" for stray in strays
        ]


@contextmanager
def running(
    context: BrowserContext, address: str, path: str, screenshots: Path
) -> Iterator[Live]:
    """Open a notebook of the server and run it."""
    page = context.new_page()
    watch = Watch(page)
    open_notebook(page, address, path, kernel=True)
    watch.doing = "running all cells"
    name = path.rpartition("/")[2]
    faults = [f"{name}: {fault}" for fault in run_all(page)]
    yield Live(page, watch, faults, name, screenshots)
    page.evaluate("window.notebook.sessionContext.shutdown()")
    page.close()


def drive(demo: Demo) -> list[str]:
    """Do to a demo all that its kind can have done to it; return the faults."""
    if "pg-dashboard" in demo.root.get_attribute("class").split():
        return drive_dashboard(demo)
    return drive_explorer(demo)


def faultless(faults: list[str]) -> None:
    """Fail with one line a fault."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
