"""What a check looks at: a function's numbers, their gradient, and what it leaves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pg_course.asking.errors import describe, plain_text, type_name

_MAX_ENTRIES = 10_000
_ORDINALS = ("first", "second", "third", "fourth", "fifth")

NO_GRAPH = (
    "the result carries no graph, so it has no gradient and nothing can be learned "
    "from it. Somewhere on the way from the first argument to the result the graph was "
    "cut: by detach, item, float, NumPy or no_grad, or by a new tensor made of numbers."
)
BACKWARD_INSIDE = (
    "your function calls backward itself. It has only to return the scalar; whoever "
    "asked for it takes the gradient."
)


class NotYetError(Exception):
    """Something is still to be written; the text says what."""


class NotRightError(Exception):
    """The answer is wrong in a way that needs no comparison; the text says which."""


@dataclass(frozen=True)
class Case:
    """What a function is tried on.

    Attributes:
        words: complete the sentence "For ... the result should be".
        inputs: for the observer; by default the function's arguments.
    """

    words: str
    inputs: tuple[Any, ...]


@dataclass(frozen=True)
class Seen:
    """What a function did on one case.

    Attributes:
        values: float64 tensors, by the names that the text gives them.
        changed: which argument it changed in place, such as "first"; empty for none.
    """

    values: dict[str, Tensor]
    changed: str = ""


Observer = Callable[[Callable[..., Any], Case], Seen]


def returned(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the result of a function of the case's inputs.

    Args:
        answer: the function.
        case: the inputs are copied before the function gets them.

    Returns:
        Its result, as "the result".

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, or does not return numbers.
    """
    given = copy.deepcopy(case.inputs)
    result = read_numbers(call(answer, *given))
    return Seen({"the result": result}, _changed(case.inputs, given))


def returned_with_gradient(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe also the gradient of the result with respect to the first input.

    Args:
        answer: the function.
        case: the first input is a float tensor.

    Returns:
        "the gradient", of its sum where it is no scalar, and "the result".

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, does not return numbers, or returns them without a
            graph.
    """
    leaf, *others = copy.deepcopy(case.inputs)
    leaf.requires_grad_()
    # Not the leaf itself: in training, too, the argument was computed from others.
    given = (leaf.clone(), *others)
    result = call(answer, *given)
    value = read_numbers(result)
    if leaf.grad is not None:
        raise NotRightError(BACKWARD_INSIDE)
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise NotRightError(NO_GRAPH)
    changed = _changed(case.inputs, given)
    try:
        (gradient,) = torch.autograd.grad(result.sum(), [leaf], materialize_grads=True)
    except RuntimeError as error:
        raise NotRightError(
            changed_in_place(changed)
            if changed
            else f"the result cannot be differentiated ({plain_text(error)})."
        ) from None
    # The gradient first: it is what a loss is for.
    return Seen({"the gradient": read_numbers(gradient), "the result": value}, changed)


def gradient_alone(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe the gradient of a scalar whose value is free.

    Args:
        answer: the function.
        case: the first input is a float tensor.

    Returns:
        "the gradient", and of "the result" only its shape: its numbers are zero.

    Raises:
        NotYetError: the function says so.
        NotRightError: as in `returned_with_gradient`.
    """
    seen = returned_with_gradient(answer, case)
    shape_alone = {"the result": 0 * seen.values["the result"]}
    return Seen(seen.values | shape_alone, seen.changed)


def changed_in_place(ordinal: str) -> str:
    """What to say about a function that changes an argument.

    Args:
        ordinal: which one, as "first".

    Returns:
        A message.
    """
    return (
        f"the function changes its {ordinal} argument in place. Whoever uses that "
        "tensor afterwards computes with the changed numbers. Work on a new one."
    )


def call(answer: Callable[..., Any], *arguments: Any) -> Any:
    """Call a learner's function; whatever it raises becomes a sentence.

    Args:
        answer: the function.
        *arguments: it is called with these.

    Returns:
        What it returns.

    Raises:
        NotYetError: a part of the function is still `...`, or it says so itself.
        NotRightError: it raised anything else, SystemExit included.
    """
    try:
        result = answer(*arguments)
    except NotImplementedError as error:
        if not error.args:
            raise NotYetError("") from None
        raise NotRightError(describe(error, answer)) from None
    except BaseException as error:
        said = describe(error, answer)
        if "ellipsis" in said:
            raise NotYetError(
                "a ... still stands in your function where something is to be written "
                f"({plain_text(error)})."
            ) from None
        raise NotRightError(said) from None
    if result is ...:
        raise NotYetError("")
    return result


def read_numbers(value: Any) -> Tensor:
    """Read what a function returned as numbers, whatever it is.

    Args:
        value: a tensor, an array, a number, or a list of numbers; or anything else.

    Returns:
        A new float64 tensor, detached.

    Raises:
        NotRightError: there are no real numbers in it, or far too many.
    """
    if value is None:
        raise NotRightError(
            "your function returns None. Is a return missing at its end, or in one of "
            "its branches?"
        )
    try:
        numbers = _as_tensor(value)
    except NotRightError:
        raise
    except BaseException as error:
        raise NotRightError(
            "the result could not be read as numbers "
            f"({type_name(error)}: {plain_text(error)})."
        ) from None
    if type(numbers) is not Tensor or numbers.layout != torch.strided:
        raise NotRightError("the result could not be read as a plain tensor.")
    return numbers


def _as_tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        found = value.detach().as_subclass(Tensor)
    elif isinstance(value, list | tuple) and any(map(_is_row, value)):
        return torch.stack([_as_tensor(part) for part in value])
    elif isinstance(value, np.ndarray | np.generic | int | float | list | tuple):
        # Counted before it is copied: a view can have any size.
        if _count(value) > _MAX_ENTRIES:
            raise NotRightError("the result has far more numbers than were asked for.")
        is_array = isinstance(value, np.ndarray)
        found = torch.as_tensor(np.array(value) if is_array else value)
    else:
        raise NotRightError(
            f"your function returns an object of type {type_name(value)}, where "
            "numbers were expected."
        )
    if found.is_complex():
        raise NotRightError("the result holds complex numbers, not real ones.")
    if found.numel() > _MAX_ENTRIES:
        raise NotRightError(
            f"the result has the shape {tuple(found.shape)}, far more numbers than "
            "were asked for."
        )
    return found.to("cpu", torch.float64, copy=True)


def _is_row(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() > 1


def _count(value: Any) -> int:
    """Entries of an array or of nested lists, counted no further than necessary."""
    if isinstance(value, np.ndarray):
        return value.size
    if not isinstance(value, list | tuple):
        return 1
    count = 0
    for part in value:
        count += _count(part)
        if count > _MAX_ENTRIES:
            break
    return count


def _changed(before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    """Which argument is no longer what it was, in words."""
    for ordinal, old, new in zip(_ORDINALS, before, after, strict=False):
        # Not to the last bit: what was moved and put back is not changed.
        if isinstance(old, Tensor) and not torch.allclose(
            old.double(), new.detach().double(), equal_nan=True
        ):
            return ordinal
    return ""
