from copy import deepcopy
from itertools import islice

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from oracles import discounted, score, softmax
from worlds import WORLDS, CountingEnv, random_table

import pg_helpers as pg
from pg_helpers import training
from pg_helpers.training import return_weights

MDP = WORLDS["random (4, 3), horizon 3"]
NUMBERS = (
    "mean_return",
    "mean_undiscounted_return",
    "mean_length",
    "loss",
    "entropy",
    "gradient_norm",
)


def config(**changes):
    return pg.TrainConfig(**{"num_updates": 5, "num_trajectories": 4} | changes)


def flat(policy):
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


def weights_by_hand(batch, gamma, kind, baseline):
    """Table (N, T) by plain loops; NaN where no step was taken."""
    rewards, lengths = batch.rewards.tolist(), batch.lengths.tolist()
    weights = np.full(batch.mask.shape, np.nan)
    for i, length in enumerate(lengths):
        for t in range(length):
            first = 0 if kind == "total_return" else t
            weights[i, t] = discounted(rewards[i][first:length], gamma)
    if baseline and kind == "total_return":
        weights -= weights[:, 0].mean()
    elif baseline:
        weights -= np.nanmean(weights, axis=0)
    return weights


@pytest.mark.parametrize("kind", ["total_return", "rewards_to_go"])
@pytest.mark.parametrize("baseline", [None, "batch_mean"])
def test_every_update_is_the_one_made_by_hand(kind, baseline):
    # From each batch: weights, scores and entropies by plain loops in NumPy, and the
    # step by torch.optim.Adam. Float64, so both must agree to rounding.
    policy = random_table(4, 3)
    twin = torch.nn.Parameter(policy.logits.detach().clone())
    optimizer = torch.optim.Adam([twin], lr=0.05)
    settings = config(
        gamma=0.9,
        weights=kind,
        baseline=baseline,
        learning_rate=0.05,
        num_trajectories=6,
    )
    for update in pg.iterate_training(MDP, policy, settings):
        pi = softmax(twin.detach().numpy())
        batch = update.batch
        weights = weights_by_hand(batch, 0.9, kind, baseline)
        estimate, loss, entropies = np.zeros((4, 3)), 0.0, []
        for i, length in enumerate(batch.lengths.tolist()):
            for t in range(length):
                state = int(batch.observations[i, t].argmax())
                action = int(batch.actions[i, t])
                estimate += weights[i, t] * score(pi, state, action) / 6
                loss -= weights[i, t] * np.log(pi[state, action]) / 6
                entropies.append(-(pi[state] * np.log(pi[state])).sum())
        rewards, lengths = batch.rewards.tolist(), batch.lengths.tolist()
        expected = {
            "mean_return": np.mean([discounted(row, 0.9) for row in rewards]),
            "mean_undiscounted_return": np.mean([sum(row) for row in rewards]),
            "mean_length": np.mean(lengths),
            "loss": loss,
            "entropy": np.mean(entropies),
            "gradient_norm": np.sqrt((estimate**2).sum()),
        }
        for name, value in expected.items():
            assert getattr(update, name) == pytest.approx(value, abs=1e-12), name
            assert getattr(update.history, name)[-1] == getattr(update, name)
        twin.grad = torch.from_numpy(-estimate)
        optimizer.step()
        np.testing.assert_allclose(
            policy.logits.detach(), twin.detach(), rtol=0, atol=1e-10
        )
    assert update.number == 4
    assert len(update.history) == 5


@pytest.mark.parametrize("at_once", [7, 16_384])
def test_an_update_in_parts_is_that_of_the_whole_padded_batch(monkeypatch, at_once):
    # On the plain way the policy is asked about every step, the padding included.
    monkeypatch.setattr(training, "STEPS_AT_ONCE", at_once)
    gradients, step = [], training.Adam.step

    def listening_step(self, loss, max_norm=None):
        parts = torch.autograd.grad(loss, self.parameters, retain_graph=True)
        gradients.append(torch.cat([part.flatten() for part in parts]))
        return step(self, loss, max_norm)

    monkeypatch.setattr(training.Adam, "step", listening_step)
    policy = pg.MLPPolicy(4, 2, (16, 16))
    before = deepcopy(policy)
    for update in pg.iterate_training("CartPole-v1", policy, config(num_updates=4)):
        batch = update.batch
        assert 7 < batch.mask.sum() < batch.mask.numel()
        distribution = before(batch.observations)
        log_probs = distribution.log_prob(batch.actions)
        returns = pg.total_return(batch.rewards, config().gamma)
        weights = return_weights(batch, config(), returns)
        loss = pg.pseudo_loss(log_probs, weights, batch.mask)
        parts = torch.autograd.grad(loss, before.parameters())
        expected = torch.cat([part.flatten() for part in parts])
        assert (gradients[-1] - expected).norm() < 1e-5 * expected.norm()
        assert update.loss == pytest.approx(loss.item(), rel=1e-5)
        mean_entropy = distribution.entropy()[batch.mask].mean().item()
        assert update.entropy == pytest.approx(mean_entropy, rel=1e-5)
        before = deepcopy(policy)


