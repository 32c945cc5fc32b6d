"""tau ~ pi: trajectories sampled from an environment by following a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.acting import actor, ask, draw, seeded
from pg_helpers.envs import MAX_ENVS
from pg_helpers.require import check_count, require
from pg_helpers.spaces import Spaces, as_vector_env, autoreset_mode

MAX_STEPS = 10_000


@dataclass(frozen=True)
class Trajectories:
    """N sampled trajectories, padded with zeros to the length T of the longest.

    Attributes:
        observations: (N, T, ...), what the policy saw before each step.
        actions: (N, T, ...), int64 indexes from 0 for a Discrete space; for a Box space
            what the policy drew, before it was clipped to the space.
        rewards: (N, T), in the policy's precision.
        mask: bool (N, T), True where a step was taken.
        truncated: bool (N,), True where the episode was cut off, not terminated.
        final_observations: (N, ...), what was seen after the last step.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor
    truncated: Tensor
    final_observations: Tensor

    @property
    def terminated(self) -> Tensor:
        """Whether each episode ended by itself, bool (N,)."""
        return ~self.truncated

    @property
    def lengths(self) -> Tensor:
        """Number of steps of each trajectory, int64 (N,)."""
        return self.mask.sum(dim=1)


def sample_trajectory(
    env: gymnasium.Env, policy: Any, seed: int | None = 0, max_steps: int = MAX_STEPS
) -> Trajectories:
    """Sample one trajectory by the plain loop: observe, draw, act, until the end.

    Args:
        env: a Gymnasium environment.
        policy: maps an observation to a distribution over actions.
        seed: of the environment and the policy; the same seed, also the default, gives
            the same trajectory. None for a new one each time.
        max_steps: a longer episode is refused.

    Returns:
        Trajectories with N = 1.

    Raises:
        TypeError: env is not a Gymnasium environment, the policy does not return a
            distribution, or a count is not an integer.
        ValueError: the policy does not fit the action space; a number from policy or
            environment is not finite; or the episode does not end within max_steps.
    """
    require(isinstance(env, gymnasium.Env), "env", "a gymnasium.Env", env, TypeError)
    check_count("max_steps", max_steps)
    spaces, steps = Spaces(env, policy), []
    with seeded(seed, spaces.device) as (env_seed, generator):
        observation = spaces.reset(env, seed=env_seed)
        for time in range(max_steps):
            action = draw(ask(policy, observation, spaces), generator)
            next_observation, reward, terminated, truncated, _ = spaces.step(
                env, spaces.for_env(action)
            )
            steps.append((0, time, observation, action, reward))
            observation = next_observation
            if terminated or truncated:
                break
        else:
            raise _too_long(max_steps)
    episode = tuple(np.array(column) for column in zip(*steps, strict=True))
    end = (np.array([0]), observation[None], (truncated & ~terminated)[None])
    return _collate([episode], [end], 1, spaces)


def sample_trajectories(
    envs: Any,
    policy: Any,
    num_trajectories: int,
    seed: int | None = 0,
    max_steps: int = MAX_STEPS,
) -> Trajectories:
    """Sample N trajectories in lock-step: one forward pass per step for all of them.

    Each environment runs one episode per reset, and what it does afterwards is
    discarded: long and short episodes are drawn as often as they occur. (The first N
    episodes to finish would over-represent short ones.) If N exceeds the number of
    environments, all are reset and run again.

    Args:
        envs: a gymnasium VectorEnv; an environment id or a TabularMDP, from which one
            is made; or a single gymnasium.Env, which runs N times.
        policy: maps observations (n, ...) to a distribution over actions.
        num_trajectories: N.
        seed: of the environments and the policy; the same seed, also the default, gives
            the same sample. None for a new one each time.
        max_steps: a longer episode is refused.

    Returns:
        The N trajectories, on the policy's device.

    Raises:
        TypeError: envs is none of these, the policy does not return a distribution, or
            a count is not an integer.
        ValueError: an unknown id; or as for `sample_trajectory`.
    """
    N = check_count("num_trajectories", num_trajectories, at_most=MAX_ENVS)
    check_count("max_steps", max_steps)
    with as_vector_env(envs, N) as vector:
        return in_lock_step(vector, Spaces(vector, policy), policy, N, seed, max_steps)


