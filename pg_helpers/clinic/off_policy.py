"""A loss on trajectories of another policy: what does it do with the ratio?"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.func import vmap

from pg_helpers.clinic.answers import SHARE, answers, ask, in_order
from pg_helpers.clinic.batches import sampled_batches
from pg_helpers.clinic.case import Case, cosine
from pg_helpers.clinic.causes import Cause, sample_of
from pg_helpers.clinic.diagnosis import CERTAIN
from pg_helpers.clinic.forms import Form, all_forms, ppo_clip, surrogate
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
        target: what its mean gradient is held against, in words.
        relative_error: of its mean gradient against that of the target.
        cosine: of the angle between both.
        standard_error: of relative_error, where batches were sampled.
        closest: which of the known surrogates has the mean gradient with the closest
            direction.
        closest_error: how far it is from that, relative.
        closest_cosine: of the angle between both.
        surrogate_error: how far the gradient of the surrogate without clipping, the sum
            over steps of ratio times weight, is from that of J, relative.
        clipped: share of steps on which clipping at 0.2 acts.
        wanted: whether the target was asked for, so that missing it is a bias.
        guessed: whether its weights are not known, and R(tau) is taken for them, so
            that missing the target proves nothing.
    """

    form: str
    fault: bool
    ratios: tuple[float, float]
    target: str
    relative_error: float
    cosine: float
    standard_error: float
    closest: str
    closest_error: float
    closest_cosine: float
    surrogate_error: float
    clipped: float
    wanted: bool
    guessed: bool

    def answer(self, tolerance: float, up_to_scale: bool = False) -> str:
        """The answer: a known mistake, or off the target that was asked for."""
        error = self.relative_error
        if up_to_scale:
            error = math.sqrt(max(0.0, 1 - self.cosine**2)) if self.cosine > 0 else 1.0
        doubt = CERTAIN * self.standard_error
        sure_miss = self.wanted and not self.guessed and error - doubt > tolerance
        if self.fault or sure_miss:
            return "biased"
        sure = not self.wanted or error + doubt <= tolerance
        return "unbiased" if sure else "cannot tell"

    def __str__(self) -> str:
        """A few sentences."""
        low, high = self.ratios
        form = self.form or "what it does with the ratio is not recognised"
        said = (
            f"Off-policy, with ratios from {low:.2g} to {high:.2g}: {form}. "
            f"{_mean(self.relative_error, self.cosine, self.target)}. Clipping at 0.2 "
            f"acts on {100 * self.clipped:.0f} % of the steps."
        )
        if self.wanted and self.guessed:
            said += (
                " The loss's own weights are not known, and R(tau) was taken for them: "
                "let it ask for advantages, and hand them to examine."
            )
        if self.closest != self.target and (self.fault or not self.form):
            said += (
                f" The closest in direction is {self.closest}, with an error of "
                f"{100 * self.closest_error:.3g} % (cosine {self.closest_cosine:.4f})."
            )
        return said


def _mean(error: float, cosine: float, target: str) -> str:
    if error <= 1e-9:
        return f"Its mean gradient is that of {target}"
    off = f"{100 * error:.3g} % off that of {target} (cosine {cosine:.4f})"
    return f"Its mean gradient is {off}"


