"""Where policies and environments meet: vectors of environments, numbers, seeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Categorical, Distribution

from pg_helpers.cartpole import in_arrays
from pg_helpers.draws import draw_indexes
from pg_helpers.env_answers import VectorOfOne, checked_spaces
from pg_helpers.envs import MAX_ENVS, TabularVectorEnv, check_seed
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import placement
from pg_helpers.require import NotFiniteError, all_finite, check_count, shown

# Environments written in C++ take a seed as an int, and Gymnasium's vectors give their
# environment number i the seed plus i.
MAX_ENV_SEED = 2**31 - MAX_ENVS


class Translator:
    """Turns what an environment and a policy say into each other's terms.

    Args:
        env: a Gymnasium environment, single or vector.
        policy: maps observations to a distribution over actions.

    Raises:
        TypeError: env is not a Gymnasium environment.
        ValueError: a space is neither Discrete nor Box, or the policy's parameters hold
            no numbers.
    """

    def __init__(self, env: Any, policy: Any) -> None:
        self.observation_space: Any
        self.action_space: Any
        self.observation_space, self.action_space = checked_spaces(env)
        self.seen_as_0 = getattr(self.observation_space, "start", 0)
        self.policy = policy
        self.device, self.dtype = placement(policy)
        if self.device.type == "meta" or not self.dtype.is_floating_point:
            raise ValueError(
                "policy: expected parameters that hold floating-point numbers, got "
                f"{self.dtype} on device {self.device}"
            )

    def for_policy(self, observations: NDArray) -> Tensor:
        """Integers from 0 for a Discrete space, the policy's float type for a Box."""
        if isinstance(self.observation_space, spaces.Discrete):
            shifted = observations - self.seen_as_0
            return torch.as_tensor(shifted, dtype=torch.int64, device=self.device)
        return torch.as_tensor(observations, dtype=self.dtype, device=self.device)

    def for_env(self, actions: NDArray) -> Any:
        """What step() takes: shifted to the space's start, or clipped to its bounds."""
        space = self.action_space
        if isinstance(space, spaces.Box):
            return np.clip(actions, space.low, space.high).astype(space.dtype)
        shifted = actions + space.start if space.start else actions
        return int(shifted) if shifted.ndim == 0 else shifted

    def draw(
        self,
        observations: NDArray,
        step: int,
        generator: np.random.Generator,
        running: NDArray | None = None,
        number: int = 0,
    ) -> NDArray:
        """Actions drawn from the policy, which may answer otherwise at each step.

        Args:
            observations: (n, ...), or one observation.
            step: number of steps taken before this one.
            generator: gives a random number for each discrete action.
            running: int (n,), whose observations these are, out of `number`
                environments; by default there are no others.
            number: of environments.

        Returns:
            An action for each environment, also for those that do not run.

        Raises:
            TypeError: the policy does not return a distribution.
            ValueError: the distribution does not fit the action space.
            NotFiniteError: there is nothing finite to draw from.
        """
        if running is not None:
            # An ended environment may show anything; no policy has to bear it.
            shape = (number, *observations.shape[1:])
            whole = np.full(shape, self.seen_as_0, observations.dtype)
            whole[running] = observations
            observations = whole
        try:
            distribution = self.ask(observations)
            if not isinstance(distribution, Categorical):
                return _sample(distribution)
            cumulative = cumulative_probabilities(distribution)
        except NotFiniteError as error:
            if not np.isfinite(observations).all():
                raise NotFiniteError(
                    "observations: expected finite numbers from the environment, got "
                    f"{observations} at step {step}"
                ) from error
            raise NotFiniteError(f"{error} at step {step}") from error
        rows = cumulative.reshape(-1, cumulative.shape[-1])
        return draw_indexes(rows, generator).reshape(cumulative.shape[:-1])

    def ask(self, observations: NDArray) -> Any:
        """What the policy would do, without a graph; else as `answer`."""
        # Around the policy alone: an environment may differentiate, or train.
        with torch.inference_mode():
            return self.answer(self.for_policy(observations))

    def answer(self, seen: Tensor) -> Any:
        """The policy's answer to observations (n, ...) in its own terms, or to one.

        Raises:
            TypeError: it is not a distribution.
            ValueError: it does not fit the action space.
            Exception: whatever the policy raises, with a note that it was the policy.
        """
        if not callable(self.policy):
            raise TypeError(
                "policy: expected a function from observations to a distribution, "
                f"got {shown(self.policy)}"
            )
        try:
            distribution = self.policy(seen)
        except Exception as error:
            error.add_note(
                "The policy raised this, asked about observations of shape "
                f"{tuple(seen.shape)}."
            )
            raise
        self.check_fit(distribution, tuple(seen.shape))
        return distribution

    def check_fit(self, distribution: Any, shape: tuple[int, ...]) -> None:
        """Check that a policy's answer to observations of that shape can be acted on.

        Raises:
            TypeError: it is not a distribution.
            ValueError: it does not fit the action space.
        """
        if not isinstance(distribution, Distribution):
            raise TypeError(
                "policy: expected a torch.distributions object, "
                f"got {type(distribution).__name__}"
            )
        batch = shape[: len(shape) - len(self.observation_space.shape)]
        if isinstance(self.action_space, spaces.Discrete):
            fits = isinstance(distribution, Categorical) and (
                distribution.logits.shape == (*batch, self.action_space.n)
            )
        else:
            drawn = distribution.batch_shape + distribution.event_shape
            fits = drawn == (*batch, *self.action_space.shape) and not isinstance(
                distribution, Categorical
            )
        if not fits:
            raise ValueError(
                f"policy: expected a distribution over {self.action_space} for each of "
                f"the observations, of shape {shape}, got {distribution}"
            )


