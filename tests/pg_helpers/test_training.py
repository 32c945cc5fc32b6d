"""The loop: every update is the one made by hand, or none at all."""

import warnings
from copy import deepcopy
from dataclasses import fields
from itertools import islice

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from oracles import discounted, score, softmax
from torch import distributions, nn
from worlds import CountingEnv, numbers_of, random_network, random_table

import pg_helpers as pg
from pg_helpers import training

MDP = pg.random_mdp(4, 3, 3, seed=1)
CORRIDOR = pg.corridor()
NUMBERS = [field.name for field in fields(pg.History)]


def config(**changes):
    usual = {"num_updates": 4, "num_trajectories": 8, "learning_rate": 0.05}
    return pg.TrainConfig(**usual | changes)


def updates_of(loss=None, policy=None, env=CORRIDOR, settings=None):
    """Updates of a small network in the corridor, unless others are given."""
    policy = policy or random_network(CORRIDOR)
    return pg.iterate_training(env, policy, settings or config(), loss=loss)


def trained(loss=None, optimizer=None, schedule=None, **changes):
    """Parameters and history of a small network after training in the corridor."""
    policy, settings = random_network(CORRIDOR), config(**changes)
    own = {"loss": loss, "optimizer": optimizer, "schedule": schedule}
    history = pg.train(CORRIDOR, policy, settings, progress=False, **own)
    return numbers_of(policy), history


def of_three(log_probs, rewards, mask):
    return pg.pseudo_loss(log_probs, pg.total_return(rewards, 0.95), mask)


def of_batch(batch, policy):
    taken = batch.mask
    log_probs = policy(batch.observations[taken]).log_prob(batch.actions[taken])
    weights = pg.total_return(batch.rewards, 0.95)[:, None].expand(taken.shape)[taken]
    return -(weights * log_probs).sum() / len(taken)


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


@pytest.mark.parametrize(
    ("kind", "baseline", "loss"),
    [
        ("total_return", None, None),
        ("total_return", "batch_mean", None),
        ("rewards_to_go", None, None),
        ("rewards_to_go", "batch_mean", None),
        ("total_return", None, of_three),
        ("total_return", None, of_batch),
    ],
)
def test_every_update_is_the_one_made_by_hand(kind, baseline, loss, monkeypatch):
    # From each batch: weights, scores and entropies by plain loops in NumPy, and the
    # step by torch.optim.Adam. Float64, so both must agree to rounding.
    monkeypatch.setattr(training, "STEPS_AT_ONCE", 5 if loss or baseline else 16_384)
    policy = random_table(4, 3)
    twin = nn.Parameter(policy.logits.detach().clone())
    optimizer = torch.optim.Adam([twin], lr=0.05)
    settings = config(weights=kind, baseline=baseline)
    for number, update in enumerate(updates_of(loss, policy, MDP, settings)):
        pi = softmax(twin.detach().numpy())
        batch = update.batch
        weights = weights_by_hand(batch, 0.95, kind, baseline)
        estimate, pseudo_loss, entropies = np.zeros((4, 3)), 0.0, []
        for i, length in enumerate(batch.lengths.tolist()):
            for t in range(length):
                state = int(batch.observations[i, t].argmax())
                action = int(batch.actions[i, t])
                estimate += weights[i, t] * score(pi, state, action) / 8
                pseudo_loss -= weights[i, t] * np.log(pi[state, action]) / 8
                entropies.append(-(pi[state] * np.log(pi[state])).sum())
        rewards, lengths = batch.rewards.tolist(), batch.lengths.tolist()
        expected = {
            "mean_return": np.mean([discounted(row, 0.95) for row in rewards]),
            "mean_undiscounted_return": np.mean([sum(row) for row in rewards]),
            "mean_length": np.mean(lengths),
            "loss": pseudo_loss,
            "entropy": np.mean(entropies),
            "gradient_norm": np.sqrt((estimate**2).sum()),
        }
        for name, value in expected.items():
            assert getattr(update, name) == pytest.approx(value, abs=1e-12), name
            assert getattr(update.history, name)[-1] == getattr(update, name)
        twin.grad = torch.from_numpy(-estimate)
        optimizer.step()
        torch.testing.assert_close(policy.logits, twin, rtol=0, atol=1e-10)
        assert update.number == number == len(update.history) - 1
    assert number == 3


