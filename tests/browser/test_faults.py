"""The tests of the notebooks can fail: a notebook in which everything is wrong.

Its first demo is sound, with a control of each kind, and must have no fault.
"""

from pathlib import Path

import dashboards
import pytest
from heard import tree_faults
from lab import write_notebook
from live import running

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

RESET_DOES_NOTHING = """
demo = one()
demo.reset = lambda: None
demo
"""

NO_NAMES = """
box = ipywidgets.VBox([ipywidgets.IntText(), ipywidgets.Button(description="Reset")])
box.add_class("pg-explorer")
"""

# Two updates at a step; a stop that does not stop; a reset that keeps one.
BAD_DASHBOARD = """
import asyncio
state, count = {"n": 0, "runs": False}, ipywidgets.HTML().add_class("pg-progress")

def add(number):
    state["n"] += number
    count.value = f"{state['n']} of 300 updates"

async def train():
    while state["runs"]:
        add(1)
        await asyncio.sleep(0.02)

def press(button):
    word, state["runs"] = button.description, button.description in ("Start", "Stop")
    if word == "Start":
        asyncio.ensure_future(train())
    else:
        add({"Step": 2, "Stop": 0, "Reset": 1 - state["n"]}[word])

names = ("Start", "Step", "Stop", "Reset")
buttons = [ipywidgets.Button(description=name) for name in names]
for button in buttons:
    button.on_click(press)
add(0)
ipywidgets.VBox([*buttons, count]).add_class("pg-dashboard")
"""

CONSOLE = """
HTML("<script>console.error('from a cell')</script><img src='https://example.org/a'>")
"""

SOURCES = [
    IMPORTS,
    SOUND,
    RAISES_AT_THE_END,
    "one(draw=lambda figure, gamma: draw(figure))",
    'one(alt=lambda gamma: "a picture")',
    'one(sentence=lambda gamma: "a sentence")',
    RESET_DOES_NOTHING,
    'one(sentence=lambda gamma: f"{gamma}" * 500)',  # too wide
    NO_NAMES,
    BAD_DASHBOARD,
    'ipywidgets.Checkbox(description="in no demo")',
    CONSOLE,
    "raise KeyError",  # as its tag allows
    "raise ValueError('from a cell')",
    "1 + 1",
]

FAULTS = {
    "callback raises": "cell 2: 'gamma', key End: shows an error: ⚠ This could not be "
    "shown. ZeroDivisionError: division by zero",
    "picture": "cell 3: 'gamma', key End: the picture did not change",
    "alt": "cell 4: 'gamma' never changes the alternative text",
    "sentence": "cell 5: 'gamma' never changes the sentence",
    "reset": "cell 6: 'Reset' does not bring back the initial picture",
    "width": "cell 7: overflows at 100 %: ",
    "no picture": "cell 8: has no picture",
    "no name": "a spinbutton has no name in the accessibility tree",
    "unknown control": "cell 8: 'number' is of a kind, number, that no test",
    "stop": "cell 9: after the stop, the number of updates does not stand",
    "step": "cell 9: a step went from update ",
    "reset of training": "after a reset, the number of updates stays at 1",
    "stray control": "in no demo and no question: <input t",
    "console": "console error: from a cell",
    "other host": "request to another host: https://example.org/a",
    "cell": "cell 13 (raise ValueError('from a cell')) raised ValueError: from a cell",
    "cell not run": "cell 14 (1 + 1) was not run",
}


@pytest.fixture(scope="module")
def faults(lab, root: Path) -> list[str]:
    """All that is found wrong in the notebook."""
    write_notebook(root / "faulty.ipynb", SOURCES, raises_exception=12)
    with (
        pytest.MonkeyPatch.context() as patch,
        running(lab, "faulty.ipynb") as live,
    ):
        patch.setattr(dashboards, "ROUNDS", 20)  # some of it never comes
        found = live.faults_of_width() + live.faults_of_demos() + live.faults
        found += live.watch.faults + live.stray_controls()
        return found + tree_faults(live.page, ".pg-explorer")[1]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found(faults, fault):
    assert any(fault in found for found in faults), "\n".join(faults)


def test_a_sound_demo_has_no_fault(faults):
    assert not [fault for fault in faults if "cell 1: " in fault]


def test_an_exception_that_a_cell_is_tagged_for_is_no_fault(faults):
    assert not [fault for fault in faults if "KeyError" in fault]
