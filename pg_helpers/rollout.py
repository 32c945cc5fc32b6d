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

from pg_helpers.acting import Translator, as_vector_env, seeded
from pg_helpers.env_answers import EnvAnswers, autoreset_mode, reset
from pg_helpers.envs import MAX_ENVS
from pg_helpers.require import NotFiniteError, all_finite, check_count, shown
from pg_helpers.snapshot import translator_for

MAX_STEPS = 10_000
ONLY = np.zeros(1, dtype=np.int64)  # the row of a single trajectory


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
        raise TypeError(f"env: expected a gymnasium.Env, got {shown(env)}")
    max_steps = check_count("max_steps", max_steps)
    translator = Translator(env, policy)
    answers = EnvAnswers(translator.observation_space)
    record = _Record(1)
    with seeded(seed, translator.device) as seeds:
        env_seed, generator = seeds
        observation = answers.start(reset(env, env_seed))
        for step in range(max_steps):
            # Copies: the memory may be the environment's, and the policy's to write in.
            seen = observation.copy()
            action = translator.draw(observation.copy(), step, generator)
            observation, reward, terminated, truncated, _ = answers.step(
                env.step(translator.for_env(action))
            )
            record.add(ONLY, step, seen[None], action[None], reward[None])
            if terminated or truncated:
                break
        else:
            raise _too_long(max_steps)
    record.finish(ONLY, observation[None], (truncated & ~terminated)[None])
    return _collate(record, translator)


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
    num_trajectories = check_count(
        "num_trajectories", num_trajectories, at_most=MAX_ENVS
    )
    max_steps = check_count("max_steps", max_steps)
    record = _Record(num_trajectories)
    with as_vector_env(envs, num_trajectories) as vector:
        translator = translator_for(vector, policy)
        num_envs = check_count("env.num_envs", getattr(vector, "num_envs", 0))
        answers = EnvAnswers(translator.observation_space, (num_envs,))
        with seeded(seed, translator.device) as seeds:
            env_seed, generator = seeds
            for first in range(0, num_trajectories, num_envs):
                start = vector.reset(seed=env_seed if first == 0 else None)
                rows = np.arange(first, min(first + num_envs, num_trajectories))
                _run_round(
                    vector,
                    translator,
                    answers,
                    record,
                    rows,
                    answers.start(start),
                    max_steps,
                    generator,
                )
    return _collate(record, translator)


def _run_round(
    envs: VectorEnv,
    translator: Translator,
    answers: EnvAnswers,
    record: _Record,
    rows: NDArray,
    observations: NDArray,
    max_steps: int,
    generator: np.random.Generator,
) -> None:
    """One episode in each environment, for the trajectories of these numbers."""
    running = rows - rows[0]
    (number,) = answers.batch
    mode = autoreset_mode(envs)
    for step in range(max_steps):
        # A copy, as the memory may be the environment's; a third of the time of [].
        seen = observations.take(running, axis=0)
        actions = translator.draw(seen, step, generator, running, number)
        taken = actions[running]  # a copy, as what the environment gets may change
        observations, rewards, terminated, truncated, info = answers.step(
            envs.step(translator.for_env(actions))
        )
        record.add(rows, step, seen, taken, rewards[running])
        ended = terminated | truncated
        ends = ended[running]
        if np.count_nonzero(ends):  # a quarter of the time of any()
            last = running[ends]
            seen = observations[last]
            at_once = mode is None and "final_obs" in info
            if at_once or mode is AutoresetMode.SAME_STEP:
                # The observations are those of the next episodes already.
                seen = answers.final(info, last)
            record.finish(rows[ends], seen, (truncated & ~terminated)[last])
            rows, running = rows[~ends], running[~ends]
        if mode is AutoresetMode.DISABLED and ended.any():
            observations = answers.start(envs.reset(options={"reset_mask": ended}))
        if not len(running):
            return
    raise _too_long(max_steps)


def _too_long(max_steps: int) -> ValueError:
    return ValueError(
        f"env: expected every episode to end within max_steps = {max_steps:,} steps, "
        "got one that goes on. Give the environment a time limit "
        "(gymnasium.wrappers.TimeLimit), or raise max_steps."
    )


class _Record:
    """What N episodes saw, did and got: of each step, only of those who took it.

    Attributes:
        rows: for each step, the numbers of the episodes that took it.
        times: for each step, how many came before it.
        lengths: int64 (N,), number of steps of each episode.
        truncated: bool (N,), whether it was cut off.
        ended: of those that ended together, their numbers and what they saw last.
    """

    def __init__(self, number: int) -> None:
        self.rows: list[NDArray] = []
        self.times: list[int] = []
        self.observations: list[NDArray] = []
        self.actions: list[NDArray] = []
        self.rewards: list[NDArray] = []
        self.lengths = np.zeros(number, dtype=np.int64)
        self.truncated = np.zeros(number, dtype=bool)
        self.ended: list[tuple[NDArray, NDArray]] = []

    def add(
        self,
        rows: NDArray,
        time: int,
        observations: NDArray,
        actions: NDArray,
        rewards: NDArray,
    ) -> None:
        """Append one step."""
        self.rows.append(rows)
        self.times.append(time)
        self.observations.append(observations)
        self.actions.append(actions)
        self.rewards.append(rewards)

    def finish(self, rows: NDArray, observations: NDArray, cut: NDArray) -> None:
        """Note how the episodes that end with the last step did so."""
        self.lengths[rows] = self.times[-1] + 1
        self.truncated[rows] = cut
        self.ended.append((rows, observations))


def _collate(record: _Record, translator: Translator) -> Trajectories:
    N, T = len(record.lengths), int(record.lengths.max())
    times = np.repeat(record.times, [len(rows) for rows in record.rows])
    places = np.concatenate(record.rows) * T + times

    def padded(steps: list[NDArray], padding: int = 0) -> NDArray:
        """All steps in their places, (N, T, ...)."""
        taken = np.concatenate(steps)
        whole = np.full((N * T, *taken.shape[1:]), padding, taken.dtype)
        whole[places] = taken
        return whole.reshape(N, T, *taken.shape[1:])

    def tensor(array: NDArray, dtype: torch.dtype | None = None) -> Tensor:
        return torch.as_tensor(array, dtype=dtype, device=translator.device)

    seen = padded(record.observations, translator.seen_as_0)
    numbers, last = (np.concatenate(parts) for parts in zip(*record.ended, strict=True))
    batch = Trajectories(
        observations=translator.for_policy(seen),
        actions=tensor(padded(record.actions)),
        rewards=tensor(padded(record.rewards), translator.dtype),
        mask=tensor(np.arange(T) < record.lengths[:, None]),
        truncated=tensor(record.truncated),
        final_observations=translator.for_policy(last[numbers.argsort()]),
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
