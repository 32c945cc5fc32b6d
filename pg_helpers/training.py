"""The loop: sample trajectories, weigh them, take a step uphill, again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn
from tqdm.auto import tqdm

from pg_helpers.arguments import (
    NotFiniteError,
    check_choice,
    check_count,
    check_fraction,
    check_positive,
)
from pg_helpers.ascent import Adam
from pg_helpers.distributions import entropy, log_prob
from pg_helpers.interface import as_vector_env
from pg_helpers.losses import pseudo_loss
from pg_helpers.returns import rewards_to_go, subtract_batch_mean, total_return
from pg_helpers.rollout import MAX_STEPS, Trajectories, sample_trajectories

STEPS_AT_ONCE = 16_384


@dataclass(frozen=True)
class TrainConfig:
    """What a training run is made of.

    Attributes:
        num_updates: number of gradient steps.
        num_trajectories: N, trajectories sampled afresh for each step.
        learning_rate: of Adam.
        gamma: discount, in [0, 1].
        seed: of everything drawn while training. (The initial weights of the policy
            are drawn before: call torch.manual_seed.)
        weights: "total_return", Eq. (23), or "rewards_to_go".
        baseline: None, or "batch_mean" to subtract the mean weight over trajectories.
        max_steps: an episode that is longer is refused.

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

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("num_updates", "num_trajectories", "max_steps"):
            check_count(name, getattr(self, name))
        check_count("seed", self.seed, at_least=0)
        check_fraction("gamma", self.gamma)
        check_positive("learning_rate", self.learning_rate)
        check_choice("weights", self.weights, ("total_return", "rewards_to_go"))
        check_choice("baseline", self.baseline, (None, "batch_mean"))


