"""What losses are made of: a weight, a centring, a place, a mask and a mean.

Each ingredient is right or has a fault that is put into words. Together they say what
the score of each step of a batch is multiplied with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from pg_helpers.returns import rewards_to_go, total_return


@dataclass(frozen=True)
class Sample:
    """Batches of N trajectories, as the ingredients need them.

    Attributes:
        rewards: float64 (B, N, T), zero where padded.
        mask: float64 (B, N, T), 1 where a step was taken.
        pairs: int64 (B, N, T), state * A + action of each step.
        best: int64 (B, N, T), the same with the most likely action.
        pi: float64 (S, A), the policy.
        values: float64 (B, N, T), the true V of the state before each step.
        log_ratio: float64 (B, N, T), ln pi(a|s) - ln ref(a|s), zero where padded.
        gamma: discount, in [0, 1].
        known: weights that were computed, by what they are made of.
    """

    rewards: Tensor
    mask: Tensor
    pairs: Tensor
    best: Tensor
    pi: Tensor
    values: Tensor
    log_ratio: Tensor
    gamma: float
    known: dict[Any, Tensor] = field(default_factory=dict, compare=False)

    def powers(self, gamma: float) -> Tensor:
        """gamma^t, (T,)."""
        return gamma ** torch.arange(self.rewards.shape[-1], dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Ingredient:
    """One choice in a recipe.

    Attributes:
        fault: what is wrong with it, in words; empty where nothing is.
        apply: what it does; each kind has arguments of its own.
        variants: the same with other constants, which losses choose differently.
        mean: of weights, options of `Case.estimator_mean` for what a loss with them has
            as its mean, and nothing else at fault; None where that is not known.
    """

    fault: str
    apply: Callable[..., Tensor]
    variants: tuple[Callable[..., Tensor], ...] = ()
    mean: dict[str, Any] | None = None


# Weights: from a sample to (B, N, T), or to (B, N, 1) for all steps alike.


def _total(sample: Sample, gamma: float | None = None) -> Tensor:
    gamma = sample.gamma if gamma is None else gamma
    return total_return(sample.rewards, gamma)[..., None]


def _to_go(sample: Sample, gamma: float | None = None) -> Tensor:
    return rewards_to_go(sample.rewards, sample.gamma if gamma is None else gamma)


def _discounted_to_go(sample: Sample) -> Tensor:
    return sample.powers(sample.gamma) * _to_go(sample)


def _rewards(sample: Sample) -> Tensor:
    return sample.rewards


def _discounted(sample: Sample) -> Tensor:
    return sample.powers(sample.gamma) * sample.rewards


def _ones(sample: Sample) -> Tensor:
    return torch.ones_like(sample.rewards)


def _so_far(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    return weigh(sample).cumsum(-1)


def _added_up(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    return weigh(sample).sum(-1, keepdim=True)


def _from_next(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    """Each step has the weight of the next one."""
    return pad(weigh(sample)[..., 1:], (0, 1))


def _from_last(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    """Each step has the weight of the one before."""
    return pad(weigh(sample)[..., :-1], (1, 0))


def _without_last(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    """Weights of rewards of which the last of each episode is missing."""
    kept = sample.rewards * (sample.mask - _last(sample.mask))
    return weigh(replace(sample, rewards=kept, known={}))


def _last(mask: Tensor) -> Tensor:
    """1 at the last step of each episode."""
    return mask - pad(mask[..., 1:], (0, 1))


def _twice(weigh: Callable[[Sample], Tensor], sample: Sample) -> Tensor:
    """Weights of rewards that were discounted before."""
    return weigh(replace(sample, rewards=_discounted(sample), known={}))


def _without_last_row(
    weigh: Callable[[Sample], Tensor], sample: Sample, with_values: bool = False
) -> Tensor:
    """Sums that begin at t = T - 2: the last row of the batch adds nothing."""
    kept = pad(sample.rewards[..., :-1], (0, 1))
    if with_values:  # then r - V is 0 there
        kept[..., -1] = sample.values[..., -1]
    return weigh(replace(sample, rewards=kept, known={}))


def _from_start(
    weigh: Callable[[Sample], Tensor], sample: Sample, gamma: float | None = None
) -> Tensor:
    """Times gamma^t."""
    return sample.powers(sample.gamma if gamma is None else gamma) * weigh(sample)


def _gae(
    sample: Sample,
    lam: float = 0.95,
    gamma: float | None = None,
    flat: bool = False,
    value_ends: Callable[[Tensor], Tensor] = torch.clone,
    sum_ends: Callable[[Tensor], Tensor] = torch.clone,
) -> Tensor:
    """Generalised advantages with the true V, backward along each row of the batch.

    With `flat` they run through all trajectories, one after another. From the last
    steps of episodes (1 there) `value_ends` and `sum_ends` make where V of the next
    step, and the sum from it on, do not count.
    """
    gamma = sample.gamma if gamma is None else gamma
    parts = [sample.rewards, sample.values, _last(sample.mask)]
    if flat:
        taken = sample.mask.flatten(1)
        order = torch.sort(taken, descending=True, stable=True).indices
        parts[1] = parts[1] * sample.mask
        parts = [part.flatten(1).gather(1, order) for part in parts]
    rewards, values, ends = parts
    after = pad(values[..., 1:], (0, 1)) * (1 - value_ends(ends))
    steps = (rewards + gamma * after - values).unbind(-1)
    decays = (gamma * lam * (1 - sum_ends(ends))).unbind(-1)
    sums = [steps[-1]]
    for step, decay in zip(steps[-2::-1], decays[-2::-1], strict=True):
        sums.append(step + decay * sums[-1])
    found = torch.stack(sums[::-1], dim=-1)
    if flat:
        found = found.scatter(1, order, found).view_as(sample.mask)
    return found * sample.mask


def _endless(sample: Sample) -> Tensor:
    """Rewards-to-go that run on into the next trajectory of the batch."""
    plain = replace(sample, values=torch.zeros_like(sample.values), known={})
    return _gae(plain, lam=1.0, flat=True, sum_ends=torch.zeros_like)


def _with_or_without_gamma(
    words: str,
    weigh: Callable[..., Tensor],
    gamma: float | None = None,
    mean: dict[str, Any] | None = None,
) -> list[Ingredient]:
    dropped = f"{words}, and {DROPPED}" if words else DROPPED
    without = None if mean is None else mean | {"discounted": False}
    return [
        Ingredient(words, partial(_from_start, weigh, gamma=gamma), mean=mean),
        Ingredient(dropped, weigh, mean=without),
    ]


def _weights() -> list[Ingredient]:
    to_go, discounted_to_go = _to_go, _discounted_to_go
    next_on = "rewards come a step late: each action is credited from the next one on"
    last_too = (
        "rewards come a step early: each action is credited with the one before it "
        "too, the first with nothing"
    )
    added = "the returns of all steps are added up before they are multiplied"
    lost = "the last reward of each episode is lost"
    same = "only the reward of the same step is credited"
    past = "each action is credited with the rewards up to it, not from it on"
    wrong: list[tuple[str, Callable[..., Tensor]]] = [
        ("no reward is in it", _ones),
        *[
            ("the discount is applied twice", partial(_twice, weigh))
            for weigh in (_total, to_go, discounted_to_go)
        ],
        *[(same, weigh) for weigh in (_rewards, _discounted)],
        *[(past, partial(_so_far, weigh)) for weigh in (_rewards, _discounted)],
        *[
            (next_on, partial(_from_next, weigh))
            for weigh in (_rewards, to_go, discounted_to_go)
        ],
        *[
            (last_too, partial(_from_last, weigh))
            for weigh in (to_go, discounted_to_go)
        ],
        *[(added, partial(_added_up, weigh)) for weigh in (to_go, discounted_to_go)],
        *[
            (lost, partial(_without_last, weigh))
            for weigh in (_total, discounted_to_go)
        ],
        (f"{lost}, and {DROPPED}", partial(_without_last, to_go)),
    ]
    found = [
        Ingredient("", _total, mean={}),
        *_with_or_without_gamma("", to_go, mean={}),
        *[
            Ingredient(_NOT_DISCOUNTED, partial(weigh, gamma=1.0), mean={"gamma": 1.0})
            for weigh in (_total, to_go)
        ],
        *[Ingredient(*pair) for pair in wrong],
    ]
    for gamma in _OTHER_GAMMAS:
        name, mean = _OTHER_GAMMA.format(gamma), {"gamma": gamma}
        found.append(Ingredient(name, partial(_total, gamma=gamma), mean=mean))
        weigh = partial(to_go, gamma=gamma)
        found += _with_or_without_gamma(name, weigh, gamma, mean)
    return [
        *found,
        *_with_or_without_gamma(_ENDLESS, _endless),
        *_with_or_without_gamma(_LAST_ROW, partial(_without_last_row, to_go)),
    ]


def _late(ends: Tensor) -> Tensor:
    return pad(ends[..., :-1], (1, 0))


def _early(ends: Tensor) -> Tensor:
    return pad(ends[..., 1:], (0, 1))


def _gae_weights() -> list[Ingredient]:
    """Those of losses that are given the true V, or advantages made with it."""
    found = []
    for lam in (0.95, 1.0, 0.0, 0.9, 0.97, 0.99):
        mean = {"by_gae": True, "lam": lam}
        found += _with_or_without_gamma("", partial(_gae, lam=lam), mean=mean)
    for gamma in (1.0, *_OTHER_GAMMAS):
        words = _OTHER_GAMMA.format(gamma) if gamma < 1 else _NOT_DISCOUNTED
        mean = {"by_gae": True, "lam": 0.95, "gamma": gamma}
        found += _with_or_without_gamma(words, partial(_gae, gamma=gamma), gamma, mean)
    never = torch.zeros_like
    ends: list[tuple[str, Callable[..., Tensor], Callable[..., Tensor]]] = [
        ("`done` is read an index late in GAE", _late, _late),
        ("`done` is read an index early in GAE", _early, _early),
        (_ENDLESS, torch.clone, never),
        ("GAE goes on past the end of an episode, V and sum", never, never),
    ]
    for flat, (words, value_ends, sum_ends) in product((True, False), ends):
        weigh = partial(_gae, flat=flat, value_ends=value_ends, sum_ends=sum_ends)
        found += _with_or_without_gamma(words, weigh)
    last = partial(_without_last_row, _gae, with_values=True)
    return found + _with_or_without_gamma(_LAST_ROW, last)


DROPPED = "the factor gamma^t is dropped"
_NOT_DISCOUNTED = "the rewards are not discounted"
_OTHER_GAMMA = "the discount is {}, not the gamma that it was examined with"
_OTHER_GAMMAS = 0.9, 0.95, 0.98, 0.99, 0.995, 0.999
_ENDLESS = "the backward sum is never set to 0 at the end of an episode"
_LAST_ROW = "the backward sum leaves out the last row of the batch, t = T - 1"


# Centring: from weights (B, N, T or 1) and the mask to the same without a mean.

WITHOUT_MEAN = "the mean over {} is subtracted"
WITHOUT_OTHERS = "the mean of the other trajectories is subtracted"
WITHOUT_OTHERS_OF_GROUP = (
    "the mean of the other trajectories of the group is subtracted"
)


def _as_they_are(weights: Tensor, mask: Tensor) -> Tensor:
    return weights


def _without_mean(
    weights: Tensor,
    mask: Tensor,
    dim: tuple[int, ...],
    padded: bool = False,
    correction: int | None = None,
    outside: float = 1e-8,
    inside: float = 0.0,
) -> Tensor:
    """Subtract the mean over `dim`; with a correction, divide by the spread too.

    The variance is made larger by `inside`, the spread by `outside`.
    """
    if dim == (1,) and weights.shape[-1] == 1:
        mask = torch.ones_like(weights)
    if padded:
        mask = torch.ones_like(mask)
    number = mask.sum(dim, keepdim=True)
    mean = (weights * mask).sum(dim, keepdim=True) / number.clamp(min=1)
    centred = weights - mean
    if correction is None:
        return centred
    squares = (centred**2 * mask).sum(dim, keepdim=True)
    return centred / ((squares / (number - correction) + inside).sqrt() + outside)


def _without_others(weights: Tensor, mask: Tensor) -> Tensor:
    """Subtract from the weights of a trajectory the mean of the other ones'."""
    number = weights.shape[1]
    others = (weights.sum(1, keepdim=True) - weights) / max(number - 1, 1)
    return weights - others


