"""The worlds of the series, small enough to know everything about."""

from __future__ import annotations

import numpy as np

from pg_helpers.mdp import TabularMDP, check_size
from pg_helpers.require import check_count, check_fraction, finite_array


def corridor(length: int = 7, horizon: int = 12) -> TabularMDP:
    """A corridor with the reward at its right end, seen as one number.

    The agent starts in the middle. Action 0 steps left, action 1 steps right; the left
    end is a wall, and stepping against it leaves the agent where it is. Entering the
    right end pays 1 and ends the episode. The observation is the position, scaled to
    run from -1 (left end) to 1 (right end).

    Args:
        length: number of cells, from 3 to 2896.
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = length, A = 2 and D = 1.

    Raises:
        TypeError: an argument is not an integer.
        ValueError: length or horizon is out of range.
    """
    length = check_count("length", length, at_least=3)
    check_size("length", length, 2)
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
        rows: number of rows; rows * columns must be from 2 to 2048.
        columns: number of columns.
        slip: probability of a sideways step, in [0, 1].
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = rows * columns, A = 4 and one-hot observations.

    Raises:
        TypeError: an argument is not a number of the right kind.
        ValueError: slip outside [0, 1], or a number of cells or steps out of range.
    """
    rows, columns = check_count("rows", rows), check_count("columns", columns)
    slip = check_fraction("slip", slip)
    num_states = rows * columns
    if num_states < 2:
        raise ValueError("rows * columns: expected at least 2 cells, got 1")
    check_size("rows * columns", num_states, 4)
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
        ValueError: not two arms, or a reward that is not finite.
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
    with np.errstate(over="ignore"):
        reward[0, :, 1] = means + spread
        reward[0, :, 2] = means - spread
    finite_array("reward_means + noise", reward)
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
        ValueError: an argument is out of range; S * A * S goes up to 16 million.
    """
    num_states = check_count("num_states", num_states, at_least=2)
    num_actions = check_count("num_actions", num_actions)
    check_size("num_states", num_states, num_actions)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    initial = np.append(generator.dirichlet(np.ones(num_states - 1)), 0.0)
    transition = generator.dirichlet(np.ones(num_states), (num_states, num_actions))
    reward = generator.standard_normal(transition.shape)
    terminal = np.arange(num_states) == num_states - 1
    return TabularMDP(initial, transition, reward, terminal, horizon)


def hill(slip: float = 0.25, horizon: int = 2) -> TabularMDP:
    """A hill to climb, with berries in the valley: 16 trajectories in all.

    State 0 is the valley, 1 the ridge, 2 the summit, which ends the episode. Three
    episodes of four start in the valley, one on the ridge. Action 0 rests and stays
    where it is, which in the valley yields berries worth 0.2 a step. Action 1 climbs
    to the next state; with probability `slip` it slides down to the valley instead.
    Reaching the summit pays 1.

    Args:
        slip: probability that climbing fails, in [0, 1].
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = 3, A = 2 and one-hot observations.

    Raises:
        TypeError: an argument is not a number of the right kind.
        ValueError: slip outside [0, 1], or horizon out of range.
    """
    slip = check_fraction("slip", slip)
    valley, ridge, summit = range(3)
    rest, climb = range(2)
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    for state in (valley, ridge):
        transition[state, rest, state] = 1.0
        transition[state, climb, state + 1] = 1 - slip
        transition[state, climb, valley] = slip
    reward[valley, rest, valley] = 0.2
    reward[ridge, climb, summit] = 1.0
    return TabularMDP(
        [0.75, 0.25, 0], transition, reward, [False, False, True], horizon
    )


def is_corridor(mdp: TabularMDP) -> bool:
    """Whether action 0 only steps left, and action 1 right, and the right end pays."""
    return mdp.num_actions == 2 and _moves_between(mdp, [-1, 1], (1, mdp.num_states))


def grid_shape(mdp: TabularMDP) -> tuple[int, int] | None:
    """Rows and columns, where up, right, down and left lead to neighbouring cells."""
    if mdp.num_actions != 4:
        return None
    for columns in range(1, mdp.num_states + 1):
        rows, rest = divmod(mdp.num_states, columns)
        if not rest and _moves_between(
            mdp, [-columns, 1, columns, -1], (rows, columns)
        ):
            return rows, columns
    return None


def _moves_between(mdp: TabularMDP, steps: list[int], shape: tuple[int, int]) -> bool:
    """Whether no action ever leads elsewhere than to a cell beside, or back."""
    cells = np.arange(mdp.num_states)
    rows, columns = np.divmod(cells, shape[1])
    apart = abs(rows[:, None] - rows) + abs(columns[:, None] - columns)
    alive = ~mdp.terminal
    for action, step in enumerate(steps):
        led = (mdp.transition[:, action] > 0) & alive[:, None]
        against = np.eye(mdp.num_states, k=-step, dtype=bool) & (apart == 1)
        if (led & ((apart > 1) | against)).any():
            return False
    return bool(alive.any())
