import pytest
import torch
from oracles import paths
from worlds import random_table

import pg_helpers as pg
from pg_course.shared import trajectories


def test_the_names_tell_states_and_actions_in_turn():
    found = trajectories.names_of(pg.exact.trajectories(pg.hill()), "VRS", "·↗")
    expected = {
        " ".join(("·↗" if i % 2 else "VRS")[code] for i, code in enumerate(path.key))
        for path in paths(pg.hill(), torch.full((3, 2), 0.5).numpy())
    }
    assert len(found) == 16 and set(found) == expected
    assert found[0] == "V · V · V" and found[-1] == "R ↗ S"


@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_a_sampled_trajectory_is_found_in_the_list(horizon):
    world = pg.hill(horizon=horizon)
    listed = pg.exact.trajectories(world)
    batch = pg.sample_trajectories(world, random_table(3, 2), 200, seed=1)
    found = trajectories.find(batch, listed)
    assert found.shape == (200,) and len(found.unique()) > 3
    assert torch.equal(listed.mask[found], batch.mask)
    assert torch.equal(listed.rewards[found], batch.rewards.double())
    for i, k in enumerate(found.tolist()):
        steps = batch.mask[i]
        states = [*batch.observations[i][steps], batch.final_observations[i]]
        visited = [int(seen.argmax()) for seen in states]
        listed_states = [
            *listed.states[k, :-1][steps].tolist(),
            int(listed.states[k, -1]),
        ]
        assert visited == listed_states
        assert torch.equal(batch.actions[i][steps], listed.actions[k][steps])


def test_a_batch_shorter_than_the_horizon_is_found():
    world, policy = pg.hill(slip=0, horizon=3), pg.TabularPolicy(3, 2)
    policy.logits.data[:, 1] = 50.0  # always climbs: at most two steps
    batch = pg.sample_trajectories(world, policy, 20, seed=0)
    assert batch.mask.shape[1] == 2
    listed = pg.exact.trajectories(world)
    names = trajectories.names_of(listed, "VRS", "·↗")
    found = {names[k] for k in trajectories.find(batch, listed).tolist()}
    assert found == {"V ↗ R ↗ S", "R ↗ S"}


def test_a_trajectory_of_another_world_is_not_found():
    batch = pg.sample_trajectories(pg.hill(), random_table(3, 2), 200, seed=0)
    with pytest.raises(ValueError, match="batch: .* not in the list of this world"):
        trajectories.find(batch, pg.exact.trajectories(pg.hill(slip=0.0)))