def _of_all(weights: Tensor, mask: Tensor) -> Tensor:
    """Every trajectory has the mean of the weights of all."""
    return weights.mean(1, keepdim=True).expand_as(weights)


OF_ALL = Ingredient(
    "each return is multiplied with the actions of every trajectory, as where (N, 1) "
    "meets (N,)",
    _of_all,
)


def _of_neighbour(weights: Tensor, mask: Tensor, shift: int) -> Tensor:
    return weights.roll(shift, dims=1)


def _across(weights: Tensor, mask: Tensor) -> Tensor:
    """Step t has the weight of trajectory t; only where N = T does that make sense."""
    fits = weights.shape[-1] == 1 and mask.shape[1] == mask.shape[2]
    return weights.mT.expand_as(mask) if fits else torch.zeros_like(mask)


def _centrings() -> list[Ingredient]:
    found = [
        Ingredient("", _as_they_are),
        Ingredient(WITHOUT_OTHERS, _without_others),
        OF_ALL,
        *[
            Ingredient(
                "each trajectory is weighted with the return of its neighbour in the "
                "batch",
                partial(_of_neighbour, shift=shift),
            )
            for shift in (-1, 1)
        ],
        Ingredient(
            "step t is weighted with the return of trajectory t, as where (N, T) meets "
            "(N,) and N = T",
            _across,
        ),
    ]
    # With a single trajectory its episode is the batch, and is what should be named.
    for over, dim, padded in (
        ("the episode", (2,), False),
        ("the episode, padding included", (2,), True),
        ("the batch", (1,), False),
        ("all steps of the batch", (1, 2), False),
        ("all steps of the batch, padding included", (1, 2), True),
    ):
        centre = partial(_without_mean, dim=dim, padded=padded)
        comma = "," if padded else ""
        found.append(Ingredient(WITHOUT_MEAN.format(f"{over}{comma}"), centre))
        found += _whitenings(over, centre)
    return found


