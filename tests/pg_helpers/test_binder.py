"""Which argument of a loss is which: whatever it calls them, and in whatever order."""

from functools import partial, wraps
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pg_helpers.binder import FORMS, BoundLoss, describe

BATCH = SimpleNamespace(rewards="rewards", mask="mask")
GIVEN = {
    "log_probs": "log_probs",
    "rewards": "rewards",
    "mask": "mask",
    "batch": BATCH,
    "policy": "policy",
}


def received(loss):
    return BoundLoss(loss)(BATCH, "policy", "log_probs")


class OfThree(nn.Module):
    def forward(self, log_probs, rewards, mask):
        return {"log_probs": log_probs, "rewards": rewards, "mask": mask}


class Called:
    def __call__(self, policy, batch):
        return {"policy": policy, "batch": batch}


def by_position_only(mask, rewards, /, log_probs):
    return {"log_probs": log_probs, "rewards": rewards, "mask": mask}


def by_keyword_only(batch, *, policy, epsilon=0.1):
    return {"batch": batch, "policy": policy}


def with_gamma(rewards, log_probs, mask, gamma):
    return {"log_probs": log_probs, "rewards": rewards, "mask": mask}


def supplying_gamma(loss):
    @wraps(loss)
    def wrapper(log_probs, rewards, mask):
        return loss(rewards, log_probs, mask, 0.9)

    return wrapper


def of_three(log_probs, rewards, mask):
    return {"log_probs": log_probs, "rewards": rewards, "mask": mask}


@wraps(of_three)
def handing_on_by_name(log_probs, **named):
    return of_three(log_probs, **named)


@wraps(of_three)
def handing_on_by_place(log_probs, *places):
    return of_three(log_probs, *places)


@wraps(of_three)
def handing_on_under_another_name(first, *places, **named):
    return of_three(first, *places, **named)


@wraps(of_three)
def handing_on_names_alone(**named):
    return of_three(**named)


@pytest.mark.parametrize(
    "loss",
    [
        handing_on_by_name,
        handing_on_by_place,
        handing_on_under_another_name,
        handing_on_names_alone,
    ],
)
def test_a_wrapper_hands_on_what_the_wrapped_loss_asks_for(loss):
    assert received(loss) == {name: GIVEN[name] for name in FORMS[0]}


def handing_on_everything(loss):
    @wraps(loss)
    def wrapper(*places, **named):
        return loss(*places, **named)

    return wrapper


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda mask, log_probs, rewards: (mask, log_probs, rewards), "mlr"),
        (lambda one, two: (one, two), "bp"),
        (lambda policy, batch: (policy, batch), "pb"),
        (lambda one, two, three: (one, two, three), "lrm"),
    ],
)
def test_a_wrapper_of_any_arguments_hands_on_those_of_the_wrapped_loss(loss, expected):
    by_letter = {name[0]: value for name, value in GIVEN.items()}
    found = received(handing_on_everything(loss))
    assert found == tuple(by_letter[letter] for letter in expected)


def test_a_known_name_is_handed_over_beside_places():
    def loss(one, two, three, *, policy):
        return one, two, three, policy

    assert received(loss) == ("log_probs", "rewards", "mask", "policy")


def test_places_that_are_open_are_three():
    assert received(lambda one, two, *rest: (one, two, *rest)) == FORMS[0]


