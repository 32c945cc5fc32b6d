"""Which argument of a loss is which: whatever it calls them, and in whatever order."""

from functools import partial, wraps

import pytest
import torch
from torch import nn

from pg_helpers.binder import BoundLoss, describe


class Batch(str):
    rewards, mask = "r", "m"


def received(loss):
    """What a loss joins of l (log_probs), o (old), a, r, m, b (batch), p (policy)."""
    given = {"log_probs": "l", "advantages": "a", "old_log_probs": "o", "returns": "g"}
    return BoundLoss(loss)(Batch("b"), "p", given)


def of_three(log_probs, rewards, mask):
    return log_probs + rewards + mask


def with_gamma(rewards, log_probs, mask, gamma):
    return rewards + log_probs + mask + gamma


class Forward(nn.Module):
    def forward(self, rewards, log_probs):
        return rewards + log_probs


class Called:
    def __call__(self, policy, batch):
        return policy + batch


NAMED = [
    (of_three, "lrm"),
    (lambda rewards, mask, log_probs: rewards + mask + log_probs, "rml"),
    (lambda mask, log_probs: mask + log_probs, "ml"),
    (lambda policy, batch: policy + batch, "pb"),
    (lambda batch: batch, "b"),
    (lambda mask, policy, rewards, batch, log_probs: rewards + batch + mask, "rbm"),
    (lambda mask, rewards, /, log_probs: mask + rewards + log_probs, "mrl"),
    (lambda batch, *, policy, epsilon="e": batch + policy + epsilon, "bpe"),
    (lambda log_probs, gamma="g", mask="none": log_probs + gamma + mask, "lgm"),
    (Forward(), "rl"),
    (Called(), "pb"),
    (partial(with_gamma, gamma="g"), "rlmg"),
    (partial(lambda batch, policy: batch + policy, policy="old"), "bold"),
]
ALIASED = [
    (lambda logp, adv, response_mask: logp + adv + response_mask, "lam"),
    (lambda old_per_token_logps, per_token_logps: old_per_token_logps, "o"),
    (lambda *, log_prob, old_log_prob: log_prob + old_log_prob, "lo"),
    (lambda log_probs, rewards, mask, advantages=None: log_probs + advantages, "la"),
    (lambda lp, r, m, advantages="none": lp + r + m + advantages, "lrmnone"),
    (lambda lp, r, m, old_log_probs="none": lp + old_log_probs, "lnone"),
]
PLACED = [
    (lambda a, b, c: a + b + c, "lrm"),
    (lambda a, returns, mask: a + returns + mask, "lgm"),
    (lambda data, pi: data + pi, "bp"),
    (lambda data, pi, weight="w": data + pi + weight, "bpw"),
    (lambda a, b, c="c", mask=None: a + b + c + mask, "lrcm"),
    (lambda a, b, c, *, policy: a + b + c + policy, "lrmp"),
    (lambda *every: "".join(every), "lrm"),
    (lambda a, b, *rest: "".join((a, b, *rest)), "lrm"),
    (max, "r"),  # a built-in function without a signature: the largest of three
]


@pytest.mark.parametrize(("loss", "expected"), NAMED + ALIASED + PLACED)
def test_arguments_are_given_by_name_or_else_by_place(loss, expected):
    assert received(loss) == expected


def wrapped(loss):
    @wraps(loss)
    def wrapper(*places, **named):
        return loss(*places, **named)

    return wrapper


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (wrapped(lambda mask, log_probs, rewards: mask + log_probs + rewards), "mlr"),
        (wrapped(lambda policy, batch: policy + batch), "pb"),
        (wrapped(lambda one, two: one + two), "bp"),
        (wrapped(lambda one, two, three: one + two + three), "lrm"),
        (wraps(of_three)(lambda **named: of_three(**named)), "lrm"),
        (wraps(of_three)(lambda log_probs, **rest: of_three(log_probs, **rest)), "lrm"),
        (wraps(of_three)(lambda log_probs, *rest: of_three(log_probs, *rest)), "lrm"),
        (wraps(of_three)(lambda a, *some, **rest: of_three(a, *some, **rest)), "lrm"),
        (wraps(lambda data, pi: 0)(lambda a, b, c: a + b + c), "lrm"),
    ],
)
def test_a_wrapper_hands_on_what_the_wrapped_loss_asks_for(loss, expected):
    assert received(loss) == expected


