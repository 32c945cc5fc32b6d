# Worked answers to the exercises of 09_training.ipynb. The tests put each in the place
# of its stub.

# %% imports
import torch


# %% exercise-total-return
def my_total_return(rewards, gamma):
    """R(tau) of each trajectory: (N, T) -> (N,)."""
    time = torch.arange(rewards.shape[1])
    return (gamma**time * rewards).sum(dim=1)


# %% exercise-loss
def my_loss(log_probs, returns, mask):
    """L(theta): log_probs (N, T), returns (N,), mask (N, T) -> scalar ()."""
    log_prob_of_trajectory = (log_probs * mask).sum(dim=1)
    return -(returns * log_prob_of_trajectory).mean(dim=0)


# %% exercise-update
def my_update(policy, loss, learning_rate):
    """One plain gradient step on the policy's parameters, in place; J rises."""
    policy.zero_grad()
    loss.backward()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter -= learning_rate * parameter.grad
