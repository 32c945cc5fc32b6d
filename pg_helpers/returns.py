"""R(tau), the return of a trajectory; rewards-to-go; baselines and advantages."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_finite,
    check_fraction,
    check_tensor,
    check_weights,
    require,
)


def total_return(rewards: Tensor | ArrayLike, gamma: float) -> Tensor:
    """R(tau), the sum over t of gamma^t r_t, Eq. (6).

    Args:
        rewards: (N, T), or (..., T) with any leading axes; zero where padded.
        gamma: discount, in [0, 1].

    Returns:
        (N,), in units of reward: one number per trajectory.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: a reward or a sum is not finite, there is no time axis, or gamma is
            outside [0, 1].
    """
    rewards, gamma = _as_floats(rewards), check_fraction("gamma", gamma)
    time = torch.arange(rewards.shape[-1], dtype=rewards.dtype, device=rewards.device)
    return _finite((gamma**time * rewards).sum(-1), rewards)


def rewards_to_go(rewards: Tensor | ArrayLike, gamma: float) -> Tensor:
    """The discounted sum of rewards from each step onward, seen from that step.

    Entry t is G_t = r_t + gamma G_{t+1}: the discount restarts at t. (As weights, the
    usual practice, they drop a factor gamma^t from the gradient of the discounted J.)
    The sum is built by doubling: each pass adds what has been gathered `shift` steps
    ahead, so that log2(T) passes suffice.

    Args:
        rewards: (N, T), or (..., T) with any leading axes; zero where padded.
        gamma: discount, in [0, 1].

    Returns:
        (N, T), in units of reward; zero where padded.

    Raises:
        TypeError, ValueError: as for `total_return`.
    """
    rewards, gamma = _as_floats(rewards), check_fraction("gamma", gamma)
    gathered, shift = rewards.clone(), 1
    while shift < rewards.shape[-1]:
        ahead = torch.nn.functional.pad(gathered[..., shift:], (0, shift))
        gathered = gathered + gamma**shift * ahead
        shift *= 2
    return _finite(gathered, rewards)


def gae(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float,
    lam: float,
    final_values: Tensor | None = None,
) -> Tensor:
    """Generalised advantage estimation (Schulman and others, arXiv:1506.02438).

    Entry t is A_t = d_t + gamma lam A_{t+1}, with d_t = r_t + gamma V_{t+1} - V_t. With
    lam = 1 it is the reward-to-go minus V_t, with lam = 0 it is d_t. Nothing is
    detached: for a policy's loss, give values without a graph.

    Args:
        rewards: float (N, T), in units of reward.
        values: float (N, T), V of the state before each step, in the same units.
        mask: bool (N, T), True where a step was taken.
        gamma: discount, in [0, 1].
        lam: lambda, in [0, 1].
        final_values: float (N,), V after the last step of episodes that were cut off;
            0 for those that ended, as for all by default.

    Returns:
        (N, T), in units of reward; zero where padded.

    Raises:
        TypeError: an argument is not a tensor of numbers, or not of its kind.
        ValueError: a shape does not fit, a number is out of range, or one that counts
            is not finite.
    """
    gamma, lam = check_fraction("gamma", gamma), check_fraction("lam", lam)
    check_tensor("mask", mask)
    require(mask.dtype == torch.bool, "mask", "booleans", mask.dtype, TypeError)
    full = mask.ndim == 2 and mask.numel() > 0
    require(full, "mask", "shape (N, T), not empty", tuple(mask.shape))
    ended = mask.new_zeros(len(mask)) if final_values is None else final_values
    given = {"rewards": rewards, "values": values, "final_values": ended}
    for name, numbers in given.items():
        check_tensor(name, numbers)
        shape = mask.shape[:1] if name == "final_values" else mask.shape
        fits = numbers.shape == shape
        require(fits, name, f"shape {tuple(shape)}", tuple(numbers.shape))
        check_finite(name, numbers if numbers.ndim == 1 else numbers[mask])
    kind = torch.promote_types(rewards.dtype, values.dtype)
    if final_values is not None:
        kind = torch.promote_types(kind, final_values.dtype)
    kind = kind if kind.is_floating_point else torch.get_default_dtype()
    rewards, values, after = rewards.to(kind), values.to(kind), ended.to(kind)
    ahead, found = torch.zeros_like(after), []
    for taken, reward, value in zip(
        *(part.T.flip(0) for part in (mask, rewards, values)), strict=True
    ):
        step = reward + gamma * after - value
        ahead = torch.where(taken, step + gamma * lam * ahead, ahead)
        after = torch.where(taken, value, after)
        found.append(torch.where(taken, ahead, 0.0))
    return _finite(torch.stack(found[::-1], dim=1), rewards.masked_fill(~mask, 0))


def subtract_batch_mean(weights: Tensor, mask: Tensor) -> Tensor:
    """Weights minus their mean over trajectories: a baseline that needs no learning.

    For weights (N, T) there is one mean per step, over the trajectories that take it.
    The mean contains each trajectory's own weight, which biases the estimate: for
    weights (N,) the expected gradient shrinks by the factor 1 - 1/N, to 0 for N = 1.

    Args:
        weights: (N,) or (N, T), in units of reward.
        mask: bool (N, T), True where a step was taken.

    Returns:
        Of the shape of weights; 0 at padded steps.

    Raises:
        TypeError: weights is not a float tensor, or mask is not a boolean tensor.
        ValueError: a shape does not fit, or a weight of a taken step or a sum of them
            is not finite.
    """
    check_weights(weights, mask)
    is_float = weights.is_floating_point()
    require(is_float, "weights", "floats", weights.dtype, TypeError)
    if weights.ndim == 1:
        return _finite(weights - weights.mean(), weights, "weights")
    taken = weights.masked_fill(~mask, 0)
    mean = taken.sum(dim=0) / mask.sum(dim=0).clamp(min=1)
    return _finite((weights - mean).masked_fill(~mask, 0), taken, "weights")


def _as_floats(rewards: Tensor | ArrayLike) -> Tensor:
    try:
        if not isinstance(rewards, Tensor):
            np.asarray(rewards)  # refuses [[], [1.0]], which PyTorch takes as empty
        tensor = torch.as_tensor(rewards)
    except Exception as error:  # whatever the rewards' own __array__ raises
        raise TypeError(f"rewards: expected an array of numbers ({error})") from error
    check_tensor("rewards", tensor)
    require(tensor.ndim, "rewards", "a time axis", tensor)
    return (
        tensor if tensor.is_floating_point() else tensor.to(torch.get_default_dtype())
    )


def _finite(sums: Tensor, terms: Tensor, name: str = "rewards") -> Tensor:
    """Sums that contain every term: where all are finite, the terms are too."""
    if not all_finite(sums):
        check_finite(name, terms)
        raise NotFiniteError(f"{name}: expected sums that {sums.dtype} can hold")
    return sums
