"""Losses called by hand, code that calls backward(), and what is left as it was."""

import random
import runpy

import numpy as np
import pytest
import torch
from clinic_losses import GAMMA, PROBABILITY, plain, total
from torch import nn
from torch.distributions import Categorical
from worlds import clinic_in_a_table, random_table

import pg_helpers as pg


def log_probs_of(batch, policy):
    return policy(batch.observations).log_prob(batch.actions)


def test_a_batch_by_hand_is_what_a_loss_is_handed():
    world, policy = clinic_in_a_table()
    batch = pg.clinic.batch(3, mdp=world, policy=policy, seed=4)
    assert batch.policy is policy
    assert batch.mask.shape == batch.rewards.shape == (3, world.horizon)
    expected = log_probs_of(batch, policy)
    torch.testing.assert_close(batch.log_probs, expected)
    for row in range(3):
        length = int(batch.mask[row].sum())
        assert batch.mask[row].tolist() == [t < length for t in range(world.horizon)]
        seen = batch.observations[row].argmax(-1).tolist()
        after = [*seen[1:length], int(batch.final_observations[row].argmax())]
        taken = batch.actions[row].tolist()[:length]
        steps = list(zip(seen[:length], taken, after, strict=True))
        paid = [world.reward[step] for step in steps]
        assert all(world.transition[step] > 0 for step in steps)
        assert batch.rewards[row].tolist() == pytest.approx(
            [*paid, *[0.0] * (world.horizon - length)]
        )
    loss = plain(batch.log_probs, batch.rewards, batch.mask)
    assert torch.autograd.grad(loss, policy.logits)[0].norm() > 0
    again = pg.clinic.batch(3, mdp=world, policy=policy, seed=4)
    assert torch.equal(again.actions, batch.actions)
    other = pg.clinic.batch(9, mdp=world, policy=policy, seed=5)
    assert other.mask.shape == (9, world.horizon)


class Trainer:
    """Code of somebody else, which owns the whole update."""

    def __init__(self, policy, max_norm=None):
        self.policy, self.max_norm = policy, max_norm
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)

    def update(self, batch, policy):
        self.optimizer.zero_grad()
        log_probs = log_probs_of(batch, self.policy)
        plain(log_probs, batch.rewards, batch.mask).backward()
        if self.max_norm:
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_norm)
        self.optimizer.step()


def test_code_that_calls_backward_is_judged_by_the_gradient_that_it_leaves():
    world, policy = clinic_in_a_table()
    before, kept = policy.logits.detach().clone(), torch.ones_like(policy.logits)
    policy.logits.grad = kept
    options = {"mdp": world, "policy": policy, "gamma": GAMMA}
    loss = pg.clinic.from_backward(Trainer(policy).update)
    found = pg.clinic.examine(loss, **options)
    assert found.unbiased
    assert found.variance == pytest.approx(found.plain_variance)
    clipped = pg.clinic.from_backward(Trainer(policy, max_norm=0.1).update)
    assert not pg.clinic.examine(clipped, **options).unbiased
    other = pg.clinic.from_backward(Trainer(random_table(4, 2)).update)
    assert "works on another object" in pg.clinic.examine(other, **options).verdict

    def of_three(log_probs, rewards, mask):
        plain(log_probs.exp(), rewards, mask).backward()

    found = pg.clinic.examine(pg.clinic.from_backward(of_three), **options)
    assert found.cause == PROBABILITY
    assert torch.equal(policy.logits, before)
    assert policy.logits.grad is kept
    assert torch.equal(kept, torch.ones_like(kept))


class WithCritic(nn.Module):
    """An actor and a critic in one module."""

    def __init__(self):
        super().__init__()
        self.actor = nn.Linear(2, 2).double()
        self.critic = nn.Linear(2, 1).double()

    def forward(self, seen):
        return Categorical(logits=self.actor(seen))


def test_only_the_parameters_that_are_named_count():
    torch.manual_seed(0)
    policy = WithCritic()

    def loss(batch, policy):
        values = policy.critic(batch.observations)[..., 0]
        returns = total(batch.rewards)
        error = (((returns - values) ** 2) * batch.mask).sum(1).mean()
        log_probs = log_probs_of(batch, policy)
        weights = returns - values.detach()
        return -(weights * log_probs * batch.mask).sum(1).mean() + error

    options = {"policy": policy, "gamma": GAMMA}
    assert not pg.clinic.examine(loss, **options).unbiased
    found = pg.clinic.examine(loss, parameters=policy.actor.parameters(), **options)
    assert found.unbiased
    assert len(found.expected) == len(found.gradient) == 6
    truth = pg.exact.gradient(pg.clinic.standard_world(), policy, GAMMA)
    torch.testing.assert_close(found.gradient, truth[:6])


