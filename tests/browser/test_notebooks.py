"""Every notebook and every demo in JupyterLab, as a reader has them.

Notebooks, demos and controls are found, not listed: a new one is tested unasked.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from demos import AT_REST, SIZES, take
from heard import OURS, axe_faults, tree_faults
from lab import NORMAL, NOTEBOOKS, Watch, name_of, open_notebook, outputs
from live import Live, drive, faultless, running
from nbconvert import HTMLExporter

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
PICTURES = ("image/png", "application/vnd.jupyter.widget-view+json")

# jupyterlab_widgets 3.0.17 asks a notebook without a kernel for its kernel. It is the
# only message that is let pass, and only where there is no kernel.
NO_KERNEL = "Cannot read properties of null (reading 'kernel')"


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def live(path, context, address, screenshots) -> Iterator[Live]:
    with running(context, address, f"notebooks/{path.name}", screenshots) as live:
        yield live


def test_there_are_notebooks():
    assert PATHS, f"no notebook in {NOTEBOOKS}"


def test_a_fresh_clone_shows_its_pictures_without_a_kernel(path, context, address):
    page = context.new_page()
    watch = Watch(page)
    open_notebook(page, address, f"notebooks/{path.name}", kernel=False)
    assert page.evaluate("window.notebook.sessionContext.session") is None
    faults = []
    for cell in outputs(page):
        if cell["cell_type"] == "code" and cell["outputs"]:
            assert not cell["trusted"], "the view is not that of a fresh clone"
        faults += missing_pictures(cell, cell["images"])
    page.close()
    faults += [fault for fault in watch.faults if NO_KERNEL not in fault]
    faultless([f"{path.name}, no kernel: {fault}" for fault in faults])


def test_a_web_page_shows_the_pictures(path, context, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    html, _ = HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri(), wait_until="load")
    faults = []
    for index, cell in enumerate(notebook.cells):
        images = page.locator(f"[id='cell-id={cell.id}'] img").evaluate_all(
            "images => images.map(i => ({alt: i.alt, width: i.naturalWidth}))"
        )
        faults += missing_pictures({"index": index, **cell}, images)
    page.close()
    faultless([f"{path.name}, as HTML: {fault}" for fault in faults])


def missing_pictures(cell: dict, images: list[dict]) -> list[str]:
    """What lacks among the pictures shown for the outputs of a cell."""
    stored = [output.get("data", {}) for output in cell.get("outputs", ())]
    # A question has a text in its place.
    wanted = sum(
        any(kind in data for kind in PICTURES) and "text/markdown" not in data
        for data in stored
    )
    faults = []
    if len(images) < wanted:
        faults.append(f"{name_of(cell)} shows {len(images)} of {wanted} pictures")
    for image in images:
        if image["width"] == 0:
            faults.append(f"{name_of(cell)}: a picture was not loaded")
        if not image["alt"].strip():
            faults.append(f"{name_of(cell)}: a picture has no alternative text")
    return faults


def test_all_cells_run(live):
    faultless(live.faults)


def test_every_picture_has_a_text(live):
    cells = outputs(live.page)
    faults = [f for cell in cells for f in missing_pictures(cell, cell["images"])]
    faultless([f"{live.name}: {fault}" for fault in faults])


def test_a_screen_reader_is_told_all(live):
    live.watch.doing = "looking at names and roles"
    faults = axe_faults(live.page, OURS) + tree_faults(live.page, OURS)[1]
    faultless([f"{live.name}: {fault}" for fault in faults])


def test_every_control_belongs_to_a_demo(live):
    faultless(live.stray_controls())


def test_nothing_overflows(live):
    live.watch.doing = "screenshots of the top"
    for size, view in SIZES.items():
        live.page.set_viewport_size(view)
        first = live.page.locator(".jp-Notebook .jp-Cell").first
        first.evaluate("cell => cell.scrollIntoView()")
        first.evaluate(AT_REST)
        take(
            live.page, f"{live.screenshots / Path(live.name).stem}_top_{size}.png", size
        )
    found = live.demos()
    for demo in found:
        demo.look()
    faultless([fault for demo in found for fault in demo.faults])


def test_demos_follow_the_keyboard(live):
    faultless([fault for demo in live.demos() for fault in drive(demo)])


def test_questions_are_answered_by_keyboard(live):
    faultless([fault for asked in live.questions() for fault in asked.drive()])


def test_no_question_overflows(live):
    asked = live.questions()
    try:
        for size, view in SIZES.items():
            live.page.set_viewport_size(view)
            for one in asked:
                one.check_width(size)
    finally:
        live.page.set_viewport_size(NORMAL)
    faultless([fault for one in asked for fault in one.faults])


def test_the_console_is_silent_and_nothing_leaves_the_machine(live):
    """Comes last, and so covers all that was done."""
    faultless([f"{live.name}: {fault}" for fault in live.watch.faults])
