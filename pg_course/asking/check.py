"""How a learner's function is judged: not by yes or no, but by the likely mistake.

A check tries the function on a few small cases and holds what it sees against the right
answer. Where they differ, it tries the wrong answers that people give on the same
cases: the one that does what the learner's function does names the mistake. Where none
does, the check says in words and numbers what was expected.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from torch import Tensor

from pg_course.asking import progress
from pg_course.asking.errors import is_stub
from pg_course.asking.observers import (
    Case,
    NotRightError,
    NotYetError,
    Observer,
    Seen,
    changed_in_place,
    returned,
)
from pg_course.asking.time_limit import TIME_LIMIT, OutOfTimeError, run_bounded

State = Literal["not yet", "not right", "right"]

# What draws a sign and a bar beside the text in JupyterLab. The text says the same, so
# nothing is read to anybody. Both colours show on white and on black, and differ for
# the colour-blind too.
_SIGNS = {
    state: f"""<style>
.jp-OutputArea:has(.{name}) pre {{
  border-left: 4px solid {color}; padding-left: 12px;
}}
.jp-OutputArea:has(.{name}) pre::before {{
  content: "{sign} " / ""; color: {color}; font-size: 1.5em; font-weight: bold;
}}
</style><div class="{name}"></div>"""
    for state, name, sign, color in (
        ("right", "pg-right", "✓", "#009e73"),
        ("not right", "pg-not-right", "✗", "#d55e00"),
    )
}
_WIDTH = 80
_MAX_SHOWN = 6
_NOT_FINITE = "is not made of finite numbers."


class Mistake:
    """A wrong answer that people give, and what helps someone who gave it.

    Args:
        message: completes "Not right: ". It names the mistake, never the code that
            would mend it.
        *wrong: functions that make the mistake, each in its way.
    """

    def __init__(self, message: str, *wrong: Callable[..., Any]) -> None:
        self.message, self.wrong = message, wrong


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        state: "not yet", "not right" or "right".
        text: what was printed, wrapped.
    """

    state: State
    text: str = field(repr=False)

    def _ipython_display_(self) -> None:
        """Show nothing at the end of a cell: the text has been printed."""


@dataclass(frozen=True, repr=False)
class Check:
    """A check of one exercise: call it with the learner's function.

    Attributes:
        name: of the exercise; the learner's function is called my_<name>.
        right: a right answer.
        cases: what the function is tried on, the smallest first. The right answer and
            all wrong ones must differ on them: tests/pg_course/test_exercises.py.
        mistakes: the wrong answers that are recognised.
        expected: what the function has to do, in a sentence with the shape.
        where: where to look: the equation, and the section by its heading.
        shows: completes "Right: ".
        observe: what is looked at; the result by default.
        prepare: called with the learner's function before the clock starts.
    """

    name: str
    right: Callable[..., Any]
    cases: Sequence[Case]
    mistakes: Sequence[Mistake]
    expected: str
    where: str
    shows: str
    observe: Observer = returned
    prepare: Callable[[Any], object] = lambda answer: None

    def __call__(self, answer: Any = None) -> Outcome:
        """Judge a function, and print what was found.

        Args:
            answer: the learner's function; anything else is answered by a text too.

        Returns:
            The outcome, which a cell does not show a second time.
        """
        state, printed, paragraphs = self._judge(answer)
        paragraphs[0] = f"{state.capitalize()}: {paragraphs[0]}"
        outcome = Outcome(state, "\n".join(map(_wrapped, paragraphs)))
        if printed:
            print(printed.removesuffix("\n"))
        print(outcome.text)
        if state in _SIGNS and InteractiveShell.initialized():
            display({"text/html": _SIGNS[state], "text/plain": ""}, raw=True)
        if state == "right" and (trouble := progress.record("exercises", self.name)):
            print(_wrapped(trouble))
        return outcome

    def __repr__(self) -> str:
        """Its name, without an address."""
        return f"<check of my_{self.name}>"

    def observe_all(self, function: Callable[..., Any]) -> list[Seen]:
        """What a function does on each case.

        Args:
            function: one that can be trusted to come back.

        Returns:
            In the order of the cases.

        Raises:
            NotYetError: the function says so.
            NotRightError: it cannot be compared.
        """
        # A caller may have switched gradients off.
        with torch.inference_mode(False), torch.enable_grad():
            return [self.observe(function, case) for case in self.cases]

    def _judge(self, answer: Any) -> tuple[State, str, list[str]]:
        """The state, what the function printed, and the paragraphs of the text."""
        if answer is None or answer is ... or is_stub(answer):
            return "not yet", "", [self._to_do()]
        self.prepare(answer)
        where = f"Where to look: {self.where}"
        try:
            tried, printed = run_bounded(lambda: self._try(answer), TIME_LIMIT)
        except OutOfTimeError as error:
            said = (
                f"my_{self.name} did not come back within {TIME_LIMIT} seconds, on an "
                "input of a few numbers. Is there a loop that does not end?"
            )
            if not error.stopped:
                said += (
                    " It could not be stopped and may still be running: restart the "
                    "kernel before you go on."
                )
            return "not right", "", [said, where]
        except RuntimeError:
            said = (
                "what your function returned, or left behind, could not be looked at. "
                "Was something replaced or deleted that others still need?"
            )
            return "not right", "", [said, where]
        if isinstance(tried, list):
            wrong = self._difference(tried)
            if not wrong:
                return "right", printed, [self.shows]
            return "not right", printed, [*wrong, where]
        state, message = tried
        if state == "not yet":
            return state, printed, [message or self._to_do()]
        return state, printed, [message, where]

    def _to_do(self) -> str:
        return (
            f"write my_{self.name} in the cell above, run that cell, and then this one "
            "again."
        )

    def _try(self, answer: Any) -> list[Seen] | tuple[State, str]:
        """What the function does on every case, or why that cannot be said.

        Runs where it is bounded in time. All that leaves is plain text and tensors: an
        exception would carry the learner's objects with it.
        """
        try:
            if not callable(answer):
                raise NotRightError(
                    "a check is given the function itself, by its name and without "
                    f"parentheses after it: exercises.{self.name}(my_{self.name})."
                )
            return self.observe_all(answer)
        except NotYetError as error:
            return "not yet", str(error)
        except NotRightError as error:
            return "not right", str(error)

    def _difference(self, tried: list[Seen]) -> list[str]:
        """What is wrong, in paragraphs; empty where nothing is."""
        expected = self.observe_all(self.right)
        differing = _differing(tried, expected)
        if not differing:
            changed = next((seen.changed for seen in tried if seen.changed), "")
            if not changed:
                return []
            return [f"the numbers are right, but {changed_in_place(changed)}"]
        numbers = _first_difference(tried, expected, self.cases)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a slip does, the learner did not
            for mistake in self.mistakes:
                for wrong in mistake.wrong:
                    if not _differing(tried, self.observe_all(wrong)):
                        return [mistake.message, numbers]
        if numbers.endswith(_NOT_FINITE):
            numbers += (
                " Was something divided by zero, or the logarithm of zero or of a "
                "negative number taken?"
            )
        said = "this is none of the usual slips."
        if "the gradient" in tried[0].values and differing == {"the result"}:
            said = "the gradient is right, but the value is not the one asked for."
        return [f"{said} {self.expected}", numbers]


