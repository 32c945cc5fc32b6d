"""Finite Markov decision processes: worlds whose every number is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pg_helpers.require import check_count, finite_array, require

_TOLERANCE = 1e-6  # of a sum of probabilities: enough for those computed in float32
# Bounds against typing mistakes that would exhaust time or memory.
MOST_STEPS = 100_000  # in an episode
MOST_ENTRIES = 2**24  # in an array (S, A, S): 128 MiB


class Edges(NamedTuple):
    """The M transitions of positive probability, by state, action and next state.

    Attributes:
        state: int64 (M,).
        action: int64 (M,).
        next_state: int64 (M,).
        probability: (M,), P(s'|s, a).
        reward: (M,), in units of reward.
    """

    state: NDArray[np.int64]
    action: NDArray[np.int64]
    next_state: NDArray[np.int64]
    probability: NDArray[np.float64]
    reward: NDArray[np.float64]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class TabularMDP:
    """A Markov decision process with S states, A actions and at most `horizon` steps.

    An episode starts in a state drawn from `initial` and ends when it enters a terminal
    state or has taken `horizon` steps, whichever is first. The arrays are copied,
    converted to float64 (bool for `terminal`) and made read-only.

    `transition` and `reward` are both dense, (S, A, S), or both sparse, (S * A, S) with
    row s * A + a: a torch tensor in the layout COO or CSR, or a matrix of SciPy. Equal
    coordinates are summed. Sparse dynamics stay sparse: time and memory grow with M,
    the number of possible transitions, in all of this package.

    Attributes:
        initial: (S,), P_0(s), probability that an episode starts in s.
        transition: (S, A, S), P(s'|s, a). Rows are divided by their sum, which corrects
            rounding. The rows of terminal states are never used; they may be all zero.
        reward: (S, A, S), reward of the step from s by a to s'; what is given for an
            impossible step is not used.
        terminal: bool (S,), True where an episode ends.
        horizon: the largest number of steps in an episode, from 1 to 100,000.
        observations: (S, D), what a policy sees of each state; one-hot by default. Or
            int64 (S,), such as np.arange(S), for a `TabularPolicy` of many states.
        num_actions: A, the same in every state.
        is_sparse: whether the dynamics were given as sparse matrices. Then the arrays
            `transition` and `reward` are made when first asked for, and refused with a
            ValueError if they would have more than 2^24 entries: `edges` has it all.

    Raises:
        TypeError: an array is not numeric, the horizon is not an integer, or only one
            of transition and reward is sparse.
        ValueError: shapes disagree, a number is not finite, probabilities are negative
            or do not sum to 1, every state is terminal, the horizon is out of range, or
            one-hot observations of sparse dynamics would be too large.
    """

    initial: NDArray[np.float64]
    transition: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    horizon: int
    observations: NDArray[Any]
    num_actions: int = field(init=False)
    is_sparse: bool = field(init=False)
    _sparse: Edges | None = field(init=False)

    def __init__(
        self,
        initial: ArrayLike,
        transition: Any,
        reward: Any,
        terminal: ArrayLike,
        horizon: int,
        observations: ArrayLike | None = None,
    ) -> None:
        """Check, copy and freeze."""
        start = finite_array("initial", initial)
        S = start.size
        require(start.shape == (S,) and S, "initial", "shape (S,)", start.shape)
        P, R = _numbers("transition", transition), _numbers("reward", reward)
        ends, is_sparse = finite_array("terminal", terminal), isinstance(P, _Entries)
        A = math.prod(P.shape) // S**2
        fits = A and P.shape == ((S * A, S) if is_sparse else (S, A, S))
        layout, kind = "(S, A, S)", "an array"
        if is_sparse:
            layout, kind = "(S * A, S)", "a sparse matrix"
        require(fits, "transition", f"shape {layout}, S = {S}, A >= 1", P.shape)
        alike = isinstance(R, _Entries) == is_sparse
        require(alike, "reward", f"{kind}, as transition is", reward, TypeError)
        require(R.shape == P.shape, "reward", f"shape {P.shape}", R.shape)
        require(ends.shape == (S,), "terminal", f"shape ({S},)", ends.shape)
        require(np.isin(ends, (0, 1)).all(), "terminal", "booleans", terminal)
        require(not ends.all(), "terminal", "a state that is not terminal", terminal)
        small = not is_sparse or S * S <= MOST_ENTRIES
        expected = f"an array, as {S:,} states are too many to be one-hot by default"
        require(small or observations is not None, "observations", expected, None)
        seen = _features(np.eye(S) if observations is None else observations, S)
        steps = check_count("horizon", horizon, at_most=MOST_STEPS)
        start, ends = normalised("initial", start), ends.astype(bool)
        arrays = {"initial": start, "terminal": ends, "observations": seen}
        edges = None
        if is_sparse:
            edges = _edges(P, R, ends)
        else:
            inside = np.all(_possible(P), axis=2)
            P /= _row_sums(inside, P.sum(axis=2), ends, lambda *at: P[at])[..., None]
            arrays |= {"transition": P, "reward": R}
        for array in (*arrays.values(), *(edges or ())):
            array.setflags(write=False)
        sizes = {"horizon": steps, "num_actions": A, "is_sparse": is_sparse}
        for name, value in (arrays | sizes | {"_sparse": edges}).items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Sizes, not numbers."""
        S, A, ends = self.num_states, self.num_actions, self.terminal.sum()
        sizes = f"{S} states, {A} actions, {ends} terminal, horizon {self.horizon}"
        return f"TabularMDP({sizes})"

    @property
    def num_states(self) -> int:
        """S, terminal states included."""
        return self.initial.size

    @property
    def edges(self) -> Edges:
        """The possible transitions; listed anew at each call if dynamics are dense."""
        if self._sparse is not None:
            return self._sparse
        where = state, action, after = np.nonzero(self.transition)
        chance, reward = self.transition[where], self.reward[where]
        return Edges(state, action, after, chance, reward)

    def __getattr__(self, name: str) -> NDArray[np.float64]:
        """Transition or reward of sparse dynamics, (S, A, S), at the first use."""
        if name not in ("transition", "reward"):
            raise AttributeError(f"a TabularMDP has no attribute {name!r}")
        S, A, edges = self.num_states, self.num_actions, self.edges
        check_size(name, S, A)
        array = np.zeros((S, A, S))
        array[edges[:3]] = edges.reward if name == "reward" else edges.probability
        array.setflags(write=False)
        object.__setattr__(self, name, array)
        return array


def check_mdp(value: object, name: str = "mdp") -> None:
    """Refuse anything but a TabularMDP."""
    require(isinstance(value, TabularMDP), name, "a TabularMDP", value, TypeError)


def check_size(name: str, num_states: int, num_actions: int) -> None:
    """Refuse a world too large for memory, before its arrays are made."""
    shape = (num_states, num_actions, num_states)
    fits = num_states * num_actions * num_states <= MOST_ENTRIES
    require(fits, name, f"S * A * S of at most {MOST_ENTRIES:,}", shape)


def normalised(name: str, row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities divided by their sum, if that is almost 1."""
    require(_possible(row).all(), name, "probabilities", row)
    total = float(row.sum())
    sums_to_1 = abs(total - 1) <= _TOLERANCE
    require(sums_to_1, name, "probabilities that sum to 1", total)
    return row / total


def _possible(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values >= 0) & (values <= 1 + _TOLERANCE)


class _Entries(NamedTuple):
    """A sparse matrix: its entries in the order of row * number of columns + column."""

    shape: tuple[int, ...]
    place: NDArray[np.int64]
    value: NDArray[np.float64]


def _numbers(name: str, given: Any) -> Any:
    """A copy of an array, or the entries of a sparse matrix, equal places summed."""
    layout = getattr(given, "layout", None)
    if layout in (torch.sparse_coo, torch.sparse_csr):
        matrix = given.detach().cpu().to_sparse_coo().coalesce()
        where, values = matrix.indices().numpy(), matrix.values()
    elif hasattr(given, "tocoo"):
        matrix = given.tocoo()
        where, values = np.array([matrix.row, matrix.col], np.int64), matrix.data
    else:
        return finite_array(name, given)
    shape, values = tuple(given.shape), finite_array(name, values)
    is_matrix = len(shape) == len(where) == 2
    require(is_matrix, name, "a sparse matrix of two axes", shape)
    place, at = np.unique(where[0] * shape[1] + where[1], return_inverse=True)
    return _Entries(shape, place, finite_array(name, np.bincount(at, values)))


def _row_sums(
    inside: NDArray,
    total: NDArray,
    ends: NDArray,
    row: Callable[[int, int], NDArray],
) -> NDArray[np.float64]:
    """What to divide the rows by, (S, A); a row that has to be shown is asked for."""
    is_unused = ends[:, None] & (total == 0)
    fits = inside & (is_unused | (abs(total - 1) <= _TOLERANCE))
    for state, action in np.argwhere(~fits)[:1]:
        normalised(f"transition[{state}, {action}]", row(state, action))  # raises
    return np.where(is_unused, 1.0, total)


def _edges(P: _Entries, R: _Entries, ends: NDArray) -> Edges:
    S, A = len(ends), P.shape[0] // len(ends)
    row, after = np.divmod(P.place, S)
    total = _row_sums(
        np.bincount(row, ~_possible(P.value), S * A).reshape(S, A) == 0,
        np.bincount(row, P.value, S * A).reshape(S, A),
        ends,
        lambda state, action: P.value[row == state * A + action],
    )
    reward = np.zeros_like(P.value)
    _, at, found = np.intersect1d(P.place, R.place, True, return_indices=True)
    reward[at] = R.value[found]
    chance = P.value / total.ravel()[row]
    edges = Edges(row // A, row % A, after, chance, reward)
    return Edges._make(part[chance > 0] for part in edges)


def _features(given: ArrayLike, num_states: int) -> NDArray[Any]:
    seen, S = finite_array("observations", given), num_states
    if seen.shape == (S,) and np.asarray(given).dtype.kind in "iu":
        require((seen >= 0).all(), "observations", "integers from 0", given)
        return seen.astype(np.int64)
    fits = seen.ndim == 2 and len(seen) == S and seen.size
    require(fits, "observations", f"shape (S, D), S = {S}, D >= 1", seen.shape)
    return seen
