"""CartPole-v1 for batches: Gymnasium's to the last bit, in a third of the time."""

from __future__ import annotations

from numbers import Real
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import cartpole
from gymnasium.vector import VectorEnv
from numpy.typing import ArrayLike, NDArray

from pg_helpers.envs import MAX_ENVS, check_actions, check_seed
from pg_helpers.require import check_count, shown


class CartPoleVectorEnv(cartpole.CartPoleVectorEnv):
    """Many CartPoles that start together and run one episode each.

    Spaces, constants, seeds and starts are inherited from Gymnasium's vector of
    CartPole-v1, and the step does the same arithmetic in the same order, so that each
    episode is the same to the last bit, from `reset` to its end. Then the agent rests
    until all are reset: its observation stays, its reward is 0, and neither flag is
    set. Gymnasium's starts a new episode and computes on.

    Args:
        num_envs: number of agents.
        max_episode_steps: an episode that reaches it is truncated.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is below 1.
    """

    # None of Gymnasium's three autoreset modes.
    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, num_envs: int = 1, max_episode_steps: int = 500) -> None:
        super().__init__(
            check_count("num_envs", num_envs, at_most=MAX_ENVS),
            check_count("max_episode_steps", max_episode_steps),
        )
        self.spec = gymnasium.spec("CartPole-v1")
        # NumPy takes a third less for arrays without axes than for Python's numbers.
        for name, value in list(vars(self).items()):
            if isinstance(value, float):
                setattr(self, name, np.array(value))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start all agents; options are Gymnasium's "low" and "high" of the starts.

        Raises:
            TypeError: the seed is not an integer, or the options are not numbers.
            ValueError: the seed is negative, or the options are out of range.
        """
        seed, options = check_seed(seed), _check_bounds(options)
        self._seen, info = super().reset(seed=seed, options=options)
        self._running = np.arange(self.num_envs)
        self._time = 0
        return self._seen.copy(), info

    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """Push each cart to the left (0) or to the right (1).

        Raises:
            ValueError: the actions are not integers (num_envs,) of these, or reset was
                not called.
        """
        if self.state is None:
            raise ValueError("step: expected reset to be called first")
        chosen = check_actions(actions, self.num_envs, 2)
        running = self._running
        # Of those who run, and so few that a step costs what its calls of NumPy cost.
        x_dot, theta, theta_dot = self.state[1], self.state[2], self.state[3]
        push = FORCE[chosen[running]]
        cosine, sine = np.cos(theta), np.sin(theta)
        turned = self.polemass_length * (theta_dot * theta_dot) * sine
        temp = (push + turned) / self.total_mass
        inertia = FOUR_THIRDS - self.masspole * (cosine * cosine) / self.total_mass
        theta_acc = (self.gravity * sine - cosine * temp) / (self.length * inertia)
        x_acc = temp - self.polemass_length * theta_acc * cosine / self.total_mass
        slope = np.array((x_dot, x_acc, theta_dot, theta_acc))
        self.state = self.state + self.tau * slope
        self._seen[running] = self.state.T
        self._time += 1

        fallen = (abs(self.state[0]) > self.x_threshold) | (
            abs(self.state[2]) > self.theta_threshold_radians
        )
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        rewards[running] = 1
        terminated = np.zeros(self.num_envs, dtype=bool)
        truncated = np.zeros(self.num_envs, dtype=bool)
        terminated[running] = fallen
        if self._time >= self.max_episode_steps:
            truncated[running] = True
            fallen[:] = True
        if np.count_nonzero(fallen):
            self.state = self.state.compress(~fallen, axis=1)
            self._running = running[~fallen]
        return self._seen.copy(), rewards, terminated, truncated, {}


def _check_bounds(options: Any) -> dict[str, float] | None:
    if options is None:
        return None
    if not isinstance(options, dict):
        raise TypeError(f"options: expected a dict or None, got {shown(options)}")
    given = {name: options[name] for name in ("low", "high") if name in options}
    if not all(isinstance(bound, Real) for bound in given.values()):
        raise TypeError(f"options: expected numbers, got {shown(given)}")
    low, high = given.get("low", -0.05), given.get("high", 0.05)
    if not -MAX_START <= low <= high <= MAX_START:
        raise ValueError(
            f"options: expected -{MAX_START} <= low <= high <= {MAX_START}, "
            f"got {shown(low)} and {shown(high)}"
        )
    return {name: float(bound) for name, bound in given.items()}


MAX_START = 1000  # far beyond the limits of the track, and far below those of a float32
FORCE = np.array([-10.0, 10.0])
FOUR_THIRDS = np.array(4.0 / 3.0)


def in_arrays(env: VectorEnv) -> VectorEnv:
    """A `CartPoleVectorEnv` for Gymnasium's own vector of it; others as they are."""
    if type(env) is not cartpole.CartPoleVectorEnv or env._sutton_barto_reward:
        return env
    return CartPoleVectorEnv(env.num_envs, env.max_episode_steps)
