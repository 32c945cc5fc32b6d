import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import pg_helpers as pg
from pg_helpers import mdp as mdps
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


def coo(entries, shape=(4, 2), dtype=torch.float64):
    """A torch tensor of (row, column, value), equal places not yet summed."""
    rows, columns, values = zip(*entries, strict=True)
    values, where = torch.tensor(values, dtype=dtype), torch.tensor([rows, columns])
    return torch.sparse_coo_tensor(where, values, shape, check_invariants=True)


def as_in_scipy(entries, shape=(4, 2)):
    """What SciPy's matrices have in common: 32-bit indices, equal places not summed."""
    rows, columns, values = map(np.array, zip(*entries, strict=True))
    rows, columns = rows.astype(np.int32), columns.astype(np.int32)
    parts = SimpleNamespace(row=rows, col=columns, data=values)
    return SimpleNamespace(shape=shape, tocoo=lambda: parts)


# Not in order; 0.75 in two parts; nothing paid by action 1; 9 paid where nothing leads,
# as from the terminal state 1.
CHANCES = [(1, 0, 1.0), (0, 1, 0.5), (0, 0, 0.25), (0, 1, 0.25), (1, 1, 0.0)]
PAID = [(0, 1, 1.5), (1, 1, 9.0), (0, 0, 1.0), (0, 1, 0.5), (3, 0, 9.0)]


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize(
    "made", [coo, as_in_scipy, lambda entries: coo(entries).to_sparse_csr()]
)
def test_sparse_matrices_make_the_world_of_their_entries(made):
    mdp = world(transition=made(CHANCES), reward=made(PAID))
    edges = [part.tolist() for part in mdp.edges]
    assert edges == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0.25, 0.75, 1], [1, 2, 0]]
    assert mdp.transition.tolist() == PARTS["transition"]
    assert mdp.reward.tolist() == [[[1, 2], [0, 0]], [[0, 0], [0, 0]]]
    assert (mdp.num_states, mdp.num_actions, mdp.is_sparse) == (2, 2, True)
    for array in (*mdp.edges, mdp.transition, mdp.reward):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_dense_world_has_the_same_edges():
    mdp = world()
    edges = [part.tolist() for part in mdp.edges]
    assert edges == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0.25, 0.75, 1], [1, 2, 3]]
    assert not mdp.is_sparse


def test_sparse_rows_are_divided_by_their_sum_unless_that_is_no_rounding():
    almost = [(row, column, value * (1 - 9e-7)) for row, column, value in CHANCES]
    mdp = world(transition=coo(almost), reward=coo(PAID))
    np.testing.assert_allclose(mdp.edges.probability, [0.25, 0.75, 1], rtol=1e-15)
    for row, column, value, words in [
        (1, 1, 2e-6, r"transition\[0, 1\]: expected probabilities that sum to 1, got"),
        (2, 0, 0.9, r"transition\[1, 0\]: expected probabilities that sum to 1, got"),
        (1, 1, -0.5, r"transition\[0, 1\]: expected probabilities, got array\(\[ 1. ,"),
    ]:
        entries = [*CHANCES, (row, column, value)]
        with pytest.raises(ValueError, match=words):
            world(transition=coo(entries), reward=coo(PAID))


def test_what_would_be_too_large_is_refused_and_integers_are_observed_instead(
    monkeypatch,
):
    monkeypatch.setattr(mdps, "MOST_ENTRIES", 3)  # S * S is 4, S * A * S is 8
    sparse = {"transition": coo(CHANCES), "reward": coo(PAID)}
    with pytest.raises(ValueError, match="observations: .* 2 states are too many"):
        world(**sparse, observations=None)
    mdp = world(**sparse, observations=[1, 0])
    assert mdp.observations.tolist() == [1, 0]
    assert mdp.observations.dtype == np.int64
    for name in ("transition", "reward"):
        with pytest.raises(ValueError, match=rf"{name}: .* at most 3, got \(2, 2, 2\)"):
            getattr(mdp, name)
    assert len(mdp.edges.state) == 3
