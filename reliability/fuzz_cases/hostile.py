"""Environments that lie, in every way that fits into a script, and keep a record.

The record is plain Python, written by the environment itself when it answers: what is
sampled from it must say the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from hypothesis import strategies as st
from judge import OwnError, OwnValueError
from nonsense import HARMFUL, HARMLESS, INF, THINGS
from torch.distributions import Categorical, Independent, Normal


@dataclass
class Episode:
    """What an environment gave and received, from a reset to the end."""

    seen: list[Any] = field(default_factory=list)
    actions: list[np.ndarray] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Fault:
    """From some call on, a part of an answer is replaced.

    Attributes:
        part: "reset" or "step" (the whole answer), "first" (what reset shows), "seen",
            "reward", "terminated", "truncated", "info", "raise" or "raise first".
        at: the number of steps taken before it, in all episodes together.
        change: takes the honest part.
        lasts: whether it stays.
    """

    part: str
    at: int
    change: Callable[[Any], Any]
    lasts: bool = False


def always(value: Any) -> Callable[[Any], Any]:
    return lambda honest: value


def raised(error: Exception) -> Callable[[Any], Any]:
    def change(honest: Any) -> Any:
        raise error

    return change


def honest_but_for(
    parts: list[str], changes: st.SearchStrategy, lasts: st.SearchStrategy
) -> st.SearchStrategy:
    return st.builds(Fault, st.sampled_from(parts), st.integers(0, 4), changes, lasts)


odd = st.one_of(THINGS, st.sampled_from([0, 1, 2, False, 1.0, NotImplemented]))
odd = odd.map(always)
changes = odd | st.sampled_from([*HARMLESS.values(), *HARMFUL.values()])
WHOLE = (
    lambda answer: answer[:-1],
    lambda answer: (*answer, {}),
    lambda answer: list(answer),
    lambda answer: dict(enumerate(answer)),
)
ERRORS = st.sampled_from([OwnError("own"), OwnValueError("own")]).map(raised)
faults = st.one_of(
    honest_but_for(["seen", "first"], changes, st.booleans()),
    honest_but_for(["reward", "terminated", "truncated", "info"], odd, st.booleans()),
    honest_but_for(["reset", "step"], odd | st.sampled_from(WHOLE), st.just(False)),
    honest_but_for(["raise", "raise first"], ERRORS, st.just(False)),
)

SEEN = (
    spaces.Box(-1, 1, (2,), np.float32),
    spaces.Box(-INF, INF, (3,), np.float64),
    spaces.Box(0, 1, (1,), np.float16),
    spaces.Box(0, 255, (4,), np.uint8),
    spaces.Discrete(2, start=5),
    spaces.Discrete(4, start=-2),
    spaces.Discrete(1),
)
TAKEN = (
    spaces.Discrete(2),
    spaces.Discrete(1),
    spaces.Discrete(3, start=-7),
    spaces.Box(-1, 1, (1,), np.float32),
    spaces.Box(-INF, INF, (2,), np.float64),
    spaces.Box(0, 3, (2,), np.int32),
)


class Liar:
    """What single and vector environments share."""

    def __init__(self, faults: Any) -> None:
        self.faults, self.steps = faults, 0
        self.values = np.random.default_rng(1)

    def look(self, space: spaces.Space) -> np.ndarray:
        if isinstance(space, spaces.Discrete):
            return np.array(space.start + self.values.integers(space.n))
        return self.values.integers(0, 2, space.shape).astype(space.dtype)

    def changed(self, part: str, honest: Any) -> Any:
        for fault in self.faults:
            on = self.steps >= fault.at if fault.lasts else self.steps == fault.at
            if fault.part == part and on:
                return fault.change(honest)
        return honest


class Hostile(Liar, gymnasium.Env):
    """One agent, honest but for its faults.

    Args:
        seen: observation space.
        taken: action space.
        lengths: of its episodes, one after the other and round again.
        faults: where it is not honest.
        cuts: whether episodes are truncated.
        reuses: whether it shows the same memory again and again.
    """

    def __init__(self, seen, taken, lengths, faults=(), cuts=False, reuses=False):
        super().__init__(faults)
        self.observation_space, self.action_space = seen, taken
        self.lengths, self.cuts, self.reuses = lengths, cuts, reuses
        self.memory = None
        self.episodes: list[Episode] = []

    def reset(self, *, seed=None, options=None):
        self.changed("raise first", None)
        self.episodes.append(Episode())
        return self.changed("reset", (self.show("first"), {}))

    def step(self, action):
        self.changed("raise", None)
        episode = self.episodes[-1]
        episode.actions.append(np.array(action))
        length = self.lengths[(len(self.episodes) - 1) % len(self.lengths)]
        ends = len(episode.actions) == length
        seen = self.show("seen")
        reward = self.changed("reward", round(float(self.values.normal()), 3))
        terminated = self.changed("terminated", ends and not self.cuts)
        truncated = self.changed("truncated", ends and self.cuts)
        episode.rewards.append(reward)
        episode.terminated, episode.truncated = terminated, truncated
        answer = (seen, reward, terminated, truncated, self.changed("info", {}))
        answer = self.changed("step", answer)
        self.steps += 1
        return answer

    def show(self, part):
        honest = self.look(self.observation_space)
        shown = self.changed(part, honest)
        self.episodes[-1].seen.append(recorded(shown))
        if shown is honest and self.reuses and honest.ndim:
            self.memory = honest if self.memory is None else self.memory
            self.memory[...] = honest
            return self.memory
        return shown


def recorded(shown: Any) -> np.ndarray | None:
    """A copy in float64, or None for what could not be sampled."""
    try:
        if isinstance(shown, torch.Tensor):
            shown = shown.tolist()
        return np.array(shown, dtype=float)
    except Exception:
        return None


hostile = st.builds(
    Hostile,
    st.sampled_from(SEEN),
    st.sampled_from(TAKEN),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.lists(faults, max_size=2),
    st.booleans(),
    st.booleans(),
)


def uniform(env: Any) -> Callable[[torch.Tensor], Any]:
    """A policy for any of the spaces, of one agent or of many."""
    prefix = "single_" if hasattr(env, "single_action_space") else ""
    taken = getattr(env, f"{prefix}action_space")
    seen = getattr(env, f"{prefix}observation_space").shape

    def policy(observations: torch.Tensor) -> Any:
        batch = observations.shape[: observations.ndim - len(seen)]
        if isinstance(taken, spaces.Discrete):
            return Categorical(logits=torch.zeros(*batch, int(taken.n)))
        return Independent(Normal(torch.zeros(*batch, *taken.shape), 1.5), 1)

    return policy


@contextmanager
def left_alone() -> Iterator[None]:
    """PyTorch's generator and its number of threads stay as they were."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