class Listening(pg.MLPPolicy):
    """Notes how many observations it is asked about with a graph."""

    def forward(self, seen):
        if not torch.is_inference_mode_enabled():
            self.asked.append(len(seen))
        return super().forward(seen)


def test_the_policy_is_asked_again_about_the_steps_taken_alone(monkeypatch):
    monkeypatch.setattr(training, "STEPS_AT_ONCE", 20)
    policy = Listening(1, 2)
    policy.asked = []
    (update,) = pg.iterate_training(pg.corridor(), policy, config(num_updates=1))
    taken = int(update.batch.lengths.sum())
    assert taken < update.batch.mask.numel()
    assert policy.asked == [20] * (taken // 20) + [taken % 20] * (taken % 20 > 0)


def test_the_weights_are_named_by_the_configuration():
    batch = pg.sample_trajectories(MDP, random_table(4, 3), 5)
    returns = pg.total_return(batch.rewards, 0.8)
    for kind in ("total_return", "rewards_to_go"):
        for baseline in (None, "batch_mean"):
            settings = config(gamma=0.8, weights=kind, baseline=baseline)
            found = return_weights(batch, settings, returns)
            assert found.shape == ((5,) if kind == "total_return" else batch.mask.shape)
            table = (
                found[:, None].expand(batch.mask.shape) if found.ndim == 1 else found
            )
            expected = weights_by_hand(batch, 0.8, kind, baseline)
            np.testing.assert_allclose(
                table[batch.mask], expected[batch.mask], atol=1e-12
            )


def test_the_defaults_are_those_of_the_corridor_run():
    defaults = pg.TrainConfig()
    assert (defaults.num_updates, defaults.num_trajectories) == (1000, 10)
    assert (defaults.learning_rate, defaults.gamma) == (1e-3, 0.95)
    assert (defaults.weights, defaults.baseline) == ("total_return", None)


def test_training_stopped_early_leaves_what_was_done():
    policy, whole = random_table(4, 3), random_table(4, 3)
    history = pg.train(MDP, whole, config(), progress=False)
    after = []
    for update in pg.iterate_training(MDP, policy, config()):
        after.append(flat(policy))
        assert update.number == len(update.history) - 1
        if update.number == 2:
            break
    assert len(update.history) == 3
    for name in NUMBERS:
        assert getattr(update.history, name) == getattr(history, name)[:3]
    assert torch.equal(flat(policy), after[2])
    assert not torch.equal(flat(policy), flat(whole))
    batch = pg.sample_trajectories(MDP, policy, 2)
    assert batch.mask.shape[0] == 2


def test_a_stopped_run_can_be_taken_up_again():
    policy = random_table(4, 3)
    updates = pg.iterate_training(MDP, policy, config())
    first = [update.loss for update in islice(updates, 2)]
    rest = [update.loss for update in updates]
    again = pg.train(MDP, random_table(4, 3), config(), progress=False)
    assert first + rest == again.loss


def run(seed=0, env=MDP, make=lambda: random_table(4, 3), **changes):
    policy = make()
    history = pg.train(env, policy, config(seed=seed, **changes), progress=False)
    return [getattr(history, name) for name in NUMBERS], flat(policy)


def small_network():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return pg.MLPPolicy(4, 2)


@pytest.mark.parametrize(
    "options", [{}, {"env": "CartPole-v1", "make": small_network}], ids=["mdp", "id"]
)
def test_a_seed_gives_one_history_and_another_seed_another(options):
    first, again, other = run(3, **options), run(3, **options), run(4, **options)
    assert first[0] == again[0]
    assert torch.equal(first[1], again[1])
    assert all(len(set(values)) > 1 for values in first[0])
    assert all(a != b for a, b in zip(first[0][0], other[0][0], strict=True))
    assert not torch.equal(first[1], other[1])


def test_what_others_draw_meanwhile_changes_nothing():
    policy = random_table(4, 3)
    losses = []
    for update in pg.iterate_training(MDP, policy, config()):
        losses.append(update.loss)
        torch.rand(7)
        np.random.random(3)
        pg.sample_trajectories(MDP, policy, 3, seed=None)
    assert losses == run()[0][NUMBERS.index("loss")]


def test_the_batches_of_a_run_differ():
    # The rate is too small to move the policy: only the seed of the update differs.
    updates = pg.iterate_training(
        MDP, random_table(4, 3), config(learning_rate=1e-12, num_trajectories=20)
    )
    assert len({update.mean_return for update in updates}) == 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: pg.corridor(),
        lambda: pg.TabularEnv(pg.corridor()),
        lambda: pg.TabularVectorEnv(pg.corridor(), 3),
        lambda: "pg_helpers/Corridor-v0",
    ],
)
def test_any_kind_of_environment_can_be_trained_in(make):
    policy = pg.MLPPolicy(1, 2)
    before = flat(policy)
    settings = config(num_updates=1, num_trajectories=20)
    (update,) = pg.iterate_training(make(), policy, settings)
    assert update.batch.mask.shape[0] == 20
    assert not torch.equal(flat(policy), before)


