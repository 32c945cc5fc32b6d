"""Worlds and policies to test with, small enough to know by heart."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from hypothesis import strategies as st
from torch.distributions import Categorical

import pg_helpers as pg


def sparse_world(start_ended: bool = False) -> pg.TabularMDP:
    """Four states, two of them terminal, half of the transitions impossible.

    The observations are neither one-hot nor of length S. With `start_ended` an episode
    may start in a terminal state: a trajectory of no step, of return 0. The rows of
    terminal states hold probabilities and rewards that must never be used.
    """
    transition = np.zeros((4, 2, 4))
    transition[0, 0] = [0.5, 0.25, 0.25, 0]
    transition[0, 1] = [0, 0.3, 0, 0.7]
    transition[1, 0] = [0, 0, 1, 0]
    transition[1, 1] = [0.6, 0, 0, 0.4]
    transition[2, :, [0, 2]] = 0.5
    reward = np.random.default_rng(5).normal(size=(4, 2, 4))
    reward[2:] = 100.0
    initial = [0.5, 0.2, 0.3, 0] if start_ended else [0.6, 0.4, 0, 0]
    seen = [[0.1, -1, 2], [0.7, 0.2, -0.5], [-0.3, 1, 0], [0.2, 0.4, -1]]
    return pg.TabularMDP(initial, transition, reward, [0, 0, 1, 1], 4, seen)


WORLDS = {
    "random (3, 2), horizon 4": pg.random_mdp(3, 2, 4, seed=0),
    "random (4, 3), horizon 3": pg.random_mdp(4, 3, 3, seed=1),
    "random (2, 3), horizon 5": pg.random_mdp(2, 3, 5, seed=2),
    "sparse": sparse_world(),
    "sparse, may start ended": sparse_world(start_ended=True),
    "horizon 1": pg.random_mdp(3, 2, 1, seed=3),
    "slippery grid": pg.grid_world(2, 2, slip=0.3, horizon=3),
}


def as_sparse(mdp: pg.TabularMDP) -> pg.TabularMDP:
    """The same world from sparse matrices."""
    rows = mdp.num_states * mdp.num_actions, mdp.num_states
    matrices = (
        torch.tensor(array).reshape(rows).to_sparse()
        for array in (mdp.transition, mdp.reward)
    )
    ends = mdp.terminal, mdp.horizon
    return pg.TabularMDP(mdp.initial, *matrices, *ends, mdp.observations)


gammas = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


@st.composite
def finite_worlds(draw: Any, most_steps: int = 3) -> pg.TabularMDP:
    """A world of at most 3 states and 2 actions, seen as two numbers.

    Some transitions are impossible, and half of the worlds sparse. The first states may
    be terminal, and episodes may start in them; their rows hold rewards that must never
    be used.
    """
    S, A = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    shares = generator.integers(0, 4, (1 + S * A, S))
    shares[shares.sum(axis=1) == 0] = 1
    initial, *rows = shares / shares.sum(axis=1, keepdims=True)
    terminal = np.arange(S) < draw(st.integers(0, S - 1))
    reward = generator.normal(size=(S, A, S))
    reward[terminal] = 100.0
    horizon, seen = draw(st.integers(1, most_steps)), generator.normal(size=(S, 2))
    transition = np.reshape(rows, (S, A, S))
    mdp = pg.TabularMDP(initial, transition, reward, terminal, horizon, seen)
    return as_sparse(mdp) if draw(st.booleans()) else mdp


def random_table(num_states: int, num_actions: int, seed: int = 0) -> pg.TabularPolicy:
    """A `TabularPolicy` in float64 with logits from a standard normal distribution."""
    policy = pg.TabularPolicy(num_states, num_actions).double()
    logits = np.random.default_rng(seed).normal(size=(num_states, num_actions))
    with torch.no_grad():
        policy.logits.copy_(torch.from_numpy(logits))
    return policy


def random_network(mdp: pg.TabularMDP, seed: int = 0, hidden=(3,)) -> pg.MLPPolicy:
    """An `MLPPolicy` in float64 with weights from a normal distribution."""
    size = mdp.observations.shape[1]
    policy = pg.MLPPolicy(size, mdp.num_actions, hidden).double()
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in policy.parameters():
            values = generator.normal(size=tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values))
    return policy


def clinic_in_a_table() -> tuple[pg.TabularMDP, pg.TabularPolicy]:
    """The clinic's world, seen one-hot by a table of logits with closed-form scores."""
    world = pg.clinic.standard_world()
    parts = (world.initial, world.transition, world.reward, world.terminal)
    return pg.TabularMDP(*parts, world.horizon), random_table(4, 2, seed=3)


def numbers_of(policy: torch.nn.Module) -> torch.Tensor:
    """All numbers of a policy as they are now, in one vector."""
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


def flat(*shape: int) -> Categorical:
    """All actions alike; the last axis is theirs."""
    return Categorical(logits=torch.zeros(shape))


class Constant(torch.nn.Module):
    """Returns the same, whatever it sees."""

    def __init__(self, distribution: Any) -> None:
        super().__init__()
        self.distribution = distribution

    def forward(self, seen: Any) -> Any:
        return self.distribution


class Rule(torch.nn.Module):
    """A policy without chance: the action that a function of the observation names.

    The other actions have a logit 10,000 below, hence a probability of exactly 0.
    """

    def __init__(self, function: Callable[[Any], Any], num_actions: int = 2) -> None:
        super().__init__()
        self.function, self.num_actions = function, num_actions

    def forward(self, observations: torch.Tensor) -> Categorical:
        chosen = torch.as_tensor(self.function(observations)).long()
        one_hot = torch.nn.functional.one_hot(chosen, self.num_actions)
        return Categorical(logits=10_000.0 * one_hot)


class CountingEnv(gymnasium.Env):
    """An episode of a known length; step t pays t + 1 plus a tenth of the action.

    The observation is (name, number of steps taken). Actions as they came are kept in
    `received`, and `closed` counts calls of close().

    Args:
        length: number of steps; None for an episode without end.
        truncates: whether the episode is cut off, not terminated, at its length.
        action_space: Discrete(2) by default.
        nan_at: the step whose reward is NaN.
        reset_limit: after so many resets every reward is NaN.
    """

    def __init__(
        self,
        length: int | None = 3,
        truncates: bool = False,
        name: float = 0.0,
        action_space: gymnasium.Space | None = None,
        nan_at: int | None = None,
        reset_limit: int | None = None,
    ) -> None:
        self.observation_space = spaces.Box(-1000, 1000, (2,), np.float32)
        self.action_space = action_space or spaces.Discrete(2)
        self.length, self.truncates, self.name = length, truncates, name
        self.nan_at, self.reset_limit = nan_at, reset_limit
        self.received: list[Any] = []
        self.closed = self.resets = self.time = 0

    def _seen(self) -> np.ndarray:
        return np.array([self.name, self.time], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        self.resets += 1
        return self._seen(), {}

    def step(self, action):
        self.received.append(action)
        self.time += 1
        reward = self.time + 0.1 * float(np.sum(action))
        broken = self.reset_limit is not None and self.resets > self.reset_limit
        if broken or self.time - 1 == self.nan_at:
            reward = float("nan")
        ended = self.time == self.length
        cut = ended and self.truncates
        return self._seen(), reward, ended and not cut, cut, {}

    def close(self) -> None:
        self.closed += 1
