"""R(tau): what a trajectory is worth, and what remains to be gained from each step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pg_helpers.arguments import all_finite, check_fraction


def total_return(rewards: Tensor | ArrayLike, gamma: float) -> Tensor:
    """R(tau), the sum over t of gamma^t r_t, Eq. (6).

    Args:
        rewards: (N, T), or (..., T) with any leading axes; zero where padded.
        gamma: discount, in [0, 1].

    Returns:
        (N,), in units of reward; one number a trajectory.

    Raises:
        TypeError: rewards are not numbers, or gamma is not one.
        ValueError: a reward is not finite, there is no time axis, or gamma is outside
            [0, 1].
    """
    rewards, gamma = _checked(rewards, gamma)
    time = torch.arange(rewards.shape[-1]).to(rewards)
    return (gamma**time * rewards).sum(-1)


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
        ValueError: a reward is not finite, there is no time axis, or gamma is outside
            [0, 1].
    """
    rewards, gamma = _checked(rewards, gamma)
    gathered, shift = rewards.clone(), 1
    while shift < rewards.shape[-1]:
        ahead = torch.nn.functional.pad(gathered[..., shift:], (0, shift))
        gathered = gathered + gamma**shift * ahead
        shift *= 2
    return gathered


def subtract_batch_mean(weights: Tensor, mask: Tensor) -> Tensor:
    """Weights minus their mean over trajectories: a baseline that needs no learning.

    For weights (N, T) there is a mean for each step, over the trajectories that take
    it. As the mean is made from the batch itself it is not quite free: it shrinks the
    expected gradient, by the factor 1 - 1/N for weights (N,).

    Args:
        weights: (N,) or (N, T), in units of reward.
        mask: bool (N, T), True where a step was taken.

    Returns:
        Of the shape of weights; what stands at padded steps has no meaning.

    Raises:
        ValueError: weights are not of shape (N,) or (N, T).
    """
    if weights.shape == mask.shape[:1]:
        return weights - weights.mean()
    if weights.shape != mask.shape:
        raise ValueError(
            f"weights: expected shape {tuple(mask.shape[:1])} or {tuple(mask.shape)}, "
            f"got {tuple(weights.shape)}"
        )
    number_running = mask.sum(dim=0).clamp(min=1)
    return weights - torch.where(mask, weights, 0).sum(dim=0) / number_running


def _checked(rewards: Tensor | ArrayLike, gamma: float) -> tuple[Tensor, float]:
    gamma = check_fraction("gamma", gamma)
    try:
        if not isinstance(rewards, Tensor):
            np.asarray(rewards)  # refuses [[], [1.0]], which PyTorch takes as empty
        tensor = torch.as_tensor(rewards)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"rewards: expected an array of numbers ({error})") from error
    if tensor.is_complex():
        raise TypeError("rewards: expected real numbers, got complex ones")
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.get_default_dtype())
    if tensor.ndim == 0:
        raise ValueError("rewards: expected a time axis, got a single number")
    if not all_finite(tensor):
        where = [int(i) for i in (~tensor.isfinite()).nonzero()[0]]
        raise ValueError(
            f"rewards: expected finite numbers, got {tensor[*where]} at {where}"
        )
    return tensor, gamma