@pytest.mark.parametrize("loss", [None, of_batch, of_three])
def test_padding_is_shown_to_the_policy_only_for_a_loss(loss, monkeypatch):
    monkeypatch.setattr(training, "STEPS_AT_ONCE", 20)
    asked = []

    def note(module, seen):
        if not torch.is_inference_mode_enabled():  # as it is while it acts
            asked.append(len(seen[0]))

    policy = pg.MLPPolicy(1, 2)
    policy.register_forward_pre_hook(note)
    mask = next(updates_of(loss, policy)).batch.mask
    steps = mask.numel() if loss is of_three else int(mask.sum())
    own = [int(mask.sum())] if loss is of_batch else []
    assert mask.sum() < mask.numel()
    assert asked == [20] * (steps // 20) + [steps % 20] * (steps % 20 > 0) + own


class Squashed(pg.GaussianPolicy):
    """A tanh of a Gaussian, whose entropy has no closed form."""

    def forward(self, seen):
        tanh = distributions.TanhTransform()
        return distributions.TransformedDistribution(super().forward(seen), [tanh])


@pytest.mark.parametrize("loss", [None, of_three])
def test_continuous_actions_of_a_policy_without_a_closed_entropy(loss):
    space = gymnasium.spaces.Box(-1, 1, (1,))
    env = SyncVectorEnv(
        [lambda n=n: CountingEnv(n, action_space=space) for n in (1, 4)]
    )
    policy = Squashed(2, 1)
    before = deepcopy(policy)
    update = next(updates_of(loss, policy, env))
    batch = update.batch
    log_probs = before(batch.observations).log_prob(batch.actions)
    returns = torch.tensor([discounted(row, 0.95) for row in batch.rewards])
    expected = -(returns * (log_probs * batch.mask).sum(1)).mean().item()
    assert update.loss == pytest.approx(expected, rel=1e-5)
    # The entropy is then minus the mean log-probability of the steps taken.
    expected = -log_probs[batch.mask].mean().item()
    assert update.entropy == pytest.approx(expected, abs=1e-5)


def test_a_run_can_be_left_and_taken_up_again_at_any_update():
    expected, whole = trained()
    policy = random_network(CORRIDOR)
    updates = updates_of(policy=policy)
    first = list(islice(updates, 2))
    assert len(first[-1].history) == 2
    torch.rand(7)  # What others draw meanwhile changes nothing.
    np.random.random(3)
    assert [update.loss for update in [*first, *updates]] == whole.loss
    assert torch.equal(numbers_of(policy), expected)


@pytest.mark.parametrize("env", [CORRIDOR, "CartPole-v1"])
def test_a_seed_gives_one_history_and_another_seed_another(env):
    def run(seed):
        torch.manual_seed(1)
        policy = pg.MLPPolicy(1 if env is CORRIDOR else 4, 2)
        history = pg.train(env, policy, config(seed=seed), progress=False)
        return history.loss, numbers_of(policy).tolist()

    assert run(3) == run(3)
    assert all(a != b for a, b in zip(run(3), run(4), strict=True))


def test_the_batches_of_a_run_differ():
    # The rate is too small to move the policy: only the seed of the update differs.
    settings = config(learning_rate=1e-12, num_trajectories=20)
    updates = updates_of(None, random_table(4, 3), MDP, settings)
    assert len({update.mean_return for update in updates}) == 4


def test_an_environment_made_from_an_id_is_closed_when_training_is(monkeypatch):
    made = SyncVectorEnv([CountingEnv])
    monkeypatch.setattr(gymnasium, "make_vec", lambda name, number: made)
    updates = updates_of(None, pg.MLPPolicy(2, 2), "CartPole-v1")
    next(updates)
    assert not made.closed
    updates.close()
    assert made.closed


def test_an_episode_longer_than_max_steps_is_refused():
    policy, settings = pg.MLPPolicy(2, 2), config(max_steps=20)
    next(updates_of(None, policy, CountingEnv(20), settings))
    with pytest.raises(ValueError, match="^env: .*max_steps = 20"):
        next(updates_of(None, policy, CountingEnv(21), settings))


@pytest.mark.parametrize("progress", [True, False])
def test_the_progress_bar_can_be_switched_off(progress, capsys):
    pg.train(CORRIDOR, pg.MLPPolicy(1, 2), config(), progress=progress)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("4/4" in printed.err) is bool(printed.err) is progress


@pytest.mark.parametrize("noise", [nn.Dropout(0.5), nn.BatchNorm1d(4)])
def test_dropout_and_batch_normalisation_are_warned_of_in_training_mode(noise):
    policy = pg.MLPPolicy(1, 2, (4,))
    policy.network.insert(1, noise)
    with pytest.warns(RuntimeWarning, match=rf"policy: {type(noise).__name__} \(netw"):
        updates_of(policy=policy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        updates_of(policy=policy.eval())


def test_the_corridor_is_learned():
    # The best is 0.95^2 = 0.9025; the run must come within 0.02 of it from below 0.6.
    # J is exact, nothing sampled.
    torch.manual_seed(0)
    policy = pg.policy_for(CORRIDOR)
    settings = config(num_updates=120, learning_rate=2e-2)
    before = pg.exact.objective_by_dp(CORRIDOR, policy, 0.95).item()
    pg.train(CORRIDOR, policy, settings, progress=False)
    after = pg.exact.objective_by_dp(CORRIDOR, policy, 0.95).item()
    assert before < 0.6
    assert after > 0.9025 - 0.02


def test_threads_and_generators_are_between_updates_as_they_were():
    def state():
        numpys = np.random.get_state()[1].tolist()
        return torch.get_num_threads(), torch.get_rng_state().tolist(), numpys

    threads = []
    policy = random_network(CORRIDOR)
    policy.register_forward_pre_hook(lambda *_: threads.append(torch.get_num_threads()))
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    before = state()
    after = [state() for _ in updates_of(policy=policy)]
    torch.set_num_threads(usual)
    assert after == [before] * 4
    assert set(threads) == {1}


def test_a_forgotten_mask_shows():
    # The padded steps alone: their log-probability is a real one, with a graph.
    update = next(
        updates_of(lambda log_probs, rewards, mask: (log_probs * ~mask).sum())
    )
    assert not update.batch.mask.all()  # there are some
    assert update.gradient_norm > 0.01


def changes_the_policy(batch, policy):
    with torch.no_grad():
        next(policy.parameters()).mul_(2)
    return of_batch(batch, policy)


def changes_it_and_fails(batch, policy):
    changes_the_policy(batch, policy)
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda a, b, c: 1.0, TypeError, "loss: expected a tensor, got 1.0"),
        (lambda a, b, c: a, ValueError, r"loss: expected a scalar, got \(8"),
        (lambda a, b, c: a.detach().sum(), ValueError, "loss: expected one that car"),
        (changes_the_policy, ValueError, "loss: expected one that leaves the policy's"),
        (changes_it_and_fails, KeyError, "no such thing"),
    ],
)
def test_a_loss_that_nothing_learns_from_leaves_the_policy_alone(loss, error, message):
    policy = random_network(CORRIDOR)
    before = numbers_of(policy)
    with pytest.raises(error, match=message):
        next(updates_of(loss, policy))
    assert torch.equal(numbers_of(policy), before)