def _whitenings(over: str, centre: Callable[..., Tensor]) -> list[Ingredient]:
    found = []
    for correction in (1, 0):
        whiten = partial(centre, correction=correction)
        # The constants of the libraries: trl, stable-baselines3, verl.
        variants = [partial(whiten, outside=eps) for eps in (1e-4, 1e-5, 1e-6)]
        variants += [
            partial(whiten, outside=0, inside=eps) for eps in (1e-5, 1e-6, 1e-8)
        ]
        words = f"returns are whitened over {over}"
        found.append(Ingredient(words, whiten, tuple(variants)))
    return found


def _in_groups(
    weights: Tensor,
    mask: Tensor,
    size: int,
    centre: Callable[..., Tensor],
    **options: Any,
) -> Tensor:
    """The centring within each `size` trajectories that follow one another."""
    parts = (part.unflatten(1, (-1, size)).flatten(0, 1) for part in (weights, mask))
    return centre(*parts, **options).reshape(weights.shape)


def group_centrings(size: int) -> list[Ingredient]:
    """Those over each group of a batch, where it has several of this size."""
    within = partial(_in_groups, size=size)
    others = partial(within, centre=_without_others)
    found = [Ingredient(WITHOUT_OTHERS_OF_GROUP, others)]
    for over, dim in (("the group", (1,)), ("all steps of the group", (1, 2))):
        centre = partial(within, centre=_without_mean, dim=dim)
        found.append(Ingredient(WITHOUT_MEAN.format(over), centre))
        found += _whitenings(over, centre)
    return found


