"""Exercises of notebook 06: the gradient, exact and estimated, and shares uphill."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case


def _exact(returns: Tensor, probabilities: Tensor, scores: Tensor) -> Tensor:
    return (returns * probabilities) @ scores


# In both cases the scores average to zero, as those of a policy do.
exact_gradient = Check(
    name="exact_gradient",
    right=_exact,
    cases=[
        Case(
            "two trajectories with the returns 4 and 2, the probabilities 0.25 and "
            "0.75 and the scores (3, -6) and (-1, 2)",
            (
                torch.tensor([4.0, 2.0]),
                torch.tensor([0.25, 0.75]),
                torch.tensor([[3.0, -6.0], [-1.0, 2.0]]),
            ),
        ),
        Case(
            "four trajectories and three parameters",
            (
                torch.tensor([1.0, -2.0, 0.0, 5.0]),
                torch.tensor([0.4, 0.3, 0.2, 0.1]),
                torch.tensor(
                    [
                        [1.0, 0.0, -0.5],
                        [-1.0, 2.0, 0.0],
                        [0.5, -4.0, 1.5],
                        [-2.0, 2.0, -1.0],
                    ]
                ),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the probabilities are not in it. Each trajectory counts alike, a rare one "
            "as much as a common one. Only where trajectories are sampled does their "
            "frequency do that work; here each stands in the list once.",
            lambda r, p, s: r @ s,
            lambda r, p, s: (r[:, None] * s).mean(0),
        ),
        Mistake(
            "the probabilities count twice: what is likely pushes more than it should, "
            "and the sum points elsewhere, however long the list is.",
            lambda r, p, s: (r * p * p) @ s,
        ),
        Mistake(
            "this is a mean over the K trajectories of terms that are weighted by "
            "their probabilities already. The weights add up to 1, so the sum is the "
            "average; dividing once more makes the gradient K times too short.",
            lambda r, p, s: _exact(r, p, s) / len(r),
        ),
        Mistake(
            "the returns are not in it. The scores alone average to zero, whatever the "
            "policy: good and bad trajectories are pushed alike, and nothing moves.",
            lambda r, p, s: p @ s,
        ),
        Mistake(
            "the sign is turned round: this points straight downhill. Eq. (17) is the "
            "gradient of J, which is to grow; a minus belongs to a loss.",
            lambda r, p, s: -_exact(r, p, s),
        ),
        Mistake(
            "these are the terms of Eq. (17), one row for each trajectory. The sum "
            "over trajectories is still missing.",
            lambda r, p, s: (r * p)[:, None] * s,
        ),
        Mistake(
            "the sum runs over the parameters, and a number for each trajectory is "
            "left. Axis 0 counts the trajectories and axis 1 the parameters.",
            lambda r, p, s: ((r * p)[:, None] * s).sum(1),
        ),
        Mistake(
            "everything is added up into a single number. A gradient has a component "
            "for each parameter, and the sum is over trajectories only.",
            lambda r, p, s: ((r * p)[:, None] * s).sum(),
        ),
        Mistake(
            "returns and probabilities are put together first into J, and the scores "
            "are added up apart from them. No trajectory meets its own score any more.",
            lambda r, p, s: (r * p).sum() * s.sum(0),
            lambda r, p, s: (r * p).sum() * s.mean(0),
        ),
        Mistake(
            "these are logarithms of the probabilities, where Eq. (17) has the "
            "probabilities themselves. The logarithm is in the score, and only there.",
            lambda r, p, s: (r * p.log()) @ s,
        ),
    ],
    expected=(
        "The gradient has a component for each parameter, shape (D,): each trajectory "
        "adds its own score, scaled by its own return and its own probability."
    ),
    where="Eq. (17), in section 6.2 and in the text of Exercise 6.1.",
    shows=(
        "every trajectory pulls with its return, as hard as it is probable, and the "
        "sum over all of them is the gradient of J. Returns and scores can be had by "
        "playing; the probabilities cannot."
    ),
)


def _summed(step_scores: Tensor, mask: Tensor) -> Tensor:
    """Scores of the steps taken, summed for each trajectory, (N, D)."""
    return (step_scores * mask[:, :, None]).sum(1)


def _pulls(returns: Tensor, step_scores: Tensor, mask: Tensor) -> Tensor:
    return returns[:, None] * _summed(step_scores, mask)


policy_gradient_estimate = Check(
    name="policy_gradient_estimate",
    right=lambda r, s, mask: _pulls(r, s, mask).mean(0),
    cases=[
        Case(
            "one trajectory of two steps with the return 3 and the scores (1, 0) and "
            "(-0.5, 2)",
            (
                torch.tensor([3.0]),
                torch.tensor([[[1.0, 0.0], [-0.5, 2.0]]]),
                torch.tensor([[True, True]]),
            ),
        ),
        Case(
            "three trajectories of 4, 2 and 1 steps with the returns 1, -2 and 4, and "
            "two parameters",
            (
                torch.tensor([1.0, -2.0, 4.0]),
                torch.tensor(
                    [
                        [[1.0, 0.5], [-1.0, 2.0], [0.5, 0.5], [2.0, -1.0]],
                        [[0.5, -1.0], [1.0, 1.5], [0.3, 0.7], [0.3, 0.7]],
                        [[-0.5, 1.0], [0.3, 0.7], [0.3, 0.7], [0.3, 0.7]],
                    ]
                ),
                torch.arange(4) < torch.tensor([[4], [2], [1]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round: this points downhill. Eq. (19) estimates the "
            "gradient of J, which is to grow; a minus belongs to a loss.",
            lambda r, s, mask: -_pulls(r, s, mask).mean(0),
        ),
        Mistake(
            "this is a mean over all steps taken, where Eq. (19) sums over the steps "
            "and takes the mean over trajectories. With 7 steps in 3 trajectories your "
            "estimate is 2.33 times too short, and longer episodes shorten it more.",
            lambda r, s, mask: _pulls(r, s, mask).sum(0) / mask.sum(),
        ),
        Mistake(
            "this is a mean over all cells of the table, padding included. With 4 "
            "columns your estimate is 4 times too short, and one long trajectory in "
            "the batch shortens it for all.",
            lambda r, s, mask: _pulls(r, s, mask).mean(0) / mask.shape[1],
        ),
        Mistake(
            "each trajectory is divided by its own number of steps, where Eq. (19) "
            "sums over the steps. The steps of long trajectories then count less than "
            "those of short ones: the estimate points elsewhere.",
            lambda r, s, mask: (_pulls(r, s, mask) / mask.sum(1)[:, None]).mean(0),
        ),
        Mistake(
            "the padding is counted. Behind the end of a short trajectory stand scores "
            "of steps that nobody took, and here they pull too. The mask says which "
            "steps were taken.",
            lambda r, s, mask: (r[:, None] * s.sum(1)).mean(0),
            lambda r, s, mask: (r[:, None] * s.mean(1)).mean(0),
        ),
        Mistake(
            "the mask is used the wrong way round: True stands where a step was taken. "
            "Your estimate is made of the padding alone.",
            lambda r, s, mask: _pulls(r, s, ~mask).mean(0),
        ),
        Mistake(
            "this is the sum over trajectories, where Eq. (19) has their mean. With 3 "
            "trajectories it is 3 times too long, so that sampling more would lengthen "
            "the step instead of making it surer.",
            lambda r, s, mask: _pulls(r, s, mask).sum(0),
        ),
        Mistake(
            "these are the pulls, one row for each trajectory. The mean over "
            "trajectories is still missing.",
            _pulls,
        ),
        Mistake(
            "the mean runs over the parameters, and a number for each trajectory is "
            "left. Of the shape (N, D) axis 0 counts the trajectories.",
            lambda r, s, mask: _pulls(r, s, mask).mean(1),
            lambda r, s, mask: _pulls(r, s, mask).sum(1),
        ),
        Mistake(
            "the returns are not in it: every trajectory is made more likely, the bad "
            "ones too. On average over samples that is zero.",
            lambda r, s, mask: _summed(s, mask).mean(0),
        ),
        Mistake(
            "the returns are averaged by themselves, the scores too, and only then the "
            "two are multiplied. No trajectory is weighed by its own return any more. "
            "Each product comes first, the mean afterwards.",
            lambda r, s, mask: r.mean() * _summed(s, mask).mean(0),
            lambda r, s, mask: r.sum() * _summed(s, mask).mean(0),
            lambda r, s, mask: r.sum() * _summed(s, mask).sum(0),
        ),
        Mistake(
            "the mean of the returns is subtracted before they weigh anything. That is "
            "a useful variant with less noise, but it is not Eq. (19): from a single "
            "trajectory it learns nothing.",
            lambda r, s, mask: _pulls(r - r.mean(), s, mask).mean(0),
            lambda r, s, mask: _pulls((r - r.mean()) / (r.std() + 1e-8), s, mask).mean(
                0
            ),
        ),
    ],
    expected=(
        "The estimate has a component for each parameter, shape (D,): the mean over "
        "trajectories of the return times the summed scores of the steps taken."
    ),
    where="Eq. (19), in section 6.4 and in the text of Exercise 6.2.",
    shows=(
        "each trajectory pulls with its own return on the steps it took, and the mean "
        "is over trajectories: a longer one beside it changes nothing in its pull."
    ),
)


share_uphill = Check(
    name="share_uphill",
    right=lambda e, g: (e @ g > 0).double().mean(),
    cases=[
        Case(
            "the gradient (1, 2) and the estimates (3, -1), (-2, 2), (0, 0) and "
            "(1, -4)",
            (
                torch.tensor([[3.0, -1.0], [-2.0, 2.0], [0.0, 0.0], [1.0, -4.0]]),
                torch.tensor([1.0, 2.0]),
            ),
        ),
        Case(
            "seven estimates of three parameters",
            (
                torch.tensor(
                    [
                        [-2.0, 0.0, 1.5],
                        [-1.0, 0.0, 1.0],
                        [2.0, 0.5, 0.0],
                        [2.0, 1.5, -1.5],
                        [2.0, 1.0, -1.0],
                        [0.0, -2.0, -1.5],
                        [0.0, 0.0, 0.0],
                    ]
                ),
                torch.tensor([1.0, -2.0, 0.5]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "estimates that are zero are counted as uphill. A step along zero leaves "
            "the policy where it is, and J does not rise.",
            lambda e, g: (e @ g >= 0).double().mean(),
        ),
        Mistake(
            "the comparison is the wrong way round: this is the share that points "
            "downhill.",
            lambda e, g: (e @ g < 0).double().mean(),
            lambda e, g: (e @ g <= 0).double().mean(),
        ),
        Mistake(
            "the components are compared one by one, and you average over those too. "
            "(3, -1) has one component of the wrong sign and still points uphill along "
            "(1, 2). An estimate has one inner product with the gradient, and that "
            "decides.",
            lambda e, g: (e * g > 0).double().mean(),
        ),
        Mistake(
            "an estimate is counted only if every component has the right sign. That "
            "asks for too much: with many parameters hardly any would pass, though "
            "most steps raise J.",
            lambda e, g: (e * g > 0).all(1).double().mean(),
        ),
        Mistake(
            "the components are compared one by one, and a share for each parameter is "
            "left. Uphill is a property of the whole estimate.",
            lambda e, g: (e * g > 0).double().mean(0),
        ),
        Mistake(
            "this is how many estimates point uphill, not which share of them: divide "
            "by their number.",
            lambda e, g: (e @ g > 0).sum(),
        ),
        Mistake(
            "this says for each estimate whether it points uphill. The mean over the "
            "estimates is still missing.",
            lambda e, g: e @ g > 0,
        ),
        Mistake(
            "lengths are compared, and a length has no direction: an estimate that "
            "points straight downhill can be as long as any.",
            lambda e, g: (e.norm(dim=1) > g.norm()).double().mean(),
            lambda e, g: ((e - g).norm(dim=1) < g.norm()).double().mean(),
            lambda e, g: (e.norm(dim=1) > 0).double().mean(),
        ),
        Mistake(
            "here the sum of the components is compared with zero, as if the gradient "
            "were the same in every parameter. What is uphill depends on where the "
            "gradient points.",
            lambda e, g: (e.sum(1) > 0).double().mean(),
        ),
        Mistake(
            "this is an average of how far the estimates point uphill, not the share "
            "of those that do: one large estimate can outvote all others.",
            lambda e, g: (e @ g).mean(),
            lambda e, g: torch.cosine_similarity(e, g[None]).mean(),
        ),
        Mistake(
            "the estimates are averaged first. Their mean points uphill or not, which "
            "is one answer for all; the question is how many do by themselves.",
            lambda e, g: (e.mean(0) @ g > 0).double(),
        ),
    ],
    expected=(
        "The share is a single number from 0 to 1: of the estimates, how many have a "
        "positive inner product with the gradient, divided by how many there are."
    ),
    where="the text of Exercise 6.3, and the picture in section 6.3.",
    shows=(
        "you judge an estimate by its part along the gradient, and one that says "
        "nothing is not counted as right."
    ),
)