def cumulative_probabilities(distribution: Categorical) -> NDArray:
    """Running sums of a policy's probabilities, (..., A), to be drawn from.

    Raises:
        NotFiniteError: a probability is not a number.
    """
    logits = distribution.logits.cpu()
    if logits.dtype.itemsize < 4:  # NumPy has no bfloat16
        logits = logits.float()
    cumulative = np.exp(logits.numpy()).cumsum(axis=-1)
    if not np.isfinite(cumulative).all():
        raise NotFiniteError(
            f"policy: expected probabilities, got {distribution.logits} as logits"
        )
    return cumulative


@contextmanager
def as_vector_env(env: Any, num_envs: int) -> Iterator[VectorEnv]:
    """A VectorEnv made from `env`; closed on leaving if it was made here.

    Args:
        env: a VectorEnv (used as it is), an environment id, a TabularMDP, or a single
            gymnasium.Env, which becomes a vector of one.
        num_envs: number of environments to make from an id or a TabularMDP.

    Yields:
        The vector environment.

    Raises:
        TypeError: env is none of these, or num_envs is not an integer.
        ValueError: the id is not registered, or num_envs is out of range.
    """
    num_envs = check_count("num_envs", num_envs, at_most=MAX_ENVS)
    if isinstance(env, VectorEnv):
        yield env
    elif isinstance(env, TabularMDP):
        yield TabularVectorEnv(env, num_envs)
    elif isinstance(env, gymnasium.Env):
        yield VectorOfOne(env, *checked_spaces(env))
    elif isinstance(env, str):
        with registered(env):
            made = gymnasium.make_vec(env, num_envs)
        try:
            yield in_arrays(made)
        finally:
            made.close()
    else:
        raise no_environment(env)


@contextmanager
def registered(env_id: str) -> Iterator[None]:
    """Say that a registered id was expected, if none can be made of this one inside.

    Raises:
        ValueError: the id is not registered.
        Exception: whatever the environment itself raised.
    """
    try:
        yield
    except (gymnasium.error.Error, ImportError, ValueError, TypeError) as error:
        if isinstance(error, ValueError | TypeError) and ":" not in env_id:
            raise  # The environment's own: no module is named that is none.
        raise ValueError(
            f"env: expected a registered id, got {shown(env_id)} ({error})"
        ) from error


def no_environment(env: Any) -> TypeError:
    """What to raise at something that is no environment of any kind."""
    return TypeError(
        "env: expected a Gymnasium environment, single or vector, an environment "
        f"id or a TabularMDP, got {shown(env)}"
    )


@contextmanager
def seeded(
    seed: int | None, device: torch.device
) -> Iterator[tuple[int, np.random.Generator]]:
    """Seed PyTorch inside the block and leave its generators outside as they were.

    Args:
        seed: at least 0; None for a new one each time.
        device: where the policy draws its actions.

    Yields:
        A seed for the environment, below `MAX_ENV_SEED`, and a generator for the
        policy's discrete actions.
    """
    seeds = np.random.SeedSequence(check_seed(seed))
    for_env, for_torch, for_numpy = seeds.generate_state(3)
    generators = [torch.default_generator]
    if device.type == "cuda":
        torch.cuda.init()
        index = torch.cuda.current_device() if device.index is None else device.index
        generators.append(torch.cuda.default_generators[index])
    before = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(int(for_torch))
        yield (
            int(for_env % MAX_ENV_SEED),
            np.random.Generator(np.random.PCG64(for_numpy)),
        )
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


def _sample(distribution: Distribution) -> NDArray:
    """Actions of a continuous distribution."""
    try:
        actions = distribution.sample()
    except RuntimeError as error:  # torch.normal, for a standard deviation of NaN
        raise NotFiniteError(
            f"policy: expected a density to draw from, got none ({error})"
        ) from error
    form = distribution.batch_shape + distribution.event_shape
    if not isinstance(actions, Tensor) or actions.shape != form:
        raise ValueError(
            f"policy: expected a draw of shape {tuple(form)}, got {shown(actions)}"
        )
    actions = actions.cpu()
    if not all_finite(actions):
        raise NotFiniteError(f"policy: expected finite actions, got {actions}")
    # NumPy has no bfloat16.
    return (actions.float() if actions.dtype.itemsize < 4 else actions).numpy()
