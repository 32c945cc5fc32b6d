"""Exercises of notebook 03: Eq. (10), finite differences, counting trajectories."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case

Function = Callable[[Tensor], Tensor]


def _pulls(returns: Tensor, gradients: Tensor) -> Tensor:
    """What Eq. (10) sums, (K, D)."""
    return returns[:, None] * gradients


gradient_by_enumeration = Check(
    name="gradient_by_enumeration",
    right=lambda r, g: _pulls(r, g).sum(0),
    cases=[
        Case(
            "two trajectories with the returns 1 and 3 and one parameter",
            (torch.tensor([1.0, 3.0]), torch.tensor([[-0.5], [0.5]])),
        ),
        Case(
            "three trajectories with the returns 1, 0 and -2 and three parameters",
            (
                torch.tensor([1.0, 0.0, -2.0]),
                torch.tensor([[0.2, -0.1, 0.4], [0.1, 0.3, -0.1], [-0.3, -0.2, -0.3]]),
            ),
        ),
        Case(
            "four out of many trajectories, with the returns 2, 0.5, 0 and 1, and two "
            "parameters",
            (
                torch.tensor([2.0, 0.5, 0.0, 1.0]),
                torch.tensor([[0.2, -0.1], [0.1, 0.3], [-0.4, -0.4], [0.2, 0.5]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the mean over the K trajectories, where Eq. (10) has the sum. How "
            "likely each one is stands in P already: nothing is left to divide by. "
            "With 16 trajectories your gradient is 16 times too short.",
            lambda r, g: _pulls(r, g).mean(0),
        ),
        Mistake(
            "the returns are not in it. The gradients of all P add up to zero, "
            "whatever the world, since the probabilities add up to 1.",
            lambda r, g: g.sum(0),
            lambda r, g: g.mean(0),
        ),
        Mistake(
            "the sum runs along the parameters instead of down the trajectories. In "
            "an array (K, D) axis 0 counts the trajectories: the result has one number "
            "for each parameter, and yours has one for each trajectory.",
            lambda r, g: _pulls(r, g).sum(1),
        ),
        Mistake(
            "these are the terms of the sum, one row a trajectory. The sum is missing.",
            _pulls,
        ),
        Mistake(
            "this is one number for all parameters together. A gradient has a number "
            "for each parameter.",
            lambda r, g: _pulls(r, g).sum(),
            lambda r, g: _pulls(r, g).mean(),
        ),
        Mistake(
            "the signs of the gradients are lost. A trajectory whose probability falls "
            "takes its return away from the sum; in yours it adds to it.",
            lambda r, g: _pulls(r, g.abs()).sum(0),
            lambda r, g: _pulls(r, g).abs().sum(0),
        ),
        Mistake(
            "the sign of the returns is lost: a return of -2 pulls as hard as one of "
            "+2, and in the same direction.",
            lambda r, g: _pulls(r.abs(), g).sum(0),
            lambda r, g: _pulls(r**2, g).sum(0),
        ),
        Mistake(
            "the sign is turned round. Eq. (10) is the direction in which J rises; a "
            "minus comes in only where an optimiser is to make something smaller.",
            lambda r, g: -_pulls(r, g).sum(0),
        ),
        Mistake(
            "the returns are put together first and only then multiplied with the "
            "gradients. No trajectory is weighed by its own return any more, and as "
            "the gradients of all P add up to zero, nothing but zero comes out for a "
            "complete list.",
            lambda r, g: r.sum() * g.sum(0),
            lambda r, g: r.mean() * g.sum(0),
            lambda r, g: r.mean() * g.mean(0),
        ),
    ],
    expected=(
        "The result has the shape (D,): for each parameter the sum over all K "
        "trajectories of the return times the slope of the probability."
    ),
    where="Eq. (10), in the text of Exercise 3.1 and in section 3.3.",
    shows=(
        "each trajectory pulls with its own return, all K of them once, and there is a "
        "number for each parameter."
    ),
)


def _shifted(theta: Tensor, place: int, distance: float) -> Tensor:
    moved = theta.clone()
    moved[place] += distance
    return moved


def _moved(function: Function, theta: Tensor, step: float) -> Tensor:
    """The function's value with each place moved by itself."""
    return torch.stack(
        [function(_shifted(theta, place, step)) for place in range(len(theta))]
    )


def _central(function: Function, theta: Tensor, step: float) -> Tensor:
    up, down = _moved(function, theta, step), _moved(function, theta, -step)
    return (up - down) / (2 * step)


def _one_sided(function: Function, theta: Tensor, step: float) -> Tensor:
    return (_moved(function, theta, step) - function(theta)) / step


def _not_put_back(function: Function, theta: Tensor, step: float) -> Tensor:
    """Each place keeps its last shift while the next ones are tried."""
    moved, slopes = theta.clone(), []
    for place in range(len(theta)):
        up = function(_shifted(moved, place, step))
        moved[place] -= step
        slopes.append((up - function(moved)) / (2 * step))
    return torch.stack(slopes)


def _cube(theta: Tensor) -> Tensor:
    return (theta.detach() ** 3).sum()


def _mixed(theta: Tensor) -> Tensor:
    x = theta.detach()
    return x[0] ** 3 + 2 * x[0] * x[1] ** 2 - x[2].exp() + x[1] * x[2]


