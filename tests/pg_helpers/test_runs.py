"""Settings and schedule of a run; `test_training` tests what they do to the updates."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import pg_helpers as pg
from pg_helpers.runs import Run


def test_the_defaults_are_those_of_the_corridor_run():
    usual = pg.TrainConfig(1000, 10, 1e-3, 0.95, 0, "total_return", None, 10_000, None)
    assert pg.TrainConfig() == usual


def test_a_configuration_holds_plain_numbers_and_cannot_be_changed():
    config = pg.TrainConfig(np.int64(3), gamma=np.float32(0.5), max_gradient_norm=2)
    assert repr(config).startswith("TrainConfig(num_updates=3, num_trajectories=10, ")
    assert [type(config.gamma), type(config.max_gradient_norm)] == [float, float]
    with pytest.raises(FrozenInstanceError):
        config.gamma = 0.5


def scaled_by(factor):
    """What an optimizer is told where the schedule returns this factor."""
    told = []
    optimizer = SimpleNamespace(scale_learning_rate=told.append)
    run = Run(None, None, None, optimizer, None, schedule=lambda number: factor)
    run.set_learning_rate(0)
    return told


@pytest.mark.parametrize("factor", [0, np.float32(0.5), torch.tensor(2)])
def test_the_schedule_scales_the_learning_rate_by_a_plain_number(factor):
    assert scaled_by(factor) == [float(factor)]
    assert type(scaled_by(factor)[0]) is float


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf")])
def test_a_schedule_that_returns_no_factor_is_refused(factor):
    with pytest.raises(ValueError, match="^schedule: expected a finite number"):
        scaled_by(factor)
    with pytest.raises(TypeError, match="^schedule: expected a number"):
        scaled_by(str(factor))
