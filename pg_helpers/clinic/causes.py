"""The recipe that does what a loss does, on every batch: it names the fault."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from torch import Tensor

from pg_helpers.clinic.case import Case
from pg_helpers.clinic.recipes import (
    CENTRINGS,
    DROPPED,
    MEANS,
    PLACES,
    WEIGHTS,
    Ingredient,
    Sample,
)

# A recipe fits when no more than this share of the loss's gradient is left. Losses
# whiten with small constants in the denominator, which differ.
_FITS = 1e-4
# As many batches are compared; a recipe does not fit all of them by chance.
_COMPARED = 300


@dataclass(frozen=True)
class Cause:
    """The recipe that a loss follows.

    Attributes:
        faults: what sets it apart from a right one, in words; empty where nothing does.
        factor: what the recipe is multiplied with to give the loss.
    """

    faults: tuple[str, ...]
    factor: float

    def in_words(self, num_trajectories: int, horizon: int) -> str:
        """All faults, sign and size among them; empty where there is none.

        Args:
            num_trajectories: N, by which a right loss divides.
            horizon: T, by which it does not.
        """
        size = abs(self.factor)
        faults = ["the sign is flipped"] if self.factor < 0 else []
        faults += self.faults
        if math.isclose(size, 1 / horizon, rel_tol=_FITS) and horizon > 1:
            faults.append("the mean is over all T steps, padding included")
        elif math.isclose(size, num_trajectories, rel_tol=_FITS) and size > 1.5:
            faults.append("trajectories are summed, not averaged")
        elif not math.isclose(size, 1, rel_tol=_FITS) and faults:
            faults.append(f"all of it is multiplied by {size:.3g}")
        return ", and ".join(faults)


@dataclass(frozen=True)
class _Recipe:
    weight: Ingredient
    centring: Ingredient
    place: Ingredient
    mean: Ingredient
    masked: bool

    @property
    def faults(self) -> tuple[str, ...]:
        parts = (self.weight, self.centring, self.place, self.mean)
        forgotten = () if self.masked else ("the mask is forgotten",)
        return (*(part.fault for part in parts if part.fault), *forgotten)

    def table(self, sample: Sample) -> Tensor:
        """What d ln pi(a|s) is multiplied with in each batch, (B, S * A)."""
        weights = self.centring.apply(self.weight.apply(sample), sample.mask)
        weights = weights.expand_as(sample.mask) / self.mean.apply(sample.mask)
        return self.place.apply(
            sample, weights * sample.mask if self.masked else weights
        )


@cache
def _recipes() -> list[_Recipe]:
    """Up to two faults, the fewest first; gamma^t, often dropped, beside two more."""
    every = product(WEIGHTS, CENTRINGS, PLACES, MEANS, (True, False))
    found = [_Recipe(*choice) for choice in every]
    few = [r for r in found if len(set(r.faults) - {DROPPED}) <= 2]
    return sorted(few, key=lambda recipe: len(recipe.faults))


def cause_of(found: Tensor, case: Case) -> Cause | None:
    """Find the simplest recipe that gives the same gradients.

    Where all gradients are zero many recipes would fit, and none is named.

    Args:
        found: (B, P), minus the loss's gradient on each batch.
        case: with the B batches.

    Returns:
        The recipe, or None where none fits.
    """
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(found), generator=generator)[:_COMPARED]
    target = found[chosen]
    sample = _sample(case, case.batches.index[chosen])
    best, cost = None, math.inf
    for recipe in _recipes():
        if len(recipe.faults) >= cost:
            break
        same = recipe.table(sample) @ case.scores
        factor = _factor(same, target)
        if factor and (target - factor * same).norm() <= _FITS * target.norm():
            # Another size counts as a fault more.
            resized = not math.isclose(abs(factor), 1, rel_tol=_FITS)
            if len(recipe.faults) + resized < cost:
                best, cost = Cause(recipe.faults, factor), len(recipe.faults) + resized
    return best


def _factor(same: Tensor, target: Tensor) -> float:
    """What `same` must be multiplied with to come closest; 0 where nothing does."""
    square = float((same**2).sum())
    return float((same * target).sum()) / square if 0 < square < math.inf else 0.0


def _sample(case: Case, index: Tensor) -> Sample:
    every, states = case.batches.every, case.batches.states[index]
    first = states * case.pi.shape[1]
    return Sample(
        rewards=every.rewards.cpu().double()[index],
        mask=every.mask.cpu().double()[index],
        pairs=first + every.actions.cpu()[index],
        best=first + case.pi.argmax(1)[states],
        pi=case.pi,
        gamma=case.gamma,
    )
