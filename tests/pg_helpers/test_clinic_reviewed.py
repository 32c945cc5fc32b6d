"""Losses on which the clinic was wrong once: what it must not say again."""

import pytest
import torch
from clinic_losses import GAMMA, total
from torch import nn
from torch.distributions import Categorical

import pg_helpers as pg
from pg_helpers import clinic
from pg_helpers.clinic import ppo_clip

BANDIT = pg.two_armed_bandit()
SMALL = pg.random_mdp(num_states=3, num_actions=2, horizon=3, seed=1)
TEXTS = pg.tokens([*"ab."], 3, lambda _, text: float(text.count("a") == 1), ["p", "q"])


def policy_in(world):
    torch.manual_seed(0)
    return pg.policy_for(world).double()


def returns(rewards):
    return pg.total_return(rewards, GAMMA)[:, None]


def done_late(log_probs, rewards, values, dones, episode):
    """GAE on a stream, where the flag of the step before cuts the sum."""
    ended, found, ahead = dones.double(), [], 0.0
    for t in reversed(range(len(ended))):
        after = values[t + 1] if t + 1 < len(ended) else 0.0
        kept = 1 - (ended[t - 1] if t else 0.0)
        step = rewards[t] + clinic.GAMMA * after * kept - values[t]
        ahead = step + clinic.GAMMA * 0.95 * kept * ahead
        found.insert(0, ahead)
    times = torch.cat([torch.arange(n) for n in episode.bincount().tolist()])
    weights = torch.stack(found) * clinic.GAMMA ** times.double()
    return -(weights * log_probs).sum() / dones.sum()


def test_a_stream_that_mixes_trajectories_is_biased_for_each_number_of_them():
    answers = {
        clinic.examine(done_late, gamma=clinic.GAMMA, num_trajectories=N).answer
        for N in (3, 6)
    }
    assert answers == {"biased"}


def flipped_k3(log_probs, ref_log_probs, rewards, mask):
    d = log_probs - ref_log_probs
    return (
        -((returns(rewards) * log_probs - 0.1 * (d.exp() - d - 1)) * mask).sum(1).mean()
    )


def tsallis(batch, policy):
    seen = policy(batch.observations)
    gain = returns(batch.rewards) * seen.log_prob(batch.actions)
    return -((gain - 0.1 * (seen.probs**2).sum(-1)) * batch.mask).sum(1).mean()


def absolute(log_probs, ref_log_probs, rewards, mask):
    weights = total(rewards) * 2 - total(rewards).sum()
    gain = weights * log_probs - 0.1 * (log_probs - ref_log_probs).abs()
    return -(gain * mask).sum(1).mean()


def unmasked_k3(log_probs, ref_log_probs, rewards, mask):
    weights = 2 * total(rewards) - total(rewards).sum()
    d = log_probs - ref_log_probs
    return (-(weights * log_probs * mask) + 0.1 * ((-d).exp() + d - 1)).sum(1).mean()


@pytest.mark.parametrize(
    "loss, world, options",
    [
        (flipped_k3, SMALL, {}),
        (tsallis, SMALL, {}),
        (absolute, BANDIT, {"num_trajectories": 2}),
        (unmasked_k3, clinic.standard_world(), {"num_trajectories": 2}),
    ],
)
def test_no_cause_is_named_by_chance(loss, world, options):
    policy = policy_in(world)
    assert not clinic.examine(
        loss, mdp=world, policy=policy, gamma=GAMMA, **options
    ).cause


def given(log_probs, advantages, mask):
    return -(advantages * log_probs * mask).sum(1).mean()


@pytest.mark.parametrize("world, options", [(BANDIT, {}), (TEXTS, {"groups": (1, 3)})])
def test_whitening_is_named_where_all_its_lengths_are_alike(world, options):
    options |= {
        "gamma": 1.0,
        "mdp": world,
        "policy": policy_in(world),
        "advantages": "group_std",
    }
    cause = clinic.examine(given, **options).cause
    assert cause.startswith("returns are whitened over the") and "," not in cause


def ppo(log_probs, old_log_probs, weights, mask):
    ratio = (log_probs - old_log_probs).exp()
    return -(
        (torch.min(ratio * weights, ratio.clamp(0.8, 1.2) * weights) * mask)
        .sum(1)
        .mean()
    )


