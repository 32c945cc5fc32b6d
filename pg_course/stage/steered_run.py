"""A training run that goes one update at a time, and whose settings may change."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import gymnasium
import torch
from torch import nn

from pg_course.stage.scenes import finite_world
from pg_helpers import exact
from pg_helpers.ascent import Adam
from pg_helpers.execution import uninterrupted
from pg_helpers.policies import policy_for
from pg_helpers.require import NotFiniteError, shown
from pg_helpers.rollout import Trajectories
from pg_helpers.runs import History, Run, TrainConfig
from pg_helpers.training import Update, make_updates


class SteeredRun:
    """A policy in training, by `iterate_training`, and all that was seen on the way.

    Unsteered it is the run of `train`, number for number. After a change of settings
    the policy goes on from where it is, with a fresh optimizer and fresh random
    numbers.

    Attributes:
        env: what it is trained in.
        config: the settings of the next update.
        policy: as it is now.
        history: one number an update.
        batch: the trajectories of the last update, or None before it.
        changes: after how many updates a setting was changed.
        exact_updates: after how many updates J was computed exactly.
        exact: J at these, in units of reward; empty where the world is not finite.
        best: the largest J of any policy, or None where the world is not finite.

    Args:
        env: as for `iterate_training`.
        config: the settings at first; num_updates is the length of the run.
        make_policy: called without arguments for a new policy, after torch was seeded
            with the seed of the config; `policy_for` of the environment by default.

    Raises:
        TypeError: config is not a TrainConfig, make_policy cannot be called, or what it
            makes is no module.
        ValueError: there is no policy for the environment.
    """

    def __init__(
        self,
        env: Any,
        config: TrainConfig,
        make_policy: Callable[[], nn.Module] | None = None,
    ) -> None:
        if not isinstance(config, TrainConfig):
            raise TypeError(f"config: expected a TrainConfig, got {shown(config)}")
        if make_policy is not None and not callable(make_policy):
            raise TypeError(
                f"make_policy: expected a function, got {shown(make_policy)}"
            )
        self.env = env
        self._make_policy = make_policy or (lambda: _default_policy(env))
        self._world = finite_world(env)
        self._updates: Generator[Update, None, None] | None = None
        self._begin(config)

    def _begin(self, config: TrainConfig) -> None:
        """Take a new policy; where none can be made, nothing is changed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed % 2**64)  # what PyTorch takes
            policy = self._make_policy()
        if not isinstance(policy, nn.Module):
            raise TypeError(
                f"make_policy: expected a torch.nn.Module, got {shown(policy)}"
            )
        truth = self._truth(policy, config)
        self.close()
        self.config, self.policy = config, policy
        self._training: Run | None = None
        self.history = History()
        self.batch: Trajectories | None = None
        self.changes: list[int] = []
        self.exact_updates: list[int] = []
        self.exact: list[float] = []
        self.best: float | None = None
        self._note(truth)

    def reset(self) -> None:
        """Begin anew, with a new policy, at the settings as they are now.

        Raises:
            Exception: whatever making a policy raised; the run stays as it was.
        """
        self._begin(self.config)

    @property
    def is_complete(self) -> bool:
        """Whether all updates are made."""
        return len(self.history) >= self.config.num_updates

    def update(self) -> None:
        """Make one update, unless all are made.

        Raises:
            Exception: whatever `iterate_training` raises; policy and history are those
                of the updates before.
        """
        if self.is_complete:
            return
        if self._training is None:
            optimizer = Adam(self.policy.parameters(), self.config.learning_rate)
            self._training = Run(
                self.env, self.policy, self.config, optimizer, self.history
            )
        if self._updates is None:
            self._updates = make_updates(self._training)
        try:
            self.batch = next(self._updates).batch
        except BaseException:  # an interrupt too: a generator that raised is at its end
            self._updates = None
            raise
        if len(self.history) % max(1, self.config.num_updates // 100) == 0:
            self._note(self._truth(self.policy, self.config))

    def change(self, **settings: Any) -> None:
        """Change settings, from the next update on; before the first, begin anew.

        Args:
            settings: attributes of `TrainConfig` and their new values.

        Raises:
            TypeError: there is no such setting, or a value of the wrong kind.
            ValueError: a value out of range. And whatever making a policy raised; the
                run stays as it was.
        """
        config = replace(self.config, **settings)
        if len(self.history) == 0:
            self._begin(config)
            return
        truth = self._truth(self.policy, config)
        self.close()
        self.config, self._training = config, None
        if self.changes[-1:] != [len(self.history)]:
            self.changes.append(len(self.history))
        self._note(truth)

    def close(self) -> None:
        """Let go of the environments; the run can go on all the same."""
        if self._updates is not None:
            self._updates.close()
            self._updates = None

    def in_words(self) -> str:
        """How far the run is, and how good the policy."""
        history = self.history
        if len(history) == 0:
            return "No update has been made yet."
        made = "1 update" if len(history) == 1 else f"{len(history)} updates"
        text = f"After {made} the mean return of a batch is "
        if self.best is None:
            text += f"{history.mean_undiscounted_return[-1]:.4g}, undiscounted. "
        else:
            text += (
                f"{history.mean_return[-1]:.2f}; the exact J was {self.exact[-1]:.2f} "
                f"after {self.exact_updates[-1]}, and the best is {self.best:.2f}. "
            )
        return text + f"The entropy is {history.entropy[-1]:.2f} nats."

    def _truth(
        self, policy: nn.Module, config: TrainConfig
    ) -> tuple[float, float | None] | None:
        """The largest J and that of a policy, exactly, where the world is finite."""
        if self._world is None:
            return None
        best = exact.optimal_objective(self._world, config.gamma)
        try:
            with torch.no_grad():
                value = exact.objective_by_dp(self._world, policy, config.gamma)
        except NotFiniteError:
            return best, None  # The next update has the words for it.
        return best, value.item()

    def _note(self, truth: tuple[float, float | None] | None) -> None:
        if truth is None:
            return
        self.best, value = truth
        if value is not None:
            with uninterrupted():
                self.exact_updates.append(len(self.history))
                self.exact.append(value)


def _default_policy(env: Any) -> nn.Module:
    if not isinstance(env, str):
        return policy_for(env)
    made = gymnasium.make(env)
    try:
        return policy_for(made)
    finally:
        made.close()
