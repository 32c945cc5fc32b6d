"""Many learners at once on one small world: their episodes, and their exact values.

A crowd of R learners is an array (R, S, A) of the probabilities of their actions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pg_helpers.draws import draw_indexes
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import check_count, check_fraction, check_tensor, finite_array
from pg_helpers.worlds import grid_world

# Cells of the grid of two goals, as row and column.
TWO_GOALS_SHAPE = (3, 6)
START, NEAR, FAR = (1, 1), (1, 0), (1, 5)

LEARNERS_AT_ONCE = 1024


@dataclass(frozen=True)
class Played:
    """N episodes of each of R learners, padded to the horizon T.

    Attributes:
        states: int64 (R, N, T), the state before each step.
        actions: int64 (R, N, T).
        rewards: float64 (R, N, T); 0 where no step was taken.
        mask: bool (R, N, T); True where a step was taken.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor


def two_goals(near: float = 1.0, far: float = 10.0, horizon: int = 8) -> TabularMDP:
    """A grid of 3 by 6 cells with a small reward near by and another far away.

    The agent starts in the second cell of the middle row. One step to the left is the
    near goal, four steps to the right the far one; either ends the episode. Actions
    and cells are those of `grid_world`, without slip.

    Args:
        near: reward of entering the near goal.
        far: reward of entering the far goal.
        horizon: the largest number of steps in an episode.

    Returns:
        The world, with S = 18, A = 4 and one-hot observations.

    Raises:
        TypeError: an argument is not a number of the right kind.
        ValueError: a reward is not finite or the horizon is below 1.
    """
    plain = grid_world(*TWO_GOALS_SHAPE, horizon=horizon)
    columns = TWO_GOALS_SHAPE[1]
    start, *goals = (row * columns + column for row, column in (START, NEAR, FAR))
    cells = np.arange(plain.num_states)
    terminal = np.isin(cells, goals)
    reward = np.zeros_like(plain.reward)
    reward[:, :, goals] = finite_array("near, far", [near, far])
    reward[terminal] = 0
    return TabularMDP(cells == start, plain.transition, reward, terminal, horizon)


