"""The exercise on the loss with a bonus for entropy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import (
    Case,
    Seen,
    call,
    read_numbers,
    returned_with_gradient,
)


def _both_gradients(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the result, and its gradients by the log-probabilities and entropies."""
    seen = returned_with_gradient(answer, case)
    log_probs, returns, mask, entropies, beta = copy.deepcopy(case.inputs)
    entropies.requires_grad_()
    result = call(answer, log_probs, returns, mask, entropies.clone(), beta)
    gradient = torch.zeros_like(entropies)
    if isinstance(result, Tensor) and result.requires_grad:
        (gradient,) = torch.autograd.grad(result.sum(), [entropies])
    by_entropies = {"the gradient by the entropies": read_numbers(gradient)}
    return Seen(seen.values | by_entropies, seen.changed)


def _with_bonus(
    log_probs: Tensor, returns: Tensor, mask: Tensor, entropies: Tensor, beta: float
) -> Tensor:
    terms = returns[:, None] * log_probs + beta * entropies
    return -(terms * mask).sum(1)


def _plain(log_probs: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    return -(returns[:, None] * log_probs * mask).sum(1)


loss_with_entropy = Check(
    name="loss_with_entropy",
    right=lambda *given: _with_bonus(*given).mean(),
    observe=_both_gradients,
    cases=[
        Case(
            "one trajectory of two steps with the return 3, and beta = 0.5",
            (
                torch.tensor([[0.5, 0.25]]).log(),
                torch.tensor([3.0]),
                torch.tensor([[True, True]]),
                torch.tensor([[0.7, 0.6]]),
                0.5,
            ),
        ),
        Case(
            "three trajectories of 3, 2 and 1 steps with the returns 1, -2 and 0, and "
            "beta = 0.1",
            (
                torch.tensor([[0.5, 0.4, 0.7], [0.3, 0.8, 0.6], [0.1, 0.6, 0.6]]).log(),
                torch.tensor([1.0, -2.0, 0.0]),
                torch.arange(3) < torch.tensor([[3], [2], [1]]),
                torch.tensor([[0.6, 0.65, 0.5], [0.4, 0.3, 0.69], [0.2, 0.68, 0.69]]),
                0.1,
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign of the bonus is turned round. A loss is made smaller, so yours "
            "pays the policy for being certain, and it collapses sooner than without.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m, h, -b).mean(),
        ),
        Mistake(
            "the sign of the whole is turned round: an optimiser would make good "
            "trajectories rarer, and the policy certain of it.",
            lambda *given: -_with_bonus(*given).mean(),
        ),
        Mistake(
            "the sign of the reward term is turned round; that of the bonus is right. "
            "Good trajectories become rarer.",
            lambda lp, r, m, h, b: _with_bonus(lp, -r, m, h, b).mean(),
        ),
        Mistake(
            "the bonus is paid for the padding too: for steps that nobody took, in "
            "states that nobody saw. The mask holds for both terms.",
            lambda lp, r, m, h, b: (_plain(lp, r, m) - b * h.sum(1)).mean(),
        ),
        Mistake(
            "the padding is counted, in both terms. The mask says which steps were "
            "taken.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m | True, h, b).mean(),
        ),
        Mistake(
            "the bonus is the mean entropy over the steps, where the formula has its "
            "sum over the steps of a trajectory. Many projects do it so, and beta then "
            "means something else: the longer the episodes, the less a step counts.",
            lambda lp, r, m, h, b: _plain(lp, r, m).mean() - b * h[m].mean(),
            lambda lp, r, m, h, b: (
                _plain(lp, r, m) - b * (h * m).sum(1) / m.sum(1)
            ).mean(),
        ),
        Mistake(
            "the bonus is the mean over all cells of the table. The padding is in it, "
            "and the longest trajectory of the batch decides what a step counts.",
            lambda lp, r, m, h, b: _plain(lp, r, m).mean() - b * h.mean(),
        ),
        Mistake(
            "this is the mean over all steps taken, where the formula sums over the "
            "steps and takes the mean over trajectories.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m, h, b).sum() / m.sum(),
        ),
        Mistake(
            "this is the sum over trajectories, where the formula has their mean. With "
            "3 trajectories the gradient is 3 times too long.",
            lambda *given: _with_bonus(*given).sum(),
        ),
        Mistake(
            "beta stands at the wrong term: it belongs to the entropies, not to the "
            "returns. The larger yours is, the less the bonus weighs.",
            lambda lp, r, m, h, b: b * _with_bonus(lp, r, m, h, 1 / b).mean(),
        ),
        Mistake(
            "beta multiplies both terms. That only shortens the step: the balance of "
            "reward and entropy is what it would be at beta = 1.",
            lambda lp, r, m, h, b: b * _with_bonus(lp, r, m, h, 1).mean(),
        ),
        Mistake(
            "beta has no effect: the bonus counts as if it were 1.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m, h, 1).mean(),
        ),
        Mistake(
            "the entropies are multiplied by the return. The bonus is paid for every "
            "step, whatever the trajectory was worth; yours pays nothing after a "
            "failure, which is when it is needed.",
            lambda lp, r, m, h, b: _with_bonus(lp + b * h, r, m, h, 0).mean(),
        ),
        Mistake(
            "the value is right, but the entropies were cut off from the graph. The "
            "bonus changes the number and moves nothing: its gradient is zero.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m, h.detach(), b).mean(),
        ),
        Mistake(
            "there is no bonus in it: this is the plain loss of Eq. (23).",
            lambda lp, r, m, h, b: _plain(lp, r, m).mean(),
        ),
        Mistake(
            "the bonus is made of minus the log-probabilities of the actions taken. "
            "Their mean is the entropy, but the mean of their gradient is zero: on "
            "average such a bonus moves nothing. The entropies are given.",
            lambda lp, r, m, h, b: _with_bonus(lp, r, m, -lp, b).mean(),
        ),
        Mistake(
            "this is one number for each trajectory. The mean over trajectories is "
            "still missing.",
            _with_bonus,
        ),
    ],
    expected=(
        "The loss is a single number, shape (), with the graph of log_probs and of "
        "entropies. Each step taken adds two terms, one of them with beta."
    ),
    where="section 10.6 and the text of Exercise 10.3, and Eq. (23).",
    shows=(
        "the bonus has the sign of the reward, is paid for every step taken, and has a "
        "gradient of its own, also where every return is 0."
    ),
)
