"""Losses called by hand, and losses that call backward() themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers.ascent import copies_of, put_back
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.batches import MOST_TRAJECTORIES
from pg_helpers.clinic.case import Case
from pg_helpers.clinic.standard import GAMMA, world_and_policy
from pg_helpers.clinic.untouched import untouched
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_count
from pg_helpers.rollout import Trajectories


@dataclass(frozen=True)
class Batch(Trajectories):
    """What a loss is handed in the clinic.

    Attributes:
        log_probs: (N, T), ln pi(a|s) of each step, with a graph.
        policy: that sampled the trajectories.
    """

    log_probs: Tensor
    policy: nn.Module


def batch(
    num_trajectories: int = 2,
    *,
    mdp: TabularMDP | None = None,
    policy: nn.Module | None = None,
    seed: int = 0,
) -> Batch:
    """One batch as the clinic hands it to a loss, to call the loss by hand.

    `loss(batch.log_probs, batch.rewards, batch.mask)` or `loss(batch, batch.policy)`
    is then an ordinary call: a debugger stops in it, and print() shows its numbers.

    Args:
        num_trajectories: N.
        mdp: the world; `standard_world()` by default.
        policy: a Categorical over its actions; `standard_policy(mdp)` by default.
        seed: which trajectories are drawn.

    Returns:
        Trajectories, padded to the horizon.

    Raises:
        TypeError, ValueError: as for `examine`.
    """
    check_count("num_trajectories", num_trajectories, at_most=MOST_TRAJECTORIES)
    check_count("seed", seed, at_least=0, at_most=2**63 - 1)
    mdp, policy = world_and_policy(mdp, policy)
    with untouched(policy):
        case = Case(mdp, policy, GAMMA, seed=seed)
    generator, shares = np.random.default_rng(seed), case.probability.numpy()
    drawn = generator.choice(len(shares), num_trajectories, p=shares / shares.sum())
    found = case.batch(torch.from_numpy(drawn), case.horizon)
    log_probs = policy(found.observations).log_prob(found.actions)
    return Batch(**vars(found), log_probs=log_probs, policy=policy)


def from_backward(run: Callable[..., Any]) -> Callable[..., Tensor]:
    """Make a loss of code that calls backward() itself, such as a library's update.

    The policy must be the object that is examined. What an optimiser does to it in the
    meantime is undone; what counts is the gradient that `run` leaves in `.grad`, after
    clipping if it clips. Code that sets `.grad` to None after its step leaves nothing:
    give it an optimiser that does nothing.

    Args:
        run: takes what a loss may take (see `examine`); what it returns is ignored.

    Returns:
        A loss with the gradient that backward() has left.

    Raises:
        TypeError: run is not a function of such arguments.
    """
    bound = BoundLoss(run)

    def loss(batch: Trajectories, policy: nn.Module, **given: Tensor) -> Tensor:
        parameters = [p for p in policy.parameters() if p.requires_grad]
        before, kept = [p.grad for p in parameters], copies_of(parameters)
        for parameter in parameters:
            parameter.grad = None
        try:
            bound(batch, policy, given)
            found = [p.grad for p in parameters]
            if all(slope is None for slope in found):
                raise RuntimeError(
                    "run left no gradient in the parameters of the policy: it works "
                    "on another object, or sets .grad to None after its step"
                )
        finally:
            put_back(parameters, kept)
            for parameter, slope in zip(parameters, before, strict=True):
                parameter.grad = slope
        value = given["log_probs"].new_zeros(())
        for parameter, slope in zip(parameters, found, strict=True):
            if slope is not None:
                value = value + (parameter * slope.detach()).sum()
        return value

    asked = {"batch", "policy", "log_probs"} | bound.asks - {"dones", "episode"}
    places = [Parameter(name, Parameter.KEYWORD_ONLY) for name in sorted(asked)]
    vars(loss)["__signature__"] = Signature(places)
    return loss
