"""Which pictures fit which world: its agent, its policy, the way it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import gymnasium
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch.distributions import Categorical

from pg_course.stage import pictures
from pg_course.stage.shapes import grid_shape, is_corridor
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import placement
from pg_helpers.rollout import Trajectories
from pg_helpers.spaces import check_env, make_by_id


class Scene(Protocol):
    """The pictures of one kind of world. Each draws on an Axes.

    Attributes:
        frame_size: inches, width and height of a picture of the agent.
        knows_policy: the policy is drawn for the world, not along a trajectory.
    """

    frame_size: ClassVar[tuple[float, float]]
    knows_policy: ClassVar[bool]

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """Where the agent stands at the end of a path of observations, (t + 1, ...)."""

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """A whole trajectory, from its observations, (T + 1, ...)."""

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """What the policy does; on an unknown world, along a trajectory."""


def scene_of(env: Any) -> Scene:
    """The pictures for a world; simple ones where the kind is not known.

    Args:
        env: a TabularMDP, a Gymnasium environment, single or vector, or an id.

    Returns:
        A scene.

    Raises:
        TypeError: env is none of these.
        ValueError: the id is not registered.
    """
    world, env = finite_world(env), _single(env)
    if world is not None:
        if is_corridor(world):
            return CorridorScene(world)
        shape = grid_shape(world)
        return GridScene(world, shape) if shape else TableScene(world)
    name = str(getattr(getattr(env, "spec", None), "id", ""))
    return CartPoleScene() if name.startswith("CartPole") else PlainScene()


def finite_world(env: Any) -> TabularMDP | None:
    """The finite world behind an environment, or None where there is none.

    Args:
        env: a TabularMDP, a Gymnasium environment, single or vector, or an id.

    Raises:
        TypeError: env is none of these.
        ValueError: the id is not registered.
    """
    env = _single(env)
    world = env if isinstance(env, TabularMDP) else getattr(env.unwrapped, "mdp", None)
    return world if isinstance(world, TabularMDP) else None


def path_of(batch: Trajectories, index: int = -1) -> NDArray:
    """The observations of one trajectory, the one after its last step included.

    Args:
        batch: N trajectories.
        index: which; the last by default.

    Returns:
        (T + 1, ...), T the number of its steps.
    """
    steps = batch.observations[index][batch.mask[index]]
    final = batch.final_observations[index][None]
    return torch.cat([steps, final]).cpu().numpy()


@dataclass(frozen=True)
class CorridorScene:
    """Two actions, left and right, between neighbouring states."""

    mdp: TabularMDP
    frame_size: ClassVar = (5.6, 1.8)
    knows_policy: ClassVar = True

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """See `Scene`."""
        position = int(states_of(self.mdp, path[-1:])[0])
        pictures.draw_corridor(axes, self.mdp.num_states, position, title)

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """See `Scene`."""
        positions = states_of(self.mdp, path)
        pictures.draw_lines(axes, {"position": positions}, "position (cells)")
        axes.set_ylim(-0.3, self.mdp.num_states - 0.7)

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """See `Scene`."""
        pi = probabilities(policy, self.mdp.observations)
        pictures.draw_corridor_policy(axes, pi, self.mdp.terminal)


@dataclass(frozen=True)
class GridScene:
    """Four actions between neighbouring cells of a grid."""

    mdp: TabularMDP
    shape: tuple[int, int]
    frame_size: ClassVar = (3.4, 3.6)
    knows_policy: ClassVar = True

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """See `Scene`."""
        states = states_of(self.mdp, path).tolist()
        pictures.draw_grid(axes, self.shape, states, title)

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """See `Scene`."""
        self.draw_agent(axes, path, "")

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """See `Scene`."""
        pi = probabilities(policy, self.mdp.observations)
        pictures.draw_grid_policy(axes, self.shape, pi, self.mdp.terminal)


@dataclass(frozen=True)
class CartPoleScene:
    """Gymnasium's CartPole, all versions."""

    frame_size: ClassVar = (5.6, 2.4)
    knows_policy: ClassVar = True

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """See `Scene`."""
        pictures.draw_cartpole(axes, path[-1], title)

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """See `Scene`."""
        angle = np.degrees(path[:, 2])
        pictures.draw_lines(axes, {"pole angle": angle}, "pole angle (degrees)")
        axes.set_ylim(-15, 15)
        for limit in (-12, 12):
            axes.axhline(limit, color=pictures.GREY, linestyle="--")

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """See `Scene`; the cart at rest in the middle of the track."""
        angles, velocities = np.linspace(-12, 12, 25), np.linspace(-120, 120, 25)
        grid = np.zeros((len(velocities), len(angles), 4))
        grid[..., 2] = np.radians(angles)
        grid[..., 3] = np.radians(velocities)[:, None]
        right = probabilities(policy, grid)[..., 1]
        pictures.draw_cartpole_policy(axes, angles, velocities, right)


