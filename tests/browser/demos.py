"""One demo in a page: its controls, moved with the keyboard, and what follows."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from lab import NORMAL, Watch
from playwright.sync_api import Locator, Page

DEMOS = ".pg-explorer, .pg-dashboard"
CONTROLS = "[role=slider], select, input, textarea, button"
# What 200 % leaves of a window of 1280 x 800.
SIZES = {"100": NORMAL, "200": {"width": 640, "height": 400}}
# Whatever takes an entry, in or out of a demo; a slider's readout can be typed into.
ENTRIES = f"{CONTROLS}, [contenteditable=true]"
PATIENCE = 5000  # ms until a picture that has not changed counts as stuck
QUIET = 100  # ms without a change until a demo counts as settled

FIND = """(demo, selector) => [...demo.querySelectorAll(selector)]
  .filter(element => element.checkVisibility())
  .map(element => ({
    kind: element.getAttribute('role') || element.type || element.tagName,
    name: element.computedName.trim(),
    disabled: element.disabled || element.getAttribute('aria-disabled') === 'true',
    options: element.options ? element.options.length : 0,
  }))"""

# Where a control stands. A slider's handle by its place, as its text may be rounded.
POSITION = """control => {
  if (control.type === 'checkbox' || control.type === 'radio') return control.checked;
  if (control.role === 'slider') return control.parentElement.style.transform;
  return control.tagName === 'SELECT' ? control.selectedIndex : control.value;
}"""

# Waits for another picture than one, or for a certain one, or an error; but not for
# ever; and then for rest.
SETTLE = """async (demo, [before, wanted, patience, quiet]) => {
  const text = selector => [...demo.querySelectorAll(selector)]
    .map(element => element.innerText.trim()).join(' ').trim();
  const read = () => {
    const images = [...demo.querySelectorAll('img')];
    return {
      picture: images.map(image => image.src).join(' '),
      'alternative text': images.map(image => image.alt.trim()).join(' ').trim(),
      sentence: text('.pg-sentence'),
      error: text('.pg-error'),
      shown: images.length > 0 && images.every(image => image.naturalWidth > 0),
    };
  };
  const differ = (a, b) => Object.keys(a).some(key => a[key] !== b[key]);
  const start = performance.now();
  let last = read(), since = start;
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 20));
    const now = read(), time = performance.now();
    if (differ(now, last)) { last = now; since = time; }
    const idle = window.notebook.sessionContext.session?.kernel?.status === 'idle';
    const moved = now.error !== '' ||
      (wanted === null ? now.picture !== before : now.picture === wanted);
    if (idle && moved && now.shown && time - since > quiet) return now;
    if (time - start > patience * (idle ? 1 : 4)) return now;
  }
}"""

# The place in the order of controls of what has the focus, or -1.
FOCUSED = """(demo, selector) => [...demo.querySelectorAll(selector)]
  .filter(element => element.checkVisibility()).indexOf(document.activeElement)"""

# JupyterLab lays itself out anew, over some frames, after its window has changed.
AT_REST = """async demo => {
  const box = () => JSON.stringify(demo.getBoundingClientRect());
  let last = '', same = 0;
  for (let frame = 0; same < 5 && frame < 300; frame++) {
    await new Promise(requestAnimationFrame);
    same = box() === last ? same + 1 : 0;
    last = box();
  }
}"""

# What overhangs on the right, or would have to be scrolled to. The handle of a slider
# at its end does so by half its width, as it should.
OVERFLOW = """demo => {
  const page = demo.closest('.jp-WindowedPanel-outer, .jp-NotebookPanel-notebook');
  const edge = Math.min(
    demo.getBoundingClientRect().right, page.getBoundingClientRect().right);
  const inside = [demo, ...demo.querySelectorAll('*')]
    .filter(element => element.checkVisibility() && !element.closest('.noUi-base'))
    .filter(element => !element.parentElement.closest('mjx-container'));
  return inside.filter(element =>
    element.getBoundingClientRect().right > edge + 1 ||
    (element.scrollWidth > element.clientWidth + 1 &&
      !element.matches('.slider-container, .noUi-target') &&
      getComputedStyle(element).display !== 'inline')
  ).map(element => `<${element.tagName.toLowerCase()} class="${element.className}">: ` +
    `${Math.round(Math.max(
      element.scrollWidth - element.clientWidth,
      element.getBoundingClientRect().right - edge))} px`);
}"""


@dataclass(frozen=True)
class Control:
    """A control: the place among those of its demo, what it is, what it is called."""

    place: int
    kind: str
    name: str
    options: int

    def __str__(self) -> str:
        return f"'{self.name or self.kind}'"


class Demo:
    """A demo of a notebook, and the faults found in it."""

    def __init__(
        self, page: Page, watch: Watch, root: Locator, name: str, screenshots: Path
    ) -> None:
        self.page, self.watch, self.root, self.name = page, watch, root, name
        self.screenshots = screenshots  # how the path of each begins
        self.faults: list[str] = []
        self.state = self.settled(before="")

    def fault(self, text: str) -> None:
        """Note what is wrong, and what was done before."""
        if (line := f"{self.name}: {text}") not in self.faults:
            self.faults.append(line)

    def settled(self, before: str, wanted: str | None = None) -> dict:
        """Wait until the picture has changed, or is a certain one; return the state."""
        return self.root.evaluate(SETTLE, [before, wanted, PATIENCE, QUIET])

    def controls(self) -> list[Control]:
        """All visible controls that can be used now."""
        found = self.root.evaluate(FIND, CONTROLS)
        return [
            Control(place, control["kind"], control["name"], control["options"])
            for place, control in enumerate(found)
            if not control["disabled"]
        ]

    def button(self, word: str) -> Control | None:
        """The button whose name holds a word, if it can be pressed."""
        for control in self.controls():
            named = re.search(rf"\b({word})\b", control.name, re.IGNORECASE)
            if control.kind in ("button", "submit") and named:
                return control
        return None

    def element(self, control: Control) -> Locator:
        """The element of a control."""
        return self.root.locator(CONTROLS).locator("visible=true").nth(control.place)

    def press(self, control: Control, key: str) -> bool:
        """Press a key on a control; say whether that moved it."""
        element = self.element(control)
        self.watch.doing = f"{self.name}, {control}, key {key}"
        element.focus()
        before = element.evaluate(POSITION)
        element.press(key)
        if self.root.evaluate(FOCUSED, CONTROLS) != control.place:
            self.fault(f"{control} lost the focus at the key {key}")
        return element.evaluate(POSITION) != before

    def check_width(self, size: str) -> None:
        """Nothing is cut off on the right at the size that the window has now."""
        self.root.evaluate("demo => demo.scrollIntoView()")
        self.root.evaluate(AT_REST)
        for overhang in self.root.evaluate(OVERFLOW):
            self.fault(f"overflows at {size} %: {overhang}")

    def check_at_rest(self) -> None:
        """Before anything is moved, there is a picture and a text, and no error."""
        for part in ("picture", "alternative text", "sentence"):
            if not self.state[part]:
                self.fault(f"has no {part}")
        if not self.state["shown"]:
            self.fault("the picture was not loaded")
        if self.state["error"]:
            self.fault(f"shows an error: {self.state['error']}")

    def check_names(self) -> None:
        """Everything that takes an entry has a name for a screen reader."""
        for place, entry in enumerate(self.root.evaluate(FIND, ENTRIES)):
            if not entry["name"]:
                self.fault(f"control {place + 1} ({entry['kind']}) has no name")

    def check_tab(self) -> None:
        """The Tab key reaches every control."""
        controls = self.controls()
        self.element(controls[0]).focus()
        reached = {controls[0].place}
        self.watch.doing = f"{self.name}, key Tab"
        for _ in range(3 * len(controls)):  # a readout may stand after each slider
            if reached >= {control.place for control in controls}:
                break
            self.page.keyboard.press("Tab")
            reached.add(self.root.evaluate(FOCUSED, CONTROLS))
        for control in controls:
            if control.place not in reached:
                self.fault(f"{control} is not reached by the Tab key")

    def check_shortcuts(self) -> None:
        """A letter typed at a control edits no cells, which JupyterLab's would."""
        count = "window.notebook.content.model.cells.length"
        before = self.page.evaluate(count)
        for control in self.controls():
            if control.kind.startswith("select"):
                continue  # takes letters itself; its arrow keys show the same
            self.element(control).press("b")
            if self.page.evaluate(count) != before:
                self.fault(f"the key b at {control} inserted a cell in the notebook")
                self.page.evaluate(
                    "window.jupyterapp.commands.execute('notebook:undo-cell-action')"
                )

    def look(self, state: str = "") -> None:
        """Nothing is cut off on the right at 100 % and 200 %; take a screenshot."""
        self.watch.doing = f"{self.name}, screenshots"
        try:
            for size, view in SIZES.items():
                self.page.set_viewport_size(view)
                self.check_width(size)
                # The window may be lower than the demo; the screenshot has all of it.
                height = view["height"] + math.ceil(self.root.bounding_box()["height"])
                self.page.set_viewport_size({**view, "height": height})
                self.root.evaluate(AT_REST)
                take(self.root, f"{self.screenshots}{state}_{size}.png", size)
        finally:
            self.page.set_viewport_size(NORMAL)


def take(what: Page | Locator, path: str, size: str) -> None:
    """Take a screenshot; at 100 % with one dot a pixel, at 200 % with two."""
    what.screenshot(path=path, scale="css" if size == "100" else "device")
