"""REINFORCE: sample trajectories, estimate the policy gradient, take a step, again."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from pg_helpers.acting import answer, torch_seeded
from pg_helpers.ascent import Adam, TorchOptimizer, copies_of, put_back
from pg_helpers.binder import ONLY_EXAMINED, BoundLoss, Loss
from pg_helpers.checkpoints import Checkpoint
from pg_helpers.execution import one_thread, uninterrupted
from pg_helpers.losses import pseudo_loss
from pg_helpers.policies import entropy, log_prob
from pg_helpers.require import NotFiniteError, check_tensor, require
from pg_helpers.returns import rewards_to_go, subtract_batch_mean, total_return
from pg_helpers.rollout import Trajectories, in_lock_step
from pg_helpers.runs import History, Run, TrainConfig
from pg_helpers.spaces import Spaces, as_vector_env

STEPS_AT_ONCE = 16_384  # as many as fit into a processor's cache
CHECKPOINT_EVERY = 100  # updates: some tenths of a second of a small run

Path = str | os.PathLike[str]
MakeOptimizer = Callable[[list[nn.Parameter]], Any]
Schedule = Callable[[int], float]


def bar_shown(view: Any) -> None:
    """Receives the widget of a progress bar on a page; `pg_course` replaces it."""


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
    env: Any,
    policy: nn.Module,
    config: TrainConfig,
    checkpoint: Path | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    loss: Loss | None = None,
    optimizer: MakeOptimizer | None = None,
    schedule: Schedule | None = None,
) -> Iterator[Update]:
    """Train a policy, yielding after each update.

    Each update samples N new trajectories, takes one gradient step of Adam on
    `pseudo_loss`, Eq. (3) and (23), and depends on the seed and its own number alone.
    Stop at any time: policy and history are those of the updates made.

    Args:
        env: a gymnasium VectorEnv, an environment id, a TabularMDP or a gymnasium.Env.
        policy: maps observations to a distribution over actions; changed in place.
        config: the settings of the run.
        checkpoint: a file to resume from, if it exists. It is written every
            `checkpoint_every` updates, at the end, and whenever the loop is left. A run
            that was killed makes the same updates as one that was not, bit for bit, if
            the seed alone decides what the environment does. Only num_updates may
            differ from the run that wrote the file.
        checkpoint_every: the largest number of updates that a kill can lose.
        loss: what each step is to lower, in place of `pseudo_loss`: a function of
            (log_probs, rewards, mask), of (batch, policy), or of others of
            `binder.NAMES`, as `pg.clinic.examine` takes it. Where it asks for
            `advantages`, these are the weights that config asks for; else it decides
            about weights and baseline itself, so that config must not, and config.gamma
            only discounts the returns in the history.
        optimizer: a function of the list of the policy's parameters that returns one of
            `torch.optim`, such as `lambda p: torch.optim.SGD(p, lr=0.1)`; by default
            `Adam` with config.learning_rate.
        schedule: maps the number of an update, from 0, to a factor of the learning
            rate, as in `torch.optim.lr_scheduler.LambdaLR`.

    Yields:
        An `Update` after each gradient step.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: whatever `sample_trajectories` refuses; a checkpoint that is
            damaged, or of another run, before anything is changed; a loss beside
            weights or a baseline.
        TrainingStoppedError: a reward, the policy, the loss or its gradient was not
            finite (a ValueError). The policy keeps its parameters from before.

    Warns:
        RuntimeWarning: the checkpoint cannot be written, which is said once; or the
            policy has dropout or batch normalisation in training mode.
    """
    run = _make_run(env, policy, config, loss, optimizer, schedule)
    return make_updates(run, _resumed(run, checkpoint, checkpoint_every))


def train(
    env: Any,
    policy: nn.Module,
    config: TrainConfig,
    progress: bool = True,
    checkpoint: Path | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    loss: Loss | None = None,
    optimizer: MakeOptimizer | None = None,
    schedule: Schedule | None = None,
) -> History:
    """Train a policy to the end of `config.num_updates`; see `iterate_training`.

    An interrupt (Ctrl+C, the stop button of a notebook) ends it early, with a warning:
    policy and history are those of the updates made.

    Args:
        env: what to train in.
        policy: changed in place.
        config: the settings of the run.
        progress: whether to show a progress bar.
        checkpoint: a file to resume from and to write to.
        checkpoint_every: the largest number of updates that a kill can lose.
        loss: in place of `pseudo_loss`.
        optimizer: in place of `Adam`.
        schedule: of the learning rate.

    Returns:
        The history of the run, the updates of the checkpoint included.

    Raises:
        TypeError, ValueError: as `iterate_training`.
    """
    from tqdm.auto import tqdm  # slow to import in a notebook

    run = _make_run(env, policy, config, loss, optimizer, schedule)
    file = _resumed(run, checkpoint, checkpoint_every)
    total, made = config.num_updates, len(run.history)
    bar = tqdm(total=total, initial=made, disable=not progress, unit="update")
    if hasattr(bar, "container"):  # widgets, on a page
        bar_shown(bar.container)
    try:
        with bar, closing(make_updates(run, file)) as updates:
            for _ in updates:
                bar.update()
    except KeyboardInterrupt:
        warnings.warn(
            f"train: interrupted after {len(run.history)} of {total} updates. The "
            "policy and the history that is returned are those of these updates.",
            RuntimeWarning,
            stacklevel=2,
        )
    return run.history


def return_weights(batch: Trajectories, config: TrainConfig, returns: Tensor) -> Tensor:
    """What each ln pi(a|s) is multiplied by, from config.weights and config.baseline.

    Returns:
        (N,) for "total_return", (N, T) for "rewards_to_go"; in units of reward.
    """
    weights = returns
    if config.weights == "rewards_to_go":
        weights = rewards_to_go(batch.rewards, config.gamma)
    if config.baseline == "batch_mean":
        weights = subtract_batch_mean(weights, batch.mask)
    return weights


def make_updates(
    run: Run, checkpoint: Checkpoint | None = None
) -> Generator[Update, None, None]:
    """Make the missing updates of a run, yielding after each.

    The checkpoint is written now and then, and whenever the loop is left.
    """
    try:
        with as_vector_env(run.env, run.config.num_trajectories) as envs:
            spaces = Spaces(envs, run.policy)
            for number in range(len(run.history), run.config.num_updates):
                try:
                    with one_thread():
                        update = _reinforce(envs, spaces, run, number)
                except NotFiniteError as error:
                    raise TrainingStoppedError(
                        number, str(error), run.history
                    ) from error
                if checkpoint is not None:
                    checkpoint.save_if_due(run)
                yield update
    finally:
        if checkpoint is not None:
            checkpoint.save(run)


def _make_run(
    env: Any,
    policy: nn.Module,
    config: TrainConfig,
    loss: Loss | None,
    make_optimizer: MakeOptimizer | None,
    schedule: Schedule | None,
) -> Run:
    is_config = isinstance(config, TrainConfig)
    require(is_config, "config", "a TrainConfig", config, TypeError)
    is_module = isinstance(policy, nn.Module)
    require(is_module, "policy", "a torch.nn.Module", policy, TypeError)
    bound = None if loss is None else BoundLoss(loss)
    plain = config.weights == "total_return" and config.baseline is None
    left = "a config without weights and baseline, which are left to the loss"
    only = bound.asks & {*ONLY_EXAMINED} if bound else set()
    require(not only, "loss", "one that asks for what training has", sorted(only))
    fits = bound is None or "advantages" in bound.asks or plain
    require(fits, "loss", left, config)
    for name, function in {"optimizer": make_optimizer, "schedule": schedule}.items():
        is_function = function is None or callable(function)
        require(is_function, name, "a function", function, TypeError)
    optimizer: Adam | TorchOptimizer
    if make_optimizer is None:
        optimizer = Adam(policy.parameters(), config.learning_rate)
    else:
        optimizer = TorchOptimizer(make_optimizer(list(policy.parameters())))
        own = {*map(id, optimizer.parameters)} <= {*map(id, policy.parameters())}
        described = optimizer.description
        require(own, "optimizer", "one of the policy's own parameters", described)
    _warn_of_noise(policy)
    return Run(env, policy, config, optimizer, History(), bound, schedule)


def _resumed(run: Run, path: Path | None, every: int) -> Checkpoint | None:
    """The checkpoint of a run, which is brought to where the file left off."""
    if path is None:
        return None
    file = Checkpoint(path, every)
    file.take_up(run)
    return file


def _reinforce(envs: VectorEnv, spaces: Spaces, run: Run, number: int) -> Update:
    """One update by REINFORCE: all of it or, where something is raised, nothing."""
    config, policy, N = run.config, run.policy, run.config.num_trajectories
    run.set_learning_rate(number)
    seed = int(np.random.SeedSequence((config.seed, number)).generate_state(1)[0])

    # Sample N trajectories with the policy as it is.
    batch = in_lock_step(envs, spaces, policy, N, seed, config.max_steps)
    returns = total_return(batch.rewards, config.gamma)

    # Ask it again what it did, now with the graph.
    steps = batch.mask
    if run.loss is not None and "log_probs" in run.loss.asks:
        steps = torch.ones_like(steps)  # the padded steps too: see `BoundLoss`
    log_probs, entropies = _evaluate_actions(policy, batch, spaces, steps)

    # A scalar whose gradient is minus the estimate of the policy gradient.
    if run.loss is None:
        if not log_probs.requires_grad:
            raise ValueError("policy: expected probabilities that carry a graph")
        weights = return_weights(batch, config, returns)
        loss = pseudo_loss(log_probs, weights, batch.mask)
    else:
        given = {"log_probs": log_probs}
        if "advantages" in run.loss.asks:
            weights = return_weights(batch, config, returns)
            given["advantages"] = weights.reshape(N, -1).expand_as(batch.mask)
        if "returns" in run.loss.asks:
            given["returns"] = rewards_to_go(batch.rewards, config.gamma)
        loss = _checked_loss(run.loss, policy, batch, given, seed)
        entropies = entropies[batch.mask[steps]]

    measured = {
        "mean_return": returns.sum().item() / N,
        "mean_undiscounted_return": batch.rewards.sum().item() / N,
        "mean_length": len(entropies) / N,
        "loss": loss.item(),
        "entropy": entropies.mean().item(),
    }
    # Take a step.
    with uninterrupted():
        measured["gradient_norm"] = run.optimizer.step(loss, config.max_gradient_norm)
        run.history.append(measured)
    return Update(number=number, history=run.history, batch=batch, **measured)


def _evaluate_actions(
    policy: nn.Module, batch: Trajectories, spaces: Spaces, steps: Tensor
) -> tuple[Tensor, Tensor]:
    """Ln pi(a|s), (N, T), with its graph, at K steps, elsewhere 0; the K entropies."""
    observations, actions = batch.observations[steps], batch.actions[steps]
    taken, entropies = [], []
    for first in range(0, len(actions), STEPS_AT_ONCE):
        part = slice(first, first + STEPS_AT_ONCE)
        distribution = answer(policy, observations[part], spaces)
        taken.append(log_prob(distribution, actions[part]))
        with torch.no_grad():
            entropies.append(entropy(distribution, taken[-1]))
    log_probs = taken[0].new_zeros(steps.shape)
    log_probs[steps] = torch.cat(taken)
    return log_probs, torch.cat(entropies)


def _checked_loss(
    loss: BoundLoss,
    policy: nn.Module,
    batch: Trajectories,
    given: dict[str, Tensor],
    seed: int,
) -> Tensor:
    """What a loss that was given returns, checked once, here.

    Its random draws depend on the seed. Rewards and mask are copies; a change of the
    parameters is undone and refused.
    """
    own = replace(batch, rewards=batch.rewards.clone(), mask=batch.mask.clone())
    before = copies_of(policy.parameters())
    try:
        with torch_seeded(seed, batch.mask.device):
            value = loss(own, policy, given)
    finally:
        changed = put_back(policy.parameters(), before)
    if changed:
        raise ValueError("loss: expected one that leaves the policy's parameters alone")
    check_tensor("loss", value)
    require(value.ndim == 0, "loss", "a scalar", tuple(value.shape))
    if not math.isfinite(value.item()):
        raise NotFiniteError(
            f"loss: expected a finite number, got {value.item()}. The log-probability "
            "of a padded step may be minus infinity: use log_probs[mask]"
        )
    return value


def _warn_of_noise(policy: nn.Module) -> None:
    noisy = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    for name, module in policy.named_modules():
        if isinstance(module, noisy) and module.training:
            warnings.warn(
                f"policy: {type(module).__name__} ({name}) is in training mode, so "
                "that the policy that is updated is not the one that acted. "
                "policy.eval() ends this mode.",
                RuntimeWarning,
                stacklevel=4,
            )
            return
