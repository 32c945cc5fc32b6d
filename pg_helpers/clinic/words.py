"""The verdict: what the numbers say, in plain sentences."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Findings(NamedTuple):
    """What the verdict is made from; the names are those of `Diagnosis`."""

    relative_error: float
    cosine: float
    scale: float
    variance: float
    plain_variance: float
    standard_error: float
    unbiased: bool
    cause: str
    pushes: Tensor


def verdict(found: Findings, zero: bool, straight: bool, truth: str) -> str:
    """Say in a sentence or two what is right or wrong with a loss.

    Args:
        found: the numbers.
        zero: whether E[g] is zero, but for rounding or the noise of a sample.
        straight: whether E[g] lies along grad J, in the same sense.
        truth: what the loss is held against, such as "the gradient of J".
    """
    because = f" {_capital(found.cause)}." if found.cause else ""
    if found.unbiased:
        aside = f" What sets it apart: {found.cause}." if found.cause else ""
        mean = f"its mean is {truth}{_sure(found)}"
        return f"Unbiased: {mean}. {_noise(found)}{aside}"
    if zero and found.variance == 0:
        return (
            "Zero on every batch: nothing is learned. The usual ways there: a weight "
            "spread over all actions, whose probabilities sum to 1 whatever theta is; "
            "a return compared with itself alone."
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
        f"(cosine {found.cosine:.4f}). {_worst(found.pushes, truth)}.{because}"
    )


def _sure(found: Findings) -> str:
    if found.standard_error == 0:
        return ""
    return f", within {_percent(4 * found.standard_error)} as far as a sample tells"


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
