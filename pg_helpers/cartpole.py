"""CartPole-v1 for batches: Gymnasium's to the last bit, in a third of the time."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import cartpole
from gymnasium.vector import VectorEnv
from numpy.typing import ArrayLike, NDArray

from pg_helpers.envs import MAX_ENVS, check_actions, check_seed
from pg_helpers.require import check_count, require

FORCE = np.array([-10.0, 10.0])
FOUR_THIRDS = np.array(4.0 / 3.0)


class CartPoleVectorEnv(cartpole.CartPoleVectorEnv):
    """Many CartPoles that start together and run one episode each.

    Spaces, constants, seeds and starts are inherited from Gymnasium's vector of
    CartPole-v1, and the step does the same arithmetic in the same order: each episode
    is the same to the last bit, from `reset` to its end. Then the agent rests until all
    are reset: its observation stays, its reward is 0, and neither flag is set.
    Gymnasium's starts a new episode and computes on.

    Args:
        num_envs: number of agents.
        max_episode_steps: an episode that reaches it is truncated.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is below 1.
    """

    # None of Gymnasium's three autoreset modes.
    metadata: dict[str, Any] = {"render_modes": []}
    state: Any  # (4, running), after a reset

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
        """Start all agents; options are Gymnasium's "low" and "high" of the starts."""
        is_dict = options is None or isinstance(options, dict)
        require(is_dict, "options", "a dict or None", options, TypeError)
        self._seen, info = super().reset(seed=check_seed(seed), options=options)
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
        require(self.state is not None, "step", "reset to be called first", "a step")
        return self.move(check_actions(actions, self.num_envs, 2))

    def move(
        self, actions: NDArray
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """A step, for actions that are known to fit."""
        running, state = self._running, np.asarray(self.state)
        push = FORCE[actions[running]]
        _, x_dot, theta, theta_dot = state
        cosine, sine = np.cos(theta), np.sin(theta)
        turned = self.polemass_length * (theta_dot * theta_dot) * sine
        temp = (push + turned) / self.total_mass
        inertia = FOUR_THIRDS - self.masspole * (cosine * cosine) / self.total_mass
        theta_acc = (self.gravity * sine - cosine * temp) / (self.length * inertia)
        x_acc = temp - self.polemass_length * theta_acc * cosine / self.total_mass
        slope = np.array((x_dot, x_acc, theta_dot, theta_acc))
        state = state + self.tau * slope
        self._seen[running] = state.T
        self._time += 1

        x, _, theta, _ = abs(state)
        ended = (x > self.x_threshold) | (theta > self.theta_threshold_radians)
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        terminated = np.zeros(self.num_envs, dtype=bool)
        truncated = np.zeros(self.num_envs, dtype=bool)
        rewards[running] = 1
        terminated[running] = ended
        if self._time >= self.max_episode_steps:
            truncated[running] = ended[:] = True
        if np.count_nonzero(ended):
            state, self._running = state.compress(~ended, axis=1), running[~ended]
        self.state = state
        return self._seen.copy(), rewards, terminated, truncated, {}


def in_arrays(env: VectorEnv) -> VectorEnv:
    """A `CartPoleVectorEnv` for Gymnasium's own vector of it; others as they are."""
    if type(env) is not cartpole.CartPoleVectorEnv or env._sutton_barto_reward:
        return env
    return CartPoleVectorEnv(env.num_envs, env.max_episode_steps)
