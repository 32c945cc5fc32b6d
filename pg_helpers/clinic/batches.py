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


def all_batches(probability: Tensor, N: int, exchangeable: bool) -> Batches:
    """List all batches of N trajectories.

    Args:
        probability: float64 (K,), of each trajectory.
        N: trajectories in a batch.
        exchangeable: whether batches that differ in order only are listed once.
    """
    K = len(probability)
    index = torch.arange(K)[:, None]
    orders = torch.ones(K, dtype=torch.float64)
    alike = torch.ones(K, dtype=torch.float64)  # of the last trajectory, in a row
    for number in range(2, N + 1):
        first = index[:, -1] if exchangeable else torch.zeros(len(index)).long()
        repeats = K - first
        start = repeats.cumsum(0) - repeats
        row = torch.arange(len(index)).repeat_interleave(repeats)
        last = torch.arange(len(row)) - start[row] + first[row]
        alike = torch.where(last == index[row, -1], alike[row] + 1, 1.0)
        index = torch.cat([index[row], last[:, None]], dim=1)
        # n! / (k_1! k_2! ...), of which each trajectory brings n / k.
        orders = orders[row] * number / alike if exchangeable else orders[row]
    chance = probability[index].prod(dim=1) * orders
    kinds = {1: "trajectories", 2: "pairs of trajectories"}
    words = f"all {K**N:,} {kinds.get(N, f'batches of {N} trajectories')}"
    return Batches(index, chance / chance.sum(), False, words)


def number_of_batches(K: int, N: int, exchangeable: bool) -> int:
    """How many `all_batches` lists."""
    return math.comb(K + N - 1, N) if exchangeable else K**N


def sampled_batches(probability: Tensor, N: int, number: int, seed: int) -> Batches:
    """Draw batches of N trajectories so that no trajectory is missed.

    All but one of a batch are drawn as the policy draws them, and one, at a random
    place, from that distribution and a uniform one in equal parts. The chance of a
    batch makes up for it, by a factor of at most 2.
    """
    generator = np.random.default_rng(seed)
    shares = (probability / probability.sum()).numpy()
    mixed = (shares + 1 / len(shares)) / 2
    drawn = generator.choice(len(shares), (number, N), p=shares)
    place = generator.integers(N, size=number)
    drawn[np.arange(number), place] = generator.choice(len(shares), number, p=mixed)
    index = torch.from_numpy(drawn)
    weight = 1 / torch.from_numpy(mixed / shares)[index].mean(dim=1)
    words = f"{number:,} sampled batches of {N} trajectories"
    return Batches(index, weight / weight.sum(), True, words)
