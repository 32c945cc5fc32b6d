"""What a policy answers: a distribution over actions, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal

from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_count,
    check_tensor,
    shown,
)


def categorical(logits: Tensor) -> Categorical:
    """Probabilities in proportion to exp(logits).

    Args:
        logits: (..., A); minus infinity for what is never done.

    Returns:
        With batch shape (...); it does not validate what it is asked.

    Raises:
        NotFiniteError: a logit is NaN or infinite, or all of a row are minus infinity.
    """
    distribution = Categorical(logits=logits, validate_args=False)
    if not readable_and(_has_no_nan, distribution.logits):
        raise NotFiniteError(
            f"policy: expected probabilities, got {shown(logits)} as logits"
        )
    return distribution


def gaussian(mean: Tensor, std: Tensor) -> Independent:
    """Normal densities, independent along the last axis.

    Args:
        mean: (..., D), in units of the action.
        std: (D,), positive.

    Returns:
        With batch shape (...) and event shape (D,); it does not validate.

    Raises:
        NotFiniteError: a number is NaN or infinite.
    """
    for name, tensor in {"mean": mean, "standard deviation": std}.items():
        if not readable_and(all_finite, tensor):
            raise NotFiniteError(
                f"policy: expected a finite {name}, got {shown(tensor)}"
            )
    normal = Normal(mean, std.expand_as(mean), validate_args=False)
    return Independent(normal, 1, validate_args=False)


def log_prob(distribution: Distribution, actions: Tensor, batch_ndim: int) -> Tensor:
    """Log-probability, one number an action: summed over its components.

    Args:
        distribution: what a policy returned.
        actions: with `batch_ndim` leading batch axes.
        batch_ndim: number of batch axes, 2 for (N, T).

    Returns:
        (N, T) for batch_ndim 2; carries the graph. Minus infinity for what is never
        done.

    Raises:
        TypeError: the first is no distribution, the second no tensor, or a Categorical
            is asked about actions that are no integers.
        ValueError: actions do not have the distribution's shape, it has no such
            actions, there are fewer axes, or an answer is NaN.
    """
    check_tensor("actions", actions)
    _check_distribution(distribution, batch_ndim)
    if isinstance(distribution, Categorical) and actions.is_floating_point():
        raise TypeError(f"actions: expected integers, got {actions.dtype}")
    expected = distribution.batch_shape + distribution.event_shape
    if actions.shape != expected:
        raise ValueError(
            f"actions: expected shape {tuple(expected)} as the distribution, "
            f"got {tuple(actions.shape)}"
        )
    try:
        found = _sum_components(distribution.log_prob(actions), batch_ndim)
    except (IndexError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"actions: expected some that the distribution has ({error})"
        ) from error
    return _not_nan("log_prob", found)


def entropy(
    distribution: Distribution, batch_ndim: int, log_probs: Tensor | None = None
) -> Tensor:
    """Entropy of pi(.|s) in nats, summed over the components of an action.

    Args:
        distribution: what a policy returned.
        batch_ndim: number of batch axes, 2 for (N, T).
        log_probs: (N, T), of actions drawn from it. Where the entropy has no closed
            form, their negative is returned, which has the same mean.

    Returns:
        (N, T) for batch_ndim 2; carries the graph.

    Raises:
        TypeError: the first is no distribution, or it has no entropy and no log_probs
            are given.
        ValueError: it has fewer axes, or an answer is NaN.
    """
    _check_distribution(distribution, batch_ndim)
    if isinstance(distribution, Categorical):
        # As in Categorical.entropy, without its second softmax: a quarter of the time.
        logits = distribution.logits.clamp(
            min=torch.finfo(distribution.logits.dtype).min
        )
        return _not_nan("entropy", -(logits.exp() * logits).sum(-1))
    try:
        found = _sum_components(distribution.entropy(), batch_ndim)
    except NotImplementedError as error:
        if log_probs is not None:
            return -log_probs
        raise TypeError(
            f"distribution: expected one that has an entropy, got {distribution}"
        ) from error
    return _not_nan("entropy", found)


def _sum_components(values: Tensor, batch_ndim: int) -> Tensor:
    return values.flatten(batch_ndim).sum(-1) if values.ndim > batch_ndim else values


def _check_distribution(distribution: Any, batch_ndim: int) -> None:
    if not isinstance(distribution, Distribution):
        raise TypeError(
            "distribution: expected a torch.distributions object, "
            f"got {shown(distribution)}"
        )
    check_count("batch_ndim", batch_ndim, at_least=0)
    if len(distribution.batch_shape) < batch_ndim:
        raise ValueError(
            f"distribution: expected at least {shown(batch_ndim)} batch axes, "
            f"got shape {tuple(distribution.batch_shape)}"
        )


def _not_nan(name: str, answer: Tensor) -> Tensor:
    if math.isnan(answer.sum().item()) and answer.isnan().any():
        raise NotFiniteError(f"distribution: expected numbers as {name}, got NaN")
    return answer


def readable_and(condition: Callable[[Tensor], bool], tensor: Tensor) -> bool:
    """Whether it holds, or nobody can know: under torch.func.vmap no number is read."""
    try:
        return condition(tensor)
    except RuntimeError:
        return not tensor.is_meta


def _has_no_nan(tensor: Tensor) -> bool:
    return not math.isnan(tensor.sum().item())
