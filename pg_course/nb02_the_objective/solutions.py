# Worked answers to the exercises of 02_the_objective.ipynb. The tests put each in the
# place of its stub.

# %% imports
import torch


# %% exercise-discount-weights
def my_discount_weights(gamma, horizon):
    """How much a reward of 1 counts at t = 0, ..., T - 1: shape (T,)."""
    return gamma ** torch.arange(horizon)


# %% exercise-expected-return
def my_expected_return(returns, probabilities):
    """J: returns (K,), probabilities (K,) -> scalar ()."""
    return (returns * probabilities).sum()


# %% exercise-estimate-with-error
def my_estimate_with_error(returns):
    """Returns (N,) -> the estimate of J and its standard error, shape (2,)."""
    standard_error = returns.std() / len(returns) ** 0.5
    return torch.stack([returns.mean(), standard_error])
