"""Notebook 12: many learners at once, each trained by a loss of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.func import functional_call, stack_module_state, vmap

from pg_course.asking.series import with_bar
from pg_course.shared import crowds
from pg_helpers.binder import BoundLoss, Loss
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_count, check_positive
from pg_helpers.rollout import Trajectories


def courses(
    losses: Mapping[str, Loss],
    world: TabularMDP,
    policy: nn.Module,
    gamma: float,
    num_updates: int = 100,
    num_trajectories: int = 10,
    learning_rate: float = 0.02,
    num_runs: int = 4,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Train learners by each loss with Adam, and measure the exact J on the way.

    All begin as copies of the policy and play in lock-step.

    Args:
        losses: of (log_probs, rewards, mask) or of (batch, policy), by name.
        world: where they learn.
        policy: a Categorical over the world's actions; left as it is.
        gamma: discount of J, in [0, 1].
        num_updates: steps of each learner.
        num_trajectories: N, sampled afresh for each step.
        learning_rate: of Adam.
        num_runs: learners for each loss.
        seed: of the sampling.

    Returns:
        J before each update and after the last, (num_runs, num_updates + 1), by name.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: no loss, a count below 1, or gamma outside [0, 1].
    """
    if not losses:
        raise ValueError("losses: expected at least one, got none")
    num_updates = check_count("num_updates", num_updates)
    num_runs = check_count("num_runs", num_runs)
    check_positive("learning_rate", learning_rate)
    crowd = _Crowd(policy, [f for f in losses.values() for _ in range(num_runs)])
    optimizer = torch.optim.Adam(crowd.parameters.values(), lr=learning_rate)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    seen = torch.tensor(world.observations).to(next(policy.parameters()))
    measured = []
    for update in with_bar(range(num_updates + 1)):
        log_pi = crowd.log_policies(seen)
        pi = log_pi.detach().exp()
        measured.append(crowds.objectives(world, pi, gamma))
        if update < num_updates:
            played = crowds.play(world, pi, num_trajectories, generator)
            optimizer.zero_grad()
            crowd.loss(log_pi, played, seen).backward()
            optimizer.step()
    by_row = torch.stack(measured, dim=1).numpy()
    return dict(zip(losses, by_row.reshape(len(losses), num_runs, -1), strict=True))


class _Crowd:
    """R copies of a policy, the parameters of all stacked, and a loss for each."""

    def __init__(self, policy: nn.Module, losses: list[Loss]) -> None:
        self._policy = policy
        self._losses = [BoundLoss(loss) for loss in losses]
        self.parameters, _ = stack_module_state([policy] * len(losses))

    def log_policies(self, seen: Tensor) -> Tensor:
        """Each learner's ln pi(a|s), (R, S, A), from observations (S, D)."""
        return vmap(
            lambda own: functional_call(self._policy, own, (seen,)).logits,
        )(self.parameters)

    def loss(self, log_pi: Tensor, played: crowds.Played, seen: Tensor) -> Tensor:
        """The sum over learners of each one's own loss."""
        # Padded steps hold state 0 and action 0, as in a batch begun with zeros.
        states = torch.where(played.mask, played.states, 0)
        actions = torch.where(played.mask, played.actions, 0)
        log_probs = crowds.at_steps(
            log_pi, crowds.Played(states, actions, played.rewards, played.mask)
        )
        total = log_pi.new_zeros(())
        for row, loss in enumerate(self._losses):
            batch = Trajectories(
                observations=seen[states[row]],
                actions=actions[row],
                rewards=played.rewards[row],
                mask=played.mask[row],
                truncated=torch.zeros(len(actions[row]), dtype=torch.bool),
                final_observations=seen[states[row, :, -1]],
            )
            total = total + loss(
                batch, self._member(row), {"log_probs": log_probs[row]}
            )
        return total

    def _member(self, row: int) -> Callable[[Tensor], Categorical]:
        own = {name: stacked[row] for name, stacked in self.parameters.items()}
        return lambda observations: functional_call(self._policy, own, (observations,))
