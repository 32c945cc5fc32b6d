"""The exercise on the ratio of a new policy's probabilities to an old one's."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case, returned_with_gradient


def _ratio_terms(log_probs: Tensor, old: Tensor, q: Tensor) -> Tensor:
    return -(log_probs - old).exp() * q


ratio_loss = Check(
    name="ratio_loss",
    right=lambda *given: _ratio_terms(*given).mean(),
    observe=returned_with_gradient,
    cases=[
        Case(
            "one sample whose probability has risen from 0.2 to 0.5, with q = 2",
            (torch.tensor([0.5]).log(), torch.tensor([0.2]).log(), torch.tensor([2.0])),
        ),
        Case(
            "four samples",
            (
                torch.tensor([0.5, 0.3, 0.9, 0.05]).log(),
                torch.tensor([0.25, 0.4, 0.6, 0.35]).log(),
                torch.tensor([1.0, -2.0, 0.5, 3.0]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the ratio is upside down. A sample that the new policy takes more often "
            "than the old one did is too rare in the batch, so it must count more.",
            lambda new, old, q: _ratio_terms(old, new, q).mean(),
        ),
        Mistake(
            "the sign is turned round. An optimiser makes a loss smaller; making yours "
            "smaller makes the samples with a large q rarer.",
            lambda *given: -_ratio_terms(*given).mean(),
        ),
        Mistake(
            "this is the logarithm of the ratio, not the ratio. Its gradient is that "
            "of the stale loss: the old log-probabilities are constants, and a "
            "constant that is subtracted changes no gradient.",
            lambda new, old, q: -((new - old) * q).mean(),
        ),
        Mistake(
            "one logarithm is divided by the other. The ratio asked for is that of the "
            "probabilities: the logarithm of a quotient is a difference.",
            lambda new, old, q: -(new / old * q).mean(),
        ),
        Mistake(
            "the old log-probabilities are not in it: as if the batch had been sampled "
            "by the present policy. Section 8.12 shows where that leads.",
            lambda new, old, q: -(new * q).mean(),
            lambda new, old, q: -((new - new.detach()).exp() * q).mean(),
        ),
        Mistake(
            "the old probabilities are not in it. What is left is reading (b) of "
            "section 8.7, which prefers what is already likely.",
            lambda new, old, q: -(new.exp() * q).mean(),
        ),
        Mistake(
            "this is the sum over the samples, where their mean was asked for. With 4 "
            "samples the gradient is 4 times too long.",
            lambda *given: _ratio_terms(*given).sum(),
        ),
        Mistake(
            "this is one number for each sample; the mean over the samples is still "
            "missing. A gradient belongs to a single number.",
            _ratio_terms,
        ),
        Mistake(
            "the mean of the ratios and the mean of the q-values are taken first, and "
            "then multiplied. No sample is weighed by its own q any more.",
            lambda new, old, q: -(new - old).exp().mean() * q.mean(),
            lambda new, old, q: -(new.mean() - old.mean()).exp() * q.mean(),
        ),
        Mistake(
            "the gradient is right, but the value is not the one asked for: the ratio "
            "itself carries the graph, so no logarithm needs to stand beside it.",
            lambda new, old, q: -((new - old).exp().detach() * new * q).mean(),
        ),
        Mistake(
            "the ratio is clipped. That is PPO's next step, for large changes; here "
            "the plain ratio is asked for, whose mean gradient is exact.",
            lambda new, old, q: -((new - old).exp().clamp(0.8, 1.2) * q).mean(),
            lambda new, old, q: (
                -torch.minimum(
                    (new - old).exp() * q, (new - old).exp().clamp(0.8, 1.2) * q
                ).mean()
            ),
        ),
    ],
    expected=(
        "The loss is a single number, shape (), which carries the graph of log_probs: "
        "minus the mean over the samples of q times the ratio of the new probability "
        "to the old one."
    ),
    where="sections 8.8 and 8.12, and the text of Exercise 8.3.",
    shows=(
        "each sample counts as often as the new policy would have drawn it, and at the "
        "old policy the gradient is that of Eq. (23)."
    ),
)
