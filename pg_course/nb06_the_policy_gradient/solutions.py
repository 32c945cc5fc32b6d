# Worked answers to the exercises of 06_the_policy_gradient.ipynb. The tests put each in
# the place of its stub.


# %% exercise-exact-gradient
def my_exact_gradient(returns, probabilities, scores):
    """Gradient of J: (K,), (K,), (K, D) -> (D,)."""
    weights = returns * probabilities
    return (weights[:, None] * scores).sum(dim=0)


# %% exercise-policy-gradient-estimate
def my_policy_gradient_estimate(returns, step_scores, mask):
    """Estimate of the gradient of J: (N,), (N, T, D), (N, T) -> (D,)."""
    summed_scores = (step_scores * mask[:, :, None]).sum(dim=1)
    pulls = returns[:, None] * summed_scores
    return pulls.mean(dim=0)


# %% exercise-share-uphill
def my_share_uphill(estimates, gradient):
    """Share of estimates that point uphill: (n, D), (D,) -> ()."""
    points_uphill = estimates @ gradient > 0
    return points_uphill.double().mean()
