"""Exercises of notebook 07: the softmax, Eq. (20), entropy and a Gaussian's density."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case


def _softmax(h: Tensor) -> Tensor:
    return torch.softmax(h, -1)


def _by_definition(h: Tensor) -> Tensor:
    return h.exp() / h.exp().sum(-1, keepdim=True)


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
            _by_definition,
        ),
        Mistake(
            "the logits are shifted by one number for the whole batch. A state whose "
            "logits all lie far below it is left with 0 divided by 0. Each state needs "
            "a shift of its own.",
            lambda h: (h - h.max()).exp() / (h - h.max()).exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "each row is shifted by its mean or its smallest logit. Then the largest "
            "exponent is still above 0, and overflows. Which shift of a row keeps "
            "every exponent at 0 or below?",
            lambda h: _by_definition(h - h.mean(-1, keepdim=True)),
            lambda h: _by_definition(h - h.min(-1, keepdim=True).values),
        ),
        Mistake(
            "the logits are cut off where they get too large, so 1000 and 999 become "
            "the same number. Only the differences in a row matter, and those must "
            "stay.",
            lambda h: _by_definition(h.clamp(-80, 80)),
            lambda h: _by_definition(h.clamp(max=80)),
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


_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


def _square(action: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Half the square of the distance, in standard deviations."""
    return ((action - mean) / log_std.exp()) ** 2 / 2


def _each(action: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """The logarithm of the density of each component, (N, D)."""
    return -_square(action, mean, log_std) - log_std - _HALF_LOG_2_PI


def _log_density(action: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return _each(action, mean, log_std).sum(1)


gaussian_log_prob = Check(
    name="gaussian_log_prob",
    right=_log_density,
    cases=[
        Case(
            "one action, 0.5, of one component, whose mean and log standard deviation "
            "are 0,",
            (torch.tensor([[0.5]]), torch.tensor([[0.0]]), torch.tensor([[0.0]])),
        ),
        Case(
            "three actions of two components, the first being 1 and -2 with the means "
            "0.5 and 1 and the log standard deviations ln 2 and -0.5,",
            (
                torch.tensor([[1.0, -2.0], [0.3, 0.75], [-1.0, 2.0]]),
                torch.tensor([[0.5, 1.0], [0.3, -0.25], [0.5, 1.5]]),
                torch.tensor([[math.log(2), -0.5], [-3.0, 1.0], [0.25, -1.0]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the term of the standard deviation itself is missing. The narrower a "
            "density, the higher it must be, for its area to stay 1. With yours the "
            "best standard deviation for any action is an infinite one.",
            lambda a, m, s: (-_square(a, m, s) - _HALF_LOG_2_PI).sum(1),
        ),
        Mistake(
            "the sign of the log standard deviation is turned round: yours makes a "
            "narrow density low. Its area is then not 1.",
            lambda a, m, s: (-_square(a, m, s) + s - _HALF_LOG_2_PI).sum(1),
        ),
        Mistake(
            "the squared distance is divided by the standard deviation, where the "
            "formula has its square, the variance.",
            lambda a, m, s: (_each(a, m, s / 2) - s / 2).sum(1),
        ),
        Mistake(
            "the standard deviation is taken for the variance throughout. Its square "
            "is the variance, and in logarithms that is a factor of 2.",
            lambda a, m, s: _log_density(a, m, s / 2),
        ),
        Mistake(
            "the half in front of the squared distance is missing: your density falls "
            "off as if its variance were half as large.",
            lambda a, m, s: (_each(a, m, s) - _square(a, m, s)).sum(1),
        ),
        Mistake(
            "the constant with 2 pi is missing, which is 0.92 a component. No gradient "
            "would notice, but the area under the density of a component is then 2.51, "
            "so it is not ln pi.",
            lambda a, m, s: (-_square(a, m, s) - s).sum(1),
        ),
        Mistake(
            "the constant with 2 pi is in it once for the whole action. Each component "
            "has a density of its own, and the constant belongs to each. No gradient "
            "would notice, but it is not ln pi.",
            lambda a, m, s: (-_square(a, m, s) - s).sum(1) - _HALF_LOG_2_PI,
        ),
        Mistake(
            "the constant is the logarithm of 2 pi, where the density is divided by "
            "the square root of 2 pi: the half is missing.",
            lambda a, m, s: (_each(a, m, s) - _HALF_LOG_2_PI).sum(1),
        ),
        Mistake(
            "the distance is not squared: an action below the mean would be more "
            "likely than the mean itself.",
            lambda a, m, s: (-(a - m) / (2 * s.exp()) - s - _HALF_LOG_2_PI).sum(1),
            lambda a, m, s: (-(a - m) / (2 * (2 * s).exp()) - s - _HALF_LOG_2_PI).sum(
                1
            ),
        ),
        Mistake(
            "the logarithm of the standard deviation is used as if it were the "
            "standard deviation. It can be zero or negative; e to its power cannot.",
            lambda a, m, s: (
                -((a - m) ** 2) / (2 * s**2) - s.log() - _HALF_LOG_2_PI
            ).sum(1),
            lambda a, m, s: (-((a - m) ** 2) / (2 * s**2) - s - _HALF_LOG_2_PI).sum(1),
        ),
        Mistake(
            "this is the density itself. What is differentiated is its logarithm.",
            lambda a, m, s: _log_density(a, m, s).exp(),
        ),
        Mistake(
            "this is minus the logarithm of the density: the sign is turned round. A "
            "loss has a minus of its own, Eq. (23).",
            lambda a, m, s: -_log_density(a, m, s),
        ),
        Mistake(
            "this is one number for each component. An action is drawn as a whole and "
            "weighed by one return, so it needs one ln pi: shape (N,). Densities of "
            "independent components are multiplied; what becomes of their logarithms?",
            _each,
        ),
        Mistake(
            "this is the mean over the components. Their densities are multiplied, so "
            "their logarithms are added up: with D components your ln pi and its "
            "gradient are D times too small.",
            lambda a, m, s: _each(a, m, s).mean(1),
        ),
        Mistake(
            "the sum runs down the actions, axis 0: there is one number for each "
            "component. The components of one action stand in its row.",
            lambda a, m, s: _each(a, m, s).sum(0),
        ),
        Mistake(
            "this is one number for all actions together. Every action is weighed by "
            "its own return, so every action needs its own ln pi: shape (N,).",
            lambda a, m, s: _log_density(a, m, s).sum(),
            lambda a, m, s: _log_density(a, m, s).mean(),
            lambda a, m, s: _each(a, m, s).mean(),
        ),
    ],
    expected=(
        "The result has the shape (N,): for each action a sum over its components. "
        "What is added up is made of three terms: of the squared distance from the "
        "mean in standard deviations, of the log standard deviation, and of 2 pi."
    ),
    where=(
        "section 7.6, where the logarithm of the Gaussian density is written out, and "
        "below it for actions of several components."
    ),
    shows=(
        "for each action one logarithm of a density whose area is 1, for narrow and "
        "for wide ones."
    ),
)
