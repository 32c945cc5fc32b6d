"""pi_theta: policies map observations to a distribution over actions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import gymnasium
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Independent

from pg_helpers.distributions import categorical, gaussian, readable_and
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import (
    all_finite,
    check_count,
    check_finite,
    check_positive,
    check_tensor,
    shown,
)

# A network with more weights, half a gigabyte, is a slip of the finger.
MOST_WEIGHTS = 2**27


class MLPPolicy(nn.Module):
    """A multilayer perceptron with tanh units whose outputs are logits, Eq. (22).

    Args:
        observation_size: D, length of an observation.
        num_actions: A, number of actions.
        hidden: widths of the hidden layers.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or there are more than 2^27 weights.
    """

    def __init__(
        self, observation_size: int, num_actions: int, hidden: Sequence[int] = (8, 8)
    ) -> None:
        super().__init__()
        num_actions = check_count("num_actions", num_actions)
        self.observation_size = check_count("observation_size", observation_size)
        self.network = _multilayer_perceptron(observation_size, num_actions, hidden)

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for a batch of observations.

        Args:
            observations: float (..., D), or integer (...) for one-hot of length D.

        Returns:
            A `Categorical` with batch shape (...); carries the graph. It does not
            validate what it is asked, which would double the cost of a step.

        Raises:
            TypeError: observations are no tensor, or not of the policy's precision.
            ValueError: an observation does not have length D, or it or a logit is not
                finite.
        """
        features = _features(self, observations, self.observation_size)
        return categorical(self.network(features))


class TabularPolicy(nn.Module):
    """A table of logits, one row a state, zero (a uniform policy) at first.

    A state is seen as an integer or as a one-hot vector. Other vectors of length S are
    accepted too: the logits are then linear in them.

    Args:
        num_states: S, number of rows.
        num_actions: A, number of columns.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or there are more than 2^27 weights.
    """

    def __init__(self, num_states: int, num_actions: int) -> None:
        super().__init__()
        num_states = check_count("num_states", num_states)
        num_actions = check_count("num_actions", num_actions)
        _check_weights("num_states", [num_states, num_actions])
        self.logits = nn.Parameter(torch.zeros(num_states, num_actions))

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for a batch of observations.

        Args:
            observations: float (..., S), or integer (...).

        Returns:
            A `Categorical` with batch shape (...); carries the graph.

        Raises:
            TypeError: observations are no tensor, or not of the policy's precision.
            ValueError: an observation does not have length S, or it or a logit is not
                finite.
        """
        features = _features(self, observations, self.logits.shape[0])
        return categorical(features @ self.logits)


class GaussianPolicy(nn.Module):
    """A Gaussian over real-valued actions: the network gives the mean.

    The standard deviation is a parameter for each component of the action, the same in
    every state, stored as its logarithm.

    Args:
        observation_size: D, length of an observation.
        action_size: number of components of an action.
        hidden: widths of the hidden layers, tanh.
        initial_std: standard deviation at first, in units of the action.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, there are more than 2^27 weights, or initial_std
            is not a positive number that float32 can hold.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden: Sequence[int] = (8, 8),
        initial_std: float = 1.0,
    ) -> None:
        super().__init__()
        action_size = check_count("action_size", action_size)
        initial_std = check_positive("initial_std", initial_std)
        self.observation_size = check_count("observation_size", observation_size)
        self.network = _multilayer_perceptron(observation_size, action_size, hidden)
        limits = torch.finfo(torch.get_default_dtype())
        if not limits.tiny <= initial_std <= limits.max / 2:  # /2: exp(ln) is rounded
            raise ValueError(
                f"initial_std: expected a positive number that {limits.dtype} can "
                f"hold, got {initial_std}"
            )
        self.log_std = nn.Parameter(torch.full((action_size,), initial_std).log())

    def forward(self, observations: Tensor) -> Independent:
        """Return the density pi(a|s) for a batch of observations.

        Args:
            observations: float (..., D), or integer (...) for one-hot of length D.

        Returns:
            A Normal with batch shape (...) and event shape (action_size,), so that its
            log_prob is one number an action: the sum over components.

        Raises:
            TypeError: observations are no tensor, or not of the policy's precision.
            ValueError: an observation does not have length D, or it, a mean or a
                standard deviation is not finite.
        """
        mean = self.network(_features(self, observations, self.observation_size))
        return gaussian(mean, self.log_std.exp())


