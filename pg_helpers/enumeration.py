"""All trajectories of a finite world, grown step by step along shared prefixes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import check_tensor

# An enumeration is refused when it would take more memory than this.
MEMORY_LIMIT = 2**30
_BYTES_PER_STEP = 80
# A refusal counts no further: to add such numbers up would take longer and longer.
_MOST_COUNTED = 10**6000


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
        TypeError: mdp is not a TabularMDP.
        ValueError: they would take more memory than `MEMORY_LIMIT`.
    """
    check_mdp(mdp)
    check_memory(mdp, padded=True)
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

    Raises:
        TypeError: mdp is not a TabularMDP.
    """
    check_mdp(mdp)
    return deque(count_prefixes(mdp), maxlen=1)[0]


def check_trajectories(mdp: TabularMDP, given: Any) -> None:
    """Refuse what are no trajectories of this world.

    Raises:
        TypeError: they are no `AllTrajectories`, or tensors of other types.
        ValueError: shapes disagree, or there are states or actions that mdp has not.
    """
    if not isinstance(given, AllTrajectories):
        raise TypeError(
            f"trajectories: expected AllTrajectories, got {type(given).__name__}"
        )
    kinds = {"states": torch.int64, "actions": torch.int64, "mask": torch.bool}
    for name, kind in kinds.items():
        check_tensor(f"trajectories.{name}", getattr(given, name))
        if getattr(given, name).dtype != kind:
            came = getattr(given, name).dtype
            raise TypeError(f"trajectories.{name}: expected {kind}, got {came}")
    K, T = given.mask.shape if given.mask.ndim == 2 else (0, 0)
    expected = {"states": (K, T + 1), "actions": (K, T), "mask": (K, T)}
    if any(getattr(given, name).shape != expected[name] for name in expected):
        came = [tuple(getattr(given, name).shape) for name in expected]
        raise ValueError(
            "trajectories: expected states (K, T + 1), actions (K, T) and mask (K, T), "
            f"got {came[0]}, {came[1]} and {came[2]}"
        )
    for name, bound in {"states": mdp.num_states, "actions": mdp.num_actions}.items():
        index = getattr(given, name)
        if index.numel() and not 0 <= index.min() <= index.max() < bound:
            raise ValueError(
                f"trajectories.{name}: expected numbers from 0 to {bound - 1}, got "
                f"{index.min().item()} to {index.max().item()}"
            )


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


def count_prefixes(mdp: TabularMDP) -> Iterator[int]:
    """Number of prefixes after 1, 2, ... steps; Python integers do not overflow."""
    possible = ((mdp.transition > 0) & ~mdp.terminal[:, None, None]).sum(1)
    possible[mdp.terminal, mdp.terminal] = 1
    ways = possible.astype(object)
    number = (mdp.initial > 0).astype(int).astype(object)
    for _ in range(mdp.horizon):
        number = number @ ways
        yield int(number.sum())


def check_memory(mdp: TabularMDP, padded: bool) -> None:
    """Refuse an enumeration that would not fit, before it starts.

    Args:
        mdp: the world.
        padded: whether all trajectories are held to the horizon, or each prefix once.

    Raises:
        ValueError: they take more than `MEMORY_LIMIT`; names the count.
    """
    number = prefixes = 0
    for number in count_prefixes(mdp):
        prefixes += number
        if number > _MOST_COUNTED:
            break
    needed = (number * mdp.horizon if padded else prefixes) * _BYTES_PER_STEP
    if needed > MEMORY_LIMIT:
        raise ValueError(
            f"mdp: expected a world whose trajectories can be listed, got {mdp}, which "
            f"has {_in_digits(number)} trajectories: to list them would take "
            f"{_in_digits(-(-needed // 2**30))} GiB, and the limit is "
            f"{MEMORY_LIMIT / 2**30:.1f} GiB. Choose a shorter horizon, or use "
            "exact.objective_by_dp, whose cost does not grow with their number."
        )


def _in_digits(number: int) -> str:
    """All digits, or a power of ten where Python would refuse to print them."""
    if number < 10**100:
        return f"{number:,}"
    how = "more than" if number > _MOST_COUNTED else "about"
    return f"{how} 10^{math.log10(number):.0f}"
