"""Pictures of trajectories, and a training run with buttons: odd worlds, odd settings.

Covered are course.watch, course.strip and course.TrainingDashboard, whose buttons are
pressed in any order. `start` needs an event loop: tests/pg_course/test_dashboard.py.
"""

import dataclasses
from unittest.mock import patch

import gymnasium
import numpy as np
import pytest
import torch
from hostile import Hostile, hostile, judged, uniform
from hypothesis import given
from hypothesis import strategies as st
from judge import covers
from nonsense import THINGS, Made, right_or_not, thing
from screens import shown
from torch import nn
from worlds import sparse_world

import pg_course as course
import pg_helpers as pg
from pg_course.stage import dashboard, shapes

NAMES = ("env", "batch", "alt", "index", "milliseconds", "max_frames", "num_frames")
NAMES += ("plays", "observation")
SETTINGS = ("config", "make_policy", "num_updates", "policy", "value", "set", "options")
SETTINGS += ("observations", "rewards", "final_observations", "action", "probabilities")

# Odd numbers make odd figures; whether honest ones are legible is asked elsewhere.
pytestmark = pytest.mark.usefixtures("without_examination")

ENVS = {
    "corridor": lambda: pg.corridor(3, horizon=6),
    "grid": lambda: pg.grid_world(horizon=9),
    "table": sparse_world,
    "single": lambda: pg.TabularEnv(pg.hill()),
    "vector": lambda: pg.TabularVectorEnv(pg.corridor(4, horizon=5), 2),
    "CartPole": lambda: gymnasium.make("CartPole-v1", max_episode_steps=9),
    "CartPoles": lambda: gymnasium.make_vec("CartPole-v1", 2, max_episode_steps=9),
    "an id": lambda: "CartPole-v1",
    "integers": lambda: Hostile(gymnasium.spaces.Discrete(3), BINARY, [2]),
    "numbers": lambda: Hostile(gymnasium.spaces.Box(-1, 1, (2,)), BINARY, [3]),
}
BINARY = gymnasium.spaces.Discrete(2)
ODD_IDS = ("", "no:such", "CartPole-v999", "x" * 5000)


def sampled(name):
    env = ENVS[name]()
    made = gymnasium.make(env) if isinstance(env, str) else env
    policy = pg.policy_for(made) if isinstance(made, pg.TabularMDP) else uniform(made)
    return pg.sample_trajectories(made, policy, 2)


BATCHES = {name: sampled(name) for name in ENVS}
kinds = st.sampled_from(sorted(ENVS))
envs = st.one_of(
    kinds.map(lambda name: Made(name, ENVS[name])),
    st.one_of(THINGS, st.sampled_from(ODD_IDS).map(lambda i: Made(repr(i), lambda: i))),
)
batches = st.one_of(
    kinds.map(lambda name: Made(f"BATCHES[{name!r}]", lambda: BATCHES[name])), THINGS
)
alts = right_or_not(st.sampled_from(["The agent walks", " ", "<b>'\n\""]))
counts = right_or_not(st.sampled_from([-1, 0, 1, 2, 3, 40, 10**7]))


@covers(course.watch)
@given(
    env=envs,
    batch=batches,
    own=st.booleans(),
    alt=alts,
    index=right_or_not(st.integers(-4, 4)),
    milliseconds=counts,
    max_frames=counts,
    plays=counts,
)
def test_watch(env, batch, own, alt, index, milliseconds, max_frames, plays):
    batch = BATCHES.get(repr(env), batch()) if own else batch()
    one = judged(
        lambda: course.watch(env(), batch, "The agent walks", max_frames=2), NAMES
    )
    assert one is None or repr(one) == "The agent walks"
    numbers = (index(), milliseconds(), max_frames(), plays())
    moving = judged(lambda: course.watch(env(), batch, alt(), *numbers), NAMES)
    if moving is not None:
        assert -2 <= numbers[0] < 2
        assert 2 <= numbers[2] <= 100


@covers(course.strip)
@given(
    env=envs,
    batch=batches,
    own=st.booleans(),
    alt=alts,
    index=right_or_not(st.integers(-4, 4)),
    num_frames=counts,
)
def test_strip(env, batch, own, alt, index, num_frames):
    batch = BATCHES.get(repr(env), batch()) if own else batch()
    one = judged(
        lambda: course.strip(env(), batch, "The agent walks", num_frames=2), NAMES
    )
    assert one is not None or not own or repr(env) not in BATCHES
    still = judged(
        lambda: course.strip(env(), batch, alt(), index(), num_frames()), NAMES
    )
    if still is not None:
        assert -2 <= index() < 2
        assert 2 <= num_frames() <= 100


@pytest.mark.parametrize("name", ENVS)
@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("draw", [course.watch, course.strip])
def test_a_batch_that_is_not_finite(name, number, draw):
    batch = BATCHES[name]
    if not batch.observations.is_floating_point():
        return
    last = batch.final_observations.clone()
    last[-1, 0] = number
    wrong = dataclasses.replace(batch, final_observations=last)
    assert judged(lambda: draw(ENVS[name](), wrong, "It walks"), ("batch",)) is None


class Odd(nn.Module):
    """A policy that answers with anything."""

    def __init__(self, answer):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.answer = answer

    def forward(self, seen):
        return self.answer()


def dashboard_of(env, config=None, make_policy=None):
    """Without the pictures: they take most of the time."""
    with patch.object(dashboard, "png_of", lambda figure, small=False: PNG):
        return course.TrainingDashboard(env, config, make_policy)


PNG = course.Picture(
    b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\1" * 2 + b"\x08\x02\0\0\0" * 4,
    "x",
).png


