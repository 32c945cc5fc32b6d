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


def draw_entries(
    cumulative: NDArray, first: NDArray, number: NDArray, generator: np.random.Generator
) -> NDArray:
    """Draw one entry from each of several stretches of a list, as `draw_indexes`.

    Args:
        cumulative: (M,), running sums, begun anew in each stretch.
        first: int64 (n,), where the stretches begin.
        number: int64 (n,), how many entries they have.
        generator: gives one uniform random number per stretch.

    Returns:
        int64 (n,), numbers of entries; without meaning where a stretch is empty.
    """
    low, high = first, first + number - 1
    height = generator.random(first.shape) * cumulative[high]
    for _ in range(int(number.max()).bit_length()):
        middle = (low + high) // 2
        is_above = cumulative[middle] > height
        low = np.where(is_above, low, middle + 1)
        high = np.where(is_above, middle, high)
    return high


def running_sums(values: NDArray, number: NDArray) -> NDArray:
    """Running sums of a list (M,), begun anew after each `number` of entries."""
    sums, first = values.copy(), np.cumsum(number) - number
    for rank in range(1, int(number.max())):
        first, number = first[number > rank], number[number > rank]
        sums[first + rank] += sums[first + rank - 1]
    return sums
