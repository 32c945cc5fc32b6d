"""What an environment answers, checked once, where it enters."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from pg_helpers.policies import single_spaces
from pg_helpers.require import shown

_STEP = ("observation", "reward", "terminated", "truncated", "info")


class EnvAnswers:
    """Reads what an environment, single or vector, answers to reset and step.

    An environment is foreign code. What it raises is its own, and passes through as it
    is; what it returns is held against its spaces here.

    Args:
        space: observation space of one environment, Discrete or Box.
        batch: (), or (num_envs,) for a vector.
    """

    def __init__(self, space: Any, batch: tuple[int, ...] = ()) -> None:
        self.space, self.batch = space, batch
        self.shape = (*batch, *space.shape)
        # What the last step looked like; one that looks the same needs no second look.
        self._known: Any = None

    def start(self, answer: Any) -> NDArray:
        """The observations that reset() returned, (*batch, ...).

        Raises:
            TypeError: it is not a tuple of two, or there are no numbers in it.
            ValueError: the observation has another shape than the space.
        """
        return self._observations(_parts("reset", answer, ("observation", "info"))[0])

    def step(
        self, answer: Any
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """What came of a step: arrays of shape (*batch, ...), and the info.

        Raises:
            TypeError: it is not a tuple of five, or there are no numbers in it.
            ValueError: an array has another shape than it should.
        """
        if type(answer) is not tuple or len(answer) != len(_STEP):
            _parts("step", answer, _STEP)
        seen, rewards, terminated, truncated, info = answer
        if not isinstance(info, dict):
            raise TypeError(f"env: expected a dict as info, got {_brief(info)}")
        try:
            look = (
                (seen.shape, seen.dtype, rewards.shape, rewards.dtype),
                (terminated.shape, terminated.dtype, truncated.shape, truncated.dtype),
            )
        except AttributeError:
            look = None
        if look is not None and look == self._known:
            return answer
        arrays = (
            self._observations(seen),
            self._numbers("rewards", rewards, self.batch, "biuf"),
            self._flags("terminated", terminated),
            self._flags("truncated", truncated),
        )
        if all(ours is theirs for ours, theirs in zip(arrays, answer, strict=False)):
            self._known = look
        return *arrays, info

    def final(self, info: dict[str, Any], ended: NDArray) -> NDArray:
        """What those saw last whose episode has ended, with same-step autoreset.

        Args:
            info: of the step.
            ended: int (k,), which of the environments.

        Raises:
            TypeError: there are no numbers in it.
            ValueError: it is not there, or has another shape than the space.
        """
        try:
            # An array of arrays, or None for those who go on.
            last = [info["final_obs"][number] for number in ended]
        except Exception as error:
            raise ValueError(
                "env: expected the last observations under 'final_obs' in the info of "
                "step(), as an environment that starts a new episode in the same step "
                f"has to give, got {_brief(info)}"
            ) from error
        return np.array([self._observations(seen, batch=()) for seen in last])

    def _observations(
        self, value: Any, batch: tuple[int, ...] | None = None
    ) -> NDArray:
        shape = self.shape if batch is None else (*batch, *self.space.shape)
        if not isinstance(self.space, spaces.Discrete):
            return self._numbers("observations", value, shape, "biuf")
        array = self._numbers("observations", value, shape, "biu")
        return array if array.dtype == np.int64 else array.astype(np.int64)

    def _flags(self, name: str, value: Any) -> NDArray[np.bool_]:
        array = self._numbers(name, value, self.batch, "biu")
        if array.dtype == bool:
            return array
        if not ((array == 0) | (array == 1)).all():
            raise ValueError(f"env: expected True or False as {name}, got {array}")
        return array.astype(bool)

    def _numbers(
        self, name: str, value: Any, shape: tuple[int, ...], kinds: str
    ) -> NDArray:
        """An array of numbers as NumPy and PyTorch both have them."""
        try:
            array = np.asarray(value)
        except Exception as error:
            raise TypeError(
                f"env: expected numbers as {name}, got {_brief(value)} ({error})"
            ) from error
        if array.dtype.kind not in kinds:
            what = "numbers" if "f" in kinds else "whole numbers"
            if name in _STEP:
                what = "True or False"
            raise TypeError(f"env: expected {what} as {name}, got {_brief(value)}")
        if array.shape != shape:
            raise ValueError(
                f"env: expected {name} of shape {shape}, got {array.dtype} of shape "
                f"{array.shape}"
            )
        if array.dtype.itemsize > 8 or not array.dtype.isnative:
            with np.errstate(over="ignore"):  # infinity is refused later
                return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        return array


class VectorOfOne(VectorEnv):
    """A single environment as a vector, which takes its answers as they are.

    `SyncVectorEnv` would turn None into False, "3" into 3.0 and 300 into a byte.

    Args:
        env: the environment; `close` leaves it open.
        space: its observation space.
        action_space: its action space.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, env: gymnasium.Env, space: Any, action_space: Any) -> None:
        self.env, self.num_envs = env, 1
        self.single_observation_space, self.single_action_space = space, action_space
        self.observation_space = batch_space(space, 1)
        self.action_space = batch_space(action_space, 1)
        self._answers = EnvAnswers(space)
        self._ended = False

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Start an episode."""
        self._ended = False
        return self._answers.start(reset(self.env, seed, options))[None], {}

    def step(
        self, actions: NDArray
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """Act, or start the next episode where the last one has ended."""
        if self._ended:
            seen, _ = self.reset()
            return seen, np.zeros(1), np.zeros(1, bool), np.zeros(1, bool), {}
        *arrays, _ = self._answers.step(self.env.step(actions[0]))
        self._ended = bool(arrays[2] or arrays[3])
        seen, reward, terminated, truncated = (array[None] for array in arrays)
        return seen, reward, terminated, truncated, {}


def checked_spaces(env: Any) -> tuple[Any, Any]:
    """Observation and action space of one environment, also of a vector of them.

    Raises:
        TypeError: env is not a Gymnasium environment.
        ValueError: a space is neither Discrete nor Box.
    """
    found = single_spaces(env)
    for name, space in zip(("observation", "action"), found, strict=True):
        if not isinstance(space, spaces.Discrete | spaces.Box):
            raise ValueError(f"{name} space: expected Discrete or Box, got {space}")
    return found


def reset(env: gymnasium.Env, seed: int | None, options: Any = None) -> Any:
    """Reset a single environment, and return what it does.

    Raises:
        TypeError: it does not take a seed. And whatever the environment raises.
    """
    try:
        return env.reset(seed=seed, options=options)
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next:
            raise  # its own
        raise TypeError(
            "env: expected reset(seed=..., options=...), as in Gymnasium, "
            f"got another one ({error})"
        ) from error


def autoreset_mode(env: VectorEnv) -> AutoresetMode | None:
    """When a vector environment starts new episodes by itself; None if it is not said.

    Raises:
        ValueError: it is said in other words than Gymnasium's.
    """
    metadata = getattr(env, "metadata", None)
    named = metadata.get("autoreset_mode") if isinstance(metadata, dict) else None
    try:
        return None if named is None else AutoresetMode(named)
    except ValueError as error:
        raise ValueError(
            f"env: expected an autoreset_mode in its metadata among "
            f"{[mode.value for mode in AutoresetMode]}, got {shown(named)}"
        ) from error


def _parts(call: str, answer: Any, names: tuple[str, ...]) -> tuple:
    if isinstance(answer, tuple) and len(answer) == len(names):
        return answer
    old = call == "reset" or (isinstance(answer, tuple) and len(answer) == 4)
    raise TypeError(
        f"env: expected the tuple ({', '.join(names)}) from {call}(), got "
        + (f"{len(answer)} parts" if isinstance(answer, tuple) else _brief(answer))
        + (". Was it written for the old Gym?" if old else "")
    )


def _brief(value: Any) -> str:
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return shown(value)
