from types import SimpleNamespace

import numpy as np
import pytest
import torch
from oracles import paths

import pg_helpers as pg
from pg_course.shared import trajectories

HALF = np.full((3, 2), 0.5)


@pytest.fixture
def listed():
    return pg.exact.trajectories(pg.hill())


# Names


def test_the_names_tell_states_and_actions_in_turn(listed):
    found = trajectories.names_of(listed, "VRS", "·↗")
    expected = {
        " ".join(("·↗" if i % 2 else "VRS")[code] for i, code in enumerate(path.key))
        for path in paths(pg.hill(), HALF)
    }
    assert len(found) == len(set(found)) == 16
    assert set(found) == expected
    assert found[0] == "V · V · V" and found[-1] == "R ↗ S"


@pytest.mark.parametrize(
    ("states", "actions", "name"), [("VR", "·↗", "states"), ("VRS", "·", "actions")]
)
def test_too_few_words_are_refused(listed, states, actions, name):
    with pytest.raises(ValueError, match=f"^{name}: expected at least"):
        trajectories.names_of(listed, states, actions)


# Samples in the list


@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_a_sampled_trajectory_is_found_where_it_stands(horizon):
    world = pg.hill(horizon=horizon)
    listed = pg.exact.trajectories(world)
    batch = pg.sample_trajectories(world, pg.TabularPolicy(3, 2).double(), 300, 1)
    found = trajectories.find(batch, listed)
    assert found.shape == (300,) and len(found.unique()) > 3
    for i, k in enumerate(found.tolist()):
        length = int(batch.lengths[i])
        assert length == int(listed.mask[k].sum())
        visited = batch.observations[i, :length].argmax(-1).tolist()
        assert visited == listed.states[k, :length].tolist()
        taken = slice(0, length)
        assert batch.actions[i, taken].tolist() == listed.actions[k, taken].tolist()
        assert batch.rewards[i, taken].tolist() == listed.rewards[k, taken].tolist()
        assert batch.final_observations[i].argmax() == listed.states[k, -1]


def test_a_batch_of_short_trajectories_is_found_too():
    world = pg.hill(slip=0, horizon=3)
    listed = pg.exact.trajectories(world)
    policy = pg.TabularPolicy(3, 2)
    with torch.no_grad():
        policy.logits[:, 1] = 50.0  # always climbs: at most two steps
    batch = pg.sample_trajectories(world, policy, 20, seed=0)
    assert batch.mask.shape[1] == 2
    names = trajectories.names_of(listed, "VRS", "·↗")
    found = {names[k] for k in trajectories.find(batch, listed).tolist()}
    assert found == {"V ↗ R ↗ S", "R ↗ S"}


def test_a_sample_of_another_world_is_refused(listed):
    batch = SimpleNamespace(
        observations=torch.eye(3)[torch.tensor([[2, 2]])],
        actions=torch.zeros(1, 2, dtype=torch.int64),
        final_observations=torch.eye(3)[[0]],
        mask=torch.ones(1, 2, dtype=torch.bool),
    )
    with pytest.raises(ValueError, match="^batch: 1 of its trajectories"):
        trajectories.find(batch, listed)


def climber():
    """Climbs in the valley and on the ridge with these logits."""
    policy = pg.TabularPolicy(3, 2).double()
    with torch.no_grad():
        policy.logits[:2, 1] = torch.tensor([0.25, 1.25])
    return policy


def test_what_was_not_used_to_find_them_agrees_too(listed):
    batch = pg.sample_trajectories(pg.hill(), climber(), 400, seed=3)
    numbers = trajectories.find(batch, listed)
    assert len(numbers.unique()) == 16
    assert torch.equal(listed.rewards[numbers], batch.rewards.double())
    assert torch.equal(listed.mask[numbers], batch.mask)


def test_trajectories_of_another_world_are_refused(listed):
    longer = pg.sample_trajectories(pg.hill(horizon=3), climber(), 20, seed=0)
    with pytest.raises(ValueError, match="batch: expected trajectories of up to 2"):
        trajectories.find(longer, listed)
    surer = pg.exact.trajectories(pg.hill(slip=0.0))
    batch = pg.sample_trajectories(pg.hill(), climber(), 200, seed=0)
    with pytest.raises(ValueError, match="batch: .*of this world"):
        trajectories.find(batch, surer)