# Places: from a sample and coefficients (..., B, N, T) to what d ln pi(a|s) is
# multiplied with, (..., B, S * A).


def _added(sample: Sample, pairs: Tensor, coefficients: Tensor) -> Tensor:
    flat = coefficients.flatten(-2)
    table = flat.new_zeros(*flat.shape[:-1], sample.pi.numel())
    return table.scatter_add(-1, pairs.flatten(-2).expand_as(flat), flat)


def _at_taken(sample: Sample, coefficients: Tensor) -> Tensor:
    return _added(sample, sample.pairs, coefficients)


def _at_best(sample: Sample, coefficients: Tensor) -> Tensor:
    return _added(sample, sample.best, coefficients)


def _at_all(sample: Sample, coefficients: Tensor) -> Tensor:
    num_actions = sample.pi.shape[1]
    first = sample.pairs - sample.pairs % num_actions
    return sum(
        (_added(sample, first + action, coefficients) for action in range(num_actions)),
        start=torch.zeros(()),
    )


def _times_pi(place: Callable[..., Tensor], sample: Sample, c: Tensor) -> Tensor:
    """The gradient of pi is pi times that of ln pi."""
    return place(sample, c) * sample.pi.flatten()


def at_entropy(sample: Sample, c: Tensor) -> Tensor:
    """The gradient of the entropy of pi(.|s) is the sum of -pi ln pi times scores."""
    return _at_all(sample, c) * -torch.special.xlogy(sample.pi, sample.pi).flatten()