finite_difference = Check(
    name="finite_difference",
    right=_central,
    cases=[
        Case(
            "the cube of one number at 1 with the step 0.5",
            (_cube, torch.tensor([1.0], dtype=torch.float64), 0.5),
        ),
        Case(
            "a function of three numbers with the step 0.1",
            (_mixed, torch.tensor([0.5, -1.0, 0.3], dtype=torch.float64), 0.1),
        ),
    ],
    mistakes=[
        Mistake(
            "this is a one-sided difference, from theta to one step away. Its error "
            "shrinks like the step, that of the central difference like its square: "
            "with the step 0.0001 that is the difference between 4 digits and 8.",
            _one_sided,
            lambda f, theta, h: _one_sided(f, theta, -h),
        ),
        Mistake(
            "a factor of 2 is missing: from one side to the other it is twice the "
            "step, and your slopes are twice too steep.",
            lambda f, theta, h: 2 * _central(f, theta, h),
        ),
        Mistake(
            "the difference is not divided by anything. It shrinks with the step, "
            "where a slope stays what it is.",
            lambda f, theta, h: 2 * h * _central(f, theta, h),
        ),
        Mistake(
            "the difference is multiplied by the step, where a slope is a difference "
            "divided by a distance. Is a pair of parentheses missing below the "
            "fraction bar?",
            lambda f, theta, h: h * h * _central(f, theta, h),
            lambda f, theta, h: 2 * h * h * _central(f, theta, h),
            lambda f, theta, h: 4 * h * h * _central(f, theta, h),
        ),
        Mistake(
            "only the second value is divided: a division comes before a difference. "
            "With a small step that one value swamps everything, and what is left is "
            "no slope. Is a pair of parentheses missing above the fraction bar?",
            lambda f, theta, h: _moved(f, theta, h) - _moved(f, theta, -h) / (2 * h),
        ),
        Mistake(
            "both values are taken at the same place, so nothing is left of their "
            "difference. Is it twice the same tensor, moved there and back again? A "
            "second name for a tensor makes no second tensor.",
            lambda f, theta, h: torch.zeros_like(theta),
        ),
        Mistake(
            "the sign is turned round: the value behind theta is taken first and the "
            "one ahead subtracted from it. Whoever climbs along your slopes goes "
            "downhill.",
            lambda f, theta, h: -_central(f, theta, h),
        ),
        Mistake(
            "all parameters are moved at once. That gives a single slope, along the "
            "diagonal; a gradient has one for each parameter, moved by itself.",
            lambda f, theta, h: (f(theta + h) - f(theta - h)) / (2 * h),
            lambda f, theta, h: (
                (f(theta + h) - f(theta - h)) / (2 * h) * torch.ones_like(theta)
            ),
        ),
        Mistake(
            "a parameter that was moved is not put back before the next one moves: "
            "only the first slope is taken at theta.",
            _not_put_back,
        ),
        Mistake(
            "the second value is taken at theta itself, so the two are one step apart, "
            "not two. Does your step down start from where the step up had ended?",
            lambda f, theta, h: _one_sided(f, theta, h) / 2,
        ),
        Mistake(
            "the slopes are added up. A gradient keeps a number for each parameter.",
            lambda f, theta, h: _central(f, theta, h).sum(),
        ),
        Mistake(
            "only the first slope is in the result. Does your loop return in its first "
            "pass?",
            lambda f, theta, h: _central(f, theta, h)[0],
            lambda f, theta, h: _central(f, theta, h)[:1],
        ),
    ],
    expected=(
        "The result has the shape (D,): for each parameter the value of the function "
        "one step ahead, less that one step behind, over the distance between them."
    ),
    where="the formula in the text of Exercise 3.2, and section 3.3.",
    shows=(
        "each parameter is moved by itself, both ways, and theta is left as it was. "
        "That took two values of the function for each parameter."
    ),
)


number_of_trajectories = Check(
    name="number_of_trajectories",
    right=lambda S, A, T: S * (A * S) ** T,
    cases=[
        Case("2 states, 3 actions and a horizon of 1", (2, 3, 1)),
        Case("3 states, 2 actions and a horizon of 2", (3, 2, 2)),
        Case("2 states, 5 actions and a horizon of 4", (2, 5, 4)),
    ],
    mistakes=[
        Mistake(
            "only the actions are counted. After each action the world answers with "
            "one of S states, and a different answer is a different trajectory.",
            lambda S, A, T: A**T,
            lambda S, A, T: S * A**T,
        ),
        Mistake(
            "only the states are counted. Two trajectories through the same states "
            "with different actions are two.",
            lambda S, A, T: S ** (T + 1),
            lambda S, A, T: S**T,
        ),
        Mistake(
            "the start is forgotten: before the first step there are already S states "
            "to begin in. Your number is S times too small.",
            lambda S, A, T: (A * S) ** T,
        ),
        Mistake(
            "that is one step too few. A horizon of T means T actions, and a state "
            "after each of them.",
            lambda S, A, T: S * (A * S) ** (T - 1),
        ),
        Mistake(
            "that is one action too many. There are T + 1 states but only T actions: "
            "nobody acts in the last state.",
            lambda S, A, T: S * (A * S) ** (T + 1),
            lambda S, A, T: (A * S) ** (T + 1),
        ),
        Mistake(
            "the steps are multiplied by their number, where their choices multiply "
            "each other. Each step has all its choices again, whatever came before: "
            "the number grows exponentially with the horizon, not in proportion.",
            lambda S, A, T: S * A * T,
            lambda S, A, T: S * (A * S) * T,
            lambda S, A, T: S * A * S * T + S,
        ),
        Mistake(
            "the choices of a step are added. One action and one next state are "
            "chosen one after the other, so their numbers multiply.",
            lambda S, A, T: S * (A + S) ** T,
            lambda S, A, T: (A + S) ** T,
        ),
    ],
    expected="The result is one whole number: all choices on the way multiply.",
    where="the text of Exercise 3.3, and section 3.5.",
    shows=(
        "with 10 states, 4 actions and a horizon of 10 that makes about 10 to the "
        "power 17, and each further step makes it 40 times as many. The states stand "
        "in it once more than the actions, so doubling them does more harm."
    ),
)
