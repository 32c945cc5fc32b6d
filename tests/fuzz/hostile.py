"""Environments that lie, in every way that fits into a script, and keep a record.

The record is plain Python, written by the environment itself when it answers: what was
sampled from it must say the same.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from hypothesis import strategies as st
from judge import PACKAGES, _group, ended, judge
from odd import HARMFUL, HARMLESS, INF, odd
from torch.distributions import Categorical, Independent, Normal

import pg_helpers as pg
from pg_helpers import acting


class OwnError(Exception):
    """Raised by an environment or a policy: not ours to translate."""


class OwnValueError(OwnError, ValueError):
    """One that could be mistaken for ours."""


@dataclass
class Episode:
    """What an environment gave and got, from a reset to the end."""

    seen: list[np.ndarray] = field(default_factory=list)
    actions: list[np.ndarray] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Fault:
    """From some call on, a part of an answer is replaced.

    Attributes:
        part: "reset", "step" (the whole answer), "seen", "first" (what reset shows),
            "reward", "terminated", "truncated", "info", "raise" or "raise first".
        at: steps taken before it, in all episodes together.
        change: of the honest part.
        lasts: whether it stays so.
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


WHOLE = (
    lambda answer: answer[:-1],
    lambda answer: (*answer, {}),
    lambda answer: list(answer),
    lambda answer: answer[0],
    lambda answer: dict(enumerate(answer)),
)
changes = st.one_of(
    odd.map(always),
    st.sampled_from([*HARMLESS.values(), *HARMFUL.values()]),
)
faults = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["seen", "first"]),
        st.integers(0, 4),
        changes,
        st.booleans(),
    ),
    st.builds(
        Fault,
        st.sampled_from(["reward", "terminated", "truncated", "info"]),
        st.integers(0, 4),
        odd.map(always),
        st.booleans(),
    ),
    st.builds(
        Fault,
        st.sampled_from(["reset", "step"]),
        st.integers(0, 4),
        st.one_of(st.sampled_from(WHOLE), odd.map(always)),
    ),
    st.builds(
        Fault,
        st.sampled_from(["raise", "raise first"]),
        st.integers(0, 4),
        st.sampled_from([OwnError("own"), OwnValueError("own")]).map(raised),
    ),
)

SEEN = (
    spaces.Box(-1, 1, (2,), np.float32),
    spaces.Box(-INF, INF, (3,), np.float64),
    spaces.Box(0, 1, (1,), np.float16),
    spaces.Box(0, 255, (4,), np.uint8),
    spaces.Box(-3, 3, (2,), np.int64),
    spaces.Discrete(3),
    spaces.Discrete(2, start=5),
    spaces.Discrete(4, start=-2),
    spaces.Discrete(1),
)
TAKEN = (
    spaces.Discrete(2),
    spaces.Discrete(1),
    spaces.Discrete(3, start=-7),
    spaces.Discrete(2, start=5),
    spaces.Box(-1, 1, (1,), np.float32),
    spaces.Box(-INF, INF, (2,), np.float64),
    spaces.Box(0, 3, (2,), np.int32),
)
UNUSUAL = (
    None,
    "Box",
    spaces.MultiDiscrete([2, 2]),
    spaces.Dict({"a": spaces.Discrete(2)}),
    spaces.Text(3),
)


class Hostile(gymnasium.Env):
    """Honest but for its faults.

    Args:
        seen: observation space.
        taken: action space.
        lengths: of its episodes, one after the other and round again; 0 is no end.
        faults: where it is not honest.
        cuts: whether episodes are truncated.
        reuses: whether it shows the same memory again and again.
    """

    def __init__(self, seen, taken, lengths, faults=(), cuts=False, reuses=False):
        self.observation_space, self.action_space = seen, taken
        self.lengths, self.faults, self.cuts = lengths, faults, cuts
        self.reuses, self.memory = reuses, None
        self.episodes: list[Episode] = []
        self.steps = self.closed = 0
        self.values = np.random.default_rng(1)

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
        space = self.observation_space
        if isinstance(space, spaces.Discrete):
            honest = np.array(space.start + self.values.integers(space.n))
        else:
            honest = self.values.integers(0, 2, space.shape or (1,)).astype(space.dtype)
        shown = self.changed(part, honest)
        try:
            self.episodes[-1].seen.append(_plain(shown))
        except Exception:  # nothing that could be sampled
            self.episodes[-1].seen.append(None)
        if shown is honest and self.reuses and honest.ndim:
            self.memory = honest if self.memory is None else self.memory
            self.memory[...] = honest
            return self.memory
        return shown

    def changed(self, part, honest):
        for fault in self.faults:
            on = self.steps >= fault.at if fault.lasts else self.steps == fault.at
            if fault.part == part and on:
                return fault.change(honest)
        return honest

    def close(self):
        self.closed += 1


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
    """A policy with which anything that may be sampled can be."""
    prefix = "single_" if hasattr(env, "single_action_space") else ""
    taken = getattr(env, f"{prefix}action_space", None)
    seen = getattr(getattr(env, f"{prefix}observation_space", None), "shape", None)

    def policy(observations: torch.Tensor) -> Any:
        batch = observations.shape[: observations.ndim - len(seen or ())]
        if isinstance(taken, spaces.Discrete):
            return Categorical(logits=torch.zeros(*batch, int(taken.n)))
        middle = torch.zeros(*batch, *getattr(taken, "shape", ()))
        return Independent(Normal(middle, 1.5), 1)

    return policy


def _plain(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    return np.array(value, dtype=float)


@contextmanager
def left_alone(policy: Any = None) -> Iterator[None]:
    """PyTorch's generator, its threads and a policy's numbers stay as they were."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    numbers = flat(policy)
    yield
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert numbers.equal(flat(policy))


def flat(policy: Any) -> torch.Tensor:
    found = list(getattr(policy, "parameters", tuple)())
    if not found:
        return torch.zeros(0)
    return torch.cat([p.detach().flatten() for p in found]).clone()


def judged(call: Callable[[], Any], names: tuple[str, ...]) -> Any:
    """As `judge`; what the environment or the policy raises comes as it is."""

    def own() -> Any:
        try:
            return call()
        except pg.TrainingStoppedError as error:  # says when; its cause names what
            assert str(error.__cause__) in str(error)
            raise error.__cause__ from None
        except Exception as error:
            if not raised_by_policy(error) and not isinstance(error, OwnError):
                raise
            assert error.__cause__ is None
            ended[_group(), "raised by the environment or the policy"] += 1
            ended[_group(), "answered"] -= 1
            return None

    return judge(own, names)


def raised_by_policy(error: Exception) -> bool:
    """Whether it comes from below the call of the policy, and is not in our words."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    asked = [n for n, file in enumerate(files) if file == acting.__file__]
    last = Path(files[-1])
    ours = any(last.is_relative_to(place) for place in PACKAGES)
    return bool(asked) and asked[-1] < len(files) - 1 and not ours
