"""One step of Adam or of torch.optim: the same numbers as torch's own, or no change."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from worlds import numbers_of

from pg_helpers.ascent import Adam, TorchOptimizer, copies_of, put_back
from pg_helpers.require import NotFiniteError


def network(dtype=torch.float64):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)


def loss_of(model, number):
    """Another batch at each step, so that the running means have something to do."""
    generator = torch.Generator().manual_seed(number)
    inputs = torch.randn(5, 3, generator=generator).to(model[0].weight.dtype)
    return (model(inputs) - inputs[:, :2] ** 2).square().mean()


def ours(parameters, rate=0.01):
    return Adam(parameters, rate)


def of_torch(parameters, rate=0.01):
    return TorchOptimizer(torch.optim.Adam(list(parameters), lr=rate))


def with_momentum(parameters, rate=0.01):
    return TorchOptimizer(torch.optim.SGD(list(parameters), lr=rate, momentum=0.9))


@pytest.mark.parametrize("make", [ours, of_torch])
@pytest.mark.parametrize("max_norm", [None, 1.2])
def test_the_steps_are_those_of_torch(make, max_norm):
    # On the way the state is handed on, and the learning rate is halved twice.
    model, twin = network(), network()
    optimizer = make(model.parameters())
    reference = torch.optim.Adam(twin.parameters(), lr=0.01)
    norms = []
    for number in range(30):
        if number == 7:
            state = optimizer.state()
            optimizer = make(model.parameters())
            optimizer.load_state(state)
        if number in (12, 20):
            optimizer.scale_learning_rate(0.5 if number == 12 else 0.25)
            reference.param_groups[0]["lr"] /= 2
        norms.append(optimizer.step(loss_of(model, number), max_norm))
        reference.zero_grad()
        loss_of(twin, number).backward()
        norm = torch.cat([p.grad.flatten() for p in twin.parameters()]).norm().item()
        assert norms[-1] == pytest.approx(norm, abs=1e-12)
        for parameter in twin.parameters():
            parameter.grad *= min(1.0, (max_norm or 1e9) / norm)
        reference.step()
        torch.testing.assert_close(
            numbers_of(model), numbers_of(twin), atol=1e-12, rtol=0
        )
    assert min(norms) < 1.2 < max(norms)


def decaying(parameters):
    return TorchOptimizer(torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.5))


@pytest.mark.parametrize("make", [ours, decaying])
def test_what_is_frozen_or_not_in_the_loss_stays_and_does_not_count(make):
    used, frozen, unused = (nn.Parameter(torch.ones(1)) for _ in range(3))
    frozen.requires_grad_(False)
    norm = make([unused, used, frozen]).step((2 * used + 5 * frozen).sum())
    assert norm == 2.0
    assert used.item() < 1 == unused.item() == frozen.item()
    assert used.grad is None


@pytest.mark.parametrize(
    ("make", "rate", "factor", "message"),
    [
        (ours, 0.01, float("nan"), "gradient: expected finite numbers"),
        (ours, 0.01, 1e22, "gradient, squared: expected finite numbers"),
        (ours, 1e39, 1.0, "step: expected finite numbers"),
        (with_momentum, 0.01, float("nan"), "gradient: expected finite numbers"),
        (with_momentum, 1e38, 1e22, "step: expected finite numbers"),
        (of_torch, 0.01, 1e22, "step: expected finite numbers"),  # in its state
    ],
)
def test_a_step_that_is_not_finite_changes_nothing(make, rate, factor, message):
    # The next step is that of a run that never met it, running means included.
    model, twin = network(torch.float32), network(torch.float32)
    runs = [(make(m.parameters(), rate), m) for m in (model, twin)]
    for optimizer, each in runs:
        optimizer.scale_learning_rate(0.01 / rate)
        optimizer.step(loss_of(each, 0))
    runs[0][0].scale_learning_rate(1.0)
    with pytest.raises(NotFiniteError, match=f"^{message}"):
        runs[0][0].step(loss_of(model, 1) * factor)
    assert torch.equal(numbers_of(model), numbers_of(twin))
    for optimizer, each in runs:
        optimizer.scale_learning_rate(0.01 / rate)
        optimizer.step(loss_of(each, 2))
    assert torch.equal(numbers_of(model), numbers_of(twin))


@pytest.mark.parametrize(("factor", "moved"), [(0.4, 0.5), (1e25, 0.5), (0.0, 0.0)])
def test_a_gradient_is_clipped_even_if_it_is_0_or_its_squares_overflow(factor, moved):
    model = network(torch.float32)
    before = numbers_of(model)
    descent = TorchOptimizer(torch.optim.SGD(model.parameters(), lr=1.0))
    slopes = torch.autograd.grad(loss_of(model, 0), list(model.parameters()))
    norm = torch.cat([part.flatten() for part in slopes]).norm().item()
    found = descent.step(factor * loss_of(model, 0), max_norm=0.5)
    assert found == pytest.approx(factor * norm, rel=1e-4)
    assert (numbers_of(model) - before).norm().item() == pytest.approx(moved, rel=1e-4)


def test_each_group_of_parameters_keeps_its_own_learning_rate():
    fast, slow = (nn.Parameter(torch.ones(1)) for _ in range(2))
    groups = [{"params": fast, "lr": np.float64(0.5)}, {"params": slow, "lr": 0.001}]
    optimizer = TorchOptimizer(torch.optim.SGD(groups))
    optimizer.scale_learning_rate(0.5)
    optimizer.step(fast.sum() + slow.sum())
    moved = [1 - fast.item(), 1 - slow.item()]
    assert moved == pytest.approx([0.25, 0.0005], rel=1e-4)
    kept = optimizer.state()["param_groups"][0]["lr"]
    assert type(kept) is float  # a checkpoint cannot hold NumPy's numbers


def test_the_state_of_another_adam_is_refused():
    small = Adam([nn.Parameter(torch.ones(2))], 0.01)
    with pytest.raises(ValueError, match="^optimizer: expected 26 numbers"):
        ours(network().parameters()).load_state(small.state())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda parameters: None, False),
        (lambda parameters: parameters[1].detach().mul_(2), True),
        (lambda parameters: parameters[0].requires_grad_(False), True),
    ],
)
def test_a_change_of_parameters_is_undone_and_reported(change, expected):
    model = network()
    model[2].bias.requires_grad_(False)
    before = deepcopy(model)
    copies = copies_of(model.parameters())
    change(list(model.parameters()))
    assert put_back(model.parameters(), copies) is expected
    assert torch.equal(numbers_of(model), numbers_of(before))
    trainable = [p.requires_grad for p in model.parameters()]
    assert trainable == [p.requires_grad for p in before.parameters()]
