from copy import deepcopy

import pytest
import torch
from oracles import assert_refused

from pg_helpers.ascent import Adam
from pg_helpers.require import NotFiniteError


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
        ).double()


def loss_of(model, step):
    """Another batch at each step, so that the running means have something to do."""
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    return (model(inputs) - inputs[:, :2] ** 2).square().mean()


def test_fifty_steps_are_those_of_torch():
    ours, theirs = network(), network()
    optimizer = Adam(ours.parameters(), 0.01)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01)
    for step in range(50):
        norm = optimizer.step(loss_of(ours, step))
        reference.zero_grad()
        loss_of(theirs, step).backward()
        reference.step()
        expected = torch.cat([p.grad.flatten() for p in theirs.parameters()])
        assert norm == pytest.approx(expected.norm().item(), abs=1e-12)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine, other, atol=1e-12, rtol=0)
    assert loss_of(ours, 0) < loss_of(network(), 0)


def test_the_first_step_is_the_learning_rate_against_the_sign():
    # At the first step mean = g and root = |g|, once corrected: alpha g / (|g| + eps).
    parameter = torch.nn.Parameter(torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64))
    slopes = torch.tensor([3.0, -0.02, 0.0], dtype=torch.float64)
    norm = Adam([parameter], 0.1).step((parameter * slopes).sum())
    assert norm == pytest.approx((9 + 0.0004) ** 0.5)
    expected = torch.tensor([0.9, 1.1, 1.0], dtype=torch.float64)
    torch.testing.assert_close(parameter.detach(), expected, atol=1e-7, rtol=0)


def test_frozen_parameters_stay_and_do_not_count():
    model = network()
    model[0].weight.requires_grad_(False)
    before = deepcopy(model)
    norm = Adam(model.parameters(), 0.01).step(loss_of(model, 0))
    loss_of(before, 0).backward()
    slopes = [p.grad.flatten() for p in before.parameters() if p.requires_grad]
    assert norm == pytest.approx(torch.cat(slopes).norm().item())
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.isclose(model[2].weight, before[2].weight).any()


def test_a_parameter_that_the_loss_does_not_hold_stays():
    held, other = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    assert Adam([other, held], 0.1).step(2 * held.sum()) == 2.0
    assert other.item() == 1.0
    assert held.item() == pytest.approx(0.9)


def test_without_a_parameter_there_is_nothing_to_step():
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    for parameters in ([], [frozen]):
        assert_refused(
            lambda parameters=parameters: Adam(parameters, 0.1),
            ValueError,
            "policy",
            "trainable parameter",
        )


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_changes_nothing(wrong):
    ours, theirs = network(), network()
    optimizer, reference = (Adam(m.parameters(), 0.01) for m in (ours, theirs))
    optimizer.step(loss_of(ours, 0))
    before = deepcopy(ours)
    assert_refused(
        lambda: optimizer.step(loss_of(ours, 1) * wrong),
        NotFiniteError,
        "gradient",
        "finite",
    )
    assert all(map(torch.equal, ours.parameters(), before.parameters()))
    # Nor the running means: the next steps are those of a run that never met it.
    optimizer.step(loss_of(ours, 2))
    reference.step(loss_of(theirs, 0))
    reference.step(loss_of(theirs, 2))
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))


def test_a_step_beyond_float32_changes_nothing():
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = Adam([parameter], 1e39)
    before = parameter.detach().clone()
    assert_refused(
        lambda: optimizer.step(parameter.sum()), NotFiniteError, "step", "finite"
    )
    assert torch.equal(parameter, before)


def test_a_gradient_whose_square_overflows_is_refused_at_once():
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = Adam([parameter], 0.1)
    assert_refused(lambda: optimizer.step(1e20 * parameter.sum()), NotFiniteError)
    optimizer.step(parameter.sum())
    assert parameter.tolist() == pytest.approx([0.9, 0.9])


def test_a_state_that_was_handed_on_makes_the_same_steps():
    ours, theirs = network(), network()
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01)
    first = Adam(ours.parameters(), 0.01)
    for step in range(6):
        if step == 3:
            second = Adam(ours.parameters(), 0.01)
            second.load_state(first.state())
        (first if step < 3 else second).step(loss_of(ours, step))
        reference.zero_grad()
        loss_of(theirs, step).backward()
        reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-12, rtol=0)
