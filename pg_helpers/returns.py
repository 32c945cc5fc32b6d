"""R(tau): what a trajectory is worth, and what remains to be gained from each step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pg_helpers.arguments import (
    NotFiniteError,
    all_finite,
    check_fraction,
    check_tensor,
    first_not_finite,
    refuse_masked,
)


def total_return(rewards: Tensor | ArrayLike, gamma: float) -> Tensor:
    """R(tau), the sum over t of gamma^t r_t, Eq. (6).

    Args:
        rewards: (N, T), or (..., T) with any leading axes; zero where padded.
        gamma: discount, in [0, 1].

    Returns:
        (N,), in units of reward; one number a trajectory.

    Raises:
        TypeError: rewards are not numbers, or gamma is not one.
        ValueError: a reward or a sum of them is not finite, there is no time axis, or
            gamma is outside [0, 1].
    """
    rewards, gamma = _checked(rewards, gamma)
    time = torch.arange(rewards.shape[-1]).to(rewards)
    return _finite((gamma**time * rewards).sum(-1), rewards)


def rewards_to_go(rewards: Tensor | ArrayLike, gamma: float) -> Tensor:
    """The discounted sum of rewards from each step onward, seen from that step.

    Entry t is the sum over k >= t of gamma^(k - t) r_k: the discount restarts at t. The
    sum is built by doubling: each pass adds what lies `shift` steps ahead to what has
    been gathered so far, so that log2(T) passes count every future reward.

    Args:
        rewards: (N, T), or (..., T) with any leading axes; zero where padded.
        gamma: discount, in [0, 1].

    Returns:
        (N, T), in units of reward; zero where padded.

    Raises:
        TypeError: rewards are not numbers, or gamma is not one.
        ValueError: a reward or a sum of them is not finite, there is no time axis, or
            gamma is outside [0, 1].
    """
    rewards, gamma = _checked(rewards, gamma)
    gathered, shift = rewards.clone(), 1
    while shift < rewards.shape[-1]:
        ahead = torch.nn.functional.pad(gathered[..., shift:], (0, shift))
        gathered = gathered + gamma**shift * ahead
        shift *= 2
    return _finite(gathered, rewards)


def subtract_batch_mean(weights: Tensor, mask: Tensor) -> Tensor:
    """Weights minus their mean over trajectories: a baseline that needs no learning.

    For weights (N, T) there is a mean for each step, over the trajectories that take
    it. As the mean is made from the batch itself it is not quite free: it shrinks the
    expected gradient, by the factor 1 - 1/N for weights (N,).

    Args:
        weights: (N,) or (N, T), in units of reward.
        mask: bool (N, T), True where a step was taken.

    Returns:
        Of the shape of weights; 0 at padded steps.

    Raises:
        TypeError: weights are no tensor of floats, or the mask is none of booleans.
        ValueError: the mask is not of shape (N, T), weights are of neither shape, or a
            weight of a taken step, or a sum of them, is not finite.
    """
    check_tensor("weights", weights)
    check_tensor("mask", mask)
    if mask.dtype != torch.bool or not weights.is_floating_point():
        name, kind, came = "mask", "booleans", mask.dtype
        if mask.dtype == torch.bool:
            name, kind, came = "weights", "floats", weights.dtype
        raise TypeError(f"{name}: expected {kind}, got {came}")
    if mask.ndim != 2 or mask.numel() == 0:
        raise ValueError(
            f"mask: expected shape (N, T), not empty, got {tuple(mask.shape)}"
        )
    if weights.shape not in (mask.shape, mask.shape[:1]):
        raise ValueError(
            f"weights: expected shape {tuple(mask.shape[:1])} or {tuple(mask.shape)}, "
            f"got {tuple(weights.shape)}"
        )
    if weights.ndim == 1:
        return _finite(weights - weights.mean(), weights, "weights")
    taken = weights.masked_fill(~mask, 0)
    mean = taken.sum(dim=0) / mask.sum(dim=0).clamp(min=1)
    return _finite((weights - mean).masked_fill(~mask, 0), taken, "weights")


def _finite(sums: Tensor, terms: Tensor, name: str = "rewards") -> Tensor:
    """Sums in which each term stands: where all are finite, the terms are too."""
    if not all_finite(sums):
        if not all_finite(terms):
            raise NotFiniteError(
                f"{name}: expected finite numbers, got {first_not_finite(terms)}"
            )
        raise NotFiniteError(
            f"{name}: expected sums that {sums.dtype} can hold, got an overflow"
        )
    return sums


def _checked(rewards: Tensor | ArrayLike, gamma: float) -> tuple[Tensor, float]:
    gamma = check_fraction("gamma", gamma)
    refuse_masked("rewards", rewards)
    try:
        if not isinstance(rewards, Tensor):
            np.asarray(rewards)  # refuses [[], [1.0]], which PyTorch takes as empty
        tensor = torch.as_tensor(rewards)
    except Exception as error:  # whatever the rewards' own __array__ raises
        raise TypeError(f"rewards: expected an array of numbers ({error})") from error
    check_tensor("rewards", tensor)
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.get_default_dtype())
    if tensor.ndim == 0:
        raise ValueError("rewards: expected a time axis, got a single number")
    return tensor, gamma
