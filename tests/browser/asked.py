"""Predictions and self-tests: every option is chosen once, by keyboard."""

from functools import cached_property

from demos import PATIENCE, Control, Demo

QUESTIONS = ".pg-question"

# Waits until the sentences are other than before, but not for ever, and then for rest.
SAID = """async (asked, [before, patience, quiet]) => {
  const read = () => [...asked.querySelectorAll('.pg-sentence')]
    .map(element => element.innerText.trim());
  const start = performance.now();
  let last = read(), since = start;
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 20));
    const now = read(), time = performance.now();
    if (String(now) !== String(last)) { last = now; since = time; }
    const idle = window.notebook.sessionContext.session?.kernel?.status === 'idle';
    const moved = before === null || String(now) !== String(before);
    if (idle && moved && time - since > quiet) return now;
    if (time - start > patience * (idle ? 1 : 4)) return now;
  }
}"""


class Asked(Demo):
    """A prediction, the result that it is held against, or a self-test."""

    def settled(self, before: str, wanted: str | None = None) -> dict:
        """The sentences, once there has been time for them."""
        return {"said": self.said()}

    def said(self, before: list[str] | None = None) -> list[str]:
        """The sentences, other than before if there is a before."""
        return self.root.evaluate(SAID, [before, PATIENCE, 30])

    @cached_property
    def _controls(self) -> list[Control]:
        """They never change; and Chromium takes half a second for all their names."""
        return super().controls()

    def controls(self) -> list[Control]:
        """All controls, as they were at first."""
        return self._controls

    def drive(self) -> list[str]:
        """Choose all that can be chosen; return the faults."""
        self.check_formulas()
        controls = self.controls()
        if not controls:  # the result of a prediction that was made before
            told = "".join(self.said())
            if not told:
                self.fault("says nothing")
            if "No prediction was made" in told:
                self.fault("the prediction that was made above is not told")
            return self.faults
        self.check_names()
        self.check_tab()
        self.check_shortcuts()
        sliders = [control for control in controls if control.kind == "slider"]
        buttons = [control for control in controls if control.kind == "submit"]
        if not buttons:
            self.fault("has no button")
        for slider in sliders:
            for key in ("End", "Home"):
                if not self.press(slider, key):
                    self.fault(f"{slider} was not moved by the key {key}")
                self.choose(buttons[0])
        for button in buttons if not sliders else []:
            self.choose(button)
        self.check_formulas()
        return self.faults

    def choose(self, button) -> None:
        """Press a button: the answer must be said."""
        self.press(button, "Enter")
        before = self.state["said"]
        self.state["said"] = self.said(before)
        if self.state["said"] == before:
            self.fault(f"{button} changes nothing that is said")

    def check_formulas(self) -> None:
        """Formulas are typeset."""
        text = self.root.inner_text()
        if "$" in text or "\\" in text:
            self.fault(f"a formula is not typeset: {text}")
