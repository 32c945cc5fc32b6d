"""The training dashboard: steered, and watched by its number of updates."""

import re
from ast import literal_eval
from collections.abc import Callable

from demos import PARTS, Control, Demo
from lab import PATIENCE
from playwright.sync_api import expect

# A wait is measured by how often the kernel has answered meanwhile, so that it is as
# long as the machine is slow.
ROUNDS = 1000  # for what must happen
REST = 5  # in which nothing must happen; an update takes less than one


def drive_dashboard(demo: Demo) -> list[str]:
    """Start, stop, step, go on, stop, reset, and every setting at both ends.

    What happens is read from the visible number of updates. Training must change the
    picture and both texts, and stopping must keep them.
    """
    demo.check_at_rest()
    demo.check_keys()
    _reset(demo)
    initial = demo.settled()
    # With the most trajectories per update, there is time to stop the run.
    for control in demo.controls():
        if control.name == "N":
            demo.press(control, "End")
            demo.settled()
    first = _press(demo, "Start")
    _expect(demo, "after the start", lambda n: n > first)
    _press(demo, "Stop")
    stopped = _still(demo, "after the stop")
    _press(demo, "Step")
    _expect(demo, "after a step", lambda n: n > stopped)
    if (now := _still(demo, "after a step")) != stopped + 1:
        demo.fault(f"a step went from update {stopped} to {now}")
    _press(demo, "Start")
    _expect(demo, "after another start", lambda n: n > now)
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


# What is trained, of a dashboard that is called `board`: the settings, the trajectories
# of the last update, and whether the best J is that of the discount.
TRAINED = """[
    [str(getattr(board.config, name)) for name in board._view.settings],
    len(board._run.batch.mask),
    board._run.best == pg.exact.optimal_objective(pg.corridor(), board.config.gamma),
]"""


def steer(demo: Demo) -> list[str]:
    """Move and press every control while it trains; it has no end.

    What is shown and what is trained must agree, and training go on.
    """
    _goes_on(demo, "after the start", _press(demo, "Start"))
    for control in [c for c in demo.controls() if c.kind == "select-one"]:
        for key in ("End", "Home", "ArrowDown"):
            demo.press(control, key)
            _agrees(demo, f"{control}, key {key}")
            if demo.faults:  # each is waited for long
                return demo.faults
    for name in ("Step", "Start"):  # neither of which does anything now
        _goes_on(demo, f"after {name}", _press(demo, name))
    _press(demo, "Stop")
    _still(demo, "after the stop")
    _goes_on(demo, "after another start", _press(demo, "Start"))
    _reset(demo)
    _still(demo, "after a reset while it trained")
    _goes_on(demo, "after a start anew", _press(demo, "Start"))
    _interrupt(demo)
    if demo.faults:
        return demo.faults
    _press(demo, "Stop")
    _still(demo, "after the stop")
    demo.page.evaluate("lab.begin('board.run()')")
    # The kernel answers nothing else while the cell runs.
    sentence, progress = map(demo.root.locator, (".pg-sentence", ".pg-progress"))
    expect(sentence).to_contain_text("Training.", timeout=PATIENCE * 1e3)
    for control in [c for c in demo.controls() if c.name == "gamma"]:
        for key in ("End", "Home"):
            before = progress.inner_text()
            demo.press(control, key)
            expect(progress).not_to_have_text(before, timeout=PATIENCE * 1e3)
    _interrupt(demo)
    if demo.page.evaluate("lab.ended()") != "KeyboardInterrupt":
        demo.fault("the cell that trained was not interrupted")
    _agrees(demo, "after all")
    _press(demo, "Stop")
    return demo.faults


def _interrupt(demo: Demo) -> None:
    """The kernel's stop button stops it, and Start goes on."""
    demo.page.evaluate("lab.interrupt()")
    _still(demo, "after the kernel's stop button")
    if not demo.root.locator(".pg-sentence").inner_text().startswith("Stopped."):
        demo.fault("the kernel's stop button is not said to have stopped it")
    _goes_on(demo, "after a start again", _press(demo, "Start"))


def _goes_on(demo: Demo, when: str, before: int) -> None:
    _expect(demo, when, lambda n: n > before)


def _agrees(demo: Demo, when: str) -> None:
    """Wait until what is trained is what the controls show, and see it go on."""
    for _ in range(ROUNDS):
        shown = demo.root.evaluate("demo => lab.chosen(demo)")
        told = demo.page.evaluate("expression => lab.ask(expression)", TRAINED)
        settings, number, right = literal_eval(told)
        if settings == shown and str(number) == shown[2] and right:
            break
    else:
        demo.fault(f"{when}: shows {shown}, trains {settings}, N {number}, {right}")
    _goes_on(demo, when, _updates(demo))


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
