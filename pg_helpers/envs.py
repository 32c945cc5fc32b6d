"""The world to act in: Gymnasium environments made from a finite world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from pg_helpers.draws import draw_indexes
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_count, require, shown
from pg_helpers.worlds import corridor, grid_world, two_armed_bandit

MAX_ENVS = 1_000_000  # ten times what fits into the memory of a large machine


class TabularEnv(gymnasium.Env):
    """One agent in a finite world.

    Entering a terminal state terminates the episode; reaching the horizon elsewhere
    truncates it. The info of every step holds the state under "state".

    Args:
        mdp: the world.
        render_mode: None or "ansi", a line of text.

    Raises:
        TypeError: mdp is not a TabularMDP.
        ValueError: an episode could start in a terminal state, or the render mode is
            not known.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(self, mdp: TabularMDP, render_mode: str | None = None) -> None:
        _check_world(mdp)
        require(
            render_mode in (None, "ansi"), "render_mode", "None or 'ansi'", render_mode
        )
        self.mdp = mdp
        self.render_mode = render_mode
        self.observation_space = _observation_space(mdp)
        self.action_space = spaces.Discrete(mdp.num_actions)
        self._cumulative = _Cumulative(mdp)
        self._state: int | None = None
        self._time = 0
        self._is_over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Draw a start state; `options` are not used.

        Raises:
            TypeError: the seed is not an integer.
            ValueError: it is negative.
        """
        super().reset(seed=check_seed(seed))
        self._state = int(self._cumulative.first_states(self.np_random, 1)[0])
        self._time = 0
        self._is_over = False
        return self.mdp.observations[self._state].copy(), {"state": self._state}

    def step(
        self, action: int | np.integer
    ) -> tuple[NDArray, float, bool, bool, dict[str, Any]]:
        """Take an action, an integer from 0 to A - 1.

        Raises:
            ValueError: the action is not one of these, or reset was not called, at
                first or after the end of an episode.
        """
        if self._state is None or self._is_over:
            raise ValueError(
                "step: expected reset to be called first, and again after an episode, "
                f"got a step after {self._time} steps"
            )
        is_bool = isinstance(action, bool | np.bool_)
        if is_bool or not self.action_space.contains(action):
            raise ValueError(
                f"action: expected one of {self.action_space}, got {shown(action)}"
            )
        before = np.array([self._state])
        after = self._cumulative.next_states(self.np_random, before, np.array([action]))
        reward = float(self.mdp.reward[self._state, action, after[0]])
        self._state = int(after[0])
        self._time += 1
        terminated = bool(self.mdp.terminal[self._state])
        truncated = self._time >= self.mdp.horizon and not terminated
        self._is_over = terminated or truncated
        observation = self.mdp.observations[self._state].copy()
        return observation, reward, terminated, truncated, {"state": self._state}

    def render(self) -> str | None:
        """Say where the agent is, when render_mode is "ansi"."""
        if self.render_mode is None:
            return None
        cells = ["o" if state == self._state else "." for state in self._all_states()]
        return f"step {self._time:3d}  " + "".join(cells)

    def _all_states(self) -> range:
        return range(self.mdp.num_states)


class TabularVectorEnv(gymnasium.vector.VectorEnv):
    """Many independent agents in the same finite world, stepped together.

    An environment whose episode has ended starts a new one at the next step, whatever
    the action, with reward 0 (Gymnasium's next-step autoreset).

    Args:
        mdp: the world.
        num_envs: number of agents.
        render_mode: None; nothing is drawn.

    Raises:
        TypeError: mdp is not a TabularMDP, or num_envs is not an integer.
        ValueError: num_envs below 1, a render mode, or an episode could start in a
            terminal state.
    """

    metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(
        self, mdp: TabularMDP, num_envs: int = 1, render_mode: str | None = None
    ) -> None:
        _check_world(mdp)
        require(render_mode is None, "render_mode", "None", render_mode)
        self.mdp = mdp
        num_envs = check_count("num_envs", num_envs, at_most=MAX_ENVS)
        self.num_envs = num_envs
        self.single_observation_space = _observation_space(mdp)
        self.single_action_space = spaces.Discrete(mdp.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._cumulative = _Cumulative(mdp)
        self._states: NDArray[np.int64] | None = None
        self._times = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=bool)

    @property
    def states(self) -> NDArray[np.int64]:
        """The state of each agent, (num_envs,).

        Raises:
            ValueError: reset was not called.
        """
        if self._states is None:
            raise ValueError("states: expected reset to be called first")
        return self._states

    def reset(
        self,
        *,
        seed: Any = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray, dict[str, Any]]:
        """Draw a start state for each agent; `options` are not used.

        Raises:
            TypeError: the seed is not an integer. The agents share one random
                generator, so that a list of seeds is refused too.
            ValueError: it is negative.
        """
        if isinstance(seed, list):
            raise TypeError("seed: expected one integer for all agents, got a list")
        super().reset(seed=check_seed(seed))
        self._states = self._cumulative.first_states(self.np_random, self.num_envs)
        self._times[:] = 0
        self._ended[:] = False
        return self.mdp.observations[self._states], {"state": self._states}

    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """Take one action for each agent, integers (num_envs,) from 0 to A - 1.

        Raises:
            ValueError: the actions are not these, or reset was not called.
        """
        before, starting = self.states, self._ended
        chosen = check_actions(actions, self.num_envs, self.mdp.num_actions)
        after = self._cumulative.next_states(self.np_random, before, chosen)
        rewards = self.mdp.reward[before, chosen, after]
        self._times += 1
        # count_nonzero takes a quarter of the time of any().
        if num_starting := int(np.count_nonzero(starting)):
            fresh = self._cumulative.first_states(self.np_random, num_starting)
            after[starting] = fresh
            rewards[starting] = 0.0
            self._times[starting] = 0
        terminated = self.mdp.terminal[after]
        truncated = (self._times >= self.mdp.horizon) & ~terminated
        self._states = after
        self._ended = terminated | truncated
        observations = self.mdp.observations[after]
        return observations, rewards, terminated, truncated, {"state": after}


def check_seed(seed: Any) -> int | None:
    """Return a seed as Gymnasium takes it, an int, or None for a new one.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is negative.
    """
    return None if seed is None else check_count("seed", seed, at_least=0)


def check_actions(
    actions: ArrayLike, num_envs: int, num_actions: int
) -> NDArray[np.integer]:
    """Return actions as an array of integers (num_envs,) from 0 to num_actions - 1.

    Raises:
        ValueError: the actions are not these.
    """
    try:
        array = np.asarray(actions)
    except Exception as error:  # whatever the value's own __array__ raises
        raise ValueError(f"actions: expected integers, got none ({error})") from error
    if array.shape != (num_envs,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"actions: expected integers of shape ({num_envs},), "
            f"got {array.dtype} of shape {array.shape}"
        )
    # Without a sign a negative number is a large one.
    if np.count_nonzero(array.astype(np.uint64) >= num_actions):
        raise ValueError(
            f"actions: expected 0 to {num_actions - 1}, "
            f"got {array.min()} to {array.max()}"
        )
    return array


class _Cumulative:
    """Cumulative probabilities, made once, from which states are drawn."""

    def __init__(self, mdp: TabularMDP) -> None:
        # Divided by the last entry, so that no draw, always below 1, falls beyond it.
        self.initial = mdp.initial.cumsum() / mdp.initial.cumsum()[-1]
        self.transition = mdp.transition.cumsum(axis=2)

    def first_states(self, generator: np.random.Generator, size: int) -> NDArray:
        return self.initial.searchsorted(generator.random(size), side="right")

    def next_states(
        self, generator: np.random.Generator, states: NDArray, actions: NDArray
    ) -> NDArray:
        return draw_indexes(self.transition[states, actions], generator)


def _check_world(mdp: TabularMDP) -> None:
    if not isinstance(mdp, TabularMDP):
        raise TypeError(f"mdp: expected a TabularMDP, got {type(mdp).__name__}")
    start_ended = float(mdp.initial[mdp.terminal].sum())
    if start_ended > 0:
        raise ValueError(
            "mdp: expected episodes to start where a step can be taken, but initial "
            f"gives probability {start_ended:.3g} to terminal states"
        )


def _observation_space(mdp: TabularMDP) -> spaces.Box:
    seen = mdp.observations
    return spaces.Box(seen.min(axis=0), seen.max(axis=0), dtype=np.float64)


def _register(name: str, make_world: Callable[..., TabularMDP]) -> None:
    def make_env(render_mode: str | None = None, **arguments: Any) -> TabularEnv:
        return TabularEnv(make_world(**arguments), render_mode)

    def make_vector_env(
        num_envs: int = 1, render_mode: str | None = None, **arguments: Any
    ) -> TabularVectorEnv:
        return TabularVectorEnv(make_world(**arguments), num_envs, render_mode)

    gymnasium.register(name, entry_point=make_env, vector_entry_point=make_vector_env)


_register("pg_helpers/Corridor-v0", corridor)
_register("pg_helpers/GridWorld-v0", grid_world)
_register("pg_helpers/TwoArmedBandit-v0", two_armed_bandit)
