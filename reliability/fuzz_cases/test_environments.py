"""Environments that lie: refused in words, or sampled as they were."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hostile import SEEN, TAKEN, Fault, Hostile, hostile, left_alone, uniform
from hostile_vector import UNKNOWN, vectors
from hypothesis import given
from hypothesis import strategies as st
from judge import judge
from nonsense import HARMFUL, HARMLESS

import pg_helpers as pg

NAMES = ("env", "observation", "observations", "rewards", "final_observations")


def sampled(env, number=None):
    """The batch, or None where the environment was refused or raised."""
    policy = uniform(env)

    def call():
        if number is None:
            return pg.sample_trajectory(env, policy, max_steps=9)
        return pg.sample_trajectories(env, policy, number, max_steps=9)

    with left_alone():
        return judge(call, NAMES)


def assert_as_recorded(batch, episodes, seen, taken):
    """The batch says what the environment wrote down when it gave it."""
    assert len(batch.mask) == len(episodes)
    for number, episode in enumerate(episodes):
        length = len(episode.actions)
        steps = range(batch.mask.shape[1])
        assert batch.mask[number].tolist() == [step < length for step in steps]
        shown = np.array(episode.seen[: length + 1]) - getattr(seen, "start", 0)
        shown = torch.tensor(shown).float()
        assert torch.equal(batch.observations[number, :length].float(), shown[:-1])
        assert torch.equal(batch.final_observations[number].float(), shown[-1])
        rewards = torch.tensor([float(reward) for reward in episode.rewards])
        assert torch.equal(batch.rewards[number, :length], rewards)
        cut = bool(episode.truncated) and not bool(episode.terminated)
        assert batch.truncated[number].item() is cut
        for padded in (batch.rewards, batch.actions, batch.observations):
            assert not padded[number, length:].any()
        drawn = batch.actions[number, :length].numpy()
        received = np.array(episode.actions)
        if isinstance(taken, spaces.Discrete):
            assert np.array_equal(drawn + taken.start, received)
        else:
            told = np.clip(drawn, taken.low, taken.high).astype(taken.dtype)
            assert np.array_equal(told, received)


@given(env=hostile, number=st.none() | st.integers(1, 4))
def test_a_single_environment_is_sampled_as_it_was(env, number):
    batch = sampled(env, number)
    assert batch is not None or env.faults
    if batch is not None:
        space = env.observation_space
        assert_as_recorded(batch, env.episodes, space, env.action_space)


@given(envs=vectors, number=st.integers(1, 7))
def test_a_vector_environment_is_sampled_as_it_was(envs, number):
    batch = sampled(envs, number)
    unknown = envs.mode in UNKNOWN
    assert batch is None or not unknown
    assert batch is not None or envs.faults or unknown
    if batch is not None:
        episodes = envs.episodes[:number]
        space = envs.single_observation_space
        assert_as_recorded(batch, episodes, space, envs.single_action_space)


@pytest.mark.parametrize("number", [None, 1])
@pytest.mark.parametrize("part", ["seen", "first"])
@pytest.mark.parametrize("change", [*HARMLESS, *HARMFUL])
def test_an_observation_is_accepted_where_only_its_form_changed(change, part, number):
    fault = Fault(part, int(part == "seen"), {**HARMLESS, **HARMFUL}[change])
    env = Hostile(SEEN[0], TAKEN[0], [3], [fault])
    assert (sampled(env, number) is not None) == (change in HARMLESS)
