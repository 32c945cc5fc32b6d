"""Actions drawn from probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_helpers.require import finite_array


def drawn(probabilities: ArrayLike, uniform: ArrayLike) -> NDArray[np.int64]:
    """Turn numbers that are uniform in [0, 1) into actions of a policy.

    Args:
        probabilities: (A,), which sum to 1.
        uniform: (n,), each in [0, 1).

    Returns:
        (n,), from 0 to A - 1: the action in whose share of [0, 1) the number lies.

    Raises:
        TypeError: an argument is not numbers.
        ValueError: the probabilities are negative or do not sum to 1, or a number is
            outside [0, 1).
    """
    edges = check_probabilities(probabilities).cumsum()[:-1]
    numbers = finite_array("uniform", uniform)
    if numbers.ndim != 1 or (numbers < 0).any() or (numbers >= 1).any():
        raise ValueError("uniform: expected shape (n,), every number in [0, 1)")
    return np.searchsorted(edges, numbers, side="right")


def check_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return probabilities (A,) that sum to 1, or refuse them."""
    array = finite_array("probabilities", probabilities)
    if array.ndim != 1 or (array < 0).any() or abs(array.sum() - 1) > 1e-6:
        raise ValueError(
            f"probabilities: expected shape (A,), none negative and a sum of 1, "
            f"got {array}"
        )
    return array
