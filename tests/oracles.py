"""Answers found another way: plain recursion in NumPy, and the statistics of samples.

Nothing here calls a function of the package: worlds are read as arrays, a policy is
a table (S, A) of probabilities.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Path:
    """One trajectory, without padding."""

    states: tuple[int, ...]
    actions: tuple[int, ...]
    rewards: tuple[float, ...]
    probability: float

    @property
    def key(self) -> tuple[int, ...]:
        """State, action, state, ..., the order in which it happens."""
        key = [self.states[0]]
        for action, state in zip(self.actions, self.states[1:], strict=True):
            key += [action, state]
        return tuple(key)


def paths(mdp: Any, pi: np.ndarray) -> list[Path]:
    """Every trajectory of a finite world, by plain recursion."""

    found = []

    def extend(path: Path) -> None:
        state = path.states[-1]
        if mdp.terminal[state] or len(path.actions) == mdp.horizon:
            found.append(path)
            return
        for action, after in np.ndindex(mdp.num_actions, mdp.num_states):
            chance = float(mdp.transition[state, action, after])
            if chance > 0:
                states, actions = (*path.states, after), (*path.actions, action)
                rewards = (*path.rewards, float(mdp.reward[state, action, after]))
                product = path.probability * float(pi[state, action]) * chance
                extend(Path(states, actions, rewards, product))

    for state, chance in enumerate(mdp.initial.tolist()):
        if chance > 0:
            extend(Path((state,), (), (), chance))
    return found


def discounted(rewards: Any, gamma: float) -> float:
    """R(tau), Eq. (6), term by term."""
    return fsum(gamma**time * float(reward) for time, reward in enumerate(rewards))


def objective(mdp: Any, pi: np.ndarray, gamma: float) -> float:
    """J, Eq. (7)."""
    return fsum(p.probability * discounted(p.rewards, gamma) for p in paths(mdp, pi))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of probabilities, Eq. (20)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def score(pi: np.ndarray, state: int, action: int) -> np.ndarray:
    """Gradient of ln pi(a|s) over a table of logits: 1[b = a] - pi(b|s) in row s."""
    table = np.zeros_like(pi)
    table[state] = -pi[state]
    table[state, action] += 1
    return table


def path_score(pi: np.ndarray, path: Path) -> np.ndarray:
    """Sum over time of the scores, Eq. (15)."""
    total = np.zeros_like(pi)
    for state, action in zip(path.states, path.actions, strict=False):
        total += score(pi, state, action)
    return total


def moments(
    mdp: Any, pi: np.ndarray, function: Callable[[Path], Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a function of one sampled trajectory, componentwise."""
    mean, square = 0.0, 0.0
    for path in paths(mdp, pi):
        value = np.asarray(function(path), float)
        mean = mean + path.probability * value
        square = square + path.probability * value**2
    return np.asarray(mean), np.maximum(square - mean**2, 0)


def gradient_moments(
    mdp: Any, pi: np.ndarray, gamma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean, which is the gradient of J, and variance of R(tau) times the score."""
    return moments(mdp, pi, lambda p: discounted(p.rewards, gamma) * path_score(pi, p))


def finite_differences(
    function: Callable[[np.ndarray], float], point: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Central differences; the error is of the order of step squared."""
    slopes = np.zeros(point.shape)
    for index in np.ndindex(point.shape):
        shift = np.zeros(point.shape)
        shift[index] = step
        slopes[index] = (function(point + shift) - function(point - shift)) / (2 * step)
    return slopes


def chi_square_excess(counts: Any, probabilities: Any) -> float:
    """Pearson's statistic over its 0.9999 quantile: above 1 for one sample in 10,000.

    Classes that expect fewer than 5 are pooled, as is customary. The quantile is that
    of Wilson and Hilferty, right to a part in a thousand for more than 3 degrees of
    freedom: k (1 - 2/(9k) + z sqrt(2/(9k)))^3 with z = 3.719.
    """
    counts, probabilities = np.asarray(counts, float), np.asarray(probabilities, float)
    expected = probabilities * counts.sum()
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    freedom = len(counts) - 1
    assert freedom > 3, "too few classes for a test"
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + 3.719 * spread**0.5) ** 3
    return float(((counts - expected) ** 2 / expected).sum() / quantile)


def assert_refused(call: Callable[[], object], kind: type, *words: str) -> None:
    """The call raises exactly this kind of error, and the message has these words."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
