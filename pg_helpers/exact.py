"""The truth: on a finite world every trajectory can be listed, so nothing is estimated.

This module imports nothing that samples, weighs or differentiates a loss, so that it
can judge what does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pg_helpers.enumeration import (
    AllTrajectories,
    Step,
    check_memory,
    check_trajectories,
    count_trajectories,
    grow,
    trajectories,
)
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_fraction,
    check_tensor,
    shown,
)
from pg_helpers.tables import flat_gradient, log_table

__all__ = [
    "AllTrajectories",
    "count_trajectories",
    "expectation",
    "gradient",
    "log_prob",
    "objective",
    "objective_by_dp",
    "optimal_objective",
    "score_table",
    "trajectories",
]


def log_prob(mdp: TabularMDP, policy: Any, trajectories: AllTrajectories) -> Tensor:
    """Log of P(tau|theta), a sum over start, policy and world, Eq. (14).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        trajectories: with states (K, T + 1), actions (K, T), mask (K, T).

    Returns:
        (K,), nats, in the policy's precision; carries the graph of the policy. Minus
        infinity for what cannot happen.

    Raises:
        TypeError: trajectories are no AllTrajectories of tensors, or the policy does
            not return a Categorical.
        ValueError: the policy does not have A actions, or trajectories have other
            shapes, or states and actions that the world has not.
    """
    log_pi = log_table(mdp, policy)
    check_trajectories(mdp, trajectories)
    states = trajectories.states.to(log_pi.device)
    actions = trajectories.actions.to(log_pi.device)
    mask = trajectories.mask.to(log_pi.device)
    before, after = states[:, :-1], states[:, 1:]
    log_initial = torch.tensor(mdp.initial).log().to(log_pi)
    log_dynamics = torch.tensor(mdp.transition).log().to(log_pi)
    policy_terms = torch.where(mask, log_pi[before, actions], 0)
    world_terms = torch.where(mask, log_dynamics[before, actions, after], 0)
    return log_initial[before[:, 0]] + policy_terms.sum(1) + world_terms.sum(1)


def objective(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """J(theta), the sum of R(tau) P(tau|theta) over every trajectory, Eq. (7).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].

    Returns:
        Scalar (), in units of reward and the policy's precision; differentiable.

    Raises:
        TypeError: mdp is not a TabularMDP, gamma is not a number, or the policy does
            not return a Categorical.
        ValueError: gamma outside [0, 1], a policy without A actions, or an enumeration
            larger than `MEMORY_LIMIT`.
        NotFiniteError: J overflows.
    """
    probabilities, returns, _ = _enumerate(mdp, log_table(mdp, policy), gamma)
    return _finite((returns * probabilities).sum())


def gradient(mdp: TabularMDP, policy: torch.nn.Module, gamma: float) -> Tensor:
    """Gradient of J, the sum of R P times the sum of grad ln pi, Eq. (17).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].

    Returns:
        Flat (P,), in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        TypeError: gamma is not a number, or the policy does not return a Categorical.
        ValueError: gamma outside [0, 1], a policy without A actions or without a
            trainable parameter, or an enumeration larger than `MEMORY_LIMIT`.
    """
    log_pi = log_table(mdp, policy)
    on = partial(torch.as_tensor, device=log_pi.device)
    with torch.no_grad():
        probabilities, returns, steps = _enumerate(mdp, log_pi, gamma)
        # How often ln pi(a|s) stands in the sum, each time weighted by R P: carried
        # from the end of the trajectories back to the start along shared prefixes.
        weight = torch.zeros_like(log_pi)
        carried = returns * probabilities
        for step in reversed(steps):
            state, action, parent = map(on, (step.state, step.action, step.parent))
            taken = on(~mdp.terminal[step.state])
            weight.index_put_((state, action), carried * taken, accumulate=True)
            shorter = carried.new_zeros(step.num_parents)
            carried = shorter.index_add(0, parent, carried)
    return _finite(flat_gradient((weight * log_pi).sum(), policy))


def expectation(
    mdp: TabularMDP, policy: Any, function: Callable[[AllTrajectories], Tensor]
) -> Tensor:
    """The mean of any function of a trajectory, taken over all of them, Eq. (5).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        function: from the K trajectories to (K,) or (K, ...).

    Returns:
        The sum over k of P(tau_k|theta) times the function, of shape () or (...).

    Raises:
        TypeError: function is none, or the policy does not return a Categorical.
        ValueError: the function raises, its first axis is not K, a number or a mean is
            not finite, a policy without A actions, or an enumeration larger than
            `MEMORY_LIMIT`.
    """
    listed = trajectories(mdp)
    probabilities = log_prob(mdp, policy, listed).exp()
    values = _values(function, listed).to(probabilities)
    if values.ndim == 0 or len(values) != len(probabilities):
        raise ValueError(
            f"function: expected a value for each of {len(probabilities)} "
            f"trajectories, got shape {tuple(values.shape)}"
        )
    return _finite(torch.tensordot(probabilities, values, dims=1), "function")


def objective_by_dp(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """The same J by dynamic programming, backward from the horizon.

    The cost grows with S, A and the horizon, not with the number of trajectories.

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].

    Returns:
        Scalar (), in units of reward and the policy's precision; differentiable.

    Raises:
        TypeError: mdp is not a TabularMDP, gamma is not a number, or the policy does
            not return a Categorical.
        ValueError: gamma outside [0, 1], or a policy without A actions.
        NotFiniteError: J overflows.
    """
    pi = log_table(mdp, policy).exp()
    return _backward_induction(mdp, gamma, lambda values: (pi * values).sum(1), pi)


def optimal_objective(mdp: TabularMDP, gamma: float) -> float:
    """The largest J that any policy reaches, one that sees the state and the time.

    Args:
        mdp: the world.
        gamma: discount, in [0, 1].

    Returns:
        J of the best policy, in units of reward.

    Raises:
        TypeError: gamma is not a number.
        ValueError: gamma outside [0, 1].
    """
    like = torch.zeros((), dtype=torch.float64)
    return float(_backward_induction(mdp, gamma, lambda values: values.amax(1), like))


def score_table(mdp: TabularMDP, policy: torch.nn.Module) -> Tensor:
    """The gradient of ln pi(a|s) for every state and action.

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.

    Returns:
        (S, A, P), P in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        TypeError: the policy does not return a Categorical.
        ValueError: a policy without A actions or without a trainable parameter.
    """
    log_pi = log_table(mdp, policy)
    rows = [flat_gradient(entry, policy) for entry in log_pi.flatten()]
    return torch.stack(rows).reshape(*log_pi.shape, -1)


def _enumerate(
    mdp: TabularMDP, log_pi: Tensor, gamma: float
) -> tuple[Tensor, Tensor, list[Step]]:
    """P(tau|theta), Eq. (13), and R(tau), Eq. (6), of all K trajectories."""
    gamma = check_fraction("gamma", gamma)
    check_memory(mdp, padded=False)
    pi = log_pi.exp()
    number = partial(torch.as_tensor, dtype=pi.dtype, device=pi.device)
    index = partial(torch.as_tensor, device=pi.device)
    probabilities = number(mdp.initial[mdp.initial > 0])
    returns = torch.zeros_like(probabilities)
    steps = []
    for time, step in enumerate(grow(mdp)):
        edge = (step.state, step.action, step.next_state)
        ended = index(mdp.terminal[step.state])
        chosen = pi[index(step.state), index(step.action)]
        factor = torch.where(ended, 1, chosen * number(mdp.transition[edge]))
        gained = torch.where(ended, 0, gamma**time * number(mdp.reward[edge]))
        probabilities = probabilities[index(step.parent)] * factor
        returns = returns[index(step.parent)] + gained
        steps.append(step)
    return probabilities, returns, steps


def _backward_induction(
    mdp: TabularMDP, gamma: float, choose: Callable[[Tensor], Tensor], like: Tensor
) -> Tensor:
    """Mean value of the start; `choose` maps values (S, A) of actions to states."""
    check_mdp(mdp)
    gamma = check_fraction("gamma", gamma)
    dynamics = torch.tensor(mdp.transition).to(like)
    expected_reward = torch.as_tensor((mdp.transition * mdp.reward).sum(2)).to(like)
    ended = torch.tensor(mdp.terminal, device=like.device)
    values = dynamics.new_zeros(mdp.num_states)
    for _ in range(mdp.horizon):
        values = choose(expected_reward + gamma * dynamics @ values)
        values = values.masked_fill(ended, 0)
    return _finite(torch.tensor(mdp.initial).to(like) @ values)


def _values(function: Any, listed: AllTrajectories) -> Tensor:
    """What the function says of each trajectory."""
    if not callable(function):
        raise TypeError(f"function: expected a function, got {shown(function)}")
    try:
        values = function(listed)
        if not isinstance(values, Tensor):
            values = torch.as_tensor(np.asarray(values))  # a list would be in float32
    except Exception as error:
        raise ValueError(
            "function: expected a number for each trajectory, got "
            f"{type(error).__name__}: {error}"
        ) from error
    check_tensor("function", values)
    return values


def _finite(answer: Tensor, name: str = "mdp") -> Tensor:
    if not all_finite(answer):
        what = "rewards whose sums" if name == "mdp" else "finite numbers whose mean"
        raise NotFiniteError(
            f"{name}: expected {what} {answer.dtype} can hold, got {shown(answer)}"
        )
    return answer
