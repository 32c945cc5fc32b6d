"""tau ~ pi: trajectories sampled from an environment by following a policy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.acting import actor, ask, draw, seeded
from pg_helpers.envs import MAX_ENVS
from pg_helpers.require import check_count, check_finite, require
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
        seed: of the environment and the policy; the same seed gives the same
            trajectory. None for a new one each time.
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
    spaces, record = Spaces(env, policy), _Record(1)
    with seeded(seed, spaces.device) as (env_seed, generator):
        observation = spaces.reset(env, seed=env_seed)
        for _ in range(max_steps):
            action = draw(ask(policy, observation, spaces), generator)
            after, reward, terminated, truncated, _ = spaces.step(
                env, spaces.for_env(action)
            )
            record.add([0], observation[None], action[None], reward[None])
            observation = after
            if terminated or truncated:
                break
        else:
            raise _too_long(max_steps)
    record.end([0], observation[None], (truncated & ~terminated)[None])
    return record.collate(spaces)


def sample_trajectories(
    envs: Any,
    policy: Any,
    num_trajectories: int,
    seed: int | None = 0,
    max_steps: int = MAX_STEPS,
) -> Trajectories:
    """Sample N trajectories in lock-step: one forward pass per step for all of them.

    Each environment runs exactly one episode, and what it does afterwards is masked:
    long and short episodes are drawn as often as they occur. (To take the first N
    episodes that end would prefer short ones.) Where N exceeds the number of
    environments, they run again from a fresh reset.

    Args:
        envs: a gymnasium VectorEnv; an environment id or a TabularMDP, from which one
            is made; or a single gymnasium.Env, which runs N times.
        policy: maps observations (n, ...) to a distribution over actions.
        num_trajectories: N.
        seed: of the environments and the policy; the same seed gives the same sample.
            None for a new one each time.
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
    record = _Record(N)
    with seeded(seed, spaces.device) as (env_seed, generator):
        act = actor(envs, policy, spaces)
        for first in range(0, N, envs.num_envs):
            observations = spaces.reset(envs, seed=None if first else env_seed)
            rows = np.arange(first, min(first + envs.num_envs, N))
            running = rows - first
            for _ in range(max_steps):
                seen = observations.take(running, axis=0)
                actions = act(seen, running, generator)
                taken = actions[running]  # before the environment may change them
                observations, rewards, terminated, truncated, info = spaces.step(
                    envs, spaces.for_env(actions)
                )
                record.add(rows, seen, taken, rewards[running])
                ended = terminated | truncated
                if not np.count_nonzero(ended):
                    continue
                mode, ends = autoreset_mode(envs, info), ended[running]
                last = running[ends]
                # Same-step autoreset shows the start of the next episode already.
                same_step = mode is AutoresetMode.SAME_STEP and len(last)
                seen = spaces.last_seen(info, last) if same_step else observations[last]
                record.end(rows[ends], seen, (truncated & ~terminated)[last])
                rows, running = rows[~ends], running[~ends]
                if mode is AutoresetMode.DISABLED:
                    observations = spaces.reset(envs, options={"reset_mask": ended})
                if not len(running):
                    break
            else:
                raise _too_long(max_steps)
    return record.collate(spaces)


class _Record:
    """What N episodes saw, did and got: of each step, only of those who took it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.steps: list[tuple[Any, NDArray, NDArray, NDArray]] = []
        self.ends: list[tuple[Any, NDArray, NDArray]] = []

    def add(self, rows: Any, seen: NDArray, actions: NDArray, rewards: NDArray) -> None:
        """Append one step of the episodes of these numbers."""
        self.steps.append((rows, seen, actions, rewards))

    def end(self, rows: Any, seen: NDArray, truncated: NDArray) -> None:
        """Note what was seen last, and whether the episode was cut off."""
        self.ends.append((rows, seen, truncated))

    def collate(self, spaces: Spaces) -> Trajectories:
        """The padded tensors; refuses numbers that are not finite."""
        rows, seen, actions, rewards = zip(*self.steps, strict=True)
        in_order = np.concatenate(rows)
        lengths = np.bincount(in_order, minlength=self.number)
        N, T = self.number, lengths.max()
        mask = np.arange(T) < lengths[:, None]
        # The steps of a row come in the order of time, so that a stable sort finds the
        # place of each.
        places = np.empty_like(in_order)
        places[in_order.argsort(kind="stable")] = np.flatnonzero(mask)

        def padded(parts: tuple[NDArray, ...]) -> NDArray:
            taken = np.concatenate(parts)
            whole = np.zeros((N * T, *taken.shape[1:]), taken.dtype)
            whole[places] = taken
            return whole.reshape(N, T, *taken.shape[1:])

        ended, last, truncated = map(np.concatenate, zip(*self.ends, strict=True))
        by_row, tensor = ended.argsort(), partial(torch.as_tensor, device=spaces.device)
        numbers = {
            "observations": spaces.for_policy(padded(seen)),
            "actions": tensor(padded(actions)),
            "rewards": tensor(padded(rewards), dtype=spaces.dtype),
            "final_observations": spaces.for_policy(last[by_row]),
        }
        for name, values in numbers.items():
            if values.is_floating_point():
                check_finite(f"{name} by trajectory and step", values)
        return Trajectories(
            mask=tensor(mask), truncated=tensor(truncated[by_row]), **numbers
        )


def _too_long(max_steps: int) -> ValueError:
    return ValueError(
        f"env: expected every episode to end within max_steps = {max_steps:,} steps, "
        "got one that goes on. Give the environment a time limit "
        "(gymnasium.wrappers.TimeLimit), or raise max_steps."
    )
