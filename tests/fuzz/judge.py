"""What a public function may do with nonsense: answer rightly, or refuse in our words.

Every case is counted, by the group of functions and by how it ended.
"""

import dataclasses
import os
import re
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pg_course as course
import pg_helpers as pg

PACKAGES = [Path(package.__file__).parent for package in (pg, course)]
# What one call may take more than there was: less than a machine has, more than any
# right answer here needs.
MEMORY = 4 * 2**30

ended: Counter[tuple[str, str]] = Counter()
covered: set[Any] = set()


def covers(*functions: Any) -> Callable[[Any], Any]:
    """Decorate a test with what it tries; test_fuzz_complete.py finds what nobody does.

    Args:
        functions: public functions and classes themselves, such as pg.total_return.
    """
    covered.update(functions)
    return lambda test: test


def judge(call: Callable[[], Any], arguments: Collection[str]) -> Any:
    """Call it; the answer, or None where it was refused.

    Args:
        call: calls one public function.
        arguments: names of which the message of a refusal must begin with one.

    Raises:
        AssertionError: its words are not ours, or name no argument, or the answer holds
            a number that is not finite.
        Exception: it raised something else than ValueError or TypeError, it warned, or
            it took more than `MEMORY`.
    """
    group = _group()
    try:
        with warnings.catch_warnings(), bounded_memory():
            warnings.simplefilter("error")  # "invalid value encountered" is silent NaN
            # Our own are found by all other tests; here one library may tell another.
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = call()
    except (ValueError, TypeError) as error:
        how = f"refused, {_kind(error)}" if _in_words(error, arguments) else "wrong"
        ended[group, how] += 1
        assert how != "wrong", _complaint(error, arguments)
        return None
    except BaseException:
        ended[group, "wrong"] += 1
        raise
    finite = all(np.isfinite(number).all() for number in numbers_in(answer))
    ended[group, "answered" if finite else "wrong"] += 1
    assert finite, f"not finite, and not refused: {answer!r}"
    return answer


def _group() -> str:
    """Name of the running test's file, less test_fuzz_; all that is tried is in one."""
    file = Path(os.environ["PYTEST_CURRENT_TEST"].partition("::")[0])
    return file.stem.removeprefix("test_fuzz_")


def _kind(error: Exception) -> str:
    return "TypeError" if isinstance(error, TypeError) else "ValueError"


def _in_words(error: Exception, arguments: Collection[str]) -> bool:
    """Whether it was raised in one of the packages, as `name: expected ...`."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    named = re.match(r"(\w+)\b[^:\n]*: expected ", str(error))
    ours = any(Path(last.filename).is_relative_to(place) for place in PACKAGES)
    return ours and named is not None and named[1] in arguments


def _complaint(error: Exception, arguments: Collection[str]) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"expected '<one of {', '.join(arguments)}>: expected ...' from the package, "
        f"got {type(error).__name__}: {error} ({last.filename}:{last.lineno})"
    )


def numbers_in(answer: Any) -> Iterator[np.ndarray]:
    """All floats in an answer: a number, an array, a tensor, or these in containers."""
    if isinstance(answer, torch.Tensor) and answer.is_floating_point():
        answer = answer.detach().double().numpy()
    if isinstance(answer, float | np.floating | np.ndarray):
        array = np.asarray(answer)
        if array.dtype.kind == "f":
            yield array
    elif isinstance(answer, torch.nn.Module):
        yield from numbers_in(list(answer.parameters()))
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        for field in dataclasses.fields(answer):
            yield from numbers_in(getattr(answer, field.name))
    elif isinstance(answer, dict):
        yield from numbers_in(list(answer.values()))
    elif isinstance(answer, list | tuple):
        for part in answer:
            yield from numbers_in(part)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """MemoryError for what takes more than `MEMORY`; on Linux, where it can be had."""
    if sys.platform != "linux":
        yield
        return
    import resource

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
