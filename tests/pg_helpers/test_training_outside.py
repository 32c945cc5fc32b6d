"""What training leaves as it was: generators, threads and other environments."""

from itertools import islice

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from worlds import WORLDS, CountingEnv

import pg_helpers as pg

MDP = WORLDS["random (4, 3), horizon 3"]
REACH = CountingEnv(action_space=gymnasium.spaces.Box(-1, 1, (1,)))


def config():
    return pg.TrainConfig(num_updates=5, num_trajectories=4)


@pytest.mark.parametrize(
    ("env", "kind"),
    [(MDP, pg.MLPPolicy), (REACH, pg.GaussianPolicy)],
)
def test_the_global_generators_stay_as_they_were(env, kind):
    policy = pg.policy_for(env)
    assert type(policy) is kind
    torchs, numpys = torch.get_rng_state(), np.random.get_state()[1].tolist()
    for _ in pg.iterate_training(env, policy, config()):
        assert torch.equal(torch.get_rng_state(), torchs)
    assert np.random.get_state()[1].tolist() == numpys


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Watching(pg.TabularPolicy):
    """Notes the number of threads whenever it is asked, and may fail."""

    fails_at = None

    def __init__(self):
        super().__init__(4, 3)
        self.threads = []

    def forward(self, observations):
        self.threads.append(torch.get_num_threads())
        if len(self.threads) == self.fails_at:
            raise KeyError("the policy failed")
        return super().forward(observations)


def test_one_thread_inside_and_as_many_as_before_between(two_threads):
    policy = Watching()
    updates = pg.iterate_training(MDP, policy, config())
    for _ in islice(updates, 3):
        assert torch.get_num_threads() == 2
    updates.close()
    assert torch.get_num_threads() == 2
    assert set(policy.threads) == {1}


def test_the_threads_are_restored_after_an_error(two_threads):
    policy = Watching()
    policy.fails_at = 4
    with pytest.raises(KeyError):
        pg.train(MDP, policy, config(), progress=False)
    assert torch.get_num_threads() == 2


def test_an_environment_made_from_an_id_is_closed_when_training_is(monkeypatch):
    closed = []
    made = SyncVectorEnv([CountingEnv])
    monkeypatch.setattr(made, "close", lambda: closed.append(True))
    monkeypatch.setattr(gymnasium, "make_vec", lambda name, number: made)
    updates = pg.iterate_training("CartPole-v1", pg.MLPPolicy(2, 2), config())
    next(updates)
    assert not closed
    updates.close()
    assert closed == [True]
