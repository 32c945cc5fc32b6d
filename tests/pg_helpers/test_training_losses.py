"""Training on a loss, an optimizer and a schedule of one's own."""

import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn
from torch.distributions import (
    Independent,
    Normal,
    TanhTransform,
    TransformedDistribution,
)
from worlds import random_network, random_table

import pg_helpers as pg

BANDIT = pg.two_armed_bandit((0.2, 0.9))
CORRIDOR = pg.corridor()


def config(**changes):
    usual = {"num_updates": 6, "num_trajectories": 8, "learning_rate": 0.05}
    return pg.TrainConfig(**usual | changes)


def flat(policy):
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


def of_three(log_probs, rewards, mask):
    return pg.pseudo_loss(log_probs, pg.total_return(rewards, 0.95), mask)


def of_batch(batch, policy):
    log_probs = policy(batch.observations).log_prob(batch.actions)
    weights = pg.total_return(batch.rewards, 0.95)[:, None] * batch.mask
    return -(weights * log_probs).sum(1).mean()


def sgd(rate=0.5, momentum=0.0):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=momentum)


def trained(loss=None, settings=None, make=random_network, **more):
    policy = make(CORRIDOR)
    settings = settings or config()
    history = pg.train(CORRIDOR, policy, settings, progress=False, loss=loss, **more)
    return flat(policy), history


@pytest.mark.parametrize("loss", [of_three, of_batch])
def test_the_loss_of_the_package_handed_over_trains_the_same(loss):
    expected, usual = trained()
    found, history = trained(loss)
    assert torch.allclose(found, expected, atol=1e-12)
    for name in ("mean_return", "mean_length", "loss", "entropy", "gradient_norm"):
        assert getattr(history, name) == pytest.approx(getattr(usual, name), abs=1e-12)


def test_a_step_is_the_learning_rate_times_the_mean_of_return_times_score():
    # One step from state 0: the score of action a is e_a - pi, by hand.
    policy = pg.TabularPolicy(3, 2).double()
    start = policy.logits.detach().clone()
    settings = config(num_updates=1)
    (update,) = pg.iterate_training(
        BANDIT, policy, settings, loss=of_three, optimizer=sgd(0.5)
    )
    pi = start.softmax(-1).numpy()[0]
    scores = np.eye(2)[update.batch.actions[:, 0]] - pi
    gradient = (update.batch.rewards.numpy() * scores).mean(0)
    moved = (policy.logits.detach() - start).numpy()
    assert not moved[1:].any() and moved[0] == pytest.approx(0.5 * gradient, abs=1e-12)
    assert update.gradient_norm == pytest.approx(np.linalg.norm(gradient))


def test_a_forgotten_mask_shows():
    # The padded steps alone: their log-probability is a real one, with a graph.
    def of_padding(log_probs, rewards, mask):
        return -(log_probs * ~mask).sum()

    policy = random_network(CORRIDOR)
    updates = pg.iterate_training(CORRIDOR, policy, config(), loss=of_padding)
    update = next(updates)
    assert not update.batch.mask.all()  # there are some
    assert update.gradient_norm > 0.01


def test_a_loss_that_turns_nan_stops_with_the_number_and_the_history():
    calls = []

    def fails_at_the_third(log_probs, rewards, mask):
        calls.append(1)
        return log_probs.sum() * (float("nan") if len(calls) == 3 else 1.0)

    policy = random_network(CORRIDOR)
    with pytest.raises(
        pg.TrainingStoppedError, match="loss: expected a finite"
    ) as told:
        pg.train(CORRIDOR, policy, config(), progress=False, loss=fails_at_the_third)
    assert told.value.number == 2 and len(told.value.history) == 2
    assert flat(policy).isfinite().all()


OTHER = nn.Linear(1, 1).double()


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda a, b, c: 1.0, TypeError, "loss: expected a scalar tensor, got 1.0"),
        (lambda a, b, c: a, ValueError, r"loss: expected a scalar, got shape \(8"),
        (
            lambda a, b, c: a.detach().sum(),
            ValueError,
            "loss: expected one that carries",
        ),
        (lambda a, b, c: OTHER.weight.sum(), ValueError, "graph reaches none of them"),
        (lambda a, b, c, d: a.sum(), TypeError, "loss: expected a function of"),
        (7, TypeError, "loss: expected a function, got 7"),
    ],
)
def test_a_loss_that_nothing_learns_from_is_refused(loss, error, message):
    policy = random_network(CORRIDOR)
    before = flat(policy)
    with pytest.raises(error, match=message):
        pg.train(CORRIDOR, policy, config(), progress=False, loss=loss)
    assert torch.equal(flat(policy), before)


@pytest.mark.parametrize(
    "changes", [{"weights": "rewards_to_go"}, {"baseline": "batch_mean"}]
)
def test_weights_and_a_baseline_are_left_to_the_loss(changes):
    with pytest.raises(ValueError, match="loss: expected a config without weights"):
        trained(of_three, config(**changes))
    trained(None, config(**changes))


