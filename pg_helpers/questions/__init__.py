"""Predictions before a result, self-tests, and how far a learner has come."""

from __future__ import annotations

from numbers import Integral

from pg_helpers import progress
from pg_helpers.arguments import shown
from pg_helpers.questions import (
    notebook_00,
    notebook_01,
    notebook_02,
    notebook_03,
    notebook_04,
    notebook_05,
    notebook_06,
    notebook_07,
    notebook_08,
    notebook_09,
    notebook_10,
    notebook_11,
    notebook_12,
)
from pg_helpers.questions.core import Contents, Prediction
from pg_helpers.questions.overview import Overview
from pg_helpers.questions.views import AskedPrediction, Resolved, SelfTest

SERIES: tuple[Contents, ...] = (
    notebook_00.CONTENTS,
    notebook_01.CONTENTS,
    notebook_02.CONTENTS,
    notebook_03.CONTENTS,
    notebook_04.CONTENTS,
    notebook_05.CONTENTS,
    notebook_06.CONTENTS,
    notebook_07.CONTENTS,
    notebook_08.CONTENTS,
    notebook_09.CONTENTS,
    notebook_10.CONTENTS,
    notebook_11.CONTENTS,
    notebook_12.CONTENTS,
)

_resolved: dict[str, Resolved] = {}


def predict(name: str) -> AskedPrediction:
    """Ask for a prediction; the last expression of a cell.

    The answer is kept (`progress`), and shown again when the cell is run again.

    Args:
        name: of a prediction of the series.

    Raises:
        ValueError: there is none of that name.
    """
    asked = _prediction(name)

    def guessed() -> None:
        if name in _resolved:
            _resolved[name].refresh()

    return AskedPrediction(asked, guessed)


def resolve(name: str, result: str | float) -> Resolved:
    """Hold a prediction against the result; the last expression of a cell.

    Args:
        name: of a prediction of the series.
        result: what was found: the letter of an option, or a number.

    Raises:
        TypeError: a number was guessed, and the result is none.
        ValueError: there is no prediction of that name, or what is said of the result
            would not be true of this one.
    """
    asked = _prediction(name)
    _resolved[name] = Resolved(asked, asked.check_result(result))
    return _resolved[name]


def self_test(number: int) -> SelfTest:
    """Ask the questions at the end of a notebook; the last expression of a cell.

    Args:
        number: of the notebook.

    Raises:
        ValueError: there is no such notebook.
    """
    numbers = [contents.number for contents in SERIES]
    # An array would compare itself element by element.
    if not isinstance(number, Integral) or number not in numbers:
        raise ValueError(f"number: expected one of {numbers}, got {shown(number)}")
    return SelfTest(SERIES[numbers.index(number)])


def show_progress() -> Overview:
    """Show what is done and what is next; the last expression of a cell."""
    return Overview(SERIES)


def forget_progress() -> None:
    """Forget all answers and passed exercises: delete the file that keeps them.

    Raises:
        OSError: the file cannot be deleted.
    """
    progress.forget()


def _prediction(name: str) -> Prediction:
    asked = {p.name: p for contents in SERIES for p in contents.predictions}
    if not isinstance(name, str) or name not in asked:
        raise ValueError(f"name: expected one of {sorted(asked)}, got {shown(name)}")
    return asked[name]
