import dataclasses

import numpy as np
import pytest
from oracles import assert_refused

import pg_helpers as pg

NAN = float("nan")


def world(**changes):
    """Two states and two actions; state 1 is terminal. Parts can be replaced."""
    parts = {
        "initial": [1.0, 0.0],
        "transition": [[[0.25, 0.75], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]],
        "reward": [[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]],
        "terminal": [False, True],
        "horizon": 3,
    }
    return pg.TabularMDP(**parts | changes)


def test_a_world_holds_what_it_was_given():
    mdp = world()
    assert (mdp.num_states, mdp.num_actions, mdp.horizon) == (2, 2, 3)
    assert mdp.initial.tolist() == [1.0, 0.0]
    assert mdp.transition[0].tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert mdp.reward[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert mdp.terminal.tolist() == [False, True]
    assert mdp.observations.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert mdp.terminal.dtype == bool
    assert {a.dtype for a in (mdp.initial, mdp.transition, mdp.reward)} == {
        np.dtype(np.float64)
    }
    assert repr(mdp) == "TabularMDP(2 states, 2 actions, 1 terminal, horizon 3)"


def test_a_world_cannot_be_changed():
    mdp = world()
    with pytest.raises(dataclasses.FrozenInstanceError):
        mdp.horizon = 4
    for name in ("initial", "transition", "reward", "terminal", "observations"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(mdp, name)[0] = 0


def test_a_world_keeps_copies():
    reward = np.zeros((2, 2, 2))
    terminal = np.array([False, True])
    seen = np.array([[1.0], [2.0]])
    mdp = world(reward=reward, terminal=terminal, observations=seen)
    reward[:], terminal[:], seen[:] = 7.0, True, 7.0
    assert not mdp.reward.any()
    assert mdp.terminal.tolist() == [False, True]
    assert mdp.observations.tolist() == [[1.0], [2.0]]


def test_the_rounding_of_float32_is_mended():
    row = np.array([0.1] * 10, np.float32).cumsum()[-1]
    rows = [[[0.3, np.float32(0.7)]], [[0.0, 0.0]]]
    mdp = pg.TabularMDP([row, 0], rows, np.zeros((2, 1, 2)), [0, 1], 2)
    assert row != 1, "the case that is tested"
    assert mdp.initial.tolist() == [1.0, 0.0]
    assert mdp.transition[0, 0].sum() == pytest.approx(1, abs=1e-15)
    assert mdp.transition[0, 0, 0] == pytest.approx(0.3, abs=1e-7)


def test_rows_of_terminal_states_may_be_zero_or_probabilities():
    transition = np.zeros((2, 2, 2))
    transition[0, :, 1] = 1.0
    transition[1, 0] = [0.5, 0.5]
    mdp = world(transition=transition)
    assert mdp.transition[1].tolist() == [[0.5, 0.5], [0.0, 0.0]]


REFUSALS = [
    ({"initial": [0.5, 0.4]}, ValueError, ("initial", "sum to 1", "0.9")),
    ({"initial": [1.5, -0.5]}, ValueError, ("initial", "probabilities", "-0.5")),
    ({"initial": [NAN, 1]}, ValueError, ("initial", "finite", "nan")),
    ({"initial": [[1.0, 0.0]]}, ValueError, ("initial", "(S,)", "(1, 2)")),
    ({"initial": []}, ValueError, ("initial", "(S,)", "(0,)")),
    ({"initial": "start"}, TypeError, ("initial", "numbers", "start")),
    ({"transition": np.ones((2, 2, 2)) / 3}, ValueError, ("transition[0, 0]", "0.66")),
    (
        {"transition": [[[0.25, 0.75], [1.5, -0.5]], [[0, 0], [0, 0]]]},
        ValueError,
        ("transition[0, 1]", "probabilities", "-0.5"),
    ),
    (
        {"transition": [[[0.25, 0.75], [1, 0]], [[0.5, 0.4], [0, 0]]]},
        ValueError,
        ("transition[1, 0]", "sum to 1", "0.9"),
    ),
    (
        {"transition": np.zeros((3, 2, 3))},
        ValueError,
        ("transition", "(S, A, S)", "S = 2", "(3, 2, 3)"),
    ),
    ({"transition": np.zeros((2, 2))}, ValueError, ("transition", "(2, 2)")),
    ({"transition": np.zeros((2, 0, 2))}, ValueError, ("transition", "A >= 1")),
    ({"transition": [["a"]]}, TypeError, ("transition", "numbers", "'a'")),
    ({"reward": np.zeros((2, 3, 2))}, ValueError, ("reward", "(2, 2, 2)", "(2, 3, 2)")),
    (
        {"reward": np.full((2, 2, 2), np.inf)},
        ValueError,
        ("reward", "finite", "inf"),
    ),
    ({"reward": None}, TypeError, ("reward", "None")),
    ({"terminal": ["a", "b"]}, TypeError, ("terminal", "numbers", "'a'")),
    ({"terminal": [[1], [0, 1]]}, TypeError, ("terminal", "inhomogeneous")),
    ({"terminal": [True, True]}, ValueError, ("terminal", "not terminal")),
    ({"terminal": [False]}, ValueError, ("terminal", "(2,)", "(1,)")),
    ({"terminal": [0, 2]}, ValueError, ("terminal", "booleans", "[0, 2]")),
    ({"horizon": 0}, ValueError, ("horizon", "at least 1", "0")),
    ({"horizon": 2.0}, TypeError, ("horizon", "integer", "2.0")),
    ({"observations": [1, 2]}, ValueError, ("observations", "(S, D)", "(2,)")),
    ({"observations": [[1.0]]}, ValueError, ("observations", "S = 2", "(1, 1)")),
    ({"observations": [[], []]}, ValueError, ("observations", "D >= 1", "(2, 0)")),
    ({"observations": [[1], [NAN]]}, ValueError, ("observations", "nan")),
]


@pytest.mark.parametrize(("changes", "kind", "words"), REFUSALS)
def test_what_is_no_world_is_refused_by_name(changes, kind, words):
    assert_refused(lambda: world(**changes), kind, *words)
