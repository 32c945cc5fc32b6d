"""Every batch of N trajectories that a loss can meet, and how likely each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers import exact
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import placement
from pg_helpers.rollout import Trajectories

# As many batches are listed; where there are more, SAMPLES of them are drawn.
MOST_LISTED = 5000
SAMPLES = 3000


@dataclass(frozen=True)
class Batches:
    """B batches of N trajectories each, out of all K that a world has.

    A padded step holds state 0, action 0 and reward 0, as in a batch that was begun
    with zeros. The policy has an opinion about it as about any other step.

    Attributes:
        every: the K trajectories, padded to the horizon T.
        states: int64 (K, T), the state before each step; 0 where padded.
        probability: float64 (K,), P(tau|theta) of each trajectory.
        index: int64 (B, N), which trajectories a batch is made of.
        chance: float64 (B,), how likely each batch is; they sum to 1.
        sampled: whether the batches are a sample, not all that there are.
    """

    every: Trajectories
    states: Tensor
    probability: Tensor
    index: Tensor
    chance: Tensor
    sampled: bool

    @property
    def shape(self) -> tuple[int, int]:
        """N, trajectories in a batch, and T, the horizon."""
        return self.index.shape[1], self.states.shape[1]

    def in_words(self) -> str:
        """How many batches of what size were asked about."""
        number, size = self.index.shape
        if self.sampled:
            return f"{number:,} sampled batches of {size} trajectories"
        names = {1: "trajectories", 2: "pairs of trajectories"}
        return f"all {number:,} {names.get(size, f'batches of {size} trajectories')}"


def batches_of(
    mdp: TabularMDP, policy: nn.Module, num_trajectories: int, seed: int
) -> Batches:
    """List all batches where there are few, sample some where there are many.

    Args:
        mdp: the world.
        policy: what samples the trajectories.
        num_trajectories: N.
        seed: of the sample.

    Returns:
        At most `MOST_LISTED` batches.

    Raises:
        TypeError: the policy does not return a Categorical.
        ValueError: an episode may start in a terminal state, and so have no step; or
            an enumeration larger than memory allows.
    """
    if (mdp.initial[mdp.terminal] > 0).any():
        raise ValueError(
            "mdp: expected every episode to have a step, got one that may start in a "
            "terminal state"
        )
    listed = exact.trajectories(mdp)
    with torch.no_grad():
        probability = exact.log_prob(mdp, policy, listed).exp().double().cpu()
    # What the policy never does no loss can meet.
    possible = (probability > 0).nonzero().squeeze(1)
    probability, listed = probability[possible], _rows(listed, possible)
    states = torch.where(listed.mask, listed.states[:, :-1], 0)
    every = _as_sampled(mdp, policy, listed, states)
    number = len(probability)
    sampled = number**num_trajectories > MOST_LISTED
    if sampled:
        generator = np.random.default_rng(seed)
        shares = (probability / probability.sum()).numpy()
        drawn = generator.choice(number, (SAMPLES, num_trajectories), p=shares)
        index = torch.from_numpy(drawn)
        chance = torch.full((SAMPLES,), 1 / SAMPLES, dtype=torch.float64)
    else:
        axes = [torch.arange(number)] * num_trajectories
        index = torch.cartesian_prod(*axes).reshape(-1, num_trajectories)
        chance = probability[index].prod(dim=1)
    return Batches(every, states, probability, index, chance, sampled)


def _rows(listed: exact.AllTrajectories, chosen: Tensor) -> exact.AllTrajectories:
    parts = (listed.states, listed.actions, listed.rewards, listed.mask)
    return exact.AllTrajectories(*(part[chosen] for part in parts))


def _as_sampled(
    mdp: TabularMDP, policy: nn.Module, listed: exact.AllTrajectories, states: Tensor
) -> Trajectories:
    """All trajectories in the form that `sample_trajectories` gives them."""
    device, dtype = placement(policy)
    seen = torch.tensor(mdp.observations).to(device, dtype)
    last = listed.states[:, -1]
    return Trajectories(
        observations=seen[states],
        actions=listed.actions.to(device),
        rewards=listed.rewards.to(device, dtype),
        mask=listed.mask.to(device),
        truncated=~torch.tensor(mdp.terminal)[last].to(device),
        final_observations=seen[last],
    )
