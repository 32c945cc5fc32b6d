"""Checks of arguments: each names the argument, what was expected and what came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

_REAL_TYPES = {
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
}


class NotFiniteError(ValueError):
    """A number is NaN or infinite where only finite ones make sense."""


def shown(value: Any) -> str:
    """What came, for a message: never longer than a few lines, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # an int of 5000 digits has none
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 300 else f"{text[:300]} ..."


def check_count(
    name: str, value: int, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return `value` as an int, or say what integers were expected.

    Raises:
        TypeError: the value is not an integer (a bool is none).
        ValueError: it is below `at_least` or above `at_most`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected an integer, got {shown(value)}")
    if value < at_least:
        raise ValueError(f"{name}: expected at least {at_least}, got {shown(value)}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name}: expected at most {at_most:,}, got {shown(value)}")
    return int(value)


def check_fraction(name: str, value: float) -> float:
    """Return `value` as a float, or say that a number in [0, 1] was expected.

    Raises:
        TypeError: the value is not a real number.
        ValueError: it is outside [0, 1] or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number in [0, 1], got {shown(value)}")
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: expected a number in [0, 1], got {shown(value)}")
    return float(value)


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float, or say that a positive number was expected.

    Raises:
        TypeError: the value is not a real number.
        ValueError: it is not above zero, not finite, or too large or small for a float.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a positive number, got {shown(value)}")
    number = as_float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: expected a positive number, got {shown(value)}")
    return number


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


def check_tensor(name: str, value: Any) -> None:
    """Say that a tensor was expected whose numbers are real and can be read.

    Raises:
        TypeError: it is no tensor, its numbers are complex or of a rare type, it is
            sparse or nested, or it has none (device "meta").
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(value).__name__}")
    plain = value.layout == torch.strided and not (value.is_meta or value.is_nested)
    if not plain or value.dtype not in _REAL_TYPES:
        raise TypeError(
            f"{name}: expected a dense tensor of real numbers, got {value.dtype}, "
            f"{value.layout}, on device {value.device}"
        )


def finite_array(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy of `value`, or say which number is not finite.

    Raises:
        TypeError: the value is not an array of real numbers, or hides some (a masked
            array).
        ValueError: a number is NaN or infinite, in float64.
    """
    refuse_masked(name, value)
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever the value's own __array__ raises
        raise TypeError(f"{name}: expected an array of numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected real numbers, got {shown(value)}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float64)  # a copy, always
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {array[where]} at {list(where)}"
        )
    return array


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


def refuse_masked(name: str, value: Any) -> None:
    """Refuse a masked array: others would read what it hides.

    Raises:
        TypeError: it is a masked array.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected an array of numbers, got a masked one, "
            "whose hidden numbers nobody would skip"
        )


def all_finite(tensor: Any) -> bool:
    """Whether no number of a tensor is NaN or infinite.

    A finite sum has finite terms, so that a second look is needed only where it is not:
    a quarter of the time.
    """
    return math.isfinite(tensor.sum().item()) or bool(tensor.isfinite().all())


def first_not_finite(tensor: Tensor) -> str:
    """The first number of a tensor that is NaN or infinite, and where it stands."""
    where = [int(i) for i in (~tensor.isfinite()).nonzero()[0]]
    return f"{tensor[*where].item()} at {where}"
