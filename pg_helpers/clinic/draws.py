"""Trajectories drawn at random, from worlds that have too many to be listed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pg_helpers.exact import AllTrajectories
from pg_helpers.mdp import TabularMDP

# As many are drawn, with as many steps, and numbers in gradients, in all.
_MOST, _MOST_STEPS, _MOST_NUMBERS = 2**15, 2**21, 2**23
# Kinds of trajectories: all, those in which some reward is not zero, and the others.
_ANY, _PAID, _UNPAID = range(3)


def draw(
    mdp: TabularMDP, pi: Tensor, num_parameters: int, seed: int
) -> tuple[AllTrajectories, Tensor]:
    """Draw trajectories, one half by the policy and one half so that rewards are seen.

    Where rewards are rare, most trajectories say nothing. In the second half as many
    have a reward as have none, if both can happen. The probability of either, from each
    state and time on, follows from a recursion backward in time.

    Args:
        mdp: the world.
        pi: float64 (S, A), probabilities of the policy.
        num_parameters: P, of the policy.
        seed: of the draws.

    Returns:
        K trajectories, K even, and float64 (K,), how many times as often each is drawn
        for the second half as by the policy.
    """
    S, T = mdp.num_states, mdp.horizon
    most = min(_MOST, _MOST_STEPS // T, _MOST_NUMBERS // num_parameters)
    half = max(1, most // 2)
    state, action, after, chance, reward = mdp.edges
    chance = np.where(mdp.terminal[state], 0, chance * pi.numpy()[state, action])
    paid = reward != 0
    rest = np.ones((3, T + 1, S))  # the probability of each kind from a time on
    rest[_PAID] = 0

    def with_rest(kind: int, time: int) -> NDArray[np.float64]:
        """The probability of each transition, and of a rest that makes it this kind."""
        ahead = rest[kind, time + 1, after]
        if kind != _ANY:
            ahead = np.where(paid, kind == _PAID, ahead)
        return chance * ahead

    for time in reversed(range(T)):
        for kind in range(3):
            sums = np.bincount(state, with_rest(kind, time), S)
            rest[kind, time] = np.where(mdp.terminal, rest[kind, time], sums)
    generator = np.random.default_rng(seed)
    each = rest[1:, 0] @ mdp.initial
    share = (each > 0) / (each > 0).sum()
    kinds = np.full(2 * half, _ANY)
    kinds[half:] = generator.choice([_PAID, _UNPAID], half, p=share)
    states = np.empty((2 * half, T + 1), dtype=np.int64)
    for kind in np.unique(kinds):
        some, start = kinds == kind, mdp.initial * rest[kind, 0]
        states[some, 0] = generator.choice(S, some.sum(), p=start / start.sum())
    end = np.bincount(state, minlength=S).cumsum()
    begin = np.append(0, end[:-1])
    steps = np.zeros((2 * half, T), dtype=np.int64)
    for time in range(T):
        states[:, time + 1] = states[:, time]
        running = ~mdp.terminal[states[:, time]]
        for kind, some in [(k, running & (kinds == k)) for k in range(3)]:
            # Scaled to a sum near 1 in each state: small numbers keep their digits.
            scale = rest[kind, time, state]
            terms = with_rest(kind, time) / np.where(scale > 0, scale, 1)
            sums, here = np.append(0, terms.cumsum()), states[some, time]
            low, high = sums[begin[here]], sums[end[here]]
            at = low + generator.random(len(here)) * (high - low)
            step = sums[1:].searchsorted(at, side="right")
            step = np.minimum(step, end[here] - 1)
            steps[some, time], states[some, time + 1] = step, after[step]
            kinds[some] = np.where(paid[step] & (kind == _PAID), _ANY, kind)
    mask = ~mdp.terminal[states[:, :-1]]
    rewards = np.where(mask, reward[steps], 0)
    arrays = states, np.where(mask, action[steps], 0), rewards, mask
    often = share / np.where(each > 0, each, 1)
    more = np.where(rewards.any(axis=1), *often)
    return AllTrajectories(*map(torch.from_numpy, arrays)), torch.from_numpy(more)
