# Worked answers to the exercises of 03_why_the_gradient_is_hard.ipynb. The tests put
# each in the place of its stub.

# %% imports
import torch


# %% exercise-gradient-by-enumeration
def my_gradient_by_enumeration(returns, probability_gradients):
    """Gradient of J: returns (K,), probability_gradients (K, D) -> (D,)."""
    return (returns[:, None] * probability_gradients).sum(dim=0)


# %% exercise-finite-difference
def my_finite_difference(function, theta, step):
    """Central differences of a function of theta (D,) -> (D,)."""
    slopes = torch.zeros_like(theta)
    for place in range(len(theta)):
        ahead, behind = theta.clone(), theta.clone()
        ahead[place] += step
        behind[place] -= step
        slopes[place] = (function(ahead) - function(behind)) / (2 * step)
    return slopes


# %% exercise-number-of-trajectories
def my_number_of_trajectories(num_states, num_actions, horizon):
    """Number K of trajectories where every successor is possible."""
    choices_of_a_step = num_actions * num_states
    return num_states * choices_of_a_step**horizon