def test_adam_of_torch_takes_the_steps_of_ours():
    expected, _ = trained()
    found, _ = trained(optimizer=lambda p: torch.optim.Adam(p, lr=0.05))
    assert torch.allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("optimizer", "error", "message"),
    [
        (sgd()(random_table(2, 2).parameters()), TypeError, "expected a function, got"),
        (lambda p: list(p), TypeError, "that returns one of torch.optim"),
        (
            lambda p: torch.optim.SGD(OTHER.parameters(), lr=1),
            ValueError,
            "the policy's own",
        ),
    ],
)
def test_other_optimizers_are_refused(optimizer, error, message):
    with pytest.raises(error, match=f"optimizer: .*{message}"):
        trained(optimizer=optimizer)


def test_a_step_of_torch_that_is_not_finite_leaves_the_policy_as_it_was():
    policy = random_network(CORRIDOR)
    before = flat(policy)
    with pytest.raises(pg.TrainingStoppedError, match="step: expected finite"):
        pg.train(
            CORRIDOR, policy, config(), progress=False, optimizer=sgd(float("inf"))
        )
    assert torch.equal(flat(policy), before)


@pytest.mark.parametrize("optimizer", [None, sgd()])
def test_a_schedule_multiplies_the_learning_rate(optimizer):
    halved, _ = trained(optimizer=optimizer, schedule=lambda number: 0.5)
    rate = config(learning_rate=0.025)
    expected, _ = trained(None, rate, optimizer=optimizer and sgd(0.25))
    assert torch.allclose(halved, expected, atol=1e-12)
    numbers = []
    trained(schedule=lambda number: numbers.append(number) or 1.0)
    assert numbers == [0, 1, 2, 3, 4, 5]
    for factor, error in (
        (-1.0, ValueError),
        (float("nan"), ValueError),
        ("", TypeError),
    ):
        with pytest.raises(error, match="schedule: expected"):
            trained(schedule=lambda number, factor=factor: factor)


def test_a_longer_gradient_is_shortened_for_the_step_only():
    start = flat(random_network(CORRIDOR))
    usual, one = trained(None, config(num_updates=1), optimizer=sgd())
    norm = one.gradient_norm[0]
    short = config(num_updates=1, max_gradient_norm=norm / 4)
    moved, history = trained(None, short, optimizer=sgd())
    assert torch.allclose(moved - start, (usual - start) / 4, atol=1e-12)
    assert history.gradient_norm == [norm]
    long = config(num_updates=1, max_gradient_norm=2 * norm)
    assert torch.equal(trained(None, long, optimizer=sgd())[0], usual)
    with pytest.raises(
        ValueError, match="max_gradient_norm: expected a positive number"
    ):
        config(max_gradient_norm=0)


def scaled(factor):
    def loss(log_probs, rewards, mask):
        return factor * of_three(log_probs, rewards, mask)

    return loss


@pytest.mark.parametrize("optimizer", [None, sgd(0.1, momentum=0.9)])
def test_a_run_goes_on_where_it_left_off_with_its_loss_and_no_other(
    tmp_path, optimizer
):
    more = {"optimizer": optimizer, "schedule": lambda number: 1 / (1 + number)}
    expected, whole = trained(scaled(2.0), config(num_updates=10), **more)
    file = tmp_path / "run.pt"
    trained(scaled(2.0), config(num_updates=4), checkpoint=file, **more)
    resumed, history = trained(
        scaled(2.0), config(num_updates=10), checkpoint=file, **more
    )
    assert torch.equal(resumed, expected) and history == whole
    for loss in (scaled(3.0), of_three, None):
        with pytest.raises(ValueError, match="of another: loss = "):
            trained(loss, config(num_updates=10), checkpoint=file, **more)
    other = None if optimizer else sgd()
    with pytest.raises(ValueError, match="another kind of optimizer there"):
        trained(scaled(2.0), config(num_updates=10), checkpoint=file, optimizer=other)


class Target(gymnasium.Env):
    """One step; the nearer to 0.5 the better."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), -float((action[0] - 0.5) ** 2), True, False, {}


class Squashed(nn.Module):
    """A tanh of a Gaussian, whose entropy has no closed form."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1))

    def forward(self, observations):
        mean = self.mean.expand(*observations.shape[:-1], 1)
        normal = Normal(mean, 0.5)
        return Independent(TransformedDistribution(normal, [TanhTransform()]), 1)


@pytest.mark.parametrize("loss", [None, of_three])
def test_an_entropy_without_a_closed_form_is_estimated(loss):
    policy = Squashed()
    before = Squashed()
    settings = config(num_updates=1, num_trajectories=50)
    (update,) = pg.iterate_training(Target(), policy, settings, loss=loss)
    log_probs = before(update.batch.observations).log_prob(update.batch.actions)
    assert update.entropy == pytest.approx(-log_probs.mean().item(), abs=1e-5)


@pytest.mark.parametrize("noise", [nn.Dropout(0.5), nn.BatchNorm1d(4)])
def test_dropout_and_batch_normalisation_are_warned_of(noise):
    def make(mdp):
        policy = pg.MLPPolicy(mdp.observations.shape[1], mdp.num_actions, (4,))
        policy.network.insert(1, noise.train())
        return policy

    with pytest.warns(RuntimeWarning, match=rf"policy: {type(noise).__name__} "):
        trained(make=make)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(make=lambda mdp: make(mdp).eval())
