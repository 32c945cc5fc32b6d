"""Which argument of a loss is which: the same for training and for the clinic."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from pg_helpers.require import require

Loss = Callable[..., Any]

# What a loss may ask for by name: shape and meaning. N trajectories, T steps. In the
# form "flat" (N, T) is (M,), M steps in all, and in "sequence" some are (N,).
NAMES = {
    "batch": "the Trajectories",
    "policy": "what sampled them, and is trained",
    "log_probs": "(N, T), ln pi(a|s) of each action, with a graph",
    "old_log_probs": "(N, T), the same of the policy that sampled, without one",
    "ref_log_probs": "(N, T), the same of a reference policy, without one",
    "advantages": "(N, T), the weights of the actions, without a graph",
    "returns": "(N, T), the discounted rewards from each step on",
    "values": "(N, T), V of the state before each step, without a graph",
    "rewards": "(N, T), 0 where padded",
    "mask": "bool (N, T), True where a step was taken",
    "observations": "(N, T, ...), what was seen before each step",
    "actions": "(N, T, ...), what was done",
    "lengths": "int64 (N,), steps of each trajectory",
    "terminated": "bool (N,), True where the episode ended",
    "truncated": "bool (N,), True where it was cut off",
    "final_observations": "(N, ...), what was seen after the last step",
    "group": "int64 (N,), which group (one prompt) of the batch a trajectory is in",
    "dones": "bool (M,), True at the last step of each trajectory; flat form",
    "episode": "int64 (M,), which trajectory a step belongs to; flat form",
}
# What trl, verl, OpenRLHF, torchrl and CleanRL call some of these.
ALIASES = {
    "acts": "actions",
    "action": "actions",
    "adv": "advantages",
    "advantage": "advantages",
    "b_advantages": "advantages",
    "mb_advantage": "advantages",
    "mb_advantages": "advantages",
    "b_returns": "returns",
    "mb_returns": "returns",
    "returns_to_go": "returns",
    "rewards_to_go": "returns",
    "done": "dones",
    "obs": "observations",
    "observation": "observations",
    "old_values": "values",
    "b_values": "values",
    "state_value": "values",
    "group_ids": "group",
    "action_log_probs": "log_probs",
    "curr_log_probs": "log_probs",
    "cur_log_prob": "log_probs",
    "per_token_logprobs": "log_probs",
    "action_mask": "mask",
    "loss_mask": "mask",
    "reward": "rewards",
    "b_logprobs": "old_log_probs",
    "mb_logprobs": "old_log_probs",
    "old_action_log_probs": "old_log_probs",
    "old_per_token_logprobs": "old_log_probs",
    "sample_log_prob": "old_log_probs",
    "base_action_log_probs": "ref_log_probs",
    "ref_log_prob": "ref_log_probs",
    "ref_logprobs": "ref_log_probs",
    "ref_per_token_logps": "ref_log_probs",
    "reference_log_probs": "ref_log_probs",
    "terminations": "terminated",
    "truncations": "truncated",
    "log_prob": "log_probs",
    "logp": "log_probs",
    "logprobs": "log_probs",
    "new_logprobs": "log_probs",
    "new_per_token_logps": "log_probs",
    "newlogprob": "log_probs",
    "per_token_logps": "log_probs",
    "old_log_prob": "old_log_probs",
    "old_logprobs": "old_log_probs",
    "oldlogprob": "old_log_probs",
    "old_per_token_logps": "old_log_probs",
    "completion_mask": "mask",
    "response_mask": "mask",
}
# How what a loss is given is arranged.
PADDED, FLAT, SEQUENCE = "padded", "flat", "sequence"
# In the flat form, one number for each step; in "sequence", for each trajectory.
_LOGS = ("log_probs", "old_log_probs", "ref_log_probs")
_WEIGHTS = ("rewards", "advantages", "returns", "values")
_OF_STEPS = ("observations", "actions", "mask", *_LOGS, *_WEIGHTS)
# What training does not have.
ONLY_EXAMINED = ("ref_log_probs", "values", "group")
# What a loss with other names is given, by place.
FORMS = (("log_probs", "rewards", "mask"), ("batch", "policy"))
# Arguments with a default value that are given by place too.
_OFTEN = {"batch", "policy", "log_probs", "rewards", "mask"}
_THREE_PLACES = inspect.signature(lambda log_probs, rewards, mask, /: None)
_PLAIN = bool | int | float | complex | str | bytes | None


class BoundLoss:
    """A loss that can be called with a batch and a policy, whatever it asks for.

    A loss may take any of `NAMES`, or what other libraries call them, `ALIASES`. They
    are given by name where all arguments have these names; else by place: three are
    `log_probs, rewards, mask` and two are `batch, policy`. A function of *args, or one
    without a signature, gets three. An argument with a default value keeps it, unless
    it has one of these names.

    Padded steps hold zeros (in the clinic state 0, action 0 and reward 0). Their
    log-probability is what the policy says of that, with a graph, so that a forgotten
    mask shows in training as it does in the clinic.

    Attributes:
        loss: what is called.
        asks: which of `NAMES` it asks for; log_probs too if for the old ones.
        form: "padded"; "flat", the steps of all trajectories one after another, as for
            every loss that asks for `dones` or `episode`; or "sequence", rewards,
            returns, advantages and values (N,), one number for each trajectory.

    Args:
        loss: a function, or an nn.Module with such a `forward`.
        form: of what it is given.

    Raises:
        TypeError: it cannot be called, or asks for something else.
        ValueError: there is no such form.
    """

    def __init__(self, loss: Loss, form: str = PADDED) -> None:
        fits = callable(loss) and not isinstance(loss, type)
        require(fits, "loss", "a function", loss, TypeError)
        known = form in (PADDED, FLAT, SEQUENCE)
        require(known, "form", "'padded', 'flat' or 'sequence'", form)
        self.loss = loss
        self._signature, self._asked = _bind(loss)
        self.asks = frozenset(self._asked.values())
        logs = [name for name in self._asked.values() if name.endswith("log_probs")]
        once = len(logs) == len({*logs})
        expected = "one argument for each kind of log-probabilities"
        require(once, "loss", expected, self._asked, TypeError)
        if "old_log_probs" in self.asks:
            self.asks |= {"log_probs"}
        self.form = FLAT if self.asks & {"dones", "episode"} else form
        if self.form == SEQUENCE and "rewards" in self.asks:
            self.asks |= {"returns"}

    def __call__(self, batch: Any, policy: Any, given: Mapping[str, Any]) -> Any:
        """What the loss returns or raises.

        Args:
            batch: the trajectories.
            policy: what is trained.
            given: what it asks for and the batch does not have, by one of `NAMES`;
                each is (N, T). Old log-probabilities are those of the policy itself
                where none are given.
        """
        given = {"batch": batch, "policy": policy, **given}
        if "old_log_probs" in self.asks - given.keys():
            given["old_log_probs"] = given["log_probs"].detach()
        found = self._signature.bind_partial()
        for argument, name in self._asked.items():
            found.arguments[argument] = self._arranged(name, batch, given)
        return self.loss(*found.args, **found.kwargs)

    def _arranged(self, name: str, batch: Any, given: dict[str, Any]) -> Any:
        """What is called so, in the form that the loss takes."""
        if name == "dones":
            return _last_steps(batch.mask)[batch.mask]
        if name == "episode":
            return batch.mask.nonzero()[:, 0]
        value = given[name] if name in given else getattr(batch, name)
        if self.form == SEQUENCE and name in _WEIGHTS:
            return given["returns"][:, 0] if name == "rewards" else value[:, 0]
        if self.form == FLAT and name in _OF_STEPS:
            return value[batch.mask]
        if self.form == FLAT and name in ("terminated", "truncated"):
            return (_last_steps(batch.mask) & value[:, None])[batch.mask]
        return value


def _last_steps(mask: Tensor) -> Tensor:
    return mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))


def _bind(loss: Loss) -> tuple[inspect.Signature, dict[str, str]]:
    """The signature of a loss, and which of NAMES each argument is given."""
    function = loss.forward if isinstance(loss, nn.Module) else loss
    already = loss.keywords if isinstance(loss, partial) else {}
    try:
        found = [inspect.signature(function, follow_wrapped=w) for w in (False, True)]
    except (TypeError, ValueError):  # a built-in function
        found = [_THREE_PLACES]
    own = found[0].parameters.values()
    takes_places = any(p.kind is p.VAR_POSITIONAL for p in own)
    if takes_places or any(p.kind is p.VAR_KEYWORD for p in own):
        found.reverse()  # a wrapper hands on what the wrapped function asks for
    if takes_places:
        wraps_or_names = found[0] != found[-1] or any(p.name in NAMES for p in own)
        found.insert(len(found) if wraps_or_names else 0, _THREE_PLACES)
    for signature in found:
        if asked := _fit(signature, already):
            return signature if takes_places else _by_name(signature), asked
    raise TypeError(
        "loss: expected a function of (log_probs, rewards, mask) or of (batch, "
        "policy), by these names or in this order, or of others by their names ("
        f"{', '.join([*NAMES][3:])}), got one of {found[0]}"
    )


def _by_name(signature: inspect.Signature) -> inspect.Signature:
    """The same, called with names where it can be."""
    every = signature.parameters.values()
    named = [
        p.replace(kind=p.KEYWORD_ONLY) if p.kind is p.POSITIONAL_OR_KEYWORD else p
        for p in every
    ]
    return signature.replace(parameters=named)


def _fit(signature: inspect.Signature, already: dict[str, Any]) -> dict[str, str]:
    """By argument, one of NAMES; empty where neither names nor places fit."""
    optional = NAMES.keys() - {"dones", "episode"}  # which would change the form
    own = {
        p.name: p
        for p in signature.parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and (
            p.default is p.empty or _name(p.name) in optional and p.name not in already
        )
    }
    if all(_name(name) in NAMES for name in own):
        return _told_apart({name: _name(name) for name in own})
    asked = {
        name: p.kind
        for name, p in own.items()
        if p.default is p.empty or name in _OFTEN
    }
    by_name = [n for n in asked if asked[n] is inspect.Parameter.KEYWORD_ONLY]
    by_place = [name for name in asked if name not in by_name]
    for form in FORMS:
        pairs = list(zip(by_place, form, strict=False))
        in_place = all(
            _name(own) not in NAMES or _name(own) in (name, "returns")
            for own, name in pairs
        )
        known = all(_name(own) in NAMES for own in by_name)
        if len(by_place) == len(form) and in_place and known:
            named = [*by_name, *(own for own in by_place if _name(own) == "returns")]
            return dict(pairs) | {own: _name(own) for own in named}
    return {}


def _told_apart(asked: dict[str, str]) -> dict[str, str]:
    """Where log-probabilities are called new, others beside them are the old ones."""
    logs = [own for own, name in asked.items() if name == "log_probs"]
    if any(own.startswith("new") for own in logs):
        asked |= {o: "old_log_probs" for o in logs if not o.startswith("new")}
    return asked


def _name(own: str) -> str:
    """One of NAMES, for what a loss calls it; its own name for another thing."""
    return ALIASES.get(own, own)


def describe(function: Any) -> str:
    """Words by which a checkpoint tells two functions apart: a name and a hash.

    The hash covers the code (forward, of an nn.Module and its children), default
    values, a partial's arguments, and what a closure or an object holds: numbers,
    texts, functions, and lists and dicts of them. It does not see globals, arrays or
    tensors (the state of a loss that is a module is stored separately), nor the code of
    methods and global functions that are called; it changes with the version of Python.
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    code = hashlib.sha256(repr(_contents(function, ())).encode())
    return f"{name} {code.hexdigest()[:12]}"


