from functools import cache

import numpy as np
import pytest
import torch
from oracles import assert_refused, paths
from worlds import WORLDS, sparse_world

import pg_helpers as pg
from pg_helpers import exact

each_world = pytest.mark.parametrize("mdp", WORLDS.values(), ids=WORLDS.keys())


def recursive_paths(mdp):
    return paths(mdp, np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions))


def recursive_count(mdp):
    """K by counting from each state onward; remembers, so long horizons are no task."""

    @cache
    def onward(state, steps_left):
        if mdp.terminal[state] or steps_left == 0:
            return 1
        ways = (mdp.transition[state] > 0).sum(axis=0)
        return sum(
            int(number) * onward(after, steps_left - 1)
            for after, number in enumerate(ways)
            if number
        )

    for steps_left in range(mdp.horizon):  # from below, or Python's stack runs out
        for state in range(mdp.num_states):
            onward(state, steps_left)
    starts = np.flatnonzero(mdp.initial)
    return sum(onward(int(state), mdp.horizon) for state in starts)


def in_words(count):
    """All digits below 10^15, then three of them and a power of ten."""
    return f"{count:,}" if count < 10**15 else f"{count:.3g}"


def unpadded(listed, row):
    """Row of a listing as (states, actions, rewards), cut at its mask."""
    length = int(listed.mask[row].sum())
    return (
        tuple(listed.states[row, : length + 1].tolist()),
        tuple(listed.actions[row, :length].tolist()),
        tuple(listed.rewards[row, :length].tolist()),
    )


@each_world
def test_the_listing_is_that_of_plain_recursion_in_its_order(mdp):
    listed = pg.exact.trajectories(mdp)
    expected = [(p.states, p.actions, p.rewards) for p in recursive_paths(mdp)]
    found = [unpadded(listed, row) for row in range(len(listed.states))]
    assert found == expected


@each_world
def test_the_order_is_lexicographic_and_nothing_is_listed_twice(mdp):
    listed = pg.exact.trajectories(mdp)
    states, actions = listed.states.tolist(), listed.actions.tolist()
    keys = []
    for visited, taken in zip(states, actions, strict=True):
        key = [visited[0]]
        for action, after in zip(taken, visited[1:], strict=True):
            key += [action, after]
        keys.append(tuple(key))
    assert keys == sorted(set(keys))


@each_world
def test_the_count_is_the_length_of_the_listing(mdp):
    count = pg.exact.count_trajectories(mdp)
    assert count == len(pg.exact.trajectories(mdp).states)
    assert count == len(recursive_paths(mdp)) == recursive_count(mdp)


def test_counts_by_hand():
    # Corridor of 3 cells, start 1: in each of 2 steps, left or right; right from cell 1
    # ends. LL, LR, R; cell 0 leads to 0 by L and 1 by R.
    assert pg.exact.count_trajectories(pg.corridor(3, 2)) == 3
    # random_mdp(3, 2, T): from each of 2 living states, 2 actions lead to 2 living
    # states (4 ways on) and 2 ways to the end. a(T) trajectories with a(0) = 1 and
    # a(T) = 4 a(T-1) + 2: 6, 26, 106; times 2 starts.
    assert pg.exact.count_trajectories(pg.random_mdp(3, 2, 3)) == 212


def test_a_count_beyond_64_bits_is_exact():
    mdp = pg.random_mdp(5, 3, 60)
    count = pg.exact.count_trajectories(mdp)
    assert count == recursive_count(mdp)
    assert count > 2**64


@each_world
def test_what_follows_the_end_is_padding(mdp):
    listed = pg.exact.trajectories(mdp)
    T = mdp.horizon
    assert listed.states.shape[1:] == (T + 1,)
    assert listed.actions.shape == listed.rewards.shape == listed.mask.shape
    assert listed.mask.shape[1] == T
    for row, length in enumerate(listed.mask.sum(1).tolist()):
        assert listed.mask[row].tolist() == [True] * length + [False] * (T - length)
        assert not listed.actions[row, length:].any()
        assert not listed.rewards[row, length:].any()
        last = listed.states[row, length]
        assert (listed.states[row, length:] == last).all()
        assert mdp.terminal[last] or length == T
        assert not mdp.terminal[listed.states[row, :length]].any()


def test_a_trajectory_that_starts_ended_has_no_step():
    mdp = sparse_world(start_ended=True)
    listed = pg.exact.trajectories(mdp)
    empty = ~listed.mask.any(dim=1)
    assert listed.states[empty].tolist() == [[2] * 5]
    assert not listed.rewards[empty].any()


def test_the_types_are_those_of_indexes_numbers_and_masks():
    listed = pg.exact.trajectories(pg.corridor(3, 2))
    assert listed.states.dtype == listed.actions.dtype == torch.int64
    assert listed.rewards.dtype == torch.float64
    assert listed.mask.dtype == torch.bool


@pytest.fixture
def _nothing_grows(monkeypatch):
    """A refusal that came too late would fill the memory of the machine."""

    def must_not_run(mdp):
        raise AssertionError("the enumeration was started")

    monkeypatch.setattr(exact, "_grow", must_not_run)
    monkeypatch.setattr(pg.exact, "_grow", must_not_run)


@pytest.mark.usefixtures("_nothing_grows")
@pytest.mark.parametrize(
    "call",
    [
        pg.exact.trajectories,
        lambda mdp: pg.exact.objective(mdp, pg.MLPPolicy(1, 2), 0.9),
        lambda mdp: pg.exact.gradient(mdp, pg.MLPPolicy(1, 2), 0.9),
        lambda mdp: pg.exact.expectation(
            mdp, pg.MLPPolicy(1, 2), lambda all_of_them: all_of_them.mask
        ),
    ],
)
@pytest.mark.parametrize("horizon", [30, 100, 600])
def test_a_listing_that_would_not_fit_is_refused_with_its_count(call, horizon):
    mdp = pg.corridor(horizon=horizon)
    assert_refused(
        lambda: call(mdp),
        ValueError,
        f"has {in_words(recursive_count(mdp))} trajectories",
        "GiB",
        "the limit is 1.0 GiB",
        "objective_by_dp",
        f"horizon {horizon}",
    )


@pytest.mark.usefixtures("_nothing_grows")
def test_the_limit_can_be_set(monkeypatch):
    monkeypatch.setattr(exact, "MEMORY_LIMIT", 100)
    assert_refused(
        lambda: pg.exact.trajectories(pg.random_mdp(3, 2, 3)), ValueError, "212"
    )


@pytest.mark.usefixtures("_nothing_grows")
@pytest.mark.parametrize("horizon", [1000, 5000])
def test_a_count_beyond_the_range_of_floats_is_refused_too(horizon):
    # Each of 3 actions leads to 4 living states, or by 3 ways to the end: a(T) =
    # 12 a(T-1) + 3 with a(0) = 1, which is more than 12^T.
    assert_refused(
        lambda: pg.exact.trajectories(pg.random_mdp(5, 3, horizon)),
        ValueError,
        "more than 10^250 trajectories",
        "GiB",
        "objective_by_dp",
    )
