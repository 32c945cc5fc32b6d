"""The tests of the notebooks can fail: a notebook in which everything is wrong.

Its first demo is sound, with a control of each kind, and must have no fault.
"""

from pathlib import Path

import dashboards
import demos
import nbformat
import pytest
from live import drive, running
from nbformat.v4 import new_code_cell, new_notebook

IMPORTS = """
import ipywidgets
from IPython.display import HTML, display
from pg_course.stage.controls import Choice, LogSlider, Slider, Toggle
from pg_course.stage.explorer import Explorer

def draw(figure, **parameters):
    figure.suptitle(str(parameters))

def say(**parameters):
    return str(parameters)

def one(draw=draw, alt=say, sentence=say):
    return Explorer(draw, {"gamma": Slider(0, 4, 1, value=2)}, alt=alt,
                    sentence=sentence, figsize=(4, 1))
"""

SOUND = """
controls = {
    "gamma": Slider(0, 1, 0.01, value=0.95, label="discount gamma"),
    "rate": LogSlider(0.001, 1, value=0.1),
    "kind": Choice(["one", "two", "three"], value="two"),
    "squared": Toggle(),
}
Explorer(draw, controls, alt=say, sentence=say, figsize=(4, 1))
"""

RAISES_AT_THE_END = """
def fragile(figure, gamma):
    draw(figure, gamma=gamma / (gamma < 4))

one(draw=fragile)
"""

PICTURE_STANDS_STILL = "one(draw=lambda figure, gamma: draw(figure))"
ALT_STANDS_STILL = 'one(alt=lambda gamma: "a picture")'
SENTENCE_STANDS_STILL = 'one(sentence=lambda gamma: "a sentence")'

RESET_DOES_NOTHING = """
demo = one()
demo.reset = lambda: None
demo
"""

TOO_WIDE = 'one(sentence=lambda gamma: f"{gamma}" * 500)'

NO_NAMES = """
box = ipywidgets.VBox([ipywidgets.IntText(), ipywidgets.Button(description="Reset")])
box.add_class("pg-explorer")
"""

# Two updates at a step; a pause that does not pause; a reset that keeps one.
BAD_DASHBOARD = """
import asyncio
state, count = {"n": 0, "runs": False}, ipywidgets.HTML().add_class("pg-sentence")

def add(number):
    state["n"] += number
    count.value = f"{state['n']} of 300 updates"

async def train():
    while state["runs"]:
        add(1)
        await asyncio.sleep(0.02)

def press(button):
    word, state["runs"] = button.description, button.description in ("Start", "Pause")
    if word == "Start":
        asyncio.ensure_future(train())
    elif word != "Stop":
        add({"Step": 2, "Pause": 0, "Reset": 1 - state["n"]}[word])

names = ("Start", "Pause", "Step", "Stop", "Reset")
buttons = [ipywidgets.Button(description=name) for name in names]
for button in buttons:
    button.on_click(press)
add(0)
ipywidgets.VBox([*buttons, count]).add_class("pg-dashboard")
"""

NO_DEMO = 'ipywidgets.Checkbox(description="in no demo")'

CONSOLE = """
HTML("<script>console.error('from a cell')</script><img src='https://example.org/a'>")
"""

EXPECTED_TO_FAIL = "raise KeyError"
FAILS = "raise ValueError('from a cell')"
NOT_REACHED = "1 + 1"

FAULTS = {
    "callback raises": "demo 2 (cell 2): 'gamma', key End: shows an error: ",
    "its message": "ZeroDivisionError: division by zero",
    "picture": "demo 3 (cell 3): 'gamma', key End: the picture did not change",
    "picture at both ends": "demo 3 (cell 3): 'gamma' never changes the picture",
    "alt": "demo 4 (cell 4): 'gamma' never changes the alternative text",
    "sentence": "demo 5 (cell 5): 'gamma' never changes the sentence",
    "reset": "demo 6 (cell 6): 'Reset' does not bring back the initial picture",
    "width": "demo 7 (cell 7): overflows at 100 %: ",
    "no picture": "demo 8 (cell 8): has no picture",
    "no name": "demo 8 (cell 8): control 1 (number) has no name",
    "unknown control": "demo 8 (cell 8): 'number' is of a kind, number, that no test",
    "pause": "demo 9 (cell 9): after the pause, the number of updates does not stand",
    "step": "demo 9 (cell 9): a step went from update ",
    "reset of training": "after a reset, the number of updates stays at 1",
    "stray control": "in none of .pg-explorer, .pg-dashboard, .pg-question: <input t",
    "console": "while running all cells: console error: from a cell",
    "other host": "request to another host: https://example.org/a",
    "cell": "cell 13 (raise ValueError('from a cell')) raised ValueError: from a cell",
    "cell not run": "cell 14 (1 + 1) was not run",
}


@pytest.fixture(scope="module")
def faults(context, address, root: Path, tmp_path_factory) -> list[str]:
    """All that is found wrong in the notebook."""
    sources = [IMPORTS, SOUND, RAISES_AT_THE_END, PICTURE_STANDS_STILL]
    sources += [ALT_STANDS_STILL, SENTENCE_STANDS_STILL, RESET_DOES_NOTHING, TOO_WIDE]
    sources += [NO_NAMES + "box", BAD_DASHBOARD, NO_DEMO, CONSOLE]
    sources += [EXPECTED_TO_FAIL, FAILS, NOT_REACHED]
    cells = [new_code_cell(source.strip()) for source in sources]
    cells[12].metadata.tags = ["raises-exception"]
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, root / "faulty.ipynb")
    found = []
    screenshots = tmp_path_factory.mktemp("screenshots")
    with (
        pytest.MonkeyPatch.context() as patch,
        running(context, address, "faulty.ipynb", screenshots) as live,
    ):
        # Much is awaited here that never comes; but the sound demo has all its time.
        patience = demos.PATIENCE
        patch.setattr(demos, "PATIENCE", 600)
        patch.setattr(dashboards, "PATIENCE", 1.5)
        for number, demo in enumerate(live.demos()):
            patch.setattr(demos, "PATIENCE", 600 if number else patience)
            demo.look()
            found += drive(demo)
        return found + live.faults + live.watch.faults + live.stray_controls()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found(faults, fault):
    assert any(fault in found for found in faults), "\n".join(faults)


def test_a_sound_demo_has_no_fault(faults):
    assert not [fault for fault in faults if "demo 1 " in fault]


def test_an_exception_that_a_cell_is_tagged_for_is_no_fault(faults):
    assert not [fault for fault in faults if "KeyError" in fault]