@pytest.mark.parametrize(
    "loss",
    [
        lambda: 0,
        lambda a: 0,
        lambda a, b, c, d: 0,
        lambda log_probs, rewards, mask, gamma: 0,
        lambda mask, rewards, other: 0,  # the mask where the log-probabilities belong
        lambda policy, data: 0,
        lambda a, b, c, *, needed: 0,
        Forward,
        "loss",
    ],
)
def test_a_loss_whose_arguments_cannot_be_told_is_refused(loss):
    with pytest.raises(TypeError, match="^loss: expected a function"):
        BoundLoss(loss)


def test_log_probabilities_are_asked_for_only_where_they_are_needed():
    assert "log_probs" in BoundLoss(lambda a, b, c: 0).asks
    assert "log_probs" not in BoundLoss(lambda a, b: 0).asks
    assert "log_probs" not in BoundLoss(lambda mask, rewards: 0).asks


def holding(thing, default=1, keyword=1):
    return lambda batch, policy, a=default, *, b=keyword: thing


def recursive():
    def deeper(rewards):
        return deeper(rewards[1:])

    return deeper


class Scaled(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, batch, policy):
        return self.scale

    def method(self, batch, policy):
        return self.scale


MAKERS = [
    lambda: holding(1),
    lambda: holding(2),
    lambda: holding(1, default=2),
    lambda: holding(1, keyword=2),
    lambda: holding({"c": 1.0}),
    lambda: holding({"c": -5.0}),
    lambda: holding([1, 2]),
    lambda: holding((2, 1)),
    lambda: holding({1, 2}),
    lambda: holding(frozenset({1, 3})),
    lambda: holding(torch.exp),
    lambda: holding(torch.tanh),
    lambda: holding(nn.Sequential(nn.ELU())),
    lambda: holding(nn.Sequential(nn.Softplus())),
    lambda: partial(with_gamma, gamma=0.9),
    lambda: partial(with_gamma, gamma=0.95),
    lambda: partial(with_gamma, 0.9),
    lambda: partial(of_three, 0.9),
    lambda: Scaled(1.0),
    lambda: Scaled(2.0),
    lambda: Scaled(1.0).method,
    lambda: Scaled(2.0).method,
    lambda: nn.Sequential(Scaled(1.0)),
    lambda: nn.Sequential(Scaled(2.0)),
    lambda: lambda log_probs, rewards, mask: log_probs + rewards,
    lambda: lambda log_probs, rewards, mask: log_probs - rewards,
    lambda: lambda log_probs, rewards, mask: log_probs - rewards.abs(),
    lambda: lambda log_probs, rewards, mask: log_probs - rewards.exp(),
    lambda: lambda rewards, log_probs, mask: log_probs - rewards.exp(),
    recursive,
]


def test_a_description_is_that_of_a_loss_made_anew_and_of_no_other():
    described = [describe(make()) for make in MAKERS]
    assert described == [describe(make()) for make in MAKERS]
    assert len(set(described)) == len(MAKERS)
    # It does not depend on the order in which a dict or a set was filled.
    assert describe(holding({"a": 1, "b": 2})) == describe(holding({"b": 2, "a": 1}))
    assert describe(holding({8, 16})) == describe(holding({16, 8}))


def test_a_name_that_is_not_set_yet_is_no_fault():
    def loss():
        return later

    before = describe(loss)
    later = 1
    assert describe(loss) != before