def off_policy(
    asker: Asker,
    N: int,
    seed: int,
    cause: Cause | None,
    target: Form | None,
    behaviour: Tensor | None,
) -> OffPolicy:
    """Ask a loss about batches that another policy has sampled.

    Args:
        asker: with a loss that takes old log-probabilities.
        N: trajectories in a batch.
        seed: of the other policy, and of a sample of batches.
        cause: as what it was recognised on its own policy's trajectories.
        target: what it is to be; the surrogate without clipping where none is given.
        behaviour: log-probabilities (S, A) of the other policy; at random by default.

    Raises:
        FaultError: as `Asker`.
    """
    case, *others = _elsewhere(asker.case, seed)
    if behaviour is not None:
        others.insert(0, case)
        case = _sampled_by(asker.case, behaviour.double().cpu())
    asked = answers(Asker(asker.loss, case), N, seed, share=SHARE)
    index, chance = asked.batches.index, asked.batches.chance
    sample, ratio = sample_of(case, index), _ratios(case, index)
    forms: list[Form] = []
    if cause is not None and cause.recipe.place is PLACES[0]:
        recipe, factor = cause.recipe, cause.factor

        def fitting(forms: list[Form], other: Case) -> list[Form]:
            """Those with the gradients of the loss on trajectories of this case."""
            some = sampled_batches(other.law, N, _COMPARED, seed).index
            # Many of them have the same lengths then, and are mapped together.
            some = in_order(some, other.law, other.lengths[some])
            found = ask(Asker(asker.loss, other), some)
            sample, ratio = sample_of(other, some), _ratios(other, some)
            weight = factor * recipe.weights(sample)
            # A flipped sign counts as one of the whole loss, not of the weights.
            own = -weight if factor < 0 else weight

            def left(form: Form) -> Tensor:
                times = form.factor(ratio, own, sample.mask)
                table = recipe.table(sample, weight * times)
                return (found - table @ other.scores).norm()

            return [form for form in forms if left(form) <= _FITS * found.norm()]

        forms = list(all_forms())
        for other in (case, *others):
            forms = fitting(forms, other)
        near = {bound for form in forms for bound in form.bounds.values()}
        for bound, side in product(sorted(near), (-_NEAR, _NEAR)):
            # Where several bounds are near 1, they are told apart from one another.
            there = bound + side * min(1, 10 * abs(bound - 1))
            forms = fitting(forms, _with_ratio(asker.case, there))
    # Where the ratios do not tell several apart, nobody is accused.
    forms = sorted(forms, key=lambda form: form.fault)
    words = "; or ".join(form.words for form in forms)
    # A loss that is known has weights and a mean of its own.
    own = cause.recipe if cause and cause.alone else None
    own = own if own and own.place is PLACES[0] else None
    if cause is not None and own is not None:
        weight, known = abs(cause.factor) * own.weights(sample), True
    else:
        weight, known = _weights(asker, case, index, seed)
    taken = sample.mask > 0

    def table(form: Form) -> Tensor:
        """What d ln pi(a|s) is multiplied with by a right loss of this form."""
        times = weight * form.factor(ratio, weight, sample.mask)
        if own is not None:
            return own.table(sample, times)
        return PLACES[0].apply(sample, times * sample.mask / N)

    def error(form: Form) -> tuple[float, float, float]:
        """Of the loss's mean gradient against that of a form, cosine, standard error.

        Both are taken on the same batches, whose noise so falls away.
        """
        by_form = table(form)
        mean = chance @ by_form @ case.scores
        length = mean.norm() if mean.any() else case.truth.norm()
        if not asked.batches.sampled:
            off, doubt = asked.expected - mean, 0.0
        else:
            rows = asked.found - by_form @ case.scores
            off = chance @ rows
            square = (chance**2 @ ((rows - off) ** 2).sum(dim=1)).sqrt()
            doubt = float(square / length)
        return float(off.norm() / length), cosine(mean + off, mean), doubt

    against = surrogate if target is None else target
    relative_error, angle, doubt = error(against)
    right = {form.words: form for form in all_forms() if not form.fault}
    measured = {name: error(form) for name, form in right.items()}
    closest = max(measured, key=lambda name: measured[name][1])
    plain = chance @ table(surrogate) @ case.scores
    acts = (ppo_clip().factor(ratio, weight, sample.mask) == 0) & taken
    of = [(chance @ part.double().sum((1, 2))) for part in (acts, taken)]
    return OffPolicy(
        form=words,
        fault=bool(forms) and all(form.fault for form in forms),
        ratios=(float(ratio[taken].min()), float(ratio[taken].max())),
        target=against.words,
        relative_error=relative_error,
        cosine=angle,
        standard_error=doubt,
        closest=closest,
        closest_error=measured[closest][0],
        closest_cosine=measured[closest][1],
        surrogate_error=float((plain - case.truth).norm() / case.truth.norm()),
        clipped=float(of[0] / of[1]),
        wanted=target is not None,
        guessed=not known,
    )


def _weights(asker: Asker, case: Case, index: Tensor, seed: int) -> tuple[Tensor, bool]:
    """The weights (B, N, T) of a target for a loss that is not recognised.

    They are the advantages that it is given, or R(tau); and whether they are known to
    be its own: on trajectories of its own policy it is the plain loss with these.
    """

    def given(index: Tensor) -> Tensor:
        if "advantages" not in asker.loss.asks:
            rewards = case.every.rewards.cpu().double()
            returns = total_return(rewards, case.gamma)[index]
            return returns[..., None].expand(*index.shape, case.horizon)
        found = case.given(frozenset({"advantages"}), index, case.horizon)
        if not found:
            batch = case.batch(index, case.horizon)
            try:
                own = vmap(lambda parts: case.advantages(Trajectories(**parts)))
                found["advantages"] = own(vars(batch))
            except Exception:  # each thing that cannot be mapped has its own error
                every = [case.advantages(case.batch(i, case.horizon)) for i in index]
                found["advantages"] = torch.stack(every)
        return found["advantages"].double().cpu()

    N = index.shape[1]
    some = sampled_batches(asker.case.law, N, _COMPARED, seed).index
    found, sample = ask(asker, some), sample_of(asker.case, some)
    table = PLACES[0].apply(sample, given(some) * sample.mask / N)
    left = found - table @ asker.case.scores
    return given(index), bool(left.norm() <= _FITS * found.norm())


def _ratios(case: Case, index: Tensor) -> Tensor:
    """New by old probability of each step, float64 (B, N, T)."""
    assert case.old_log_pi is not None
    ratio = (case.pi.log() - case.old_log_pi.double().cpu()).exp()
    taken = case.every.mask.cpu()[index]
    return ratio.flatten()[case.pairs(index, case.horizon)].where(taken, 1.0)


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
