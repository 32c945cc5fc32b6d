"""The world on paper: finite Markov decision processes whose every number is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_helpers.require import check_count, finite_array, shown

# Wide enough for probabilities that were computed in float32.
_TOLERANCE = 1e-6
# Bounds against a slip of the finger, which would hang the computer: steps of an
# episode, and entries of an array (S, A, S), 128 MiB of them.
MOST_STEPS = 100_000
MOST_ENTRIES = 2**24


@dataclass(frozen=True, eq=False, init=False, repr=False)
class TabularMDP:
    """A Markov decision process with S states, A actions and at most `horizon` steps.

    An episode starts in a state drawn from `initial` and ends when a terminal state is
    entered or when `horizon` steps have been taken, whichever is first. The arrays are
    copied, converted to float64 (bool for `terminal`) and made read-only.

    Attributes:
        initial: (S,), P_0(s), probability that an episode starts in s.
        transition: (S, A, S), P(s'|s, a). The rows of terminal states are never used;
            they may be all zero. Rounding is mended: rows are divided by their sum.
        reward: (S, A, S), reward of the step from s by a to s'.
        terminal: bool (S,), True where an episode ends.
        horizon: the largest number of steps in an episode, from 1 to 100,000.
        observations: (S, D), what a policy sees of each state; one-hot by default.

    Raises:
        TypeError: an array is not numeric, or the horizon is not an integer.
        ValueError: shapes disagree, a number is not finite, probabilities are negative
            or do not sum to 1, every state is terminal, or the horizon is out of range.
    """

    initial: NDArray[np.float64]
    transition: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    horizon: int
    observations: NDArray[np.float64]

    def __init__(
        self,
        initial: ArrayLike,
        transition: ArrayLike,
        reward: ArrayLike,
        terminal: ArrayLike,
        horizon: int,
        observations: ArrayLike | None = None,
    ) -> None:
        """Validate, copy and freeze."""
        start = _start_distribution(initial)
        ends = _boolean_array("terminal", terminal, start.size)
        dynamics = _dynamics(transition, ends)
        rewards = finite_array("reward", reward)
        if rewards.shape != dynamics.shape:
            raise ValueError(
                f"reward: expected shape {dynamics.shape} as transition, "
                f"got {rewards.shape}"
            )
        self._freeze("initial", start)
        self._freeze("transition", dynamics)
        self._freeze("reward", rewards)
        self._freeze("terminal", ends)
        self._freeze("observations", _observations(observations, start.size))
        steps = check_count("horizon", horizon, at_most=MOST_STEPS)
        object.__setattr__(self, "horizon", steps)

    def __repr__(self) -> str:
        """Sizes, not numbers."""
        return (
            f"TabularMDP({self.num_states} states, {self.num_actions} actions, "
            f"{self.terminal.sum()} terminal, horizon {self.horizon})"
        )

    def _freeze(self, name: str, array: NDArray) -> None:
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    @property
    def num_states(self) -> int:
        """S, terminal states included."""
        return self.transition.shape[0]

    @property
    def num_actions(self) -> int:
        """A, the same in every state."""
        return self.transition.shape[1]


def check_mdp(value: Any, name: str = "mdp") -> None:
    """Say that a world was expected, if `value` is none.

    Raises:
        TypeError: it is not a TabularMDP.
    """
    if not isinstance(value, TabularMDP):
        raise TypeError(f"{name}: expected a TabularMDP, got {shown(value)}")


def check_size(name: str, num_states: int, num_actions: int) -> None:
    """Refuse a world that would not fit, before its arrays are made.

    Raises:
        ValueError: S * A * S is above `MOST_ENTRIES`.
    """
    if num_states**2 * num_actions > MOST_ENTRIES:
        raise ValueError(
            f"{name}: expected at most {MOST_ENTRIES:,} entries in an array (S, A, S), "
            f"got S = {shown(num_states)} and A = {shown(num_actions)}"
        )


def _start_distribution(value: ArrayLike) -> NDArray[np.float64]:
    initial = finite_array("initial", value)
    if initial.ndim != 1 or initial.size == 0:
        raise ValueError(f"initial: expected shape (S,), got {initial.shape}")
    return _normalised("initial", initial)


def _dynamics(value: ArrayLike, terminal: NDArray[np.bool_]) -> NDArray[np.float64]:
    transition = finite_array("transition", value)
    num_states = terminal.size
    if transition.ndim != 3 or transition.shape[::2] != (num_states, num_states):
        raise ValueError(
            f"transition: expected shape (S, A, S) with S = {num_states} as in "
            f"initial, got {transition.shape}"
        )
    if transition.shape[1] == 0:
        raise ValueError("transition: expected at least one action, got none")
    for state, action in np.ndindex(transition.shape[:2]):
        row = transition[state, action]
        if row.any() or not terminal[state]:
            transition[state, action] = _normalised(
                f"transition[{state}, {action}]", row
            )
    return transition


def _boolean_array(name: str, value: ArrayLike, size: int) -> NDArray[np.bool_]:
    array = finite_array(name, value)
    if array.shape != (size,):
        raise ValueError(f"{name}: expected shape ({size},), got {array.shape}")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: expected booleans, got {shown(value)}")
    if array.all():
        raise ValueError(f"{name}: expected a state that is not terminal, got none")
    return array.astype(bool)


def _observations(value: ArrayLike | None, num_states: int) -> NDArray[np.float64]:
    if value is None:
        return np.eye(num_states)
    array = finite_array("observations", value)
    if array.ndim != 2 or array.shape[0] != num_states or array.shape[1] == 0:
        raise ValueError(
            f"observations: expected shape (S, D) with S = {num_states} and D >= 1, "
            f"got {array.shape}"
        )
    return array


def _normalised(name: str, row: NDArray[np.float64]) -> NDArray[np.float64]:
    if (row < 0).any():
        raise ValueError(f"{name}: expected probabilities, got {row.min()}")
    with np.errstate(over="ignore"):
        total = row.sum()
    if abs(total - 1) > _TOLERANCE:
        raise ValueError(f"{name}: expected probabilities to sum to 1, got {total:.9g}")
    return row / total
