# Worked answers to the exercises of 07_the_policy_network.ipynb. The tests put each in
# the place of its stub.

# %% imports
import numpy as np
import torch


# %% exercise-stable-softmax
def my_stable_softmax(logits):
    """The policy of each state, Eq. (20): (N, A) -> (N, A)."""
    exponentials = torch.exp(logits - logits.max(dim=1, keepdim=True).values)
    return exponentials / exponentials.sum(dim=1, keepdim=True)


# %% exercise-entropy-of-logits
def my_entropy_of_logits(logits):
    """Entropy of the policy of each state, in nats: (N, A) -> (N,)."""
    log_probs = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    return -(log_probs.exp() * log_probs).sum(dim=1)


# %% exercise-gaussian-log-prob
def my_gaussian_log_prob(action, mean, log_standard_deviation):
    """Logarithm of the density of each action: three of (N, D) -> (N,)."""
    distance = (action - mean) / log_standard_deviation.exp()
    half_log_two_pi = np.log(2 * np.pi) / 2
    of_components = -(distance**2) / 2 - log_standard_deviation - half_log_two_pi
    return of_components.sum(dim=1)
