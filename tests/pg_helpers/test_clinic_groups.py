"""Groups, critics, ends and other forms: each loss against the brute force."""

from math import comb, sqrt

import brute_force
import numpy as np
import oracles
import pytest
import torch
from brute_force import GAMMA, POLICY, WORLD

import pg_helpers as pg
from pg_helpers.clinic import measure
from pg_helpers.clinic.batches import Law, sampled_batches


def powers(mask):
    return GAMMA ** torch.arange(mask.shape[1], dtype=torch.float64)


def summed(log_probs, advantages, mask):
    return -(advantages * log_probs * mask).sum(1).mean()


def mean_of_each(log_probs, advantages, mask):
    return -((advantages * log_probs * mask).sum(1) / mask.sum(1)).mean()


def token_mean(log_probs, advantages, mask):
    return -(advantages * log_probs * mask).sum() / mask.sum()


def by_constant(log_probs, advantages, mask):
    """Dr. GRPO: divided by the largest length."""
    return -(advantages * log_probs * mask).sum() / mask.numel()


def gspo(log_probs, old_log_probs, advantages, mask):
    log_ratio = ((log_probs - old_log_probs) * mask).sum(1) / mask.sum(1)
    ratio, weight = log_ratio.exp(), advantages[:, 0]
    return -torch.min(ratio * weight, ratio.clamp(0.8, 1.2) * weight).mean()


def leave_one_out(log_probs, rewards, group, mask):
    """In the sequence form; the group's ids say whose mean is meant."""
    same = (group[:, None] == group).to(rewards)
    others = (same @ rewards - rewards) / (same.sum(1) - 1)
    return summed(log_probs, (rewards - others)[:, None], mask)


def standardised(correction):
    def loss(log_probs, rewards, group, mask):
        same = (group[:, None] == group).to(rewards)
        size = same.sum(1)
        centred = rewards - same @ rewards / size
        spread = (same @ centred**2 / (size - correction)).sqrt()
        return summed(log_probs, (centred / (spread + 1e-4))[:, None], mask)

    return loss


def scored(weigh):
    """A loss with weights made from whatever it asks for beside."""

    def loss(log_probs, mask, rewards, values, returns):
        return summed(log_probs, weigh(rewards, values, returns, mask), mask)

    return loss


def by_gae(lam):
    """From the last step back, times gamma^t."""

    def weigh(rewards, values, returns, mask):
        found, after, ahead = [], 0.0, 0.0
        for time in reversed(range(mask.shape[1])):
            own = torch.where(mask[:, time], values[:, time], 0)
            after = rewards[:, time] + GAMMA * ahead - own + GAMMA * lam * after
            found.insert(0, after)
            ahead = own
        return powers(mask) * torch.stack(found, dim=1)

    return scored(weigh)


def discounted_advantages(log_probs, advantages, mask):
    return summed(log_probs, powers(mask) * advantages, mask)


def of_cut_off(log_probs, rewards, mask, truncated):
    """A bonus for episodes that are cut off."""
    weights = rewards @ powers(mask) + 0.5 * truncated
    return summed(log_probs, weights[:, None], mask)


def of_ended(log_probs, returns, mask, terminated, lengths):
    weights = returns[:, 0] * terminated / lengths
    return summed(log_probs, weights[:, None], mask)


def flat_to_go(log_probs, rewards, dones):
    """Rewards-to-go from one stream; an episode has one step or two."""
    follows = ~dones
    after = torch.cat([rewards[1:], rewards.new_zeros(1)])
    return -((rewards + GAMMA * follows * after) * log_probs).sum() / dones.sum()


def flat_by_episode(log_probs, returns, episode):
    """The first return of each episode, for all of its steps."""
    first = torch.cat([episode[:1] + 1, episode[1:]]) != torch.cat(
        [episode[:1], episode[:-1]]
    )
    weights = ((episode[:, None] == episode) * (returns * first)).sum(1)
    return -(weights * log_probs).sum() / (episode[-1] + 1)


def cleanrl(newlogprob, b_logprobs, mb_advantages):
    own = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
    ratio = (newlogprob - b_logprobs).exp()
    return torch.max(-own * ratio, -own * ratio.clamp(0.8, 1.2)).mean()


def cleanrl_with_values(newlogprob, mb_returns, b_values):
    return -((mb_returns - b_values) * newlogprob).mean()


def flat_of_ended(log_probs, rewards, terminated, dones):
    return -((rewards + terminated) * log_probs).sum() / dones.sum()


def sequence_sum(log_probs, advantages, mask):
    return -(advantages * (log_probs * mask).sum(1)).mean()


def sequence_with_critic(log_probs, returns, values, mask):
    return -((returns - values) * (log_probs * mask).sum(1)).mean()


