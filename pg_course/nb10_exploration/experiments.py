"""How many actions epsilon-greedy really tries, and a schedule for epsilon."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_helpers.require import check_count, check_fraction, check_positive, finite_array


def effective_of_epsilon(epsilon: ArrayLike, num_actions: int) -> NDArray[np.float64]:
    """Effective number of actions of an epsilon-greedy policy with one best action.

    The best action has the probability 1 - epsilon + epsilon / A, each other one
    epsilon / A; the number is e to the entropy.

    Args:
        epsilon: (...), in [0, 1].
        num_actions: A, at least 1.

    Returns:
        (...), from 1 to A.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: epsilon is outside [0, 1], or there is no action.
    """
    A = check_count("num_actions", num_actions)
    each = finite_array("epsilon", epsilon)
    if each.size and (each.min() < 0 or each.max() > 1):
        raise ValueError(f"epsilon: expected values in [0, 1], got {each}")
    other, best = each / A, 1 - each + each / A
    entropy = -(
        best * np.log(best) + (A - 1) * other * np.log(np.maximum(other, 1e-300))
    )
    return np.exp(np.maximum(entropy, 0))


def schedule(start: float, half_life: float, num_episodes: int) -> NDArray[np.float64]:
    """Epsilon of each episode: `start` at first, halved every `half_life` episodes.

    Args:
        start: in [0, 1].
        half_life: in episodes, positive.
        num_episodes: how many.

    Returns:
        (num_episodes,).

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: an argument is out of its range.
    """
    start = check_fraction("start", start)
    check_positive("half_life", half_life)
    episodes = np.arange(check_count("num_episodes", num_episodes, at_most=10**7))
    return start * 0.5 ** (episodes / half_life)
