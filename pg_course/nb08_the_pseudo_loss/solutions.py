# Worked answers to the exercises of 08_the_pseudo_loss.ipynb. The tests put each in the
# place of its stub.

# %% imports
from torch.nn import functional as F


# %% exercise-loss-from-logits
def my_loss_from_logits(logits, actions, q_values):
    """Pseudo-loss: logits (N, A), actions (N,), q_values (N,) -> scalar ()."""
    negative_log_probs = F.cross_entropy(logits, actions, reduction="none")
    return (negative_log_probs * q_values).mean()


# %% exercise-all-action-loss
def my_all_action_loss(logits, q_table):
    """All-action loss: logits (N, A), q_table (N, A) -> scalar ()."""
    expected_values = (logits.softmax(dim=1) * q_table).sum(dim=1)
    return -expected_values.mean()


# %% exercise-ratio-loss
def my_ratio_loss(log_probs, old_log_probs, q_values):
    """Importance-weighted loss: all of shape (N,) -> scalar ()."""
    ratios = (log_probs - old_log_probs).exp()
    return -(ratios * q_values).mean()
