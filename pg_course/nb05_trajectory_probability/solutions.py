# Worked answers to the exercises of 05_trajectory_probability.ipynb. The tests put each
# in the place of its stub.

# %% imports
import torch


# %% exercise-trajectory-log-prob
def my_trajectory_log_prob(start, policy_factors, world_factors, mask):
    """ln P of each trajectory: (N,), (N, T), (N, T), (N, T) -> (N,)."""
    policy_terms = torch.where(mask, policy_factors.log(), 0)
    world_terms = torch.where(mask, world_factors.log(), 0)
    return start.log() + policy_terms.sum(dim=1) + world_terms.sum(dim=1)


# %% exercise-trajectory-score
def my_trajectory_score(pi, states, actions):
    """The gradient of ln P by the logits: (S, A), (T + 1,), (T,) -> (S, A)."""
    gradient = torch.zeros_like(pi)
    for s, a in zip(states[:-1], actions, strict=True):
        gradient[s] -= pi[s]
        gradient[s, a] += 1
    return gradient
