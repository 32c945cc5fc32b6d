"""A training run: its settings, the numbers it records, how far it has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

from torch import nn

from pg_helpers.ascent import Adam, TorchOptimizer
from pg_helpers.binder import BoundLoss
from pg_helpers.require import check_count, check_fraction, check_positive, require
from pg_helpers.rollout import MAX_STEPS

WEIGHTS, BASELINES = ("total_return", "rewards_to_go"), (None, "batch_mean")


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is made of.

    Attributes:
        num_updates: number of gradient steps.
        num_trajectories: N, trajectories sampled afresh for each step.
        learning_rate: of Adam; another optimizer brings its own.
        gamma: discount, in [0, 1].
        seed: of all that is drawn while training. (The policy's initial weights are
            drawn before: call torch.manual_seed.)
        weights: "total_return", Eq. (23), or "rewards_to_go".
        baseline: None, or "batch_mean" to subtract the mean weight over trajectories,
            of which there must be two at least.
        max_steps: a longer episode is refused.
        max_gradient_norm: a longer gradient is clipped to this norm; None for none.

    Raises:
        TypeError, ValueError: a value is of the wrong kind or out of range.
    """

    num_updates: int = 1000
    num_trajectories: int = 10
    learning_rate: float = 1e-3
    gamma: float = 0.95
    seed: int = 0
    weights: Literal["total_return", "rewards_to_go"] = "total_return"
    baseline: Literal["batch_mean"] | None = None
    max_steps: int = MAX_STEPS
    max_gradient_norm: float | None = None

    def __post_init__(self) -> None:
        """Validate, and keep plain numbers, which a checkpoint can hold."""

        def keep(name: str, check: Callable[..., float], *bounds: int) -> None:
            object.__setattr__(self, name, check(name, getattr(self, name), *bounds))

        for name in ("num_updates", "num_trajectories", "max_steps"):
            keep(name, check_count)
        keep("seed", check_count, 0)
        keep("gamma", check_fraction)
        keep("learning_rate", check_positive)
        if self.max_gradient_norm is not None:
            keep("max_gradient_norm", check_positive)
        for name, words in {"weights": WEIGHTS, "baseline": BASELINES}.items():
            value = getattr(self, name)
            fits = (value is None or isinstance(value, str)) and value in words
            require(fits, name, f"one of {words}", value)
        enough = self.baseline is None or self.num_trajectories > 1
        two = "at least 2 for a baseline that is their mean"
        require(enough, "num_trajectories", two, self.num_trajectories)


@dataclass
class History:
    """One number per update, each measured on the batch of that update.

    Attributes:
        mean_return: mean over trajectories of R(tau), the estimate (9) of J.
        mean_undiscounted_return: the same without discount, in units of reward.
        mean_length: mean number of steps per episode.
        loss: value of the pseudo-loss (23), or of the given loss; measures nothing.
        entropy: mean over steps of the policy's entropy, nats; where that has no closed
            form, of minus the log-probability of the action.
        gradient_norm: Euclidean norm of the gradient estimate, before it is clipped.
    """

    mean_return: list[float] = field(default_factory=list)
    mean_undiscounted_return: list[float] = field(default_factory=list)
    mean_length: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of updates made."""
        return len(self.loss)

    def append(self, measured: dict[str, float]) -> None:
        """Add the numbers of one update."""
        for name, value in measured.items():
            getattr(self, name).append(value)


@dataclass
class Run:
    """A run as far as it has come; each update changes all of it but the settings.

    Attributes:
        loss: in place of `pseudo_loss`, or None.
        schedule: from the number of an update to a factor of the learning rate.
    """

    env: Any
    policy: nn.Module
    config: TrainConfig
    optimizer: Adam | TorchOptimizer
    history: History
    loss: BoundLoss | None = None
    schedule: Callable[[int], float] | None = None

    def set_learning_rate(self, number: int) -> None:
        """Set the learning rate of an update, where there is a schedule."""
        if self.schedule is not None:
            factor: Any = self.schedule(number)
            if getattr(factor, "ndim", None) == 0:
                factor = factor.item()
            is_real = isinstance(factor, Real)
            require(is_real, "schedule", "a number", factor, TypeError)
            fits = 0 <= factor < math.inf
            require(fits, "schedule", "a finite number, at least 0", factor)
            self.optimizer.scale_learning_rate(float(factor))
