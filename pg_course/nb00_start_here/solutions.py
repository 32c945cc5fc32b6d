# Worked answers to the warm-ups of 00_start_here.ipynb. The tests put each in the place
# of its stub.


# %% exercise-mean-return
def my_mean_return(returns):
    """The returns of N walks, shape (N,) -> their mean, one number."""
    return returns.sum() / len(returns)


# %% exercise-share-found
def my_share_found(rewards):
    """The rewards of N walks, shape (N, T) -> the share that found one."""
    found = rewards.sum(dim=1) > 0
    return found.sum() / len(rewards)
