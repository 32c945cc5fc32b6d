"""How a policy acts: what it returns, checked once, and the actions drawn from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution

from pg_helpers.draws import draw_indexes, indexes_at
from pg_helpers.envs import MAX_ENVS, TabularVectorEnv, check_seed
from pg_helpers.policies import MLPPolicy
from pg_helpers.require import NotFiniteError, check_finite, require, shown
from pg_helpers.spaces import Spaces

# Environments written in C++ take a seed as an int of 32 bits, and Gymnasium's vectors
# give their environment number i the seed plus i.
MAX_ENV_SEED = 2**31 - MAX_ENVS

Network = Callable[[NDArray], NDArray]
Act = Callable[[NDArray, NDArray, np.random.Generator], NDArray]


def answer(policy: Any, seen: Tensor, spaces: Spaces) -> Any:
    """What a policy answers to observations (n, ...) or to one; carries its graph.

    Raises:
        TypeError: it is not a distribution.
        ValueError: it does not fit the action space.
    """
    can_act = callable(policy) and not isinstance(policy, type)
    require(can_act, "policy", "a function of observations", policy, TypeError)
    distribution = policy(seen)
    is_one, came = isinstance(distribution, Distribution), type(distribution)
    require(is_one, "policy", "a torch.distributions object", came, TypeError)
    batch = seen.shape[: seen.ndim - len(spaces.observation.shape)]
    action = spaces.action
    if isinstance(distribution, Categorical):
        is_discrete = isinstance(action, Discrete)
        fits = is_discrete and distribution.logits.shape == (*batch, action.n)
    else:
        shape = distribution.batch_shape + distribution.event_shape
        fits = isinstance(action, Box) and shape == (*batch, *action.shape)
    if not fits:
        raise ValueError(
            f"policy: expected a distribution over {action} for observations of shape "
            f"{tuple(seen.shape)}, got {shown(distribution)}"
        )
    return distribution


def ask(policy: Any, observations: NDArray, spaces: Spaces) -> Any:
    """The answer to what an environment shows, without a graph."""
    # Around the policy alone: an environment may differentiate, or train.
    with torch.inference_mode():
        return answer(policy, spaces.for_policy(observations), spaces)


def draw(distribution: Distribution, generator: np.random.Generator) -> NDArray:
    """Actions drawn from a policy's answer: integers, or real numbers of its own.

    Raises:
        ValueError: what the distribution draws has another shape than it says.
        NotFiniteError: there is nothing finite to draw from.
    """
    if isinstance(distribution, Categorical):
        return draw_indexes(cumulative_probabilities(distribution), generator)
    try:
        actions = distribution.sample()
    except RuntimeError as error:  # torch.normal, for a standard deviation of NaN
        raise NotFiniteError(
            f"policy: expected a density, got none ({error})"
        ) from error
    shape = distribution.batch_shape + distribution.event_shape
    fits = isinstance(actions, Tensor) and actions.shape == shape
    require(fits, "policy", f"a draw of shape {tuple(shape)}", actions)
    check_finite("policy, actions", actions)
    return actions.cpu().numpy()


def cumulative_probabilities(distribution: Categorical) -> NDArray:
    """Running sums of a policy's probabilities, (..., A)."""
    cumulative = np.exp(distribution.logits.cpu().numpy()).cumsum(axis=-1)
    if not np.isfinite(cumulative[..., -1]).all():
        came = f"{shown(distribution.logits)} as logits"
        raise NotFiniteError(f"policy: expected probabilities, got {came}")
    return cumulative


