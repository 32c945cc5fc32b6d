"""L(theta): a scalar that exists only for the sake of its gradient, Eq. (23)."""

from __future__ import annotations

import math

from torch import Tensor

from pg_helpers.require import (
    NotFiniteError,
    check_finite,
    check_tensor,
    check_weights,
    require,
    sum_of,
)


def pseudo_loss(log_probs: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """Scalar whose gradient is minus the policy-gradient estimate, Eq. (23).

    Sums over time and divides by the number of trajectories, not of steps. Only the
    gradient has a meaning, Eq. (24); the value measures nothing.

    Args:
        log_probs: float (N, T), nats; carries the graph.
        weights: (N,) or (N, T), in units of reward; treated as constants (detached).
        mask: bool (N, T); True where a step was really taken.

    Returns:
        Scalar (); a step of gradient descent on it is a step of gradient ascent on J.

    Raises:
        TypeError: an argument is not a tensor of the right type.
        ValueError: shapes disagree, a row has no step, or a weight or log-probability
            of a taken step, or their sum, is not finite.
    """
    check_tensor("log_probs", log_probs)
    check_tensor("mask", mask)
    is_float = log_probs.is_floating_point()
    require(is_float, "log_probs", "floats", log_probs.dtype, TypeError)
    full = log_probs.ndim == 2 and log_probs.numel() > 0
    require(full, "log_probs", "shape (N, T), not empty", tuple(log_probs.shape))
    N, T = log_probs.shape
    require(mask.shape == (N, T), "mask", f"shape ({N}, {T})", tuple(mask.shape))
    check_weights(weights, mask)
    require(mask.any(dim=1).all(), "mask", "a step in every row", mask)

    weights = weights.detach().to(log_probs)
    if weights.ndim == 1:
        weights = weights[:, None]
    # Both factors: NaN in the padding of either would reach the gradient of the other.
    padding = ~mask
    terms = weights.masked_fill(padding, 0) * log_probs.masked_fill(padding, 0)
    loss = -terms.sum(dim=1).mean(dim=0)
    if not math.isfinite(sum_of(loss)):
        check_finite("weights", weights.expand(N, T).masked_fill(padding, 0))
        check_finite("log_probs", log_probs.masked_fill(padding, 0))
        raise NotFiniteError("weights * log_probs: expected a finite sum")
    return loss
