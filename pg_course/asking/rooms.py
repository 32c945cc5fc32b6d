"""The rooms of the series: a folder nbNN_topic for each notebook, found by its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from pg_course.asking.questions import Contents

_FOLDER = Path(__file__).parents[1]


def rooms() -> list[str]:
    """Names of the rooms, in the order of the notebooks."""
    return sorted(path.name for path in _FOLDER.glob("nb[0-9][0-9]_*"))


def part(room: str, name: str) -> ModuleType:
    """Import a module of a room.

    Args:
        room: its name, nbNN_topic.
        name: figures, experiments, exercises, questions or solutions.
    """
    return import_module(f"pg_course.{room}.{name}")


@cache
def all_contents() -> tuple[Contents, ...]:
    """What there is to do in each notebook, in order."""
    return tuple(part(room, "questions").CONTENTS for room in rooms())
