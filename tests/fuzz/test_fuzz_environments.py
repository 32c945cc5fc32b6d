"""Single environments that lie: refused in words, or sampled as they were."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hostile import (
    SEEN,
    TAKEN,
    UNUSUAL,
    Fault,
    Hostile,
    hostile,
    judged,
    left_alone,
    uniform,
)
from hypothesis import given
from hypothesis import strategies as st
from odd import HARMFUL, HARMLESS

import pg_helpers as pg

NAMES = ("env", "observations", "rewards", "final_observations", "policy", "action")
NAMES += ("observation",)  # of "observation space"


def check_against(env, batch, seen=None, taken=None, dtype=torch.float32):
    """The batch says what the environment wrote down when it gave it."""
    taken = taken or env.action_space
    start = getattr(seen or env.observation_space, "start", 0)
    count = len(batch.mask)
    assert len(env.episodes) == count
    width = batch.mask.shape[1]
    for number, episode in enumerate(env.episodes):
        length = len(episode.actions)
        mask = [step < length for step in range(width)]
        assert batch.mask[number].tolist() == mask
        shown = torch.tensor(np.array(episode.seen[: length + 1]) - start).to(dtype)
        assert torch.equal(batch.observations[number, :length].to(dtype), shown[:-1])
        assert torch.equal(batch.final_observations[number].to(dtype), shown[-1])
        rewards = torch.tensor([float(r) for r in episode.rewards], dtype=dtype)
        assert torch.equal(batch.rewards[number, :length], rewards)
        cut = bool(episode.truncated) and not bool(episode.terminated)
        assert batch.truncated[number].item() is cut
        for padded in (batch.rewards, batch.actions, batch.observations):
            assert not padded[number, length:].any()
        check_actions(taken, batch.actions[number, :length], episode.actions)


def check_actions(space, drawn, received):
    drawn, received = drawn.numpy(), np.array(received)
    if isinstance(space, spaces.Discrete):
        assert np.array_equal(drawn + space.start, received)
    else:
        told = np.clip(drawn, space.low, space.high).astype(space.dtype)
        assert np.array_equal(told, received)
        assert received.dtype == space.dtype


@given(env=hostile)
def test_sample_trajectory(env):
    policy = uniform(env)
    with left_alone():
        found = judged(
            lambda: vars(pg.sample_trajectory(env, policy, max_steps=9)), NAMES
        )
    if found is not None:
        check_against(env, pg.Trajectories(**found))
    assert found is not None or env.faults
    assert env.closed == 0


@given(env=hostile, number=st.integers(1, 4))
def test_sample_trajectories_in_a_single_environment(env, number):
    policy = uniform(env)
    with left_alone():
        found = judged(
            lambda: vars(pg.sample_trajectories(env, policy, number, max_steps=9)),
            NAMES,
        )
    if found is not None:
        check_against(env, pg.Trajectories(**found))
    assert found is not None or env.faults
    assert env.closed == 0


@given(
    env=st.builds(Hostile, st.sampled_from(SEEN), st.sampled_from(TAKEN), st.just([0])),
    max_steps=st.integers(1, 12),
)
def test_an_episode_without_end(env, max_steps):
    policy = uniform(env)
    assert (
        judged(lambda: pg.sample_trajectory(env, policy, 0, max_steps), NAMES) is None
    )
    assert env.steps == max_steps
    call = lambda: pg.sample_trajectories(env, policy, 2, 0, max_steps)  # noqa: E731
    assert judged(call, NAMES) is None
    assert env.steps == 2 * max_steps


@given(
    seen=st.sampled_from(SEEN + UNUSUAL),
    taken=st.sampled_from(TAKEN + UNUSUAL),
    missing=st.sampled_from([None, "observation_space", "action_space"]),
)
def test_spaces(seen, taken, missing):
    env = Hostile(spaces.Discrete(2), taken, [3])
    env.observation_space = seen
    if missing:
        delattr(env, missing)
    policy = judged(lambda: pg.policy_for(env), NAMES)
    fits = not missing and seen in SEEN and taken in TAKEN
    assert (policy is not None) >= fits
    one = judged(lambda: pg.sample_trajectory(env, policy), NAMES)
    two = judged(lambda: pg.sample_trajectories(env, policy, 2), NAMES)
    assert (one is not None) == (two is not None) == fits


@pytest.mark.parametrize("part", ["seen", "first"])
@pytest.mark.parametrize("change", [*HARMLESS, *HARMFUL])
def test_each_change_of_what_is_shown(change, part):
    fault = Fault(part, int(part == "seen"), {**HARMLESS, **HARMFUL}[change])
    for single in (True, False):
        env = Hostile(SEEN[0], TAKEN[0], [3], [fault])

        def call(env=env, single=single):
            if single:
                return vars(pg.sample_trajectory(env, uniform(env)))
            return vars(pg.sample_trajectories(env, uniform(env), 1))

        found = judged(call, NAMES)
        assert (found is not None) == (change in HARMLESS)
        if found is not None:
            check_against(env, pg.Trajectories(**found))


@pytest.mark.parametrize("part", ["terminated", "truncated", "info"])
@pytest.mark.parametrize("value", [None, "3", [], [True], 2, -1, 0.5, 1.0, {1}, 1j])
def test_each_flag_that_is_none(part, value):
    env = Hostile(SEEN[0], TAKEN[0], [3], [Fault(part, 1, lambda honest: value)])
    call = lambda: pg.sample_trajectories(env, uniform(env), 1)  # noqa: E731
    assert judged(call, NAMES) is None
