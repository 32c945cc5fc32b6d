# Worked answers to the exercises of 10_exploration.ipynb. The tests put each in the
# place of its stub.


# %% exercise-effective-actions
def my_effective_actions(probabilities):
    """e to the entropy of each row: (S, A) -> (S,)."""
    entropies = -(probabilities * probabilities.log()).sum(dim=1)
    return entropies.exp()


# %% exercise-epsilon-greedy
def my_epsilon_greedy(q_values, epsilon):
    """Probabilities of the actions: (A,), number -> (A,)."""
    is_best = q_values == q_values.max()
    greedy = is_best / is_best.sum()
    return (1 - epsilon) * greedy + epsilon / len(q_values)


# %% exercise-loss-with-entropy
def my_loss_with_entropy(log_probs, returns, mask, entropies, beta):
    """Pseudo-loss with a bonus: (N, T), (N,), (N, T), (N, T), number -> ()."""
    terms = returns[:, None] * log_probs + beta * entropies
    return -(terms * mask).sum(dim=1).mean(dim=0)
