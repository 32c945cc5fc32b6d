"""The exercise on ln pi(a|s) of a Gaussian policy, whose actions have components."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case

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