def test_what_a_loss_does_to_its_arguments_stays_there():
    def works_in_place(log_probs, rewards, mask):
        loss = (log_probs * rewards.sub_(rewards.mean())).sum()
        mask.zero_()
        return loss

    update = next(updates_of(works_in_place))
    paid = update.batch.rewards.sum().item() / 8
    assert paid == update.mean_undiscounted_return > 0
    assert update.mean_length == update.batch.mask.sum().item() / 8 > 0


def test_what_a_loss_draws_depends_on_the_seed_alone():
    def noisy(log_probs, rewards, mask):
        return (log_probs * torch.randn_like(log_probs) * mask).sum()

    torch.manual_seed(1)
    first, _ = trained(noisy)
    torch.manual_seed(2)
    assert torch.equal(trained(noisy)[0], first)


def test_schedule_and_clipping_change_the_step_and_not_the_norm():
    def sgd(parameters):
        return torch.optim.SGD(parameters, lr=1)

    start = numbers_of(random_network(CORRIDOR))
    usual, history = trained(optimizer=sgd, num_updates=1)
    factors = {0: 0.5}
    halved, same = trained(optimizer=sgd, schedule=factors.pop, num_updates=1)
    half = history.gradient_norm[0] / 2
    clipped, again = trained(optimizer=sgd, num_updates=1, max_gradient_norm=half)
    assert torch.allclose(halved - start, (usual - start) / 2, atol=1e-12)
    assert torch.allclose(clipped - start, (usual - start) / 2, atol=1e-12)
    assert history == same == again
    assert not factors


def breaking_env(k):
    """Each update resets the environment 8 times; from update k on, rewards are NaN."""
    env = SyncVectorEnv([lambda: CountingEnv(reset_limit=8 * k)])
    return None, pg.MLPPolicy(2, 2), env


def breaking_loss(k, broken):
    """From update k on the loss is NaN, or finite with a gradient that is NaN."""
    losses = iter([torch.sum] * k + [broken])
    return lambda log_probs, rewards, mask: next(losses)(log_probs), pg.MLPPolicy(1, 2)


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (breaking_env, r"rewards.* got nan at \[0, 0\]"),
        (
            lambda k: breaking_loss(k, lambda x: x.sum() * np.nan),
            "loss: expected a fin",
        ),
        (lambda k: breaking_loss(k, lambda x: (0 * x.sum()).sqrt()), "gradient: exp"),
    ],
)
def test_a_number_that_is_not_finite_stops_training_at_its_update(make, message, k):
    loss, policy, *env = make(k)
    after = [numbers_of(policy)]
    with pytest.raises(pg.TrainingStoppedError, match=message) as caught:
        for _ in updates_of(loss, policy, *env):
            after.append(numbers_of(policy))
    error = caught.value
    assert error.number == k == len(after) - 1
    assert [len(getattr(error.history, name)) for name in NUMBERS] == [k] * 6
    assert torch.equal(numbers_of(policy), after[-1])
    assert f"update {k}:" in str(error)
    assert isinstance(error.__cause__, pg.NotFiniteError)


def test_train_stops_in_the_same_way_where_the_policy_diverges():
    # After one step of 1e38 the logits of the network overflow float32.
    policy = pg.MLPPolicy(1, 2)
    with pytest.raises(pg.TrainingStoppedError, match=r"policy.*smaller lea") as caught:
        pg.train(CORRIDOR, policy, config(learning_rate=1e38), progress=False)
    assert caught.value.number == len(caught.value.history) == 1
    assert numbers_of(policy).isfinite().all()
