"""tau ~ pi: trajectories sampled from an environment by following a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
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
    spaces, steps = Spaces(env, policy), []
    with seeded(seed, spaces.device) as (env_seed, generator):
        observation = spaces.reset(env, seed=env_seed)
        for _ in range(max_steps):
            action = draw(ask(policy, observation, spaces), generator)
            after, reward, terminated, truncated, _ = spaces.step(
                env, spaces.for_env(action)
            )
            steps.append(([0], observation[None], action[None], reward[None]))
            observation = after
            if terminated or truncated:
                break
        else:
            raise _too_long(max_steps)
    end = ([0], observation[None], (truncated & ~terminated)[None])
    return _collate(steps, [end], 1, spaces)


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
    steps: list[tuple[Any, ...]] = []
    ends: list[tuple[Any, ...]] = []
    with seeded(seed, spaces.device) as (env_seed, generator):
        act, mode = actor(envs, policy, spaces), autoreset_mode(envs)
        for first in range(0, N, envs.num_envs):
            observations = spaces.reset(envs, seed=None if first else env_seed)
            running = np.arange(min(envs.num_envs, N - first))
            for _ in range(max_steps):
                seen = observations.take(running, axis=0)
                actions = act(seen, running, generator)
                taken = actions[running]  # before the environment may change them
                observations, rewards, terminated, truncated, info = spaces.step(
                    envs, spaces.for_env(actions)
                )
                steps.append((running + first, seen, taken, rewards[running]))
                ended = terminated | truncated
                if not np.count_nonzero(ended):
                    continue
                last, running = running[ended[running]], running[~ended[running]]
                seen = observations[last]
                at_once = mode is None and "final_obs" in info
                if len(last) and (at_once or mode is AutoresetMode.SAME_STEP):
                    # These observations are of the next episodes already.
                    seen = spaces.last_seen(info, last)
                cut = (truncated & ~terminated)[last]
                ends.append((last + first, seen, cut))
                if mode is AutoresetMode.DISABLED:
                    observations = spaces.reset(envs, options={"reset_mask": ended})
                if not len(running):
                    break
            else:
                raise _too_long(max_steps)
    return _collate(steps, ends, N, spaces)


@np.errstate(over="ignore")  # infinity is refused
def _collate(
    steps: list[tuple[Any, ...]], ends: list[tuple[Any, ...]], N: int, spaces: Spaces
) -> Trajectories:
    """Padded tensors of N episodes; refuses numbers that are not finite.

    Args:
        steps: row numbers of those who took the step, what they saw, did and got.
        ends: row numbers of those who ended, what they saw last, whether truncated.
        N: number of rows.
        spaces: of the environment.
    """
    rows, seen, actions, rewards = zip(*steps, strict=True)
    row = np.concatenate(rows)
    lengths = np.bincount(row, minlength=N)
    mask = np.arange(lengths.max()) < lengths[:, None]
    # The steps of a row come in the order of time: a stable sort finds their places.
    places = np.empty_like(row)
    places[row.argsort(kind="stable")] = np.flatnonzero(mask)

    def padded(name: str, parts: Any, kind: Any = None) -> Tensor:
        taken = np.concatenate(parts)
        whole = np.zeros((mask.size, *taken.shape[1:]), kind or taken.dtype)
        whole[places] = taken
        return spaces.finite(
            f"{name} by trajectory and step",
            whole.reshape(*mask.shape, *taken.shape[1:]),
        )

    ended, last, truncated = map(np.concatenate, zip(*ends, strict=True))
    order, last = ended.argsort(), last.astype(spaces.seen_kind)
    return Trajectories(
        observations=padded("observations", seen, spaces.seen_kind),
        actions=padded("actions", actions),
        rewards=padded("rewards", rewards, spaces.kind),
        mask=torch.from_numpy(mask).to(spaces.device),
        truncated=torch.from_numpy(truncated[order]).to(spaces.device),
        final_observations=spaces.finite(
            "final_observations by trajectory", last[order]
        ),
    )


def _too_long(max_steps: int) -> ValueError:
    return ValueError(
        f"env: expected every episode to end within max_steps = {max_steps:,} steps, "
        "got one that goes on. Give the environment a time limit "
        "(gymnasium.wrappers.TimeLimit), or raise max_steps."
    )