@dataclass
class History:
    """One number an update, each measured on the batch that the update was made from.

    Attributes:
        mean_return: mean over trajectories of R(tau), the estimate (9) of J.
        mean_undiscounted_return: the same without discount, in units of reward.
        mean_length: mean number of steps of an episode.
        loss: value of the pseudo-loss (23); it measures nothing.
        entropy: mean over steps of the policy's entropy, nats.
        gradient_norm: Euclidean norm of the gradient estimate.
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


@dataclass(frozen=True)
class Update:
    """What one update did; the numbers are those of `History`.

    Attributes:
        number: 0 for the first.
        history: of the run so far, this update included.
        batch: the trajectories it was made from.
    """

    number: int
    mean_return: float
    mean_undiscounted_return: float
    mean_length: float
    loss: float
    entropy: float
    gradient_norm: float
    history: History = field(repr=False)
    batch: Trajectories = field(repr=False)


class TrainingStoppedError(ValueError):
    """Training met a number that is not finite, and stopped before it spread.

    Attributes:
        number: of the update that failed, from 0.
        history: of the updates before it.
    """

    def __init__(self, number: int, reason: str, history: History) -> None:
        super().__init__(
            f"training stopped at update {number}: {reason}. The history of the "
            f"{len(history)} updates before it is kept in this error's .history, and "
            "the policy has the parameters from before it. Where training diverges, "
            "try a smaller learning rate."
        )
        self.number = number
        self.history = history


def iterate_training(
    env: Any, policy: nn.Module, config: TrainConfig
) -> Iterator[Update]:
    """Train a policy, yielding after each update.

    Each update samples N new trajectories, takes one gradient step of Adam on
    `pseudo_loss`, Eq. (3) and (23), and depends on the seed and its own number alone.
    Stop at any time: policy and history are those of the updates made.

    Args:
        env: a gymnasium VectorEnv, an environment id, a TabularMDP or a gymnasium.Env.
        policy: maps observations to a distribution over actions; changed in place.
        config: what the run is made of.

    Yields:
        An `Update` after each gradient step.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: whatever `sample_trajectories` refuses.
        TrainingStoppedError: a ValueError; a reward, the policy or its gradient was not
            finite. The policy keeps its parameters from before that update.
    """
    if not isinstance(config, TrainConfig):
        raise TypeError(f"config: expected a TrainConfig, got {config!r}")
    if not isinstance(policy, nn.Module):
        raise TypeError(f"policy: expected a torch.nn.Module, got {policy!r}")
    return _iterate(
        env, policy, Adam(policy.parameters(), config.learning_rate), config
    )


def train(
    env: Any, policy: nn.Module, config: TrainConfig, progress: bool = True
) -> History:
    """Train a policy to the end of `config.num_updates`.

    Args:
        env: a gymnasium VectorEnv, an environment id, a TabularMDP or a gymnasium.Env.
        policy: maps observations to a distribution over actions; changed in place.
        config: what the run is made of.
        progress: whether to show a progress bar.

    Returns:
        The history of the run.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: whatever `iterate_training` refuses.
    """
    updates = iterate_training(env, policy, config)
    bar = tqdm(updates, total=config.num_updates, disable=not progress, unit="update")
    for update in bar:
        history = update.history
    return history


def return_weights(batch: Trajectories, config: TrainConfig) -> Tensor:
    """What each ln pi(a|s) is multiplied with, by config.weights and config.baseline.

    Args:
        batch: N sampled trajectories.
        config: only gamma, weights and baseline are used.

    Returns:
        (N,) for "total_return", (N, T) for "rewards_to_go"; in units of reward.
    """
    weigh = {"total_return": total_return, "rewards_to_go": rewards_to_go}
    weights = weigh[config.weights](batch.rewards, config.gamma)
    if config.baseline == "batch_mean":
        weights = subtract_batch_mean(weights, batch.mask)
    return weights


def _iterate(
    env: Any, policy: nn.Module, optimizer: Adam, config: TrainConfig
) -> Iterator[Update]:
    history = History()
    with as_vector_env(env, config.num_trajectories) as envs:
        for number in range(config.num_updates):
            try:
                with one_thread():
                    batch, measured = _step_uphill(
                        envs, policy, optimizer, config, number
                    )
            except NotFiniteError as error:
                raise TrainingStoppedError(number, str(error), history) from error
            history.append(measured)
            yield Update(number=number, history=history, batch=batch, **measured)


def _step_uphill(
    envs: VectorEnv,
    policy: nn.Module,
    optimizer: Adam,
    config: TrainConfig,
    number: int,
) -> tuple[Trajectories, dict[str, float]]:
    """One update, and what was measured on the way."""
    seed = int(np.random.SeedSequence((config.seed, number)).generate_state(1)[0])
    batch = sample_trajectories(
        envs, policy, config.num_trajectories, seed, config.max_steps
    )
    taken, entropies = _ask_again(policy, batch)
    log_probs = taken.new_zeros(batch.mask.shape).masked_scatter(batch.mask, taken)
    weights = return_weights(batch, config)
    loss = pseudo_loss(log_probs, weights, batch.mask)
    gradient = optimizer.step(loss)
    plain = config.weights == "total_return" and config.baseline is None
    returns = weights if plain else total_return(batch.rewards, config.gamma)
    N = config.num_trajectories
    return batch, {
        "mean_return": returns.sum().item() / N,
        "mean_undiscounted_return": batch.rewards.sum().item() / N,
        "mean_length": len(taken) / N,
        "loss": loss.item(),
        "entropy": entropies.mean().item(),
        "gradient_norm": gradient.norm().item(),
    }


def _ask_again(policy: nn.Module, batch: Trajectories) -> tuple[Tensor, Tensor]:
    """At each of the K steps taken: ln pi, which carries the graph, and the entropy.

    The policy is asked about the steps that were taken, not about the padding, and
    about so many at a time that what it computes stays in the processor's cache.
    """
    places = batch.mask.flatten().nonzero().squeeze(1)
    log_probs, entropies = [], []
    for first in range(0, len(places), STEPS_AT_ONCE):
        part = places[first : first + STEPS_AT_ONCE]
        answer = policy(batch.observations.flatten(0, 1).index_select(0, part))
        actions = batch.actions.flatten(0, 1).index_select(0, part)
        log_probs.append(log_prob(answer, actions, 1))
        with torch.no_grad():
            entropies.append(entropy(answer, 1))
    return torch.cat(log_probs), torch.cat(entropies)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one PyTorch thread inside the block; restore the setting afterwards.

    Small networks gain nothing from a second thread, and stall when another process
    keeps its processor busy.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
