"""L(theta): scalars that exist for the sake of their gradient, one equation each."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pg_helpers.arguments import NotFiniteError, check_tensor


def pseudo_loss(log_probs: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """Scalar whose gradient is minus the policy-gradient estimate, Eq. (23).

    Sums over time and divides by the number of trajectories, not of steps. Only the
    gradient has a meaning, Eq. (24); the value measures nothing.

    Args:
        log_probs: float (N, T), nats; carries the graph.
        weights: (N,) or (N, T), in units of reward; treated as constants (detached).
        mask: bool (N, T); True where a step was really taken.

    Returns:
        Scalar (); minimising it ascends J.

    Raises:
        TypeError: an argument is not a tensor of real numbers, or the mask is not bool.
        ValueError: shapes disagree, a weight or a log-probability of a taken step or
            their sum is not finite, or a row has no step.
    """
    _check_shapes(log_probs, weights, mask)
    weights = weights.detach().to(log_probs)
    if weights.ndim == 1:
        weights = weights[:, None]
    # Both, so that what stands at padded steps does not reach the backward pass either.
    padding = ~mask
    terms = weights.masked_fill(padding, 0) * log_probs.masked_fill(padding, 0)
    loss = -terms.sum(dim=1).mean(dim=0)
    if not math.isfinite(loss.item()):
        _explain_not_finite(log_probs, weights.expand_as(mask), mask)
    return loss


def _check_shapes(log_probs: Any, weights: Any, mask: Any) -> None:
    named = {"log_probs": log_probs, "weights": weights, "mask": mask}
    for name, tensor in named.items():
        check_tensor(name, tensor)
    if mask.dtype != torch.bool:
        raise TypeError(f"mask: expected bool, got {mask.dtype}")
    if not log_probs.is_floating_point():
        raise TypeError(f"log_probs: expected floats, got {log_probs.dtype}")
    if log_probs.ndim != 2 or log_probs.numel() == 0:
        raise ValueError(
            f"log_probs: expected shape (N, T), not empty, got {tuple(log_probs.shape)}"
        )
    if mask.shape != log_probs.shape:
        raise ValueError(
            f"mask: expected shape {tuple(log_probs.shape)} as log_probs, "
            f"got {tuple(mask.shape)}"
        )
    if weights.shape not in (log_probs.shape, log_probs.shape[:1]):
        raise ValueError(
            f"weights: expected shape {tuple(log_probs.shape[:1])} or "
            f"{tuple(log_probs.shape)}, got {tuple(weights.shape)}"
        )
    if not mask.sum(dim=1).all():  # at N = 1000 an eighth of the time of any()
        row = int((~mask.any(dim=1)).nonzero()[0])
        raise ValueError(
            f"mask: expected a step in every trajectory, row {row} has none"
        )


def _explain_not_finite(log_probs: Tensor, weights: Tensor, mask: Tensor) -> None:
    for name, tensor in {"log_probs": log_probs, "weights": weights}.items():
        wrong = mask & ~tensor.isfinite()
        if wrong.any():
            row, time = (int(i) for i in wrong.nonzero()[0])
            raise NotFiniteError(
                f"{name}: expected finite numbers, got {tensor[row, time].item()} at "
                f"step {time} of trajectory {row}"
            )
    raise NotFiniteError("weights * log_probs: expected a finite sum, got an overflow")
