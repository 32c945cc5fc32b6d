import copy
import time
from types import SimpleNamespace

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import GAMMAS, NUMBERS, THINGS, Made, near, right_or_not, tensors
from patients import policies
from worlds import sparse_world

import pg_helpers as pg

NAMES = (
    "loss",
    "mdp",
    "policy",
    "gamma",
    "num_trajectories",
    "target",
    "seed",
    "gradient",
)
WORLD, POLICY = pg.clinic.standard_world(), None


def right(log_probs, rewards, mask):
    discounts = 0.95 ** torch.arange(rewards.shape[1], dtype=rewards.dtype)
    returns = (discounts * rewards).sum(1)
    return -(torch.where(mask, log_probs, 0).sum(1) * returns).mean()


def with_batch(change=lambda batch, policy: None, then=lambda value: value):
    """The right loss in its other form, after a change to what it is given."""

    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        value = right(log_probs, batch.rewards, batch.mask)
        change(batch, policy)
        return then(value)

    return loss


def of_right(change):
    return lambda log_probs, rewards, mask: change(right(log_probs, rewards, mask))


def fault(error):
    def loss(*_):
        raise error

    return loss


@torch.no_grad()
def set_to_zero(batch, policy):
    for parameter in policy.parameters():
        parameter.zero_()


def emptied(log_probs, rewards, mask):
    value = right(log_probs, rewards, mask)
    rewards.zero_()
    return value


def slow(log_probs, rewards, mask):
    time.sleep(0.001)
    return right(log_probs, rewards, mask)


def backward(log_probs, rewards, mask):
    value = right(log_probs, rewards, mask)
    value.backward()
    return value


class Callable:
    def __call__(self, log_probs, rewards, mask):
        return right(log_probs, rewards, mask)


class Unsigned(Callable):
    __signature__ = "nothing that inspect would understand"


RIGHT = {
    "right": right,
    "right, of a batch": with_batch(),
    "an object": Callable(),
    "slow": slow,
    "empties what it is given": emptied,
    "empties the batch": with_batch(lambda batch, policy: batch.rewards.zero_()),
}
# Examined, and found wrong.
WRONG = {
    "a vector": lambda log_probs, rewards, mask: log_probs.sum(1),
    "a matrix": lambda log_probs, rewards, mask: log_probs * rewards,
    "a number": of_right(lambda value: value.item()),
    "an array": of_right(lambda value: value.detach().numpy()),
    "an integer": of_right(lambda value: value.detach().long()),
    "nothing": of_right(lambda value: None),
    "words": of_right(str),
    "NaN": of_right(lambda value: value * torch.nan),
    "infinite": of_right(lambda value: value / 0),
    "NaN in the gradient": of_right(lambda value: value + (0 * value).sqrt()),
    "huge": of_right(lambda value: value * 1e300),
    "tiny": of_right(lambda value: value * 1e-300),
    "no graph": of_right(lambda value: value.detach()),
    "complex": of_right(lambda value: value * 1j),
    "another graph": lambda *_: torch.ones((), requires_grad=True) * 2,
    "raises": fault(KeyError("a")),
    "runs out of memory": fault(MemoryError()),
    "recurses": lambda *arguments: right_again(*arguments),
    "asserts": fault(AssertionError()),
    "stops": fault(StopIteration()),
    "fails to fit": lambda log_probs, rewards, mask: log_probs @ rewards,
    "goes backward itself": backward,
    "changes the policy": with_batch(set_to_zero),
    "freezes the policy": with_batch(lambda _, policy: policy.requires_grad_(False)),
    "half": of_right(lambda value: value / 2),
    "flipped": of_right(lambda value: -value),
    "in float32": of_right(lambda value: 2 * value.float()),
}


def right_again(*arguments):
    return right_again(*arguments)


def losses(table):
    return st.sampled_from([Made(name, lambda f=f: f) for name, f in table.items()])


LOSSES = st.one_of(losses(RIGHT), losses(WRONG), THINGS)


def of(found):
    """A diagnosis's numbers where the loss could be examined; else they are NaN."""
    assert found.verdict
    assert str(found)
    assert found._repr_html_()
    names = ("relative_error", "cosine", "scale", "variance", "plain_variance")
    if found.examined == "nothing":
        assert not found.unbiased
        return SimpleNamespace(diagnosis=found), []
    return SimpleNamespace(diagnosis=found), [
        getattr(found, name) for name in (*names, "expected", "cloud")
    ]


