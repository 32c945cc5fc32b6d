"""pi_theta: policies map observations to a distribution over actions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from pg_helpers.mdp import TabularMDP
from pg_helpers.require import (
    NotFiniteError,
    check_count,
    check_finite,
    check_positive,
    check_tensor,
    require,
    shown,
    sum_of,
)

MOST_WEIGHTS = 2**27  # half a gigabyte: a larger network is a slip of the finger


class MLPPolicy(nn.Module):
    """A multilayer perceptron with tanh units whose outputs are logits, Eq. (22).

    Args:
        observation_size: D, length of an observation.
        num_actions: A, number of actions.
        hidden: widths of the hidden layers.

    Raises:
        TypeError, ValueError: a size is not an integer from 1, or there are more than
            2^27 weights.
    """

    def __init__(
        self, observation_size: int, num_actions: int, hidden: Sequence[int] = (8, 8)
    ) -> None:
        super().__init__()
        self.observation_size = check_count("observation_size", observation_size)
        check_count("num_actions", num_actions)
        self.network = _multilayer_perceptron(observation_size, num_actions, hidden)

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for a batch of observations.

        Args:
            observations: float (..., D), or integer (...) for one-hot of length D.

        Returns:
            A `Categorical` with batch shape (...); carries the graph. It does not
            validate its own arguments, which would double the cost of a step.

        Raises:
            TypeError: observations are no tensor, or not in the policy's precision.
            ValueError: an observation does not have length D; it or a logit is NaN or
                infinite.
        """
        features = _features(observations, self.observation_size, self)
        return _categorical(self.network(features), features)


class TabularPolicy(nn.Module):
    """A table of logits, one row per state, zero (a uniform policy) at first.

    A state is given as an integer or as a one-hot vector. Other vectors of length S
    work too: the logits are linear in them.

    Args:
        num_states: S, number of rows.
        num_actions: A, number of columns.

    Raises:
        TypeError, ValueError: as `MLPPolicy`.
    """

    def __init__(self, num_states: int, num_actions: int) -> None:
        super().__init__()
        check_count("num_states", num_states)
        check_count("num_actions", num_actions)
        _check_weights("num_states", [num_states, num_actions])
        self.logits = nn.Parameter(torch.zeros(num_states, num_actions))

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for float (..., S) or integer (...); as `MLPPolicy`."""
        seen = _checked(observations, self.logits.shape[0], self)
        is_vector = seen.is_floating_point()
        logits = seen @ self.logits if is_vector else self.logits[seen]
        return _categorical(logits, seen)


class GaussianPolicy(nn.Module):
    """A Gaussian over real-valued actions: the network gives the mean.

    Each component of the action has one standard deviation, the same in every state;
    the parameter is its logarithm.

    Args:
        observation_size: D, length of an observation.
        action_size: number of components of an action.
        hidden: widths of the hidden layers, tanh.
        initial_std: standard deviation at first, in units of the action.

    Raises:
        TypeError, ValueError: as `MLPPolicy`, or initial_std is not a positive number
            that float32 can hold.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden: Sequence[int] = (8, 8),
        initial_std: float = 1.0,
    ) -> None:
        super().__init__()
        self.observation_size = check_count("observation_size", observation_size)
        check_count("action_size", action_size)
        self.network = _multilayer_perceptron(observation_size, action_size, hidden)
        number = check_positive("initial_std", initial_std)
        std = torch.full((action_size,), number, dtype=torch.float64)
        std = std.to(torch.get_default_dtype())  # infinite if it is too large
        self.log_std = nn.Parameter(std.log())
        fits = math.isfinite(sum_of(self.log_std.exp().log()))
        require(fits, "initial_std", f"a number that {std.dtype} can hold", initial_std)

    def forward(self, observations: Tensor) -> Independent:
        """Return the density pi(a|s) for float (..., D) or integer (...).

        Returns:
            A Normal with batch shape (...) and event shape (action_size,): its log_prob
            is one number per action, the sum over components. Carries the graph.

        Raises:
            TypeError, ValueError: as `MLPPolicy`.
        """
        features = _features(observations, self.observation_size, self)
        mean, std = self.network(features), self.log_std.exp()
        if not math.isfinite(sum_of(mean) + sum_of(std)):
            check_finite("observations", features)
            check_finite("policy, mean", mean)
            check_finite("policy, standard deviation", std)
        normal = Normal(mean, std.expand_as(mean), validate_args=False)
        return Independent(normal, 1, validate_args=False)


def policy_for(env: Any, hidden: Sequence[int] = (8, 8)) -> nn.Module:
    """A new policy that fits the spaces of an environment.

    Discrete observations and actions give a `TabularPolicy`; other observations with
    discrete actions an `MLPPolicy`, as the vectors that a TabularMDP shows, unless it
    shows integers; Box actions a `GaussianPolicy`.
    The initial weights come from PyTorch's global generator: call `torch.manual_seed`
    before.

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
        if env.observations.ndim == 1:
            return TabularPolicy(int(env.observations.max()) + 1, env.num_actions)
        return MLPPolicy(env.observations.shape[1], env.num_actions, hidden)
    seen, taken = single_spaces(env)
    is_table = isinstance(seen, spaces.Discrete)
    has_size = is_table or (isinstance(seen, spaces.Box) and len(seen.shape) == 1)
    flat = "Discrete, or Box with one axis"
    require(has_size, "observation space", f"{flat}{flattening(seen)}", seen)
    size = int(seen.n) if is_table else seen.shape[0]
    if isinstance(taken, spaces.Discrete):
        num_actions = int(taken.n)
        if is_table:
            return TabularPolicy(size, num_actions)
        return MLPPolicy(size, num_actions, hidden)
    is_vector = isinstance(taken, spaces.Box) and len(taken.shape) == 1
    require(is_vector, "action space", flat, taken)
    return GaussianPolicy(size, taken.shape[0], hidden)


def flattening(space: Any) -> str:
    """How to make one axis of an observation space, for a message; or what hinders."""
    if isinstance(space, spaces.Box | spaces.Discrete) and space.shape == ():
        return ""
    if hindering := not_flat(space):
        return (
            f"; nothing flattens {' or '.join(hindering)}: leave it out by a wrapper, "
            "as Minigrid's ImgObsWrapper does"
        )
    return " (gymnasium.wrappers.FlattenObservation makes one)"


def not_flat(space: Any, name: str = "") -> list[str]:
    """The parts of a space that cannot be written as one array."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts = space.items() if isinstance(space, spaces.Dict) else enumerate(space)
        return [
            part for key, own in parts for part in not_flat(own, f"{name}[{key!r}]")
        ]
    with suppress(NotImplementedError):  # a space that Gymnasium does not know
        if isinstance(spaces.flatten_space(space), spaces.Box):
            return []
    kind = type(space).__name__
    return [f"{name} ({kind})" if name else kind]


