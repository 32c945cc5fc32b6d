"""The training dashboard: steered, and watched by its number of updates."""

import re
import time
from collections.abc import Callable

from demos import Control, Demo

PATIENCE = 30  # seconds for what must happen
REST = 0.6  # seconds in which nothing must happen; an update takes a few milliseconds
COUNT = re.compile(
    r"\bupdates?\s*:?\s*(\d[\d,]*)|(\d[\d,]*)\s*(?:(?:of|/)\s*\d[\d,]*\s*)?updates?\b",
    re.IGNORECASE,
)
# The words by which the buttons are found, so that they may be worded freely.
START = "start|train|resume|continue"
PAUSE, STEP, STOP, RESET = "pause", "step|single|one update", "stop", "reset"

# The kernel answers while it trains.
ANSWER = """async () => {
  const kernel = window.notebook.sessionContext.session.kernel;
  const future = kernel.requestExecute({code: '1 + 1', store_history: false});
  const late = new Promise(resolve => setTimeout(resolve, 5000, null));
  const reply = await Promise.race([future.done, late]);
  return reply !== null && reply.content.status === 'ok';
}"""


def drive_dashboard(demo: Demo) -> list[str]:
    """Start, pause, step, resume, stop, reset, and every setting at both ends.

    What happens is read from the visible number of updates. Training must change the
    picture and both texts, and stopping must keep them.
    """
    demo.check_at_rest()
    demo.check_names()
    demo.check_tab()
    demo.check_shortcuts()
    first = updates(demo)
    if first is None:
        demo.fault("says no number of updates, such as '12 of 300 updates'")
        return demo.faults
    if first > 0:  # it was trained to have a picture to begin with
        _press(demo, RESET)
        demo.state, first = demo.settled(demo.state["picture"]), 0
    initial = demo.state
    # With the most trajectories an update, a busy machine has time to pause the run.
    for control in demo.controls():
        if control.name == "N":
            demo.press(control, "End")
    _press(demo, START)
    _expect(demo, "after the start, the number of updates", lambda n: n > first)
    _press(demo, PAUSE)
    paused = _still(demo, "after the pause")
    _press(demo, STEP)
    _expect(demo, "after a step, the number of updates", lambda n: n > paused)
    if (now := _still(demo, "after a step")) != paused + 1:
        demo.fault(f"a step went from update {paused} to {now}")
    _press(demo, START)
    _expect(demo, "after the pause was ended, the updates", lambda n: n > now)
    if not demo.page.evaluate(ANSWER):
        demo.fault("the kernel does not answer while it trains")
    _press(demo, STOP)
    if _still(demo, "after the stop") < now:
        demo.fault("a stop lost updates")
    trained = demo.settled(initial["picture"])
    for part in ("picture", "alternative text", "sentence"):
        if trained[part] == initial[part]:
            demo.fault(f"training does not change the {part}")
    demo.look("_trained")
    _press(demo, RESET)
    _expect(demo, "after a reset, the number of updates", lambda n: n == first)
    demo.settled(trained["picture"], wanted=initial["picture"])
    for control in demo.controls():
        if control.kind not in ("button", "submit"):
            _try_ends(demo, control)
    return demo.faults


def updates(demo: Demo) -> int | None:
    """The number of updates that the dashboard says."""
    progress = demo.root.locator(".pg-progress").all_inner_texts()
    match = COUNT.search(" ".join(progress)) or COUNT.search(demo.root.inner_text())
    return int((match[1] or match[2]).replace(",", "")) if match else None


def _press(demo: Demo, words: str) -> None:
    """Press the button of this name with the keyboard, once it can be."""
    deadline = time.monotonic() + 5
    while (button := demo.button(words)) is None:
        if time.monotonic() > deadline:
            demo.fault(f"no button named {words!r} can be pressed")
            return
        demo.page.wait_for_timeout(50)
    demo.press(button, "Enter")
    _check_error(demo, f"{button}")


def _expect(demo: Demo, what: str, holds: Callable[[int], bool]) -> None:
    """Wait until the number of updates is as it must be."""
    deadline = time.monotonic() + PATIENCE
    while not holds(number := updates(demo) or 0):
        if time.monotonic() > deadline:
            demo.fault(f"{what} stays at {number}")
            return
        demo.page.wait_for_timeout(20)
    _check_error(demo, what)


def _still(demo: Demo, what: str) -> int:
    """See that the number of updates comes to rest; return it."""
    deadline = time.monotonic() + PATIENCE
    demo.page.evaluate(ANSWER)  # what was pressed before is done now
    number, since = updates(demo), time.monotonic()
    while time.monotonic() - since < REST:
        if (now := updates(demo)) != number:
            number, since = now, time.monotonic()
        if time.monotonic() > deadline:
            demo.fault(f"{what}, the number of updates does not stand still")
            break
        demo.page.wait_for_timeout(50)
    return number or 0


def _try_ends(demo: Demo, control: Control) -> None:
    """Make one update with a setting at each of its ends."""
    for key in ("Space", "Space") if control.kind == "checkbox" else ("Home", "End"):
        before = updates(demo) or 0
        what = f"{control}, key {key}"
        demo.press(control, key)
        _check_error(demo, what)
        _press(demo, STEP)
        _expect(
            demo, f"{what}, a step: the number of updates", lambda n, b=before: n > b
        )


def _check_error(demo: Demo, what: str) -> None:
    """See that no error is shown."""
    error = " ".join(demo.root.locator(".pg-error").all_inner_texts()).strip()
    if error:
        demo.fault(f"{what}: shows an error: {error}")
