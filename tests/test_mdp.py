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
    ({"initial": [NAN, 1]}, ValueError, ("initial", "finite", "nan", "[0]")),
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
    ({"transition": np.zeros((2, 0, 2))}, ValueError, ("transition", "one action")),
    ({"transition": [["a"]]}, TypeError, ("transition", "numbers", "'a'")),
    ({"reward": np.zeros((2, 3, 2))}, ValueError, ("reward", "(2, 2, 2)", "(2, 3, 2)")),
    (
        {"reward": np.full((2, 2, 2), np.inf)},
        ValueError,
        ("reward", "finite", "inf", "[0, 0, 0]"),
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
    ({"observations": [[1], [NAN]]}, ValueError, ("observations", "nan", "[1, 0]")),
]


@pytest.mark.parametrize(("changes", "kind", "words"), REFUSALS)
def test_what_is_no_world_is_refused_by_name(changes, kind, words):
    assert_refused(lambda: world(**changes), kind, *words)


def test_the_corridor_by_hand():
    # Cells 0 to 4; start 2; the left wall holds; entering 4 pays 1 and ends.
    mdp = pg.corridor(length=5, horizon=6)
    assert mdp.initial.tolist() == [0, 0, 1, 0, 0]
    assert mdp.terminal.tolist() == [False] * 4 + [True]
    assert mdp.transition[:4, 0].argmax(1).tolist() == [0, 0, 1, 2]
    assert mdp.transition[:4, 1].argmax(1).tolist() == [1, 2, 3, 4]
    assert set(mdp.transition.ravel()) == {0.0, 1.0}
    assert np.argwhere(mdp.reward[:4] * mdp.transition[:4]).tolist() == [[3, 1, 4]]
    assert mdp.reward[3, 1, 4] == 1.0
    assert mdp.observations.tolist() == [[-1], [-0.5], [0], [0.5], [1]]
    assert mdp.horizon == 6


def test_an_even_corridor_starts_right_of_its_middle():
    assert pg.corridor(length=4).initial.tolist() == [0, 0, 1, 0]


def test_the_grid_by_hand():
    # 0 1 2
    # 3 4 5   without slip: up, right, down, left, and walls that hold.
    mdp = pg.grid_world(rows=2, columns=3)
    assert mdp.transition[0].argmax(1).tolist() == [0, 1, 3, 0]
    assert mdp.transition[1].argmax(1).tolist() == [1, 2, 4, 0]
    assert mdp.transition[2].argmax(1).tolist() == [2, 2, 5, 1]
    assert mdp.transition[3].argmax(1).tolist() == [0, 4, 3, 3]
    assert mdp.transition[4].argmax(1).tolist() == [1, 5, 4, 3]
    assert set(mdp.transition.ravel()) == {0.0, 1.0}
    assert mdp.initial.tolist() == [0.2] * 5 + [0.0]
    assert mdp.terminal.tolist() == [False] * 5 + [True]
    paid = np.argwhere(mdp.reward[:5] * mdp.transition[:5])
    assert paid.tolist() == [[2, 2, 5], [4, 1, 5]]


def test_the_slippery_grid_by_hand():
    # slip 0.2: from cell 4 of the 2 by 3 grid, "right" arrives at 5 with 0.8, slips up
    # to 1 with 0.1, and slips down into the wall, back to 4, with 0.1. From the corner
    # 0, "up" and the slip to the left both meet walls: 0.8 + 0.1 stay, 0.1 goes right.
    mdp = pg.grid_world(rows=2, columns=3, slip=0.2)
    np.testing.assert_allclose(mdp.transition[4, 1], [0, 0.1, 0, 0, 0.1, 0.8])
    np.testing.assert_allclose(mdp.transition[0, 0], [0.9, 0.1, 0, 0, 0, 0])
    np.testing.assert_allclose(mdp.transition[1, 2], [0.1, 0, 0.1, 0, 0.8, 0])