@dataclass(frozen=True)
class TableScene:
    """A finite world of no known shape."""

    mdp: TabularMDP
    frame_size: ClassVar = (5.6, 1.8)
    knows_policy: ClassVar = True

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """See `Scene`."""
        states = states_of(self.mdp, path)
        pictures.draw_lines(axes, {"state": states}, "state")
        axes.set(title=title, ylim=(-0.5, self.mdp.num_states - 0.5))

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """See `Scene`."""
        self.draw_agent(axes, path, "")

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """See `Scene`."""
        pi = probabilities(policy, self.mdp.observations)
        pictures.draw_lines(axes, _named("action", pi), "probability", "state")


@dataclass(frozen=True)
class PlainScene:
    """Any other environment: numbers over time."""

    frame_size: ClassVar = (5.6, 2.4)
    knows_policy: ClassVar = False

    def draw_agent(self, axes: Axes, path: NDArray, title: str) -> None:
        """See `Scene`."""
        components = _named("component", path.reshape(len(path), -1))
        pictures.draw_lines(axes, components, "observation")
        axes.set_title(title, fontsize=pictures.FONT, loc="left")

    def draw_path(self, axes: Axes, path: NDArray) -> None:
        """See `Scene`."""
        self.draw_agent(axes, path, "")

    def draw_policy(self, axes: Axes, policy: Any, path: NDArray) -> None:
        """See `Scene`."""
        distribution = ask(policy, path[:-1])
        discrete = isinstance(distribution, Categorical)
        values = distribution.probs if discrete else distribution.mean
        columns = values.reshape(len(values), -1).cpu().numpy()
        meaning = "probability" if discrete else "mean action"
        pictures.draw_lines(axes, _named("action", columns), meaning)


def ask(policy: Any, observations: NDArray) -> Any:
    """The policy's distribution at observations (..., D), or integers (...)."""
    device, dtype = placement(policy)
    whole = np.issubdtype(observations.dtype, np.integer)
    with torch.no_grad():
        seen = torch.tensor(observations, dtype=torch.int64 if whole else dtype)
        return policy(seen.to(device))


def probabilities(policy: Any, observations: NDArray) -> NDArray[np.float64]:
    """Probabilities (..., A) of the actions at observations (..., D).

    Raises:
        TypeError: the policy does not return a Categorical.
    """
    distribution = ask(policy, observations)
    if not isinstance(distribution, Categorical):
        raise TypeError(f"policy: expected a Categorical, got {distribution}")
    return distribution.probs.cpu().double().numpy()


def states_of(mdp: TabularMDP, path: NDArray) -> NDArray[np.int64]:
    """The states (t,) whose observations are nearest to those of a path (t, D).

    Raises:
        ValueError: the path is not one of observations of this world.
    """
    if path.shape[1:] != mdp.observations.shape[1:]:
        raise ValueError(
            f"batch: expected observations of shape {mdp.observations.shape[1:]}, as "
            f"in the world, got {path.shape[1:]}"
        )
    away = np.abs(mdp.observations[None] - path[:, None]).sum(axis=2)
    return away.argmin(axis=1)


def _named(what: str, columns: NDArray) -> dict[str, NDArray]:
    """A name for each column; as many as can be told apart in a picture."""
    shown = columns.T[: len(pictures.STYLES)]
    return {f"{what} {number}": values for number, values in enumerate(shown)}


def _single(env: Any) -> Any:
    """One environment, made from an id or taken out of a vector."""
    if isinstance(env, gymnasium.vector.SyncVectorEnv):
        return env.envs[0]
    if not isinstance(env, str):
        check_env(env)
        return env
    made = make_by_id(gymnasium.make, env)
    made.close()
    return made
