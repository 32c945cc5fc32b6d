"""Predictions and self-tests: every option is chosen once, by keyboard."""

from demos import Control, Demo


class Asked(Demo):
    """A prediction, the result that it is compared with, or a self-test."""

    def drive(self) -> list[str]:
        """Choose all that can be chosen; return the faults."""
        self.state = self.settled()
        controls = self.controls()
        if controls:
            self.check_keys()
        elif not self.state["sentence"]:
            self.fault("says nothing")
        elif "No prediction was made" in self.state["sentence"]:
            self.fault("the prediction that was made above is not told")
        buttons = [control for control in controls if control.kind == "submit"]
        sliders = [control for control in controls if control.kind == "slider"]
        for slider in sliders:
            for key in ("End", "Home"):
                if not self.press(slider, key):
                    self.fault(f"{slider} was not moved by the key {key}")
                self.settled()  # or the button may overtake the slider
                self.choose(buttons[0])
        for button in buttons if not sliders else []:
            self.choose(button)
        text = self.root.inner_text()
        if "$" in text or "\\" in text:
            self.fault(f"a formula is not typeset: {text}")
        return self.faults

    def choose(self, button: Control) -> None:
        """Press a button: the answer must be said."""
        self.press(button, "Enter")
        before, self.state = self.state, self.settled()
        if self.state["sentence"] == before["sentence"]:
            self.fault(f"{button} changes nothing that is said")
