"""The exercises on the softmax, Eq. (20), and on the entropy of a policy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case


def _softmax(h: Tensor) -> Tensor:
    return torch.softmax(h, -1)


def _entropy(h: Tensor) -> Tensor:
    return -(_softmax(h) * torch.log_softmax(h, -1)).sum(-1)


stable_softmax = Check(
    name="stable_softmax",
    right=_softmax,
    cases=[
        Case("one state with the logits 2, 1, 0", (torch.tensor([[2.0, 1.0, 0.0]]),)),
        Case(
            "four states with three actions",
            (torch.tensor([[2.0, 1, 0], [0, 0, 0], [-1, 4, 1], [0.5, -2, 3]]),),
        ),
        Case(
            "the logits 1000, 999, 0 in one state and -1000, -1001, -1003 in another",
            (torch.tensor([[1000.0, 999, 0], [-1000, -1001, -1003]]),),
        ),
    ],
    mistakes=[
        Mistake(
            "the formula is right, and the numbers are too large for it: in single "
            "precision e to the power 89 is infinite, and infinity divided by infinity "
            "is not a number. Only differences between logits matter. Which shift of a "
            "whole row keeps every exponent at 0 or below?",
            lambda h: h.exp() / h.exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "the logits are shifted by one number for the whole batch. A state whose "
            "logits all lie far below it is left with 0 divided by 0. Each state needs "
            "a shift of its own.",
            lambda h: (h - h.max()).exp() / (h - h.max()).exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "the sum runs over the states, axis 0, instead of over the actions: each "
            "column sums to 1, where each row should. The probabilities of a state "
            "would depend on which other states are in the batch.",
            lambda h: torch.softmax(h, 0),
            lambda h: h.exp() / h.exp().sum(0),
        ),
        Mistake(
            "all numbers of the batch together sum to 1. Every state has a policy of "
            "its own, so every row must sum to 1.",
            lambda h: torch.softmax(h.flatten(), 0).reshape(h.shape),
            lambda h: h.exp() / h.exp().sum(),
        ),
        Mistake(
            "the exponential is missing: logits are divided by their sum. A logit can "
            "be negative, and a probability cannot; and where the logits sum to 0, "
            "yours divides by it.",
            lambda h: h / h.sum(-1, keepdim=True),
            lambda h: h.abs() / h.abs().sum(-1, keepdim=True),
        ),
        Mistake(
            "these are exponentials that nothing has divided yet: the rows do not sum "
            "to 1.",
            lambda h: h.exp(),
            lambda h: (h - h.max(-1, keepdim=True).values).exp(),
        ),
        Mistake(
            "these are the logarithms of the probabilities. They are what a loss is "
            "made of, but Eq. (20) is the probabilities themselves.",
            lambda h: torch.log_softmax(h, -1),
        ),
        Mistake(
            "each logit is turned into a number between 0 and 1 by itself. For the "
            "logits 2, 1, 0 yours sum to 2.11. A sigmoid is right for two actions, and "
            "of the difference of their logits.",
            torch.sigmoid,
        ),
        Mistake(
            "all probability is given to the largest logit. That is a choice without "
            "chance: its gradient is zero almost everywhere, so it cannot learn.",
            lambda h: (h == h.max(-1, keepdim=True).values).to(h),
            lambda h: torch.nn.functional.one_hot(h.argmax(-1), h.shape[-1]),
        ),
        Mistake(
            "the sign of the logits is turned round: the action with the largest score "
            "is the rarest.",
            lambda h: torch.softmax(-h, -1),
        ),
    ],
    expected=(
        "The result has the shape of logits, (N, A): a row for each state, positive "
        "numbers that sum to 1 along the row and grow with the logits."
    ),
    where="Eq. (20), section 7.1.",
    shows=(
        "each row is a distribution over the actions, whatever the other rows hold, "
        "and logits of 1000 do no harm."
    ),
)

entropy_of_logits = Check(
    name="entropy_of_logits",
    right=_entropy,
    cases=[
        Case("one state with the logits 0, 0", (torch.tensor([[0.0, 0.0]]),)),
        Case(
            "three states with the logits 2, 1, 0, then 0, 0, 0, then -1, 4, 1",
            (torch.tensor([[2.0, 1, 0], [0, 0, 0], [-1, 4, 1]]),),
        ),
        Case(
            "one state with the logits 0, -1000",
            (torch.tensor([[0.0, -1000.0]]),),
        ),
    ],
    mistakes=[
        Mistake(
            "the formula is right, but a probability that is too small for the machine "
            "has become 0, whose logarithm is minus infinity, and 0 times that is not "
            "a number. The logarithm of a softmax can be had without taking the "
            "logarithm of a probability.",
            lambda h: -(_softmax(h) * _softmax(h).log()).sum(-1),
        ),
        Mistake(
            "the sign is turned round. A logarithm of a probability is never positive, "
            "and the entropy is never negative: the minus stands before the sum.",
            lambda h: -_entropy(h),
        ),
        Mistake(
            "this is the entropy in bits, with logarithms to the base 2. In nats a "
            "fair coin has ln 2 = 0.69; yours says 1.",
            lambda h: _entropy(h) / math.log(2),
        ),
        Mistake(
            "the logarithms are added up, and the probabilities that weigh them are "
            "missing. An action that is hardly ever taken should hardly count; in "
            "yours it counts most.",
            lambda h: -torch.log_softmax(h, -1).sum(-1),
            lambda h: -torch.log_softmax(h, -1).mean(-1),
        ),
        Mistake(
            "this is a mean over the actions, where the entropy is a sum: the "
            "probabilities are the weights already. For a fair coin yours is half of "
            "ln 2.",
            lambda h: _entropy(h) / h.shape[-1],
        ),
        Mistake(
            "this is one number for all states together. Every state has a policy, and "
            "so an entropy, of its own: shape (N,).",
            lambda h: _entropy(h).mean(),
            lambda h: _entropy(h).sum(),
        ),
        Mistake(
            "the terms are all there, one for each action; their sum over the actions "
            "is missing.",
            lambda h: -_softmax(h) * torch.log_softmax(h, -1),
        ),
        Mistake(
            "the logits themselves stand where the logarithms of the probabilities "
            "belong. They differ by a number for each state, the logarithm of the "
            "denominator of Eq. (20), so yours changes when all logits are raised.",
            lambda h: -(_softmax(h) * h).sum(-1),
        ),
        Mistake(
            "this is the effective number of actions, e to the power of the entropy. "
            "For a fair coin it is 2; the entropy is ln 2.",
            lambda h: _entropy(h).exp(),
        ),
        Mistake(
            "the sum runs over the states, axis 0, instead of over the actions: there "
            "is one number for each action, not for each state.",
            lambda h: -(_softmax(h) * torch.log_softmax(h, -1)).sum(0),
        ),
    ],
    expected=(
        "The result has the shape (N,): for each state minus the sum over the actions "
        "of pi ln pi, in nats. It is ln A for A equal probabilities, and 0 for a "
        "policy that is certain."
    ),
    where="section 7.2, where the entropy is defined, and Eq. (20).",
    shows=(
        "equal logits give ln A, a certain policy gives 0, and nothing is lost where a "
        "probability is too small for the machine."
    ),
)
