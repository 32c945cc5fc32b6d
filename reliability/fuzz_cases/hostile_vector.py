"""A vector environment that lies, and keeps a record."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from hostile import (
    SEEN,
    TAKEN,
    Episode,
    Liar,
    changes,
    honest_but_for,
    odd,
    recorded,
)
from hypothesis import strategies as st

MODES = (*AutoresetMode, None)
UNKNOWN = ("whenever", 7)


class HostileVector(Liar, VectorEnv):
    """Agents in lock-step, honest but for their faults.

    What an agent does after the end of its first episode is not recorded.

    Args:
        seen: observation space of one agent.
        taken: action space of one agent.
        lengths: of the episodes of each agent, one agent a row, and round again.
        mode: the autoreset mode that it says and keeps to; for None it rests.
        faults: where it is not honest; "final" is what it shows last in mode SAME_STEP.
        cuts: whether episodes are truncated.
    """

    def __init__(self, seen, taken, lengths, mode, faults=(), cuts=False):
        super().__init__(faults)
        self.single_observation_space, self.single_action_space = seen, taken
        self.num_envs = len(lengths)
        self.metadata = {} if mode is None else {"autoreset_mode": mode}
        self.mode, self.lengths, self.cuts = mode, lengths, cuts
        self.rounds: list[list[Episode]] = []

    @property
    def episodes(self):
        return [episode for episodes in self.rounds for episode in episodes]

    def reset(self, *, seed=None, options=None):
        if options:
            self.begin(np.flatnonzero(options["reset_mask"]))
            return self.changed("first", self.now.copy()), {}
        self.rounds.append([Episode() for _ in range(self.num_envs)])
        self.counts = np.zeros(self.num_envs, int)  # episodes begun
        self.times = np.zeros(self.num_envs, int)
        self.open = np.ones(self.num_envs, bool)  # still in the first episode
        self.over = np.zeros(self.num_envs, bool)
        self.now = self.look_all()
        self.begin(np.arange(self.num_envs))
        shown = self.changed("first", self.now.copy())
        self.record(shown, np.arange(self.num_envs))
        return self.changed("reset", (shown, {}))

    def look_all(self):
        space = self.single_observation_space
        return np.array([self.look(space) for _ in range(self.num_envs)])

    def begin(self, agents):
        self.counts[agents] += 1
        self.times[agents] = 0
        self.over[agents] = False
        for agent in agents:
            self.now[agent] = self.look(self.single_observation_space)

    def step(self, actions):
        received = np.array(actions)
        if isinstance(actions, np.ndarray):
            actions[...] = 0  # the caller must not rely on this array
        rested = self.over.copy()
        self.times += 1
        self.now = self.look_all()
        rows = zip(self.lengths, self.counts, strict=True)
        due = [row[(count - 1) % len(row)] for row, count in rows]
        ends = (self.times == due) & ~rested
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
                first = ends.reshape(-1, *[1] * (shown.ndim - 1))
                shown = np.where(first, self.now, shown)
        answer = (shown, rewards, terminated, truncated, self.changed("info", info))
        answer = self.changed("step", answer)
        self.steps += 1
        return answer

    def note(self, actions, shown, rewards, terminated, truncated, info):
        """Record what was said to those in their first episode."""
        agents = np.flatnonzero(self.open)
        for agent in agents:
            episode = self.rounds[-1][agent]
            episode.actions.append(actions[agent])
            try:
                episode.rewards.append(float(recorded(rewards)[agent]))
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
                self.rounds[-1][agent].seen.append(recorded(shown[agent]))
            except Exception:
                self.rounds[-1][agent].seen.append(None)


def safe(change):
    """An array of objects cannot be changed in every way."""

    def tried(honest):
        try:
            return change(honest)
        except (TypeError, ValueError):
            return None

    return tried


PARTS = ["seen", "first", "reward", "final", "terminated", "truncated"]
faults = st.one_of(
    honest_but_for(PARTS, changes.map(safe), st.booleans()),
    honest_but_for(["info", "step", "reset"], odd, st.just(False)),
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