def rank_of_group(log_probs, rewards, group, mask):
    """Wins over the others of the group: no recipe."""
    above = (rewards[:, None] > rewards) & (group[:, None] == group)
    return summed(log_probs, above.sum(1, keepdim=True), mask)


def squares(batch):
    return batch.rewards.sum(1) ** 2


def own_steps(batch):
    return torch.where(batch.mask, batch.rewards.cumsum(1), 0.0)


PAIR, TWO, FOUR, ALONE = (1, 2), (2, 2), (1, 4), (2, 1)
SEQUENCE, FLAT = {"form": "sequence"}, {"form": "flat"}
# What it is, the loss, (P, G) or N, and how it is examined.
CASES = [
    *[("group mean", summed, g, {"advantages": "group"}) for g in (PAIR, TWO, FOUR)],
    ("group mean of one: nothing is left", summed, ALONE, {"advantages": "group"}),
    ("mean of a batch of three", summed, 3, {"advantages": "group"}),
    *[("leave-one-out", leave_one_out, g, SEQUENCE) for g in (PAIR, TWO, FOUR)],
    *[("std", summed, g, {"advantages": "group_std"}) for g in (PAIR, TWO, FOUR)],
    ("std of a batch of three", summed, 3, {"advantages": "group_std"}),
    *[("std, Bessel, in the loss", standardised(1), g, SEQUENCE) for g in (PAIR, FOUR)],
    *[("std, biased", standardised(0), g, SEQUENCE) for g in (PAIR, FOUR)],
    *[("GRPO", mean_of_each, g, {"advantages": "group_std"}) for g in (PAIR, FOUR)],
    *[("sequence mean", mean_of_each, g, {"advantages": "group"}) for g in (PAIR, TWO)],
    ("sequence mean, groups of one", mean_of_each, ALONE, {}),
    *[
        ("token mean", token_mean, g, {"advantages": "group"})
        for g in (PAIR, TWO, FOUR)
    ],
    ("token mean, groups of one", token_mean, ALONE, {}),
    *[("Dr. GRPO", by_constant, g, {"advantages": "group"}) for g in (PAIR, TWO, FOUR)],
    *[("GSPO", gspo, g, {"advantages": "group_std"}) for g in (PAIR, FOUR)],
    *[("rank in the group", rank_of_group, g, SEQUENCE) for g in (PAIR, FOUR)],
    ("advantages: total", summed, 1, {}),
    ("advantages: rtg", summed, 1, {"advantages": "rtg"}),
    ("advantages: rtg, times gamma^t", discounted_advantages, 1, {"advantages": "rtg"}),
    ("advantages: gae", summed, 1, {"advantages": "gae"}),
    ("advantages: gae, times gamma^t", discounted_advantages, 1, {"advantages": "gae"}),
    ("advantages: own, (N,)", summed, 1, {"advantages": squares}),
    ("advantages: own, (N, T)", summed, 2, {"advantages": own_steps}),
    ("true V", scored(lambda r, v, g, m: powers(m) * (g - v)), 1, {}),
    ("true V, without gamma^t", scored(lambda r, v, g, m: g - v), 1, {}),
    ("a wrong V", scored(lambda r, v, g, m: powers(m) * (g - v**2 - 1)), 1, {}),
    ("V without return", scored(lambda r, v, g, m: powers(m) * v), 1, {}),
    *[(f"gae, lambda {lam}", by_gae(lam), 1, {}) for lam in (0.0, 0.9, 1.0)],
    ("cut off", of_cut_off, 1, {}),
    ("ended", of_ended, 1, {}),
    *[("flat, dones", flat_to_go, N, {}) for N in (1, 2)],
    *[("flat, episode", flat_by_episode, N, {}) for N in (1, 2)],
    ("flat, terminated", flat_of_ended, 2, {}),
    ("flat, CleanRL", cleanrl, 2, FLAT | {"advantages": "gae"}),
    ("flat, CleanRL, groups", cleanrl, PAIR, FLAT | {"advantages": "rtg"}),
    ("flat, CleanRL's values", cleanrl_with_values, 2, FLAT),
    ("sequence, total", sequence_sum, 1, SEQUENCE),
    ("sequence, true V", sequence_with_critic, 1, SEQUENCE),
]
TRUTH = brute_force.slopes(lambda pi: oracles.objective(WORLD, pi, GAMMA))


@pytest.mark.parametrize(
    "name, loss, size, options", CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES]
)
def test_a_loss_is_measured_as_by_brute_force(name, loss, size, options):
    grouped = isinstance(size, tuple)
    sizes = {"groups": size} if grouped else {"num_trajectories": size}
    found = pg.clinic.examine(
        loss, mdp=WORLD, policy=POLICY, gamma=GAMMA, **sizes, **options
    )
    P, G = size if grouped else (size, 1)
    if name.startswith("flat"):
        options = options | FLAT
    mean, variance = brute_force.expected(loss, P, G, pooled=not grouped, **options)
    brute_force.assert_found(found, mean, variance, TRUTH)
    assert found.num_trajectories == P * G


