"""What a loss answers to all batches of N trajectories, or to a sample of them."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pg_helpers.clinic.batches import (
    Batches,
    Law,
    all_batches,
    disjoint_batches,
    number_of_batches,
    sampled_batches,
)
from pg_helpers.clinic.case import LONGEST, Case, total_variance
from pg_helpers.clinic.diagnosis import CERTAIN
from pg_helpers.clinic.measure import (
    AT_ONCE,
    BY_LENGTHS,
    Asker,
    FaultError,
    SlowerError,
)

# What is only checked is checked on as many batches: mapped at once, and slower.
_CHECKED, _CHECKED_SLOWLY = 1000, 100
# A control variate needs as many batches for each of its coefficients.
# What is only compared is measured on this share of the batches.
SHARE = 8
_PER_COEFFICIENT, _MOST_COEFFICIENTS = 20, 100
# Of drawn trajectories as many batches are wanted.
_FEWEST = 100


@dataclass(frozen=True)
class Answers:
    """Gradients of a loss on many batches.

    Attributes:
        batches: B of them.
        found: float64 (B, P), minus the gradient on each.
        expected: float64 (P,), their mean.
        uncertain: standard error of the mean, as a length; 0 where all batches are
            listed.
        variance: total variance of the gradients.
        missed: how many trajectories are in none of the batches.
    """

    batches: Batches
    found: Tensor
    expected: Tensor
    uncertain: float
    variance: float
    missed: int


def ask(asker: Asker, index: Tensor, cut: bool = False) -> Tensor:
    """`asker` about these batches, in the first way that works."""
    found = None
    while found is None:
        with suppress(SlowerError):
            found = asker(index, cut)
    return found


def answers(
    asker: Asker, N: int, seed: int, cut: bool = False, share: int = 1
) -> Answers:
    """Ask a loss about all batches of N trajectories, or a sample where there are many.

    Args:
        asker: with the loss.
        N: trajectories in a batch.
        seed: of the sample.
        cut: whether batches are padded to their longest trajectory.
        share: where this part of the usual number of batches is enough.

    Returns:
        The gradients, with mean and error.

    Raises:
        FaultError: as `Asker`, or a gradient is beyond comparison.
    """
    case, found = asker.case, None
    while found is None:
        with suppress(SlowerError):  # in another way there are other numbers of them
            batches = _batches(asker, N, seed, share)
            found = asker(batches.index, cut)
    if found.norm() > LONGEST:
        raise FaultError(
            f"The gradient of the loss is as large as {found.abs().max():.1e}: nothing "
            "can be compared with it."
        )
    if found.abs().max() <= 0.01 * case.rounding * case.size:
        found = torch.zeros_like(found)  # what rounding leaves of nothing
    noise = total_variance(found, batches.chance)
    expected, uncertain = batches.chance @ found, 0.0
    if batches.sampled:
        expected, uncertain = _controlled(found, batches, case)
        if uncertain < 0.01 * case.rounding * case.truth.norm():
            uncertain = 0.0  # nothing was left to be estimated
        # The plain estimate on the same batches says how wide these scatter.
        here = total_variance(_mean_of(case.plain, batches), batches.chance)
        noise *= case.plain_variance(N) / here if here > 0 else 1
    missed = 0
    if case.drawn is None:
        missed = len(case.probability) - len(batches.index.unique())
    return Answers(batches, found, expected, uncertain, noise, missed)


def by_singles(asked: Answers, asker: Asker, seed: int) -> Answers:
    """The answers with the mean over all batches, if single trajectories tell it.

    They do where each batch that was asked gave the mean of its trajectories.
    """
    alone = answers(asker, 1, seed)
    N = asked.batches.num_trajectories
    if alone.batches.sampled or not asker.same(
        asked.found, _mean_of(alone.found, asked.batches)
    ):
        return asked
    mean, noise = alone.expected, asker.case.variance_of_mean(alone.found, N)
    return replace(asked, expected=mean, uncertain=0.0, variance=noise, missed=0)


def _batches(asker: Asker, N: int, seed: int, share: int) -> Batches:
    law, most = asker.case.law, asker.most_listed() // share
    if law.drawn is not None:
        drawn = disjoint_batches(law, N, asker.most_drawn(N) // share, seed)
        if len(drawn.index) < _FEWEST:
            raise FaultError(
                f"The world has too many trajectories to be listed, and those that are "
                f"drawn give only {len(drawn.index)} batches of {N}. Examine it with "
                "fewer trajectories in a batch.",
                undecided=True,
            )
        return _ordered(drawn, asker, N, seed)
    if number_of_batches(law, N, False) <= min(most, _CHECKED):
        return all_batches(law, N, exchangeable=False)
    if number_of_batches(law, N, True) <= most and _exchangeable(asker, N, seed):
        return all_batches(law, N, exchangeable=True)
    if number_of_batches(law, N, False) <= most:
        return all_batches(law, N, exchangeable=False)
    drawn = sampled_batches(law, N, asker.most_drawn(N) // share, seed)
    return _ordered(drawn, asker, N, seed)


def _ordered(drawn: Batches, asker: Asker, N: int, seed: int) -> Batches:
    """The batches in order of their lengths, where that is worth it and allowed."""
    if asker.way == BY_LENGTHS and _exchangeable(asker, N, seed):
        # So more of them are alike.
        law, lengths = asker.case.law, asker.case.lengths
        index = in_order(drawn.index, law, lengths[drawn.index])
        return replace(drawn, index=index)
    return drawn


def in_order(index: Tensor, law: Law, keys: Tensor) -> Tensor:
    """Batches (B, N) with the trajectories of each group ordered by their keys."""
    groups = law.sizes(index.shape[1])
    order = keys.unflatten(1, groups).argsort(dim=2)
    return index.unflatten(1, groups).gather(2, order).flatten(1)


def _exchangeable(asker: Asker, N: int, seed: int) -> bool:
    """Whether the order of the trajectories in a group makes no difference."""
    law = asker.case.law
    index = sampled_batches(law, N, _number(asker), seed).index
    generator = torch.Generator().manual_seed(seed)
    keys = torch.rand(index.shape, generator=generator)
    return asker.same(asker(index), asker(in_order(index, law, keys)))


def mixes(asker: Asker, seed: int) -> bool:
    """Whether a loss is more than the mean of what it is for single trajectories.

    A loss that looks at the first trajectory of a batch only does not mix them.

    Raises:
        FaultError: it can be asked about neither trajectories nor pairs of them.
    """
    K = len(asker.case.probability)
    generator = torch.Generator().manual_seed(seed)
    singles = torch.randperm(K, generator=generator)[: _number(asker)].sort().values
    alone, fault = None, None
    try:
        alone = ask(asker, singles[:, None])
    except FaultError as found:
        fault = found
    number = _number(asker)
    if len(singles) ** 2 <= number:
        pairs = torch.cartesian_prod(*[torch.arange(len(singles))] * 2)
    else:
        pairs = torch.randint(len(singles), (number, 2), generator=generator)
    try:
        together = ask(asker, singles[pairs])
    except FaultError:
        if fault:
            raise fault from None
        return False
    if alone is None:
        return True
    first, second = alone[pairs].unbind(dim=1)
    mean = (first + second) / 2
    return not (asker.same(together, mean) or asker.same(together, first))


def couples(asker: Asker, N: int, seed: int) -> bool:
    """Whether a batch of several groups gives more than the mean of what each gives."""
    P, G = asker.case.law.sizes(N)
    if P == 1:
        return False
    index = sampled_batches(asker.case.law, N, _number(asker), seed).index
    try:
        together = ask(asker, index)
        alone = ask(asker, index.reshape(-1, G))
    except FaultError:
        return True
    return not asker.same(together, alone.unflatten(0, (-1, P)).mean(dim=1))


def _number(asker: Asker) -> int:
    return _CHECKED if asker.way == AT_ONCE else _CHECKED_SLOWLY


def depends_on_padding(asker: Asker, asked: Answers, seed: int) -> bool:
    """Whether batches that are cut to their longest trajectory change an answer."""
    longest = asker.case.lengths[asked.batches.index].amax(dim=1)
    shorter = (longest < asker.case.horizon).nonzero().squeeze(1)
    generator = torch.Generator().manual_seed(seed)
    chosen = shorter[
        torch.randperm(len(shorter), generator=generator)[: _number(asker)]
    ]
    if not len(chosen):
        return False
    cut = ask(asker, asked.batches.index[chosen], cut=True)
    return not asker.same(cut, asked.found[chosen])


def _controlled(found: Tensor, batches: Batches, case: Case) -> tuple[Tensor, float]:
    """The mean of a sample (P,), and its standard error, by control variates.

    How often each trajectory is in a batch has a known mean. What of the gradients is
    linear in it, such as the whole of the plain estimate, is exact, and only the rest
    is estimated. In worlds with too many trajectories the plain estimate itself is the
    control, each of its components for that of the loss.

    Raises:
        FaultError: as `_by_plain`.
    """
    number, K, chance = len(batches.index), len(case.probability), batches.chance
    few = min(_MOST_COEFFICIENTS, number // _PER_COEFFICIENT) >= K
    by_control = _by_counts if few else _by_plain
    mean = chance @ found
    left = found - mean
    explained, moved, lacking = by_control(left, batches, case)
    left -= explained
    square = float(chance**2 @ (left**2).sum(dim=1))
    square *= number / max(1, number - 1 - (K if few else 1))
    return mean - moved, math.hypot(math.sqrt(square), lacking)


def _by_counts(
    centred: Tensor, batches: Batches, case: Case
) -> tuple[Tensor, Tensor, float]:
    """What the numbers of each trajectory explain of gradients (B, P) without mean.

    Returns:
        That part of each gradient; by how much it moves the mean of the sample; and 0.
    """
    number, N = batches.index.shape
    chance = batches.chance
    ones = torch.ones(number, N, dtype=torch.float64)
    control = torch.zeros(number, len(case.probability), dtype=torch.float64)
    control.scatter_add_(1, batches.index, ones)
    shift = chance @ control - N * case.probability
    control -= chance @ control
    weighted = chance[:, None] * control
    inverse = torch.linalg.pinv(weighted.T @ control, hermitian=True)
    slopes = inverse @ (weighted.T @ centred)
    return control @ slopes, shift @ slopes, 0.0


def _by_plain(
    centred: Tensor, batches: Batches, case: Case
) -> tuple[Tensor, Tensor, float]:
    """What the plain estimate explains; as `_by_counts`, and what is lacking.

    Where the plain estimate is farther from the gradient of J than chance explains,
    rare trajectories are lacking, and the error may be as large.

    Raises:
        FaultError: what is lacking is more than the error of all that is there.
    """
    chance = batches.chance
    control = _mean_of(case.plain - case.of_J, batches)
    shift = chance @ control
    control -= shift
    squares = chance[:, None] * control**2
    slopes = (chance @ (control * centred)) / squares.sum(dim=0)
    # A slope that one batch decides on would hide how far that batch is off.
    many = squares.amax(dim=0) < squares.sum(dim=0) / 2
    slopes = slopes.where(many, 0)
    squares = chance @ squares
    lacking = shift.where(shift**2 > CERTAIN**2 * squares, 0)
    if lacking.norm() > CERTAIN * squares.sum().sqrt():
        raise FaultError(
            "The world has too many trajectories to be listed, and those that were "
            "drawn lack rare ones that the gradient of J depends on.",
            undecided=True,
        )
    lacking *= 1 + slopes.abs()
    return control * slopes, shift * slopes, float(lacking.norm())


def _mean_of(rows: Tensor, batches: Batches) -> Tensor:
    """The means (B, P) over each batch, of rows (K, P) for single trajectories."""
    columns = batches.index.T
    total = rows[columns[0]]
    for column in columns[1:]:
        total += rows[column]
    return total / len(columns)
