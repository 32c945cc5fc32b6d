"""All trajectories of a finite world, grown step by step along shared prefixes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.mdp import TabularMDP

# An enumeration is refused when it would take more memory than this.
MEMORY_LIMIT = 2**30
_BYTES_PER_STEP = 80


@dataclass(frozen=True)
class AllTrajectories:
    """Every trajectory that some policy can produce, in lexicographic order, Eq. (12).

    Attributes:
        states: int64 (K, T + 1), T the horizon; after the end the last state repeats.
        actions: int64 (K, T); 0 after the end.
        rewards: float64 (K, T); 0 after the end.
        mask: bool (K, T); True where a step is taken.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor


def trajectories(mdp: TabularMDP) -> AllTrajectories:
    """List every trajectory of a finite world.

    Args:
        mdp: the world.

    Returns:
        All K trajectories, padded to the horizon.

    Raises:
        ValueError: they would take more memory than `MEMORY_LIMIT`.
    """
    check_memory(mdp, count_trajectories(mdp) * mdp.horizon)
    states = np.flatnonzero(mdp.initial)[:, None]
    actions = np.empty((len(states), 0), dtype=np.int64)
    for step in grow(mdp):
        states = np.column_stack([states[step.parent], step.next_state])
        actions = np.column_stack([actions[step.parent], step.action])
    mask = ~mdp.terminal[states[:, :-1]]
    rewards = mdp.reward[states[:, :-1], actions, states[:, 1:]] * mask
    return AllTrajectories(*map(torch.from_numpy, (states, actions, rewards, mask)))


def count_trajectories(mdp: TabularMDP) -> int:
    """Count K, the number of trajectories, without listing them.

    Args:
        mdp: the world.

    Returns:
        K, exactly, however large.
    """
    return count_prefixes(mdp)[-1]


@dataclass(frozen=True)
class Step:
    """One step of every prefix of a trajectory: row i extends prefix `parent[i]`."""

    num_parents: int
    parent: NDArray[np.int64]
    state: NDArray[np.int64]
    action: NDArray[np.int64]
    next_state: NDArray[np.int64]


def grow(mdp: TabularMDP) -> Iterator[Step]:
    """Grow all prefixes together; those that ended are carried along unchanged."""
    possible = (mdp.transition > 0) & ~mdp.terminal[:, None, None]
    ended = np.flatnonzero(mdp.terminal)
    possible[ended, 0, ended] = True
    state_of, action_of, next_of = np.nonzero(possible)
    num_options = np.bincount(state_of, minlength=mdp.num_states)
    first_option = np.cumsum(num_options) - num_options
    states = np.flatnonzero(mdp.initial)
    for _ in range(mdp.horizon):
        repeats = num_options[states]
        parent = np.repeat(np.arange(len(states)), repeats)
        first_child = np.cumsum(repeats) - repeats
        rank = np.arange(len(parent)) - first_child[parent]
        option = first_option[states[parent]] + rank
        yield Step(
            len(states), parent, states[parent], action_of[option], next_of[option]
        )
        states = next_of[option]


def count_prefixes(mdp: TabularMDP) -> list[int]:
    """Number of prefixes after 1, 2, ... steps; Python integers do not overflow."""
    possible = ((mdp.transition > 0) & ~mdp.terminal[:, None, None]).sum(1)
    possible[mdp.terminal, mdp.terminal] = 1
    ways = possible.astype(object)
    number = (mdp.initial > 0).astype(int).astype(object)
    counts = []
    for _ in range(mdp.horizon):
        number = number @ ways
        counts.append(int(number.sum()))
    return counts


def check_memory(mdp: TabularMDP, num_steps: int) -> None:
    """Refuse an enumeration that would not fit, before it starts.

    Raises:
        ValueError: `num_steps` rows take more than `MEMORY_LIMIT`; names the count.
    """
    needed = num_steps * _BYTES_PER_STEP
    if needed > MEMORY_LIMIT:
        raise ValueError(
            f"{mdp} has {_in_digits(count_trajectories(mdp))} trajectories: to list "
            f"them would take {_in_digits(-(-needed // 2**30))} GiB, and the limit is "
            f"{MEMORY_LIMIT / 2**30:.1f} GiB. Choose a shorter horizon, or use "
            "exact.objective_by_dp, whose cost does not grow with their number."
        )


def _in_digits(number: int) -> str:
    """All digits, or a power of ten where Python would refuse to print them."""
    return f"{number:,}" if number < 10**100 else f"about 10^{math.log10(number):.0f}"
