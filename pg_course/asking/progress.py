"""What a learner has done: a plain file on their own machine, and nowhere else.

The file is progress.json in the folder where this system keeps what a user's programs
remember, or what the environment variable PG_HELPERS_PROGRESS names; where that is
empty, nothing is written at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

from filelock import FileLock
from platformdirs import user_data_path

from pg_helpers.files import replace_file
from pg_helpers.require import shown

Kind = Literal["exercises", "predictions", "questions"]
Answer = str | float | int

_APPLICATION = "policy-gradients-by-experiment"
KINDS = ("exercises", "predictions", "questions")
VARIABLE = "PG_HELPERS_PROGRESS"
# Seconds for which another kernel may hold the file; it needs some milliseconds.
_PATIENCE = 5.0
_ABOUT = "Progress through the notebooks on policy gradients. Delete it to forget."

# What could not be written lasts as long as the kernel; "said" is what was said of it.
_unwritten: dict[str, dict[str, Answer]] = {}
_said: set[str] = set()


def path() -> Path | None:
    """The file, or None where nothing is to be written."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    try:
        old = Path.home() / ".pg_helpers" / "progress.json"
    except RuntimeError:  # Nobody's machine: there is no home.
        return None
    place = user_data_path(_APPLICATION, appauthor=False) / "progress.json"
    return _moved(old, place) if old.exists() and not place.exists() else place


def answers(kind: Kind) -> dict[str, Answer]:
    """All answers of a kind: passed exercises, predictions, self-test questions.

    Returns:
        The answer to each, by name. Empty where the file is missing or cannot be read.

    Raises:
        ValueError: there is no such kind.
    """
    _check_kind(kind)
    kept, _ = _read()
    return {**kept[kind], **_unwritten.get(kind, {})}


def record(kind: Kind, name: str, answer: Answer = "right") -> str:
    """Keep an answer, in place of an earlier one.

    The file is replaced as a whole, so that it is never half-written; one that is
    damaged, or not ours, is left alone. Several kernels may keep answers at once.

    Args:
        kind: "exercises", "predictions" or "questions".
        name: of the exercise, the prediction or the question.
        answer: "right", a letter or a number.

    Returns:
        Empty, or a sentence that says why it lasts only until the kernel stops; each
        such sentence comes once.

    Raises:
        ValueError: there is no such kind.
    """
    _check_kind(kind)
    place = path()
    with _alone(place):
        kept, trouble = _read()
        if place is not None and not trouble:
            kept[kind][name] = answer
            trouble = _write(place, kept)
    if place is None or trouble:
        _unwritten.setdefault(kind, {})[name] = answer
    if not trouble or trouble in _said:
        return ""
    _said.add(trouble)
    return trouble


def forget() -> None:
    """Delete the file, and what the kernel remembers besides.

    Raises:
        OSError: the file cannot be deleted.
    """
    _unwritten.clear()
    if place := path():
        place.unlink(missing_ok=True)


def trouble() -> str:
    """A sentence that says why the file cannot be read; empty where it can."""
    return _read()[1]


def _moved(old: Path, place: Path) -> Path:
    """Move the file from where earlier versions kept it; return where it is now."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(old, place)
        old.with_name(f"{old.name}.lock").unlink(missing_ok=True)
        old.parent.rmdir()
    except OSError:  # Another kernel was faster, or nothing can be written there.
        return old if old.exists() else place
    return place


def _check_kind(kind: str) -> None:
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind: expected one of {KINDS}, got {shown(kind)}")


def _read() -> tuple[dict[str, dict[str, Answer]], str]:
    """What is in the file, of every kind, and a sentence if that cannot be known."""
    nothing: dict[str, dict[str, Answer]] = {kind: {} for kind in KINDS}
    place = path()
    if place is None:
        return nothing, ""
    try:
        everything = json.loads(place.read_text(encoding="utf-8"))
        kept = {kind: {**everything[kind]} for kind in KINDS}
        if not all(isinstance(a, Answer) for of in kept.values() for a in of.values()):
            raise TypeError
        return kept, ""
    except FileNotFoundError:
        return nothing, ""
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return nothing, (
            f"{place} is damaged, or another program's, and is left as it is. Your "
            "answers last until the kernel stops; move the file away to keep them."
        )
    except OSError as error:
        return nothing, _no_access(place, error)


@contextmanager
def _alone(place: Path | None) -> Iterator[None]:
    """Let no other kernel read and write the file meanwhile.

    Where no lock is to be had, on a file system that has none or beside a kernel that
    is stopped in the middle, the answer is kept without one: another that is kept at
    the same moment may then be lost.
    """
    with ExitStack() as held:
        if place is not None:
            with suppress(OSError, NotImplementedError):
                place.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(f"{place}.lock", timeout=_PATIENCE))
        yield


def _write(place: Path, kept: dict[str, dict[str, Answer]]) -> str:
    """Replace the file; return why it could not be done."""
    text = json.dumps({"about": _ABOUT, **kept}, indent=1) + "\n"
    beside = place.with_name(
        f"{place.name}.{os.getpid()}"
    )  # where no lock is to be had
    try:
        replace_file(place, text.encode(), beside)
    except OSError as error:
        return _no_access(place, error)
    return ""


def _no_access(place: Path, error: OSError) -> str:
    return (
        f"Your answers cannot be kept in {place} ({error.strerror}): they last until "
        "the kernel stops."
    )
