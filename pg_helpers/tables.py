"""A policy on a finite world is a table; here it is read and differentiated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.policies import placement
from pg_helpers.require import NotFiniteError, check_tensor, shown


def log_table(mdp: TabularMDP, policy: Any) -> Tensor:
    """Ln pi(a|s) for every state and action.

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.

    Returns:
        (S, A), in the policy's precision; carries the graph. Minus infinity where the
        policy never acts so.

    Raises:
        TypeError: mdp is no world, or the policy does not return a Categorical.
        ValueError: it has not A actions, its probabilities are not numbers, or it
            raises an error.
    """
    check_mdp(mdp)
    if not callable(policy) or isinstance(policy, type):
        raise TypeError(f"policy: expected a policy, got {shown(policy)}")
    device, dtype = placement(policy)
    observations = torch.tensor(mdp.observations).to(device, dtype)
    try:
        distribution = policy(observations)
    except Exception as error:
        kind = NotFiniteError if isinstance(error, NotFiniteError) else ValueError
        raise kind(
            "policy: expected an answer to the world's observations, of shape "
            f"{tuple(observations.shape)}, got {type(error).__name__}: {error}"
        ) from error
    if not isinstance(distribution, Categorical):
        raise TypeError(
            "policy: expected a Categorical over the actions of a finite world, "
            f"got {type(distribution).__name__}"
        )
    log_pi, expected = distribution.logits, (mdp.num_states, mdp.num_actions)
    if log_pi.shape != expected:
        raise ValueError(
            f"policy: expected logits of shape {expected} for the world's states and "
            f"actions, got {tuple(log_pi.shape)}"
        )
    check_tensor("policy", log_pi)
    if log_pi.isnan().any():
        raise NotFiniteError(f"policy: expected probabilities, got {log_pi} as logits")
    return log_pi


def flat_gradient(scalar: Tensor, policy: nn.Module) -> Tensor:
    """Gradient of a scalar by all parameters of a policy, whose graph is kept.

    Args:
        scalar: (), made from the policy.
        policy: with the P parameters.

    Returns:
        (P,), in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        TypeError: the policy is not a torch.nn.Module.
        ValueError: it has no trainable parameter, or the scalar no graph.
    """
    if not isinstance(policy, nn.Module):
        raise TypeError(f"policy: expected a torch.nn.Module, got {shown(policy)}")
    parameters = list(policy.parameters())
    trainable = [p for p in parameters if p.requires_grad]
    if not trainable:
        raise ValueError("policy: expected a trainable parameter, got none")
    if not scalar.requires_grad:
        raise ValueError("policy: expected logits that carry a graph, got none")
    found = torch.autograd.grad(
        scalar, trainable, retain_graph=True, materialize_grads=True
    )
    by_parameter = dict(zip(trainable, found, strict=True))
    return torch.cat(
        [by_parameter.get(p, torch.zeros_like(p)).flatten() for p in parameters]
    )
