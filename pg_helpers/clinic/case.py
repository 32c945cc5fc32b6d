"""What a loss is held against: the same for every loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pg_helpers import exact
from pg_helpers.clinic.batches import batches_of
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import placement
from pg_helpers.returns import total_return

# A relative error that rounding explains. Losses in float64 often hold a constant in
# float32, such as gamma ** torch.arange(T).
_ROUNDING = {torch.float64: 1e-6}
_ROUNDING_BELOW = 1e-4


class Case:
    """A world and a policy in it, with all that can be known before a loss is asked.

    Attributes:
        policy: what gradients are taken of.
        gamma: discount of J.
        num_trajectories: N, trajectories in a batch.
        batches: what a loss is asked about.
        pi: float64 (S, A), the policy's probabilities.
        scores: float64 (S * A, P), the gradient of each ln pi(a|s).
        rounding: a relative error that is no bias.

    Raises:
        TypeError: the policy does not return a Categorical.
        ValueError: whatever `batches_of` refuses.
    """

    def __init__(
        self,
        mdp: TabularMDP,
        policy: nn.Module,
        gamma: float,
        num_trajectories: int,
        seed: int,
    ) -> None:
        self._mdp, self._seed = mdp, seed
        self.policy, self.gamma = policy, gamma
        self.num_trajectories = num_trajectories
        self.batches = batches_of(mdp, policy, num_trajectories, seed)
        device, dtype = placement(policy)
        self.rounding = _ROUNDING.get(dtype, _ROUNDING_BELOW)
        log_pi = policy(torch.tensor(mdp.observations).to(device, dtype)).logits
        self.scores = exact.score_table(mdp, policy).flatten(0, 1).double().cpu()
        self.pi = log_pi.detach().exp().double().cpu()

    def with_pairs(self) -> Case:
        """The same with batches of two trajectories."""
        return Case(self._mdp, self.policy, self.gamma, 2, self._seed)

    def push(self, step: Tensor) -> Tensor:
        """How a small step (P,) changes pi(a|s), per unit; 0 in terminal states."""
        alive = torch.tensor(~self._mdp.terminal)[:, None]
        return alive * self.pi * (self.scores @ step).reshape(self.pi.shape)

    def plain_variance(self) -> float:
        """Total variance of the estimator (19): 1/N of that from one trajectory."""
        batches, every = self.batches, self.batches.every
        pairs = batches.states * self.pi.shape[1] + every.actions.cpu()
        taken = every.mask.cpu()[..., None]
        score = torch.where(taken, self.scores[pairs], 0).sum(dim=1)
        weight = total_return(every.rewards.cpu().double(), self.gamma)
        of_one = total_variance(weight[:, None] * score, batches.probability)
        return of_one / self.num_trajectories


def total_variance(rows: Tensor, chance: Tensor) -> float:
    """Mean squared distance of (B, P) from their mean, with chances (B,)."""
    return float(chance @ ((rows - chance @ rows) ** 2).sum(dim=1))
