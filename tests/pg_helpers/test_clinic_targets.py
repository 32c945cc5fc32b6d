"""Targets other than J, on-policy and off-policy: each against the brute force."""

import math

import brute_force
import numpy as np
import oracles
import pytest
import torch
from brute_force import BEHAVIOUR, BETA, GAMMA, OLD, PI, POLICY, REF, REFERENCE, WORLD
from worlds import Rule

import pg_helpers as pg
from pg_helpers.clinic import cispo, dual_clip, gspo, ppo_clip, surrogate


def powers(mask):
    return GAMMA ** torch.arange(mask.shape[1], dtype=torch.float64)


def plain(log_probs, rewards, mask, gamma=GAMMA):
    times = torch.arange(mask.shape[1], dtype=torch.float64)
    weights = (gamma**times * rewards).sum(1, keepdim=True)
    return -(weights * log_probs * mask).sum(1).mean()


ESTIMATES = {
    "k1": lambda log_ratio: log_ratio,
    "k2": lambda log_ratio: log_ratio**2 / 2,
    "k3": lambda log_ratio: (-log_ratio).exp() - 1 + log_ratio,
}


def with_kl(kind, of_text=False):
    """J's loss, and beside it an estimate of KL(pi || ref), per token or per text."""

    def loss(log_probs, ref_log_probs, rewards, mask):
        log_ratio = (log_probs - ref_log_probs) * mask
        if of_text:
            log_ratio = log_ratio.sum(1, keepdim=True)
        penalty = (ESTIMATES[kind](log_ratio) * (1 if of_text else mask)).sum(1)
        return plain(log_probs, rewards, mask) + BETA * penalty.mean()

    return loss


def kl_in_reward(kind):
    def loss(log_probs, ref_log_probs, rewards, mask):
        log_ratio = (log_probs - ref_log_probs).detach()
        return plain(
            log_probs, rewards - BETA * ESTIMATES[kind](log_ratio) * mask, mask
        )

    return loss


def grpo_with_kl(log_probs, ref_log_probs, advantages, mask):
    weights = -advantages * (log_probs - log_probs.detach()).exp()
    terms = weights + BETA * ESTIMATES["k3"](log_probs - ref_log_probs)
    return ((terms * mask).sum(1) / mask.sum(1)).mean()


def entropy_in_loss(batch, policy):
    chosen = policy(batch.observations)
    bonus = powers(batch.mask) * chosen.entropy() * batch.mask
    log_probs = chosen.log_prob(batch.actions)
    return plain(log_probs, batch.rewards, batch.mask) - BETA * bonus.sum(1).mean()


def sampled_entropy_in_loss(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) + BETA * (log_probs * mask).sum(1).mean()


def sampled_entropy_in_reward(log_probs, rewards, mask):
    return plain(log_probs, rewards - BETA * log_probs.detach() * mask, mask)


def undiscounted(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask, gamma=1.0)


def squared(log_probs, rewards, mask):
    weights = (powers(mask) * rewards).sum(1, keepdim=True) ** 2
    return -(weights * log_probs * mask).sum(1).mean()


def J(pi):
    return oracles.objective(WORLD, pi, GAMMA)


def of_steps(value, gamma=GAMMA):
    """The mean of a sum over steps: of discounted values of (pi, state)."""

    def objective(pi):
        return math.fsum(
            path.probability
            * sum(gamma**t * value(pi, s) for t, s in enumerate(path.states[: len(a)]))
            for path in oracles.paths(WORLD, pi)
            for a in [path.actions]
        )

    return objective


def entropy(pi, state):
    return -sum(pi[state] * np.log(pi[state]))


def divergence(pi, state):
    return sum(pi[state] * np.log(pi[state] / REF[state]))


def soft(pi):
    return J(pi) + BETA * of_steps(entropy)(pi)


def penalised(pi):
    return J(pi) - BETA * of_steps(divergence)(pi)


def second_moment(pi):
    return math.fsum(
        path.probability * oracles.discounted(path.rewards, GAMMA) ** 2
        for path in oracles.paths(WORLD, pi)
    )


def exact_second_moment(mdp, policy, gamma):
    every = pg.exact.trajectories(mdp)
    chances = pg.exact.log_prob(mdp, policy, every).exp()
    return (chances * pg.total_return(every.rewards, gamma).to(chances) ** 2).sum()


def entropy_at_start(mdp, policy, gamma):
    seen = torch.tensor(mdp.observations)
    bonus = torch.tensor(mdp.initial) @ policy(seen).entropy()
    return pg.exact.objective(mdp, policy, gamma) + BETA * bonus