@pytest.mark.parametrize(
    "loss",
    [
        lambda log_probs, rewards, mask: locals(),
        lambda rewards, mask, log_probs: locals(),
        lambda mask, log_probs: locals(),
        lambda log_probs, rewards, mask=None: locals(),
        lambda batch, policy: locals(),
        lambda policy, batch: locals(),
        lambda batch: locals(),
        OfThree(),
        Called(),
        by_position_only,
        by_keyword_only,
        partial(with_gamma, gamma=0.9),
        lambda log_probs, gamma=0.9, rewards=None, mask=None: {
            **{"log_probs": log_probs, "rewards": rewards, "mask": mask},
            **({} if gamma == 0.9 else {"policy": "gamma was replaced"}),
        },
        supplying_gamma(with_gamma),
    ],
)
def test_known_names_are_handed_over_by_name(loss):
    found = received(loss)
    assert found and all(found[name] is GIVEN[name] for name in found)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda a, b, c: (a, b, c), ("log_probs", "rewards", "mask")),
        (lambda a, returns, mask: (a, returns, mask), ("log_probs", "rewards", "mask")),
        (lambda *all_of_them: all_of_them, ("log_probs", "rewards", "mask")),
        (lambda data, pi: (data, pi), (BATCH, "policy")),
        (lambda data, pi, weight=2: (data, pi), (BATCH, "policy")),
        (lambda a, b, c=0.9, mask=None: (a, b, mask), ("log_probs", "rewards", "mask")),
        (partial(lambda batch, policy: (batch, policy), policy="old"), (BATCH, "old")),
    ],
)
def test_other_names_are_handed_over_by_place(loss, expected):
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
        OfThree,
        "loss",
        None,
    ],
)
def test_what_cannot_be_told_is_refused(loss):
    with pytest.raises(TypeError, match="^loss: expected a function"):
        BoundLoss(loss)


def test_log_probabilities_are_asked_for_only_where_they_are_needed():
    assert BoundLoss(lambda a, b, c: 0).needs_log_probs
    assert not BoundLoss(lambda a, b: 0).needs_log_probs
    assert not BoundLoss(lambda mask, rewards: 0).needs_log_probs


def clipped(epsilon, sign=1):
    def loss(log_probs, rewards, mask):
        return sign * (log_probs * epsilon).sum()

    return loss


def over(thing):
    return lambda log_probs, rewards, mask: thing


def recursive():
    def deeper(rewards):
        return deeper(rewards[1:])

    return lambda log_probs, rewards, mask: deeper(rewards)


class Method:
    def __init__(self, sign):
        self.sign = sign

    def loss(self, log_probs, rewards, mask):
        return self.sign


class Scaled(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, batch, policy):
        return self.scale


def test_a_description_tells_losses_apart_that_compute_something_else():
    losses = [
        clipped(0.1),
        clipped(0.2),
        clipped(0.1, sign=-1),
        partial(with_gamma, gamma=0.9),
        partial(with_gamma, gamma=0.95),
        Scaled(1.0),
        Scaled(2.0),
        OfThree(),
        lambda log_probs, rewards, mask: log_probs + rewards,
        lambda log_probs, rewards, mask: log_probs - rewards,
        lambda log_probs, rewards, mask: log_probs - rewards.abs(),
        lambda log_probs, rewards, mask: rewards - rewards.abs(),
        lambda rewards, log_probs, mask: rewards - rewards.abs(),
        Method(1).loss,
        Method(-1).loss,
        over({"c": 1.0}),
        over({"c": -5.0}),
        over(torch.exp),
        over(torch.tanh),
        over(nn.Sequential(nn.ELU())),
        over(nn.Sequential(nn.Softplus())),
        recursive(),
    ]
    found = [describe(loss) for loss in losses]
    assert len(set(found)) == len(losses)
    assert describe(clipped(0.1)) == found[0]
    assert describe(Scaled(2.0)) == found[6]
    # Nor does it depend on where in memory a thing is.
    again = [describe(loss) for loss in (recursive(), over(nn.ELU()))]
    assert again == [describe(loss) for loss in (recursive(), over(nn.ELU()))]


def test_a_description_sees_into_a_module_of_modules():
    one, other, again = (nn.Sequential(Scaled(factor)) for factor in (1.0, -1.0, 1.0))
    assert describe(one) == describe(again) != describe(other)


def test_a_name_that_is_not_set_yet_is_no_fault():
    def with_later():
        def early():
            return later

        described = describe(early)
        later = 1
        return described, describe(early), later

    first, second, _ = with_later()
    assert first != second
