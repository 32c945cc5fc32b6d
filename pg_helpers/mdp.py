"""The world on paper: finite Markov decision processes whose every number is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_helpers.arguments import check_count, check_fraction, finite_array

# Wide enough for probabilities that were computed in float32.
_TOLERANCE = 1e-6


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
        horizon: the largest number of steps in an episode, at least 1.
        observations: (S, D), what a policy sees of each state; one-hot by default.

    Raises:
        TypeError: an array is not numeric, or the horizon is not an integer.
        ValueError: shapes disagree, a number is not finite, probabilities are negative
            or do not sum to 1, every state is terminal, or the horizon is below 1.
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
        object.__setattr__(self, "horizon", check_count("horizon", horizon))

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


def corridor(length: int = 7, horizon: int = 12) -> TabularMDP:
    """A corridor with the reward at its right end, seen as one number.

    The agent starts in the middle. Action 0 steps left, action 1 steps right; the left
    end is a wall, and stepping against it leaves the agent where it is. Entering the
    right end pays 1 and ends the episode. The observation is the position, scaled to
    run from -1 (left end) to 1 (right end).

    Args:
        length: number of cells, at least 3.
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = length, A = 2 and D = 1.

    Raises:
        TypeError: an argument is not an integer.
        ValueError: length below 3 or horizon below 1.
    """
    length = check_count("length", length, at_least=3)
    cells = np.arange(length)
    successors = np.stack([np.maximum(cells - 1, 0), np.minimum(cells + 1, length - 1)])
    transition = np.zeros((length, 2, length))
    for action in range(2):
        transition[cells, action, successors[action]] = 1.0
    reward = np.zeros_like(transition)
    reward[:-1, :, -1] = 1.0
    return TabularMDP(
        initial=cells == length // 2,
        transition=transition,
        reward=reward,
        terminal=cells == length - 1,
        horizon=horizon,
        observations=np.linspace(-1, 1, length)[:, None],
    )


def grid_world(
    rows: int = 4, columns: int = 4, slip: float = 0.0, horizon: int = 20
) -> TabularMDP:
    """A grid with the reward in its bottom right corner, and a uniform start.

    The actions 0, 1, 2, 3 are up, right, down, left; the state of a cell is
    row * columns + column. With probability `slip` the agent moves at a right angle to
    the action it chose, either way alike. Walls stop it. Entering the corner pays 1 and
    ends the episode. An episode starts in any other cell with equal probability.

    Args:
        rows: number of rows; rows * columns must be at least 2.
        columns: number of columns.
        slip: probability of a sideways step, in [0, 1].
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = rows * columns, A = 4 and one-hot observations.

    Raises:
        TypeError: an argument is not a number of the right kind.
        ValueError: fewer than two cells, slip outside [0, 1], or horizon below 1.
    """
    rows, columns = check_count("rows", rows), check_count("columns", columns)
    slip = check_fraction("slip", slip)
    num_states = rows * columns
    if num_states < 2:
        raise ValueError("rows * columns: expected at least 2 cells, got 1")
    moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
    transition = np.zeros((num_states, 4, num_states))
    for state, action in np.ndindex(num_states, 4):
        row, column = divmod(state, columns)
        sideways = [(action - 1) % 4, (action + 1) % 4]
        chances = [(action, 1 - slip), (sideways[0], slip / 2), (sideways[1], slip / 2)]
        for direction, probability in chances:
            down, right = moves[direction]
            next_row = min(max(row + down, 0), rows - 1)
            next_column = min(max(column + right, 0), columns - 1)
            transition[state, action, next_row * columns + next_column] += probability
    goal = num_states - 1
    reward = np.zeros_like(transition)
    reward[:goal, :, goal] = 1.0
    terminal = np.arange(num_states) == goal
    return TabularMDP(~terminal / goal, transition, reward, terminal, horizon)


def two_armed_bandit(
    reward_means: tuple[float, float] = (0.4, 0.6), noise: float = 0.0
) -> TabularMDP:
    """One state, two arms, one pull: the smallest world with a choice.

    Arm a pays reward_means[a] plus or minus `noise`, each with probability one half.

    Args:
        reward_means: mean reward of arm 0 and of arm 1.
        noise: half the distance between an arm's two possible rewards.

    Returns:
        The world, with horizon 1; state 0 is the start, the others are terminal.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: not two arms, or a number that is not finite.
    """
    means = finite_array("reward_means", reward_means)
    if means.shape != (2,):
        raise ValueError(f"reward_means: expected shape (2,), got {means.shape}")
    spread = finite_array("noise", noise)
    if spread.shape != ():
        raise ValueError(f"noise: expected one number, got shape {spread.shape}")
    transition = np.zeros((3, 2, 3))
    transition[0, :, 1:] = 0.5
    reward = np.zeros_like(transition)
    reward[0, :, 1] = means + spread
    reward[0, :, 2] = means - spread
    return TabularMDP([1, 0, 0], transition, reward, [False, True, True], horizon=1)


def random_mdp(
    num_states: int, num_actions: int, horizon: int, seed: int = 0
) -> TabularMDP:
    """A world without symmetries: random dynamics, random rewards, early endings.

    The last state is terminal. Probabilities are drawn from a flat Dirichlet
    distribution, rewards from a standard normal one.

    Args:
        num_states: S, at least 2, the terminal state included.
        num_actions: A, at least 1.
        horizon: the largest number of steps in an episode.
        seed: of the random generator; the same seed gives the same world.

    Returns:
        The world, with one-hot observations.

    Raises:
        TypeError: an argument is not an integer.
        ValueError: an argument is too small.
    """
    num_states = check_count("num_states", num_states, at_least=2)
    num_actions = check_count("num_actions", num_actions)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    initial = np.append(generator.dirichlet(np.ones(num_states - 1)), 0.0)
    transition = generator.dirichlet(np.ones(num_states), (num_states, num_actions))
    reward = generator.standard_normal(transition.shape)
    terminal = np.arange(num_states) == num_states - 1
    return TabularMDP(initial, transition, reward, terminal, horizon)


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
        raise ValueError(f"{name}: expected booleans, got {np.asarray(value).tolist()}")
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
    if abs(row.sum() - 1) > _TOLERANCE:
        raise ValueError(
            f"{name}: expected probabilities to sum to 1, got {row.sum():.9g}"
        )
    return row / row.sum()