SOFT, PENALISED = pg.clinic.entropy_regularised(BETA), pg.clinic.kl_regularised(BETA)
GIVEN = pg.clinic.kl_regularised(BETA, REFERENCE)
GROUPED = {"advantages": "group", "groups": (1, 2)}
# What it is, the loss, the target, its objective, options, whether it is right.
CASES = [
    ("entropy in the loss, J", entropy_in_loss, None, J, {}, False),
    ("entropy in the loss", entropy_in_loss, SOFT, soft, {}, False),
    ("-ln pi in the loss, J", sampled_entropy_in_loss, None, J, {}, True),
    ("-ln pi in the loss", sampled_entropy_in_loss, SOFT, soft, {}, False),
    ("-ln pi in the reward", sampled_entropy_in_reward, SOFT, soft, {}, True),
    ("no bonus", plain, SOFT, soft, {}, False),
    ("k1 in the loss, J", with_kl("k1"), None, J, {}, True),
    *[
        (f"{kind} in the loss, {where}", with_kl(kind, text), target, penalised, {}, 0)
        for kind in ESTIMATES
        for where, text, target in (
            ("per token", False, PENALISED),
            ("per text", True, GIVEN),
        )
    ],
    *[
        (f"{kind} in the reward", kl_in_reward(kind), PENALISED, penalised, {}, right)
        for kind, right in (("k1", True), ("k2", False), ("k3", False))
    ],
    ("GRPO with k3", grpo_with_kl, GIVEN, penalised, GROUPED, False),
    (
        "objective, gamma 1",
        undiscounted,
        lambda mdp, policy, gamma: pg.exact.objective(mdp, policy, 1.0),
        lambda pi: oracles.objective(WORLD, pi, 1.0),
        {},
        True,
    ),
    ("objective, E[R^2]", squared, exact_second_moment, second_moment, {}, True),
    ("objective, J for E[R^2]", plain, exact_second_moment, second_moment, {}, False),
    (
        "objective, start's entropy",
        sampled_entropy_in_reward,
        entropy_at_start,
        lambda pi: J(pi) + BETA * (WORLD.initial @ [entropy(pi, s) for s in range(4)]),
        {},
        False,
    ),
]


@pytest.mark.parametrize(
    "name, loss, target, objective, options, right", CASES, ids=[c[0] for c in CASES]
)
def test_a_loss_is_held_against_its_target(
    name, loss, target, objective, options, right
):
    found = examine(loss, target=target, reference=REFERENCE, **options)
    P, G = options.get("groups", (1, 1))
    advantages = options.get("advantages", "total")
    mean, variance = brute_force.expected(loss, P, G, advantages)
    truth = brute_force.slopes(objective)
    brute_force.assert_found(found, mean, variance, truth)
    assert found.unbiased is bool(right)


def examine(loss, gamma=GAMMA, **options):
    if "groups" not in options:
        options.setdefault("num_trajectories", 1)
    return pg.clinic.examine(loss, mdp=WORLD, policy=POLICY, gamma=gamma, **options)


def kl_of_texts(pi):
    return of_steps(divergence, gamma=1.0)(pi)


def kl_of_texts_reversed(pi):
    """KL(ref || pi), the chance of each trajectory taken from both policies."""
    pairs = zip(oracles.paths(WORLD, REF), oracles.paths(WORLD, pi), strict=True)
    return sum(
        r.probability * math.log(r.probability / p.probability) for r, p in pairs
    )


def of_prefixes_held_still(value):
    """The mean over the present policy's prefixes, which does not move with pi."""

    def objective(pi):
        return math.fsum(
            path.probability * value(pi, state)
            for path in oracles.paths(WORLD, PI)
            for state in path.states[: len(path.actions)]
        )

    return objective


def reversed_divergence(pi, state):
    return sum(REF[state] * np.log(REF[state] / pi[state]))


@pytest.mark.parametrize(
    "kind, of_text, follows",
    [
        ("k1", True, None),
        ("k2", True, kl_of_texts),
        ("k3", True, kl_of_texts_reversed),
        ("k1", False, None),
        ("k2", False, of_prefixes_held_still(divergence)),
        ("k3", False, of_prefixes_held_still(reversed_divergence)),
    ],
)
def test_which_divergence_each_estimate_follows_as_a_loss(kind, of_text, follows):
    """Exactly: k1 none, k2 KL(pi || ref), k3 KL(ref || pi)."""

    def loss(log_probs, ref_log_probs, mask):
        log_ratio = (log_probs - ref_log_probs) * mask
        log_ratio = log_ratio.sum(1) if of_text else log_ratio
        return ESTIMATES[kind](log_ratio).sum() / len(mask)

    right = -torch.from_numpy(brute_force.slopes(follows or kl_of_texts))
    found = examine(loss, target=right, reference=REFERENCE, gamma=1.0)
    assert found.unbiased is (follows is not None)
    if follows is None:
        assert found.expected.norm() < 1e-12
    else:
        assert found.relative_error < 1e-10


