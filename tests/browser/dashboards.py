"""The training dashboard: steered, and watched by its number of updates."""

import re
from collections.abc import Callable

from demos import PARTS, Control, Demo

# A wait is measured by how often the kernel has answered meanwhile, so that it is as
# long as the machine is slow.
ROUNDS = 1000  # for what must happen
REST = 5  # in which nothing must happen; an update takes less than one


def drive_dashboard(demo: Demo) -> list[str]:
    """Start, pause, step, resume, stop, reset, and every setting at both ends.

    What happens is read from the visible number of updates. Training must change the
    picture and both texts, and stopping must keep them.
    """
    demo.check_at_rest()
    demo.check_keys()
    _reset(demo)
    initial = demo.settled()
    # With the most trajectories per update, there is time to pause the run.
    for control in demo.controls():
        if control.name == "N":
            demo.press(control, "End")
            demo.settled()
    first = _press(demo, "Start")
    _expect(demo, "after the start", lambda n: n > first)
    _press(demo, "Pause")
    paused = _still(demo, "after the pause")
    _press(demo, "Step")
    _expect(demo, "after a step", lambda n: n > paused)
    if (now := _still(demo, "after a step")) != paused + 1:
        demo.fault(f"a step went from update {paused} to {now}")
    _press(demo, "Start")
    _expect(demo, "after the pause was ended", lambda n: n > now)
    if not demo.page.evaluate("lab.answer()"):
        demo.fault("the kernel does not answer while it trains")
    _press(demo, "Stop")
    if _still(demo, "after the stop") < now:
        demo.fault("a stop lost updates")
    trained = demo.settled()
    for part in PARTS:
        if trained[part] == initial[part]:
            demo.fault(f"training does not change the {part}")
    _reset(demo)
    for control in demo.controls():
        if control.kind == "select-one":
            _try_ends(demo, control)
    return demo.faults


def _updates(demo: Demo) -> int:
    """The number of updates that the dashboard says, as in "12 of 300 updates"."""
    told = demo.root.locator(".pg-progress").inner_text()
    return int(re.match(r"\d+(?= of \d+ updates)", told)[0])


def _press(demo: Demo, name: str) -> int:
    """Press a button with the keyboard; the number of updates before."""
    before = _updates(demo)
    (button,) = (control for control in demo.controls() if control.name == name)
    demo.press(button, "Enter")
    return before


def _expect(demo: Demo, when: str, holds: Callable[[int], bool]) -> None:
    """Wait until the number of updates is as it must be, and no error is shown."""
    for _ in range(ROUNDS):
        if holds(number := _updates(demo)):
            break
        demo.page.evaluate("lab.answer()")
    else:
        demo.fault(f"{when}, the number of updates stays at {number}")
    error = "".join(demo.root.locator(".pg-error").all_inner_texts()).strip()
    if error:
        demo.fault(f"{when}: shows an error: {error}")


def _still(demo: Demo, when: str) -> int:
    """See that the number of updates comes to rest; return it."""
    seen: list[int] = []
    for _ in range(4 * REST):
        demo.page.evaluate("lab.answer()")
        seen.append(_updates(demo))
        if seen[-REST:] == [seen[-1]] * REST:
            return seen[-1]
    demo.fault(f"{when}, the number of updates does not stand still")
    return seen[-1]


def _reset(demo: Demo) -> None:
    _press(demo, "Reset")
    _expect(demo, "after a reset", lambda n: n == 0)


def _try_ends(demo: Demo, control: Control) -> None:
    """Make one update with a setting at each of its ends."""
    for key in ("Home", "End"):
        demo.press(control, key)
        demo.settled()
        before = _press(demo, "Step")
        _expect(demo, f"{control}, key {key}, a step", lambda n, b=before: n > b)
