import dataclasses

import numpy as np
import pytest

import pg_helpers as pg
from pg_helpers.mdp import check_size

PARTS = {
    "initial": [1.0, 0.0],
    "transition": [[[0.25, 0.75], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]],
    "reward": [[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]],
    "terminal": [False, True],
    "observations": [[5.0], [6.0]],
}


def world(horizon=3, **changes):
    """Two states and two actions; state 1 is terminal. Parts can be replaced."""
    return pg.TabularMDP(**PARTS | {"horizon": horizon} | changes)


def test_a_world_holds_copies_of_what_it_was_given_in_float64():
    arrays = {name: np.array(part) for name, part in PARTS.items()}
    mdp = world(**arrays)
    for name, part in PARTS.items():
        arrays[name][:] = 1 - arrays[name]
        assert getattr(mdp, name).tolist() == part
        expected_dtype = bool if name == "terminal" else np.float64
        assert getattr(world(**PARTS), name).dtype == expected_dtype
    assert (mdp.num_states, mdp.num_actions, mdp.horizon) == (2, 2, 3)
    assert world(observations=None).observations.tolist() == [[1, 0], [0, 1]]
    assert repr(mdp) == "TabularMDP(2 states, 2 actions, 1 terminal, horizon 3)"


def test_a_world_cannot_be_changed_and_equals_only_itself():
    mdp = world()
    assert len({mdp, world()}) == 2, "worlds are compared by identity"
    with pytest.raises(dataclasses.FrozenInstanceError):
        mdp.horizon = 4
    for name in PARTS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(mdp, name)[0] = 0


@pytest.mark.parametrize("error", [9e-7, -9e-7])
def test_probabilities_that_sum_to_almost_1_are_divided_by_their_sum(error):
    row = [0.0, 1 + error]
    mdp = world(initial=row[::-1], transition=[[row, row], [[0, 0], row]])
    assert mdp.initial.tolist() == [1, 0]
    assert mdp.transition.tolist() == [[[0, 1], [0, 1]], [[0, 0], [0, 1]]]


@pytest.mark.parametrize("start", [[0.0, 1 + 2e-6], [0.5, 0.5 + 2e-6], [0, 1 - 2e-6]])
def test_a_larger_error_of_the_sum_is_not_rounding(start):
    with pytest.raises(ValueError, match="initial: expected probabilities"):
        world(initial=start)


def test_a_world_may_be_as_small_and_as_large_as_the_limits_and_no_larger():
    assert pg.TabularMDP([1], [[[1]]], [[[2]]], [False], horizon=1).num_actions == 1
    assert world(horizon=100_000).horizon == 100_000
    with pytest.raises(ValueError, match="horizon"):
        world(horizon=100_001)
    check_size("num_states", 2**11, 4)  # S * A * S = 2^24
    with pytest.raises(ValueError, match="num_states"):
        check_size("num_states", 2**12 + 1, 1)