def test_the_bandit_by_hand():
    mdp = pg.two_armed_bandit((0.4, 0.6), noise=0.5)
    assert mdp.horizon == 1
    assert mdp.terminal.tolist() == [False, True, True]
    np.testing.assert_allclose(mdp.transition[0], [[0, 0.5, 0.5], [0, 0.5, 0.5]])
    np.testing.assert_allclose(mdp.reward[0, :, 1:], [[0.9, -0.1], [1.1, 0.1]])


def test_a_random_world_depends_on_its_seed_alone():
    first, again = pg.random_mdp(4, 3, 5, seed=7), pg.random_mdp(4, 3, 5, seed=7)
    other = pg.random_mdp(4, 3, 5, seed=8)
    for name in ("initial", "transition", "reward"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.isclose(getattr(first, name), getattr(other, name)).all()


def test_a_random_world_has_no_impossible_step_and_ends_in_its_last_state():
    mdp = pg.random_mdp(4, 3, 5, seed=1)
    assert mdp.transition.shape == (4, 3, 4)
    assert (mdp.transition[:3] > 0).all()
    assert (mdp.initial > 0).tolist() == [True, True, True, False]
    assert mdp.terminal.tolist() == [False, False, False, True]
    assert mdp.horizon == 5


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: pg.corridor(2), ValueError, ("length", "at least 3", "2")),
        (lambda: pg.corridor(7.0), TypeError, ("length", "7.0")),
        (lambda: pg.corridor(horizon=0), ValueError, ("horizon", "0")),
        (lambda: pg.corridor(horizon="9"), TypeError, ("horizon", "'9'")),
        (lambda: pg.grid_world(0), ValueError, ("rows", "0")),
        (lambda: pg.grid_world(columns=1.5), TypeError, ("columns", "1.5")),
        (lambda: pg.grid_world(1, 1), ValueError, ("rows * columns", "2", "1")),
        (lambda: pg.grid_world(slip=1.5), ValueError, ("slip", "[0, 1]", "1.5")),
        (lambda: pg.grid_world(slip="no"), TypeError, ("slip", "'no'")),
        (lambda: pg.grid_world(horizon=0), ValueError, ("horizon", "0")),
        (
            lambda: pg.two_armed_bandit((1, 2, 3)),
            ValueError,
            ("reward_means", "(2,)", "(3,)"),
        ),
        (
            lambda: pg.two_armed_bandit((NAN, 1)),
            ValueError,
            ("reward_means", "nan", "[0]"),
        ),
        (lambda: pg.two_armed_bandit("ab"), TypeError, ("reward_means", "ab")),
        (lambda: pg.two_armed_bandit(noise=NAN), ValueError, ("noise", "nan")),
        (lambda: pg.two_armed_bandit(noise="a"), TypeError, ("noise", "'a'")),
        (lambda: pg.two_armed_bandit(noise=[1, 2]), ValueError, ("noise", "(2,)")),
        (lambda: pg.random_mdp(1, 2, 3), ValueError, ("num_states", "2", "1")),
        (lambda: pg.random_mdp(3, 0, 3), ValueError, ("num_actions", "1", "0")),
        (lambda: pg.random_mdp(3, 2, 0), ValueError, ("horizon", "1", "0")),
        (lambda: pg.random_mdp(3, 2, 3, seed=-1), ValueError, ("seed", "-1")),
        (lambda: pg.random_mdp(3, 2.0, 3), TypeError, ("num_actions", "2.0")),
        (lambda: pg.random_mdp("3", 2, 3), TypeError, ("num_states", "'3'")),
        (lambda: pg.random_mdp(3, 2, None), TypeError, ("horizon", "None")),
        (lambda: pg.random_mdp(3, 2, 3, seed=0.5), TypeError, ("seed", "0.5")),
    ],
)
def test_each_maker_of_worlds_refuses_by_name(call, kind, words):
    assert_refused(call, kind, *words)