class Crowded(nn.Module):
    """A policy with a frozen layer, a buffer, and a mode of its own."""

    def __init__(self):
        super().__init__()
        self.table = random_table(4, 2, seed=3)
        self.frozen = nn.Linear(1, 1).double().requires_grad_(False)
        self.register_buffer("count", torch.zeros(()))
        self.table.eval()

    def forward(self, seen):
        return self.table(seen)


def state_of(policy):
    tensors = [*policy.parameters(), *policy.buffers()]
    return (
        [t.tolist() for t in tensors],
        [t.requires_grad for t in tensors],
        [None if t.grad is None else t.grad.tolist() for t in tensors],
        [module.training for module in policy.modules()],
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
    )


def spoil(policy):
    random.random(), np.random.rand(), torch.rand(())
    policy.eval()
    policy.table.train()
    policy.count += 1
    policy.frozen.weight.grad = torch.ones(1, 1).double()
    policy.table.logits.grad = None


class Spoils(nn.Module):
    """A loss that leaves traces, and at last may raise an error."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error
        self.register_buffer("asked", torch.zeros(()))

    def forward(self, batch, policy):
        spoil(policy)
        self.asked += 1
        if self.error and self.asked > 3:
            raise self.error
        return plain(log_probs_of(batch, policy), batch.rewards, batch.mask)


@pytest.mark.parametrize("error", [None, KeyError("a"), KeyboardInterrupt()])
def test_policy_loss_and_random_state_are_as_they_were_also_after_an_error(error):
    world, _ = clinic_in_a_table()
    policy, loss = Crowded(), Spoils(error)
    policy.table.logits.grad = torch.full((4, 2), 2.0).double()
    before = state_of(policy)
    try:
        found = pg.clinic.examine(loss, mdp=world, policy=policy, gamma=GAMMA)
        assert found.answer == ("fails" if error else "unbiased")
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    assert state_of(policy) == before
    assert loss.asked == 0


def drawn_by(draw):
    def loss(log_probs, rewards, mask):
        return plain(log_probs, rewards, mask) * (1 + float(draw()))

    return loss


class Remembers:
    """A baseline that is the running mean of all that came before."""

    def __init__(self):
        self.mean = 0.0

    def __call__(self, log_probs, rewards, mask):
        returns = total(rewards)
        baseline, self.mean = self.mean, 0.9 * self.mean + 0.1 * float(returns.mean())
        return plain(log_probs, rewards, mask) + baseline * (log_probs * mask).sum()


@pytest.mark.parametrize("N", [None, 1, 3])
@pytest.mark.parametrize(
    "loss",
    [
        drawn_by(lambda: torch.rand(())),
        drawn_by(np.random.rand),
        drawn_by(random.random),
        drawn_by(lambda: random.random() < 0.03),
        Remembers(),
    ],
)
def test_a_loss_that_answers_differently_each_time_gets_no_answer(loss, N):
    found = pg.clinic.examine(loss, gamma=GAMMA, num_trajectories=N)
    assert found.answer == "cannot tell"
    assert "draws random numbers, or remembers" in found.verdict
    assert not found.rows


class Logs:
    """Right, and it keeps what it has seen for its author."""

    def __init__(self):
        self.returns, self.mean = [], torch.zeros(())

    def __call__(self, log_probs, rewards, mask):
        returns = total(rewards).detach()
        self.returns.append(returns.mean())
        self.mean = 0.9 * self.mean + 0.1 * returns.mean()
        torch.rand(())
        return plain(log_probs, rewards, mask)


def test_what_a_loss_keeps_for_its_author_stays_of_use():
    """Tensors from inside a mapped call would raise errors from then on."""
    loss = Logs()
    assert pg.clinic.examine(loss, gamma=GAMMA, num_trajectories=2).unbiased
    assert all(-10 < float(kept) < 10 for kept in [*loss.returns, loss.mean])


def leaves(*batch):
    raise SystemExit(0)


def switches_off(log_probs, rewards, mask):
    value = plain(log_probs, rewards, mask)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    return value


def test_modes_of_torch_and_an_exit_do_not_decide_the_answer():
    assert pg.clinic.examine(leaves).answer == "fails"
    assert pg.clinic.examine(switches_off, gamma=GAMMA).unbiased
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
    for off in (torch.no_grad(), torch.inference_mode()):
        with off:
            assert pg.clinic.examine(plain, gamma=GAMMA).unbiased


@pytest.mark.parametrize("size", [1e-10, 1e9])
def test_the_size_of_rewards_makes_no_difference(size):
    base = pg.clinic.standard_world()
    parts = (base.initial, base.transition, size * base.reward, base.terminal)
    world = pg.TabularMDP(*parts, base.horizon, base.observations)
    assert pg.clinic.examine(plain, mdp=world, gamma=GAMMA).unbiased

    def spread(batch, policy):
        probs = policy(batch.observations).probs.sum(-1)
        return -(probs * total(batch.rewards) * batch.mask).sum(1).mean()

    verdict = pg.clinic.examine(spread, mdp=world, gamma=GAMMA).verdict
    assert verdict.startswith("Zero on every batch")


def test_an_error_in_a_loss_keeps_its_file_and_line(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def helper(rewards):\n"
        "    return rewards['a']\n"
        "def loss(log_probs, rewards, mask):\n"
        "    return helper({})\n",
        encoding="utf-8",
    )
    loss = runpy.run_path(str(tmp_path / "mine.py"))["loss"]
    verdict = pg.clinic.examine(loss).verdict
    assert "(mine.py, line 2, in helper: return rewards['a'])" in verdict

    def by_torch(log_probs, rewards, mask):
        return log_probs @ rewards

    assert (
        ", in by_torch: return log_probs @ rewards)"
        in pg.clinic.examine(by_torch).verdict
    )


def test_a_loss_of_another_policy_is_not_told_that_something_cuts_the_graph():
    own = pg.clinic.standard_policy(pg.clinic.standard_world())

    def loss(batch):
        return plain(log_probs_of(batch, own), batch.rewards, batch.mask)

    verdict = pg.clinic.examine(loss, gamma=GAMMA).verdict
    assert "other parameters" in verdict and "policy=" in verdict
    assert pg.clinic.examine(loss, policy=own, gamma=GAMMA).unbiased


def test_a_verdict_names_what_it_did_not_look_at():
    def clipped(log_probs, rewards, mask):
        ratio = (log_probs - log_probs.detach()).exp()
        weights = total(rewards)
        least = torch.min(ratio * weights, ratio.clamp(0.8, 1.2) * weights)
        return -(least * mask).sum(1).mean()

    found = pg.clinic.examine(clipped, gamma=GAMMA)
    assert found.unbiased
    assert any(text.startswith("ratios other than 1") for text in found.not_examined)
    assert "ratios other than 1" in str(found)
    found = pg.clinic.examine(plain, gamma=GAMMA)
    assert found.not_examined == ("other worlds and policies",)
    found = pg.clinic.examine(plain, mdp=pg.two_armed_bandit(), gamma=GAMMA)
    assert any(text.startswith("padding: ") for text in found.not_examined)


def test_a_check_raises_with_the_diagnosis():
    def half(*batch):
        return plain(*batch) / 2

    assert pg.clinic.check(plain, gamma=GAMMA).unbiased
    assert pg.clinic.check(half, gamma=GAMMA, up_to_scale=True).answer == "biased"
    assert pg.clinic.check(half, gamma=GAMMA, tolerance=0.6).unbiased
    with pytest.raises(AssertionError, match="Straight uphill, but 2 times too short"):
        pg.clinic.check(half, gamma=GAMMA)
    with pytest.raises(AssertionError, match="The sign is flipped"):
        pg.clinic.check(lambda *b: -plain(*b), gamma=GAMMA, up_to_scale=True)
    with pytest.raises(AssertionError, match="draws random numbers"):
        pg.clinic.check(drawn_by(np.random.rand), up_to_scale=True, tolerance=1.0)


def test_many_worlds_show_what_one_does_not():
    def halved_where_paid_little(log_probs, rewards, mask):
        """Right where no return is below -3, as in the standard world."""
        returns = total(rewards)
        weights = torch.where(returns < -3, returns / 2, returns)
        return -(weights * log_probs * mask).sum(1).mean()

    found = pg.clinic.examine(plain, gamma=GAMMA, worlds=6)
    assert found.unbiased
    assert found.worlds.relative_error.max() < 1e-9
    assert found.worlds.noise.tolist() == pytest.approx([1.0] * 6)
    assert "In 6 random worlds" in found.verdict
    assert found.not_examined == ()
    assert pg.clinic.examine(halved_where_paid_little, gamma=GAMMA).unbiased
    found = pg.clinic.examine(halved_where_paid_little, gamma=GAMMA, worlds=30)
    assert found.answer == "biased"
    assert 0 < (found.worlds.relative_error > 1e-6).sum() < 30
    low, high = found.worlds.cosine.min(), found.worlds.cosine.max()
    assert f"({low:.4f} to {high:.4f})" in found.verdict
