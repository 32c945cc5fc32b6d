"""The spaces of an environment, and what it returns, checked once, where it enters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import (
    AsyncVectorEnv,
    AutoresetMode,
    SyncVectorEnv,
    VectorEnv,
)
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.cartpole import CartPoleVectorEnv, in_arrays
from pg_helpers.envs import MAX_ENVS, TabularVectorEnv
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import flattening, placement, single_spaces
from pg_helpers.require import check_count, check_finite, require, shown

# Of vectors of environments that others wrote: where an episode has ended with the
# last step, or None once their reset() was seen to start new ones.
_ASKED = 12  # times, for the first step after reset()
_ENDED: WeakKeyDictionary[VectorEnv, NDArray | None] = WeakKeyDictionary()
Step = tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]


class Spaces:
    """The spaces of an environment, single or a vector, and its answers as arrays.

    An environment is foreign code. What it raises passes through; what it returns is
    compared with its spaces here.

    Attributes:
        observation: space of one environment, Discrete or Box.
        action: space of one environment, Discrete or Box.
        batch: (), or (num_envs,) for a vector.
        device: where a policy's parameters are.
        float_dtype: NumPy's type of its floating-point numbers.
        seen_dtype: NumPy's type of the observations that the policy gets.

    Args:
        env: a Gymnasium environment, single or vector.
        policy: that will act in it.

    Raises:
        TypeError: env is not a Gymnasium environment.
        ValueError: a space is neither Discrete nor Box.
    """

    def __init__(self, env: Any, policy: Any) -> None:
        self.observation: Any
        self.action: Any
        self.observation, self.action = single_spaces(env)
        for name in ("observation", "action"):
            space = getattr(self, name)
            supported = isinstance(space, Discrete | Box)
            hint = "" if supported or name == "action" else flattening(space)
            require(supported, f"{name} space", f"Discrete or Box{hint}", space)
        self.batch: tuple[int, ...] = ()
        if isinstance(env, VectorEnv):
            num_envs = getattr(env, "num_envs", None)
            self.batch = (check_count("env.num_envs", num_envs),)
        self.device, dtype = placement(policy)
        self.float_dtype = torch.zeros((), dtype=dtype).numpy().dtype
        is_number = isinstance(self.observation, Discrete)
        self.seen_dtype = np.dtype(np.int64) if is_number else self.float_dtype
        self._usual_look: Any = None
        self._is_ours = type(env) in (TabularVectorEnv, CartPoleVectorEnv)
        self._shape = (*self.batch, *self.observation.shape)

    def reset(self, env: Any, **arguments: Any) -> NDArray:
        """The first observations, (*batch, ...)."""
        answer = env.reset(**arguments)
        is_pair = isinstance(answer, tuple) and len(answer) == 2
        require(is_pair, "env", "(observation, info) from reset()", answer, TypeError)
        return self._observations(answer[0], self._shape)

    def check_reset(self, env: VectorEnv, seed: int | None) -> None:
        """Refuse a vector whose reset() leaves ended episodes to start a step later.

        That step would count, and nobody has taken it. Gymnasium's AsyncVectorEnv
        without shared memory is such a vector. One that others wrote, in which an
        episode has just ended, is asked several times for its first step after reset():
        the first answer must not be the odd one out, nor every second one (where
        episodes have one step). An environment that draws random numbers of its own is
        neither.
        """
        ended, mode = _ENDED.get(env.unwrapped), autoreset_mode(env)
        later = mode in (None, AutoresetMode.NEXT_STEP)
        expected = "a vector whose reset() starts all episodes at once, as "
        expected += "SyncVectorEnv and AsyncVectorEnv(shared_memory=True) do"
        base: Any = env.unwrapped
        loses = isinstance(base, AsyncVectorEnv) and not base.shared_memory
        loses = loses and later
        require(not loses, "env", expected, env)
        if ended is None or not (later and ended.any()):
            return
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        nothing = np.zeros((len(ended), *self.action.shape), np.int64)

        def first_step() -> NDArray:
            self.reset(env, seed=seed)
            parts = self.step(env, self.for_env(nothing))[:4]
            return np.column_stack([part.reshape(len(ended), -1) for part in parts])

        first, *rest = (first_step() for _ in range(_ASKED))
        odd, even = rest[0::2], rest[1::2]
        differs = (first != odd[0]).any(axis=1)
        alike = np.all([o == odd[0] for o in odd], axis=(0, 2))
        once = alike & np.all([e == odd[0] for e in even], axis=(0, 2))
        each_second = alike & np.all([e == first for e in even], axis=(0, 2))
        lost = ended & differs & (once | each_second)
        require(not lost.any(), "env", expected, env)
        _ENDED[env.unwrapped] = None

    def remember(self, env: VectorEnv, done: NDArray) -> None:
        """Which episodes of a vector that others wrote have ended with this step."""
        base = env.unwrapped
        known = self._is_ours or isinstance(base, SyncVectorEnv | VectorOfOne)
        if not known and not getattr(base, "shared_memory", False):
            if _ENDED.get(base, done) is not None:
                _ENDED[base] = done

    def step(self, env: Any, actions: Any) -> Step:
        """Observations, rewards, terminated, truncated: (*batch, ...); and the info."""
        if self._is_ours:
            return env.move(actions)
        answer = env.step(actions)
        is_step = isinstance(answer, tuple) and len(answer) == 5
        five = "(observation, reward, terminated, truncated, info) from step()"
        require(is_step, "env", five, answer, TypeError)
        seen, rewards, terminated, truncated, info = answer
        require(isinstance(info, dict), "env", "a dict as info", info, TypeError)
        given = (seen, rewards, terminated, truncated)
        look = [(x.shape, x.dtype) for x in given if type(x) is np.ndarray]
        if look == self._usual_look:
            return answer
        arrays = (
            self._observations(seen, self._shape),
            _array("rewards", rewards, self.batch, "biuf"),
            _flags("terminated", terminated, self.batch),
            _flags("truncated", truncated, self.batch),
        )
        if all(array is part for array, part in zip(arrays, given, strict=True)):
            self._usual_look = look  # which needs no second check
        return *arrays, info

    def last_seen(
        self,
        mode: AutoresetMode | None,
        observations: NDArray,
        info: dict[str, Any],
        finished: NDArray,
    ) -> NDArray:
        """The last observations of episodes that finished with this step."""
        at_once = mode is None and "final_obs" in info
        if not (at_once or mode is AutoresetMode.SAME_STEP) or not len(finished):
            return observations[finished]
        # Their environments show the start of the next episode already.
        require("final_obs" in info, "env", "'final_obs' in the info of step()", info)
        last = [info["final_obs"][number] for number in finished]
        return np.array([self._observations(o, self.observation.shape) for o in last])

    @np.errstate(over="ignore")  # infinity is refused
    def for_policy(self, observations: NDArray) -> Tensor:
        """Integers for a Discrete space, the policy's float type for a Box."""
        return torch.from_numpy(np.array(observations, self.seen_dtype)).to(self.device)

    def finite(self, name: str, array: NDArray) -> Tensor:
        """A part of a batch on the policy's device; refuses NaN and infinity."""
        tensor = torch.from_numpy(array)
        check_finite(name, tensor)
        return tensor.to(self.device)

    def for_env(self, actions: NDArray) -> Any:
        """What step() takes: shifted to the space's start, or clipped to its bounds."""
        if isinstance(self.action, Box):
            low, high = self.action.low, self.action.high
            return np.clip(actions, low, high).astype(self.action.dtype)
        shifted = actions + self.action.start if self.action.start else actions
        return int(shifted) if shifted.ndim == 0 else shifted

    def _observations(self, value: Any, shape: tuple[int, ...]) -> NDArray:
        if isinstance(self.observation, Discrete):
            whole = _array("observations", value, shape, "biu")
            start = self.observation.start  # a policy sees integers from 0
            whole = whole - start if start else whole.astype(np.int64, copy=False)
        else:
            whole = _array("observations", value, shape, "biuf")
        return whole if self.batch else whole.copy()  # its memory may be the env's own


