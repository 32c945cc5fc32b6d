import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import GAMMAS, NUMBERS, THINGS, near, right_or_not

import pg_helpers as pg
from pg_helpers import mdp as mdps

SIZES = right_or_not(
    st.one_of(st.integers(-1, 5), st.integers(2, 5), st.sampled_from([10**9, 2**62]))
)
HORIZONS = right_or_not(
    st.one_of(st.integers(0, 5), st.integers(1, 5), st.sampled_from([10**9, 2**60]))
)
FIELDS = ("initial", "transition", "reward", "terminal", "horizon", "observations")
HUGE = st.sampled_from([1e308, -1e308, 3e38, 1e-320, 1.0])


def assert_is_a_world(world):
    """All that the docstring promises, whatever went in."""
    S, A = world.num_states, world.num_actions
    assert world.initial.shape == world.terminal.shape == (S,)
    assert world.transition.shape == world.reward.shape == (S, A, S)
    assert world.observations.shape[0] == S
    assert world.observations.ndim == 2
    assert abs(world.initial.sum() - 1) < 1e-12
    living = world.transition[~world.terminal]
    assert living.size
    np.testing.assert_allclose(living.sum(-1), 1, atol=1e-12)
    assert (world.transition >= 0).all()
    assert 1 <= world.horizon <= 100_000
    for name in FIELDS:
        if name != "horizon":
            assert not getattr(world, name).flags.writeable


def made(call, names):
    world = judge(call, names)
    if world is not None:
        assert_is_a_world(world)
    return world


@st.composite
def parts(draw):
    """The fields of a world; at most two of them are wrong."""
    S, A = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    right = {
        "initial": generator.dirichlet(np.ones(S)),
        "transition": generator.dirichlet(np.ones(S), (S, A)),
        "reward": generator.normal(size=(S, A, S)) * draw(HUGE),
        "terminal": np.arange(S) == S - 1 if S > 1 else np.zeros(1, bool),
        "horizon": 3,
        "observations": generator.normal(size=(S, 2)),
    }
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=2, unique=True)):
        value = right[name]
        right[name] = draw(st.one_of(THINGS.map(lambda t: t()), spoiled(value)))
    return right


@st.composite
def spoiled(draw, value):
    """Another number in it, another shape, another type."""
    if not isinstance(value, np.ndarray):
        return draw(HORIZONS)()
    value = value.copy()
    how = draw(st.sampled_from(["number", "shape", "dtype", "list"]))
    if how == "number" and value.size:
        place = draw(st.integers(0, value.size - 1))
        with np.errstate(all="ignore"):
            value.flat[place] = draw(NUMBERS)
    elif how == "shape":
        value = np.resize(value, draw(near(value.shape)))
    elif how == "dtype":
        kind = draw(st.sampled_from(["f2", "f4", "i8", "u1", "?", "c8", "O", "U5"]))
        with np.errstate(all="ignore"):
            value = value.astype(kind)
    else:
        value = value.tolist()
    return value


@covers(pg.TabularMDP)
@given(parts())
def test_a_world_on_paper(fields):
    world = made(lambda: pg.TabularMDP(**fields), FIELDS)
    if world is not None:
        given_rewards = np.asarray(fields["reward"], dtype=float)
        np.testing.assert_array_equal(world.reward, given_rewards)
        assert world.horizon == fields["horizon"]


@covers(mdps.check_mdp)
@given(right_or_not(st.just(pg.hill())))
def test_check_mdp(value):
    value, passed = value(), []
    judge(lambda: passed.append(mdps.check_mdp(value)), ("mdp",))
    assert bool(passed) == isinstance(value, pg.TabularMDP)


@covers(mdps.check_size)
@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_check_size(num_states, num_actions):
    passed = []
    judge(lambda: passed.append(mdps.check_size("n", num_states, num_actions)), ("n",))
    assert bool(passed) == (num_states * num_actions * num_states <= 2**24)


@covers(pg.corridor)
@given(SIZES, HORIZONS)
def test_corridor(length, horizon):
    length, horizon = length(), horizon()
    world = made(lambda: pg.corridor(length, horizon), ("length", "horizon"))
    if world is not None:
        assert (world.num_states, world.horizon) == (length, horizon)


@covers(pg.grid_world)
@given(SIZES, SIZES, GAMMAS, HORIZONS)
def test_grid_world(rows, columns, slip, horizon):
    rows, columns, slip, horizon = rows(), columns(), slip(), horizon()
    names = ("rows", "columns", "slip", "horizon")
    world = made(lambda: pg.grid_world(rows, columns, slip, horizon), names)
    if world is not None:
        assert world.num_states == rows * columns
        # Up from the top left corner: against the wall, or aside.
        stays = world.transition[0, 0, 0]
        assert stays == 1 if columns == 1 else abs(stays - 1 + slip / 2) < 1e-6


@covers(pg.two_armed_bandit)
@given(right_or_not(st.lists(NUMBERS, max_size=3)), right_or_not(NUMBERS))
def test_two_armed_bandit(means, noise):
    means, noise = means(), noise()
    world = made(lambda: pg.two_armed_bandit(means, noise), ("reward_means", "noise"))
    if world is not None:
        means, noise = np.asarray(means, dtype=float), float(noise)
        for arm in range(2):
            paid = world.reward[0, arm, 1:]
            np.testing.assert_array_equal(
                paid, [means[arm] + noise, means[arm] - noise]
            )


@covers(pg.random_mdp)
@given(SIZES, SIZES, HORIZONS, right_or_not(st.integers(-1, 2**70)))
def test_random_mdp(num_states, num_actions, horizon, seed):
    values = [num_states(), num_actions(), horizon(), seed()]
    names = ("num_states", "num_actions", "horizon", "seed")
    world = made(lambda: pg.random_mdp(*values), names)
    if world is not None:
        found = [world.num_states, world.num_actions, world.horizon]
        assert found == values[:3]


@covers(pg.hill)
@given(GAMMAS, HORIZONS)
def test_hill(slip, horizon):
    slip, horizon = slip(), horizon()
    world = made(lambda: pg.hill(slip, horizon), ("slip", "horizon"))
    if world is not None:
        assert abs(world.transition[0, 1, 0] - float(slip)) < 1e-15
