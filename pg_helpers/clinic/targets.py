"""What a loss can be held against instead of J: exact objectives with a penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pg_helpers.clinic.forms import Form
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_positive, require


@dataclass(frozen=True, eq=False)
class Regularised:
    """J plus what each step adds to the reward: minus weight times ln pi - ln ref.

    Attributes:
        words: what it adds to J.
        weight: of the penalty, in units of reward per nat.
        relative: whether to a reference policy; else ln ref is 0.
        reference: that policy; None for that of the examination.
    """

    words: str
    weight: float
    relative: bool
    reference: nn.Module | None = None


Target = Tensor | Form | Regularised | Callable[[TabularMDP, nn.Module, float], Any]


def entropy_regularised(beta: float) -> Regularised:
    """J with an entropy bonus, the mean of sum over t of gamma^t (r_t + beta H_t).

    H_t is the entropy of pi(.|s_t), in nats. A target for `examine`. Its gradient
    contains how the policy changes the states that are visited, which an entropy in
    the loss leaves out.

    Args:
        beta: weight of the bonus, in units of reward per nat.

    Raises:
        TypeError, ValueError: beta is not a positive number.
    """
    beta = check_positive("beta", beta)
    return Regularised(f"with an entropy bonus of {beta:g}", beta, relative=False)


def kl_regularised(beta: float, reference: nn.Module | None = None) -> Regularised:
    """J with a penalty on leaving a reference policy.

    That is the mean of sum over t of gamma^t (r_t - beta KL_t), KL_t the divergence
    KL(pi || reference) of the actions in s_t, in nats. With gamma = 1 it is J minus
    beta KL(pi || reference) of whole trajectories. A target for `examine`.

    Args:
        beta: weight of the penalty, in units of reward per nat.
        reference: of the same observations and actions as the policy; by default
            `examine`'s.

    Raises:
        TypeError, ValueError: beta is not a positive number, or the reference no
            Module.
    """
    beta = check_positive("beta", beta)
    fits = reference is None or isinstance(reference, nn.Module)
    require(fits, "reference", "a Module", reference, TypeError)
    return Regularised(f"with a KL penalty of {beta:g}", beta, True, reference)


def gradient_of(
    objective: Callable[..., Any], mdp: TabularMDP, policy: nn.Module, gamma: float
) -> Tensor:
    """The gradient (P,) of an exact objective that is given as a function.

    Raises:
        TypeError: it does not return a tensor.
        ValueError: it raises an error, or is no scalar with a graph.
    """
    try:
        with torch.enable_grad():
            value = objective(mdp, policy, gamma)
    except Exception as error:
        came = f"{type(error).__name__}: {error}"
        raise ValueError(f"target: expected an objective, got {came}") from error
    is_tensor = isinstance(value, Tensor)
    require(is_tensor, "target", "a function that returns a tensor", value, TypeError)
    fits = value.ndim == 0 and value.requires_grad
    require(fits, "target", "a scalar that depends on the policy", value)
    parameters = [p for p in policy.parameters() if p.requires_grad]
    found = iter(torch.autograd.grad(value, parameters, allow_unused=True))
    parts = [(next(found) if p.requires_grad else None, p) for p in policy.parameters()]
    return torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for g, p in parts]
    )
