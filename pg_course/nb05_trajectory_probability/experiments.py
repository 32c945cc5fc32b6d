"""Whether trajectories are as frequent as their probabilities say."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike

from pg_helpers.require import finite_array


def chi_square(counts: ArrayLike, probabilities: ArrayLike) -> tuple[float, int, float]:
    """Pearson's test: could these counts have been drawn with these probabilities?

    Args:
        counts: (K,), how often each outcome was seen, N in all.
        probabilities: (K,), what is to be tested, sum 1.

    Returns:
        The sum of (count - N p)^2 / (N p); its degrees of freedom, K - 1; and the
        probability that chance alone makes the sum at least as large.

    Raises:
        TypeError: an argument is not made of numbers.
        ValueError: shapes disagree, the probabilities do not sum to 1, or an expected
            count is below 5, where the test is not to be trusted.
    """
    seen = finite_array("counts", counts)
    p = finite_array("probabilities", probabilities)
    if seen.ndim != 1 or seen.shape != p.shape or seen.size < 2:
        raise ValueError(
            f"counts: expected shape (K,) as probabilities, K at least 2, got "
            f"{seen.shape} and {p.shape}"
        )
    if abs(p.sum() - 1) > 1e-6:
        raise ValueError(f"probabilities: expected a sum of 1, got {p.sum():.6g}")
    expected = seen.sum() * p
    if expected.min() < 5:
        raise ValueError(
            "counts: expected enough for each expected count to be at least 5, got "
            f"{expected.min():.3g}"
        )
    statistic = float(((seen - expected) ** 2 / expected).sum())
    freedom = len(seen) - 1
    halves = torch.tensor([freedom / 2, statistic / 2], dtype=torch.float64)
    return statistic, freedom, float(torch.special.gammaincc(halves[0], halves[1]))
