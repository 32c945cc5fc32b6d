"""The exercise on R(tau), Eq. (6)."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_helpers import returns
from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case


def _powers(rewards: Tensor, gamma: float) -> Tensor:
    """gamma^t for t = 0, 1, ..., T - 1."""
    return gamma ** torch.arange(rewards.shape[1])


total_return = Check(
    name="total_return",
    right=returns.total_return,
    cases=[
        Case(
            "one trajectory with the rewards 4, 2, 8 and gamma = 0.5",
            (torch.tensor([[4.0, 2.0, 8.0]]), 0.5),
        ),
        Case(
            "three trajectories of 4, 2 and 1 steps and gamma = 0.9",
            (torch.tensor([[1, -2, 0.5, 3], [2, 5, 0, 0], [-1, 0, 0, 0]]), 0.9),
        ),
        Case(
            "two trajectories of 3 steps and gamma = 1",
            (torch.tensor([[1.0, 3.0, 5.0], [2.0, -4.0, 7.0]]), 1.0),
        ),
    ],
    mistakes=[
        Mistake(
            "the discount starts one step too early. Nobody has waited for the first "
            "reward, so it counts in full; in your sum it counts gamma times.",
            lambda r, gamma: (gamma * _powers(r, gamma) * r).sum(1),
        ),
        Mistake(
            "the rewards are added up without a discount: the last counts as much as "
            "the first. That is the return for gamma = 1, but for no smaller gamma.",
            lambda r, gamma: r.sum(1),
        ),
        Mistake(
            "this is the reward-to-go: for each step, what is still to come from "
            "there. R(tau) is what the whole trajectory is worth, seen from its start: "
            "one number for each trajectory.",
            returns.rewards_to_go,
            lambda r, gamma: returns.rewards_to_go(r, 1.0),
            lambda r, gamma: _powers(r, gamma) * returns.rewards_to_go(r, gamma),
        ),
        Mistake(
            "these are the discounted rewards, one for each step. R(tau) is one number "
            "for each trajectory: one operation along the time is still missing.",
            lambda r, gamma: _powers(r, gamma) * r,
        ),
        Mistake(
            "this is a mean over the steps, where Eq. (6) has a sum. It divides by all "
            "columns, padding included: one more column of zeros, and every trajectory "
            "would be worth less, though no reward has changed.",
            lambda r, gamma: (_powers(r, gamma) * r).mean(1),
            lambda r, gamma: r.mean(1),
        ),
        Mistake(
            "the sum runs down the trajectories instead of along the time. In an array "
            "(N, T) axis 0 counts the trajectories and axis 1 the steps.",
            lambda r, gamma: (_powers(r, gamma) * r).sum(0),
            lambda r, gamma: (_powers(r.T, gamma)[:, None] * r).sum(0),
            lambda r, gamma: r.sum(0),
        ),
        Mistake(
            "this is one number for all trajectories together. R(tau) belongs to one "
            "trajectory; the mean over trajectories comes later, in the estimate of J, "
            "Eq. (9).",
            lambda r, gamma: (_powers(r, gamma) * r).sum(),
            lambda r, gamma: (_powers(r, gamma) * r).sum(1).mean(),
            lambda r, gamma: r.sum(),
        ),
        Mistake(
            "every reward is discounted alike, by one gamma. The longer a reward has "
            "to be waited for, the less it counts.",
            lambda r, gamma: gamma * r.sum(1),
        ),
        Mistake(
            "gamma is multiplied by t, where Eq. (6) has a power: with yours a reward "
            "counts more the later it comes, and the first not at all.",
            lambda r, gamma: (gamma * torch.arange(r.shape[1]) * r).sum(1),
        ),
        Mistake(
            "the discount runs backward: the last reward counts in full and the first "
            "the least. It is what lies far in the future that counts less.",
            lambda r, gamma: (_powers(r, gamma).flip(0) * r).sum(1),
        ),
        Mistake(
            "only the reward of the last column is in the result. Does your loop "
            "overwrite its total at each step, instead of adding to it?",
            lambda r, gamma: (_powers(r, gamma) * r)[:, -1],
            lambda r, gamma: r[:, -1],
        ),
        Mistake(
            "only the first reward is in the result. Does your loop return in its "
            "first pass?",
            lambda r, gamma: r[:, 0],
        ),
    ],
    expected=(
        "R(tau) is one number for each trajectory, shape (N,): the sum of its rewards, "
        "where each counts less the longer it has to be waited for."
    ),
    where="Eq. (6), in the text of Exercise 9.1; section 9.1 counts the steps.",
    shows=(
        "the first reward counts in full, each later one gamma times less, and every "
        "trajectory has a return of its own, whatever its length."
    ),
)