@covers(pg.clinic.examine)
@given(LOSSES)
def test_losses(loss):
    loss = loss()
    answer = judge(lambda: of(pg.clinic.examine(loss)), NAMES)
    if answer is not None and loss in RIGHT.values():
        assert answer[0].diagnosis.unbiased
    elif answer is not None:
        assert not answer[0].diagnosis.unbiased


@pytest.mark.parametrize("name", RIGHT)
def test_every_right_loss_is_right(name):
    assert judge(lambda: of(pg.clinic.examine(RIGHT[name])), ())[0].diagnosis.unbiased


@pytest.mark.parametrize("name", WRONG)
def test_no_wrong_loss_is_right_and_none_changes_the_policy(name):
    policy = pg.clinic.standard_policy(WORLD)
    before = copy.deepcopy(policy)
    loss = WRONG[name]
    found, _ = judge(lambda: of(pg.clinic.examine(loss, policy=policy)), ())
    assert not found.diagnosis.unbiased
    for mine, other in zip(policy.parameters(), before.parameters(), strict=True):
        assert torch.equal(mine, other)
        assert mine.requires_grad


@given(
    right_or_not(
        st.sampled_from([Made("sparse", sparse_world), Made("hill", pg.hill)])
    ),
    policies(),
    GAMMAS,
)
def test_worlds_and_policies(mdp, policy, gamma):
    mdp, gamma = mdp(), gamma()
    make = policy()
    policy = make(mdp if isinstance(mdp, pg.TabularMDP) else sparse_world())

    def discounted(log_probs, rewards, mask):
        weights = pg.total_return(rewards, gamma)
        return pg.pseudo_loss(log_probs, weights, mask)

    def call():
        return of(pg.clinic.examine(discounted, mdp=mdp, policy=policy, gamma=gamma))

    answer = judge(call, NAMES)
    if answer is not None and policy is not None and mdp is not None:
        diagnosis = answer[0].diagnosis
        assert diagnosis.unbiased or diagnosis.relative_error < 0.2  # float16
        with torch.no_grad():
            like = next(policy.parameters())
            seen = torch.tensor(mdp.observations).to(like.dtype)
            pi = policy(seen).probs.double().numpy()
        J = oracles.objective(mdp, pi, float(gamma))
        found = pg.exact.objective_by_dp(mdp, policy, gamma)
        assert abs(J - found.item()) < 0.05


COUNTS = right_or_not(st.sampled_from([1, 2, 1, 0, -1, 1001, 10**9, 2**70]))
SEEDS = right_or_not(st.sampled_from([0, 7, 2**32, 2**63 - 1, 2**63, 2**70, -1]))
SIZE = sum(p.numel() for p in pg.clinic.standard_policy(WORLD).parameters())
TARGETS = right_or_not(
    st.one_of(
        st.just(None),
        near((SIZE,)).flatmap(tensors),
        NUMBERS.map(lambda number: torch.full((SIZE,), number, dtype=torch.float64)),
    )
)


@given(COUNTS, SEEDS, TARGETS)
def test_numbers_of_trajectories_seeds_and_targets(number, seed, target):
    number, seed, target = number(), seed(), target()
    before = torch.get_rng_state()

    def call():
        return of(
            pg.clinic.examine(right, num_trajectories=number, seed=seed, target=target)
        )

    answer = judge(call, NAMES)
    assert torch.equal(torch.get_rng_state(), before)
    if answer is not None:
        expected = pg.exact.gradient(WORLD, pg.clinic.standard_policy(WORLD), 0.95)
        expected = expected.detach().numpy()
        np.testing.assert_allclose(answer[0].diagnosis.expected, expected, atol=1e-9)
        expected = torch.from_numpy(expected)
        far = target is not None and (target.double() - expected).norm() > 1e-3
        assert answer[0].diagnosis.unbiased != bool(far)


@covers(pg.clinic.standard_policy, pg.clinic.standard_world)
@given(right_or_not(st.just(WORLD)))
def test_standard_policy(mdp):
    mdp = mdp()
    policy = judge(lambda: pg.clinic.standard_policy(mdp), ("mdp",))
    assert (policy is not None) == isinstance(mdp, pg.TabularMDP)
    assert repr(pg.clinic.standard_world()) == repr(WORLD)