def of_ratio(kind, low=0.8, high=1.2):
    """A loss that does this with the ratio."""

    def loss(log_probs, old_log_probs, advantages, mask):
        log_ratio = (log_probs - old_log_probs) * mask
        ratio, lengths = log_ratio.exp(), mask.sum(1, keepdim=True)
        whole = log_ratio.sum(1, keepdim=True)
        both = ratio * advantages, ratio.clamp(low, high) * advantages
        least = torch.min(*both)
        geometric = (whole / lengths).exp()
        terms = {
            "none": lambda: both[0],
            "min": lambda: least,
            "dual": lambda: torch.where(
                advantages < 0, torch.max(least, 2 * advantages), least
            ),
            "cispo": lambda: ratio.clamp(low, high).detach() * advantages * log_probs,
            "gspo": lambda: torch.min(
                geometric * advantages, geometric.clamp(low, high) * advantages
            ),
            "max": lambda: torch.max(*both),
            "no min": lambda: both[1],
            "above": lambda: torch.min(both[0], ratio.clamp(max=high) * advantages),
            "below": lambda: torch.max(ratio, ratio.new_tensor(low)) * advantages,
            "upside down": lambda: (-log_ratio).exp() * advantages,
            "whole": lambda: whole.exp() * advantages / lengths,
            "whole, clipped": lambda: (
                torch.min(
                    whole.exp() * advantages, whole.exp().clamp(low, high) * advantages
                )
                / lengths
            ),
            "old forgotten": lambda: (
                (log_probs - log_probs.detach()).exp() * advantages
            ),
        }[kind]()
        return -(terms * mask).sum(1).mean()

    loss.__name__ = f"{kind}, {high}"
    return loss


def clipped(low, high, beyond=math.inf):
    def factor(ratio, weight):
        if (weight > 0 and ratio > high) or (weight < 0 and ratio < low):
            return 0.0
        return 0.0 if weight < 0 and ratio > beyond else ratio

    return factor


# By target: what multiplies weight times score of a step; whether by one ratio for all.
FACTORS = {
    "surrogate": (surrogate, lambda ratio, weight: ratio, False),
    "ppo": (ppo_clip(0.2), clipped(0.8, 1.2), False),
    "dapo": (ppo_clip(0.2, 0.28), clipped(0.8, 1.28), False),
    "dual": (dual_clip(0.2, 2.0), clipped(0.8, 1.2, 2.0), False),
    "cispo": (cispo(0.2), lambda ratio, weight: min(max(ratio, 0.8), 1.2), False),
    "gspo": (gspo(0.2, 0.2), clipped(0.8, 1.2), True),
}
WRONG = ("max", "no min", "above", "below", "upside down", "whole", "old forgotten")
# Target, what the loss does with the ratio, options, whether it is right.
OFF_POLICY = [
    ("surrogate", of_ratio("none"), {}, True),
    ("ppo", of_ratio("min"), {}, True),
    ("dapo", of_ratio("min", high=1.28), {}, True),
    ("dual", of_ratio("dual"), {}, True),
    ("cispo", of_ratio("cispo"), {}, True),
    ("gspo", of_ratio("gspo"), {}, True),
    *[("ppo", of_ratio(kind), {}, False) for kind in WRONG],
    ("ppo", of_ratio("min", high=1.28), {}, False),
    ("dapo", of_ratio("min"), {}, False),
    ("ppo", of_ratio("dual"), {}, False),
    ("dual", of_ratio("min"), {}, False),
    ("ppo", of_ratio("cispo"), {}, False),
    ("cispo", of_ratio("no min"), {}, False),
    ("surrogate", of_ratio("min"), {}, False),
    ("surrogate", of_ratio("whole"), {}, False),
    ("gspo", of_ratio("whole, clipped"), {}, False),
    ("gspo", of_ratio("min"), {}, False),
    ("ppo", of_ratio("gspo"), {}, False),
    ("ppo", of_ratio("min"), {"advantages": "rtg"}, True),
    ("ppo", of_ratio("max"), {"advantages": "rtg"}, False),
    ("ppo", of_ratio("min"), {"groups": (1, 2), "advantages": "group"}, True),
    ("gspo", of_ratio("gspo"), {"groups": (1, 2), "advantages": "group_std"}, True),
    ("ppo", of_ratio("max"), {"groups": (1, 3), "advantages": "group"}, False),
]


