"""Losses as libraries have them, examined with nothing but options of `examine`."""

from functools import partial

import brute_force
import oracles
import pytest
import torch
from brute_force import BEHAVIOUR, GAMMA, OLD, POLICY, REFERENCE, WORLD
from library_losses import (
    OpenRLHF,
    cleanrl_ppo,
    rlhf_book_grpo,
    stable_baselines3_ppo,
    torchrl_clip_ppo,
    torchrl_reinforce,
    trl_grpo,
    trl_ppo,
    trl_rloo,
    verl,
)

import pg_helpers as pg
from pg_helpers.binder import BoundLoss


def leave_one_out(batch):
    """RLOO's advantages (N,), of one prompt."""
    powers = GAMMA ** torch.arange(batch.rewards.shape[1], dtype=torch.float64)
    total = batch.rewards @ powers
    return (total - total.mean()) * len(total) / (len(total) - 1)


def reinforce_plus_plus(batch):
    """REINFORCE++'s advantages (N, T): rewards-to-go, whitened over all tokens."""
    found, ahead = [], 0.0
    for time in reversed(range(batch.rewards.shape[1])):
        ahead = batch.rewards[:, time] + GAMMA * ahead
        found.insert(0, ahead)
    to_go, number = torch.stack(found, dim=1), batch.mask.sum()
    centred = (to_go - (to_go * batch.mask).sum() / number) * batch.mask
    return centred / (centred.square().sum() / number + 1e-8).sqrt()


SEQUENCE, FLAT = {"form": "sequence"}, {"form": "flat"}
GROUP, STD, GAE = ({"advantages": kind} for kind in ("group", "group_std", "gae"))
OTHERS, WHITE = {"advantages": leave_one_out}, {"advantages": reinforce_plus_plus}
# What it is, the loss, what `examine` has to be told, whether it is unbiased.
CASES = [
    ("trl GRPO", partial(trl_grpo, loss_type="grpo"), SEQUENCE | STD, False),
    ("trl GRPO, k3", partial(trl_grpo, loss_type="grpo", beta=0.1), SEQUENCE | STD, 0),
    ("trl Dr. GRPO", partial(trl_grpo, loss_type="dr_grpo"), SEQUENCE | GROUP, False),
    ("trl DAPO", partial(trl_grpo, epsilon_high=0.28), SEQUENCE | STD, False),
    (
        "trl GSPO",
        partial(trl_grpo, loss_type="grpo", importance_sampling_level="sequence"),
        SEQUENCE | STD,
        False,
    ),
    (
        "trl CISPO",
        partial(trl_grpo, loss_type="cispo", epsilon_high=5.0),
        SEQUENCE | STD,
        False,
    ),
    ("trl RLOO", trl_rloo, SEQUENCE | OTHERS, True),
    ("trl PPO", trl_ppo, GAE, False),
    ("verl GRPO, token-mean", verl, STD, False),
    ("verl RLOO", partial(verl, loss_agg_mode="seq-mean-token-sum"), OTHERS, True),
    ("verl RLOO, token-mean", verl, OTHERS, False),
    (
        "verl Dr. GRPO",
        partial(verl, loss_agg_mode="seq-mean-token-sum-norm"),
        GROUP,
        False,
    ),
    (
        "verl GSPO",
        partial(verl, loss_mode="gspo", loss_agg_mode="seq-mean-token-mean"),
        STD,
        False,
    ),
    ("verl CISPO", partial(verl, loss_mode="cispo"), STD, False),
    ("OpenRLHF REINFORCE++", OpenRLHF(), WHITE, False),
    ("OpenRLHF GRPO", OpenRLHF(token_level_loss=False), STD, False),
    ("CleanRL PPO", cleanrl_ppo, FLAT | GAE, False),
    ("stable-baselines3 PPO", stable_baselines3_ppo, FLAT | GAE, False),
    ("torchrl ClipPPO", torchrl_clip_ppo, FLAT | GAE, False),
    ("torchrl Reinforce", torchrl_reinforce, {}, False),
    ("RLHF book GRPO", rlhf_book_grpo, SEQUENCE, False),
]
TRUTH = brute_force.slopes(lambda pi: oracles.objective(WORLD, pi, GAMMA))


def examine(loss, size, options):
    if loss is rlhf_book_grpo:
        loss = partial(loss, num_generations=size)
    return pg.clinic.examine(
        loss,
        mdp=WORLD,
        policy=POLICY,
        gamma=GAMMA,
        groups=(1, size),
        reference=REFERENCE,
        behaviour=None if loss is torchrl_reinforce else BEHAVIOUR,
        **options,
    )


@pytest.mark.parametrize(
    "loss, options, right", [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_library_loss_is_measured_as_by_brute_force(loss, options, right):
    found = examine(loss, 2, options)
    given = options | (FLAT if loss is torchrl_reinforce else {})
    mean, variance = brute_force.expected(loss, 1, 2, **given)
    brute_force.assert_found(found, mean, variance, TRUTH)
    assert found.unbiased is bool(right)
    larger = examine(loss, 4, options)
    assert larger.standard_error == 0
    assert larger.unbiased is bool(right)
    if found.off_policy is not None:
        old, _ = brute_force.expected(loss, 1, 2, old=OLD, **given)
        told = found.off_policy
        assert told.standard_error == 0
        assert told.answer(1e-6) == "unbiased"  # no fault of the ratio is asserted
        # Losses with a mean of their own are compared with that.
        if right and (advantages := options.get("advantages")):
            plain, _ = brute_force.expected(without_clipping, 1, 2, advantages, old=OLD)
            brute_force.assert_measured(told.relative_error, told.cosine, old, plain)


def without_clipping(log_probs, old_log_probs, advantages, mask):
    ratio = (log_probs - old_log_probs).exp()
    return -(ratio * advantages * mask).sum(1).mean()


def test_beside_new_log_probabilities_others_are_the_old_ones():
    for loss in (rlhf_book_grpo, lambda new_logprobs, logprobs: 0):
        assert {"log_probs", "old_log_probs"} <= BoundLoss(loss).asks
    with pytest.raises(TypeError, match="one argument for each kind of log-prob"):
        BoundLoss(lambda logp, logprobs: 0)


def test_a_loss_with_figures_beside_it_is_told_so():
    def with_figures(log_prob, old_log_prob, advantages, response_mask):
        loss = verl(old_log_prob, log_prob, advantages, response_mask)
        return loss, {"actor/ppo_kl": 0.0}

    found = pg.clinic.examine(with_figures, mdp=WORLD, policy=POLICY)
    assert found.answer == "fails"
    assert "returned tuple" in found.verdict
    assert "Return the loss alone" in found.verdict
