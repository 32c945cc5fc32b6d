"""The exercises on exploration: how many actions are tried, and epsilon-greedy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case


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