def test_the_spread_of_one_is_no_number():
    found = pg.clinic.examine(
        summed, mdp=WORLD, policy=POLICY, groups=ALONE, advantages="group_std"
    )
    assert found.answer == "fails"
    assert "standard deviation of a single number" in found.verdict


def success(p):
    """One step, reward 1 with the first action, 0 with the other."""
    transition, reward = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    transition[:, :, 1], reward[0, 0, 1] = 1, 1
    policy = pg.TabularPolicy(2, 2).double()
    with torch.no_grad():
        policy.logits[0, 0] = np.log(p / (1 - p))
    return {"mdp": pg.TabularMDP([1, 0], transition, reward, [0, 1], 1)} | {
        "policy": policy,
        "gamma": 1.0,
    }


def by_spread(log_probs, rewards, mask):
    """Groups that agree count as 0."""
    centred = rewards[:, :1] - rewards[:, :1].mean()
    spread = centred.square().sum() / (len(rewards) - 1)
    weights = torch.where(spread > 0, centred / spread.clamp(min=1e-12).sqrt(), 0)
    return summed(log_probs, weights, mask)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("G", [2, 3, 4])
def test_what_the_spread_of_a_group_does_to_rewards_of_0_and_1(p, G):
    """w_G(p) = sqrt((G - 1) / G) E[sqrt(q (1 - q))] / (p (1 - p)), q = k / G."""
    found = pg.clinic.examine(by_spread, groups=(1, G), **success(p))
    mean = sum(
        comb(G, k) * p**k * (1 - p) ** (G - k) * sqrt(k * (G - k)) / G
        for k in range(G + 1)
    )
    weight = sqrt((G - 1) / G) * mean / (p * (1 - p))
    told = {2: 1 / sqrt(2), 3: 2 / sqrt(3), (4, 0.01): 1.496, (4, 0.1): 1.464}
    told |= {(4, 0.3): 1.416, (4, 0.5): 1.400}
    assert weight == pytest.approx(told.get(G) or told[G, p], abs=5e-4)
    slope = weight * p * (1 - p)
    assert found.expected.tolist() == pytest.approx([slope, -slope, 0, 0], abs=1e-12)
    assert found.scale == pytest.approx(weight)
    assert found.cosine == pytest.approx(1)


def test_leave_one_out_is_the_group_mean_times_g_by_g_minus_1():
    options = {"mdp": WORLD, "policy": POLICY, "gamma": GAMMA, "groups": (1, 3)}
    one = pg.clinic.examine(leave_one_out, form="sequence", **options)
    other = pg.clinic.examine(summed, advantages="group", **options)
    torch.testing.assert_close(one.expected, other.expected * 3 / 2)
    assert one.variance == pytest.approx(other.variance * 9 / 4)


def test_a_sample_of_groups_is_as_near_as_it_says(monkeypatch):
    monkeypatch.setattr(measure, "LISTED", (5, 5, 5))
    monkeypatch.setattr(measure, "DRAWN", (900, 900, 900))
    mean, _ = brute_force.expected(rank_by_tokens, *PAIR, form="sequence")
    far = []
    for seed in range(12):
        found = pg.clinic.examine(
            rank_by_tokens,
            mdp=WORLD,
            policy=POLICY,
            gamma=GAMMA,
            groups=PAIR,
            form="sequence",
            seed=seed,
        )
        assert found.examined == "900 sampled groups of 2 trajectories"
        error = np.linalg.norm(found.expected.numpy() - mean) / np.linalg.norm(TRUTH)
        far.append(error / found.standard_error)
    # Of 12 squares of nearly one dimension the root mean square varies by 20 %.
    assert 0.5 < np.sqrt(np.mean(np.square(far))) < 1.6


def rank_by_tokens(log_probs, rewards, group, mask):
    """Tokens are counted over the batch: no recipe."""
    return rank_of_group(log_probs, rewards, group, mask) * len(mask) / mask.sum()


def test_sampled_groups_have_one_start_and_each_trajectory_its_chance():
    probability = torch.tensor([0.1, 0.5, 0.05, 0.3, 0.05], dtype=torch.float64)
    start = torch.tensor([0, 1, 0, 1, 2])
    law = Law(probability, start, group_size=2)
    drawn = sampled_batches(law, 4, 100_000, seed=0)
    starts = start[drawn.index].unflatten(1, (2, 2))
    assert torch.equal(starts[..., 0], starts[..., 1])
    assert float(drawn.chance.sum()) == pytest.approx(1)
    for one, likely in enumerate(probability.tolist()):
        often = (drawn.index == one).double().mean(dim=1)
        assert float(drawn.chance @ often) == pytest.approx(likely, abs=0.005)
