"""The exercise on the loss, Eq. (23)."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_helpers import losses
from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case, returned_with_gradient


def _taken(log_probs: Tensor, mask: Tensor) -> Tensor:
    """Log-probabilities of the steps taken, summed for each trajectory."""
    return (log_probs * mask).sum(1)


def _terms(log_probs: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """What Eq. (23) takes the mean of, with its minus."""
    return -returns * _taken(log_probs, mask)


loss = Check(
    name="loss",
    right=losses.pseudo_loss,
    observe=returned_with_gradient,
    cases=[
        Case(
            "one trajectory of two steps with the return 3",
            (
                torch.tensor([[0.5, 0.25]]).log(),
                torch.tensor([3.0]),
                torch.tensor([[True, True]]),
            ),
        ),
        Case(
            "three trajectories of 5, 2 and 1 steps with the returns 1, -2 and 3",
            (
                torch.tensor(
                    [
                        [0.5, 0.4, 0.7, 0.2, 0.9],
                        [0.3, 0.8, 0.6, 0.6, 0.6],
                        [0.1, 0.6, 0.6, 0.6, 0.6],
                    ]
                ).log(),
                torch.tensor([1.0, -2.0, 3.0]),
                torch.arange(5) < torch.tensor([[5], [2], [1]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round. An optimiser makes a loss smaller, and making "
            "yours smaller makes good trajectories rarer. Eq. (23) begins with a minus "
            "for that reason.",
            lambda lp, r, mask: -losses.pseudo_loss(lp, r, mask),
        ),
        Mistake(
            "this is the mean over all steps taken, where Eq. (23) sums over the steps "
            "and takes the mean over trajectories. With episodes of 5, 2 and 1 steps "
            "your gradient is 2.67 times too short, and the longer the episodes grow, "
            "the shorter it becomes.",
            lambda lp, r, mask: _terms(lp, r, mask).sum() / mask.sum(),
        ),
        Mistake(
            "this is the mean over all cells of the table, padding included, where "
            "Eq. (23) sums over the steps and takes the mean over trajectories. With 5 "
            "columns your gradient is 5 times too short, and one more long trajectory "
            "in the batch would shorten it for all the others.",
            lambda lp, r, mask: _terms(lp, r, mask).mean() / mask.shape[1],
        ),
        Mistake(
            "each trajectory is divided by its own number of steps, where Eq. (23) "
            "sums over the steps. A step in an episode of 5 steps then counts 5 times "
            "less than the only step of an episode of one: the gradient is not only "
            "shorter, it points elsewhere.",
            lambda lp, r, mask: (_terms(lp, r, mask) / mask.sum(1)).mean(),
        ),
        Mistake(
            "the padding is counted. Behind the end of a short trajectory stand "
            "log-probabilities of steps that nobody took, and your gradient pushes on "
            "them too. The mask says which steps were taken.",
            lambda lp, r, mask: (-r * lp.sum(1)).mean(),
            lambda lp, r, mask: (-r * lp.mean(1)).mean(),
        ),
        Mistake(
            "the mask is used the wrong way round: True stands where a step was taken. "
            "Your loss is made of the padding alone.",
            lambda lp, r, mask: _terms(lp, r, ~mask).mean(),
        ),
        Mistake(
            "this is the sum over trajectories, where Eq. (23) has their mean. With 3 "
            "trajectories the gradient is 3 times too long, so that the same learning "
            "rate takes longer steps the more trajectories are sampled.",
            lambda lp, r, mask: _terms(lp, r, mask).sum(),
        ),
        Mistake(
            "this is one number for each trajectory. A loss is a single number: the "
            "mean over trajectories is still missing.",
            _terms,
        ),
        Mistake(
            "here the log-probabilities are put together first, the returns are put "
            "together too, and only then the two are multiplied. No trajectory is "
            "weighed by its own return any more: good and bad ones are pushed alike. "
            "Each product comes first, the mean afterwards.",
            lambda lp, r, mask: -lp[mask].mean() * r.sum(),
            lambda lp, r, mask: -lp[mask].mean() * r.mean(),
            lambda lp, r, mask: -_taken(lp, mask).mean() * r.mean(),
            lambda lp, r, mask: -_taken(lp, mask).mean() * r.sum(),
            lambda lp, r, mask: -_taken(lp, mask).sum() * r.sum(),
            lambda lp, r, mask: -lp.mean() * r.sum(),
        ),
        Mistake(
            "these are probabilities, where Eq. (23) has their logarithms. What is "
            "already likely is then pushed hardest: by Eq. (11) the gradient of P is "
            "that of ln P, times P.",
            lambda lp, r, mask: _terms(lp.exp(), r, mask).mean(),
            lambda lp, r, mask: (-r * _taken(lp, mask).exp()).mean(),
        ),
        Mistake(
            "the returns are not in it: every trajectory is made more likely, the bad "
            "ones too. Averaged over the policy's own samples that gradient is zero.",
            lambda lp, r, mask: -_taken(lp, mask).mean(),
        ),
        Mistake(
            "the mean of the returns is subtracted before they weigh anything. That is "
            "a useful variant with less noise, but it is not Eq. (23): from a single "
            "trajectory it learns nothing.",
            lambda lp, r, mask: _terms(lp, r - r.mean(), mask).mean(),
            lambda lp, r, mask: _terms(
                lp, (r - r.mean()) / (r.std(correction=0) + 1e-8), mask
            ).mean(),
        ),
    ],
    expected=(
        "The loss is a single number, shape (), which carries the graph of log_probs. "
        "Each trajectory adds its return times the log-probabilities of its own steps, "
        "and the mean is taken over trajectories."
    ),
    where="Eq. (23), and for its gradient Eq. (24): Exercise 9.2 and section 9.3.",
    shows=(
        "the gradient of your loss is minus the estimate of the gradient of J, "
        "Eq. (24), and it stays so where trajectories differ in length."
    ),
)
