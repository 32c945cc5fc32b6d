"""A notebook that is saved, and opened again when its kernel has ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from lab import Watch, open_in_lab, run_all, write_notebook
from live import faultless
from playwright.sync_api import Page

CELLS = """
import pg_course as course, pg_helpers as pg
---
course.predict("where-to-aim")
---
course.Explorer(
    lambda figure, x: figure.add_subplot().plot([0, x]),
    {"x": course.Slider(0, 4, 1, value=1)},
    alt=lambda x: f"A line to {x}.",
    sentence=lambda x: f"It rises to {x}.",
    figsize=(4, 2),
)
---
course.TrainingDashboard(pg.corridor(), pg.TrainConfig(num_updates=9))
---
world = pg.corridor()
batch = pg.sample_trajectories(world, pg.policy_for(world), 1, seed=0)
course.watch(world, batch, alt="It walks.")
"""
BUSY = 6  # seconds that another cell runs
LIVE, STILL = ".pg-live", ".pg-still"  # a view, and the line where there is none
FIRST = ["A line to 1.", "0 of 9 updates"]
LAST = ["Your prediction: C.", "A line to 4.", "after 1 updates"]
ASK = "code => void notebook.sessionContext.session.kernel.requestExecute({ code })"
STORED = """texts => texts.every(text =>
    JSON.stringify(notebook.content.model.toJSON()).includes(text))"""
# What is seen of the outputs of each cell, alternative texts included.
SEEN = """() => notebook.content.widgets.map(cell =>
    [...cell.node.querySelectorAll(".jp-OutputArea-output, .jp-OutputArea-output img")]
        .filter(part => part.checkVisibility({ visibilityProperty: true }))
        .map(part => part.alt || part.innerText).join(" "))"""


def check(page: Page, kind: str, texts: list[str]) -> None:
    """See that the demos, all live or none, show these texts, each of them once."""
    page.locator(f"{kind}:visible").nth(len(texts) - 1).wait_for(timeout=20_000)
    outputs = page.evaluate(SEEN)
    for output, text in zip(outputs[1:4], texts, strict=True):
        assert output.count(text) == 1
        assert output.count("Run this cell to ") == (kind == STILL)
        assert "widget" not in output  # Error displaying widget, Loading widget
    assert "It walks." in outputs[4]


@contextmanager
def opened(lab: Watch, path: str, kernel: bool = True) -> Iterator[Page]:
    """A notebook in JupyterLab."""
    open_in_lab(lab.page, path, kernel)
    try:
        yield lab.page
        if kernel:  # which may still be asked for a thread that answers widgets
            assert lab.page.evaluate("lab.answer()")
    finally:
        lab.page.evaluate("lab.close()")


@pytest.fixture(scope="module")
def waited(lab: Watch, root: Path) -> float:
    """Seconds in which demos answer while another cell runs; then they are saved."""
    write_notebook(root / "today.ipynb", CELLS.split("---"))
    with opened(lab, "today.ipynb") as page:
        faultless(run_all(page))
        check(page, LIVE, ["should we move our aim", *FIRST])
        page.evaluate(ASK, f"import time; time.sleep({BUSY})")
        started = time.monotonic()
        page.get_by_role("button", name="C", exact=True).click()
        page.locator("[role=slider]").press("End")
        page.get_by_role("button", name="Step").click()
        page.get_by_text("Your prediction: C").first.wait_for()
        page.get_by_text("1 of 9 updates").wait_for()
        page.get_by_text("It rises to 4").wait_for()
        waited = time.monotonic() - started
        page.wait_for_function(STORED, arg=["**C**", *LAST[1:]])
        page.evaluate("notebook.context.save()")
    return waited


def test_buttons_and_sliders_answer_while_another_cell_runs(waited):
    assert waited < BUSY / 2


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_notebook_shows_what_was_seen_last(lab, root, waited, kernel, trusted):
    notebook = nbformat.read(root / "today.ipynb", as_version=4)
    if not trusted:
        notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", {})]
    nbformat.write(notebook, root / "tomorrow.ipynb")
    with opened(lab, "tomorrow.ipynb", kernel) as page:
        assert page.evaluate("notebook.content.widgets[1].model.trusted") == trusted
        check(page, STILL, LAST)


def test_a_demo_whose_kernel_is_restarted_says_so(lab, root, waited):
    with opened(lab, "today.ipynb") as page:
        faultless(run_all(page))
        check(page, LIVE, ["Your prediction: C", *FIRST])
        page.evaluate("notebook.sessionContext.session.kernel.restart()")
        check(page, STILL, [LAST[0], FIRST[0], "before the first update"])
