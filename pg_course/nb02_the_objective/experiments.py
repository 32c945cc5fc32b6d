"""A straight line through the errors of estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pg_course.arguments import shaped_array


def fit_line(
    x: ArrayLike | Tensor, y: ArrayLike | Tensor, standard_errors: ArrayLike | Tensor
) -> tuple[float, float, float]:
    """Fit a straight line by least squares through independent points.

    Args:
        x: (n,), at least two different ones.
        y: (n,).
        standard_errors: (n,), of y; they do not weigh the points.

    Returns:
        Slope, its standard error, and the height at x = 0.

    Raises:
        TypeError: the numbers are not numbers.
        ValueError: they are not finite or not of one shape (n,), or all x are equal.
    """
    places = column("x", x)
    if not places.size or np.ptp(places) == 0:
        raise ValueError("x: expected two different numbers at least")
    heights = column("y", y, len(places))
    spread = column("standard_errors", standard_errors, len(places))
    # The slope is a weighted sum of the heights, so their errors add in quadrature.
    weights = (places - places.mean()) / np.square(places - places.mean()).sum()
    slope = float(weights @ heights)
    error = float(np.sqrt(np.square(weights * spread).sum()))
    return slope, error, float(heights.mean() - slope * places.mean())


def column(
    name: str, values: ArrayLike | Tensor, count: int | None = None
) -> NDArray[np.float64]:
    """Numbers on one axis, as many as asked for."""
    given = values.detach().numpy() if isinstance(values, Tensor) else values
    return shaped_array(name, given, count)