def _array(name: str, value: Any, shape: tuple[int, ...], kinds: str) -> NDArray:
    try:
        array = np.asarray(value)
    except Exception as error:  # rows of unequal length, a tensor with a graph, ...
        raise TypeError(f"env: expected {name} in an array ({error})") from error
    if array.dtype.kind not in kinds:
        what = "numbers" if "f" in kinds else "booleans or integers"
        raise TypeError(f"env: expected {what} as {name}, got {shown(value)}")
    if array.shape != shape:
        raise ValueError(f"env: expected {name} of shape {shape}, got {array.shape}")
    return array


def _flags(name: str, value: Any, shape: tuple[int, ...]) -> NDArray:
    flags = _array(name, value, shape, "biu")
    are_bits = flags.dtype.kind == "b" or np.isin(flags, (0, 1)).all()
    require(are_bits, "env", f"True or False as {name}", value)
    return flags.astype(bool, copy=False)


def autoreset_mode(env: VectorEnv) -> AutoresetMode | None:
    """When a vector of environments starts new episodes; None if it does not say."""
    named = (getattr(env, "metadata", None) or {}).get("autoreset_mode")
    try:
        return None if named is None else AutoresetMode(named)
    except ValueError as error:
        modes = [mode.value for mode in AutoresetMode]
        expected = f"an autoreset_mode among {modes}"
        raise ValueError(f"env: expected {expected}, got {named!r}") from error