def actor(envs: VectorEnv, policy: Any, spaces: Spaces) -> Act:
    """The fastest way to draw this policy's actions in these environments.

    The plain way asks the policy at every step: any environment, any policy. Within a
    batch theta does not change, so there are two short cuts. In a `TabularVectorEnv`
    the policy is asked once, for its probabilities in all states. Elsewhere an
    `MLPPolicy` is computed in NumPy: for the few observations of a step, PyTorch spends
    most of its time on the way to the numbers.

    Returns:
        A function of the observations (n, ...) of those that run, their numbers (n,),
        and a generator; it returns one action per environment, also for those that do
        not run. For a policy without randomness of its own, all ways draw the same
        actions, up to rounding.
    """
    network, num_envs = numpy_network(policy, spaces), envs.num_envs
    if type(envs) is TabularVectorEnv:  # a subclass may show something else
        seen = envs.mdp.observations
        table = None if network is None else network(seen)
        if table is None or np.isnan(table).any():
            table = cumulative_probabilities(ask(policy, seen, spaces))
        return lambda _, running, generator: draw_indexes(table[envs.states], generator)

    def plain(observations: NDArray, running: NDArray, generator: Any) -> NDArray:
        # Ended environments may show anything, such as NaN: the policy gets zeros.
        whole = np.zeros((num_envs, *observations.shape[1:]), observations.dtype)
        whole[running] = observations
        return draw(ask(policy, whole, spaces), generator)

    if network is None:
        return plain

    def in_numpy(observations: NDArray, running: NDArray, generator: Any) -> NDArray:
        cumulative = network(observations)
        total = cumulative[:, -1]
        if math.isnan(total.dot(total)):  # the fastest test for a NaN
            return plain(observations, running, generator)  # which says what is wrong
        # A random number per environment: the end of one changes no other's.
        uniform = generator.random(num_envs)
        actions = np.zeros(num_envs, dtype=np.int64)
        actions[running] = indexes_at(uniform[running], cumulative)
        return actions

    return in_numpy


def numpy_network(policy: Any, spaces: Spaces) -> Network | None:
    """The network of an unaltered `MLPPolicy` in NumPy, for drawing actions.

    Returns:
        From observations (n, D) to running sums over actions, (n, A), of numbers in
        proportion to pi(a|s), in the policy's precision; NaN where there is nothing
        finite to draw from. None for any other policy, or one that does not fit the
        spaces: it is left to PyTorch, and to its words for what is wrong.
    """
    if type(policy) is not MLPPolicy or type(policy.network) is not nn.Sequential:
        return None
    modules: list[Any] = list(policy.network)
    built = [nn.Linear, *[nn.Tanh, nn.Linear] * (len(modules) // 2)]
    altered = map(_is_altered, (policy, policy.network, *modules))
    if [type(module) for module in modules] != built or any(altered):
        return None
    tensors = [t for module in modules[::2] for t in (module.weight, module.bias)]
    kinds = {t is not None and (t.device.type, t.dtype) for t in tensors}
    if kinds not in ({("cpu", torch.float32)}, {("cpu", torch.float64)}):
        return None
    arrays = [t.detach().numpy() for t in tensors]
    sizes = (spaces.observation.shape, getattr(spaces.action, "n", None))
    if sizes != ((arrays[0].shape[1],), len(arrays[-1])):
        return None
    *hidden, (last_weight, last_bias) = [
        (weight.T, bias) for weight, bias in zip(arrays[::2], arrays[1::2], strict=True)
    ]

    @np.errstate(all="ignore")  # where training diverges, the plain way says it
    def cumulative(observations: NDArray) -> NDArray:
        values = observations.astype(last_weight.dtype)
        for weight, bias in hidden:
            values = values.dot(weight)
            values += bias
            np.tanh(values, out=values)
        # A column per action: it is along these that NumPy is fast.
        logits = np.add(values.dot(last_weight), last_bias, order="F")
        # The largest becomes exp(0): no overflow, and NaN if it is infinite.
        logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
        np.exp(logits, out=logits)
        return np.add.accumulate(logits, axis=1, out=logits)

    return cumulative


def _is_altered(module: nn.Module) -> bool:
    hooked = module._forward_hooks or module._forward_pre_hooks
    return bool(hooked) or "forward" in vars(module)


@contextmanager
def seeded(
    seed: int | None, device: torch.device
) -> Iterator[tuple[int, np.random.Generator]]:
    """Seed PyTorch inside the block and leave its generators outside as they were.

    Args:
        seed: at least 0; None for a new one each time.
        device: where the policy draws its actions, the CPU or CUDA.

    Yields:
        A seed for the environment, below `MAX_ENV_SEED`, and a generator for the
        policy's discrete actions.
    """
    seeds = np.random.SeedSequence(check_seed(seed))
    for_env, for_torch, for_numpy = seeds.generate_state(3)
    with torch_seeded(int(for_torch), device):
        generator = np.random.Generator(np.random.PCG64(for_numpy))
        yield int(for_env % MAX_ENV_SEED), generator


@contextmanager
def torch_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch inside the block and leave its generators outside as they were."""
    generators = [torch.default_generator]
    if device.type == "cuda":
        torch.cuda.init()
        generators.append(torch.cuda.default_generators[device.index or 0])
    before = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)
