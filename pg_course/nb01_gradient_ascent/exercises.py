"""Exercises of notebook 01: a step, a mini-batch, and the gradient of J for levers."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case

ascent_step = Check(
    name="ascent_step",
    right=lambda theta, gradient, rate: theta + rate * gradient,
    cases=[
        Case(
            "theta = [1, -2], the gradient [0.5, 3] and learning_rate = 0.1",
            (torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0]), 0.1),
        ),
        Case(
            "theta = [0, 4, -1], the gradient [-2, 0, 0.25] and learning_rate = 2",
            (torch.tensor([0.0, 4.0, -1.0]), torch.tensor([-2.0, 0.0, 0.25]), 2.0),
        ),
    ],
    mistakes=[
        Mistake(
            "the step goes downhill. That is Eq. (1), for a loss that should fall; "
            "J should rise. Where the gradient is 3, theta has to grow.",
            lambda theta, gradient, rate: theta - rate * gradient,
        ),
        Mistake(
            "the learning rate has no effect: your step is as long as the gradient, "
            "whatever the rate. With a rate of 0.1 it is 10 times too long.",
            lambda theta, gradient, rate: theta + gradient,
        ),
        Mistake(
            "the learning rate enters twice: with a tenth of the rate your step is a "
            "hundred times shorter, not ten times.",
            lambda theta, gradient, rate: theta + rate**2 * gradient,
        ),
        Mistake(
            "the step is divided by the learning rate: a smaller rate makes yours "
            "longer. With a rate of 0.1 it is 100 times too long.",
            lambda theta, gradient, rate: theta + gradient / rate,
        ),
        Mistake(
            "this is the step alone. Asked for are the new parameters: where you "
            "arrive, not how far you went.",
            lambda theta, gradient, rate: rate * gradient,
        ),
        Mistake(
            "the parameters are where they were before. Does your function return "
            "what it was given, and leave the new value under another name?",
            lambda theta, gradient, rate: theta,
        ),
        Mistake(
            "every parameter moves equally far, however steep J is along it. In "
            "Eq. (3) one whose gradient is six times larger moves six times as far.",
            lambda theta, gradient, rate: theta + rate * gradient.sign(),
        ),
        Mistake(
            "the gradient is brought to length 1 before the step. In Eq. (3) it keeps "
            "its length: where J is flat the step is short.",
            lambda theta, gradient, rate: theta + rate * gradient / gradient.norm(),
        ),
        Mistake(
            "the step is multiplied by theta: a parameter that is 0 would stay 0 for "
            "ever, and a negative one would move the wrong way.",
            lambda theta, gradient, rate: theta * (1 + rate * gradient),
            lambda theta, gradient, rate: theta * rate * gradient,
        ),
        Mistake(
            "parameters and gradient have changed places: the learning rate shortens "
            "the gradient, not the parameters, which count in full.",
            lambda theta, gradient, rate: gradient + rate * theta,
        ),
    ],
    expected=(
        "The new parameters have the shape of theta: each has moved by the learning "
        "rate times its own entry of the gradient, so that J rises."
    ),
    where="Eq. (3), in section 1.4.",
    shows=(
        "every parameter moves uphill, in proportion to its entry of the gradient, and "
        "the old parameters are still there."
    ),
)


def _errors(theta: Tensor, x: Tensor, y: Tensor, batch: Tensor) -> Tensor:
    """Line minus measurement at each point of the batch, (m,)."""
    return theta[0] + theta[1] * x[batch] - y[batch]


def _terms(theta: Tensor, x: Tensor, y: Tensor, batch: Tensor) -> Tensor:
    """Gradient of the squared error at each point of the batch, (2, m)."""
    errors = _errors(theta, x, y, batch)
    return 2 * torch.stack([errors, errors * x[batch]])


def _all(x: Tensor) -> Tensor:
    return torch.arange(len(x))


def _minibatch_gradient(theta: Tensor, x: Tensor, y: Tensor, batch: Tensor) -> Tensor:
    return _terms(theta, x, y, batch).mean(1)


minibatch_gradient = Check(
    name="minibatch_gradient",
    right=_minibatch_gradient,
    cases=[
        Case(
            "theta = [1, 3], x = [0, 2, 1], y = [4, 5, 1] and the batch [1]",
            (
                torch.tensor([1.0, 3.0]),
                torch.tensor([0.0, 2.0, 1.0]),
                torch.tensor([4.0, 5.0, 1.0]),
                torch.tensor([1]),
            ),
        ),
        Case(
            "theta = [0.5, -1], 8 points and the batch [6, 1, 3, 7] of four",
            (
                torch.tensor([0.5, -1.0]),
                torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0]),
                torch.tensor([1.0, 2.0, 0.0, 3.0, -1.0, 2.0, 5.0, 1.0]),
                torch.tensor([6, 1, 3, 7]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round: this points to where the error falls. The minus "
            "stands in the step, Eq. (2), not in the gradient.",
            lambda *given: -_minibatch_gradient(*given),
        ),
        Mistake(
            "this is the sum over the points of the mini-batch, where Eq. (2) has "
            "their mean. With 4 points it is 4 times too long, so that the same "
            "learning rate takes longer steps the larger the mini-batch is.",
            lambda *given: _terms(*given).sum(1),
        ),
        Mistake(
            "a factor 2 is missing: the derivative of a square is twice what was "
            "squared. The direction is right, the step only half as long.",
            lambda *given: _minibatch_gradient(*given) / 2,
        ),
        Mistake(
            "a factor 2 is missing in one of the two entries. Both are derivatives of "
            "the same square.",
            lambda *given: _minibatch_gradient(*given) * torch.tensor([1, 0.5]),
            lambda *given: _minibatch_gradient(*given) * torch.tensor([0.5, 1]),
        ),
        Mistake(
            "intercept and slope have changed places in the line: theta_0 stands by "
            "itself, theta_1 before x.",
            lambda theta, *given: _minibatch_gradient(theta.flip(0), *given),
            lambda theta, *given: _minibatch_gradient(theta.flip(0), *given).flip(0),
        ),
        Mistake(
            "two things at once: the factor 2 of the square is missing, and the points "
            "are added up where Eq. (2) has their mean.",
            lambda *given: _terms(*given).sum(1) / 2,
        ),
        Mistake(
            "the sum is divided by the number of all points, n, not of those in the "
            "mini-batch. With 4 of 8 points it is half as long as it should be, and "
            "its mean over all mini-batches is no longer the full gradient.",
            lambda theta, x, y, batch: _terms(theta, x, y, batch).sum(1) / len(x),
        ),
        Mistake(
            "this is the gradient over all points; the mini-batch is not used. It is "
            "right in Eq. (1), and with millions of points too expensive.",
            lambda theta, x, y, batch: _minibatch_gradient(theta, x, y, _all(x)),
        ),
        Mistake(
            "these are the first m points. The mini-batch holds the numbers of the "
            "points that are meant, and they may stand anywhere.",
            lambda theta, x, y, batch: _minibatch_gradient(
                theta, x, y, _all(x)[: len(batch)]
            ),
        ),
        Mistake(
            "both entries are the same: the derivative of the line by the slope is not "
            "1, it differs from point to point.",
            lambda *given: _terms(*given)[0].mean().expand(2),
        ),
        Mistake(
            "in the second entry the errors are multiplied by the slope. It is by the "
            "slope that you differentiate: of a product of the slope and something "
            "else, that something else is left.",
            lambda theta, *given: (
                _terms(theta, *given)[0].mean()
                * torch.stack([torch.tensor(1.0), theta[1]])
            ),
        ),
        Mistake(
            "only the derivative by the intercept is there. The slope is a parameter "
            "too: asked for are two numbers.",
            lambda *given: _terms(*given)[0].mean(),
        ),
        Mistake(
            "the two entries are exchanged: the intercept comes first.",
            lambda *given: _minibatch_gradient(*given).flip(0),
        ),
        Mistake(
            "the mean of the errors is multiplied by the mean of x. Each error belongs "
            "to its own x: first the product at each point, then the mean.",
            lambda theta, x, y, batch: torch.stack(
                [
                    2 * _errors(theta, x, y, batch).mean(),
                    2 * _errors(theta, x, y, batch).mean() * x[batch].mean(),
                ]
            ),
        ),
        Mistake(
            "the measurements are added where they should be subtracted. The error at "
            "a point is the line minus y.",
            lambda theta, x, y, batch: _minibatch_gradient(theta, x, -y, batch),
        ),
        Mistake(
            "this is the mean squared error itself. Asked for is its gradient, two "
            "numbers.",
            lambda *given: _errors(*given).square().mean(),
        ),
        Mistake(
            "these are the gradients of the single points; their mean is still "
            "missing. Asked for are two numbers.",
            _terms,
            lambda *given: _terms(*given).T,
        ),
    ],
    expected=(
        "The gradient is two numbers, shape (2,): the derivative of the mean squared "
        "error of the mini-batch by the intercept, and that by the slope."
    ),
    where="Eq. (2), in section 1.3.",
    shows=(
        "each point of the mini-batch counts equally, the others not at all, and the "
        "errors pull on the slope in proportion to x. It is a mean: twice as many "
        "points make it no longer, only less noisy."
    ),
)


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
