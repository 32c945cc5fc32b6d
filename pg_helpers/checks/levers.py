"""The exercise on the gradient of J for levers, Eq. (3)."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case


def _bandit_gradient(logits: Tensor, mean_rewards: Tensor) -> Tensor:
    pi = logits.softmax(0)
    return pi * (mean_rewards - pi @ mean_rewards)


bandit_gradient = Check(
    name="bandit_gradient",
    right=_bandit_gradient,
    cases=[
        Case(
            "two levers that pay 1 and 3, with the logits [0, 0]",
            (torch.tensor([0.0, 0.0]), torch.tensor([1.0, 3.0])),
        ),
        Case(
            "three levers that pay 2, -1 and 0.5, with the logits [1, 0.5, -1]",
            (torch.tensor([1.0, 0.5, -1.0]), torch.tensor([2.0, -1.0, 0.5])),
        ),
        Case(
            "three levers that all pay 5, with the logits [0, 1, 2]",
            (torch.tensor([0.0, 1.0, 2.0]), torch.tensor([5.0, 5.0, 5.0])),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round: a step along yours makes the best lever rarer.",
            lambda *given: -_bandit_gradient(*given),
        ),
        Mistake(
            "J is not subtracted. Making one lever more probable takes probability "
            "from the others; where all pay 5, nothing is won by it, and the gradient "
            "has to be 0.",
            lambda logits, r: logits.softmax(0) * r,
        ),
        Mistake(
            "each lever is treated as if it were alone: only the change of its own "
            "probability counts, not what the others lose. Where all pay 5, nothing is "
            "won, and the gradient has to be 0.",
            lambda logits, r: logits.softmax(0) * (1 - logits.softmax(0)) * r,
        ),
        Mistake(
            "this is the push that a pull gives to its own lever, as in Eq. (4). How "
            "often that lever is pulled is not in it, and neither is what pulls of the "
            "other levers do to it.",
            lambda logits, r: (1 - logits.softmax(0)) * r,
        ),
        Mistake(
            "J is subtracted in full from every entry, where the probability stands "
            "only before what the lever pays. The entries have to sum to 0: what one "
            "lever gains the others lose.",
            lambda logits, r: logits.softmax(0) * r - logits.softmax(0) @ r,
        ),
        Mistake(
            "there is a factor too many: what the others lose is taken off twice, once "
            "by subtracting J and once by one minus the probability.",
            lambda logits, r: (1 - logits.softmax(0)) * _bandit_gradient(logits, r),
        ),
        Mistake(
            "the probability in front is missing. The logit of a lever that is hardly "
            "ever pulled hardly changes J: that is why the gradient vanishes there.",
            lambda logits, r: r - logits.softmax(0) @ r,
        ),
        Mistake(
            "the mean over the levers is subtracted, where J weighs each lever with "
            "its probability. The two agree only while all are equally probable.",
            lambda logits, r: logits.softmax(0) * (r - r.mean()),
        ),
        Mistake(
            "the logits stand where probabilities belong. They may be negative and do "
            "not sum to 1: softmax comes first.",
            lambda logits, r: logits * (r - logits @ r),
            lambda logits, r: logits * (r - logits.softmax(0) @ r),
            lambda logits, r: logits.softmax(0) * (r - logits @ r),
        ),
        Mistake(
            "there are logarithms of probabilities where the probabilities themselves "
            "belong.",
            lambda logits, r: logits.log_softmax(0) * (r - logits.softmax(0) @ r),
            lambda logits, r: logits.log_softmax(0) * (r - logits.log_softmax(0) @ r),
        ),
        Mistake(
            "this is the derivative by the probabilities, as if each could be moved "
            "freely. The parameters are the logits.",
            lambda logits, r: r,
        ),
        Mistake(
            "this is J itself, one number. Asked for is its gradient, one number for "
            "each lever.",
            lambda logits, r: logits.softmax(0) @ r,
        ),
        Mistake(
            "the entries are already added up. Asked for is one number for each lever; "
            "their sum is always 0, so it says nothing.",
            lambda *given: _bandit_gradient(*given).sum(),
        ),
    ],
    expected=(
        "The gradient has one entry for each lever, shape (A,); they sum to 0, and a "
        "lever that pays more than the average pull has a positive one."
    ),
    where="J in section 1.4, of which this is the slope, and the hint of Exercise 1.3.",
    shows=(
        "a lever is pushed up by as much as it pays more than the average pull, times "
        "its own probability. Where all pay 5, none does, and the gradient is 0."
    ),
)
