"""Checks of arguments: each names the argument, what was expected and what came.

They stand in the bodies of public functions, one line each; below the public names
nobody checks again. What foreign code returns is checked once, where it enters.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


class NotFiniteError(ValueError):
    """A number is NaN or infinite where only finite ones make sense."""


def require(
    holds: Any,
    name: str,
    expected: str,
    got: Any,
    error: type[Exception] = ValueError,
) -> None:
    """Raise `error` with "name: expected ..., got ...", unless it holds."""
    if not holds:
        raise error(f"{name}: expected {expected}, got {shown(got)}")


def shown(value: Any) -> str:
    """What came, for a message: never longer than a few lines, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # an int of 5000 digits has none
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 300 else f"{text[:300]} ..."


def check_count(
    name: str, value: Any, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return an integer in the range as an int; a bool is refused."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    require(is_whole, name, "an integer", value, TypeError)
    require(value >= at_least, name, f"at least {at_least}", value)
    if at_most is not None:
        require(value <= at_most, name, f"at most {at_most:,}", value)
    return int(value)


def check_fraction(name: str, value: Any) -> float:
    """Return a number in [0, 1] as a float."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    require(is_real, name, "a number in [0, 1]", value, TypeError)
    require(0 <= value <= 1, name, "a number in [0, 1]", value)
    return float(value)


def check_positive(name: str, value: Any) -> float:
    """Return a number above 0, in the range of floats, as one."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    require(is_real, name, "a positive number", value, TypeError)
    try:
        number = float(value)
    except OverflowError:  # 10**400
        number = math.inf
    require(0 < number < math.inf, name, "a positive number", value)
    return number


def check_tensor(name: str, value: Any) -> None:
    """Refuse anything but a tensor of real numbers."""
    require(isinstance(value, Tensor), name, "a tensor", value, TypeError)
    require(not value.is_complex(), name, "real numbers", value.dtype, TypeError)


def check_weights(weights: Any, mask: Any) -> None:
    """Refuse weights other than (N,) or (N, T), or a mask other than bool (N, T)."""
    check_tensor("weights", weights)
    check_tensor("mask", mask)
    require(mask.dtype == torch.bool, "mask", "booleans", mask.dtype, TypeError)
    full = mask.ndim == 2 and mask.numel() > 0
    require(full, "mask", "shape (N, T), not empty", tuple(mask.shape))
    N, T = mask.shape
    fits = weights.shape in ((N,), (N, T))
    require(fits, "weights", f"shape ({N},) or ({N}, {T})", tuple(weights.shape))


def finite_array(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy of an array of finite numbers."""
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever the value's own __array__ raises
        raise TypeError(f"{name}: expected an array of numbers ({error})") from error
    require(array.dtype.kind in "biuf", name, "real numbers", value, TypeError)
    with np.errstate(over="ignore"):
        array = array.astype(np.float64)  # a copy, always
    require(np.isfinite(array).all(), name, "finite numbers", value)
    return array


def check_finite(name: str, tensor: Tensor) -> None:
    """Refuse a tensor with a number that is NaN or infinite, and say which."""
    if not all_finite(tensor):
        where = [int(i) for i in (~tensor.isfinite()).nonzero()[0]]
        came = f"{tensor[*where].item()} at {where}"
        raise NotFiniteError(f"{name}: expected finite numbers, got {came}")


def all_finite(tensor: Tensor) -> bool:
    """Whether no number of a tensor is NaN or infinite.

    A finite sum has finite terms: a second look is needed only where it is not.
    """
    return math.isfinite(sum_of(tensor)) or bool(tensor.isfinite().all())


def sum_of(tensor: Tensor) -> float:
    """If finite, so is every number; 0 under torch.func.vmap, which hides them."""
    try:
        return tensor.sum().item()
    except RuntimeError:
        return 0.0
