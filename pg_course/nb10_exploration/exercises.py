"""Exercises of notebook 10: actions tried, epsilon-greedy, a bonus for entropy."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import (
    Case,
    Seen,
    call,
    read_numbers,
    returned_with_gradient,
)


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.log()).sum(1)


effective_actions = Check(
    name="effective_actions",
    right=lambda p: _entropy(p).exp(),
    cases=[
        Case(
            "one state with the probabilities 0.5, 0.25, 0.25",
            (torch.tensor([[0.5, 0.25, 0.25]]),),
        ),
        Case(
            "three states with four actions, the first uniform",
            (
                torch.tensor(
                    [
                        [0.25, 0.25, 0.25, 0.25],
                        [0.7, 0.1, 0.1, 0.1],
                        [0.01, 0.02, 0.03, 0.94],
                    ]
                ),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the entropy itself, in nats: ln 4 = 1.39 for four equal actions. "
            "The effective number is e to its power, which is 4.",
            _entropy,
        ),
        Mistake(
            "this is the entropy in bits: 2 for four equal actions. What is asked for "
            "is a number of actions, which is 4.",
            lambda p: _entropy(p) / math.log(2),
        ),
        Mistake(
            "two bases are mixed: the entropy is in bits, but e is raised to it. Four "
            "equal actions then count as 7.39. Either nats and e, or bits and 2.",
            lambda p: (_entropy(p) / math.log(2)).exp(),
        ),
        Mistake(
            "two bases are mixed: the entropy is in nats, but 2 is raised to it. Four "
            "equal actions then count as 2.61. Either nats and e, or bits and 2.",
            lambda p: 2 ** _entropy(p),
        ),
        Mistake(
            "the sign of the entropy is turned round. The logarithm of a probability "
            "is negative; with the minus the entropy is positive, and the number of "
            "actions is at least 1. Four equal actions give you a quarter.",
            lambda p: (-_entropy(p)).exp(),
        ),
        Mistake(
            "the states are put together. Each state has a policy of its own, so the "
            "result has a number for each row: the sum runs along the actions.",
            lambda p: _entropy(p).sum().exp(),
            lambda p: _entropy(p).mean().exp(),
        ),
        Mistake(
            "the sum runs down the columns, over states. A row holds the actions of "
            "one state, and it is the row that adds up to 1.",
            lambda p: (-(p * p.log()).sum(0)).exp(),
        ),
        Mistake(
            "this is the mean over the actions, where the entropy is a sum. Four equal "
            "actions then count as 1.41.",
            lambda p: (-(p * p.log()).mean(1)).exp(),
        ),
        Mistake(
            "this is one over the sum of squared probabilities. It is another measure "
            "that also gives 4 for four equal actions, but not e to the entropy: for "
            "0.7, 0.1, 0.1, 0.1 it gives 1.92 and not 2.56.",
            lambda p: 1 / (p**2).sum(1),
        ),
        Mistake(
            "the probabilities in front of the logarithms are missing. An action then "
            "weighs the more the rarer it is, and one that is hardly ever tried makes "
            "your number as large as you like.",
            lambda p: (-p.log().sum(1)).exp(),
            lambda p: (-p.log().mean(1)).exp(),
        ),
        Mistake(
            "the exponential is taken for each action, and the sum afterwards. Four "
            "equal actions then count as 5.66. First all terms of a state are added "
            "up, then e is raised to the sum.",
            lambda p: (-(p * p.log())).exp().sum(1),
        ),
    ],
    expected=(
        "The result has a number for each state, shape (S,), between 1 and the number "
        "of actions."
    ),
    where="section 10.2 and the text of Exercise 10.1.",
    shows="equal actions are counted in full, and rare ones in part.",
)


def _greedy(q: Tensor) -> Tensor:
    best = (q == q.max()).double()
    return best / best.sum()


def _mixed(q: Tensor, epsilon: float) -> Tensor:
    return (1 - epsilon) * _greedy(q) + epsilon / len(q)


def _only(q: Tensor, epsilon: float, best: Tensor) -> Tensor:
    """One action is taken for the best."""
    chosen = torch.eye(len(q), dtype=torch.float64)[best]
    return (1 - epsilon) * chosen + epsilon / len(q)


epsilon_greedy = Check(
    name="epsilon_greedy",
    right=_mixed,
    cases=[
        Case(
            "the Q-values 1, 3, 2, 0 and epsilon 0.4",
            (torch.tensor([1.0, 3.0, 2.0, 0.0]), 0.4),
        ),
        Case(
            "the Q-values -1, -5, -1, -2 and epsilon 0.2",
            (torch.tensor([-1.0, -5.0, -1.0, -2.0]), 0.2),
        ),
        Case("the Q-values -2, -1 and epsilon 0", (torch.tensor([-2.0, -1.0]), 0.0)),
    ],
    mistakes=[
        Mistake(
            "the probabilities do not add up to 1: the best action lacks its share of "
            "the random part. A random draw hits the best one too.",
            lambda q, e: torch.where(_greedy(q) > 0, (1 - e) * _greedy(q), e / len(q)),
        ),
        Mistake(
            "epsilon is shared among the other actions only. That is a policy, but "
            "another one: the random draw is from all actions, the best one included. "
            "With 4 actions and epsilon = 0.4 the best should have 0.7; yours has 0.6.",
            lambda q, e: torch.where(
                _greedy(q) > 0, (1 - e) * _greedy(q), e / (_greedy(q) == 0).sum()
            ),
            lambda q, e: torch.where(
                _greedy(q) > 0, (1 - e) * _greedy(q), e / (len(q) - 1)
            ),
        ),
        Mistake(
            "the worst action is taken for the best: the smallest Q-value is the least "
            "reward to come.",
            lambda q, e: _mixed(-q, e),
        ),
        Mistake(
            "the best is sought without regard to the sign. A Q-value of -5 is worse "
            "than one of -1.",
            lambda q, e: _mixed(q.abs(), e),
        ),
        Mistake(
            "epsilon and 1 - epsilon have changed places. Epsilon is the chance of a "
            "random draw: at 0 the policy is greedy.",
            lambda q, e: e * _greedy(q) + (1 - e) / len(q),
        ),
        Mistake(
            "only one of the best actions gets anything where several are best. At "
            "first all Q-values are equal, and a learner that always takes the first "
            "walks into the same wall until epsilon saves it. The best share alike.",
            lambda q, e: _only(q, e, q.argmax()),
            lambda q, e: _only(q, e, len(q) - 1 - q.flip(0).argmax()),
        ),
        Mistake(
            "where several actions are best, each of them gets the whole of "
            "1 - epsilon, and the probabilities add up to more than 1. They share it.",
            lambda q, e: (1 - e) * (q == q.max()) + e / len(q),
        ),
        Mistake(
            "each action gets epsilon in full, where they share it: it is the chance "
            "of a random draw, and each of A actions is 1 in A of that draw.",
            lambda q, e: (1 - e) * _greedy(q) + e,
            lambda q, e: torch.where(_greedy(q) > 0, (1 - e) * _greedy(q), e),
        ),
        Mistake(
            "this is a softmax of the Q-values. Epsilon-greedy does not ask by how "
            "much the best one is better: the second best is tried as often as the "
            "worst.",
            lambda q, e: q.softmax(0),
            lambda q, e: (1 - e) * q.softmax(0) + e / len(q),
        ),
        Mistake(
            "epsilon has no effect: this is the greedy policy, which never tries "
            "another action.",
            lambda q, e: _greedy(q),
        ),
        Mistake(
            "this is an action, where the probabilities of all actions are asked for. "
            "Whoever calls the function draws from them.",
            lambda q, e: q.argmax(),
            lambda q, e: q.max(),
        ),
    ],
    expected=(
        "The result has the shape (A,) and adds up to 1: the best action has what "
        "greed gives it, and every action an equal part of epsilon."
    ),
    where="section 10.4 and the text of Exercise 10.2.",
    shows=(
        "they add up to 1, at epsilon = 0 the policy is greedy, and several best "
        "actions share."
    ),
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