def in_lock_step(
    envs: VectorEnv,
    spaces: Spaces,
    policy: Any,
    N: int,
    seed: int | None,
    max_steps: int,
) -> Trajectories:
    """Sample N trajectories; `sample_trajectories` says how."""
    steps: list[tuple[NDArray, ...]] = []
    ends: list[tuple[NDArray, ...]] = []
    with seeded(seed, spaces.device) as (env_seed, generator):
        act, mode = actor(envs, policy, spaces), autoreset_mode(envs)
        for offset in range(0, N, envs.num_envs):
            # A seed of its own: what follows a check goes on from where it ended.
            spaces.check_reset(envs, None if env_seed is None else env_seed + offset)
            observations = spaces.reset(envs, seed=None if offset else env_seed)
            running = np.arange(min(envs.num_envs, N - offset))
            for time in range(max_steps):
                seen = observations.take(running, axis=0)
                actions = act(seen, running, generator)
                taken = actions[running]  # before the environment may change them
                observations, rewards, terminated, truncated, info = spaces.step(
                    envs, spaces.for_env(actions)
                )
                rows, times = running + offset, np.full(len(running), time, np.int32)
                steps.append((rows, times, seen, taken, rewards[running]))
                done = terminated | truncated
                spaces.remember(envs, done)
                if not np.count_nonzero(done):
                    continue
                finished, running = running[done[running]], running[~done[running]]
                last = spaces.last_seen(mode, observations, info, finished)
                was_truncated = (truncated & ~terminated)[finished]
                ends.append((finished + offset, last, was_truncated))
                if mode is AutoresetMode.DISABLED:
                    observations = spaces.reset(envs, options={"reset_mask": done})
                if not len(running):
                    break
            else:
                raise _too_long(max_steps)
    return _collate(steps, ends, N, spaces)


@np.errstate(over="ignore")  # infinity is refused
def _collate(
    steps: list[tuple[NDArray, ...]],
    ends: list[tuple[NDArray, ...]],
    N: int,
    spaces: Spaces,
) -> Trajectories:
    """Padded tensors of N episodes; refuses numbers that are not finite.

    Args:
        steps: indices of trajectories, times, observations, actions, rewards.
        ends: indices of trajectories, last observations, whether truncated.
        N: number of trajectories.
        spaces: of the environment.
    """
    rows, times, seen, actions, rewards = zip(*steps, strict=True)
    time = np.concatenate(times)
    T = time.max() + 1
    places = np.concatenate(rows) * T + time
    mask = np.zeros(N * T, dtype=bool)
    mask[places] = True

    def padded(name: str, parts: tuple[NDArray, ...], dtype: Any = None) -> Tensor:
        values = np.concatenate(parts)
        whole = np.zeros((N * T, *values.shape[1:]), dtype or values.dtype)
        whole[places] = values
        whole = whole.reshape(N, T, *values.shape[1:])
        return spaces.finite(f"{name} by trajectory and step", whole)

    ended, last, truncated = map(np.concatenate, zip(*ends, strict=True))
    order, last = ended.argsort(), last.astype(spaces.seen_dtype)
    return Trajectories(
        observations=padded("observations", seen, spaces.seen_dtype),
        actions=padded("actions", actions),
        rewards=padded("rewards", rewards, spaces.float_dtype),
        mask=torch.from_numpy(mask.reshape(N, T)).to(spaces.device),
        truncated=torch.from_numpy(truncated[order]).to(spaces.device),
        final_observations=spaces.finite(
            "final_observations by trajectory", last[order]
        ),
    )


def _too_long(max_steps: int) -> ValueError:
    return ValueError(
        f"env: expected every episode to end within max_steps = {max_steps:,} steps, "
        "got one that is still running. Give the environment a time limit "
        "(gymnasium.wrappers.TimeLimit), or raise max_steps."
    )
