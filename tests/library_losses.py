"""Losses with the arguments that libraries give theirs, in their names and shapes.

Each says what such a library computes, in our words; none of their code is here. What
they write into their settings are keywords.
"""

import torch
from torch import nn


def _surrogate(ratio, advantages, low, high):
    """PPO's minimum, as something to be minimised."""
    return torch.max(-ratio * advantages, -ratio.clamp(low, high) * advantages)


def trl_grpo(
    per_token_logps,
    old_per_token_logps,
    advantages,
    completion_mask,
    ref_per_token_logps=None,
    *,
    loss_type="dapo",
    epsilon=0.2,
    epsilon_high=0.2,
    importance_sampling_level="token",
    max_completion_length=2,
    beta=0.0,
):
    """GRPOTrainer: advantages (N,), one for each completion."""
    mask, advantages = completion_mask, advantages.unsqueeze(1)
    log_weight = per_token_logps - old_per_token_logps
    if importance_sampling_level == "sequence":
        log_weight = (log_weight * mask).sum(-1, keepdim=True)
        log_weight = log_weight / mask.sum(-1, keepdim=True)
    ratio = log_weight.exp()
    if loss_type == "cispo":  # epsilon_high is the bound itself
        terms = -ratio.clamp(max=epsilon_high).detach() * advantages * per_token_logps
    else:
        terms = _surrogate(ratio, advantages, 1 - epsilon, 1 + epsilon_high)
    if beta:
        gap = ref_per_token_logps - per_token_logps
        terms = terms + beta * (gap.exp() - gap - 1)
    if loss_type == "grpo":
        return ((terms * mask).sum(-1) / mask.sum(-1)).mean()
    if loss_type == "dr_grpo":
        return (terms * mask).sum() / (len(mask) * max_completion_length)
    return (terms * mask).sum() / mask.sum()


def trl_rloo(
    per_token_logps, old_per_token_logps, advantages, completion_mask, *, epsilon=0.2
):
    """RLOOTrainer: one ratio for a completion, that of its whole text."""
    new = (per_token_logps * completion_mask).sum(1)
    old = (old_per_token_logps * completion_mask).sum(1)
    ratio = (new - old).exp()
    return _surrogate(ratio, advantages, 1 - epsilon, 1 + epsilon).mean()


def trl_ppo(new_logprobs, mb_logprobs, mb_advantage, response_mask, *, cliprange=0.2):
    """PPOTrainer: steps (N, T) and one mean over all of them."""
    ratio = (new_logprobs - mb_logprobs).exp()
    terms = _surrogate(ratio, mb_advantage, 1 - cliprange, 1 + cliprange)
    return (terms * response_mask).sum() / response_mask.sum()


def verl(
    old_log_prob,
    log_prob,
    advantages,
    response_mask,
    loss_agg_mode="token-mean",
    config=None,
    rollout_is_weights=None,
    *,
    loss_mode="vanilla",
    clip_ratio=0.2,
    clip_ratio_c=3.0,
):
    """A policy loss of its registry, and what it does with (N, T) losses."""
    mask, log_ratio = response_mask, log_prob - old_log_prob
    low, high = 1 - clip_ratio, 1 + clip_ratio
    ratio = log_ratio.exp()
    if loss_mode == "gspo":  # each token keeps a gradient of its own
        mean = (log_ratio * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True)
        ratio = (log_prob - log_prob.detach() + mean.detach()).exp()
    terms = _surrogate(ratio, advantages, low, high)
    if loss_mode == "cispo":
        terms = -ratio.clamp(low, high).detach() * advantages * log_prob
    if loss_mode == "vanilla":
        dual = torch.min(terms, -advantages * clip_ratio_c)
        terms = torch.where(advantages < 0, dual, terms)
    sums = (terms * mask).sum(-1)
    return {
        "token-mean": sums.sum() / mask.sum(),
        "seq-mean-token-sum": sums.mean(),
        "seq-mean-token-mean": (sums / mask.sum(-1)).mean(),
        "seq-mean-token-sum-norm": sums.sum() / mask.numel(),
    }[loss_agg_mode]


class OpenRLHF(nn.Module):
    """PolicyLoss: mean over each answer's tokens, or over all of them."""

    def __init__(self, clip_eps_low=0.2, clip_eps_high=0.2, token_level_loss=True):
        super().__init__()
        self.bounds = 1 - clip_eps_low, 1 + clip_eps_high
        self.token_level_loss = token_level_loss

    def forward(self, log_probs, old_log_probs, advantages, action_mask=None):
        ratio = (log_probs - old_log_probs).exp()
        terms = _surrogate(ratio, advantages, *self.bounds) * action_mask
        if self.token_level_loss:
            return terms.sum() / action_mask.sum()
        return (terms.sum(-1) / action_mask.sum(-1)).mean()


def cleanrl_ppo(newlogprob, b_logprobs, mb_advantages, *, clip_coef=0.2):
    """The policy's part of ppo.py: a minibatch of steps (M,), whitened."""
    own = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
    ratio = (newlogprob - b_logprobs).exp()
    return _surrogate(ratio, own, 1 - clip_coef, 1 + clip_coef).mean()


def stable_baselines3_ppo(
    log_prob, old_log_prob, advantages, *, clip_range=0.2, normalize_advantage=True
):
    """The policy's part of PPO.train(); a single step is not whitened."""
    if normalize_advantage and len(advantages) > 1:
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    ratio = (log_prob - old_log_prob).exp()
    return _surrogate(ratio, advantages, 1 - clip_range, 1 + clip_range).mean()


def torchrl_clip_ppo(log_prob, sample_log_prob, advantage, *, clip_epsilon=0.2):
    """ClipPPOLoss on a stream of steps, bounded in the logarithm."""
    ratio = (log_prob - sample_log_prob).exp()
    low, high = 1 - clip_epsilon, 1 + clip_epsilon
    return _surrogate(ratio, advantage, low, high).mean()


def torchrl_reinforce(log_prob, reward, done, *, gamma=0.9):
    """ReinforceLoss on a stream of steps with reward2go up to each `done`."""
    weights, ahead = [], reward.new_zeros(())
    for step in reversed(range(len(reward))):
        ahead = reward[step] + gamma * torch.where(done[step], 0, ahead)
        weights.insert(0, ahead)
    return -(torch.stack(weights) * log_prob).mean()


def rlhf_book_grpo(
    new_per_token_logps,
    per_token_logps,
    rewards,
    completion_mask,
    *,
    num_generations=2,
    cliprange=0.2,
):
    """Chapter on policy gradients: the names without "new" are the old ones."""
    groups = rewards.view(-1, num_generations)
    mean, std = groups.mean(dim=1, keepdim=True), groups.std(dim=1, keepdim=True)
    advantages = ((groups - mean) / (std + 1e-4)).view(-1, 1)
    ratio = (new_per_token_logps - per_token_logps).exp()
    terms = _surrogate(ratio, advantages, 1 - cliprange, 1 + cliprange)
    return ((terms * completion_mask).sum(1) / completion_mask.sum(1)).mean()
