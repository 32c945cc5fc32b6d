"""The fast path: theta stands still within a batch, so a policy is asked only once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import Space, spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import nn

from pg_helpers.acting import Translator, cumulative_probabilities
from pg_helpers.draws import draw_indexes, indexes_at
from pg_helpers.envs import TabularVectorEnv
from pg_helpers.policies import MLPPolicy, single_spaces


def translator_for(env: VectorEnv, policy: Any) -> Translator:
    """The translator that draws this policy's actions in this environment fastest.

    There are two paths. The plain one, `Translator`, calls the policy at every step:
    any environment, any policy. The fast one asks it once a batch: in a
    `TabularVectorEnv` for its probabilities in all states, and elsewhere, if it is an
    `MLPPolicy`, for its weights. For the few observations of a step PyTorch spends most
    of its time on the way to the numbers; NumPy is five times as fast.

    Args:
        env: the vector environment.
        policy: maps observations to a distribution over actions.

    Returns:
        A translator whose draws are those of `Translator`, up to the last digit of the
        probabilities. Only what ended environments are told may differ.
    """
    network = read_network(policy, *single_spaces(env))
    if isinstance(env, TabularVectorEnv):
        return TabularTranslator(env, policy, network)
    if network is not None:
        return NetworkTranslator(env, policy, network)
    return Translator(env, policy)


class TabularTranslator(Translator):
    """On a finite world a policy, whatever it is, has a table of probabilities."""

    def __init__(
        self,
        env: TabularVectorEnv,
        policy: Any,
        network: NumpyNetwork | None = None,
    ) -> None:
        super().__init__(env, policy)
        self.env = env
        self._network = network
        self._table: NDArray = np.empty(0)

    def draw(
        self,
        observations: NDArray,
        step: int,
        generator: np.random.Generator,
        running: NDArray | None = None,
        number: int = 0,
    ) -> NDArray:
        """Actions drawn from the policy's table, made anew at step 0."""
        if step == 0:
            self._table = self._ask()
        return draw_indexes(self._table[self.env.states], generator)

    def _ask(self) -> NDArray:
        seen = self.env.mdp.observations
        if self._network is not None:
            table = self._network.cumulative(seen)
            if not np.isnan(table).any():
                return table
        return cumulative_probabilities(self.ask(seen.copy()))


class NetworkTranslator(Translator):
    """A network whose weights are known is worked out for those who still run."""

    def __init__(self, env: Any, policy: Any, network: NumpyNetwork) -> None:
        super().__init__(env, policy)
        self._network = network

    def draw(
        self,
        observations: NDArray,
        step: int,
        generator: np.random.Generator,
        running: NDArray | None = None,
        number: int = 0,
    ) -> NDArray:
        """Actions drawn from the network; 0 where an environment does not run."""
        if running is None:
            number = len(observations)
            running = np.arange(number)
        cumulative = self._network.cumulative(observations)
        total = cumulative[:, -1]
        if math.isnan(total.dot(total)):  # half the time of a sum
            # The plain path has the words for it.
            return super().draw(observations, step, generator, running, number)
        # A random number for each environment, so that the end of one is no other's
        # affair.
        uniform = generator.random(number)
        actions = np.zeros(number, dtype=np.int64)
        actions[running] = indexes_at(uniform[running], cumulative)
        return actions


class NumpyNetwork:
    """An `MLPPolicy` in NumPy, for drawing actions: it has no gradient.

    Args:
        layers: weight (inputs, outputs) and bias (outputs,) of each layer, which may be
            the memory of the policy's own parameters.
    """

    def __init__(self, layers: list[tuple[NDArray, NDArray]]) -> None:
        self.layers = layers

    def cumulative(self, observations: NDArray) -> NDArray:
        """Running sums over actions of numbers in proportion to pi(a|s), (n, A).

        Args:
            observations: (n, D).

        Returns:
            In the policy's precision; a row ends with NaN where there is nothing finite
            to draw from.
        """
        *layers, (last_weight, last_bias) = self.layers
        values = observations.astype(last_weight.dtype)
        with np.errstate(all="ignore"):
            for weight, bias in layers:
                values = values.dot(weight)
                values += bias
                np.tanh(values, out=values)
            # A column for each action: it is along these that NumPy is fast.
            logits = np.add(values.dot(last_weight), last_bias, order="F")
            # The largest becomes exp(0): no overflow, and NaN if it is infinite.
            logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
            np.exp(logits, out=logits)
            return np.add.accumulate(logits, axis=1, out=logits)


def read_network(
    policy: Any, observation_space: Space, action_space: Space
) -> NumpyNetwork | None:
    """The network of an `MLPPolicy`, where NumPy can do for it what PyTorch does.

    Args:
        policy: maps observations to a distribution over actions.
        observation_space: of one environment.
        action_space: of one environment.

    Returns:
        None for any other policy, a subclass included, for one that was altered (other
        layers, hooks), that is not in float32 or float64 on the CPU, or that does not
        fit the spaces: it is left to PyTorch, and to its words for what is wrong.
    """
    if type(policy) is not MLPPolicy or type(policy.network) is not nn.Sequential:
        return None
    modules: list[Any] = list(policy.network)
    kinds = [type(module) for module in modules]
    if kinds != [nn.Linear, *[nn.Tanh, nn.Linear] * (len(kinds) // 2)]:
        return None
    if any(_is_altered(module) for module in (policy, policy.network, *modules)):
        return None
    parameters = [(module.weight, module.bias) for module in modules[::2]]
    if not _are_readable([tensor for pair in parameters for tensor in pair]):
        return None
    layers = [(w.detach().numpy().T, b.detach().numpy()) for w, b in parameters]
    fits = (
        isinstance(observation_space, spaces.Box)
        and observation_space.shape == (len(layers[0][0]),)
        and isinstance(action_space, spaces.Discrete)
        and action_space.n == len(layers[-1][1])
    )
    return NumpyNetwork(layers) if fits else None


def _is_altered(module: nn.Module) -> bool:
    hooked = module._forward_hooks or module._forward_pre_hooks
    return bool(hooked) or "forward" in vars(module)


def _are_readable(parameters: list[Any]) -> bool:
    kinds = {None if p is None else (p.device.type, p.dtype) for p in parameters}
    return kinds in ({("cpu", torch.float32)}, {("cpu", torch.float64)})
