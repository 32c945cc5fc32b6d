"""Listed trajectories in words, and sampled ones found in the list."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pg_helpers.exact import AllTrajectories
from pg_helpers.rollout import Trajectories


def words_of(
    listed: AllTrajectories, states: Sequence[str], actions: Sequence[str]
) -> list[list[str]]:
    """Tell every trajectory: state, action, state, action, ..., state.

    Args:
        listed: all K trajectories.
        states: a letter or word for each state.
        actions: a word or sign for each action.

    Returns:
        K lists of words.

    Raises:
        ValueError: there are fewer words than states or actions.
    """
    _check_words("states", states, int(listed.states.max()))
    _check_words("actions", actions, int(listed.actions.max()))
    told = []
    for visited, taken, length in zip(
        listed.states.tolist(),
        listed.actions.tolist(),
        listed.mask.sum(dim=1).tolist(),
        strict=True,
    ):
        words = [states[visited[0]]]
        for t in range(length):
            words += [actions[taken[t]], states[visited[t + 1]]]
        told.append(words)
    return told


def names_of(
    listed: AllTrajectories, states: Sequence[str], actions: Sequence[str]
) -> list[str]:
    """Write every trajectory as its states with the actions between them.

    Args:
        listed: all K trajectories.
        states: a letter or word for each state.
        actions: a sign for each action.

    Returns:
        K texts, such as "V · V ↗ R".

    Raises:
        ValueError: there are fewer words than states or actions.
    """
    return [" ".join(words) for words in words_of(listed, states, actions)]


def find(batch: Trajectories, listed: AllTrajectories) -> Tensor:
    """Find each sampled trajectory in the list of all trajectories.

    Args:
        batch: N trajectories of a world whose observations are one-hot.
        listed: all K trajectories of the same world.

    Returns:
        int64 (N,), the k of each.

    Raises:
        ValueError: a sampled trajectory is not in the list, or may be longer.
    """
    steps, horizon = batch.mask.shape[1], listed.mask.shape[1]
    if steps > horizon:
        raise ValueError(
            f"batch: expected trajectories of up to {horizon} steps, got {steps}"
        )
    sampled = _keys(
        batch.observations.argmax(-1),
        batch.actions,
        batch.final_observations.argmax(-1),
        batch.mask,
        horizon,
    )
    every = _keys(
        listed.states[:, :-1],
        listed.actions,
        listed.states[:, -1],
        listed.mask,
        horizon,
    )
    same = (sampled[:, None] == every).all(-1)
    if not same.any(1).all():
        missing = int((~same.any(1)).sum())
        raise ValueError(
            f"batch: {missing} of its trajectories are not in the list of this world"
        )
    return same.int().argmax(1)


def _keys(
    states: Tensor, actions: Tensor, last: Tensor, mask: Tensor, horizon: int
) -> Tensor:
    """A row of integers for each trajectory, the same for the same trajectory."""
    columns = horizon - mask.shape[1]
    key = [
        torch.nn.functional.pad(torch.where(mask, part, -1), (0, columns), value=-1)
        for part in (states, actions)
    ]
    return torch.cat([*key, last[:, None]], dim=1)


def _check_words(name: str, words: Sequence[str], largest: int) -> None:
    if len(words) <= largest:
        raise ValueError(f"{name}: expected at least {largest + 1}, got {len(words)}")
