"""Which argument of a loss is which: the same for training and for the clinic."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from torch import Tensor, nn

from pg_helpers.arguments import shown

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
        self.needs_log_probs = "log_probs" in (*self._places, *self._keywords)

    @property
    def description(self) -> str:
        """Words by which a checkpoint tells two losses apart: a name, and a code.

        The code is of what is computed and of the plain values that it refers to, in
        this version of Python; it does not see what lies deeper.
        """
        name = getattr(self.loss, "__qualname__", type(self.loss).__qualname__)
        text = repr(list(_contents(self.loss)))
        return f"{name} {hashlib.sha256(text.encode()).hexdigest()[:12]}"

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
        return self.loss(*places, **{name: given[name] for name in self._keywords})


def _contents(thing: Any) -> Iterator[Any]:
    """The plain values that a function is made of, its own code among them."""
    if thing is None or isinstance(thing, bool | int | float | str | bytes):
        yield thing
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _contents(part)
    elif isinstance(thing, CodeType):
        yield from (thing.co_code, thing.co_names)
        yield from _contents(thing.co_consts)
    elif isinstance(thing, partial):
        parts = (thing.func, thing.args, list(thing.keywords.items()))
        yield from _contents(parts)
    elif isinstance(thing, MethodType):
        yield from _contents((thing.__func__, thing.__self__))
    elif isinstance(thing, FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        yield from _contents((thing.__code__, thing.__defaults__, cells))
        yield from _contents(list((thing.__kwdefaults__ or {}).items()))
    elif callable(thing) and not isinstance(thing, type) and hasattr(thing, "__dict__"):
        forward = type(thing).forward if isinstance(thing, nn.Module) else None
        call = forward or type(thing).__call__
        yield from _contents((call, sorted(vars(thing).items(), key=lambda i: i[0])))


def _bind(loss: Loss) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is handed over by place, and what by name."""
    try:
        signature = inspect.signature(
            loss.forward if isinstance(loss, nn.Module) else loss
        )
    except (TypeError, ValueError):  # some built-in functions do not tell
        return FORMS[0], ()
    parameters = signature.parameters.values()
    places = [p for p in parameters if p.kind in _BY_PLACE]
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    free = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    missing = [p.name for p in parameters if p.name not in _KNOWN and _is_required(p)]
    asked = [p.name for p in places if p.name in _KNOWN or _is_required(p)]
    keywords = tuple(name for name in named if name in _KNOWN)
    if not missing and (asked or keywords):
        # Those that stand first may have no name to be called by.
        only = [p.name for p in places if p.kind is p.POSITIONAL_ONLY]
        return tuple(n for n in only if n in asked), tuple(
            n for n in (*asked, *keywords) if n not in only
        )
    if not any(name in named for name in missing):
        for form in FORMS:
            fits = len(asked) == len(form) or (free and len(asked) <= len(form))
            if fits and all(
                name not in _KNOWN or name == place
                for name, place in zip(asked, form, strict=False)
            ):
                return form, keywords
    raise TypeError(
        "loss: expected a function of (log_probs, rewards, mask) or of (batch, "
        f"policy), by these names or in this order, got one of {signature}"
    )


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )
