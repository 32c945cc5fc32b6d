"""Draws from discrete distributions, many at once.

Arguments are not looked at: a run draws at each step, and who calls has checked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_indexes(cumulative: NDArray, generator: np.random.Generator) -> NDArray:
    """Draw one index a row by inverting its cumulative distribution.

    The first entry above a uniform random number is drawn, so that an index of
    probability zero never is.

    Args:
        cumulative: (..., K), running sums of probabilities. The last entry need not be
            1 to the last digit: the random number is scaled to it.
        generator: gives one uniform number a row.

    Returns:
        int64 (...).
    """
    return indexes_at(generator.random(cumulative.shape[:-1]), cumulative)


def indexes_at(uniform: NDArray, cumulative: NDArray) -> NDArray:
    """The index that each uniform random number draws from its row.

    Args:
        uniform: (...), in [0, 1).
        cumulative: (..., K), as above.

    Returns:
        int64 (...).
    """
    height = uniform * cumulative[..., -1]
    return (cumulative > height[..., None]).argmax(axis=-1)