def _differing(these: list[Seen], those: list[Seen]) -> set[str]:
    return {
        name
        for this, that in zip(these, those, strict=True)
        for name, value in this.values.items()
        if not _same(value, that.values[name])
    }


def _same(this: Tensor, that: Tensor) -> bool:
    this = _fitted(this, that)
    # Wide enough for float32, and far below the difference that any mistake makes.
    return this.shape == that.shape and torch.allclose(
        this, that, rtol=1e-4, atol=1e-6, equal_nan=True
    )


def _fitted(this: Tensor, that: Tensor) -> Tensor:
    """A single number, whatever its shape, in the shape () of another."""
    return this.reshape(()) if that.ndim == 0 and this.numel() == 1 else this


def _first_difference(
    tried: list[Seen], expected: list[Seen], cases: Sequence[Case]
) -> str:
    """A sentence on the first case in which the function is not right."""
    for seen, case in zip(tried, cases, strict=True):
        for name, got in seen.values.items():
            if not got.isfinite().all():
                return f"For {case.words} {name} {_NOT_FINITE}"
    for seen, right, case in zip(tried, expected, cases, strict=True):
        for name, got in seen.values.items():
            wanted = right.values[name]
            if not _same(got, wanted):
                return f"For {case.words} {name} {_in_words(wanted, got)}"
    raise AssertionError("there is a difference")


def _in_words(wanted: Tensor, got: Tensor) -> str:
    got = _fitted(got, wanted)
    if got.shape != wanted.shape:
        shapes = tuple(wanted.shape), tuple(got.shape)
        return f"should have the shape {shapes[0]}; yours has {shapes[1]}."
    place = ""
    factor = float((wanted * got).sum() / (wanted * wanted).sum())
    is_multiple = wanted.numel() > 1 and factor and _same(got, factor * wanted)
    all_over = f", {factor:.3g} times that in every entry" if is_multiple else ""
    if wanted.numel() > _MAX_SHOWN:
        largest = int((wanted - got).abs().argmax())
        index = [int(i) for i in np.unravel_index(largest, wanted.shape)]
        place = f" at {index}"
        wanted, got = wanted.flatten()[largest], got.flatten()[largest]
    for digits in range(4, 12):
        if _shown(wanted, digits) != _shown(got, digits):
            break
    return (
        f"should be {_shown(wanted, digits)}{place}; yours is {_shown(got, digits)}"
        f"{all_over}."
    )


def _shown(values: Tensor, digits: int) -> str:
    # Adding zero turns -0 into 0.
    numbers = [f"{x:.{digits}g}" for x in (values.flatten() + 0.0).tolist()]
    return numbers[0] if values.ndim == 0 else f"[{', '.join(numbers)}]"


def _wrapped(paragraph: str) -> str:
    # A no-break space where a line must not end: in "Eq. (6)", lists and shapes.
    kept = re.sub(
        r"(?<=Eq\.) |(?<=Exercise) |(?<=,) (?=[^([]*[])])", "\u00a0", paragraph
    )
    return textwrap.fill(kept, _WIDTH, break_long_words=False).replace("\u00a0", " ")
