"""What a public function may do with nonsense: answer rightly, or refuse in our words.

Every case is counted, by the file of the test and by how the case ended.
"""

import dataclasses
import os
import re
import resource
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pg_helpers as pg
from pg_helpers import acting

PACKAGE = Path(pg.__file__).parent
MEMORY = 4 * 2**30  # more than any right answer needs here
THEIRS = "raised by the environment or the policy"

ended: Counter[tuple[str, str]] = Counter()


class OwnError(Exception):
    """Raised by an environment: it must come through as it is."""


class OwnValueError(OwnError, ValueError):
    """One that could be mistaken for ours."""


def judge(call: Callable[[], Any], names: Collection[str]) -> Any:
    """Call it; the answer, or None where it was refused.

    Args:
        call: calls one public function.
        names: the message of a refusal must begin with one of them.

    Raises:
        AssertionError: a refusal is not in our words, or the answer holds a number that
            is not finite.
        Exception: the call raised neither ValueError nor TypeError, it warned, or it
            took more than `MEMORY`.
    """
    group = Path(os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]).stem[5:]
    try:
        with warnings.catch_warnings(), bounded_memory():
            warnings.simplefilter("error")  # "invalid value" is a silent NaN
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = call()
        for number in numbers_in(answer):
            assert np.isfinite(number).all(), f"not finite, not refused: {answer!r}"
    except Exception as error:
        how = end_of(error, names)
        ended[group, how] += 1
        if how == "wrong":
            raise
        return None
    ended[group, "answered"] += 1
    return answer


def end_of(error: Exception, names: Collection[str]) -> str:
    """How a case ended that raised: refused in our words, as it should, or wrong."""
    if isinstance(error, pg.TrainingStoppedError):  # says when; its cause says why
        return end_of(error.__cause__, names)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    ours = Path(files[-1]).is_relative_to(PACKAGE)
    if isinstance(error, OwnError) or (acting.__file__ in files and not ours):
        return THEIRS
    named = re.match(r"(\w+)\b[^:\n]*: expected ", str(error))
    if ours and named is not None and named[1] in names:
        for kind in (TypeError, ValueError):
            if isinstance(error, kind):
                return f"refused, {kind.__name__}"
    return "wrong"


def numbers_in(answer: Any) -> Iterator[np.ndarray]:
    """All floats in an answer: a number, an array, a tensor, or containers of these."""
    if isinstance(answer, torch.Tensor) and answer.is_floating_point():
        yield answer.detach().double().numpy()
    elif isinstance(answer, float | np.floating | np.ndarray):
        array = np.asarray(answer)
        if array.dtype.kind == "f":
            yield array
    elif isinstance(answer, torch.nn.Module):
        yield from numbers_in(list(answer.parameters()))
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        yield from numbers_in(list(vars(answer).values()))
    elif isinstance(answer, list | tuple):
        for part in answer:
            yield from numbers_in(part)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """MemoryError for what takes more than `MEMORY`; only Linux has it."""
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * resource.getpagesize() + MEMORY
    if before != resource.RLIM_INFINITY:
        wanted = min(wanted, before)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
