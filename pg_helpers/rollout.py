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

from pg_helpers.arguments import NotFiniteError, all_finite, check_count
from pg_helpers.interface import Translator, as_vector_env, seeded
from pg_helpers.snapshot import translator_for

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
        max_steps: an episode that is longer is refused.

    Returns:
        Trajectories with N = 1.

    Raises:
        TypeError: env is not a Gymnasium environment, the policy does not return a
            distribution, or a count is not an integer.
        ValueError: the policy does not fit the action space or gives numbers that are
            not finite, a reward or observation is not finite, or the episode does not
            end within max_steps.
    """
    if not isinstance(env, gymnasium.Env):
        raise TypeError(f"env: expected a gymnasium.Env, got {env!r}")
    max_steps = check_count("max_steps", max_steps)
    translator = Translator(env, policy)
    episode = _Round(1)
    with seeded(seed, translator.device) as seeds, torch.inference_mode():
        env_seed, generator = seeds
        observation, _ = env.reset(seed=env_seed)
        ended = False
        while not ended:
            action = translator.draw(
                observation, episode.num_steps(max_steps), generator
            )
            seen = np.array(observation)
            observation, reward, terminated, truncated, _ = env.step(
                translator.for_env(action)
            )
            episode.add(seen[None], action[None], np.array([reward]))
            ended = terminated or truncated
    cut = np.array([truncated and not terminated])
    episode.finish(np.ones(1, bool), np.array(observation)[None], cut)
    return _collate([episode], translator)


def sample_trajectories(
    envs: Any,
    policy: Any,
    num_trajectories: int,
    seed: int | None = 0,
    max_steps: int = MAX_STEPS,
) -> Trajectories:
    """Sample N trajectories in lock-step: one forward pass a step for all of them.

    Each environment runs exactly one episode, and what it does afterwards is masked, so
    that long and short episodes are drawn as often as they occur. (To take the first N
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
        ValueError: no trajectories, an unknown id, a policy that does not fit the
            action space or gives numbers that are not finite, a reward or observation
            that is not finite, or an episode that does not end within max_steps.
    """
    num_trajectories = check_count("num_trajectories", num_trajectories)
    max_steps = check_count("max_steps", max_steps)
    rounds = []
    with as_vector_env(envs, num_trajectories) as vector:
        translator = translator_for(vector, policy)
        with seeded(seed, translator.device) as seeds, torch.inference_mode():
            env_seed, generator = seeds
            for first in range(0, num_trajectories, vector.num_envs):
                wanted = min(vector.num_envs, num_trajectories - first)
                start, _ = vector.reset(seed=env_seed if first == 0 else None)
                rounds.append(
                    _run_round(vector, translator, start, wanted, max_steps, generator)
                )
    return _collate(rounds, translator)


def _run_round(
    envs: VectorEnv,
    translator: Translator,
    observations: NDArray,
    wanted: int,
    max_steps: int,
    generator: np.random.Generator,
) -> _Round:
    """One episode in each of the first `wanted` environments."""
    episodes = _Round(wanted)
    running = np.arange(envs.num_envs) < wanted
    stays_ended = envs.metadata.get("autoreset_mode") == AutoresetMode.DISABLED
    while np.count_nonzero(running):  # a quarter of the time of any()
        seen = np.array(observations)
        # An ended environment may show anything; no policy has to bear it.
        seen[~running] = translator.seen_as_0
        step = episodes.num_steps(max_steps)
        actions = translator.draw(seen, step, generator, running)
        observations, rewards, terminated, truncated, infos = envs.step(
            translator.for_env(actions)
        )
        episodes.add(seen, actions, rewards)
        ended = terminated | truncated
        if np.count_nonzero(ended & running):
            # With same-step autoreset the last observation is in the info.
            last = infos["final_obs"] if "final_obs" in infos else observations
            episodes.finish(ended & running, last, truncated & ~terminated)
            running = running & ~ended
        if stays_ended and ended.any():
            observations, _ = envs.reset(options={"reset_mask": ended})
    return episodes


class _Round:
    """One episode in each of n environments: what they saw, did and got, over time.

    Attributes:
        lengths: int64 (n,), number of steps of each episode.
        truncated: bool (n,), whether it was cut off.
        final: (n, ...), what was seen after its last step.
    """

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self.observations: list[NDArray] = []
        self.actions: list[NDArray] = []
        self.rewards: list[NDArray] = []
        self.lengths = np.zeros(num_envs, dtype=np.int64)
        self.truncated = np.zeros(num_envs, dtype=bool)
        self.final: NDArray = np.empty(0)

    def num_steps(self, max_steps: int) -> int:
        """Steps taken so far; refuses to reach beyond `max_steps`."""
        if len(self.rewards) >= max_steps:
            raise ValueError(
                f"env: expected every episode to end within max_steps = {max_steps:,} "
                "steps, got one that goes on. Give the environment a time limit "
                "(gymnasium.wrappers.TimeLimit), or raise max_steps."
            )
        return len(self.rewards)

    def add(self, observations: NDArray, actions: NDArray, rewards: NDArray) -> None:
        """Append one step of all environments, also of those that have ended."""
        self.observations.append(observations[: self.num_envs])
        self.actions.append(actions[: self.num_envs])
        self.rewards.append(np.array(rewards, dtype=np.float64)[: self.num_envs])

    def finish(self, ended: NDArray, observations: NDArray, cut: NDArray) -> None:
        """Note how the episodes that end with this step did so."""
        if not self.final.size:
            self.final = np.zeros_like(self.observations[0])
        which = ended.nonzero()[0]
        self.lengths[which] = len(self.rewards)
        self.truncated[which] = cut[which]
        last = observations[which]
        # An info holds an array of arrays; a list of them becomes one array.
        self.final[which] = list(last) if last.dtype == object else last


def _collate(rounds: list[_Round], translator: Translator) -> Trajectories:
    lengths = np.concatenate([episodes.lengths for episodes in rounds])
    mask = np.arange(lengths.max()) < lengths[:, None]

    def padded(name: str, padding: int) -> NDArray:
        """All rounds as one array (N, T, ...), padded to the longest of them."""
        first = getattr(rounds[0], name)[0]
        whole = np.full((*mask.shape, *first.shape[1:]), padding, first.dtype)
        row = 0
        for episodes in rounds:
            steps = getattr(episodes, name)
            block = np.concatenate(steps).reshape(len(steps), *steps[0].shape)
            rows = slice(row, row + episodes.num_envs)
            whole[rows, : len(steps)] = block.swapaxes(0, 1)
            row += episodes.num_envs
        return whole

    def tensor(array: NDArray, dtype: torch.dtype | None = None) -> Tensor:
        return torch.as_tensor(array, dtype=dtype, device=translator.device)

    actions, rewards = padded("actions", 0), padded("rewards", 0)
    # What was done and paid after the end is nobody's.
    actions[~mask] = rewards[~mask] = 0
    seen = padded("observations", translator.seen_as_0)
    batch = Trajectories(
        observations=translator.for_policy(seen),
        actions=tensor(actions),
        rewards=tensor(rewards, translator.dtype),
        mask=tensor(mask),
        truncated=tensor(np.concatenate([r.truncated for r in rounds])),
        final_observations=translator.for_policy(
            np.concatenate([r.final for r in rounds])
        ),
    )
    for name in ("observations", "actions", "rewards", "final_observations"):
        _check_finite(name, getattr(batch, name))
    return batch


def _check_finite(name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and not all_finite(tensor):
        number, *rest = (int(i) for i in (~tensor.isfinite()).nonzero()[0])
        step = "" if name == "final_observations" else f"step {rest[0]} of "
        raise NotFiniteError(
            f"{name}: expected finite numbers from the environment, in {tensor.dtype}, "
            f"got {float(tensor[number, *rest])} at {step}trajectory {number}"
        )
