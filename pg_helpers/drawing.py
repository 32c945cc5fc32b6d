"""Draws from discrete distributions, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pg_helpers.arguments import shown


def draw_indexes(cumulative: NDArray, generator: np.random.Generator) -> NDArray:
    """Draw one index a row by inverting its cumulative distribution.

    The first entry above a uniform random number is drawn, so that an index of
    probability zero never is. Whether the numbers are sums of probabilities is not
    looked at: a step of a training run would take noticeably longer.

    Args:
        cumulative: (..., K), running sums of probabilities. The last entry need not be
            1 to the last digit: the random number is scaled to it.
        generator: gives one uniform number a row.

    Returns:
        int64 (...).

    Raises:
        TypeError: cumulative is no array of numbers, or generator is none.
        ValueError: it has no entries to draw from.
    """
    _check(cumulative)
    if not callable(getattr(generator, "random", None)):
        raise TypeError(f"generator: expected one of NumPy's, got {shown(generator)}")
    return _indexes_at(generator.random(cumulative.shape[:-1]), cumulative)


def indexes_at(uniform: NDArray, cumulative: NDArray) -> NDArray:
    """The index that each uniform random number draws from its row.

    Args:
        uniform: (...), in [0, 1).
        cumulative: (..., K), as above.

    Returns:
        int64 (...).

    Raises:
        TypeError: an argument is no array of numbers.
        ValueError: there is not one uniform number a row.
    """
    _check(cumulative)
    if not isinstance(uniform, np.ndarray) or uniform.dtype.kind != "f":
        raise TypeError(f"uniform: expected an array of floats, got {shown(uniform)}")
    if uniform.shape != cumulative.shape[:-1]:
        raise ValueError(
            f"uniform: expected shape {cumulative.shape[:-1]}, got {uniform.shape}"
        )
    return _indexes_at(uniform, cumulative)


def _indexes_at(uniform: NDArray, cumulative: NDArray) -> NDArray:
    height = uniform * cumulative[..., -1]
    return (cumulative > height[..., None]).argmax(axis=-1)


def _check(cumulative: NDArray) -> None:
    if not isinstance(cumulative, np.ndarray) or cumulative.dtype.kind not in "biuf":
        raise TypeError(f"cumulative: expected an array, got {shown(cumulative)}")
    if cumulative.ndim == 0 or cumulative.shape[-1] == 0:
        raise ValueError(
            f"cumulative: expected shape (..., K), K >= 1, got {cumulative.shape}"
        )
