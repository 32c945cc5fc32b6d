# Worked answers to the exercises of 01_gradient_ascent.ipynb. The tests put each in the
# place of its stub.

# %% imports
import torch


# %% exercise-ascent-step
def my_ascent_step(theta, gradient, learning_rate):
    """One step of gradient ascent: tensors of shape (n,) -> (n,)."""
    return theta + learning_rate * gradient


# %% exercise-minibatch-gradient
def my_minibatch_gradient(theta, x, y, batch):
    """Gradient of the MSE of a mini-batch: (2,), (n,), (n,), (m,) -> (2,)."""
    errors = theta[0] + theta[1] * x[batch] - y[batch]
    by_intercept = (2 * errors).mean()
    by_slope = (2 * errors * x[batch]).mean()
    return torch.stack([by_intercept, by_slope])


# %% exercise-bandit-gradient
def my_bandit_gradient(logits, mean_rewards):
    """Gradient of J with respect to the logits: (A,), (A,) -> (A,)."""
    probabilities = logits.softmax(dim=0)
    objective = probabilities @ mean_rewards
    return probabilities * (mean_rewards - objective)
