"""A loss in many worlds: what holds in one need not hold in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.answers import SHARE, answers
from pg_helpers.clinic.case import Case, cosine
from pg_helpers.clinic.causes import Cause, with_exact_mean
from pg_helpers.clinic.measure import Asker, FaultError
from pg_helpers.clinic.standard import standard_policy, standard_world
from pg_helpers.mdp import TabularMDP


@dataclass(frozen=True)
class Worlds:
    """A loss held against the gradient of J in many worlds, each with its own policy.

    Attributes:
        relative_error: float64 (W,), as in `Diagnosis`.
        cosine: float64 (W,).
        noise: float64 (W,), the variance by that of the plain estimator.
        standard_error: float64 (W,), of relative_error; 0 where batches are listed.
    """

    relative_error: Tensor
    cosine: Tensor
    noise: Tensor
    standard_error: Tensor

    def __str__(self) -> str:
        """Median and range of each."""
        error = _range(100 * self.relative_error, ".3g")
        doubt = 100 * float(self.standard_error.max())
        told = f" with standard errors up to {doubt:.2g} %" if doubt else ""
        return (
            f"In {len(self.cosine)} random worlds, median and range: error {error} %"
            f"{told}, cosine {_range(self.cosine, '.4f')}, variance "
            f"{_range(self.noise, '.3g')} times that of the plain estimator."
        )


def _range(values: Tensor, form: str) -> str:
    low, middle, high = (
        float(v) for v in (values.min(), values.median(), values.max())
    )
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def random_case(seed: int) -> tuple[TabularMDP, nn.Module]:
    """A world and a policy drawn from the prior that a loss is judged over.

    Which state can follow which, and with it the 31 trajectories of one to four steps,
    is as in the standard world. Chances are drawn from a flat Dirichlet distribution,
    rewards and observations from a standard normal one, and the weights of the standard
    policy's network from a normal one with standard deviation 0.8.

    Args:
        seed: of all of these.

    Returns:
        The world and a policy for it, in float64.
    """
    generator, base = np.random.default_rng(seed), standard_world()
    transition = np.zeros_like(base.transition)
    for state, action in np.ndindex(transition.shape[:2]):
        after = np.flatnonzero(base.transition[state, action])
        transition[state, action, after] = generator.dirichlet(np.ones(len(after)))
    initial = np.zeros_like(base.initial)
    starts = np.flatnonzero(base.initial)
    initial[starts] = generator.dirichlet(np.ones(len(starts)))
    reward = generator.normal(size=transition.shape)
    observations = generator.normal(size=base.observations.shape)
    ends = base.terminal, base.horizon
    world = TabularMDP(initial, transition, reward, *ends, observations)
    policy = standard_policy(world)
    with torch.no_grad():
        for parameter in policy.parameters():
            weights = generator.normal(0, 0.8, tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(weights))
    return world, policy


def over_worlds(
    loss: BoundLoss,
    gamma: float,
    N: int,
    number: int,
    recognised: Cause | None,
    **options: Any,
) -> Worlds:
    """Ask a loss in the worlds with the seeds 0, 1, ... of `random_case`.

    Args:
        loss: that is asked.
        gamma: discount of J.
        N: trajectories in a batch.
        number: of worlds.
        recognised: as what the loss is known.
        **options: of `Case`.

    Raises:
        FaultError: the loss cannot be asked in one of them.
    """
    rows = []
    for seed in range(number):
        case = Case(*random_case(seed), gamma, **options)
        try:
            asked = answers(Asker(loss, case), N, seed, share=SHARE)
        except FaultError as fault:
            raise FaultError(f"In the random world {seed}: {fault}") from fault
        asked = with_exact_mean(asked, recognised, case)
        length = case.truth.norm()
        error = (asked.expected - case.truth).norm() / length
        noise = asked.variance / case.plain_variance(N)
        angle = cosine(asked.expected, case.truth)
        rows.append([error, angle, noise, asked.uncertain / length])
    columns = torch.tensor(rows, dtype=torch.float64).T
    return Worlds(*columns)
