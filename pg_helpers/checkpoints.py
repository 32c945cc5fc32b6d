"""A training run on disk: killed at any moment, it goes on as if nothing had been."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
import zipfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from pg_helpers.binder import describe
from pg_helpers.execution import uninterrupted
from pg_helpers.files import replace_file
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import all_finite, check_count, shown
from pg_helpers.runs import History, Run, TrainConfig

_FORMAT = "checkpoint of pg_helpers, 2"
_PARTS = {
    "format": str,
    "env": str,
    "config": dict,
    "functions": dict,
    "loss": dict,
    "policy": dict,
    "optimizer": dict,
    "history": dict,
    "generator": Tensor,
}
_USUAL = {"loss": "pseudo_loss", "optimizer": "Adam of pg_helpers", "schedule": "none"}
_ARRAYS = ("initial", "transition", "reward", "terminal", "observations")


class Checkpoint:
    """The file of a run.

    It holds all that the next update depends on: parameters and buffers of the policy,
    the state of the optimizer, the history, the settings, words for the loss, the
    optimizer and the schedule, the state of a loss that is a module, and PyTorch's
    generator (for a policy that draws random numbers of its own, as
    dropout does). The batch of update k depends on the seed and on k alone.

    Attributes:
        path: of the file.
        every: after so many updates it is written.

    Args:
        path: of the file; folders that are missing are made.
        every: at least 1.

    Raises:
        TypeError: the path is none, or every is not an integer.
        ValueError: every is below 1.
    """

    def __init__(self, path: str | os.PathLike[str], every: int) -> None:
        self.every = check_count("checkpoint_every", every)
        self.path = _as_path(path)
        self._saved_at = -1
        self._has_complained = False

    def take_up(self, run: Run) -> None:
        """Bring a run to where the file left it; if there is none, write the first.

        Args:
            run: at its beginning. Where an error is raised, its policy is as it was.

        Raises:
            ValueError: the file is damaged, is no checkpoint, or is of another run; or
                the policy's state is not of tensors alone.
        """
        if not os.path.lexists(self.path):
            self.save(run)
            if self._saved_at < 0:  # It cannot be written, which was said.
                return
        content = _read(self.path)
        _check_same_run(content, run, self.path)
        _check_same_policy(content, run.policy, self.path)
        with uninterrupted():
            run.optimizer.load_state(content["optimizer"])
            if (module := _module_of(run)) is not None:
                module.load_state_dict(content["loss"])
            run.history = _put_into(content, run.policy)
            torch.set_rng_state(content["generator"])
        self._saved_at = len(run.history)

    def save_if_due(self, run: Run) -> None:
        """Write the file, if enough updates were made since it was written."""
        if len(run.history) - self._saved_at >= self.every:
            self.save(run)

    def save(self, run: Run) -> None:
        """Write the file, unless it is as the run is; warn once where that fails."""
        if self._saved_at == len(run.history):
            return
        buffer = io.BytesIO()
        torch.save(_content(run), buffer)
        try:
            replace_file(self.path, buffer.getvalue())
        except OSError as error:
            self._complain(error)
        else:
            self._saved_at = len(run.history)

    def _complain(self, error: OSError) -> None:
        if self._has_complained:
            return
        self._has_complained = True
        last = "there is none yet"
        if self._saved_at >= 0:
            last = f"the last is of {self._saved_at} updates"
        warnings.warn(
            f"checkpoint: {self.path} cannot be written ({error.strerror or error}). "
            f"Training goes on; {last}. It is tried again, and not said again.",
            RuntimeWarning,
            stacklevel=2,
        )


def load_checkpoint(path: str | os.PathLike[str], policy: nn.Module) -> History:
    """Give a policy what a checkpoint holds; for looking at a run without going on.

    Only tensors, numbers and words are read (`torch.load` with `weights_only`): a file
    that would run code is refused.

    Args:
        path: of a file that `train(..., checkpoint=path)` wrote.
        policy: of the same architecture; its parameters and buffers are changed in
            place, but not where an error is raised.

    Returns:
        The history of the run so far.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: there is no such file, it is damaged or no checkpoint, or it is of
            another policy.
    """
    if not isinstance(policy, nn.Module):
        raise TypeError(f"policy: expected a torch.nn.Module, got {shown(policy)}")
    place = _as_path(path)
    content = _read(place)
    _check_same_policy(content, policy, place)
    return _put_into(content, policy)


def _as_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise TypeError(f"checkpoint: expected a path, got {shown(path)}")
    return Path(path)


def _content(run: Run) -> dict[str, Any]:
    numbers = {
        name: torch.tensor(values, dtype=torch.float64)
        for name, values in asdict(run.history).items()
    }
    return {
        "format": _FORMAT,
        "env": _description(run.env),
        "config": asdict(run.config),
        "functions": _functions(run),
        "loss": {} if (module := _module_of(run)) is None else _state(module),
        "policy": _state(run.policy),
        "optimizer": run.optimizer.state(),
        "history": numbers,
        "generator": torch.get_rng_state(),
    }


def _read(path: Path) -> dict[str, Any]:
    """What a file holds, if it is a checkpoint and whole."""
    left = "It is left as it is: name another file, or move this one away."
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # which PyTorch does not look for
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"checkpoint: expected a file, found no {path}") from None
    except OSError as error:
        raise ValueError(
            f"checkpoint: expected a file, {path} cannot be read ({error.strerror}). "
            f"{left}"
        ) from error
    except Exception as error:  # Whatever a file that is not ours makes PyTorch raise.
        raise ValueError(
            f"checkpoint: expected a file that train wrote; {path} is damaged, or "
            f"another program's ({_in_short(error)}). {left}"
        ) from error
    if not _is_ours(content):
        raise ValueError(
            f"checkpoint: expected a file that train wrote; {path} is another "
            f"program's. {left}"
        )
    return content


def _is_ours(content: Any) -> bool:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        return False
    if not all(isinstance(content.get(name), kind) for name, kind in _PARTS.items()):
        return False
    try:
        TrainConfig(**content["config"])
    except (TypeError, ValueError):
        return False
    optimizer, history = dict(content["optimizer"]), content["history"]
    functions = content["functions"]
    if functions.keys() != _USUAL.keys():
        return False
    if functions["optimizer"] == _USUAL["optimizer"]:
        known = isinstance(optimizer.pop("num_steps", None), int) and _are_vectors(
            optimizer, {"mean", "mean_square"}
        )
    else:
        known = optimizer.keys() == {"state", "param_groups"}
    generator = torch.get_rng_state()
    return (
        all(isinstance(value, Tensor) for value in content["policy"].values())
        and known
        and all(isinstance(words, str) for words in functions.values())
        and all(isinstance(value, Tensor) for value in content["loss"].values())
        and _are_vectors(history, {field.name for field in fields(History)})
        and content["generator"].dtype == generator.dtype
        and content["generator"].shape == generator.shape
    )


def _are_vectors(values: dict[str, Any], names: set[str]) -> bool:
    """Whether these are the names, and all are vectors of numbers of one length."""
    vectors = [v for v in values.values() if isinstance(v, Tensor) and v.ndim == 1]
    return (
        values.keys() == names
        and len(vectors) == len(names)
        and len({len(vector) for vector in vectors}) == 1
        and all(v.is_floating_point() and all_finite(v) for v in vectors)
    )


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _check_same_run(content: dict[str, Any], run: Run, path: Path) -> None:
    then, now = content["config"], asdict(run.config)
    differences = [
        f"{name} = {then.get(name)!r} there, {value!r} here"
        for name, value in now.items()
        if then.get(name) != value and name != "num_updates"
    ]
    if content["env"] != (env := _description(run.env)):
        differences.append(f"env = {content['env']} there, {env} here")
    differences += [
        f"{name} = {content['functions'][name]} there, {value} here"
        for name, value in _functions(run).items()
        if content["functions"][name] != value
    ]
    made = len(content["history"]["loss"])
    if made > run.config.num_updates:
        differences.append(
            f"{made} updates there, {run.config.num_updates} wanted here"
        )
    if differences:
        raise ValueError(
            f"checkpoint: expected a file of this run, {path} is of another: "
            f"{'; '.join(differences)}. Name another file, or delete this one to begin "
            "anew."
        )


def _check_same_policy(content: dict[str, Any], policy: nn.Module, path: Path) -> None:
    there, here = (
        ", ".join(f"{name} {tuple(t.shape)} {t.dtype}" for name, t in state.items())
        for state in (content["policy"], _state(policy))
    )
    if there != here:
        raise ValueError(
            f"policy: expected the parameters that {path} holds, {there}; got {here}"
        )


def _put_into(content: dict[str, Any], policy: nn.Module) -> History:
    policy.load_state_dict(content["policy"])
    numbers = content["history"].items()
    return History(**{name: values.tolist() for name, values in numbers})


def _functions(run: Run) -> dict[str, str]:
    """Words for the functions that a run was given."""
    found = {**_USUAL, "optimizer": run.optimizer.description}
    if run.loss is not None:
        found["loss"] = run.loss.description
    if run.schedule is not None:
        found["schedule"] = describe(run.schedule)
    return found


def _module_of(run: Run) -> nn.Module | None:
    """The loss, if it is a module, which may have a state."""
    loss = None if run.loss is None else run.loss.loss
    return loss if isinstance(loss, nn.Module) else None


def _state(policy: nn.Module) -> dict[str, Tensor]:
    state = policy.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ValueError(
                "policy: expected tensors in its state_dict, which a checkpoint can "
                f"hold; got {name} = {shown(value)}"
            )
    return state


def _description(env: Any) -> str:
    """Words by which two environments are told apart, as far as they show it."""
    if isinstance(env, str):
        return env
    if isinstance(env, TabularMDP):
        arrays = (getattr(env, name) for name in _ARRAYS)
        code = hashlib.sha256(b"".join(array.tobytes() for array in arrays))
        return f"{env!r} {code.hexdigest()[:12]}"
    spec = getattr(env, "spec", None)
    text = f"{type(env).__name__} {spec.id if spec else ''}".strip()
    if isinstance(env, VectorEnv):
        text += f" of {env.num_envs}"
    mdp = getattr(env, "mdp", None)
    return f"{text} on {_description(mdp)}" if isinstance(mdp, TabularMDP) else text