def _contents(thing: Any, within: tuple[Any, ...]) -> Any:
    """The plain values that a thing is made of, in nested lists."""
    if isinstance(thing, _PLAIN):
        return thing
    if any(thing is outer for outer in within):
        return "recursion"
    parts: list[Any] = [getattr(thing, "__qualname__", type(thing).__qualname__)]
    if isinstance(thing, tuple | list):
        parts += thing
    elif isinstance(thing, dict):
        parts += sorted(thing.items(), key=lambda item: repr(item[0]))
    elif isinstance(thing, frozenset | set):
        parts += sorted(thing, key=repr)
    elif isinstance(thing, CodeType):
        parts += [thing.co_code, thing.co_names, thing.co_varnames, thing.co_consts]
    elif isinstance(thing, partial):
        parts += [thing.func, thing.args, thing.keywords]
    elif isinstance(thing, MethodType):
        parts += [thing.__func__, thing.__self__]
    elif isinstance(thing, FunctionType):
        parts += [thing.__code__, thing.__defaults__, thing.__kwdefaults__]
        for cell in thing.__closure__ or ():
            with suppress(ValueError):  # a name that is not set yet
                parts.append(cell.cell_contents)
    elif hasattr(thing, "__dict__") and not isinstance(thing, type | ModuleType):
        plain = {k: v for k, v in vars(thing).items() if isinstance(v, _PLAIN)}
        parts += [plain, getattr(type(thing), "forward", type(thing).__call__)]
        parts += thing.named_children() if isinstance(thing, nn.Module) else []
    return [_contents(part, (*within, thing)) for part in parts]
