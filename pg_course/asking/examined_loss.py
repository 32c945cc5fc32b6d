"""What a check sees of a loss: its gradient on every batch of a small world.

The mean over all batches is what is held against a right loss; where noise matters too,
so is the variance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pg_course.asking.observers import (
    NO_GRAPH,
    Case,
    NotRightError,
    NotYetError,
    Seen,
    call,
    read_numbers,
)
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.answers import Answers, answers
from pg_helpers.clinic.case import Case as World
from pg_helpers.clinic.measure import ONE_BY_ONE, Asker, FaultError
from pg_helpers.clinic.standard import GAMMA, standard_policy, standard_world
from pg_helpers.losses import pseudo_loss
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import TabularPolicy
from pg_helpers.returns import total_return


@cache
def _patients() -> dict[str, tuple[World, int]]:
    """A world with its policy, and N, by what a case calls the batches."""
    world = standard_world()
    chooser = TabularPolicy(3, 2).double()
    with torch.no_grad():
        chooser.logits.copy_(torch.tensor([[0.2, -0.4], [-0.3, 0.5], [0.0, 0.0]]))
    found = {}
    for name, mdp, policy, N in (
        ("singles", world, standard_policy(world), 1),
        ("pairs", _two_doors(2), chooser, 2),
        ("triples", _two_doors(2), chooser, 3),
    ):
        found[name] = World(mdp, policy, GAMMA), N
    return found


def _two_doors(horizon: int) -> TabularMDP:
    """One door ends the episode; behind the other there are two more."""
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    for state, action, after, pays in (
        (0, 0, 2, 1.0),
        (0, 1, 1, -0.5),
        (1, 0, 2, 2.0),
        (1, 1, 2, 0.3),
    ):
        transition[state, action, after] = 1
        reward[state, action, after] = pays
    return TabularMDP([1, 0, 0], transition, reward, [False, False, True], horizon)


SINGLES = Case("single trajectories of the clinic's world", ("singles",))
PAIRS = Case("pairs of trajectories of one or two steps", ("pairs",))
TRIPLES = Case("batches of three trajectories of one or two steps", ("triples",))


def mean_gradient(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the mean of minus the gradient of a loss over all batches.

    Args:
        answer: of (log_probs, rewards, mask).
        case: its input is a name of `_patients`.

    Returns:
        "the mean gradient step".

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, or does not return a finite scalar with a graph.
    """
    return Seen({"the mean gradient step": _asked(answer, case).expected})


def mean_and_variance(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the mean of minus the gradient of a loss, and its total variance.

    Args:
        answer: of (log_probs, rewards, mask).
        case: its input is a name of `_patients`.

    Returns:
        "the mean gradient step" and "the variance of the gradient".

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, or does not return a finite scalar with a graph.
    """
    found = _asked(answer, case)
    return Seen(
        {
            "the mean gradient step": found.expected,
            "the variance of the gradient": torch.tensor(found.variance).double(),
        }
    )


def quieter_than_loss_a(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the mean gradient, whether steps look back, and excess noise.

    Args:
        answer: of (log_probs, rewards, mask).
        case: its input is a name of `_patients`.

    Returns:
        "the mean gradient step", what a reward adds to the weights of later steps, and
        for SINGLES the total variance, or that of the loss with the whole return if
        that is larger.

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, or does not return a finite scalar with a graph.
    """
    found = _asked(answer, case)
    values = {
        "the mean gradient step": found.expected,
        "what a reward adds to the weights of later steps": _hindsight(answer),
    }
    if case is SINGLES:  # elsewhere rewards-to-go may be the noisier ones
        variance = max(found.variance, _variance_of_loss_a())
        values["the variance, or loss A's if that is larger,"] = read_numbers(variance)
    return Seen(values)


@cache
def _variance_of_loss_a() -> float:
    def loss_a(log_probs: Tensor, rewards: Tensor, mask: Tensor) -> Tensor:
        return pseudo_loss(log_probs, total_return(rewards, GAMMA), mask)

    return _asked(loss_a, SINGLES).variance


def _hindsight(answer: Callable[..., Any]) -> Tensor:
    """By how much each reward of an episode changes the weights behind it, (3, 3)."""
    log_probs = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 3, dtype=torch.bool)
    nothing, *changed = (
        torch.autograd.grad(
            call(answer, log_probs.clone(), paid[None], mask.clone()), log_probs
        )[0][0]
        for paid in torch.eye(4, 3, dtype=torch.float64).roll(1, 0)
    )
    return read_numbers((nothing - torch.stack(changed)).triu(1))


def _asked(answer: Callable[..., Any], case: Case) -> Answers:
    """Minus the gradient on each batch, with mean and variance."""
    world, N = _patients()[case.inputs[0]]
    stopped: list[NotYetError | NotRightError] = []

    def asked(log_probs: Tensor, rewards: Tensor, mask: Tensor) -> Tensor:
        try:
            result = call(answer, log_probs.clone(), rewards.clone(), mask.clone())
            read_numbers(result)
            if not isinstance(result, Tensor) or not result.requires_grad:
                raise NotRightError(NO_GRAPH)
        except (NotYetError, NotRightError) as error:
            stopped.append(error)
            raise
        return result

    asker = Asker(BoundLoss(asked), world)
    asker.way = ONE_BY_ONE  # what stops it, stops it on a batch with numbers
    try:
        return answers(asker, N, seed=0)
    except FaultError as fault:
        if stopped:
            raise stopped[0] from None
        said = str(fault)
        raise NotRightError(said[:1].lower() + said[1:]) from None
