"""Draws from discrete distributions, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_indexes(cumulative: NDArray, generator: np.random.Generator) -> NDArray:
    """Draw one index per row by inverting its cumulative distribution.

    Args:
        cumulative: (..., K), running sums of numbers in proportion to probabilities.
        generator: gives one uniform random number per row.

    Returns:
        int64 (...); an index of probability zero is never drawn.
    """
    return indexes_at(generator.random(cumulative.shape[:-1]), cumulative)


def indexes_at(uniform: NDArray, cumulative: NDArray) -> NDArray:
    """The first index whose running sum exceeds the row's uniform number, scaled."""
    height = uniform * cumulative[..., -1]
    return (cumulative > height[..., None]).argmax(axis=-1)
