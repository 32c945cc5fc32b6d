"""Finite Markov decision processes: worlds whose every number is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_helpers.require import check_count, finite_array, require

_TOLERANCE = 1e-6  # of a sum of probabilities: enough for those computed in float32
# Bounds against typing mistakes that would exhaust time or memory.
MOST_STEPS = 100_000  # in an episode
MOST_ENTRIES = 2**24  # in an array (S, A, S): 128 MiB


@dataclass(frozen=True, eq=False, init=False, repr=False)
class TabularMDP:
    """A Markov decision process with S states, A actions and at most `horizon` steps.

    An episode starts in a state drawn from `initial` and ends when it enters a terminal
    state or has taken `horizon` steps, whichever is first. The arrays are copied,
    converted to float64 (bool for `terminal`) and made read-only.

    Attributes:
        initial: (S,), P_0(s), probability that an episode starts in s.
        transition: (S, A, S), P(s'|s, a). Rows are divided by their sum, which corrects
            rounding. The rows of terminal states are never used; they may be all zero.
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
        """Check, copy and freeze."""
        start = finite_array("initial", initial)
        P, R = finite_array("transition", transition), finite_array("reward", reward)
        ends, S = finite_array("terminal", terminal), start.size
        seen = np.eye(S) if observations is None else observations
        seen = finite_array("observations", seen)
        require(start.shape == (S,) and S, "initial", "shape (S,)", start.shape)
        fits = P.ndim == 3 and P.shape[::2] == (S, S) and P.size
        require(fits, "transition", f"shape (S, A, S), S = {S}, A >= 1", P.shape)
        require(R.shape == P.shape, "reward", f"shape {P.shape}", R.shape)
        require(ends.shape == (S,), "terminal", f"shape ({S},)", ends.shape)
        require(np.isin(ends, (0, 1)).all(), "terminal", "booleans", terminal)
        require(not ends.all(), "terminal", "a state that is not terminal", terminal)
        fits = seen.ndim == 2 and len(seen) == S and seen.size
        require(fits, "observations", f"shape (S, D), S = {S}, D >= 1", seen.shape)
        steps = check_count("horizon", horizon, at_most=MOST_STEPS)
        start, ends = _normalised("initial", start), ends.astype(bool)
        for state, action in np.ndindex(P.shape[:2]):
            row = P[state, action]
            if row.any() or not ends[state]:
                row[:] = _normalised(f"transition[{state}, {action}]", row)
        arrays = {"initial": start, "transition": P, "reward": R, "terminal": ends}
        for name, array in (arrays | {"observations": seen}).items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "horizon", steps)

    def __repr__(self) -> str:
        """Sizes, not numbers."""
        S, A, ends = self.num_states, self.num_actions, self.terminal.sum()
        sizes = f"{S} states, {A} actions, {ends} terminal, horizon {self.horizon}"
        return f"TabularMDP({sizes})"

    @property
    def num_states(self) -> int:
        """S, terminal states included."""
        return self.transition.shape[0]

    @property
    def num_actions(self) -> int:
        """A, the same in every state."""
        return self.transition.shape[1]


def check_mdp(value: object, name: str = "mdp") -> None:
    """Refuse anything but a TabularMDP."""
    require(isinstance(value, TabularMDP), name, "a TabularMDP", value, TypeError)


def check_size(name: str, num_states: int, num_actions: int) -> None:
    """Refuse a world too large for memory, before its arrays are made."""
    shape = (num_states, num_actions, num_states)
    fits = num_states * num_actions * num_states <= MOST_ENTRIES
    require(fits, name, f"S * A * S of at most {MOST_ENTRIES:,}", shape)


def _normalised(name: str, row: NDArray[np.float64]) -> NDArray[np.float64]:
    possible = ((row >= 0) & (row <= 1 + _TOLERANCE)).all()
    require(possible, name, "probabilities", row)
    total = float(row.sum())
    sums_to_1 = abs(total - 1) <= _TOLERANCE
    require(sums_to_1, name, "probabilities that sum to 1", total)
    return row / total
