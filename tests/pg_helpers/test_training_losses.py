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
    calls.clear()
    two = config(num_updates=2)
    assert torch.equal(flat(policy), trained(fails_at_the_third, two)[0])


def changes_the_policy(batch, policy):
    with torch.no_grad():
        next(policy.parameters()).mul_(2)
    return of_batch(batch, policy)


def changes_it_and_fails(batch, policy):
    changes_the_policy(batch, policy)
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("loss", "error"),
    [(changes_the_policy, ValueError), (changes_it_and_fails, KeyError)],
)
def test_what_a_loss_does_to_the_policy_is_undone(loss, error):
    policy = random_network(CORRIDOR)
    before = flat(policy)
    with pytest.raises(error):
        pg.train(CORRIDOR, policy, config(), progress=False, loss=loss)
    assert torch.equal(flat(policy), before)


def test_what_a_loss_does_to_its_arguments_stays_there():
    def normalises_in_place(log_probs, rewards, mask):
        rewards.sub_(rewards.mean())
        return (log_probs * rewards).sum()

    updates = pg.iterate_training(
        CORRIDOR, random_network(CORRIDOR), config(), loss=normalises_in_place
    )
    update = next(updates)
    paid = update.batch.rewards.sum().item() / 8
    assert paid == update.mean_undiscounted_return > 0


def test_what_a_loss_draws_depends_on_the_seed_alone():
    def noisy(log_probs, rewards, mask):
        return (log_probs * torch.randn_like(log_probs) * mask).sum()

    torch.manual_seed(1)
    first, _ = trained(noisy)
    torch.manual_seed(2)
    assert torch.equal(trained(noisy)[0], first)


def test_a_policy_that_cannot_be_asked_about_padding_needs_not_be():
    class Direction(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = pg.MLPPolicy(4, 2, (3,))

        def forward(self, seen):
            return self.network(seen / seen.norm(dim=-1, keepdim=True))

    def of_taken(batch, policy):
        log_probs = policy(batch.observations[batch.mask]).log_prob(
            batch.actions[batch.mask]
        )
        return -log_probs.sum()

    env = gymnasium.make("CartPole-v1")
    pg.train(env, Direction(), config(), progress=False, loss=of_taken)


OTHER = nn.Linear(1, 1).double()


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda a, b, c: 1.0, TypeError, "loss: expected a tensor, got 1.0"),
        (lambda a, b, c: a, ValueError, r"loss: expected a scalar, got \(8"),
        (
            lambda a, b, c: a.detach().sum(),
            ValueError,
            "loss: expected one that carries",
        ),
        (
            lambda a, b, c: OTHER.weight.sum(),
            ValueError,
            "loss: expected a graph that reaches",
        ),
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
        (lambda p: torch.optim.LBFGS(p), TypeError, "got LBFGS"),
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
    halved, _ = trained(optimizer=optimizer, schedule=lambda number: torch.tensor(0.5))
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


def test_each_group_of_parameters_keeps_its_own_learning_rate():
    def two_groups(parameters):
        weights = [p for p in parameters if p.ndim > 1]
        biases = [p for p in parameters if p.ndim == 1]
        groups = [{"params": weights, "lr": 0.5}, {"params": biases, "lr": 0.001}]
        return torch.optim.SGD(groups)

    start = random_network(CORRIDOR)
    policy = random_network(CORRIDOR)
    (update,) = pg.iterate_training(
        CORRIDOR,
        policy,
        config(num_updates=1),
        optimizer=two_groups,
        schedule=lambda number: 0.5,
    )
    moved = [
        q - p for p, q in zip(start.parameters(), policy.parameters(), strict=True)
    ]
    slopes = [m / (0.25 if m.ndim > 1 else 0.0005) for m in moved]
    found = torch.cat([s.detach().flatten() for s in slopes]).norm().item()
    assert found == pytest.approx(update.gradient_norm, rel=1e-9)


def test_parameters_that_the_loss_does_not_reach_are_left_alone():
    policy = random_network(CORRIDOR)
    policy.value = nn.Linear(1, 1).double()
    before = policy.value.weight.detach().clone()
    decays = {"lr": 0.1, "weight_decay": 0.5}
    pg.train(
        *(CORRIDOR, policy, config()),
        progress=False,
        optimizer=lambda p: torch.optim.AdamW(p, **decays),
    )
    assert torch.equal(policy.value.weight, before)


@pytest.mark.parametrize("optimizer", [None, sgd(1.0)])
def test_a_gradient_whose_squares_overflow_is_shortened_all_the_same(optimizer):
    def huge(log_probs, rewards, mask):
        return 1e25 * of_three(log_probs, rewards, mask)

    def make(mdp):
        return random_network(mdp).float()

    short = config(num_updates=1, max_gradient_norm=0.5)
    start = flat(make(CORRIDOR))
    moved, history = trained(huge, short, make, optimizer=optimizer)
    usual = trained(of_three, short, make)[1].gradient_norm[0]
    assert history.gradient_norm[0] == pytest.approx(1e25 * usual, rel=1e-4)
    assert not torch.equal(moved, start)
    if optimizer:
        assert (moved - start).norm().item() == pytest.approx(0.5, rel=1e-4)


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
    for other in (
        {"optimizer": None if optimizer else sgd()},
        {"optimizer": sgd(0.2, momentum=0.9)},
        {"optimizer": lambda p: torch.optim.AdamW(p, lr=0.05)},
        {"schedule": None},
        {"schedule": lambda number: 1 / (2 + number)},
    ):
        (name,) = other
        with pytest.raises(ValueError, match=f"of another: {name} = "):
            trained(
                *(scaled(2.0), config(num_updates=10)),
                checkpoint=file,
                **more | other,
            )


class RunningMean(nn.Module):
    """A loss with a state: the mean return of the batches so far."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))
        self.calls = 0

    def forward(self, log_probs, rewards, mask):
        self.calls += 1
        self.mean.mul_(0.5).add_(0.5 * rewards.sum(1).mean())
        return ((self.mean - rewards.sum(1))[:, None] * log_probs * mask).sum(1).mean()


def test_the_state_of_a_loss_that_is_a_module_is_kept(tmp_path):
    expected, _ = trained(RunningMean(), config(num_updates=8))
    file = tmp_path / "run.pt"
    trained(RunningMean(), config(num_updates=3), checkpoint=file)
    resumed, _ = trained(RunningMean(), config(num_updates=8), checkpoint=file)
    assert torch.equal(resumed, expected)


def test_a_failed_step_leaves_no_trace_in_the_file(tmp_path):
    def breaks(number):
        return float("inf") if number == 3 else 1.0

    momentum = sgd(0.1, momentum=0.9)
    broken, whole = tmp_path / "broken.pt", tmp_path / "whole.pt"
    with pytest.raises((ValueError, pg.TrainingStoppedError)):
        trained(None, config(), optimizer=momentum, schedule=breaks, checkpoint=broken)
    trained(None, config(num_updates=3), optimizer=momentum, checkpoint=whole)
    states = [
        torch.load(file, weights_only=True)["optimizer"]["state"]
        for file in (broken, whole)
    ]
    for number, kept in states[1].items():
        found = states[0][number]["momentum_buffer"]
        assert torch.equal(found, kept["momentum_buffer"])


def test_a_learning_rate_of_numpy_can_be_kept(tmp_path):
    trained(optimizer=sgd(np.float64(0.1)), checkpoint=tmp_path / "run.pt")


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
