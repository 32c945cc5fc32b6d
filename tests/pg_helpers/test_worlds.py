import numpy as np
import pytest

import pg_helpers as pg
from pg_helpers import mdp as mdps


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


def test_the_grid_by_hand():
    # 0 1 2
    # 3 4 5   without slip: up, right, down, left, and walls that hold.
    mdp = pg.grid_world(rows=2, columns=3, horizon=5)
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
    assert mdp.reward.max() == 1.0
    assert mdp.horizon == 5


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
    assert mdp.initial.tolist() == [1, 0, 0]
    assert mdp.terminal.tolist() == [False, True, True]
    np.testing.assert_allclose(mdp.transition[0], [[0, 0.5, 0.5], [0, 0.5, 0.5]])
    np.testing.assert_allclose(mdp.reward[0], [[0, 0.9, -0.1], [0, 1.1, 0.1]])
    assert mdp.horizon == 1


def test_the_hill_by_hand():
    world = pg.hill(slip=0.1)
    assert world.initial.tolist() == [0.75, 0.25, 0]
    assert world.terminal.tolist() == [False, False, True]
    # Resting stays where it is; climbing goes up, or slides down to the valley.
    assert world.transition[0].tolist() == [[1, 0, 0], [0.1, 0.9, 0]]
    assert world.transition[1].tolist() == [[0, 1, 0], [0.1, 0, 0.9]]
    # Berries for resting in the valley, 1 for entering the summit, and no more.
    assert [*zip(*np.nonzero(world.reward), strict=True)] == [(0, 0, 0), (1, 1, 2)]
    assert (world.reward[0, 0, 0], world.reward[1, 1, 2]) == (0.2, 1)
    assert pg.hill(horizon=3).horizon == 3


def test_the_hill_has_sixteen_trajectories_and_its_value_by_hand():
    assert pg.exact.count_trajectories(pg.hill()) == 16
    # Half of the time either action. From the ridge: 3/8 at once; 1/2 rest and 1/8
    # slide, and with one step left the ridge is worth 3/8, the valley 1/10. From the
    # valley: 1/2 rest with 0.2, then 1/10; 3/8 up to the ridge; 1/8 stay.
    ridge = 3 / 8 + 0.9 * (1 / 2 * 3 / 8 + 1 / 8 * 1 / 10)
    valley = 1 / 2 * 0.2 + 0.9 * (5 / 8 * 1 / 10 + 3 / 8 * 3 / 8)
    policy = pg.TabularPolicy(3, 2).double()
    objective = pg.exact.objective(pg.hill(), policy, 0.9).item()
    assert objective == pytest.approx(3 / 4 * valley + 1 / 4 * ridge, abs=1e-12)


def test_a_random_world_depends_on_its_seed_and_ends_in_its_last_state_alone():
    first, again = pg.random_mdp(4, 3, 5), pg.random_mdp(4, 3, 5, seed=0)
    other = pg.random_mdp(4, 3, 5, seed=1)
    for name in ("initial", "transition", "reward"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.isclose(getattr(first, name), getattr(other, name)).all()
    assert (first.transition > 0).all()
    assert (first.initial > 0).tolist() == [True, True, True, False]
    assert first.terminal.tolist() == [False, False, False, True]
    assert (first.num_actions, first.horizon) == (3, 5)


def test_the_worlds_unless_told():
    corridor, grid, bandit = pg.corridor(), pg.grid_world(), pg.two_armed_bandit()
    assert (corridor.num_states, corridor.horizon) == (7, 12)
    assert (grid.num_states, grid.horizon) == (16, 20)
    # From cell 5, the second of the second row: up, right, down, left.
    assert np.argwhere(grid.transition[5])[:, 1].tolist() == [1, 6, 9, 4]
    assert bandit.reward[0].tolist() == [[0, 0.4, 0.4], [0, 0.6, 0.6]]


def test_the_smallest_worlds_and_where_they_start():
    assert pg.corridor(3).initial.tolist() == [0, 1, 0]
    assert pg.corridor(4).initial.tolist() == [0, 0, 1, 0], "right of the middle"
    for world in (pg.grid_world(1, 2), pg.grid_world(2, 1), pg.random_mdp(2, 1, 1)):
        assert world.initial.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("num_transitions", "make"),
    [
        (3 * 2 * 3, lambda: pg.corridor(3)),
        (2 * 4 * 2, lambda: pg.grid_world(1, 2)),
        (2 * 3 * 2, lambda: pg.random_mdp(2, 3, 1)),
    ],
)
def test_a_world_may_have_the_most_transitions_and_no_more(
    num_transitions, make, monkeypatch
):
    monkeypatch.setattr(mdps, "MOST_ENTRIES", num_transitions)
    make()
    monkeypatch.setattr(mdps, "MOST_ENTRIES", num_transitions - 1)
    with pytest.raises(ValueError, match="at most"):
        make()
