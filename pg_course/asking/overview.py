"""What is done, and what is next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pg_course.asking import progress
from pg_course.asking.question_views import answered, guess_of
from pg_course.asking.questions import Contents


@dataclass(frozen=True)
class Done:
    """How much of a notebook is done: (done, of how many) for each kind."""

    contents: Contents
    predictions: tuple[int, int]
    exercises: tuple[int, int]
    self_test: tuple[int, int]

    @property
    def begun(self) -> bool:
        """Whether anything is done."""
        return any(done for done, _ in self._counts)

    @property
    def finished(self) -> bool:
        """Whether everything is."""
        return all(done == number for done, number in self._counts)

    @property
    def _counts(self) -> tuple[tuple[int, int], ...]:
        return self.predictions, self.exercises, self.self_test

    def row(self) -> str:
        """A line of the table."""
        cells = [
            f"{done} of {number}" if number else "–" for done, number in self._counts
        ]
        state = "done" if self.finished else "begun" if self.begun else ""
        return f"| {link(self.contents)} | {' | '.join(cells)} | {state} |"


class Overview:
    """A table of the series, shown as Markdown.

    Args:
        series: what there is to do, notebook by notebook.
    """

    def __init__(self, series: Sequence[Contents]) -> None:
        self._rows = [done_of(contents) for contents in series]

    def __repr__(self) -> str:
        """What is next, in a line."""
        return self._next()

    def _repr_markdown_(self) -> str:
        """The table, what is next, and where it is kept."""
        head = (
            "| notebook | predictions made | exercises right "
            "| self-test right | state |\n"
            "|---|---|---|---|---|\n"
        )
        table = head + "\n".join(row.row() for row in self._rows)
        return "\n\n".join([table, f"**{self._next()}**", *_where()])

    def _next(self) -> str:
        """The first unfinished one from the last that was begun; else the first."""
        begun = [place for place, row in enumerate(self._rows) if row.begun]
        later = self._rows[begun[-1] if begun else 0 :]
        for row in [*later, *self._rows]:
            if not row.finished:
                return f"Next: {link(row.contents)}"
        return "All is done."


def done_of(contents: Contents) -> Done:
    """Count what is done of a notebook."""
    passed = progress.answers("exercises")
    exercises = sum(name in passed for name in contents.exercises)
    guesses = sum(bool(guess_of(asked)) for asked in contents.predictions)
    right = sum(answered(asked) == asked.right for asked in contents.self_test)
    return Done(
        contents,
        (guesses, len(contents.predictions)),
        (exercises, len(contents.exercises)),
        (right, len(contents.self_test)),
    )


def in_a_line(contents: Contents, later: Sequence[Contents]) -> str:
    """Say how much of a notebook is done, and which one is next.

    Args:
        contents: of the notebook.
        later: the notebooks behind it, in order.
    """
    done = done_of(contents)
    (guessed, predictions), (right, exercises) = done.predictions, done.exercises
    said = (
        f"{guessed} of {predictions} predictions and {right} of {exercises} exercises "
        "done"
    )
    if not later:
        return f"{said}; this is the last notebook."
    return f"{said}; next: {later[0].number:02} {later[0].title}."


def link(contents: Contents) -> str:
    """A link to a notebook, in Markdown."""
    return f"[{contents.number} · {contents.title}]({contents.file}.ipynb)"


def _where() -> list[str]:
    """Where the answers are kept, or why not; nothing where they are not to be."""
    place = progress.path()
    if trouble := progress.trouble():
        return [trouble]
    if place is None:
        return []
    if "BINDER_SERVICE_HOST" in os.environ:
        return ["Your answers are kept until this Binder machine stops."]
    return [f"Your answers are kept in `{place}`, on this machine alone."]
