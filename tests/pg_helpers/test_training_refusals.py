from dataclasses import FrozenInstanceError

import gymnasium
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from oracles import assert_refused
from torch.distributions import Categorical
from worlds import CountingEnv

import pg_helpers as pg

NAN = float("nan")


def config(**changes):
    return pg.TrainConfig(**{"num_updates": 6, "num_trajectories": 2} | changes)


def flat(policy):
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


def stopped(env, policy, settings):
    """Train until it stops: the error, and the parameters after each update made."""
    after = [flat(policy)]
    with pytest.raises(pg.TrainingStoppedError) as caught:
        for _ in pg.iterate_training(env, policy, settings):
            after.append(flat(policy))
    return caught.value, after


@pytest.mark.parametrize("k", [0, 1, 4])
def test_a_reward_that_is_not_a_number_stops_training_at_its_update(k):
    # Each update resets the one environment twice; from reset 2 k + 1 on, all is NaN.
    policy = pg.MLPPolicy(2, 2)
    env = SyncVectorEnv([lambda: CountingEnv(reset_limit=2 * k)])
    error, after = stopped(env, policy, config())
    assert error.number == k
    assert len(error.history) == k == len(after) - 1
    assert len(error.history.mean_return) == len(error.history.entropy) == k
    assert torch.equal(flat(policy), after[-1])
    assert flat(policy).isfinite().all()
    for word in (f"update {k}", "rewards", "nan", "nan at [0, 0]", ".history"):
        assert word in str(error)
    assert isinstance(error, ValueError)
    assert isinstance(error.__cause__, pg.NotFiniteError)


def test_train_stops_in_the_same_way():
    env = SyncVectorEnv([lambda: CountingEnv(reset_limit=4)])
    with pytest.raises(pg.TrainingStoppedError) as caught:
        pg.train(env, pg.MLPPolicy(2, 2), config(), progress=False)
    assert (caught.value.number, len(caught.value.history)) == (2, 2)


def test_training_that_diverges_stops_with_finite_parameters():
    # After one step of 1e38 the logits of the network overflow float32.
    policy = pg.MLPPolicy(1, 2)
    error, after = stopped(pg.corridor(), policy, config(learning_rate=1e38))
    assert error.number == len(error.history) == len(after) - 1 == 1
    assert torch.equal(flat(policy), after[-1])
    assert flat(policy).isfinite().all()
    assert "policy" in str(error)
    assert "smaller learning rate" in str(error)


def test_a_step_that_overflows_leaves_finite_parameters():
    policy = pg.MLPPolicy(1, 2)
    stopped(pg.corridor(), policy, config(learning_rate=1e39))
    assert flat(policy).isfinite().all()


class Steep(torch.nn.Module):
    """Its probabilities are finite; from update `k` on their gradient is not."""

    def __init__(self, k):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(2))
        self.k, self.asked = k, 0

    def forward(self, seen):
        self.asked += torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        # The slope of the square root at 0 is infinite, times 0 is NaN.
        steep = (0 * self.logits).sqrt() if self.asked > self.k else 0
        logits = (self.logits + steep).expand(*seen.shape[:-1], 2)
        return Categorical(logits=logits, validate_args=False)


@pytest.mark.parametrize("k", [0, 2])
def test_a_gradient_that_is_not_a_number_stops_training_before_the_step(k):
    policy = Steep(k)
    error, after = stopped(pg.corridor(), policy, config())
    assert error.number == len(error.history) == len(after) - 1 == k
    assert "gradient" in str(error)
    assert torch.equal(flat(policy), after[-1])
    assert flat(policy).isfinite().all()


