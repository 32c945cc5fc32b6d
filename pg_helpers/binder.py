"""Which argument of a loss is which: the same for training and for the clinic."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from torch import Tensor, nn

from pg_helpers.require import shown

Loss = Callable[..., Any]

# What a loss may ask for, by these names or, with names of its own, in these places.
FORMS = (("log_probs", "rewards", "mask"), ("batch", "policy"))
_KNOWN = {name for form in FORMS for name in form}
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class BoundLoss:
    """A loss that can be called with a batch and a policy, whatever it asks for.

    A loss asks for `log_probs`, `rewards` and `mask`, each (N, T), or for `batch`, a
    `Trajectories`, and `policy`. Arguments of these names are handed over by name, in
    any order and as many as there are; others by place: three are those of the first
    form, two those of the second. Arguments with a default value keep it, unless their
    name is one of these.

    Padded steps hold zeros (in the clinic state 0, action 0 and reward 0). Their
    log-probability is what the policy says of that, with a graph, so that a forgotten
    mask shows in training as it does in the clinic.

    Attributes:
        loss: what is called.
        needs_log_probs: whether it asks for them.

    Args:
        loss: a function, or an nn.Module with such a `forward`.

    Raises:
        TypeError: it cannot be called, or asks for something else.
    """

    def __init__(self, loss: Loss) -> None:
        if not callable(loss) or isinstance(loss, type):
            raise TypeError(f"loss: expected a function, got {shown(loss)}")
        self.loss = loss
        self._places, self._keywords = _bind(loss)
        asked = (*self._places, *self._keywords.values())
        self.needs_log_probs = "log_probs" in asked

    @cached_property
    def description(self) -> str:
        """Words by which a checkpoint tells two losses apart: see `describe`."""
        return describe(self.loss)

    def __call__(self, batch: Any, policy: Any, log_probs: Tensor | None) -> Any:
        """What the loss returns, or raises.

        Args:
            batch: N sampled trajectories.
            policy: that sampled them.
            log_probs: (N, T), with the graph; None where they are not needed.
        """
        given = {
            "log_probs": log_probs,
            "rewards": batch.rewards,
            "mask": batch.mask,
            "batch": batch,
            "policy": policy,
        }
        places = [given[name] for name in self._places]
        named = {name: given[form] for name, form in self._keywords.items()}
        return self.loss(*places, **named)


def describe(function: Any) -> str:
    """Words by which a checkpoint tells two functions apart: a name, and a code.

    The code is of what is computed and of the values that it refers to, as far as they
    are numbers, texts, arrays, or functions and objects made of these; in this version
    of Python. What happens while it runs is no part of it.
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    text = repr(list(_contents(function, {})))
    return f"{name} {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _contents(thing: Any, seen: dict[int, Any]) -> Iterator[Any]:
    """The plain values that a function is made of, its own code among them."""
    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes):
        yield thing
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept alive, or another would get its id
    parts: Any = ()
    if isinstance(thing, tuple | list):
        parts = thing
    elif isinstance(thing, Mapping):
        parts = sorted(thing.items(), key=lambda item: repr(item[0]))
    elif isinstance(thing, set | frozenset):
        parts = sorted(map(repr, thing))
    elif isinstance(thing, np.ndarray | np.generic | Tensor):
        array = thing.detach().cpu() if isinstance(thing, Tensor) else thing
        parts = (str(thing.dtype), np.asarray(array).tolist())
    elif isinstance(thing, CodeType):
        names = thing.co_varnames[: thing.co_argcount + thing.co_kwonlyargcount]
        parts = (thing.co_code, thing.co_names, names, thing.co_consts)
    elif isinstance(thing, partial):
        parts = (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, MethodType):
        parts = (thing.__func__, thing.__self__)
    elif isinstance(thing, FunctionType):
        parts = (
            thing.__code__,
            thing.__defaults__,
            thing.__kwdefaults__,
            *_used(thing),
        )
    elif isinstance(thing, nn.Module):
        # Its parameters and buffers are its state, which a checkpoint keeps apart.
        kind = type(thing)
        parts = (kind.__qualname__, kind.forward, _plain(thing), thing._modules)
    elif isinstance(thing, type | BuiltinFunctionType):
        parts = (str(thing.__module__), thing.__qualname__)
    elif isinstance(thing, ModuleType):
        parts = (thing.__name__,)
    elif hasattr(thing, "__dict__"):
        call = type(thing).__call__ if callable(thing) else None
        parts = (type(thing).__qualname__, call, _plain(thing))
    for part in parts:
        yield from _contents(part, seen)


def _plain(thing: Any) -> dict[str, Any]:
    """The numbers and texts among the attributes of an object."""
    return {
        name: value
        for name, value in vars(thing).items()
        if isinstance(value, bool | int | float | str) and name != "training"
    }


def _used(function: FunctionType) -> Iterator[Any]:
    """What a function refers to outside of itself, in closures and in its module."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not set
            yield "not set"
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        own = getattr(value, "__module__", None) == function.__module__
        if isinstance(value, bool | int | float | str | tuple | list | dict) or own:
            yield value


def _bind(loss: Loss) -> tuple[tuple[str, ...], dict[str, str]]:
    """What is handed over by place, and what by which name."""
    function = loss.forward if isinstance(loss, nn.Module) else loss
    # What a partial has set is no longer asked for.
    given = set(loss.keywords) if isinstance(loss, partial) else set()
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return FORMS[0], {}
    found = _fit(signature, given)
    if found is None:  # a wrapper may hand over less than what it wraps asks for
        found = _fit(inspect.signature(function, follow_wrapped=False), given)
    if found is None:
        raise TypeError(
            "loss: expected a function of (log_probs, rewards, mask) or of (batch, "
            f"policy), by these names or in this order, got one of {signature}"
        )
    return found


def _fit(
    signature: inspect.Signature, given: set[str]
) -> tuple[tuple[str, ...], dict[str, str]] | None:
    parameters = list(signature.parameters.values())
    places = [p for p in parameters if p.kind in _BY_PLACE]
    free = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    known = {n for n in signature.parameters if n in _KNOWN} - given
    required = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    asked = [p for p in parameters if p.name in known or p.name in required]
    asked = [p for p in asked if p.kind in (*_BY_PLACE, p.KEYWORD_ONLY)]
    if asked and set(required) <= known:
        return _handed_over(places, {p.name: p.name for p in asked})
    if any(p.kind is p.KEYWORD_ONLY and p.name not in known for p in asked):
        return None
    at_place = [p.name for p in asked if p.kind in _BY_PLACE]
    for form in FORMS:
        fits = all(
            name not in _KNOWN or name == place
            for name, place in zip(at_place, form, strict=False)
        )
        if fits and len(at_place) == len(form):
            named = {p.name: p.name for p in asked if p.kind is p.KEYWORD_ONLY}
            mapped = dict(zip(at_place, form, strict=True))
            return _handed_over(places, {**mapped, **named})
        if fits and free and at_place == [p.name for p in places]:
            return form, {}
    return None


def _handed_over(
    places: list[inspect.Parameter], asked: dict[str, str]
) -> tuple[tuple[str, ...], dict[str, str]] | None:
    """By name where there is one; else by place, if nothing stands in between."""
    only = [p.name for p in places if p.kind is p.POSITIONAL_ONLY]
    first = [name for name in only if name in asked]
    if first != only[: len(first)]:
        return None
    return tuple(asked[name] for name in first), {
        name: form for name, form in asked.items() if name not in first
    }
