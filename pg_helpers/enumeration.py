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
from pg_helpers.require import require

MEMORY_LIMIT = 2**30  # bytes; an enumeration that would take more is refused
_BYTES_PER_STEP = 80
_MOST_COUNTED = 10**250  # a refusal counts no further; a float still holds it


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
    """List all K trajectories of a finite world, padded to the horizon.

    Raises:
        TypeError: mdp is not a TabularMDP.
        ValueError: they would take more memory than `MEMORY_LIMIT`.
    """
    check_mdp(mdp)
    check_memory(mdp, padded=True)
    states = np.flatnonzero(mdp.initial)[:, None]
    actions = np.empty((len(states), 0), dtype=np.int64)
    for parent, _, action, next_state in grow(mdp):
        states = np.column_stack([states[parent], next_state])
        actions = np.column_stack([actions[parent], action])
    mask = ~mdp.terminal[states[:, :-1]]
    rewards = mdp.reward[states[:, :-1], actions, states[:, 1:]] * mask
    return AllTrajectories(*map(torch.from_numpy, (states, actions, rewards, mask)))


def count_trajectories(mdp: TabularMDP) -> int:
    """Count all K trajectories, exactly and without listing them.

    Raises:
        TypeError: mdp is not a TabularMDP.
    """
    check_mdp(mdp)
    return deque(_count_prefixes(mdp), maxlen=1)[0]


def grow(mdp: TabularMDP) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Extend all prefixes step by step: (parent, state, action, next_state) of each."""
    state_of, action_of, next_of = np.nonzero(_possible(mdp))
    num_options = np.bincount(state_of)
    first_option = np.cumsum(num_options) - num_options
    is_option = np.arange(num_options.max()) < num_options[:, None]
    states = np.flatnonzero(mdp.initial)
    for _ in range(mdp.horizon):
        parent, rank = np.nonzero(is_option[states])
        option = first_option[states[parent]] + rank
        yield parent, states[parent], action_of[option], next_of[option]
        states = next_of[option]


def check_trajectories(mdp: TabularMDP, given: Any) -> None:
    """Refuse what are no trajectories of this world."""
    known = isinstance(given, AllTrajectories)
    require(known, "trajectories", "AllTrajectories", given, TypeError)
    parts = (given.states, given.actions, given.mask)
    kinds = [getattr(part, "dtype", type(part)) for part in parts]
    right = kinds == [torch.int64, torch.int64, torch.bool]
    require(right, "trajectories", "tensors of int64, int64, bool", kinds, TypeError)
    shapes = [tuple(part.shape) for part in parts]
    K, T = shapes[2] if given.mask.ndim == 2 else (0, 0)
    fit = shapes == [(K, T + 1), (K, T), (K, T)]
    require(fit, "trajectories", "shapes (K, T + 1), (K, T), (K, T)", shapes)
    for index, bound in zip(parts, mdp.transition.shape[:2], strict=False):
        inside = ((0 <= index) & (index < bound)).all()
        require(inside, "trajectories", f"numbers from 0 to {bound - 1}", index)


def check_memory(mdp: TabularMDP, padded: bool) -> None:
    """Refuse an enumeration of all trajectories (padded) or prefixes if too large."""
    number = prefixes = 0
    for number in _count_prefixes(mdp):
        prefixes += number
        if number > _MOST_COUNTED:
            break
    needed = (number * mdp.horizon if padded else prefixes) * _BYTES_PER_STEP
    if needed > MEMORY_LIMIT:
        count = "more than 10^250" if number > _MOST_COUNTED else _in_digits(number)
        raise ValueError(
            f"mdp: expected a world whose trajectories can be listed, got {mdp}, which "
            f"has {count} trajectories: to list them would take "
            f"{_in_digits(math.ceil(needed / 2**30))} GiB, and the limit is "
            f"{MEMORY_LIMIT / 2**30:.1f} GiB. Choose a shorter horizon, or use "
            "exact.objective_by_dp, whose cost does not grow with their number."
        )


def _count_prefixes(mdp: TabularMDP) -> Iterator[int]:
    """Number of prefixes after 1, 2, ... steps; Python integers do not overflow."""
    ways = _possible(mdp).sum(1).astype(object)
    number = (mdp.initial > 0).astype(int).astype(object)
    for _ in range(mdp.horizon):
        number = number @ ways
        yield int(number.sum())


def _possible(mdp: TabularMDP) -> NDArray[np.bool_]:
    """The steps (S, A, S) that prefixes take; an ended one stays, by action 0."""
    possible = (mdp.transition > 0) & ~mdp.terminal[:, None, None]
    possible[mdp.terminal, 0, mdp.terminal] = True
    return possible


def _in_digits(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.3g}"
