"""The exercise on the share of estimates that point uphill."""

from __future__ import annotations

import torch

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case

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
