"""Predictions before a result, self-tests, and how far a learner has come."""

from __future__ import annotations

from numbers import Integral

from pg_course.asking import progress
from pg_course.asking.overview import Overview
from pg_course.asking.question_views import AskedPrediction, Resolved, SelfTest
from pg_course.asking.questions import Prediction
from pg_course.asking.rooms import all_contents
from pg_helpers.require import shown

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
    numbers = [contents.number for contents in all_contents()]
    # An array would compare itself element by element.
    if not isinstance(number, Integral) or number not in numbers:
        raise ValueError(f"number: expected one of {numbers}, got {shown(number)}")
    return SelfTest(all_contents()[numbers.index(number)])


def show_progress() -> Overview:
    """Show what is done and what is next; the last expression of a cell."""
    return Overview(all_contents())


def forget_progress() -> None:
    """Forget all answers and passed exercises: delete the file that keeps them.

    Raises:
        OSError: the file cannot be deleted.
    """
    progress.forget()


def _prediction(name: str) -> Prediction:
    asked = {p.name: p for contents in all_contents() for p in contents.predictions}
    if not isinstance(name, str) or name not in asked:
        raise ValueError(f"name: expected one of {sorted(asked)}, got {shown(name)}")
    return asked[name]
