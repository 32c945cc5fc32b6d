"""An `Explorer`: picture and texts must follow every control."""

from demos import PARTS, Control, Demo


def drive_explorer(demo: Demo) -> list[str]:
    """Move every control to both ends and back; return the faults.

    Each move of a control must change the picture and a text. Over all its moves, the
    picture, the sentence and the alternative text must each have changed: a control
    that one of them ignores leaves a reader without what the others see.
    """
    demo.check_at_rest()
    demo.check_keys()
    initial = demo.state
    *moving, reset = demo.controls()
    if reset.name != "Reset":
        demo.fault("the last control is no reset button")
    for control in moving:
        seen = _to_both_ends(demo, control)
        for part in PARTS:
            if len({state[part] for state in seen}) == 1:
                demo.fault(f"{control} never changes the {part}")
        _put_back(demo, reset, initial)
    # The corners, where all controls are at one end, and a reset of all at once.
    for key, end in (("Home", "left"), ("End", "right")):
        for control in moving:
            if control.kind in ("slider", "select-one") and demo.press(control, key):
                _follow(demo, f"after {control}, all controls going to the {end}")
    _put_back(demo, reset, initial)
    return demo.faults


def _to_both_ends(demo: Demo, control: Control) -> list[dict]:
    """All states seen on the way; faults are noted."""
    seen = [demo.state]

    def press(key: str, must_move: bool = True) -> None:
        if demo.press(control, key):
            seen.append(_follow(demo, f"{control}, key {key}"))
        elif must_move:
            demo.fault(f"{control} was not moved by the key {key}")

    if control.kind == "slider":
        press("Home", must_move=False)
        if demo.press(control, "ArrowLeft"):
            demo.fault(f"{control} is not at its left end after the key Home")
        press("End")
        if demo.press(control, "ArrowRight"):
            demo.fault(f"{control} is not at its right end after the key End")
        press("Home")
    elif control.kind == "select-one":
        press("Home", must_move=False)
        for _ in range(control.options - 1):
            press("ArrowDown")
        press("Home")
    elif control.kind == "checkbox":
        press("Space")
        press("Space")
    else:
        demo.fault(f"{control} is of a kind, {control.kind}, that no test can move")
    return seen


def _follow(demo: Demo, what: str) -> dict:
    """See that picture and text follow a control that was moved."""
    before, demo.state = demo.state, demo.settled()
    if demo.state["error"]:
        demo.fault(f"{what}: shows an error: {demo.state['error']}")
    elif not before["error"]:  # else the picture is still that of before the error
        if demo.state["picture"] == before["picture"]:
            demo.fault(f"{what}: the picture did not change")
        texts = ("alternative text", "sentence")
        if all(demo.state[part] == before[part] for part in texts):
            demo.fault(f"{what}: neither alternative text nor sentence changed")
    return demo.state


def _put_back(demo: Demo, reset: Control, initial: dict) -> None:
    """See that the reset button brings back everything."""
    demo.press(reset, "Enter")
    demo.state = demo.settled()
    for part in (*PARTS, "error"):
        if demo.state[part] != initial[part]:
            demo.fault(f"{reset} does not bring back the initial {part}")
