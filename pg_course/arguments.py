"""Checks of arguments that only pages need, beside those of `pg_helpers.require`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pg_helpers.require import finite_array, shown


def as_float(value: Any) -> float:
    """The float of a real number; infinity for one that has none, such as 10**400."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def check_number(name: str, value: Any) -> float:
    """Return `value`, also one in an array without axes, as a float.

    Raises:
        TypeError: the value is not a real number.
        ValueError: it is NaN or infinite, or more than one number.
    """
    number = finite_array(name, value)
    if number.ndim:
        raise ValueError(f"{name}: expected one number, got shape {number.shape}")
    return float(number)


def check_choice(name: str, value: Any, choices: Sequence[str | None]) -> None:
    """Say which words were expected, if `value` is none of them.

    Raises:
        ValueError: it is none of the choices.
    """
    # An array would compare itself element by element.
    if not isinstance(value, str | None) or value not in choices:
        words = " or ".join(map(repr, choices))
        raise ValueError(f"{name}: expected {words}, got {shown(value)}")


def iterated(name: str, value: Any) -> Iterator[Any]:
    """Return what goes through `value` one by one, or say that it cannot be done.

    Raises:
        TypeError: there is nothing to go through, or it is an array, a tensor or a
            text: an array may have no axes, and none of them holds things of ours.
    """
    lists = isinstance(value, Iterable)
    if not lists or isinstance(value, str | bytes | np.ndarray | Tensor):
        raise TypeError(f"{name}: expected several, in a list, got {shown(value)}")
    return iter(value)


def check_text(name: str, value: Any) -> None:
    """Say that a text was expected.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {shown(value)}")


def check_texts(name: str, value: Any, number: int | None = None) -> list[str]:
    """Return texts as a list, or say that so many were expected.

    Args:
        name: of the argument.
        value: a list, a tuple or the like; one text is none.
        number: how many; any number by default.

    Raises:
        TypeError: it is no list, or something in it is no text.
        ValueError: there are more or fewer.
    """
    texts = list(iterated(name, value))
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name}: expected texts, got {shown(text)}")
    if number is not None and len(texts) != number:
        raise ValueError(f"{name}: expected {number} texts, got {shown(texts)}")
    return texts


def check_named(name: str, value: Any, may_be_empty: bool = False) -> None:
    """Say that a dict with texts for names was expected, and at least one.

    Raises:
        TypeError: it is no mapping, or a name in it is no text.
        ValueError: it is empty, and may not be.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: expected a dict by name, got {shown(value)}")
    if not check_texts(name, value) and not may_be_empty:
        raise ValueError(f"{name}: expected at least one, got none")


def shaped_array(
    name: str, value: ArrayLike, *shape: int | None
) -> NDArray[np.float64]:
    """Return a float64 copy of `value`, or say what shape was expected.

    Args:
        name: of the argument.
        value: real numbers.
        shape: length of each axis, None for any.

    Raises:
        TypeError: the value is not an array of real numbers.
        ValueError: it is of another shape, or a number is NaN or infinite.
    """
    array = finite_array(name, value)
    lengths = zip(shape, array.shape, strict=False)
    if array.ndim != len(shape) or any(n not in (None, m) for n, m in lengths):
        wanted = str(shape).replace("None", "n")
        raise ValueError(f"{name}: expected shape {wanted}, got {array.shape}")
    return array
