"""One demo in a page: its controls, moved with the keyboard, and what follows."""

from dataclasses import dataclass
from typing import Any

from lab import NORMAL, Watch
from playwright.sync_api import Locator, Page

CONTROLS = "[role=slider], select, input, textarea, button"
# Whatever takes an entry, in or out of a demo; a slider's readout can be typed into.
ENTRIES = f"{CONTROLS}, [contenteditable=true]"
# What 200 % leaves of a window of 1280 x 800.
SIZES = {"100": NORMAL, "200": {"width": 640, "height": 400}}
PARTS = ("picture", "alternative text", "sentence")


@dataclass(frozen=True)
class Control:
    """A visible control: the place among those of its demo, and how it is now."""

    place: int
    kind: str
    name: str
    options: int
    position: Any
    focused: bool

    def __str__(self) -> str:
        return f"'{self.name or self.kind}'"


class Demo:
    """A demo of a notebook, and the faults found in it."""

    def __init__(self, page: Page, watch: Watch, root: Locator, name: str) -> None:
        self.page, self.watch, self.root, self.name = page, watch, root, name
        self.faults: list[str] = []
        self.state = self.settled()

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        if (line := f"{self.name}: {text}") not in self.faults:
            self.faults.append(line)

    def settled(self) -> dict:
        """What is shown once nothing changes any more."""
        return self.root.evaluate("demo => lab.settled(demo)")

    def controls(self) -> list[Control]:
        """All visible controls."""
        found = self.root.evaluate("(demo, all) => lab.controls(demo, all)", CONTROLS)
        return [Control(**control) for control in found]

    def focus(self, control: Control) -> None:
        """Give the keyboard to a control."""
        place = [CONTROLS, control.place]
        self.root.evaluate("(demo, place) => lab.focus(demo, place)", place)

    def press(self, control: Control, key: str) -> bool:
        """Press a key on a control; say whether that moved it."""
        self.watch.doing = f"{self.name}, {control}, key {key}"
        self.focus(control)
        before = self.controls()[control.place]
        self.page.keyboard.press(key)
        after = self.controls()[control.place]
        if not after.focused:
            self.fault(f"{control} lost the focus at the key {key}")
        return after.position != before.position

    def check_width(self, size: str) -> None:
        """Nothing is cut off on the right at the size that the window has now."""
        for overhang in self.root.evaluate("demo => lab.overflow(demo)"):
            self.fault(f"overflows at {size} %: {overhang}")

    def check_at_rest(self) -> None:
        """Before anything is moved, there is a picture and a text, and no error."""
        for part in PARTS:
            if not self.state[part]:
                self.fault(f"has no {part}")
        if not self.state["shown"]:
            self.fault("the picture was not loaded")
        if self.state["error"]:
            self.fault(f"shows an error: {self.state['error']}")

    def check_keys(self) -> None:
        """The Tab key reaches every control; a letter typed there edits no cells."""
        controls = self.controls()
        self.watch.doing = f"{self.name}, key Tab"
        self.focus(controls[0])
        missed = {control.place for control in controls[1:]}
        for _ in range(3 * len(controls)):  # a readout may stand after each slider
            if missed:
                self.page.keyboard.press("Tab")
                missed -= {c.place for c in self.controls() if c.focused}
        cells = self.page.evaluate("lab.numberOfCells()")
        for control in controls:
            if control.place in missed:
                self.fault(f"{control} is not reached by the Tab key")
            if control.kind.startswith("select"):
                continue  # takes letters itself; its arrow keys show the same
            self.focus(control)
            self.page.keyboard.press("b")
            if self.page.evaluate("lab.numberOfCells()") != cells:
                self.fault(f"the key b at {control} inserted a cell in the notebook")
                self.page.evaluate("lab.undo()")
