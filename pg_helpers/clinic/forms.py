"""What losses do with the ratio of new to old probabilities, rightly or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import torch
from torch import Tensor

from pg_helpers.require import check_positive, require

# Bounds below and above 1, as libraries have them; those of GSPO are far nearer.
_BOUNDS = [(eps, eps) for eps in (0.2, 0.1, 0.3, 0.15, 0.25)] + [(0.2, 0.28)]
_NEAR_BOUNDS = [(3e-4, 4e-4), *_BOUNDS]


@dataclass(frozen=True)
class Form:
    """What the score of a step is multiplied with, beside its weight.

    Attributes:
        words: for a sentence.
        fault: whether it is a mistake.
        factor: from ratio, weight and mask, each (B, N, T).
        bounds: of the ratio, by what `factor` calls them.
    """

    words: str
    fault: bool
    factor: Callable[..., Tensor]
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


def _below(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return torch.where((weight < 0) & (ratio < low), 0, ratio)


def _cispo(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return ratio.clamp(low, high)


def _inverted(ratio: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    return 1 / ratio  # the sign was seen before


def _inverted_ppo(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float, high: float
) -> Tensor:
    return _ppo(1 / ratio, weight, mask, low, high)  # the sign was seen before


def _whole(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float = 0, high: float = math.inf
) -> Tensor:
    log = (ratio.log() * mask).sum(-1, keepdim=True)
    return _ppo(log.exp().expand_as(ratio), weight, mask, low, high)


def _gspo(
    ratio: Tensor, weight: Tensor, mask: Tensor, low: float = 0, high: float = math.inf
) -> Tensor:
    """The same ratio for each step: the geometric mean of its trajectory's."""
    length = mask.sum(-1, keepdim=True).clamp(min=1)
    log = (ratio.log() * mask).sum(-1, keepdim=True) / length
    return _ppo(log.exp().expand_as(ratio), weight, mask, low, high)


surrogate = Form("the surrogate without clipping", False, _ratio)


def _bounded(
    words: str, fault: bool, factor: Callable[..., Tensor], low: float, high: float
) -> Form:
    limits = {"low": 1 - low, "high": 1 + high}
    bounds = f"{limits['low']:g} and {limits['high']:g}"
    if factor in (_above, _below):
        bounds = f"{limits['high' if factor is _above else 'low']:g}"
    return Form(words.format(bounds), fault, partial(factor, **limits), limits)


_PPO = "the surrogate of PPO, clipped at {}"
_CISPO = "the ratio, clipped at {}, as a mere weight, as in CISPO"
_GSPO = "the surrogate of GSPO, one ratio per trajectory, clipped at {}"


def ppo_clip(eps: float = 0.2, eps_high: float | None = None) -> Form:
    """The clipped surrogate of PPO, min(rho A, clip(rho, 1 - eps, 1 + eps) A).

    A target for `examine`, where the ratio rho of each step is not 1. Without clipping
    it is `surrogate`. Source: Schulman and others, arXiv:1707.06347.

    Args:
        eps: how far the ratio may be below 1, and above.
        eps_high: how far above, if that is another number (DAPO's "clip higher").

    Raises:
        TypeError, ValueError: a bound is not a positive number.
    """
    return _bounded(_PPO, False, _ppo, *_checked(eps, eps_high))


def dual_clip(eps: float = 0.2, c: float = 3.0) -> Form:
    """PPO's clipped surrogate, at least c A where the advantage is negative.

    Source: Ye and others, arXiv:1912.09729.

    Args:
        eps: as for `ppo_clip`.
        c: ratio from which a negative advantage does nothing, above 1.

    Raises:
        TypeError, ValueError: a number is not positive, or c not above 1.
    """
    c = check_positive("c", c)
    require(c > 1, "c", "a number above 1", c)
    return _dual(*_checked(eps, None), c)


def _dual(low: float, high: float, c: float = 3.0) -> Form:
    found = _bounded(f"{_PPO}, and dual-clipped at {c:g}", False, _ppo, low, high)
    limits = {**found.bounds, "beyond": c}
    return Form(found.words, False, partial(found.factor, beyond=c), limits)


def cispo(eps: float = 0.2, eps_high: float | None = None) -> Form:
    """The clipped ratio as a weight without a graph, times ln pi: no step is lost.

    Source: MiniMax, arXiv:2506.13585.

    Args:
        eps: as for `ppo_clip`.
        eps_high: as for `ppo_clip`.

    Raises:
        TypeError, ValueError: a bound is not a positive number.
    """
    return _bounded(_CISPO, False, _cispo, *_checked(eps, eps_high))


def gspo(eps: float = 3e-4, eps_high: float | None = 4e-4) -> Form:
    """PPO's surrogate with the geometric mean of a trajectory's ratios for each step.

    Source: Zheng and others, arXiv:2507.18071.

    Args:
        eps: as for `ppo_clip`.
        eps_high: as for `ppo_clip`.

    Raises:
        TypeError, ValueError: a bound is not a positive number.
    """
    return _bounded(_GSPO, False, _gspo, *_checked(eps, eps_high))


def _checked(eps: float, eps_high: float | None) -> tuple[float, float]:
    low = check_positive("eps", eps)
    return low, low if eps_high is None else check_positive("eps_high", eps_high)


@cache
def all_forms() -> tuple[Form, ...]:
    """Those that a loss is compared with."""
    found = [
        surrogate,
        Form("the ratio of the whole trajectory", False, _whole),
        Form("the geometric mean of a trajectory's ratios", False, _gspo),
        Form(
            "nothing corrects for the old policy, whose log-probabilities make no "
            "difference",
            True,
            lambda ratio, weight, mask: torch.ones_like(ratio),
        ),
        Form("the ratio is upside down, old by new", True, _inverted),
    ]
    clipped: list[tuple[str, bool, Callable[..., Tensor]]] = [
        (_PPO, False, _ppo),
        (_CISPO, False, _cispo),
        (
            "the maximum is taken where PPO takes the minimum (clipped at {})",
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
        ("the ratio is clipped below only, at {}", True, _below),
        (
            "the ratio is upside down, old by new, and clipped at {}",
            True,
            _inverted_ppo,
        ),
        ("the ratio of the whole trajectory, clipped at {}", False, _whole),
    ]
    for bounds in _BOUNDS:
        found.append(_dual(*bounds))
        found += [_bounded(*kind, *bounds) for kind in clipped]
    found += [_bounded(_GSPO, False, _gspo, *bounds) for bounds in _NEAR_BOUNDS]
    return tuple({form.words: form for form in found}.values())
