"""Answers as learners write them, for every check: a module for each notebook.

CHECKS are all checks by name. A module holds RIGHT_ANSWERS, a list by the name of the
check, and WRONG_ANSWERS: by the name of the check, and by a phrase that the check must
say. They are written apart from those in the exercises of the rooms, with which the
checks recognise them: another notation must not make a difference.
"""

from importlib import import_module
from pkgutil import iter_modules

from pg_course.asking.check import Check
from pg_course.asking.rooms import part, rooms

CHECKS = {
    name: value
    for room in rooms()
    for name, value in vars(part(room, "exercises")).items()
    if isinstance(value, Check)
}
RIGHT_ANSWERS, WRONG_ANSWERS = {}, {}
for found in iter_modules(__path__):
    module = import_module(f"{__name__}.{found.name}")
    RIGHT_ANSWERS |= module.RIGHT_ANSWERS
    WRONG_ANSWERS |= module.WRONG_ANSWERS