def draw_actions(
    probabilities: ArrayLike, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw an index from each row.

    Args:
        probabilities: (..., A), rows that sum to 1.
        generator: one number of it is used for each row.

    Returns:
        (...), from 0 to A - 1.
    """
    return draw_indexes(np.cumsum(probabilities, axis=-1), generator)


def play(
    world: TabularMDP,
    probabilities: ArrayLike,
    num_episodes: int,
    generator: np.random.Generator,
) -> Played:
    """Let every learner of a crowd play N episodes, all in lock-step.

    Args:
        world: the world.
        probabilities: (R, S, A), pi(a|s) of each learner.
        num_episodes: N.
        generator: of the starts, the actions and the world.

    Returns:
        The episodes.

    Raises:
        TypeError: world is not a TabularMDP, the probabilities are not numbers, or the
            count is not an integer.
        ValueError: the shape does not fit the world, or no episode.
    """
    pi = _crowd(world, probabilities).detach().numpy()
    shape = (len(pi), check_count("num_episodes", num_episodes))
    learner = np.arange(len(pi))[:, None]
    heights, onward = pi.cumsum(axis=-1), world.transition.cumsum(axis=-1)
    starts = np.broadcast_to(world.initial.cumsum(), (*shape, world.num_states))
    state = draw_indexes(starts, generator)
    rows = []
    for _ in range(world.horizon):
        running = ~world.terminal[state]
        action = draw_indexes(heights[learner, state], generator)
        # The rows of terminal states may be empty; nobody moves there.
        after = np.where(running, draw_indexes(onward[state, action], generator), state)
        reward = np.where(running, world.reward[state, action, after], 0.0)
        rows.append((state, action, reward, running))
        state = after
    columns = zip(*rows, strict=True)
    return Played(*(torch.from_numpy(np.stack(column, axis=-1)) for column in columns))


def at_steps(table: Tensor, played: Played) -> Tensor:
    """Look up what a table of each learner holds at every step it has played.

    Args:
        table: (R, S, A), looked up at states and actions, or (R, S), at states; may
            carry a graph.
        played: the episodes of the same R learners.

    Returns:
        (R, N, T); something from the table also where no step was taken.

    Raises:
        ValueError: the table has other axes, or is of another number of learners.
    """
    if table.ndim not in (2, 3) or len(table) != len(played.states):
        raise ValueError(
            f"table: expected shape (R, S) or (R, S, A) with R = {len(played.states)}, "
            f"got {tuple(table.shape)}"
        )
    index = played.states
    if table.ndim == 3:
        index = index * table.shape[2] + played.actions
    # On flat indices: a quarter of the time that table[learner, state, action] takes.
    return table.flatten(1).gather(1, index.flatten(1)).reshape(index.shape)


def along(
    world: TabularMDP, probabilities: ArrayLike, each: ArrayLike, gamma: float = 1.0
) -> Tensor:
    """Exact mean over trajectories of a sum over steps, for every learner of a crowd.

    The sum over t of gamma^t times `each` of the state that the step t is taken from,
    by dynamic programming from the horizon backward.

    Args:
        world: the world.
        probabilities: (R, S, A), pi(a|s) of each learner; may carry a graph.
        each: (R, S) or (S,), what a step from each state counts; may carry a graph.
        gamma: discount, in [0, 1].

    Returns:
        (R,), differentiable.

    Raises:
        TypeError: world is not a TabularMDP, or something is not made of numbers.
        ValueError: a shape does not fit the world, or gamma is outside [0, 1].
    """
    pi = _crowd(world, probabilities)
    gamma, counted = check_fraction("gamma", gamma), _numbers("each", each)
    if counted.shape not in (pi.shape[:2], pi.shape[1:2]):
        raise ValueError(
            f"each: expected shape {tuple(pi.shape[:2])} or {tuple(pi.shape[1:2])}, "
            f"got {tuple(counted.shape)}"
        )
    alive = torch.tensor(~world.terminal).to(pi)
    moves = torch.einsum("rsa,sat->rst", pi, torch.tensor(world.transition).to(pi))
    gained = counted.to(pi) * alive
    values = torch.zeros_like(pi[..., 0])
    for _ in range(world.horizon):
        values = gained + gamma * alive * (moves @ values[..., None])[..., 0]
    return values @ torch.tensor(world.initial).to(pi)


def objectives(world: TabularMDP, probabilities: ArrayLike, gamma: float) -> Tensor:
    """J of every learner of a crowd, exactly.

    Args:
        world: the world.
        probabilities: (R, S, A), pi(a|s) of each learner; may carry a graph.
        gamma: discount, in [0, 1].

    Returns:
        (R,), in units of reward; differentiable.

    Raises:
        TypeError: world is not a TabularMDP, or the probabilities or gamma are not
            numbers.
        ValueError: the shape does not fit the world, or gamma is outside [0, 1].
    """
    pi = _crowd(world, probabilities)
    expected = torch.as_tensor((world.transition * world.reward).sum(axis=2)).to(pi)
    # In parts, as the moves of R learners are R S^2 numbers.
    parts = [
        along(world, part, (part * expected).sum(dim=-1), gamma)
        for part in pi.split(LEARNERS_AT_ONCE)
    ]
    return torch.cat(parts)


def _crowd(world: TabularMDP, probabilities: ArrayLike) -> Tensor:
    check_mdp(world, "world")
    pi = _numbers("probabilities", probabilities)
    expected = (world.num_states, world.num_actions)
    if pi.ndim != 3 or pi.shape[1:] != expected:
        raise ValueError(
            f"probabilities: expected shape (R, {expected[0]}, {expected[1]}), "
            f"got {tuple(pi.shape)}"
        )
    return pi


def _numbers(name: str, values: ArrayLike) -> Tensor:
    if isinstance(values, Tensor):
        check_tensor(name, values)
        return values
    return torch.as_tensor(finite_array(name, values))
