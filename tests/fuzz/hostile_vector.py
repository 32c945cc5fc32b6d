"""A vector environment that lies, and keeps a record."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from hostile import SEEN, TAKEN, Episode, Fault, Hostile, _plain, changes
from hypothesis import strategies as st
from odd import odd

MODES = (*AutoresetMode, *(mode.value for mode in AutoresetMode), None)
UNKNOWN = ("whenever", 7, [], NotImplemented)
FLAGS = ("terminated", "truncated")


class HostileVector(VectorEnv):
    """Agents in lock-step, honest but for its faults.

    What an agent does after the end of its first episode since a reset of all is not
    recorded.

    Args:
        seen: observation space of one.
        taken: action space of one.
        lengths: of the episodes of each agent, one a row and round again.
        mode: the autoreset mode that it says and keeps to; for None it rests.
        faults: where it is not honest: "seen", "reward", "terminated", "truncated",
            "info", "final", "first" and "step" of all agents.
        cuts: whether episodes are truncated.
    """

    def __init__(self, seen, taken, lengths, mode, faults=(), cuts=False):
        self.single_observation_space, self.single_action_space = seen, taken
        self.num_envs = len(lengths)
        self.metadata = {} if mode is None else {"autoreset_mode": mode}
        self.mode = AutoresetMode(mode) if mode in MODES and mode else None
        self.lengths, self.faults, self.cuts = lengths, faults, cuts
        self.rounds: list[list[Episode]] = []
        self.steps = 0
        self.values = np.random.default_rng(1)

    changed = Hostile.changed

    def reset(self, *, seed=None, options=None):
        if options:
            self.begin(np.flatnonzero(options["reset_mask"]))
            return self.changed("first", self.now.copy()), {}
        self.rounds.append([Episode() for _ in range(self.num_envs)])
        self.counts = np.zeros(self.num_envs, int)  # episodes begun
        self.times = np.zeros(self.num_envs, int)
        self.open = np.ones(self.num_envs, bool)  # in the first episode still
        self.over = np.zeros(self.num_envs, bool)
        self.now = np.array([self.look() for _ in range(self.num_envs)])
        self.begin(np.arange(self.num_envs))
        shown = self.changed("first", self.now.copy())
        self.record(shown, np.arange(self.num_envs))
        return self.changed("reset", (shown, {}))

    def begin(self, agents):
        self.counts[agents] += 1
        self.times[agents] = 0
        self.over[agents] = False
        for agent in agents:
            self.now[agent] = self.look()

    def look(self):
        space = self.single_observation_space
        if isinstance(space, spaces.Discrete):
            return np.int64(space.start + self.values.integers(space.n))
        return self.values.integers(0, 2, space.shape).astype(space.dtype)

    def step(self, actions):
        received = np.array(actions)
        if isinstance(actions, np.ndarray):
            actions[...] = 0  # what it was told is no longer there
        self.changed("raise", None)
        rested = self.over.copy()
        self.times += 1
        self.now = np.array([self.look() for _ in range(self.num_envs)])
        rows = [
            row[(n - 1) % len(row)]
            for row, n in zip(self.lengths, self.counts, strict=True)
        ]
        ends = (self.times == rows) & ~rested
        rewards = self.values.normal(size=self.num_envs).round(3) * ~rested
        if self.mode is AutoresetMode.NEXT_STEP:
            self.begin(np.flatnonzero(rested))
        self.over |= ends
        info: dict[str, Any] = {}
        shown = self.now.copy()
        if self.mode is AutoresetMode.SAME_STEP and ends.any():
            last = np.full(self.num_envs, None, dtype=object)
            for agent in np.flatnonzero(ends):
                last[agent] = self.now[agent].copy()
            info["final_obs"] = self.changed("final", last)
        shown = self.changed("seen", shown)
        rewards = self.changed("reward", rewards)
        terminated = self.changed("terminated", ends & (not self.cuts))
        truncated = self.changed("truncated", ends & self.cuts)
        self.note(received, shown, rewards, terminated, truncated, info)
        if self.mode is AutoresetMode.SAME_STEP and ends.any():
            self.begin(np.flatnonzero(ends))
            if isinstance(shown, np.ndarray) and shown.shape == self.now.shape:
                shown = np.where(
                    ends.reshape(-1, *[1] * (shown.ndim - 1)), self.now, shown
                )
        answer = (shown, rewards, terminated, truncated, self.changed("info", info))
        answer = self.changed("step", answer)
        self.steps += 1
        return answer

    def note(self, actions, shown, rewards, terminated, truncated, info):
        """Write down what was said to those in their first episode."""
        agents = np.flatnonzero(self.open)
        for agent in agents:
            episode = self.rounds[-1][agent]
            episode.actions.append(actions[agent])
            try:
                episode.rewards.append(float(_plain(rewards)[agent]))
                episode.terminated = bool(terminated[agent])
                episode.truncated = bool(truncated[agent])
            except Exception:
                return  # nothing that could be sampled
            self.open[agent] = not (episode.terminated or episode.truncated)
        if "final_obs" in info:
            self.record(shown, agents[self.open[agents]])
            self.record(info["final_obs"], agents[~self.open[agents]])
        else:
            self.record(shown, agents)

    def record(self, shown, agents):
        for agent in agents:
            try:
                self.rounds[-1][agent].seen.append(_plain(shown[agent]))
            except Exception:
                self.rounds[-1][agent].seen.append(None)

    @property
    def episodes(self):
        return [episode for episodes in self.rounds for episode in episodes]


def safe(change):
    """A list of arrays cannot be changed in every way."""

    def tried(honest):
        try:
            return change(honest)
        except (TypeError, ValueError):
            return None

    return tried


faults = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["seen", "first", "reward", "final", *FLAGS]),
        st.integers(0, 4),
        changes.map(safe),
        st.booleans(),
    ),
    st.builds(
        Fault,
        st.sampled_from(["info", "step", "reset"]),
        st.integers(0, 4),
        odd.map(lambda value: lambda honest: value),
    ),
)
lengths = st.lists(
    st.lists(st.integers(1, 4), min_size=1, max_size=2), min_size=1, max_size=3
)
vectors = st.builds(
    HostileVector,
    st.sampled_from(SEEN),
    st.sampled_from(TAKEN),
    lengths,
    st.sampled_from(MODES + UNKNOWN),
    st.lists(faults, max_size=2),
    st.booleans(),
)