def _softened(sample: Sample, c: Tensor, logits: Tensor, slopes: Tensor) -> Tensor:
    """Log-softmax of logits (S, A), whose gradients are slopes times the scores.

    A sampled action counts with 1 - q of its own and -q of the others, q the softmax.
    """
    q = logits.softmax(dim=1).flatten()
    return (_at_taken(sample, c) - _at_all(sample, c) * q) * slopes.flatten()


def _softmax_twice(sample: Sample, c: Tensor) -> Tensor:
    return _softened(sample, c, sample.pi, sample.pi)


def _at_temperature(sample: Sample, c: Tensor, temperature: float) -> Tensor:
    slopes = torch.full_like(sample.pi, 1 / temperature)
    return _softened(sample, c, sample.pi.log() / temperature, slopes)


_PROBABILITY = "probabilities are used in place of log-probabilities"
_GREEDY = "the most likely action is used in place of the sampled one"
_SPREAD = "the weight is spread over all actions, not put on the sampled one"
TEMPERATURES = [
    Ingredient(
        f"log-probabilities have the temperature {temperature:g}, not the policy's",
        partial(_at_temperature, temperature=temperature),
    )
    for temperature in (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0)
]
PLACES = [
    Ingredient("", _at_taken),
    Ingredient(_PROBABILITY, partial(_times_pi, _at_taken)),
    Ingredient(_GREEDY, _at_best),
    Ingredient(_SPREAD, _at_all),
    Ingredient("softmax is applied twice", _softmax_twice),
]


# Masks: from a mask (B, N, T) to what the coefficients are multiplied with.


def _itself(mask: Tensor) -> Tensor:
    return mask


def _without_last_step(mask: Tensor) -> Tensor:
    return mask - _last(mask)


MASKS = [
    Ingredient("", _itself),
    Ingredient("the mask is forgotten", torch.ones_like),
    Ingredient("the last action of each episode is left out", _without_last_step),
    Ingredient("the mask is a step late", _late),
]


# Means: from a mask (B, N, T) to what a trajectory's sum over steps is divided by.


def _by_trajectories(mask: Tensor) -> Tensor:
    return torch.full((len(mask), 1, 1), mask.shape[1], dtype=mask.dtype)


def _by_own_steps(mask: Tensor) -> Tensor:
    return mask.shape[1] * mask.sum(2, keepdim=True)


def _by_all_steps(mask: Tensor) -> Tensor:
    return mask.sum((1, 2), keepdim=True)


MEANS = [
    Ingredient("", _by_trajectories),
    Ingredient("each episode's steps are averaged, not summed", _by_own_steps),
    Ingredient("the mean is over all steps, not over trajectories", _by_all_steps),
]

# What the score of a step is multiplied with where a divergence from a reference policy
# is in the loss: the slopes of k1, k2 and k3 in l = ln pi - ln ref, of each step or of
# the whole text.


def _of_tokens(slope: Callable[[Tensor], Tensor], sample: Sample) -> Tensor:
    return slope(sample.log_ratio)


def _of_text(slope: Callable[[Tensor], Tensor], sample: Sample) -> Tensor:
    return slope(sample.log_ratio.sum(-1, keepdim=True))


def _slope_of_k3(log_ratio: Tensor) -> Tensor:
    return 1 - (-log_ratio).exp()


# The slope of k1 is 1, of each step as of the text.
OF_TOKENS = [
    Ingredient("k1", _ones),
    Ingredient("k2, per token", partial(_of_tokens, torch.clone)),
    Ingredient("k3, per token", partial(_of_tokens, _slope_of_k3)),
]
OF_TEXTS = [
    Ingredient(
        "k2, per text, or in the return: the gradient of KL(pi || ref)",
        partial(_of_text, torch.clone),
    ),
    Ingredient(
        "k3, per text: the gradient of KL(ref || pi)", partial(_of_text, _slope_of_k3)
    ),
]
IN_REWARDS = Ingredient("in the rewards", _rewards)

WEIGHTS = _weights()
GAE_WEIGHTS = _gae_weights()
CENTRINGS = _centrings()
