"""A training run on disk: killed at any moment, it resumes as if nothing happened."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from pg_helpers.binder import describe
from pg_helpers.execution import uninterrupted
from pg_helpers.files import replace_file
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_count, require
from pg_helpers.runs import History, Run

_FORMAT = "checkpoint of pg_helpers, 3"
_NUMBERS = [field.name for field in fields(History)]
_ARRAYS = ("initial", "transition", "reward", "terminal", "observations")


class Checkpoint:
    """The file of a run.

    It holds all that the next update depends on: the states of the policy, of the
    optimizer and of a loss that is a module, the history, the settings, and PyTorch's
    generator, for a policy that draws random numbers of its own, as dropout does. The
    batch of update k depends on the seed and on k alone.

    Args:
        path: of the file; missing folders are made.
        every: number of updates after which it is written.

    Raises:
        TypeError, ValueError: path is not a path, or every is not an integer above 0.
    """

    def __init__(self, path: str | os.PathLike[str], every: int) -> None:
        self.path, self.every = _as_path(path), check_count("checkpoint_every", every)
        self._settings: dict[str, Any] = {}
        self._saved_at, self._has_warned = -1, False

    def take_up(self, run: Run) -> None:
        """Bring a new run to where the file left it; without a file, write the first.

        Raises:
            ValueError: the file is damaged, is not a checkpoint, or is of another run;
                or the policy's state is not of tensors. The policy is as it was.
        """
        self._settings = _settings(run)
        if not os.path.lexists(self.path):
            self.save(run)
            if self._saved_at < 0:  # It cannot be written: a warning has said so.
                return
        content = _read(self.path, self._settings)
        made, wanted = len(content["history"]), run.config.num_updates
        require(
            made <= wanted, "num_updates", f"at least the {made} that are made", wanted
        )
        with _usable(self.path), uninterrupted():
            run.optimizer.load_state(content["optimizer"])
            torch.set_rng_state(content["generator"])
            for name, module in _modules(run).items():
                module.load_state_dict(content["states"][name])
            run.history = content["history"]
        self._saved_at = made

    def save_if_due(self, run: Run) -> None:
        """Write the file, if enough updates were made since it was written."""
        if len(run.history) - self._saved_at >= self.every:
            self.save(run)

    def save(self, run: Run) -> None:
        """Write the file, unless it is as the run is; warn once where that fails."""
        if self._saved_at == len(run.history):
            return
        numbers = [getattr(run.history, name) for name in _NUMBERS]
        content = {
            "format": _FORMAT,
            "settings": self._settings,
            "history": torch.tensor(numbers, dtype=torch.float64),
            "states": {name: m.state_dict() for name, m in _modules(run).items()},
            "optimizer": run.optimizer.state(),
            "generator": torch.get_rng_state(),
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        try:
            replace_file(self.path, buffer.getvalue())
            self._saved_at = len(run.history)
        except OSError as error:
            made = f"the last is of {self._saved_at} updates"
            last = made if self._saved_at >= 0 else "there is none yet"
            text = f"{self.path} cannot be written ({error.strerror or error})"
            if not self._has_warned:
                warnings.warn(
                    f"checkpoint: {text}. Training goes on; {last}. Further attempts "
                    "fail without a warning.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            self._has_warned = True


def load_checkpoint(path: str | os.PathLike[str], policy: nn.Module) -> History:
    """Load a checkpoint into a policy, to look at a run without going on.

    Only tensors, numbers and texts are read (`torch.load` with `weights_only`): a file
    that would run code is refused.

    Args:
        path: of a file that `train(..., checkpoint=path)` wrote.
        policy: of the same architecture; its parameters and buffers are changed in
            place, but not where an error is raised.

    Returns:
        The history of the run so far.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: there is no such file, it is damaged or not a checkpoint, or it is
            of another policy.
    """
    is_module = isinstance(policy, nn.Module)
    require(is_module, "policy", "a torch.nn.Module", policy, TypeError)
    content = _read(_as_path(path), {"policy": _shapes(policy.state_dict())})
    policy.load_state_dict(content["states"]["policy"])
    return content["history"]


def _as_path(path: str | os.PathLike[str]) -> Path:
    fits = isinstance(path, str | os.PathLike) and str(path)
    require(fits, "checkpoint", "a path", path, TypeError)
    return Path(path)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    """One error for all that a file of another kind makes Python and PyTorch raise."""
    try:
        yield
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise ValueError(
            f"checkpoint: expected a file that train wrote, {path} cannot be used "
            f"({reason}). Nothing was changed: name another file, or move this one."
        ) from error


def _read(path: Path, here: dict[str, Any]) -> dict[str, Any]:
    """What a file holds, if it is whole and its settings are those given here."""
    with _usable(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # which PyTorch does not look for
        require(not damaged, "zip", "whole files", damaged)
        content = torch.load(path, map_location="cpu", weights_only=True)
        require(content["format"] == _FORMAT, "format", _FORMAT, content["format"])
        rows = zip(_NUMBERS, content["history"].tolist(), strict=True)
        content["history"] = History(**dict(rows))
        there = {**content["settings"], "policy": _shapes(content["states"]["policy"])}
        differences = [
            f"{name} = {there.get(name)} in the file, {value} now"
            for name, value in here.items()
            if there.get(name) != value
        ]
    if differences:
        raise ValueError(
            f"checkpoint: expected a file of this run, {path} is of another: "
            f"{'; '.join(differences)}. Nothing was changed: name another file, or "
            "delete this one to start over."
        )
    return content


def _modules(run: Run) -> dict[str, nn.Module]:
    """What has a state: the policy, and a loss that is a module."""
    every = {"loss": run.loss and run.loss.loss, "policy": run.policy}
    return {name: m for name, m in every.items() if isinstance(m, nn.Module)}


def _settings(run: Run) -> dict[str, Any]:
    """All that must be the same for a run to go on, in plain numbers and words."""
    size = sum(p.numel() for p in run.optimizer.parameters)
    return {
        **asdict(replace(run.config, num_updates=1)),  # which may differ
        "env": _description(run.env),
        "policy": _shapes(run.policy.state_dict()),
        "loss": "pseudo_loss" if run.loss is None else describe(run.loss.loss),
        "optimizer": f"{run.optimizer.description} of {size} trainable numbers",
        "schedule": "none" if run.schedule is None else describe(run.schedule),
    }


def _shapes(state: dict[str, Any]) -> str:
    for name, value in state.items():
        is_tensor = isinstance(value, Tensor)
        require(is_tensor, "policy", "tensors in its state_dict", f"{name} = {value}")
    return ", ".join(f"{name} {tuple(t.shape)} {t.dtype}" for name, t in state.items())


def _description(env: Any) -> str:
    """Words by which two environments are told apart, as far as they show it."""
    if isinstance(env, str):
        return env
    if isinstance(env, TabularMDP):
        arrays = b"".join(getattr(env, name).tobytes() for name in _ARRAYS)
        return f"{env!r} {hashlib.sha256(arrays).hexdigest()[:12]}"
    spec, mdp = getattr(env, "spec", None), getattr(env, "mdp", None)
    text = f"{type(env).__name__} {spec.id if spec else ''}".strip()
    if isinstance(env, VectorEnv):
        text += f" of {env.num_envs}"
    return f"{text} on {_description(mdp)}" if isinstance(mdp, TabularMDP) else text
