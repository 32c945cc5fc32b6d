"""Losses with old log-probabilities: what they do where the ratio is not 1."""

from functools import cache

import numpy as np
import oracles
import pytest
import torch
from clinic_losses import GAMMA, total
from worlds import clinic_in_a_table

import pg_helpers as pg

WORLD, POLICY = clinic_in_a_table()
PI = oracles.softmax(POLICY.logits.detach().numpy())


def surrogate(kind, eps=0.2):
    def loss(log_probs, old_log_probs, advantages, mask):
        ratio = (log_probs - old_log_probs).exp()
        near = ratio.clamp(1 - eps, 1 + eps)
        least = torch.min(ratio * advantages, near * advantages)
        steps = mask.sum(1, keepdim=True)
        whole = ((log_probs - old_log_probs) * mask).sum(1, keepdim=True).exp()
        terms = {
            "none": ratio * advantages,
            "min": least,
            "max": torch.max(ratio * advantages, near * advantages),
            "no min": near * advantages,
            "above": torch.min(
                ratio * advantages, ratio.clamp(max=1 + eps) * advantages
            ),
            "dual": torch.where(
                advantages < 0, torch.max(least, 3 * advantages), least
            ),
            "cispo": near.detach() * advantages * log_probs,
            "whole": whole * advantages / steps,
            "self": (log_probs - log_probs.detach()).exp() * advantages,
            "below": torch.min(
                ratio * advantages, ratio.clamp(min=1 - eps) * advantages
            ),
            "whole, clipped": torch.min(
                whole * advantages, whole.clamp(1 - eps, 1 + eps) * advantages
            )
            / steps,
            "upside down, clipped": torch.min(
                advantages / ratio, (1 / ratio).clamp(1 - eps, 1 + eps) * advantages
            ),
            "upside down": (old_log_probs - log_probs).exp() * advantages,
            "squared": ratio**2 * advantages / 2,
        }[kind]
        return -(terms * mask).sum(1).mean()

    return loss


FORMS = [
    ("none", 0.2, False, "surrogate without clipping"),
    ("min", 0.2, False, "surrogate of PPO, clipped at 0.8 and 1.2"),
    ("min", 0.1, False, "surrogate of PPO, clipped at 0.9 and 1.1"),
    ("min", 0.3, False, "surrogate of PPO, clipped at 0.7 and 1.3"),
    ("min", 0.28, False, ""),
    ("dual", 0.2, False, "dual-clipped at 3"),
    ("cispo", 0.2, False, "CISPO"),
    ("whole", 0.2, False, "ratio of the whole trajectory"),
    ("max", 0.2, True, "the maximum is taken where PPO takes the minimum"),
    ("no min", 0.2, True, "PPO's minimum is missing"),
    ("above", 0.3, True, "clipped above only, at 1.3"),
    ("self", 0.2, True, "nothing corrects for the old policy"),
    ("upside down", 0.2, True, "upside down"),
    ("below", 0.2, True, "clipped below only, at 0.8"),
    ("whole, clipped", 0.2, False, "of the whole trajectory, clipped at 0.8 and 1.2"),
    ("upside down, clipped", 0.2, True, "upside down, old by new, and clipped at 0.8"),
    ("squared", 0.2, False, ""),
]


def examine(loss, **options):
    return pg.clinic.examine(loss, mdp=WORLD, policy=POLICY, gamma=GAMMA, **options)


@cache
def old_policy():
    """The table of the first other policy that sampled; nearer ones come after it.

    It is the same for each loss, and a loss is handed its log-probabilities.
    """
    loss, old = surrogate("none"), PI.copy()

    def seen(batch, log_probs, old_log_probs, advantages):
        states = batch.observations.argmax(-1)[batch.mask].tolist()
        actions = batch.actions[batch.mask].tolist()
        for state, action, value in zip(
            states, actions, old_log_probs[batch.mask].tolist(), strict=True
        ):
            if abs(old[state, action] - PI[state, action]) < 1e-9:
                old[state, action] = np.exp(value)
        return loss(log_probs, old_log_probs, advantages, batch.mask)

    examine(seen, num_trajectories=1)
    return old


def mean_gradient(loss, old):
    """Over all trajectories of the old policy, by four points for each step."""
    mean, step = np.zeros_like(PI), 1e-3
    for path in oracles.paths(WORLD, old):
        length = len(path.actions)
        places = (path.states[:length], path.actions)
        before, now = np.log(old[places]), np.log(PI[places])
        weight = np.full((1, length), oracles.discounted(path.rewards, GAMMA))
        rest = before[None], weight, np.ones((1, length), bool)
        for time in range(length):

            def value(shift, time=time, now=now, rest=rest):
                moved = now.copy()
                moved[time] += shift
                parts = (torch.from_numpy(part) for part in (moved[None], *rest))
                return float(loss(*parts))

            slope = (
                8 * (value(step) - value(-step)) - value(2 * step) + value(-2 * step)
            )
            score = oracles.score(PI, path.states[time], path.actions[time])
            mean -= path.probability * slope / (12 * step) * score
    return mean.ravel()


