"""A loss on trajectories of another policy: what does it do with the ratio?"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import torch
from torch import Tensor
from torch.func import vmap

from pg_helpers.clinic.answers import SHARE, answers, ask
from pg_helpers.clinic.batches import sampled_batches
from pg_helpers.clinic.case import Case, cosine
from pg_helpers.clinic.causes import Cause, sample_of
from pg_helpers.clinic.measure import Asker
from pg_helpers.clinic.recipes import PLACES
from pg_helpers.returns import total_return
from pg_helpers.rollout import Trajectories

# The other policy is so far away that ratios lie beyond the usual bounds: 0.7, 1.3, 3.
_LOW, _HIGH, _BEYOND = 0.65, 1.35, 3.3
_STEPS, _TRIED = (0.5, 1.0, 1.5, 2.0), 50
_NEARER = (0.1, 0.2, 0.3, 0.3, 0.4, 0.5)
# Of each of them as many batches are compared.
_COMPARED = 200
# Below and above 1, as libraries have them.
_BOUNDS = [(eps, eps) for eps in (0.2, 0.1, 0.3, 0.15, 0.25)] + [(0.2, 0.28)]
# A bound is tried with ratios so near to it, on both sides.
_NEAR = 0.01
# A form fits when no more than this share of the gradients is left.
_FITS = 1e-5


@dataclass(frozen=True)
class OffPolicy:
    """A loss with old log-probabilities, on trajectories of another policy.

    Attributes:
        form: what it does with the ratio, in words; empty where that is not known.
        fault: whether the form is a known mistake.
        ratios: the smallest and the largest ratio that occurred.
        relative_error: of the mean gradient, against that of the surrogate, the sum
            over steps of ratio times weight, without clipping.
        cosine: of the angle between both.
        surrogate_error: how far the surrogate's gradient is from that of J, relative.
        clipped: share of steps on which clipping at 0.2 acts.
    """

    form: str
    fault: bool
    ratios: tuple[float, float]
    relative_error: float
    cosine: float
    surrogate_error: float
    clipped: float

    def __str__(self) -> str:
        """One sentence."""
        low, high = self.ratios
        error = self.relative_error if self.relative_error > 1e-9 else 0.0
        return (
            f"Off-policy, with ratios from {low:.2g} to {high:.2g}: "
            f"{self.form or 'what it does with the ratio is not recognised'}; its mean "
            f"is {100 * error:.3g} % off the gradient of the surrogate "
            f"without clipping (cosine {self.cosine:.4f}). Clipping at 0.2 acts on "
            f"{100 * self.clipped:.0f} % of the steps."
        )


Factor = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class _Form:
    """What the score of a step is multiplied with, beside its weight.

    Attributes:
        words: for a sentence.
        fault: whether it is a mistake.
        factor: from ratio, weight and mask, each (B, N, T).
        bounds: of the ratio, by what `factor` calls them.
    """

    words: str
    fault: bool
    factor: Factor
    bounds: dict[str, float] = field(default_factory=dict)


def _ratio(ratio: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    return ratio


def _ppo(
    ratio: Tensor,
    weight: Tensor,
    mask: Tensor,
    low: float,
    high: float,
    beyond: float = math.inf,
) -> Tensor:
    """The minimum of both products: nothing where the ratio has gone far enough."""
    far = (weight > 0) & (ratio > high) | (weight < 0) & (ratio < low)
    return torch.where(far | (weight < 0) & (ratio > beyond), 0, ratio)


_DUAL = partial(_ppo, beyond=3.0)


def _maximum(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    far = (weight > 0) & (ratio < low) | (weight < 0) & (ratio > high)
    return torch.where(far, 0, ratio)


def _clipped(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return torch.where((ratio < low) | (ratio > high), 0, ratio)


def _above(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return torch.where((weight > 0) & (ratio > high), 0, ratio)


def _cispo(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return ratio.clamp(low, high)


def _inverted(ratio: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    return 1 / ratio  # the sign was seen before


def _whole(ratio: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    log = (ratio.log() * mask).sum(-1, keepdim=True)
    return log.exp().expand_as(ratio)


def _forms() -> list[_Form]:
    found = [
        _Form("it is the surrogate without clipping", False, _ratio),
        _Form("it has the ratio of the whole trajectory", False, _whole),
        _Form(
            "nothing corrects for the old policy, whose log-probabilities make no "
            "difference",
            True,
            lambda ratio, weight, mask: torch.ones_like(ratio),
        ),
        _Form("the ratio is upside down, old by new", True, _inverted),
    ]
    clipped: list[tuple[str, bool, Callable[..., Tensor]]] = [
        ("it is the surrogate of PPO, clipped at {}", False, _ppo),
        ("it is PPO's, clipped at {}, and dual-clipped at 3", False, _DUAL),
        ("the ratio, clipped at {}, is only a weight, as in CISPO", False, _cispo),
        (
            "the maximum stands where PPO has the minimum (clipped at {})",
            True,
            _maximum,
        ),
        (
            "the ratio is clipped at {}, or steps beyond are masked, but PPO's minimum "
            "is missing",
            True,
            _clipped,
        ),
        ("the ratio is clipped above only, at {}", True, _above),
    ]
    for (low, high), (words, fault, factor) in product(_BOUNDS, clipped):
        bounds = f"{1 - low:g} and {1 + high:g}"
        if factor is _above:
            bounds = f"{1 + high:g}"
        limits = {"low": 1 - low, "high": 1 + high}
        form = _Form(words.format(bounds), fault, partial(factor, **limits), limits)
        if form.words not in (other.words for other in found):
            found.append(form)
    return found


def off_policy(asker: Asker, N: int, seed: int, cause: Cause | None) -> OffPolicy:
    """Ask a loss about batches that another policy has sampled.

    Args:
        asker: with a loss that takes old log-probabilities.
        N: trajectories in a batch.
        seed: of the other policy, and of a sample of batches.
        cause: as what it was recognised on its own policy's trajectories.

    Raises:
        FaultError: as `Asker`.
    """
    case, *others = _elsewhere(asker.case, seed)
    asked = answers(Asker(asker.loss, case), N, seed, share=SHARE)
    index, chance = asked.batches.index, asked.batches.chance
    sample, ratio = sample_of(case, index), _ratios(case, index)
    forms: list[_Form] = []
    if cause is not None and cause.recipe.place is PLACES[0]:

        def fitting(forms: list[_Form], other: Case) -> list[_Form]:
            """Those with the gradients of the loss on trajectories of this case."""
            some = sampled_batches(other.law, N, _COMPARED, seed).index
            found = ask(Asker(asker.loss, other), some)
            sample, ratio = sample_of(other, some), _ratios(other, some)
            weight = cause.factor * cause.recipe.weights(sample)
            # A flipped sign counts as one of the whole loss, not of the weights.
            own = -weight if cause.factor < 0 else weight

            def left(form: _Form) -> Tensor:
                factor = form.factor(ratio, own, sample.mask)
                table = cause.recipe.table(sample, weight * factor)
                return (found - table @ other.scores).norm()

            return [form for form in forms if left(form) <= _FITS * found.norm()]

        forms = _forms()
        for other in (case, *others):
            forms = fitting(forms, other)
        near = {bound for form in forms for bound in form.bounds.values()}
        for bound, side in product(sorted(near), (-_NEAR, _NEAR)):
            forms = fitting(forms, _with_ratio(asker.case, bound + side))
    # Where the ratios do not tell several apart, nobody is accused.
    forms = sorted(forms, key=lambda form: form.fault)
    words = "; or ".join(form.words for form in forms)
    weight = sample.rewards.new_zeros(sample.rewards.shape)
    weight += total_return(sample.rewards, case.gamma)[..., None]
    if "advantages" in asker.loss.asks:
        given = case.given(frozenset({"advantages"}), index, case.horizon)
        if not given:
            parts = vars(case.batch(index, case.horizon))
            given["advantages"] = vmap(
                lambda parts: case.advantages(Trajectories(**parts))
            )(parts)
        weight = given["advantages"].double().cpu()
    table = PLACES[0].apply(sample, weight * ratio * sample.mask / N)
    surrogate = chance @ table @ case.scores
    taken = sample.mask > 0
    acts = (_ppo(ratio, weight, sample.mask, 0.8, 1.2) == 0) & taken
    of = [(chance @ part.double().sum((1, 2))) for part in (acts, taken)]
    length = surrogate.norm()
    return OffPolicy(
        form=words,
        fault=bool(forms) and all(form.fault for form in forms),
        ratios=(float(ratio[taken].min()), float(ratio[taken].max())),
        relative_error=float((asked.expected - surrogate).norm() / length),
        cosine=cosine(asked.expected, surrogate),
        surrogate_error=float((surrogate - case.truth).norm() / case.truth.norm()),
        clipped=float(of[0] / of[1]),
    )


def _ratios(case: Case, index: Tensor) -> Tensor:
    """New by old probability of each step, float64 (B, N, T)."""
    assert case.old_log_pi is not None
    ratio = (case.pi.log() - case.old_log_pi.double().cpu()).exp()
    return ratio.flatten()[case.pairs(index, case.horizon)]


def _elsewhere(case: Case, seed: int) -> list[Case]:
    """The same case, sampled by policies whose logits are moved at random.

    The first is beyond all bounds, for good weights and for bad, but no further than
    that takes. The others are nearer, to tell one bound from another.
    """
    generator = torch.Generator().manual_seed(seed)
    log_pi, mask = case.pi.log(), case.every.mask.cpu()
    pairs = case.pairs(torch.arange(len(case.states)), case.horizon)
    returns = total_return(case.every.rewards.cpu().double(), case.gamma)[:, None]
    good, bad = returns > 0, returns < 0
    found, least = log_pi, (math.inf, math.inf)

    def moved(step: float) -> Tensor:
        move = torch.randn(log_pi.shape, generator=generator, dtype=torch.float64)
        return (log_pi + step * move).log_softmax(dim=1)

    for _, step in product(range(_TRIED), _STEPS):
        old = moved(step)
        ratio = (log_pi - old).flatten()[pairs].exp().where(mask, 1)
        low, high, beyond = ratio < _LOW, ratio > _HIGH, ratio > _BEYOND
        wanted = low, beyond, low & good, high & good, low & bad, beyond & bad
        missing = sum(not part.any() for part in wanted)
        if (missing, float(ratio.max())) < least:
            found, least = old, (missing, float(ratio.max()))
    return [_sampled_by(case, old) for old in (found, *map(moved, _NEARER))]


def _with_ratio(case: Case, ratio: float) -> Case:
    """The case sampled by a policy with this ratio for one action of each state.

    It is the likeliest action that allows it, so that the others' shares stay.
    """
    pi = case.pi
    allowed = torch.where(pi / ratio < 1, pi, 0)
    action = allowed.argmax(dim=1, keepdim=True)
    share = pi.gather(1, action)
    rest = (1 - share / ratio) / (1 - share).clamp(min=1e-300)
    old = (pi * rest).scatter(1, action, share / ratio)
    return _sampled_by(case, old.clamp(min=1e-300).log())


def _sampled_by(case: Case, old: Tensor) -> Case:
    """The same case, sampled by a policy with these log-probabilities (S, A)."""
    other, mask = copy.copy(case), case.every.mask.cpu()
    pairs = case.pairs(torch.arange(len(case.states)), case.horizon)
    change = (old - case.pi.log()).flatten()[pairs].where(mask, 0).sum(dim=1)
    other.old_log_pi = old.to(case.log_pi)
    other.probability = case.probability * change.exp()
    return other
