"""The gradient of a loss on every batch, or in words why there is none."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from pg_helpers.ascent import copies_of, put_back
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.batches import Batches
from pg_helpers.require import check_tensor
from pg_helpers.rollout import Trajectories

_NAMES = [field.name for field in fields(Trajectories)]


class FaultError(Exception):
    """The loss cannot be examined; the message says why, in whole sentences."""


def gradients(loss: BoundLoss, batches: Batches, policy: nn.Module) -> Tensor:
    """Minus the gradient of the loss on each batch: what gradient descent adds.

    Args:
        loss: that is asked.
        batches: B of them.
        policy: what the gradient is taken of.

    Returns:
        (B, P), in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        FaultError: the loss raises, is not a finite scalar, changes the policy, or its
            graph never reaches the policy.
    """
    kept = copies_of(policy.parameters())
    try:
        return _asked(loss, batches, policy)
    finally:
        if put_back(policy.parameters(), kept):
            raise FaultError(
                "The loss changes or freezes the parameters of the policy. A loss only "
                "says what is wrong with them; the step is the optimiser's."
            )


def _asked(loss: BoundLoss, batches: Batches, policy: nn.Module) -> Tensor:
    every, rows, reached = batches.every, [], False
    with warnings.catch_warnings():
        # What comes of it is NaN, and the verdict has words for that.
        warnings.filterwarnings("ignore", r"std\(\): degrees of freedom")
        for index in batches.index:
            batch = Trajectories(
                **{name: getattr(every, name)[index] for name in _NAMES}
            )
            log_probs = None
            if loss.needs_log_probs:
                log_probs = policy(batch.observations).log_prob(batch.actions)
            found = _ask(loss, batch, policy, log_probs)
            reached = reached or any(part is not None for part in found)
            rows.append(_flat(found, policy))
    if not reached:
        raise FaultError(_NO_GRAPH)
    return torch.stack(rows).double().cpu()


def _ask(
    loss: BoundLoss, batch: Trajectories, policy: nn.Module, log_probs: Tensor | None
) -> list[Tensor | None]:
    """Minus the gradient by each parameter; None where the graph does not reach."""
    mask = batch.mask.clone()  # a loss may change it
    try:
        value = loss(batch, policy, log_probs)
    except Exception as error:
        raise FaultError(
            f"The loss raised {type(error).__name__} on {_named(mask)}: {error}"
        ) from error
    _check_value(value, mask)
    parameters = [p for p in policy.parameters() if p.requires_grad]
    if not value.requires_grad:
        return [None] * len(parameters)
    try:
        found = torch.autograd.grad(value, parameters, allow_unused=True)
    except (RuntimeError, ValueError) as error:
        raise FaultError(
            f"PyTorch could not differentiate the loss on {_named(mask)}: {error}"
        ) from error
    if any(part is not None and not part.isfinite().all() for part in found):
        raise FaultError(
            f"The value of the loss is finite, but its gradient is not, on "
            f"{_named(mask)}. {_WHY_NOT_FINITE}"
        )
    return [None if part is None else -part for part in found]


_NO_GRAPH = (
    "The graph does not reach the policy: the loss has no gradient. Something on the "
    "way cuts it, such as detach(), item(), torch.no_grad(), torch.tensor(...) or a "
    "NumPy array."
)
_WHY_NOT_FINITE = (
    "The usual ways there: the standard deviation of a single number (one trajectory, "
    "or an episode of one step), a division by zero, the logarithm of zero, 0 times "
    "infinity at padded steps."
)


def _check_value(value: Any, mask: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise FaultError(
            f"The loss returned {type(value).__name__}, not a tensor. A number has no "
            "graph: leave item() and float() out of it."
        )
    try:
        check_tensor("the loss", value)
    except TypeError as error:
        raise FaultError(f"The loss cannot be read: {error}.") from error
    if value.ndim != 0:
        shape = tuple(value.shape)
        raise FaultError(
            f"The loss returned a tensor of shape {shape}, not a scalar. Sum over the "
            "steps, then take the mean over the trajectories."
        )
    if not value.is_floating_point():
        raise FaultError(f"The loss returned {value.dtype}, which has no gradient.")
    if not value.isfinite():
        raise FaultError(
            f"The loss is {value.item()} on {_named(mask)}. {_WHY_NOT_FINITE}"
        )


def _named(mask: Tensor) -> str:
    lengths = mask.sum(dim=1).tolist()
    steps = " and ".join(map(str, lengths[:3])) + (" ..." if lengths[3:] else "")
    if len(lengths) == 1:
        return f"a trajectory of {steps} step{'s' if lengths[0] > 1 else ''}"
    return f"a batch of trajectories of {steps} steps"


def _flat(found: list[Tensor | None], policy: nn.Module) -> Tensor:
    parts, remaining = [], iter(found)
    for parameter in policy.parameters():
        part = next(remaining) if parameter.requires_grad else None
        parts.append(torch.zeros_like(parameter) if part is None else part)
    return torch.cat([part.flatten() for part in parts])
