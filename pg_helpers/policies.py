"""pi_theta: policies map observations to a distribution over actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from pg_helpers.arguments import check_count, check_positive, shown
from pg_helpers.mdp import TabularMDP


class MLPPolicy(nn.Module):
    """A multilayer perceptron with tanh units whose outputs are logits, Eq. (22).

    Args:
        observation_size: D, length of an observation.
        num_actions: A, number of actions.
        hidden: widths of the hidden layers.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1.
    """

    def __init__(
        self, observation_size: int, num_actions: int, hidden: Sequence[int] = (8, 8)
    ) -> None:
        super().__init__()
        check_count("num_actions", num_actions)
        self.observation_size = observation_size
        self.network = _multilayer_perceptron(observation_size, num_actions, hidden)

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for a batch of observations.

        Args:
            observations: float (..., D), or integer (...) for one-hot of length D.

        Returns:
            A `Categorical` with batch shape (...); carries the graph. Its arguments
            are not validated, which would double the cost of a step.

        Raises:
            ValueError: an observation does not have length D.
        """
        features = _features(self, observations, self.observation_size)
        return Categorical(logits=self.network(features), validate_args=False)


class TabularPolicy(nn.Module):
    """A table of logits, one row a state, zero (a uniform policy) at first.

    A state is seen as an integer or as a one-hot vector. Other vectors of length S are
    accepted too: the logits are then linear in them.

    Args:
        num_states: S, number of rows.
        num_actions: A, number of columns.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1.
    """

    def __init__(self, num_states: int, num_actions: int) -> None:
        super().__init__()
        num_states = check_count("num_states", num_states)
        num_actions = check_count("num_actions", num_actions)
        self.logits = nn.Parameter(torch.zeros(num_states, num_actions))

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for a batch of observations.

        Args:
            observations: float (..., S), or integer (...).

        Returns:
            A `Categorical` with batch shape (...); carries the graph.

        Raises:
            ValueError: an observation does not have length S.
        """
        features = _features(self, observations, self.logits.shape[0])
        return Categorical(logits=features @ self.logits, validate_args=False)


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
        ValueError: a size is below 1, or initial_std is not positive.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden: Sequence[int] = (8, 8),
        initial_std: float = 1.0,
    ) -> None:
        super().__init__()
        check_count("action_size", action_size)
        check_positive("initial_std", initial_std)
        self.observation_size = observation_size
        self.network = _multilayer_perceptron(observation_size, action_size, hidden)
        self.log_std = nn.Parameter(torch.full((action_size,), initial_std).log())

    def forward(self, observations: Tensor) -> Independent:
        """Return the density pi(a|s) for a batch of observations.

        Args:
            observations: float (..., D), or integer (...) for one-hot of length D.

        Returns:
            A Normal with batch shape (...) and event shape (action_size,), so that its
            log_prob is one number an action: the sum over components.

        Raises:
            ValueError: an observation does not have length D.
        """
        mean = self.network(_features(self, observations, self.observation_size))
        std = self.log_std.exp().expand_as(mean)
        return Independent(
            Normal(mean, std, validate_args=False), 1, validate_args=False
        )


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
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32


def log_prob(distribution: Distribution, actions: Tensor, batch_ndim: int) -> Tensor:
    """Log-probability, one number an action: summed over its components.

    Args:
        distribution: what a policy returned.
        actions: with `batch_ndim` leading batch axes.
        batch_ndim: number of batch axes, 2 for (N, T).

    Returns:
        (N, T) for batch_ndim 2; carries the graph.
    """
    return _sum_components(distribution.log_prob(actions), batch_ndim)


def entropy(distribution: Distribution, batch_ndim: int) -> Tensor:
    """Entropy of pi(.|s) in nats, summed over the components of an action.

    Args:
        distribution: what a policy returned.
        batch_ndim: number of batch axes, 2 for (N, T).

    Returns:
        (N, T) for batch_ndim 2; carries the graph.
    """
    if isinstance(distribution, Categorical):
        # As in Categorical.entropy, without its second softmax: a quarter of the time.
        logits = distribution.logits.clamp(
            min=torch.finfo(distribution.logits.dtype).min
        )
        return -(logits.exp() * logits).sum(-1)
    return _sum_components(distribution.entropy(), batch_ndim)


def _sum_components(values: Tensor, batch_ndim: int) -> Tensor:
    return values.flatten(batch_ndim).sum(-1) if values.ndim > batch_ndim else values


def _multilayer_perceptron(
    inputs: int, outputs: int, hidden: Sequence[int]
) -> nn.Sequential:
    if not isinstance(hidden, Sequence):
        raise TypeError(f"hidden: expected a sequence of widths, got {hidden!r}")
    widths = [check_count("hidden", width) for width in hidden]
    sizes = [check_count("observation_size", inputs), *widths, outputs]
    layers: list[nn.Module] = []
    for size_in, size_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(size_in, size_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _features(policy: nn.Module, observations: Tensor, size: int) -> Tensor:
    """Observations as float vectors of length `size`; integers become one-hot."""
    if not observations.is_floating_point() and observations.numel():
        low, high = observations.min(), observations.max()
        if low < 0 or high >= size:
            raise ValueError(
                f"observations: expected integers from 0 to {size - 1}, "
                f"got {int(low)} to {int(high)}"
            )
    if not observations.is_floating_point():
        one_hot = nn.functional.one_hot(observations.long(), size)
        return one_hot.to(next(policy.parameters()).dtype)
    if observations.ndim == 0 or observations.shape[-1] != size:
        raise ValueError(
            f"observations: expected shape (..., {size}) or integers below {size}, "
            f"got shape {tuple(observations.shape)}"
        )
    return observations


def _observation_size(space: gymnasium.Space) -> int:
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1:
        return space.shape[0]
    raise ValueError(
        f"observation space: expected Discrete, or Box with one axis, got {space} "
        "(gymnasium.wrappers.FlattenObservation may help)"
    )