class VectorOfOne(VectorEnv):
    """A single environment as a vector; `close` leaves it open.

    `SyncVectorEnv` would turn a flag of None into False, and "3" into a reward of 3.
    """

    metadata: dict[str, Any] = {}  # no autoreset

    def __init__(self, env: gymnasium.Env) -> None:
        self.env, self.num_envs, self._spaces = env, 1, Spaces(env, None)
        seen = self._spaces.observation
        is_discrete = isinstance(seen, Discrete)  # whose answers come from 0 here
        self.single_observation_space = Discrete(seen.n) if is_discrete else seen
        self.single_action_space = self._spaces.action

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[NDArray, dict]:
        """Start an episode."""
        return self._spaces.reset(self.env, seed=seed, options=options)[None], {}

    def step(self, actions: NDArray) -> Step:
        """Act once."""
        *arrays, info = self._spaces.step(self.env, actions[0])
        seen, reward, terminated, truncated = (array[None] for array in arrays)
        return seen, reward, terminated, truncated, info


@contextmanager
def as_vector_env(env: Any, num_envs: int) -> Iterator[VectorEnv]:
    """A VectorEnv made from `env`; closed on leaving if it was made here.

    Args:
        env: a VectorEnv (used as it is), an environment id, a TabularMDP, or a single
            gymnasium.Env, which becomes a vector of one.
        num_envs: number of environments to make from an id or a TabularMDP.

    Raises:
        TypeError: env is none of these, or num_envs is not an integer.
        ValueError: the id is not registered, or num_envs is out of range.
    """
    num_envs = check_count("num_envs", num_envs, at_most=MAX_ENVS)
    if isinstance(env, str):
        made = make_by_id(gymnasium.make_vec, env, num_envs)
        try:
            yield in_arrays(made)
        finally:
            made.close()
    elif isinstance(env, TabularMDP):
        yield TabularVectorEnv(env, num_envs)
    elif isinstance(env, gymnasium.Env):
        yield VectorOfOne(env)
    else:
        check_env(env)
        yield env


def check_env(env: Any) -> None:
    """Refuse anything but an environment or a world; ids go to `make_by_id`."""
    known = isinstance(env, gymnasium.Env | VectorEnv | TabularMDP)
    kinds = "a Gymnasium environment, single or vector, an id or a TabularMDP"
    require(known, "env", kinds, env, TypeError)


def make_by_id(make: Callable[..., Any], env_id: str, *arguments: Any) -> Any:
    """What `gymnasium.make` or `make_vec` makes, or a ValueError that names the id."""
    try:
        return make(env_id, *arguments)
    except (gymnasium.error.Error, ImportError) as error:
        raise ValueError(
            f"env: expected a registered id, got {env_id!r} ({error})"
        ) from error