def minus_others(log_probs, old_log_probs, advantages, mask):
    others = (advantages.sum(0) - advantages) / (len(mask) - 1)
    return ppo(log_probs, old_log_probs, advantages - others, mask)


def minus_values(log_probs, old_log_probs, advantages, values, mask):
    return ppo(log_probs, old_log_probs, advantages - values, mask)


class Forbids(nn.Module):
    """A table in which the first action of the first state is impossible."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.tensor([[0.3, -0.2], [0.1, 0.5], [0.0, 0.2]]))
        self.double()

    def forward(self, seen):
        logits = seen @ self.table
        no = torch.zeros_like(logits, dtype=torch.bool)
        no[..., 0] = seen[..., 0] == 1
        return Categorical(logits=logits.masked_fill(no, -torch.inf))


def on_steps(log_probs, old_log_probs, advantages, dones):
    parts = (part[None] for part in (log_probs, old_log_probs, advantages))
    return ppo(*parts, torch.ones_like(dones)) / dones.sum()


@pytest.mark.parametrize(
    "loss, options, answer",
    [
        (minus_others, {"num_trajectories": 3}, "unbiased"),
        (minus_values, {}, "cannot tell"),
        (on_steps, {"mdp": SMALL, "policy": Forbids()}, "unbiased"),
        (
            on_steps,
            {"advantages": lambda b: pg.gae(b.rewards, 0 * b.rewards, b.mask, 1, 1)},
            "biased",
        ),
    ],
)
def test_a_right_surrogate_is_not_accused(loss, options, answer):
    found = clinic.examine(loss, target=ppo_clip(0.2), gamma=GAMMA, **options)
    assert found.answer == answer
    assert not found.off_policy.fault
    if answer != "cannot tell":
        assert found.off_policy.relative_error < 1e-9


def plain(log_probs, rewards, mask):
    return -(total(rewards) * log_probs * mask).sum(1).mean()


@pytest.mark.parametrize("groups", [(1, 2), (2, 3), (1, 8)])
def test_the_plain_estimator_in_groups_is_as_noisy_as_itself(groups):
    """By hand: what all of a group share, their start, does not average out."""
    options = {"mdp": SMALL, "policy": policy_in(SMALL), "gamma": GAMMA}
    found = clinic.examine(plain, groups=groups, **options)
    assert found.variance == pytest.approx(found.plain_variance, rel=1e-6)
    listed = pg.exact.trajectories(SMALL)
    policy, table = options["policy"], []
    chance = pg.exact.log_prob(SMALL, policy, listed).exp().detach()
    scores = pg.exact.score_table(SMALL, policy)
    worth = pg.total_return(listed.rewards, GAMMA)
    for states, actions, mask, value in zip(
        listed.states, listed.actions, listed.mask, worth, strict=True
    ):
        steps = zip(states[:-1][mask], actions[mask], strict=True)
        table.append(value * sum(scores[s, a] for s, a in steps))
    rows, expected, starts = torch.stack(table), 0.0, listed.states[:, 0]
    mean = chance @ rows
    for start in starts.unique():
        own = starts == start
        likely = chance[own].sum()
        center = chance[own] @ rows[own] / likely
        spread = chance[own] @ ((rows[own] - center) ** 2).sum(1) / groups[1]
        expected += spread + likely * ((center - mean) ** 2).sum()
    assert found.variance == pytest.approx(float(expected) / groups[0], rel=1e-6)


def in_reward(log_probs, ref_log_probs, rewards, mask):
    paid = rewards - 0.1 * (log_probs.detach() - ref_log_probs)
    return -(returns(paid * mask) * log_probs * mask).sum(1).mean()


def test_a_target_brings_its_reference():
    reference = policy_in(clinic.standard_world())
    target = clinic.kl_regularised(0.1, reference)
    assert clinic.examine(in_reward, target=target, gamma=GAMMA).unbiased
    with pytest.raises(ValueError, match="^reference: expected that of the target"):
        other = policy_in(clinic.standard_world())
        clinic.examine(in_reward, target=target, reference=other)


def test_sequences_have_one_advantage_each():
    with pytest.raises(ValueError, match="^advantages: expected one number for each"):
        clinic.examine(given, advantages="gae", form="sequence")


def test_an_optional_flag_does_not_change_the_form():
    def loss(log_probs, rewards, mask, dones=None):
        return plain(log_probs, rewards, mask)

    assert clinic.examine(loss, gamma=GAMMA).unbiased
