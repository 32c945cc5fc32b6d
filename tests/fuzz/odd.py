"""Odd things that an environment may give, and what may be done to an honest array."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

NAN, INF = float("nan"), float("inf")

ODD = (
    None, "3", "", b"x", (), [], [1.0], (1.0, 2.0), {}, {"a": 1}, object(), NAN, INF,
    -INF, 1e300, -1e39, 10**400, 2.5, -1, 2, 0, 1, True, False, 1 + 2j, Fraction(1, 3),
    np.float16(1), np.True_, np.int8(-3), np.array([1.0]),
    np.array(2.0), np.array("x"), np.array(None), np.zeros((0,)), np.zeros((2, 3, 1)),
    np.datetime64("2020"), torch.tensor(1.0), torch.ones(2), torch.ones(1) * NAN,
    torch.ones(2, requires_grad=True), np.ones, [[1.0], [1.0, 2.0]],
)  # fmt: skip
odd = st.sampled_from(ODD)


def _object(array: np.ndarray) -> np.ndarray:
    return array.astype(object)


# What may be done to an honest array; the first half leaves the numbers as they are.
HARMLESS: dict[str, Callable[[np.ndarray], Any]] = {
    "a list": lambda a: a.tolist(),
    "a tensor": torch.tensor,
    "read only": lambda a: _frozen(a),
    "backwards in memory": lambda a: np.flip(np.flip(a).copy()) if a.ndim else a,
    "every second": lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    "another dtype": lambda a: a.astype(np.float64 if a.dtype.kind == "f" else "i1"),
    "a matrix": lambda a: a.view(np.recarray) if a.ndim else a,
}
HARMFUL: dict[str, Callable[[np.ndarray], Any]] = {
    "one axis more": lambda a: a[None],
    "flat, and one more": lambda a: np.append(a.ravel(), 0),
    "twice": lambda a: np.stack([a, a]),
    "nothing": lambda a: a.ravel()[:0],
    "words": lambda a: a.astype(str),
    "objects": _object,
    "complex": lambda a: a.astype(complex) + 1j,
    "a dict": lambda a: {"seen": a},
    "NaN": lambda a: np.full(a.shape, NAN, np.float32),
    "infinity": lambda a: np.full(a.shape, INF),
    "a set": lambda a: {1, 2},
    "a gradient's tensor": lambda a: (
        torch.tensor(a, requires_grad=True) if a.dtype.kind == "f" else torch.tensor(a)
    ),
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
}


def _frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array
