"""What the package promises of its names, of its defaults, and of its records."""

import inspect
from dataclasses import is_dataclass

import pytest

import pg_helpers as pg


def test_a_name_that_is_elsewhere_says_where():
    with pytest.raises(AttributeError, match="what teaches .* is in pg_course"):
        _ = pg.predict
    assert "clinic" in dir(pg) and pg.clinic.examine


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        (pg.policy_for, "hidden", (8, 8)),
        (pg.CartPoleVectorEnv, "num_envs", 1),
        (pg.TabularVectorEnv, "num_envs", 1),
        (pg.sample_trajectories, "max_steps", 10_000),
        (pg.train, "progress", True),
        (pg.TrainConfig, "num_trajectories", 10),
        (pg.TrainConfig, "learning_rate", 1e-3),
        (pg.TrainConfig, "gamma", 0.95),
        (pg.clinic.examine, "num_trajectories", None),
    ],
)
def test_the_defaults_are_those_that_are_published(function, name, value):
    assert inspect.signature(function).parameters[name].default == value


def test_what_was_sampled_measured_or_set_cannot_be_changed():
    everything = [getattr(pg, n) for n in pg.__all__] + [pg.clinic.Diagnosis]
    records = [thing for thing in everything if is_dataclass(thing)]
    assert {pg.TrainConfig, pg.clinic.Diagnosis} <= set(records)
    changeable = [r.__name__ for r in records if not r.__dataclass_params__.frozen]
    assert changeable == ["History"]  # it grows
