"""The world to act in: Gymnasium environments made from a finite world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from pg_helpers.draws import draw_entries, draw_indexes, running_sums
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import check_count, require
from pg_helpers.worlds import corridor, grid_world, two_armed_bandit

MAX_ENVS = 1_000_000  # a bound for typing mistakes; memory runs out before


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
        known = render_mode in (None, "ansi")
        require(known, "render_mode", "None or 'ansi'", render_mode)
        self._only = TabularVectorEnv(mdp, 1)
        self.mdp, self.render_mode = mdp, render_mode
        self.observation_space = self._only.single_observation_space
        self.action_space = self._only.single_action_space
        self._state, self._time, self._is_over = -1, 0, True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Draw a start state; `options` are not used."""
        super().reset(seed=check_seed(seed))
        self._only.np_random = self.np_random
        (seen,), info = self._only.reset()
        self._state, self._time, self._is_over = int(info["state"][0]), 0, False
        return seen, {"state": self._state}

    def step(
        self, action: int | np.integer
    ) -> tuple[NDArray, float, bool, bool, dict[str, Any]]:
        """Take an action, an integer from 0 to A - 1.

        Raises:
            ValueError: the action is not one of these, or the episode is over: `reset`
                comes first.
        """
        require(not self._is_over, "step", "reset to be called first", "a step")
        is_action = self.action_space.contains(action) and type(action) is not bool
        require(is_action, "action", f"one of {self.action_space}", action)
        actions = np.array([action])
        (seen,), (reward,), (ended,), (cut,), info = self._only.step(actions)
        self._state, self._time = int(info["state"][0]), self._time + 1
        self._is_over = bool(ended or cut)
        info = {"state": self._state}
        return seen, float(reward), bool(ended), bool(cut), info

    def render(self) -> str | None:
        """Say where the agent is, when render_mode is "ansi"."""
        if self.render_mode is None:
            return None
        states = range(self.mdp.num_states)
        cells = "".join("o" if state == self._state else "." for state in states)
        return f"step {self._time:3d}  {cells}"


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
        check_mdp(mdp)
        in_the_end = float(mdp.initial[mdp.terminal].sum())
        expected = "episodes that start where a step can be taken"
        came = f"an initial probability of {in_the_end:.3g} for terminal states"
        require(not in_the_end, "mdp", expected, came)
        require(render_mode is None, "render_mode", "None", render_mode)
        self.num_envs = check_count("num_envs", num_envs, at_most=MAX_ENVS)
        self.mdp, seen = mdp, mdp.observations
        # Divided by the last entry, so that no draw, always below 1, falls beyond it.
        self._initial = mdp.initial.cumsum() / mdp.initial.cumsum()[-1]
        if mdp.is_sparse:
            row = mdp.edges.state * mdp.num_actions + mdp.edges.action
            self._number = np.bincount(row, minlength=mdp.num_states * mdp.num_actions)
            self._first = self._number.cumsum() - self._number
            self._cumulative = running_sums(mdp.edges.probability, self._number)
        else:
            self._cumulative = mdp.transition.cumsum(axis=2)
        self.single_observation_space: spaces.Space[Any] = (
            spaces.Discrete(int(seen.max()) + 1)
            if seen.ndim == 1
            else spaces.Box(seen.min(axis=0), seen.max(axis=0), dtype=np.float64)
        )
        self.single_action_space = spaces.Discrete(mdp.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.states: Any = None  # (num_envs,), int64, after a reset
        self._times = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray, dict[str, Any]]:
        """Draw a start state for each agent; `options` are not used.

        All agents share one random generator: the seed is one integer, not a list.
        """
        super().reset(seed=check_seed(seed))
        self.states = self._first_states(self.num_envs)
        self._times[:] = 0
        self._ended[:] = False
        return self.mdp.observations[self.states], {"state": self.states}

    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """Take one action per agent, integers (num_envs,) from 0 to A - 1.

        Raises:
            ValueError: the actions are not these, or reset was not called.
        """
        require(self.states is not None, "step", "reset to be called first", "a step")
        return self.move(check_actions(actions, self.num_envs, self.mdp.num_actions))

    def move(
        self, actions: NDArray
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """A step, for actions that are known to fit."""
        mdp, before = self.mdp, self.states
        after, rewards = self._draw(before, actions)
        self._times += 1
        if num_starting := int(np.count_nonzero(self._ended)):
            starting = self._ended
            after[starting] = self._first_states(num_starting)
            rewards[starting] = 0.0
            self._times[starting] = 0
        terminated = mdp.terminal[after]
        truncated = (self._times >= mdp.horizon) & ~terminated
        self.states, self._ended = after, terminated | truncated
        return mdp.observations[after], rewards, terminated, truncated, {"state": after}

    def _draw(self, before: NDArray, actions: NDArray) -> tuple[NDArray, NDArray]:
        """Next states, and the rewards on the way to them."""
        mdp = self.mdp
        if mdp.is_sparse:
            row = before * mdp.num_actions + actions
            stretch = self._first[row], self._number[row]
            drawn = draw_entries(self._cumulative, *stretch, self.np_random)
            return mdp.edges.next_state[drawn], mdp.edges.reward[drawn]
        after = draw_indexes(self._cumulative[before, actions], self.np_random)
        return after, mdp.reward[before, actions, after]

    def _first_states(self, number: int) -> NDArray:
        return self._initial.searchsorted(self.np_random.random(number), side="right")


def check_seed(seed: Any) -> int | None:
    """Return a seed as Gymnasium takes it: an int from 0, or None for a new one."""
    return None if seed is None else check_count("seed", seed, at_least=0)


def check_actions(actions: ArrayLike, num_envs: int, num_actions: int) -> NDArray:
    """Return actions as an array of integers (num_envs,) below num_actions."""
    array = np.asarray(actions)
    whole = array.shape == (num_envs,) and array.dtype.kind in "iu"
    # Without a sign a negative number is a large one.
    fits = whole and not np.count_nonzero(array.astype(np.uint64) >= num_actions)
    expected = f"{num_envs} integers from 0 to {num_actions - 1}"
    require(fits, "actions", expected, actions)
    return array


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