@pytest.mark.parametrize("kind, eps, fault, words", FORMS)
def test_the_form_is_named_and_measured_as_by_brute_force(kind, eps, fault, words):
    loss = surrogate(kind, eps)
    found, old = examine(loss, num_trajectories=1), old_policy()
    off = found.off_policy
    assert off.fault is fault
    assert words in off.form and bool(words) is bool(off.form)
    assert str(off) in found.verdict
    if fault:
        assert found.answer == "biased"
        assert off.form in found.cause
    low, high = off.ratios
    assert low < 0.7 and high > 3
    right = mean_gradient(surrogate("none"), old)
    length = np.linalg.norm(right)
    truth = oracles.gradient_moments(WORLD, PI, GAMMA)[0].ravel()
    gap = np.linalg.norm(right - truth) / np.linalg.norm(truth)
    assert off.surrogate_error == pytest.approx(gap, abs=1e-8)
    if kind == "cispo":  # a detached weight is no slope of the value
        return
    if kind == "self":  # as a loss without ratio
        mean = mean_gradient(lambda now, old, a, m: -(a * now * m).sum(1).mean(), old)
    else:
        mean = mean_gradient(loss, old)
    error = np.linalg.norm(mean - right) / length
    assert off.relative_error == pytest.approx(error, abs=1e-8)
    size = np.linalg.norm(mean)
    cosine = mean @ right / length / size if size > 1e-9 else 0.0
    assert off.cosine == pytest.approx(cosine, abs=1e-8)


def test_pairs_and_a_right_loss_off_policy():
    """The names of trl, whitened in the group: the form is told from the rest."""

    def trl(per_token_logps, old_per_token_logps, advantages, completion_mask):
        ratio = (per_token_logps - old_per_token_logps).exp()
        near = ratio.clamp(0.8, 1.2) * advantages
        terms = -torch.min(ratio * advantages, near) * completion_mask
        return (terms.sum(1) / completion_mask.sum(1)).mean()

    found = examine(trl, advantages="group_std")
    assert found.num_trajectories == 2
    assert "returns are whitened over the batch" in found.cause
    assert "PPO, clipped at 0.8 and 1.2" in found.off_policy.form
    assert not any(text.startswith("ratios") for text in found.not_examined)


def test_a_forgotten_minus_is_not_a_maximum_too():
    def loss(log_probs, old_log_probs, advantages, mask):
        return -surrogate("min")(log_probs, old_log_probs, advantages, mask)

    found = examine(loss)
    assert found.cause == "the sign is flipped"
    assert found.off_policy.form.endswith("PPO, clipped at 0.8 and 1.2")


def test_an_asymmetric_bound_is_told_from_a_symmetric_one():
    def loss(log_probs, old_log_probs, advantages, mask):
        ratio = (log_probs - old_log_probs).exp()
        least = torch.min(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages)
        return -(least * mask).sum(1).mean()

    for seed in range(4):
        form = examine(loss, seed=seed).off_policy.form
        assert form.endswith("PPO, clipped at 0.8 and 1.28")


def test_where_no_weight_is_negative_one_side_cannot_be_told_and_is_no_fault():
    torch.manual_seed(0)
    world = pg.hill()
    options = {"mdp": world, "policy": pg.policy_for(world).double(), "gamma": GAMMA}
    for kind in ("min", "above"):
        found = pg.clinic.examine(surrogate(kind), **options)
        assert found.unbiased
        assert "PPO, clipped at 0.8 and 1.2" in found.off_policy.form
        assert "; or the ratio is clipped above only" in found.off_policy.form


def test_a_fault_of_the_ratio_is_none_of_scale():
    loss = surrogate("max")
    found = examine(loss)
    assert found.answer_up_to_scale(1.0) == "biased"
    with pytest.raises(AssertionError, match="the maximum is taken where"):
        options = {"mdp": WORLD, "policy": POLICY, "gamma": GAMMA}
        pg.clinic.check(loss, up_to_scale=True, tolerance=0.5, **options)


def mean_of(batch):
    return torch.where(batch.mask, batch.rewards.sum(-1, keepdim=True) - 0.5, 0.0)


@pytest.mark.parametrize(
    "kind, own",
    [
        ("total", lambda batch: total(batch.rewards).expand_as(batch.mask)),
        ("group", lambda batch: total(batch.rewards) - total(batch.rewards).mean()),
        ("rtg", lambda batch: pg.rewards_to_go(batch.rewards, GAMMA)),
        (mean_of, mean_of),
    ],
)
def test_advantages_are_those_that_are_asked_for(kind, own):
    given = []

    def loss(batch, advantages, log_probs):
        given.append((own(batch).expand_as(batch.mask), advantages))
        return -(advantages * log_probs * batch.mask).sum(1).mean()

    examine(loss, advantages=kind, num_trajectories=2)
    assert len(given) > 100
    for expected, found in given:
        torch.testing.assert_close(found, expected)


def test_the_trainer_gives_the_same_names():
    """Advantages are the weights that config asks for; the ratio is 1."""
    seen = []

    def loss(log_probs, old_log_probs, advantages, mask, lengths, terminated):
        seen.append((log_probs - old_log_probs, advantages, lengths, terminated))
        return -(advantages * log_probs * mask).sum(1).mean()

    settings = {"num_updates": 3, "num_trajectories": 4, "gamma": GAMMA}
    parameters = []
    for own in (loss, None):
        torch.manual_seed(0)
        policy = pg.policy_for(WORLD)
        config = pg.TrainConfig(
            weights="rewards_to_go", baseline="batch_mean", **settings
        )
        pg.train(WORLD, policy, config, loss=own)
        parameters.append([p.detach().clone() for p in policy.parameters()])
    for one, other in zip(*parameters, strict=True):
        torch.testing.assert_close(one, other)
    for ratio, advantages, lengths, terminated in seen:
        assert not ratio.any() and advantages.shape == ratio.shape
        assert lengths.dtype == torch.int64 and terminated.dtype == torch.bool
