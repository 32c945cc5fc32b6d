"""The recipe that does what a loss does, on every batch: it names the fault."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from pg_helpers.clinic.answers import Answers
from pg_helpers.clinic.batches import all_batches, number_of_batches
from pg_helpers.clinic.case import SHORTEST, Case
from pg_helpers.clinic.diagnosis import CERTAIN
from pg_helpers.clinic.recipes import (
    CENTRINGS,
    DROPPED,
    GAE_WEIGHTS,
    IN_REWARDS,
    MASKS,
    MEANS,
    OF_ALL,
    OF_TEXTS,
    OF_TOKENS,
    PLACES,
    TEMPERATURES,
    WEIGHTS,
    WITHOUT_MEAN,
    WITHOUT_OTHERS,
    WITHOUT_OTHERS_OF_GROUP,
    Ingredient,
    Sample,
    at_entropy,
    group_centrings,
)

# A recipe fits when no more than this share of the loss's gradient is left. A recipe
# with variants is tried with each if it comes as close as the second.
_FITS, _NEARLY = 1e-4, 0.1
# What a bonus or penalty leaves must be no more than this share of the part itself.
_OF_PART = 1e-5
# When it fits as well as this, it is the loss, and has the same mean; or has it up to
# the rounding of constants in float32.
_IS_THE_LOSS, _ROUNDED = 1e-9, 1e-6
# As many batches are compared, the first few of them with every recipe; a recipe does
# not fit all of them by chance.
_COMPARED, _FIRST, _FIRST_WITH_MORE = 300, 24, 60
# Beside a recipe as many unknown numbers are allowed, and for each of them as many
# equations are wanted.
_MOST_UNKNOWN, _EQUATIONS = 60, 3
# With fewer equations no more than one fault is named, and no factor without a name.
_SCARCE = 12
# Where gradients are clipped, as many batches must have the largest length; those that
# differ by no more than this share count as alike.
_CLIPPED, _ALIKE = 3, 1e-3
# Scores of as many numbers are decomposed; larger ones are seen from as many random
# directions.
_MOST_DECOMPOSED, _DIRECTIONS = 10**6, 100
# As many numbers a recipe's mean is summed over; at once, as many.
_NUMBERS, _AT_ONCE = 2**26, 2**21


@dataclass(frozen=True)
class Cause:
    """The recipe that a loss follows.

    Attributes:
        faults: what sets it apart from a right one, in words; empty where nothing does.
        factor: what the recipe is multiplied with to give the loss.
        entropy: the weight of an entropy bonus that comes with it; 0 where there is
            none.
        recipe: that was recognised.
        alone: whether nothing stands beside it.
        penalty: which KL penalty comes with it, if one does.
        beta: its weight.
        longest: to which length each batch's gradient is clipped, if it is.
    """

    faults: tuple[str, ...]
    factor: float
    entropy: float
    recipe: _Recipe
    alone: bool
    penalty: str = ""
    beta: float = 0.0
    longest: float = math.inf

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
        elif self.recipe.centring is OF_ALL and math.isclose(
            size, num_trajectories**2, rel_tol=_FITS
        ):
            faults.append("the (N, N) products are summed, not averaged")
        elif not math.isclose(size, 1, rel_tol=_FITS) and (
            faults or self.entropy or self.penalty
        ):
            digits = 3 if abs(size - 1) > 0.01 else 6
            faults.append(f"all of it is multiplied by {size:.{digits}g}")
        if self.entropy > 0:
            faults.append(f"an entropy bonus of {self.entropy:.3g} is added")
        elif self.entropy < 0:
            faults.append(
                f"the entropy is made smaller, with a weight of {-self.entropy:.3g}: "
                "the sign of the bonus is flipped"
            )
        if self.penalty and self.beta > 0:
            faults.append(f"a KL penalty of {self.beta:.3g} is added ({self.penalty})")
        elif self.penalty:
            faults.append(
                f"the KL penalty of {-self.beta:.3g} is flipped in sign "
                f"({self.penalty})"
            )
        if self.longest < math.inf:
            faults.append(
                f"each batch's gradient is clipped to the length {self.longest:.3g}"
            )
        return ", and ".join(faults)


class _Recipe(NamedTuple):
    weight: Ingredient
    centring: Ingredient
    place: Ingredient
    mask: Ingredient
    mean: Ingredient

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(part.fault for part in self if part.fault)

    def weights(self, sample: Sample) -> Tensor:
        """What each step is weighted with, (B, N, T)."""
        known, made_of = sample.known, (self.weight, self.centring)
        if self.weight not in known:
            known[self.weight] = self.weight.apply(sample)
        if made_of not in known:
            weights = self.centring.apply(known[self.weight], sample.mask)
            known[made_of] = weights.expand_as(sample.mask)
        return known[made_of]

    def table(self, sample: Sample, weights: Tensor | None = None) -> Tensor:
        """What d ln pi(a|s) is multiplied with, (..., B, S * A).

        Args:
            sample: B batches.
            weights: (..., B, N, T), those of the recipe where none are given.
        """
        weights = self.weights(sample) if weights is None else weights
        share = self.mask.apply(sample.mask) / self.mean.apply(sample.mask)
        return self.place.apply(sample, weights * share)


# What a divergence is multiplied with, and how it is averaged.
_Penalty = tuple[Ingredient, Ingredient]
# Over which steps an entropy is summed, and how it is averaged.
_Bonus = tuple[Ingredient, Ingredient]
_ENTROPIES: list[_Bonus] = [*product(MASKS[:2], MEANS)]


@cache
def _recipes(values: bool, group_size: int | None) -> list[list[_Recipe]]:
    """Up to two faults; gamma^t, often dropped, beside two more.

    Those that differ only in weight and centring are together.

    Args:
        values: whether the true V may be in them.
        group_size: G, where batches have several groups.
    """
    groups = []
    all_weights = WEIGHTS + (GAE_WEIGHTS if values else [])
    centrings = CENTRINGS + (group_centrings(group_size) if group_size else [])
    others = [(place, MASKS[0], MEANS[0]) for place in TEMPERATURES]
    for forms in [*product(PLACES, MASKS, MEANS), *others]:
        every = (_Recipe(*pair, *forms) for pair in product(all_weights, centrings))
        groups.append([r for r in every if len({*r.faults} - {DROPPED}) <= 2])
    return [group for group in groups if group]


def cause_of(
    found: Tensor, case: Case, index: Tensor, asks: frozenset[str] = frozenset()
) -> Cause | None:
    """Find the simplest recipe that gives the same gradients.

    If none does, the simplest to which a weight is added that does not look at the
    action, a number for each state and time, as from a baseline or a critic; and an
    entropy bonus. A loss that knows a reference policy may have a KL penalty beside
    each of these. At last, each batch's gradient may be clipped to some length. Where
    all gradients are zero many recipes would fit, and none is named.

    Args:
        found: (B, P), minus the loss's gradient on each batch.
        case: world and policy.
        index: int64 (B, N), the batches, padded to the horizon.
        asks: what the loss is given, by the names in `pg_helpers.binder.NAMES`.

    Returns:
        The recipe, or None where none fits.
    """
    seen = torch.zeros(case.pi.shape, dtype=torch.bool)
    seen[case.states.unique()] = True
    seen_scores = case.scores * seen.flatten()[:, None]
    scores, found = _fewer_columns(seen_scores, found)
    if scores is None:
        return None
    groups, size = case.law.sizes(index.shape[1])
    # Advantages by GAE are made with the true V, too.
    values = not asks.isdisjoint({"values", "advantages"})
    groups_of_recipes = _recipes(values, size if groups > 1 else None)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(found), generator=generator)[:_COMPARED]
    clips = _look_clipped(found[chosen], index[chosen])
    for way in _ways("ref_log_probs" in asks, clips):
        number = _FIRST_WITH_MORE if way.more else _FIRST
        few, all_of_them = (
            _Comparison(sample_of(case, index[some]), found[some], scores, way)
            for some in (chosen[:number], chosen)
        )
        best, least = None, math.inf
        candidates = few.candidates(groups_of_recipes)
        for recipe, penalty in sorted(candidates, key=lambda c: len(c[0].faults)):
            if len(recipe.faults) >= least:
                break
            scarce = way.more or way.clips or all_of_them.equations < _SCARCE
            careful = scarce or recipe.place in TEMPERATURES
            if careful and len({*recipe.faults} - {DROPPED}) > 1:
                continue  # two faults and a number of its own would fit too much
            cause = all_of_them.cause(recipe, penalty)
            if careful and cause and not _has_name(cause, index.shape[1], case.horizon):
                if recipe.faults or not cause.entropy:
                    continue
            cost = _cost(cause, index.shape[1], case.horizon) if cause else math.inf
            if cost < least:
                best, least = cause, cost
        if best:
            return best
    return None


class _Way(NamedTuple):
    """What is allowed to differ from a recipe.

    Attributes:
        more: what may stand beside it: nothing (0), a weight that does not look at the
            action (1), and an entropy bonus too (2).
        penalised: whether a KL penalty stands beside it.
        clips: whether the gradient of each batch is clipped to some length.
    """

    more: int = 0
    penalised: bool = False
    clips: bool = False


def _ways(reference: bool, clips: bool) -> list[_Way]:
    """In the order in which they are tried."""
    penalties = (False, True) if reference else (False,)
    ways = [_Way(*way) for way in product(range(3), penalties)]
    return [*ways, _Way(clips=True)] if clips else ways


def _look_clipped(found: Tensor, index: Tensor) -> bool:
    """Whether several different batches have gradients of the largest length."""
    lengths = found.norm(dim=1)
    longest = lengths >= (1 - _ALIKE) * lengths.max()
    return len(index[longest].sort(1).values.unique(dim=0)) >= _CLIPPED


def _cost(cause: Cause, num_trajectories: int, horizon: int) -> float:
    """One for each fault and for another size, and a half if that has no name."""
    if math.isclose(abs(cause.factor), 1, rel_tol=_FITS):
        return len(cause.faults)
    has_name = _has_name(cause, num_trajectories, horizon)
    return len(cause.faults) + (1 if has_name else 1.5)


def _has_name(cause: Cause, num_trajectories: int, horizon: int) -> bool:
    named = 1, 1 / horizon, num_trajectories
    return any(math.isclose(abs(cause.factor), one, rel_tol=_FITS) for one in named)


def _fewer_columns(scores: Tensor, found: Tensor) -> tuple[Tensor | None, Tensor]:
    """Both by as many directions as the scores (S * A, P) have.

    There are no scores where the loss's gradient (B, P) has a direction of its own.
    """
    if scores.numel() > _MOST_DECOMPOSED:
        generator = torch.Generator().manual_seed(0)
        shape = scores.shape[1], _DIRECTIONS
        some = torch.randn(shape, generator=generator, dtype=torch.float64)
        return (scores @ some if found.any() else None), found @ some
    _, sizes, rows = torch.linalg.svd(scores, full_matrices=False)
    rows = rows[sizes > 1e-9 * sizes[0]]
    fewer = found @ rows.T
    fits = (found - fewer @ rows).norm() <= _FITS * found.norm()
    return (scores @ rows.T if fits and found.any() else None), fewer


class _Comparison:
    """Recipes beside the gradients of a loss on the same batches.

    Args:
        sample: B batches.
        target: (B, P), the loss's gradients.
        scores: (S * A, P), of the same columns.
        way: what is allowed beside a recipe.
    """

    def __init__(
        self, sample: Sample, target: Tensor, scores: Tensor, way: _Way
    ) -> None:
        self._sample, self._scores, self._way = sample, scores, way
        self._lengths = target.norm(dim=1)
        self._target = (_directions(target) if way.clips else target).flatten()
        # Batches of the same few trajectories say the same again, and those without a
        # reward say little.
        parts = (sample.pairs.flatten(0, 1), sample.rewards.flatten(0, 1))
        rows = torch.cat([*parts, sample.mask.flatten(0, 1)], dim=1)
        paid = rows[parts[1].any(dim=1)]
        self.equations = len(paid.unique(dim=0)) * target.shape[1]
        # An entropy bonus and a KL penalty, a number for each, fit anything that looks
        # at the action where there are as few states.
        states = (sample.pairs // sample.pi.shape[1])[sample.mask > 0].unique()
        self.told_apart = len(states) * (sample.pi.shape[1] - 1)
        self._beside: dict[tuple[Ingredient, ...], Tensor] = {}
        self._bonuses: dict[_Bonus, Tensor] = {}
        # A KL penalty in the rewards pays minus l for each step.
        nothing = torch.zeros_like(sample.values)
        self._penalised = replace(
            sample, rewards=-sample.log_ratio, values=nothing, known={}
        )

    def candidates(
        self, groups: list[list[_Recipe]]
    ) -> Iterator[tuple[_Recipe, _Penalty | None]]:
        """All recipes that come close, and the KL penalty with which they do."""
        table = self._sample.mask[..., 0].numel() * self._sample.pi.numel()
        most = max(1, _AT_ONCE // table)
        parts = (
            group[at : at + most]
            for group in groups
            for at in range(0, len(group), most)
        )
        for group in parts:
            if self._way.more:  # one fault, and none of the place but the common one
                few = [r for r in group if len({*r.faults} - {DROPPED}) <= 1]
                group = few if group[0].place in PLACES[:2] else []
            if not group:
                continue
            weights = torch.stack([recipe.weights(self._sample) for recipe in group])
            own = self._rows(group[0], weights)
            own, target = self._without_more(group[0], own)
            if target is None:
                continue
            for penalty in self._penalties(group[0]):
                unit, _ = self._unit_slope(penalty, group)
                rows, aims = _across(own, unit), _across(target[None], unit)
                squares, dots = (rows**2).sum(dim=1), (rows * aims).sum(dim=1)
                if (aims.norm(dim=1) <= 1e-3 * self._target.norm()).all():
                    continue  # the penalty is all there is
                squares[squares <= 1e-12 * (own**2).sum(dim=1)] = math.nan  # rounding
                left = ((aims**2).sum(dim=1) - dots**2 / squares).clamp(min=0).sqrt()
                shares = (left / target.norm()).tolist()
                for recipe, share in zip(group, shares, strict=True):
                    if share <= (_NEARLY if recipe.centring.variants else 10 * _FITS):
                        yield recipe, penalty

    def cause(self, recipe: _Recipe, penalty: _Penalty | None) -> Cause | None:
        """The recipe, with the constants that fit best, if it does fit."""
        best, least = None, (True, True, _FITS)
        beside = (self._way.more > 1) + (penalty is not None)
        if beside >= self.told_apart:
            return None
        variants = (recipe.centring.apply, *recipe.centring.variants)
        bonuses = _ENTROPIES if self._way.more > 1 else [None]
        for apply, bonus in product(variants, bonuses):
            tried = recipe._replace(centring=Ingredient(recipe.centring.fault, apply))
            row = self._rows(tried, tried.weights(self._sample)[None])
            own, target = self._without_more(tried, row, [bonus])
            if target is None:
                continue
            unit, length = self._unit_slope(penalty, [tried], [bonus])
            kept, aim = _across(own, unit)[0], _across(target[None], unit)[0]
            square = float((kept**2).sum())
            if not 1e-12 * float((own**2).sum()) < square < math.inf:
                continue
            if aim.norm() <= 1e-3 * self._target.norm():
                continue  # the penalty is all there is
            factor = float(kept @ aim) / square
            left = float((aim - factor * kept).norm() / target.norm())
            beta = float(((target - factor * own[0]) * unit[0]).sum() / length)
            if not factor or left > _FITS or (penalty and not beta):
                continue
            if apply is recipe.centring.apply:
                tried = recipe
            rest = self._target - factor * row[0]
            words, longest = "", math.inf
            if penalty:
                rest -= beta * self._slopes(penalty, [tried])[0]
                words = penalty[0].fault
                beta /= factor if penalty[0] is IN_REWARDS else 1
            if self._way.clips:
                clipping = self._clipping(tried)
                if clipping is None:
                    continue
                factor, longest = math.copysign(clipping[0], factor), clipping[1]
            entropy, part = self._entropy(tried, rest, bonus)
            parts = [part] if bonus else []
            parts += [abs(beta) * float(length)] if penalty else []
            if parts and left * float(target.norm()) > _OF_PART * min(parts):
                continue  # what is left is no trace of what would be named
            alone = self._way == _Way()
            cause = Cause(
                tried.faults, factor, entropy, tried, alone, words, beta, longest
            )
            _, N, T = self._sample.mask.shape
            how_well = (left > _IS_THE_LOSS, not _has_name(cause, N, T), left)
            if how_well < least:
                best, least = cause, how_well
        return best

    def _rows(self, recipe: _Recipe, weights: Tensor) -> Tensor:
        """Gradients (R, B * P) of weights (R, B, N, T) in the form of a recipe."""
        rows = recipe.table(self._sample, weights) @ self._scores
        return (_directions(rows) if self._way.clips else rows).flatten(1)

    def _penalties(self, recipe: _Recipe) -> list[_Penalty | None]:
        """Those that may stand beside a recipe, with its own mean first."""
        if not self._way.penalised:
            return [None]
        means = sorted(MEANS, key=lambda mean: mean is not recipe.mean)
        of_texts = product(OF_TEXTS, MEANS[:1])
        return [*product(OF_TOKENS, means), *of_texts, (IN_REWARDS, recipe.mean)]

    def _slopes(self, penalty: _Penalty, group: list[_Recipe]) -> Tensor:
        """Minus gradients (1 or R, B * P) of a KL penalty beside each recipe."""
        kind, mean = penalty
        if kind is IN_REWARDS:
            weights = torch.stack([recipe.weights(self._penalised) for recipe in group])
            return self._rows(group[0], weights)
        form = _Recipe(kind, CENTRINGS[0], PLACES[0], MASKS[0], mean)
        return -self._rows(form, form.weights(self._sample)[None])

    def _unit_slope(
        self,
        penalty: _Penalty | None,
        group: list[_Recipe],
        bonuses: Sequence[_Bonus | None] = _ENTROPIES,
    ) -> tuple[Tensor, Tensor]:
        """Directions of `_slopes`, without what else stands beside; and lengths.

        Zero, of infinite length, where nothing is left or there is no penalty.
        """
        if penalty is None:
            return self._target.new_zeros(1, 1), torch.tensor(math.inf)
        slopes = self._slopes(penalty, group)
        left, _ = self._without_more(group[0], slopes, bonuses)
        length = left.norm(dim=1, keepdim=True)
        length[length <= 1e-6 * slopes.norm(dim=1, keepdim=True)] = math.inf
        return left / length, length

    def _clipping(self, recipe: _Recipe) -> tuple[float, float] | None:
        """Factor and largest length of a recipe clipped to it, if lengths fit that."""
        found = self._lengths
        own = (recipe.table(self._sample) @ self._scores).norm(dim=1)
        longest = float(found.max())
        free = (found > 0) & (found < (1 - _ALIKE) * longest)
        if not free.any():  # all that is not zero may have the same length anyway
            return None
        size = float((found[free] / own[free]).median())
        expected = (size * own).clamp(max=longest)
        shorter = size * own > (1 + _ALIKE) * longest
        fits = shorter.any() and ((expected - found).abs() <= _ALIKE * found).all()
        return (size, longest) if fits else None

    def _without_more(
        self,
        recipe: _Recipe,
        rows: Tensor,
        bonuses: Sequence[_Bonus | None] = _ENTROPIES,
    ) -> tuple[Tensor, Tensor | None]:
        """Rows and target without what may stand beside the recipe.

        There is no target where too much may, or nothing is left.
        """
        if not self._way.more:
            return rows, self._target
        more = self._more_of(recipe, bonuses)
        _, sizes, basis = torch.linalg.svd(more, full_matrices=False)
        basis = basis[sizes > 1e-9 * sizes[:1]]
        target = self._target - (self._target @ basis.T) @ basis
        few = len(basis) <= min(_MOST_UNKNOWN, self.equations / _EQUATIONS - 1)
        if not few or target.norm() <= 1e-3 * self._target.norm():
            return rows, None
        return rows - (rows @ basis.T) @ basis, target

    def _more_of(self, recipe: _Recipe, bonuses: Sequence[_Bonus | None]) -> Tensor:
        """Gradients of what may stand beside a recipe, a row for each; entropy last."""
        key = recipe.place, recipe.mask, recipe.mean
        sample = self._sample
        if key not in self._beside:
            states, taken = sample.pairs // sample.pi.shape[1], sample.mask > 0
            times = torch.arange(states.shape[-1]).expand_as(states)
            # Padded steps have state 0 in common, and weights of their own.
            places = torch.where(taken, states, -1) * states.shape[-1] + times
            each = places.unique()[: _MOST_UNKNOWN + 1, None, None, None]
            self._beside[key] = self._rows(recipe, (places == each).double())
        rows = [self._beside[key]]
        for bonus in bonuses if self._way.more > 1 else ():
            if bonus is not None and bonus not in self._bonuses:
                mask, mean = bonus
                share = mask.apply(sample.mask) / mean.apply(sample.mask)
                table = at_entropy(sample, share) @ self._scores
                self._bonuses[bonus] = table.flatten()[None]
            rows += [self._bonuses[bonus]] if bonus is not None else []
        return torch.cat(rows)

    def _entropy(
        self, recipe: _Recipe, left: Tensor, bonus: _Bonus | None
    ) -> tuple[float, float]:
        """The weight of an entropy bonus in what a recipe has left, and its length.

        The weight is 0 for a trace.
        """
        if bonus is None:
            return 0.0, 0.0
        more = self._more_of(recipe, [bonus])
        weights = torch.linalg.lstsq(more.T, left[:, None], driver="gelsd").solution
        weight = float(weights[-1, 0])
        length = abs(weight) * float(more[-1].norm())
        return (weight if length > 1e-3 * self._target.norm() else 0.0), length


def _directions(rows: Tensor) -> Tensor:
    """Gradients (..., B, P) with the length 1; those that are rounding become 0."""
    lengths = rows.norm(dim=-1, keepdim=True)
    small = lengths <= 1e-9 * lengths.amax(dim=-2, keepdim=True)
    return rows / lengths.masked_fill(small, math.inf)


def _across(rows: Tensor, unit: Tensor) -> Tensor:
    """Rows without what they have of a direction of length 1, or 0."""
    return rows - (rows * unit).sum(dim=1, keepdim=True) * unit


def with_exact_mean(asked: Answers, cause: Cause | None, case: Case) -> Answers:
    """The answers with the mean over all batches, if that of a sample is known.

    The loss must be the recipe on each batch that was asked, and each trajectory be in
    one of them.

    A recipe that treats each trajectory for itself has the same mean for every N, and
    one that subtracts the others' mean, which is linear, that of pairs. Others are
    summed over all batches, where there are not too many. Where trajectories are drawn,
    dynamic programming knows the mean of some recipes.
    """
    if cause is None or not asked.batches.sampled or asked.missed:
        return asked
    found, index = asked.found, asked.batches.index
    recipe, N = cause.recipe, index.shape[1]
    if recipe.mean is not MEANS[-1] and not _runs_on(recipe, case, index):
        groups, _ = case.law.sizes(N)
        alone = (CENTRINGS[0], 1), (CENTRINGS[1], min(N, 2) if groups == 1 else N)
        N = next((n for centring, n in alone if recipe.centring is centring), N)
    width = len(case.scores)
    mean = _mean_by_dp(recipe, case, index) if case.drawn is not None else None
    if mean is None and (
        case.drawn is not None
        or number_of_batches(case.law, N, True) * width > _NUMBERS
    ):
        return asked
    most = max(1, _AT_ONCE // max(width, index.shape[1] * case.horizon))
    off = 0.0
    for rows, batches in zip(found.split(most), index.split(most), strict=True):
        same = cause.factor * (recipe.table(sample_of(case, batches)) @ case.scores)
        off = max(off, float((rows - same).norm() / rows.norm().clamp(min=SHORTEST)))
    if off > (_IS_THE_LOSS if mean is None else _ROUNDED):
        return asked
    if mean is None:
        every = all_batches(case.law, N, True)
        chunks = zip(every.index.split(most), every.chance.split(most), strict=True)
        table = torch.zeros(width, dtype=torch.float64)
        for batches, chance in chunks:
            table += chance @ recipe.table(sample_of(case, batches))
        mean = table @ case.scores
    mean = cause.factor * mean
    uncertain = 0.0 if off <= _IS_THE_LOSS else off * float(mean.norm()) / CERTAIN
    return replace(asked, expected=mean, uncertain=uncertain)


def _mean_by_dp(recipe: _Recipe, case: Case, index: Tensor) -> Tensor | None:
    """The mean (P,) of a recipe over all batches such as (B, N), if it is known."""
    weight, centring, *form = recipe
    if weight.mean is None or form != [PLACES[0], MASKS[0], MEANS[0]]:
        return None
    share, words, N = 1.0, centring.fault, index.shape[1]
    for_all = weight.apply(sample_of(case, index[:1])).shape[-1] == 1
    for over, size in (("batch", N), ("group", case.law.sizes(N)[1])):
        if words == WITHOUT_MEAN.format(f"the {over}") and for_all:
            share, words = 1 - 1 / size, ""  # its own part of the mean
    # What the others have earned is independent of the trajectory's own scores.
    known = words in ("", WITHOUT_OTHERS, WITHOUT_OTHERS_OF_GROUP)
    return share * case.estimator_mean(**weight.mean) if known else None


def _runs_on(recipe: _Recipe, case: Case, index: Tensor) -> bool:
    """Whether the weights of a trajectory depend on the others before any centring."""
    some, plain = index[:_COMPARED], recipe._replace(centring=CENTRINGS[0])
    together = plain.weights(sample_of(case, some)).flatten(0, 1)
    alone = plain.weights(sample_of(case, some.reshape(-1, 1))).flatten(0, 1)
    return not torch.equal(together, alone)


def sample_of(case: Case, index: Tensor) -> Sample:
    """Batches (B, N), padded to the horizon, as recipes need them."""
    every, states = case.every, case.states[index]
    pairs, taken = case.pairs(index, case.horizon), every.mask.cpu()[index]
    log_ratio = case.pi.log() - case.ref_log_pi.double().cpu()
    values = case.values.double().cpu()[torch.arange(case.horizon), states]
    return Sample(
        rewards=every.rewards.cpu().double()[index],
        mask=taken.double(),
        pairs=pairs,
        best=states * case.pi.shape[1] + case.pi.argmax(1)[states],
        pi=case.pi,
        values=values,
        log_ratio=log_ratio.flatten()[pairs].where(taken, 0.0),
        gamma=case.gamma,
    )
