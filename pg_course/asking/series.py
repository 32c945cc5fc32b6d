"""Predictions before a result, self-tests, and how far a learner has come."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from numbers import Integral
from typing import TypeVar

import ipywidgets

from pg_course.asking import progress
from pg_course.asking.overview import Overview, in_a_line
from pg_course.asking.question_views import AskedPrediction, Resolved, SelfTest
from pg_course.asking.questions import Prediction
from pg_course.asking.rooms import all_contents
from pg_helpers.require import check_count, require, shown

Item = TypeVar("Item")

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
    """Ask the questions at the end of a notebook, and say how much of it is done.

    The last expression of a cell.

    Args:
        number: of the notebook.

    Raises:
        ValueError: there is no such notebook.
    """
    numbers = [contents.number for contents in all_contents()]
    # An array would compare itself element by element.
    if not isinstance(number, Integral) or number not in numbers:
        raise ValueError(f"number: expected one of {numbers}, got {shown(number)}")
    place = numbers.index(number)
    contents, *later = all_contents()[place:]
    test = SelfTest(contents)
    # In the live view alone: what is stored is the same for everybody.
    line = ipywidgets.HTML(f"<p>{in_a_line(contents, later)}</p>")
    test.view.children += (line,)
    return test


def with_bar(iterable: Iterable[Item], total: int | None = None) -> Iterable[Item]:
    """Go through something slow with a progress bar, which is gone at the end.

    Where answers are not kept nobody is there to see one, and none is shown.

    Args:
        iterable: what to go through.
        total: how many there are, where the iterable itself cannot say.

    Returns:
        The same items.

    Raises:
        TypeError, ValueError: it is not iterable, or total is no such count.
    """
    loops = isinstance(iterable, Iterable)
    require(loops, "iterable", "something iterable", iterable, TypeError)
    total = None if total is None else check_count("total", total, at_least=0)
    from tqdm import tqdm  # slow to import in a notebook

    hidden = progress.path() is None
    # To stdout: JupyterLab shows stderr as a fault. No widget: a saved one is broken.
    return tqdm(iterable, total=total, file=sys.stdout, leave=False, disable=hidden)


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