def target_gradient(name, P, G, advantages):
    """The mean of sum over steps of factor times weight times score, by loops."""
    _, factor, as_one = FACTORS[name]
    mean = np.zeros_like(PI)
    for paths, chance in brute_force.batches(OLD, P, G):
        batch = brute_force.numbers_of(paths)
        weights = brute_force.advantages_of(advantages, batch, G)
        for path, row in zip(paths, weights, strict=True):
            steps = list(zip(path.states, path.actions, strict=False))
            ratios = [PI[step] / OLD[step] for step in steps]
            if as_one:
                ratios = [math.prod(ratios) ** (1 / len(ratios))] * len(ratios)
            for step, ratio, weight in zip(steps, ratios, row, strict=False):
                times = chance * factor(ratio, weight) * weight / len(paths)
                mean += times * oracles.score(PI, *step)
    return mean.ravel()


@pytest.mark.parametrize(
    "target, loss, options, right",
    OFF_POLICY,
    ids=[f"{t}: {f.__name__} {[*o.values()]}" for t, f, o, _ in OFF_POLICY],
)
def test_a_loss_is_held_against_its_target_off_policy(target, loss, options, right):
    found = examine(loss, target=FACTORS[target][0], behaviour=BEHAVIOUR, **options)
    off = found.off_policy
    P, G = options.get("groups", (1, 1))
    kind = options.get("advantages", "total")
    mean, _ = brute_force.expected(loss, P, G, kind, old=OLD)
    truth = target_gradient(target, P, G, kind)
    brute_force.assert_measured(off.relative_error, off.cosine, mean, truth)
    assert off.standard_error == 0
    assert (off.relative_error < 1e-9) is right
    assert off.answer(1e-6) == ("unbiased" if right else "biased")
    if not options:
        assert found.answer == off.answer(1e-6)
    here, variance = brute_force.expected(loss, P, G, kind)
    brute_force.assert_measured(
        found.relative_error, found.cosine, here, brute_force.slopes(J)
    )
    assert found.variance == pytest.approx(variance, abs=1e-8)


def test_ratios_and_the_share_of_clipped_steps():
    off = examine(of_ratio("min"), behaviour=BEHAVIOUR).off_policy
    ratios, steps, acts = [], 0.0, 0.0
    for path in oracles.paths(WORLD, OLD):
        weight = oracles.discounted(path.rewards, GAMMA)
        for step in zip(path.states, path.actions, strict=False):
            ratios.append(PI[step] / OLD[step])
            steps += path.probability
            acts += path.probability * (clipped(0.8, 1.2)(ratios[-1], weight) == 0)
    assert off.ratios == pytest.approx((min(ratios), max(ratios)))
    assert off.clipped == pytest.approx(acts / steps)


def test_a_target_with_weights_that_are_not_known_accuses_nobody():
    """R(tau) - 0.7 is right on-policy; what else it is, is not known."""

    def own(log_probs, old_log_probs, rewards, mask):
        weights = (powers(mask) * rewards).sum(1, keepdim=True) - 0.7
        return of_ratio("min")(log_probs, old_log_probs, weights, mask)

    found = examine(own, target=ppo_clip(0.2), behaviour=BEHAVIOUR)
    assert found.off_policy.relative_error > 0.1
    assert found.answer == "cannot tell"
    assert "let it ask for advantages" in found.verdict
    given = {"advantages": lambda batch: pg.total_return(batch.rewards, GAMMA) - 0.7}
    options = given | {"behaviour": BEHAVIOUR}
    assert examine(of_ratio("min"), target=ppo_clip(0.2), **options).unbiased


def test_a_behaviour_that_never_does_what_the_policy_does_is_refused():
    never = Rule(lambda seen: torch.zeros(seen.shape[:-1]))
    with pytest.raises(ValueError, match="^behaviour: expected some chance"):
        examine(of_ratio("min"), behaviour=never)


@pytest.mark.parametrize(
    "advantages, words",
    [
        (lambda batch: [1.0], "advantages: expected a tensor"),
        (lambda batch: batch.rewards.sum(), "advantages: expected shape"),
        (lambda batch: batch.rewards[:, :1], "advantages: expected shape"),
    ],
)
def test_advantages_of_another_shape_are_named(advantages, words):
    found = examine(of_ratio("min"), advantages=advantages)
    assert found.answer == "fails"
    assert words in found.verdict
