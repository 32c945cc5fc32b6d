"""A training run on paper: its settings, the numbers it leaves, how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from pg_helpers.ascent import Adam, TorchOptimizer
from pg_helpers.binder import BoundLoss
from pg_helpers.require import check_count, check_fraction, check_positive, require
from pg_helpers.rollout import MAX_STEPS


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is made of.

    Attributes:
        num_updates: number of gradient steps.
        num_trajectories: N, trajectories sampled afresh for each step.
        learning_rate: of Adam; another optimizer brings its own.
        gamma: discount, in [0, 1].
        seed: of everything drawn while training. (The initial weights of the policy
            are drawn before: call torch.manual_seed.)
        weights: "total_return", Eq. (23), or "rewards_to_go".
        baseline: None, or "batch_mean" to subtract the mean weight over trajectories.
        max_steps: an episode that is longer is refused.
        max_gradient_norm: a longer gradient is shortened to this length; None for none.

    Raises:
        TypeError: a number is of the wrong kind.
        ValueError: a number is out of range, or a word is not one of those above.
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
        """Validate, and keep plain numbers."""
        whole = {"num_updates": 1, "num_trajectories": 1, "max_steps": 1, "seed": 0}
        for name, least in whole.items():
            self._set(name, check_count(name, getattr(self, name), least))
        self._set("gamma", check_fraction("gamma", self.gamma))
        rate = check_positive("learning_rate", self.learning_rate)
        self._set("learning_rate", rate)
        if self.max_gradient_norm is not None:
            norm = check_positive("max_gradient_norm", self.max_gradient_norm)
            self._set("max_gradient_norm", norm)
        require(
            self.weights in ("total_return", "rewards_to_go"),
            "weights",
            "'total_return' or 'rewards_to_go'",
            self.weights,
        )
        require(
            self.baseline in (None, "batch_mean"),
            "baseline",
            "None or 'batch_mean'",
            self.baseline,
        )

    def _set(self, name: str, value: float) -> None:
        """In place of what came, which may be NumPy's: it is to be kept in files."""
        object.__setattr__(self, name, value)


@dataclass
class History:
    """One number an update, each measured on the batch that the update was made from.

    Attributes:
        mean_return: mean over trajectories of R(tau), the estimate (9) of J.
        mean_undiscounted_return: the same without discount, in units of reward.
        mean_length: mean number of steps of an episode.
        loss: value of the pseudo-loss (23), or of the loss that was given; it measures
            nothing.
        entropy: mean over steps of the policy's entropy, nats; where that has no closed
            form, of minus the log-probability of what was done.
        gradient_norm: Euclidean norm of the gradient estimate, before it is shortened.
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
    """A run as far as it has come; all of it changes with each update but the settings.

    Attributes:
        env: what is trained in.
        policy: as it is now.
        config: the settings.
        optimizer: of the policy's parameters.
        history: of the updates made.
        loss: in place of `pseudo_loss`, or None.
        schedule: from the number of an update to a factor of the learning rate, or
            None.
    """

    env: Any
    policy: nn.Module
    config: TrainConfig
    optimizer: Adam | TorchOptimizer
    history: History
    loss: BoundLoss | None = None
    schedule: Callable[[int], float] | None = None

    def set_learning_rate(self, number: int) -> None:
        """Set the learning rate of an update, if there is a schedule.

        Raises:
            TypeError: the factor is no number.
            ValueError: it is below 0 or not finite.
        """
        if self.schedule is not None:
            factor = float(self.schedule(number))
            if factor < 0:
                raise ValueError(f"schedule: expected at least 0, got {factor}")
            self.optimizer.scale_learning_rate(factor)
