"""Steps of Adam, and what a training run is made of."""

import dataclasses
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import FRACTIONS, GAMMAS, NUMBERS, THINGS, Made, right_or_not, tensors

import pg_helpers as pg
from pg_helpers.ascent import Adam

RATES = right_or_not(st.one_of(st.just(0.1), NUMBERS, FRACTIONS))
PARAMETERS = {
    "two": lambda: [
        torch.nn.Parameter(torch.ones(2)),
        torch.nn.Parameter(torch.ones(1)),
    ],
    "in two precisions": lambda: [
        torch.nn.Parameter(torch.ones(2)),
        torch.nn.Parameter(torch.ones(1, dtype=torch.float64)),
    ],
    "of a layer": lambda: torch.nn.Linear(2, 1).parameters(),
    "frozen": lambda: [torch.nn.Parameter(torch.ones(2), requires_grad=False)],
    "none": lambda: [],
    "a tensor": lambda: torch.ones(2, requires_grad=True),
    "a result": lambda: [torch.ones(2, requires_grad=True) * 2],
    "NaN": lambda: [torch.nn.Parameter(torch.full((2,), torch.nan))],
    "complex": lambda: [torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))],
    "words": lambda: ["a", "b"],
    "a number": lambda: 3,
    "a layer": lambda: torch.nn.Linear(2, 1),
}
LOSSES = {
    "sum": lambda found: sum(p.sum() for p in found),
    "square": lambda found: sum((p**2).sum() for p in found),
    "steep": lambda found: sum((p * 1e38).sum() for p in found),
    "infinitely steep": lambda found: sum((0 * p).sqrt().sum() for p in found),
    "a vector": lambda found: found[0],
    "no graph": lambda found: found[0].detach().sum(),
    "an integer": lambda found: torch.tensor(3),
    "of another": lambda found: torch.ones(1, requires_grad=True).sum(),
    "NaN": lambda found: found[0].sum() * torch.nan,
    "complex": lambda found: found[0].sum() * 1j,
    "a number": lambda found: 1.0,
    "used up": lambda found: used_up((found[0] ** 2).sum()),
}


def used_up(loss):
    loss.backward()
    return loss


def made(makers):
    return st.sampled_from([Made(*item) for item in makers.items()])


def adam_by_hand(values, slopes, rate):
    """The first step: the corrected means are the gradient and its square."""
    return values - rate * slopes / (np.abs(slopes) + 1e-8)


@covers(Adam)
@given(
    made(PARAMETERS),
    RATES,
    st.sampled_from([Made(name, lambda f=f: f) for name, f in LOSSES.items()]),
)
def test_a_step_of_adam(parameters, rate, loss):
    parameters, rate = parameters(), rate()
    names = ("parameters", "policy", "learning_rate")
    adam = judge(lambda: Adam(parameters, rate), names)
    if adam is None:
        return
    before = [p.detach().clone() for p in adam.parameters]
    value, slopes = loss()(adam.parameters), None
    with suppress(Exception):  # most of the losses have no gradient
        slopes = torch.autograd.grad(
            value, adam.parameters, retain_graph=True, materialize_grads=True
        )
    norm = judge(lambda: adam.step(value), ("loss", "gradient", "step"))
    after = torch.cat([p.detach().flatten() for p in adam.parameters])
    before = torch.cat([p.flatten() for p in before])
    if norm is None:
        assert torch.equal(after, before) or before.isnan().any()
    else:
        slopes = torch.cat([part.flatten() for part in slopes]).double().numpy()
        assert norm == pytest.approx(np.linalg.norm(slopes), rel=1e-5)
        values = before.double().numpy()
        expected = adam_by_hand(values, slopes, float(rate))
        size = max(1, np.abs(expected).max())
        if size > 3e38:  # in two precisions, of which one does not go so far
            return
        np.testing.assert_allclose(after.double(), expected, atol=1e-3 * size)


FIELDS = [field.name for field in dataclasses.fields(pg.TrainConfig)]


@covers(pg.TrainConfig)
@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(THINGS, GAMMAS), max_size=3))
def test_what_a_training_run_is_made_of(changes):
    changes = {name: value() for name, value in changes.items()}
    config = judge(lambda: pg.TrainConfig(**changes), FIELDS)
    if config is not None:
        assert config.num_updates >= 1
        assert config.num_trajectories >= 1
        assert config.max_steps >= 1
        assert config.seed >= 0
        assert 0 <= config.gamma <= 1
        assert 0 < config.learning_rate < float("inf")
        assert config.weights in ("total_return", "rewards_to_go")
        assert config.baseline in (None, "batch_mean")


@given(tensors((2,)))
def test_a_loss_of_any_size_moves_to_finite_numbers_or_not_at_all(slopes):
    parameter = torch.nn.Parameter(torch.ones(2, dtype=slopes.dtype))
    adam = Adam([parameter], 0.1)
    loss = (parameter * slopes.detach()).sum()
    judge(lambda: adam.step(loss), ("loss", "gradient", "step"))
    assert parameter.isfinite().all()