def test_the_global_generator_and_the_threads_survive_a_stop():
    torchs, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    policy = Steep(1)
    stopped(pg.corridor(), policy, config())
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), torchs)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        config().gamma = 0.5


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"num_updates": 0}, ValueError, ("num_updates", "1", "0")),
        ({"num_updates": 10.0}, TypeError, ("num_updates", "10.0")),
        ({"num_trajectories": 0}, ValueError, ("num_trajectories", "1", "0")),
        ({"num_trajectories": "2"}, TypeError, ("num_trajectories", "'2'")),
        ({"max_steps": -1}, ValueError, ("max_steps", "1", "-1")),
        ({"max_steps": None}, TypeError, ("max_steps", "None")),
        ({"seed": -1}, ValueError, ("seed", "0", "-1")),
        ({"seed": None}, TypeError, ("seed", "None")),
        ({"gamma": 1.1}, ValueError, ("gamma", "[0, 1]", "1.1")),
        ({"gamma": NAN}, ValueError, ("gamma", "nan")),
        ({"gamma": "1"}, TypeError, ("gamma", "'1'")),
        ({"learning_rate": 0.0}, ValueError, ("learning_rate", "positive", "0.0")),
        ({"learning_rate": -1e-3}, ValueError, ("learning_rate", "-0.001")),
        ({"learning_rate": NAN}, ValueError, ("learning_rate", "nan")),
        ({"learning_rate": float("inf")}, ValueError, ("learning_rate", "inf")),
        ({"learning_rate": "1e-3"}, TypeError, ("learning_rate", "'1e-3'")),
        ({"learning_rate": None}, TypeError, ("learning_rate", "None")),
        ({"learning_rate": [1]}, TypeError, ("learning_rate", "[1]")),
        ({"weights": "reward"}, ValueError, ("weights", "'total_return'", "'reward'")),
        ({"baseline": "mean"}, ValueError, ("baseline", "'batch_mean'", "'mean'")),
        (
            {"baseline": "batch_mean", "num_trajectories": 1},
            ValueError,
            ("num_trajectories", "at least 2", "1"),
        ),
    ],
)
def test_what_is_no_configuration_is_refused_by_name(changes, kind, words):
    assert_refused(lambda: config(**changes), kind, *words)


def train(env, policy, settings):
    return pg.train(env, policy, settings, progress=False)


MANY_ACTIONS = pg.MLPPolicy(1, 3)
FROZEN = pg.MLPPolicy(1, 2).requires_grad_(False)
EARLY = [
    ((pg.corridor(), pg.MLPPolicy(1, 2), {}), TypeError, ("config", "{}")),
    ((pg.corridor(), None, config()), TypeError, ("policy", "Module", "None")),
    ((pg.corridor(), lambda seen: seen, config()), TypeError, ("policy", "function")),
    ((pg.corridor(), FROZEN, config()), ValueError, ("policy", "trainable")),
]
LATER = [
    ((None, pg.MLPPolicy(1, 2), config()), TypeError, ("env", "None")),
    (("Nowhere-v0", pg.MLPPolicy(1, 2), config()), ValueError, ("env", "'Nowhere-v0'")),
    ((pg.corridor(), MANY_ACTIONS, config()), ValueError, ("policy", "Discrete(2)")),
    (
        (CountingEnv(None), pg.MLPPolicy(2, 2), config(max_steps=20)),
        ValueError,
        ("env", "max_steps = 20"),
    ),
]


@pytest.mark.parametrize(("arguments", "kind", "words"), EARLY)
def test_what_is_wrong_is_refused_before_the_first_update_is_asked_for(
    arguments, kind, words
):
    assert_refused(lambda: pg.iterate_training(*arguments), kind, *words)


@pytest.mark.parametrize(("arguments", "kind", "words"), EARLY + LATER)
def test_what_cannot_be_trained_is_refused_by_name(arguments, kind, words):
    assert_refused(lambda: next(pg.iterate_training(*arguments)), kind, *words)
    assert_refused(lambda: train(*arguments), kind, *words)


@pytest.mark.parametrize("progress", [True, False])
def test_the_progress_bar_can_be_switched_off(progress, capsys):
    pg.train(pg.corridor(), pg.MLPPolicy(1, 2), config(), progress=progress)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("6/6" in printed.err) is progress
    assert progress or printed.err == ""


@pytest.mark.parametrize("name", ["MountainCarContinuous-v0", "Pendulum-v1"])
def test_real_valued_actions_can_be_trained(name):
    env = gymnasium.make(name, max_episode_steps=5)
    policy = pg.policy_for(env)
    (update,) = pg.iterate_training(env, policy, config(num_updates=1))
    assert update.batch.actions.shape == (2, 5, 1)
    assert update.batch.truncated.tolist() == [True, True]
    assert update.gradient_norm > 0