def policy_for(env: Any, hidden: Sequence[int] = (8, 8)) -> nn.Module:
    """A new policy that fits the spaces of an environment.

    Discrete observations and actions give a `TabularPolicy`; other observations with
    discrete actions an `MLPPolicy`; Box actions a `GaussianPolicy`. The initial
    weights come from PyTorch's global generator: call `torch.manual_seed` before.

    Args:
        env: gymnasium.Env, gymnasium.vector.VectorEnv or TabularMDP.
        hidden: widths of the hidden layers, where there is a network.

    Returns:
        The policy, float32, on the CPU.

    Raises:
        TypeError: env is none of these.
        ValueError: a space is not supported.
    """
    if isinstance(env, TabularMDP):
        return MLPPolicy(env.observations.shape[1], env.num_actions, hidden)
    observation_space, action_space = single_spaces(env)
    size = _observation_size(observation_space)
    if isinstance(action_space, gymnasium.spaces.Discrete):
        num_actions = int(action_space.n)
        if isinstance(observation_space, gymnasium.spaces.Discrete):
            return TabularPolicy(size, num_actions)
        return MLPPolicy(size, num_actions, hidden)
    if isinstance(action_space, gymnasium.spaces.Box) and len(action_space.shape) == 1:
        return GaussianPolicy(size, action_space.shape[0], hidden)
    raise ValueError(
        f"action space: expected Discrete, or Box with one axis, got {action_space}"
    )


def single_spaces(env: Any) -> tuple[Any, Any]:
    """Observation and action space of one environment, also of a vector of them.

    Returns:
        Both spaces; None for one that the environment does not have.

    Raises:
        TypeError: env is not a Gymnasium environment.
    """
    prefix = "single_" if isinstance(env, gymnasium.vector.VectorEnv) else ""
    if prefix or isinstance(env, gymnasium.Env):
        # An environment may come without; who asks has the words for None.
        names = (f"{prefix}observation_space", f"{prefix}action_space")
        seen, taken = (getattr(env, name, None) for name in names)
        return seen, taken
    raise TypeError(f"env: expected a Gymnasium environment, got {shown(env)}")


def placement(policy: Any) -> tuple[torch.device, torch.dtype]:
    """Where data must go for this policy: device and float type of its parameters.

    A policy without parameters (a rule written by hand) computes in float32 on the CPU.
    """
    if isinstance(policy, nn.Module):
        for parameter in policy.parameters():
            if parameter.is_floating_point():
                return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32


def _multilayer_perceptron(
    inputs: int, outputs: int, hidden: Sequence[int]
) -> nn.Sequential:
    if not isinstance(hidden, Sequence):
        raise TypeError(f"hidden: expected a sequence of widths, got {shown(hidden)}")
    widths = [check_count("hidden", width) for width in hidden]
    sizes = [inputs, *widths, outputs]
    _check_weights("hidden", sizes)
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _check_weights(name: str, sizes: Sequence[int]) -> None:
    number = sum(one * other for one, other in pairwise(sizes))
    if number > MOST_WEIGHTS:
        raise ValueError(
            f"{name}: expected at most {MOST_WEIGHTS:,} weights in all, got layers of "
            f"{' to '.join(map(shown, sizes))}"
        )


def _features(policy: nn.Module, observations: Tensor, size: int) -> Tensor:
    """Observations as float vectors of length `size`; integers become one-hot."""
    check_tensor("observations", observations)
    like = next(policy.parameters())
    if observations.device != like.device:
        raise ValueError(
            f"observations: expected device {like.device} as the policy's, "
            f"got {observations.device}"
        )
    if observations.is_floating_point():
        if observations.ndim == 0 or observations.shape[-1] != size:
            raise ValueError(
                f"observations: expected shape (..., {size}) or integers below {size}, "
                f"got shape {tuple(observations.shape)}"
            )
        if observations.dtype != like.dtype:
            raise TypeError(
                f"observations: expected {like.dtype} as the policy's weights, "
                f"got {observations.dtype}"
            )
        if not readable_and(all_finite, observations):
            check_finite("observations", observations)
        return observations
    if observations.numel():
        low, high = observations.min(), observations.max()
        if low < 0 or high >= size:
            raise ValueError(
                f"observations: expected integers from 0 to {size - 1}, "
                f"got {int(low)} to {int(high)}"
            )
    return nn.functional.one_hot(observations.long(), size).to(like.dtype)


def _observation_size(space: gymnasium.Space) -> int:
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1:
        return space.shape[0]
    raise ValueError(
        f"observation space: expected Discrete, or Box with one axis, got {space} "
        "(gymnasium.wrappers.FlattenObservation may help)"
    )
