"""Which batches of N trajectories a loss is asked about, and how likely each is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# 3000 batches of so many trajectories take a minute and 100 MB.
MOST_TRAJECTORIES = 1000


@dataclass(frozen=True)
class Batches:
    """B batches of N trajectories each, out of all K that a world has.

    Attributes:
        index: int64 (B, N), which trajectories a batch is made of.
        chance: float64 (B,), how likely each batch is; they sum to 1.
        sampled: whether the batches are a sample, not all that there are.
        in_words: how many batches of what size these are.
    """

    index: Tensor
    chance: Tensor
    sampled: bool
    in_words: str

    @property
    def num_trajectories(self) -> int:
        """N, trajectories in a batch."""
        return self.index.shape[1]


@dataclass(frozen=True)
class Law:
    """How batches are drawn: each of independent groups, all of a group from one start.

    Attributes:
        probability: float64 (K,), of each trajectory.
        start: int64 (K,), where it starts, counted from 0; zeros where a group may
            begin anywhere.
        group_size: G, trajectories in a group; None where a batch is one group.
        drawn: float64 (K,), where the first half of the trajectories was drawn by this
            law, and the second by another: how many times as often each comes there.
    """

    probability: Tensor
    start: Tensor
    group_size: int | None = None
    drawn: Tensor | None = None

    def sizes(self, N: int) -> tuple[int, int]:
        """Number of groups in N trajectories, and of trajectories in each."""
        G = N if self.group_size is None else min(self.group_size, N)
        return N // G, G

    def starts(self) -> Tensor:
        """How likely each start is."""
        return torch.zeros(int(self.start.max()) + 1, dtype=torch.float64).index_add(
            0, self.start, self.probability / self.probability.sum()
        )


def all_batches(law: Law, N: int, exchangeable: bool) -> Batches:
    """List all batches of N trajectories.

    Args:
        law: how they are drawn.
        N: trajectories in a batch.
        exchangeable: whether batches that differ only in the order of the trajectories
            of a group are listed once.
    """
    P, G = law.sizes(N)
    members, shares = [], []
    for start, likely in enumerate(law.starts().tolist()):
        own = (law.start == start).nonzero().squeeze(1)
        index, orders = _tuples(len(own), G, exchangeable)
        members.append(own[index])
        probability = law.probability[own] / law.probability[own].sum()
        shares.append(likely * probability[index].prod(dim=1) * orders)
    group, share = torch.cat(members), torch.cat(shares)
    every = torch.cartesian_prod(*[torch.arange(len(group))] * P).reshape(-1, P)
    chance = share[every].prod(dim=1)
    words = f"all {number_of_batches(law, N, False):,} {_in_words(law, N)}"
    return Batches(group[every].flatten(1), chance / chance.sum(), False, words)


def _in_words(law: Law, N: int) -> str:
    P, G = law.sizes(N)
    if law.group_size is None:
        kinds = {1: "trajectories", 2: "pairs of trajectories"}
        return kinds.get(N, f"batches of {N} trajectories")
    if P == 1:
        return f"groups of {G} trajectories"
    return f"batches of {P} groups of {G} trajectories"


def _tuples(K: int, N: int, exchangeable: bool) -> tuple[Tensor, Tensor]:
    """All (B, N) of K things, and in how many orders each can come."""
    index = torch.arange(K)[:, None]
    orders = torch.ones(K, dtype=torch.float64)
    alike = torch.ones(K, dtype=torch.float64)  # of the last thing, in a row
    for number in range(2, N + 1):
        first = index[:, -1] if exchangeable else torch.zeros(len(index)).long()
        repeats = K - first
        start = repeats.cumsum(0) - repeats
        row = torch.arange(len(index)).repeat_interleave(repeats)
        last = torch.arange(len(row)) - start[row] + first[row]
        alike = torch.where(last == index[row, -1], alike[row] + 1, 1.0)
        index = torch.cat([index[row], last[:, None]], dim=1)
        # n! / (k_1! k_2! ...), of which each thing brings n / k.
        orders = orders[row] * number / alike if exchangeable else orders[row]
    return index, orders


def number_of_batches(law: Law, N: int, exchangeable: bool) -> int:
    """How many `all_batches` lists."""
    P, G = law.sizes(N)
    kinds = law.start.bincount().tolist()
    return sum(math.comb(K + G - 1, G) if exchangeable else K**G for K in kinds) ** P


def disjoint_batches(law: Law, N: int, number: int, seed: int) -> Batches:
    """Share drawn trajectories out, so that each is in one batch of N at most.

    One of a batch, at a random place, is of the second half. The chance of a batch
    makes up for it.

    Args:
        law: of trajectories that are drawn.
        N: trajectories in a batch.
        number: of batches, at most; there are fewer where the trajectories run out.
        seed: of the places.
    """
    assert law.drawn is not None
    half = len(law.drawn) // 2
    number = min(number, half // max(N - 1, 1))
    index = torch.arange(number * (N - 1)).reshape(number, N - 1)
    index = torch.cat([index, half + torch.arange(number)[:, None]], dim=1)
    place = torch.from_numpy(np.random.default_rng(seed).integers(N, size=number))
    rows = torch.arange(number)
    index[rows, -1], index[rows, place] = index[rows, place], index[rows, -1]
    weight = 1 / law.drawn[index].mean(dim=1)
    words = f"{number:,} sampled {_in_words(law, N)}"
    return Batches(index, weight / weight.sum(), True, words)


def sampled_batches(law: Law, N: int, number: int, seed: int) -> Batches:
    """Draw batches of N trajectories so that no trajectory is missed.

    All but one of a batch are drawn as the policy draws them, and one, at a random
    place, from that distribution and a uniform one in equal parts, as is the start of
    its group. The chance of a batch makes up for it, by a factor of at most 4.
    """
    P, G = law.sizes(N)
    generator = np.random.default_rng(seed)
    start, likely = law.start.numpy(), law.starts().numpy()
    shares = (law.probability / law.probability.sum()).numpy() / likely[start]
    mixed = (shares + 1 / np.bincount(start)[start]) / 2
    often = (likely + 1 / len(likely)) / 2
    place = generator.integers(N, size=number)
    first = generator.choice(len(likely), (number, P), p=likely)
    rows = np.arange(number)
    first[rows, place // G] = generator.choice(len(likely), number, p=often)
    begun, drawn = first.repeat(G, axis=1), np.empty((number, N), dtype=np.int64)
    for one in range(len(likely)):
        own, here = np.flatnonzero(start == one), begun == one
        drawn[here] = generator.choice(own, here.sum(), p=shares[own])
        special = here[rows, place]
        drawn[rows[special], place[special]] = generator.choice(
            own, special.sum(), p=mixed[own]
        )
    index = torch.from_numpy(drawn)
    more = torch.from_numpy((mixed / shares) * (often / likely)[start])
    weight = 1 / more[index].mean(dim=1)
    words = f"{number:,} sampled {_in_words(law, N)}"
    return Batches(index, weight / weight.sum(), True, words)
