"""Every trajectory of a small world as numbers, for policies of a few log-odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pg_course.arguments import shaped_array
from pg_helpers import exact
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import check_fraction, finite_array


@dataclass(frozen=True)
class Plane:
    """The K trajectories of a world, for policies of one log-odds in each of L states.

    theta[l] is the logit of action 1 in the l-th state that does not end the episode;
    the logit of action 0 is 0. Everything is then a closed form in theta, for many
    theta at once.

    Attributes:
        states: int64 (K, T + 1), as in `exact.trajectories`.
        actions: int64 (K, T).
        returns: (K,), in units of reward.
        log_world: (K,), nats: what the start and the dynamics add to ln P(tau|theta).
        visits: (K, L), how often each state is acted in.
        ones: (K, L), how often action 1 is taken there.
    """

    states: NDArray[np.int64]
    actions: NDArray[np.int64]
    returns: NDArray[np.float64]
    log_world: NDArray[np.float64]
    visits: NDArray[np.float64]
    ones: NDArray[np.float64]

    def probabilities(self, theta: ArrayLike) -> NDArray[np.float64]:
        """P(tau|theta) of every trajectory, Eq. (13).

        Args:
            theta: (..., L), nats.

        Returns:
            (..., K).

        Raises:
            TypeError: theta is not numbers.
            ValueError: its last axis is not of length L, or it is not finite.
        """
        logits = self._checked(theta)
        log_one, log_zero = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
        log_pi = log_one @ self.ones.T + log_zero @ (self.visits - self.ones).T
        return np.exp(self.log_world + log_pi)

    def scores(self, theta: ArrayLike) -> NDArray[np.float64]:
        """Gradient of ln P(tau|theta), Eq. (15), of every trajectory.

        Args:
            theta: (..., L), nats.

        Returns:
            (..., K, L): how often action 1 was taken, minus how often it was to be
            expected.

        Raises:
            TypeError: theta is not numbers.
            ValueError: its last axis is not of length L, or it is not finite.
        """
        logits = self._checked(theta)
        return self.ones - self.visits / (1 + np.exp(-logits))[..., None, :]

    def objective(self, theta: ArrayLike) -> NDArray[np.float64]:
        """J(theta), Eq. (7).

        Args:
            theta: (..., L), nats.

        Returns:
            (...), in units of reward.

        Raises:
            TypeError: theta is not numbers.
            ValueError: its last axis is not of length L, or it is not finite.
        """
        return self.probabilities(theta) @ self.returns

    def _checked(self, theta: ArrayLike) -> NDArray[np.float64]:
        logits = finite_array("theta", theta)
        expected = self.visits.shape[1]
        if logits.ndim == 0 or logits.shape[-1] != expected:
            raise ValueError(
                f"theta: expected shape (..., {expected}), got {logits.shape}"
            )
        return logits


def plane_of(mdp: TabularMDP, gamma: float) -> Plane:
    """List the trajectories of a small world with two actions.

    Args:
        mdp: the world.
        gamma: discount, in [0, 1].

    Returns:
        The trajectories, in the order of `exact.trajectories`.

    Raises:
        TypeError: mdp is not a TabularMDP, or gamma is not a number.
        ValueError: gamma outside [0, 1], or a world that does not have two actions.
    """
    check_mdp(mdp)
    gamma = check_fraction("gamma", gamma)
    if mdp.num_actions != 2:
        raise ValueError(f"mdp: expected two actions, got {mdp.num_actions}")
    listed = exact.trajectories(mdp)
    states, actions = listed.states.numpy(), listed.actions.numpy()
    mask, before, after = listed.mask.numpy(), states[:, :-1], states[:, 1:]
    steps = np.where(mask, mdp.transition[before, actions, after], 1)
    at = (before[:, :, None] == np.flatnonzero(~mdp.terminal)) & mask[:, :, None]
    return Plane(
        states=states,
        actions=actions,
        returns=listed.rewards.numpy() @ gamma ** np.arange(mdp.horizon),
        log_world=np.log(mdp.initial[states[:, 0]]) + np.log(steps).sum(1),
        visits=at.sum(1).astype(float),
        ones=(at & (actions == 1)[:, :, None]).sum(1).astype(float),
    )


def shares(
    estimates: ArrayLike, gradient: ArrayLike, probabilities: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Shares of estimates that point uphill, are zero or level, and point downhill.

    Args:
        estimates: (n, D).
        gradient: (D,), the exact one.
        probabilities: (n,), of the estimates; by default all are equally probable.

    Returns:
        (3,), by the sign of the inner product with the gradient.

    Raises:
        TypeError: an argument is not numbers.
        ValueError: shapes do not fit, or a number is not finite.
    """
    signs = signs_of(estimates, gradient)
    weights = np.full(signs.shape, 1 / len(signs))
    if probabilities is not None:
        weights = shaped_array("probabilities", probabilities, *signs.shape)
    return np.array([weights[signs == sign].sum() for sign in (1, 0, -1)])


def distinct(
    points: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put points that lie on each other together.

    Args:
        points: (n, D); the same to 12 decimals is the same.
        probabilities: (n,).

    Returns:
        The m different points, (m, D), and the probability of each, (m,).

    Raises:
        TypeError: an argument is not numbers.
        ValueError: shapes do not fit, or a number is not finite.
    """
    places = finite_array("points", points).round(12) + 0.0  # no negative zeros
    if places.ndim != 2:
        raise ValueError(f"points: expected shape (n, D), got {places.shape}")
    weights = shaped_array("probabilities", probabilities, len(places))
    different, number = np.unique(places, axis=0, return_inverse=True)
    gathered = np.zeros(len(different))
    np.add.at(gathered, number.ravel(), weights)
    return different, gathered


def signs_of(estimates: ArrayLike, gradient: ArrayLike) -> NDArray[np.float64]:
    """1 for each estimate that points uphill, -1 for downhill, 0 for neither, (n,)."""
    points = finite_array("estimates", estimates)
    arrow = finite_array("gradient", gradient)
    if points.ndim != 2 or arrow.shape != points.shape[1:]:
        raise ValueError(
            f"estimates: expected shape (n, D) with the gradient's D, got "
            f"{points.shape} and {arrow.shape}"
        )
    return np.sign(points @ arrow)