@covers(course.TrainingDashboard)
@given(env=envs, config=THINGS, make_policy=THINGS, made=THINGS, answer=THINGS)
def test_arguments_of_a_dashboard(env, config, make_policy, made, answer):
    few = pg.TrainConfig(num_updates=2, num_trajectories=2)
    board = judged(lambda: dashboard_of(env(), few), (*NAMES, *SETTINGS))
    assert board is not None or repr(env) not in ENVS
    world = pg.corridor(3, horizon=4)
    odd = judged(lambda: dashboard_of(world, config()), SETTINGS)
    assert odd is None or repr(config) == "None"
    if not callable(make_policy()):  # what it raises by itself is its own
        judged(lambda: dashboard_of(world, few, make_policy()), SETTINGS)
    judged(lambda: dashboard_of(world, few, made), SETTINGS)
    judged(lambda: dashboard_of(world, few, lambda: Odd(answer)), SETTINGS)


@given(hostile, st.integers(0, 3))
def test_a_hostile_environment_in_a_dashboard(env, updates):
    config = pg.TrainConfig(num_updates=3, num_trajectories=2, max_steps=50)
    board = judged(lambda: dashboard_of(env, config), (*NAMES, *SETTINGS))
    if board is None:
        return
    with patch.object(dashboard, "png_of", lambda figure, small=False: PNG):
        history = judged(lambda: board.run(updates), (*NAMES, *SETTINGS))
        assert (history is None) == (board.error is not None)
        if board.error is not None:  # shown, and kept, and what was learned too
            words = shown(board._view.box, "pg-error").text
            assert type(board.error).__name__ in words
            board.step()
            assert board.state == "failed"
            assert type(board.error).__name__ in shown(board._view.box, "pg-error").text
        assert len(board.history) <= updates
        board.reset()
    assert (len(board.history), board.state) == (0, "ready")


CHANGES = {
    "learning_rate": [1e-4, 1.0, 0.5],
    "gamma": [0.0, 1.0, 0.3],
    "num_trajectories": [1, 3, 2],
    "seed": [0, 4, 9],
    "weights": ["total_return", "rewards_to_go"],
}
presses = st.one_of(
    st.sampled_from([("step",), ("pause",), ("stop",), ("reset",)]),
    st.tuples(st.just("run"), right_or_not(st.sampled_from([None, 0, 1, 2, -1]))),
    st.tuples(
        st.just("set"),
        st.sampled_from([*CHANGES, "baseline", "max_steps", ""]),
        right_or_not(st.sampled_from([v for vs in CHANGES.values() for v in vs])),
    ),
)


class Model:
    """What a dashboard of so many updates should say, from its documentation."""

    def __init__(self, total):
        self.total, self.made, self.state = total, 0, "ready"

    def train(self, number):
        if self.state in ("ready", "paused"):
            self.made = min(self.total, self.made + number)
            self.state = "finished" if self.made == self.total else "paused"

    def press(self, name, done, number=None):
        if name == "step":
            self.train(1)
        elif name == "stop" and self.state in ("ready", "paused"):
            self.state = "stopped"
        elif name == "reset":
            self.made, self.state = 0, "ready"
        elif name == "run" and done:
            self.train(self.total if number is None else number)


@given(st.lists(presses, min_size=1, max_size=12))
def test_buttons_in_any_order(presses):
    model, config = Model(5), pg.TrainConfig(num_updates=5, num_trajectories=2)
    board = dashboard_of(pg.corridor(3, horizon=4), config)
    with patch.object(dashboard, "png_of", lambda figure, small=False: PNG):
        for name, *parts in presses:
            before = board.config
            if name == "set":
                setting, value = parts[0], parts[1]()
                judged(lambda: board.set(**{setting: value}), SETTINGS)  # noqa: B023
                plain = setting in CHANGES and isinstance(value, int | float | str)
                offered = plain and board._view.settings[setting] == value
            elif name == "run":
                number = parts[0]()
                done = judged(lambda: board.run(number), SETTINGS)  # noqa: B023
                model.press(name, done is not None, number)
            else:
                judged(getattr(board, name), SETTINGS)
                model.press(name, True)
            assert len(board.history) == model.made
            assert board.error is None
            if name == "set" and model.made == 0 and model.state == "paused":
                model.state = board.state  # a run of none, begun anew where changed
            assert board.state == model.state
            if name == "set" and model.state in ("ready", "paused"):
                assert not offered or getattr(board.config, setting) == value
            elif name != "reset":
                assert board.config == before
            assert all(p.isfinite().all() for p in board.policy.parameters())


@pytest.mark.parametrize("seed", [2**64, 2**70])
def test_a_seed_beyond_what_pytorch_takes(seed):
    board = dashboard_of(pg.corridor(3), pg.TrainConfig(num_updates=1, seed=seed))
    assert board.error is None


def test_a_dashboard_on_a_world_whose_rewards_overflow():
    world = pg.corridor(3, horizon=4)
    world = dataclasses.replace(world, reward=world.reward * 1e308 - 1e308)
    judged(lambda: dashboard_of(world, pg.TrainConfig(num_updates=1)), SETTINGS)


def test_an_answer_that_is_no_distribution():
    made = thing("torch.zeros(2, 3)")
    board = judged(
        lambda: dashboard_of(pg.corridor(3), None, lambda: Odd(made)), SETTINGS
    )
    assert board is None


@covers(shapes.is_corridor, shapes.grid_shape)
@given(st.integers(2, 6), st.integers(2, 4), st.integers(0, 99))
def test_the_shape_of_a_world_without_one(num_states, num_actions, seed):
    world = pg.random_mdp(num_states, num_actions, 3, seed=seed)
    assert shapes.is_corridor(world) is False or num_states == 2
    shape = shapes.grid_shape(world)
    assert shape is None or (shape[0] * shape[1] == num_states and num_actions == 4)