def single_spaces(env: Any) -> tuple[Any, Any]:
    """Observation and action space of one environment, also of a vector of them."""
    prefix = "single_" if isinstance(env, gymnasium.vector.VectorEnv) else ""
    known = prefix or isinstance(env, gymnasium.Env)
    require(known, "env", "a Gymnasium environment", env, TypeError)
    names = (f"{prefix}observation_space", f"{prefix}action_space")
    for name in names:
        has_space = getattr(env, name, None) is not None
        require(has_space, "env", f"the attribute {name}", env)
    return getattr(env, names[0]), getattr(env, names[1])


def placement(policy: Any) -> tuple[torch.device, torch.dtype]:
    """Device and float type of a policy's parameters; the CPU and float32 without."""
    if isinstance(policy, nn.Module):
        for parameter in policy.parameters():
            if parameter.is_floating_point():
                return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32


def observed(mdp: TabularMDP, policy: Any) -> Tensor:
    """What a policy sees of each state: floats in its precision, or integers (S,)."""
    seen, (device, dtype) = torch.tensor(mdp.observations), placement(policy)
    return seen.to(device, dtype if seen.is_floating_point() else None)


def log_prob(distribution: Distribution, actions: Tensor) -> Tensor:
    """Ln pi(a|s), (n,): one number per action, summed over its components.

    Args:
        distribution: what a policy answered to n observations.
        actions: (n, ...), as it draws them.
    """
    if isinstance(distribution, Categorical):
        # What its own log_prob does, in a fifth of the time.
        return distribution.logits.gather(1, actions[:, None]).squeeze(1)
    return _sum_components(distribution.log_prob(actions))


def entropy(distribution: Distribution, log_probs: Tensor) -> Tensor:
    """Entropy of pi(.|s) in nats, (n,), summed over the components of an action.

    Where it has no closed form the result is minus `log_probs` (n,) of actions that
    were drawn from the distribution: its expectation is the entropy.
    """
    if isinstance(distribution, Categorical):
        # What its own entropy does, without a second softmax.
        logits = distribution.logits
        logits = logits.clamp(min=torch.finfo(logits.dtype).min)
        return -(logits.exp() * logits).sum(-1)
    try:
        return _sum_components(distribution.entropy())
    except NotImplementedError:
        return -log_probs


def _sum_components(values: Tensor) -> Tensor:
    return values.flatten(1).sum(-1) if values.ndim > 1 else values


def _categorical(logits: Tensor, features: Tensor) -> Categorical:
    distribution = Categorical(logits=logits, validate_args=False)
    # Minus infinity is allowed, for what is never done; NaN is not.
    if math.isnan(sum_of(distribution.logits)):
        check_finite("observations", features)
        came = f"{shown(logits)} as logits"
        raise NotFiniteError(f"policy: expected probabilities, got {came}")
    return distribution


def _multilayer_perceptron(
    inputs: int, outputs: int, hidden: Sequence[int]
) -> nn.Sequential:
    is_list = isinstance(hidden, Sequence)
    require(is_list, "hidden", "a sequence of widths", hidden, TypeError)
    sizes = [inputs, *(check_count("hidden", width) for width in hidden), outputs]
    _check_weights("hidden", sizes)
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _check_weights(name: str, sizes: Sequence[int]) -> None:
    number = sum(one * other for one, other in pairwise(sizes))
    require(number <= MOST_WEIGHTS, name, f"at most {MOST_WEIGHTS:,} weights", sizes)


def _features(observations: Tensor, size: int, policy: nn.Module) -> Tensor:
    """Observations as float vectors of length `size`; integers become one-hot."""
    seen = _checked(observations, size, policy)
    if seen.is_floating_point():
        return seen
    return nn.functional.one_hot(seen, size).to(next(policy.parameters()).dtype)


def _checked(observations: Tensor, size: int, policy: nn.Module) -> Tensor:
    """Float vectors of length `size` as they are; others as int64 below `size`."""
    check_tensor("observations", observations)
    if observations.is_floating_point():
        shape, expected = tuple(observations.shape), f"shape (..., {size}) or integers"
        require(shape and shape[-1] == size, "observations", expected, shape)
        dtype, came = next(policy.parameters()).dtype, observations.dtype
        require(came == dtype, "observations", f"{dtype}", came, TypeError)
        return observations
    if observations.numel():
        low, high = observations.min().item(), observations.max().item()
        in_range, expected = 0 <= low and high < size, f"integers from 0 to {size - 1}"
        require(in_range, "observations", expected, (low, high))
    return observations.long()
