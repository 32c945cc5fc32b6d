"""The recipe that does what a loss does, on every batch: it names the fault."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import torch
from torch import Tensor

from pg_helpers.clinic.answers import Answers
from pg_helpers.clinic.batches import all_batches, number_of_batches
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
# When it fits as well as this, it is the loss, and has the same mean.
_IS_THE_LOSS = 1e-9
# As many batches are compared, the first few of them with every recipe; a recipe does
# not fit all of them by chance.
_COMPARED, _FIRST = 300, 24
# As many numbers a recipe's mean is summed over; at once, as many.
_NUMBERS, _AT_ONCE = 2**26, 2**21


@dataclass(frozen=True)
class Cause:
    """The recipe that a loss follows.

    Attributes:
        faults: what sets it apart from a right one, in words; empty where nothing does.
        factor: what the recipe is multiplied with to give the loss.
        recipe: that was recognised.
    """

    faults: tuple[str, ...]
    factor: float
    recipe: _Recipe

    def in_words(self, num_trajectories: int, horizon: int) -> str:
        """All faults, sign and size among them; empty where there is none.

        Args:
            num_trajectories: N, by which a right loss divides; 1 where a batch gives
                the mean of its trajectories.
            horizon: T, by which it does not; 1 where padding makes no difference.
        """
        size = abs(self.factor)
        faults = ["the sign is flipped"] if self.factor < 0 else []
        faults += self.faults
        if math.isclose(size, 1 / horizon, rel_tol=_FITS) and horizon > 1:
            faults.append("the mean is over all T steps, padding included")
        elif math.isclose(size, num_trajectories, rel_tol=_FITS) and size > 1.5:
            faults.append("trajectories are summed, not averaged")
        elif not math.isclose(size, 1, rel_tol=_FITS) and faults:
            digits = 3 if abs(size - 1) > 0.01 else 6
            faults.append(f"all of it is multiplied by {size:.{digits}g}")
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
        made_of = self.weight, self.centring
        if made_of not in sample.known:
            weights = self.weight.apply(sample)
            sample.known[made_of] = self.centring.apply(weights, sample.mask)
        weights = sample.known[made_of]
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


def cause_of(found: Tensor, case: Case, index: Tensor) -> Cause | None:
    """Find the simplest recipe that gives the same gradients.

    Where all gradients are zero many recipes would fit, and none is named.

    Args:
        found: (B, P), minus the loss's gradient on each batch.
        case: world and policy.
        index: int64 (B, N), the batches, padded to the horizon.

    Returns:
        The recipe, or None where none fits.
    """
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(found), generator=generator)[:_COMPARED]
    few = chosen[:_FIRST]
    sample, first = _sample(case, index[chosen]), _sample(case, index[few])
    best, cost = None, math.inf
    for recipe in _recipes():
        if len(recipe.faults) >= cost:
            break
        # Losses differ from a recipe a little more on some batches than on others.
        if _fit(recipe.table(first) @ case.scores, found[few])[1] > 10 * _FITS:
            continue
        factor, left = _fit(recipe.table(sample) @ case.scores, found[chosen])
        if factor and left <= _FITS:
            # Another size counts as a fault more.
            resized = not math.isclose(abs(factor), 1, rel_tol=_FITS)
            if len(recipe.faults) + resized < cost:
                best = Cause(recipe.faults, factor, recipe)
                cost = len(recipe.faults) + resized
    return best


def _fit(same: Tensor, target: Tensor) -> tuple[float, float]:
    """What to multiply `same` with to come closest, and the share that is left."""
    square, length = float((same**2).sum()), float(target.norm())
    if not 0 < square < math.inf or length == 0:
        return 0.0, math.inf
    factor = float((same * target).sum()) / square
    return factor, float((target - factor * same).norm()) / length


def with_exact_mean(asked: Answers, cause: Cause | None, case: Case) -> Answers:
    """The answers with the mean over all batches, if that of a sample is known.

    The loss must be the recipe on each batch that was asked, and each trajectory be in
    one of them.

    A recipe that treats each trajectory for itself has the same mean for every N, and
    one that subtracts the others' mean, which is linear, that of pairs. Others are
    summed over all batches, where there are not too many.
    """
    if cause is None or not asked.batches.sampled or asked.missed:
        return asked
    found, index = asked.found, asked.batches.index
    recipe, N, K = cause.recipe, index.shape[1], len(case.probability)
    if recipe.mean is not MEANS[-1]:
        alone = (CENTRINGS[0], 1), (CENTRINGS[1], min(N, 2))
        N = next((n for centring, n in alone if recipe.centring is centring), N)
    width = len(case.scores)
    if number_of_batches(K, N, True) * width > _NUMBERS:
        return asked
    most = max(1, _AT_ONCE // max(width, index.shape[1] * case.horizon))
    for rows, batches in zip(found.split(most), index.split(most), strict=True):
        same = cause.factor * (recipe.table(_sample(case, batches)) @ case.scores)
        if (rows - same).norm() > _IS_THE_LOSS * rows.norm():
            return asked
    every = all_batches(case.probability, N, True)
    chunks = zip(every.index.split(most), every.chance.split(most), strict=True)
    table = torch.zeros(width, dtype=torch.float64)
    for batches, chance in chunks:
        table += chance @ recipe.table(_sample(case, batches))
    mean = cause.factor * (table @ case.scores)
    return replace(asked, expected=mean, uncertain=0.0)


def _sample(case: Case, index: Tensor) -> Sample:
    every, states = case.every, case.states[index]
    return Sample(
        rewards=every.rewards.cpu().double()[index],
        mask=every.mask.cpu().double()[index],
        pairs=case.pairs(index, case.horizon),
        best=states * case.pi.shape[1] + case.pi.argmax(1)[states],
        pi=case.pi,
        gamma=case.gamma,
    )
