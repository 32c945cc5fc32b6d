"""What a public function may do with nonsense: answer rightly, or refuse in our words.

Every case is counted, by how it ended.
"""

import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pg_helpers as pg

PACKAGE = Path(pg.__file__).parent

ended: Counter[str] = Counter()


def judge(call: Callable[[], Any], arguments: Collection[str]) -> Any:
    """Call it; the answer, or None where it was refused.

    Args:
        call: calls one public function.
        arguments: names of which the message of a refusal must begin with one.

    Raises:
        AssertionError: it raised something else than ValueError or TypeError, its words
            are not ours or name no argument, it warned, or the answer holds a number
            that is not finite.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "invalid value encountered" is a silent NaN
        try:
            answer = call()
        except (ValueError, TypeError) as error:
            _check_words(error, arguments)
            ended[f"refused, {type(error).__name__}"] += 1
            return None
    for number in numbers_in(answer):
        assert np.isfinite(number).all(), f"not finite, and not refused: {answer!r}"
    ended["answered"] += 1
    return answer


def _check_words(error: Exception, arguments: Collection[str]) -> None:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}: {error}"
    assert Path(last.filename).is_relative_to(PACKAGE), f"from the depths: {where}"
    named = re.match(r"\w+", str(error))
    assert named and named[0] in arguments, f"names none of {arguments}: {where}"


def numbers_in(answer: Any) -> Iterator[np.ndarray]:
    """All floats in an answer: a number, an array, a tensor, or these in containers."""
    if isinstance(answer, torch.Tensor):
        answer = answer.detach().numpy()
    if isinstance(answer, float | np.floating | np.ndarray):
        array = np.asarray(answer)
        if array.dtype.kind == "f":
            yield array
    elif isinstance(answer, dict):
        yield from numbers_in(list(answer.values()))
    elif isinstance(answer, list | tuple):
        for part in answer:
            yield from numbers_in(part)