def test_the_corridor_is_learned():
    # The best is 0.95^2 = 0.9025; 300 updates at ten times the usual rate must come
    # within 0.02 of it from below 0.6. J is exact, nothing sampled.
    torch.manual_seed(0)
    mdp = pg.corridor()
    policy = pg.policy_for(mdp)
    settings = config(num_updates=300, num_trajectories=10, learning_rate=1e-2)
    before = pg.exact.objective_by_dp(mdp, policy, 0.95).item()
    history = pg.train(mdp, policy, settings, progress=False)
    after = pg.exact.objective_by_dp(mdp, policy, 0.95).item()
    assert before < 0.6
    assert after > 0.9025 - 0.02
    assert np.mean(history.mean_return[:5]) < 0.7 < np.mean(history.mean_return[-5:])


def test_a_gaussian_policy_moves_its_mean_to_where_the_reward_is():
    # CountingEnv pays a tenth of the action: the mean must rise, by nearly the rate at
    # each of the 60 steps of Adam.
    env = CountingEnv(1, action_space=gymnasium.spaces.Box(-100, 100, (1,)))
    envs = SyncVectorEnv([lambda: deepcopy(env)] * 20)
    policy = pg.GaussianPolicy(2, 1, hidden=())
    at_start = torch.zeros(2)
    before = policy(at_start).mean.item()
    settings = config(
        num_updates=60,
        num_trajectories=20,
        learning_rate=0.05,
        baseline="batch_mean",
    )
    pg.train(envs, policy, settings, progress=False)
    assert policy(at_start).mean.item() > before + 1


def test_the_entropy_of_a_gaussian_is_that_of_the_whole_action():
    # ln(s sqrt(2 pi e)) for each of two components, s = 1: 2 * 1.4189.
    env = CountingEnv(action_space=gymnasium.spaces.Box(-1, 1, (2,)))
    (update,) = pg.iterate_training(env, pg.GaussianPolicy(2, 2), config(num_updates=1))
    assert update.entropy == pytest.approx(np.log(2 * np.pi * np.e), abs=1e-5)


class Apart(torch.nn.Module):
    """Two independent components, as a Normal of batch shape (..., 2)."""

    def __init__(self):
        super().__init__()
        self.mean = torch.nn.Parameter(torch.zeros(2))

    def forward(self, seen):
        return torch.distributions.Normal(self.mean.expand(*seen.shape[:-1], 2), 1.0)


def test_the_entropy_of_components_left_apart_is_their_sum():
    # As in log_prob, which sums them: 2 * 1.4189.
    env = CountingEnv(action_space=gymnasium.spaces.Box(-1, 1, (2,)))
    (update,) = pg.iterate_training(env, Apart(), config(num_updates=1))
    assert update.entropy == pytest.approx(np.log(2 * np.pi * np.e), abs=1e-5)
