"""Every notebook and every demo in JupyterLab, as a reader has them.

Each notebook is opened and run once. Notebooks, demos and controls are found, not
listed: a new one is tested unasked.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from heard import OURS, axe_faults, tree_faults
from lab import NOTEBOOKS, name_of, open_in_lab
from live import Live, faultless, running, worked_answers

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

# jupyterlab_widgets 3.0.17 asks a notebook without a kernel for its kernel. It is the
# only message that is let pass, and only where there is no kernel.
NO_KERNEL = "Cannot read properties of null (reading 'kernel')"


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def live(request, lab) -> Iterator[Live]:
    with running(lab, f"notebooks/{request.param.name}") as live:
        yield live


def missing_pictures(cells: list[dict]) -> list[str]:
    """What is missing among the pictures shown for the outputs of cells."""
    faults = []
    for cell in cells:
        # That of a live demo is seen in place of the stored one.
        stored = [output.get("data", {}) for output in cell.get("outputs", ())]
        wanted = sum("<img" in "".join(data.get("text/html", "")) for data in stored)
        if len(cell["images"]) != wanted:
            faults.append(f"{name_of(cell)} does not show {wanted} pictures")
        for alt, width in cell["images"]:
            if not alt or not width:
                faults.append(f"{name_of(cell)}: a picture of {width} pixels: {alt!r}")
    return faults


def test_there_are_notebooks():
    assert PATHS, f"no notebook in {NOTEBOOKS}"


def test_without_a_kernel_the_pictures_are_shown(lab):
    # One notebook with an explorer, a dashboard and questions; the test below sees the
    # stored outputs of all.
    lab.faults, lab.doing = [], "opening without a kernel"
    open_in_lab(lab.page, "notebooks/09_training.ipynb", kernel=False)
    assert lab.page.evaluate("notebook.sessionContext.session") is None
    faults = missing_pictures(lab.page.evaluate("lab.outputs()"))
    lab.page.evaluate("lab.close()")
    faultless(faults + [fault for fault in lab.faults if NO_KERNEL not in fault])


def test_a_fresh_clone_shows_its_pictures_before_it_is_run(live):
    for cell in live.cells_before:
        if cell["cell_type"] == "code" and cell["outputs"]:
            assert not cell["trusted"], "the view is not that of a fresh clone"
    faultless(missing_pictures(live.cells_before))


def test_all_cells_run(live):
    faultless(live.faults)


def test_every_picture_has_a_text(live):
    faultless(missing_pictures(live.page.evaluate("lab.outputs()")))


def test_every_control_belongs_to_a_demo(live):
    faultless(live.stray_controls())


def test_nothing_overflows(live):
    faultless(live.faults_of_width())


def test_demos_follow_the_keyboard(live):
    faultless(live.faults_of_demos())


def test_questions_are_answered_by_keyboard(live):
    faultless(live.faults_of_questions())


def test_exercises_are_solved_by_typing_the_worked_answers(live):
    for name, answer in worked_answers(Path(live.name).stem).items():
        assert live.output(f"check-{name}").startswith("Not yet: "), name
        assert live.type_and_check(name, answer).startswith("Right: "), name


def test_a_screen_reader_is_told_everything(live):
    live.watch.doing = "looking at names and roles"
    faultless(axe_faults(live.page, OURS) + tree_faults(live.page, OURS)[1])


def test_the_console_is_silent_and_nothing_leaves_the_machine(live):
    """Comes last, and so covers all that was done."""
    faultless(live.watch.faults)
