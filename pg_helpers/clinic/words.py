"""The verdict: what the numbers say, in plain sentences."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pg_helpers.clinic.diagnosis import CERTAIN, TO_LONGEST, Row


class Findings(NamedTuple):
    """What the verdict is made from; the names are those of `Diagnosis`."""

    relative_error: float
    cosine: float
    scale: float
    variance: float
    plain_variance: float
    standard_error: float
    answer: str
    cause: str
    pushes: Tensor


def verdict(
    found: Findings,
    zero: bool,
    straight: bool,
    truth: str,
    exact: float,
    here: str,
    tolerance: float,
    others: list[Row],
    failure: str,
    missed: int,
    off_fault: bool,
) -> str:
    """Say in a few sentences what is right or wrong with a loss.

    Args:
        found: the numbers.
        zero: whether E[g] is zero, but for rounding or the noise of a sample.
        straight: whether E[g] lies along grad J, in the same sense.
        truth: what the loss is held against, such as "the gradient of J".
        exact: a relative error that is rounding.
        here: the answer for batches that are padded to the horizon.
        tolerance: the relative error up to which a loss counts as unbiased.
        others: rows, of another padding or another N, that give another answer.
        failure: what is said of batches that are cut to their longest episode, where
            the loss cannot be asked about them.
        missed: how many trajectories are in no batch of a sample.
        off_fault: whether it is wrong on the trajectories of another policy.
    """
    doubt = CERTAIN * found.standard_error
    is_exact = found.relative_error + doubt <= exact
    right = "Unbiased" if found.answer == here else _ONLY
    if found.answer != here and off_fault:
        right = "On the trajectories of the policy itself it is unbiased"
    if is_exact and here == "cannot tell":
        said = (
            f"Cannot tell whether it is biased: the sample's mean is {truth}, but "
            f"{missed:,} trajectories are in none of its batches. Fewer trajectories "
            "in a batch decide it."
        )
    elif is_exact:
        aside = f" What sets it apart: {found.cause}." if found.cause else ""
        said = f"{right}: its mean is {truth}. {_noise(found)}{aside}"
    elif here != "biased" and found.standard_error > 0:
        mean = f"the sample's mean is {_percent(found.relative_error)} off {truth}"
        said = f"{mean}, give or take {_percent(doubt)}"
        if here == "unbiased":
            said = f"{right} to within {_percent(tolerance)}: {said}."
        else:
            said = (
                f"Cannot tell whether it is biased: {said}. A tolerance above "
                f"{_percent(found.relative_error + doubt)}, or fewer trajectories in a "
                "batch, decide it."
            )
    else:
        said = _direction(found, zero, straight, truth)
        if here == "unbiased":
            said = f"{right} to within {_percent(tolerance)}. {said}"
    said = " ".join([said, *(_other(row, is_exact, exact) for row in others)])
    return f"{said} {_capital(_CUT)}: {failure}" if failure else said


_ONLY = "Padded to the horizon it is unbiased"
_CUT = "padded to the longest episode of each batch, as in training"


def _other(row: Row, elsewhere: bool, exact: float) -> str:
    """What another padding, or another N, changes."""
    off = f"it is off by {_percent(row.relative_error)} (cosine {row.cosine:.4f})"
    if row.relative_error <= exact:
        off = "it is unbiased"
    where = f"with N = {row.num_trajectories}"
    if row.padding == TO_LONGEST:
        where = f"{_CUT},"
    return f"{'But ' + where if elsewhere else _capital(where)} {off}."


def _direction(found: Findings, zero: bool, straight: bool, truth: str) -> str:
    because = f" {_capital(found.cause)}." if found.cause else ""
    if zero and found.variance == 0:
        return (
            "Zero on every batch: nothing is learned. The usual ways there: a weight "
            "spread over all actions, whose probabilities sum to 1 whatever theta is; "
            "a return compared with itself alone; a ratio of log-probabilities to "
            "themselves, without detach(); advantages (N, T) where the loss expects "
            "(N,), as form='sequence' gives them."
        )
    if zero:
        return f"Zero on average{_sure(found)}: it only adds noise.{because}"
    if straight and found.scale > 0:
        return f"Straight uphill, but {_length(found.scale)}{_sure(found)}.{because}"
    if straight:
        length = -found.scale
        wrong = "" if abs(length - 1) < 1e-6 else f", and {_length(length)}"
        return f"Straight downhill{wrong}{_sure(found)}.{because}"
    way = "Uphill" if found.cosine > 0 else "Downhill"
    return (
        f"{way}, but not {truth}: off by {_percent(found.relative_error)} "
        f"(cosine {found.cosine:.4f}){_sure(found)}. {_worst(found.pushes, truth)}."
        f"{because}"
    )


def _sure(found: Findings) -> str:
    if found.standard_error == 0:
        return ""
    doubt = _percent(CERTAIN * found.standard_error)
    return f", within {doubt} as far as a sample tells"


def _noise(found: Findings) -> str:
    if found.plain_variance <= 0 and found.variance <= 0:
        return "No noise here at all."
    if found.variance <= 1e-12 * found.plain_variance:
        return "No variance is left."
    if found.plain_variance <= 1e-12 * found.variance:
        return "Noisy, where the plain estimator has no noise."
    ratio = found.plain_variance / found.variance
    if abs(ratio - 1) < 1e-6:
        return "As noisy as the plain estimator."
    if 0.995 < ratio < 1.005:
        return "Nearly as noisy as the plain estimator."
    if ratio > 1:
        return f"Variance {ratio:.3g} times lower than that of the plain estimator."
    return f"Variance {1 / ratio:.3g} times higher than that of the plain estimator."


def _length(scale: float) -> str:
    if 2 / 3 < scale < 1.5:
        return f"{_percent(abs(scale - 1))} too {'short' if scale < 1 else 'long'}"
    if scale < 1:
        return f"{1 / scale:.3g} times too short"
    return f"{scale:.3g} times too long"


def _worst(pushes: Tensor, truth: str) -> str:
    """The state where the loss differs most: first of all where it turns around."""
    of_loss, of_j = pushes
    differs = (of_loss - of_j).abs().sum(dim=1)
    turned = of_loss.argmax(dim=1) != of_j.argmax(dim=1)
    state = int((differs * turned if turned.any() else differs).argmax())
    toward, rather = int(of_loss[state].argmax()), int(of_j[state].argmax())
    where = f"In state {state} it pushes probability toward action {toward}"
    if not of_loss[state].any():
        return f"In state {state} it does nothing"
    if toward != rather:
        return f"{where}, where {truth} pushes toward action {rather}"
    weak = of_loss[state, toward] < of_j[state, toward]
    return f"{where} too {'weakly' if weak else 'strongly'}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
