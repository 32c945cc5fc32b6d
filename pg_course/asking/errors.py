"""What an exception in a learner's function means, in words."""

from __future__ import annotations

import dis
import re
from types import CodeType, EllipsisType, FunctionType, NoneType, TracebackType
from typing import Any

_MAX_LENGTH = 200
# Load a constant and return it, in the words of Python 3.11 and later.
_STEPS_OF_A_STUB = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")

# A piece of an error's text, and what most often lies behind it.
_HINTS = {
    "must match the size of tensor": (
        "PyTorch lines up the last axes: a vector of the shape (N,) does not pair up "
        "with the rows of a table of the shape (N, M)."
    ),
    "could not be broadcast": (
        "NumPy lines up the last axes: a vector of the shape (N,) does not pair up "
        "with the rows of a table of the shape (N, M)."
    ),
    "a leaf Variable that requires grad": (
        "PyTorch tried to record your change of a parameter as a part of the "
        "computation that is differentiated. The step is not a part of it: there is "
        "a way to tell PyTorch not to record."
    ),
    "does not require grad": (
        "What was to be differentiated does not depend on any parameter: was the "
        "graph cut on the way, by detach, by item or by NumPy?"
    ),
    "backward through the graph a second time": (
        "A graph can be walked back once only. Is backward called twice on one loss?"
    ),
    "that requires grad. Use": (
        "NumPy cannot follow a graph. Stay with tensors wherever a gradient is needed."
    ),
    "NoneType": (
        "A None stands where a number was expected: a gradient that nothing has "
        "computed yet, or the result of a function without a return?"
    ),
    "could not infer output dtype": (
        "True and False have no mean in PyTorch: turn them into numbers, or count them."
    ),
    "recursion depth": "Your function calls itself without an end.",
}


def describe(error: BaseException, function: Any) -> str:
    """Say which exception it was, in which line of the function, and what it means.

    Args:
        error: what the function raised. Nothing in it is trusted: its text may be huge,
            its type may lie, and asking for either may raise.
        function: the function that raised it.

    Returns:
        One or two sentences; the same for the same function, so without addresses.
    """
    text = plain_text(error)
    said = f"{type_name(error)}: {text}" if text else type_name(error)
    place = _line(error.__traceback__, _code(function))
    where = f" in its line {place}" if place else ""
    hints = [hint for piece, hint in _HINTS.items() if piece in text]
    return " ".join([f"your function raised an exception{where} ({said}).", *hints[:1]])


def type_name(value: Any) -> str:
    """Name of a value's type, even where the type hides it."""
    name = type.__dict__["__name__"].__get__(type(value))
    return f"{name} "[:60].strip()


def plain_text(value: Any) -> str:
    """A short str of one line without addresses, whatever str(value) does."""
    try:
        # With the space it is a new string, not an instance of a subclass of str.
        text = f"{value!s} "[: 10 * _MAX_LENGTH]
    except BaseException:
        return ""
    text = " ".join(_ADDRESS.sub("0x...", text).split())
    # Among what cannot be printed are single surrogates, on which print would fail.
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]} ..."


def is_stub(function: Any) -> bool:
    """Whether the body is only a docstring and `...`, `pass` or `return None`."""
    code = _code(function)
    if code is None:
        return False
    steps = {step.opname for step in dis.get_instructions(code)}
    constants = all(type(c) in (str, EllipsisType, NoneType) for c in code.co_consts)
    return constants and steps <= _STEPS_OF_A_STUB


def _code(function: Any) -> CodeType | None:
    return function.__code__ if type(function) is FunctionType else None


def _line(traceback: TracebackType | None, code: CodeType | None) -> int | None:
    """Line of the function, counted from its def, in which the exception passed."""
    line = None
    while traceback is not None:
        if code is not None and traceback.tb_frame.f_code is code:
            line = traceback.tb_lineno - code.co_firstlineno + 1
        traceback = traceback.tb_next
    return line
