"""Things to hand to a function: what fits, what nearly fits, and what does not at all.

What is drawn is described in words and made where it is used: a generator can be read
only once.
"""

import fractions
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal  # noqa: F401 (in words below)
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

NAN, INF = float("nan"), float("inf")


class Word(str):
    """A text of a class of its own."""


class Rude:
    """Raises when it is looked at."""

    def __repr__(self):
        raise RuntimeError("no word of me")

    def __array__(self, *_, **__):
        raise KeyError("no number of me")


class Frame:
    """Has numbers, as a table of another library would."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or self.values.dtype)


@dataclass(frozen=True)
class Made:
    """A value, by the words that make it."""

    words: str
    make: Callable[[], Any]

    def __call__(self) -> Any:
        return self.make()

    def __repr__(self) -> str:
        return self.words


def thing(words: str) -> Made:
    return Made(words, lambda: eval(words))


# No function expects any of these.
THINGS = st.sampled_from(
    [
        thing(words)
        for words in (
            "None",
            "True",
            "Ellipsis",
            "'seven'",
            "''",
            "Word('total_return')",
            "b'7'",
            "1j",
            "-1",
            "2**63",
            "2**70",
            "1e308",
            "-1e308",
            "5e-324",
            "NAN",
            "-INF",
            "fractions.Fraction(7, 2)",
            "fractions.Fraction(10**400)",
            "Decimal('0.95')",
            "np.datetime64('2020-01-01')",
            "np.float32(3)",
            "np.bool_(True)",
            "np.zeros(0)",
            "np.zeros((2, 0, 3))",
            "np.array(7)",
            "np.array(['a', 'b'])",
            "np.array([None, 1.0])",
            "np.array([[1, 2], [3, 4]])",
            "np.array([1e308, 1e308, 1e308])",
            "np.array([2**63], dtype=np.uint64)",
            "np.array([1 + 2j])",
            "[]",
            "[[], [1.0]]",
            "[[1.0], [2.0, 3.0]]",
            "[None]",
            "[2**70]",
            "{}",
            "{'a': 1}",
            "{1, 2}",
            "object()",
            "Frame([[1.0, 2.0]])",
            "(number for number in range(3))",
            "range(3)",
            "len",
            "int",
            "lambda *_: None",
            "np",
            "torch.tensor(0.95)",
            "torch.tensor(7)",
            "torch.zeros(0)",
            "torch.zeros(2, 3)",
            "torch.zeros(2, 3, requires_grad=True)",
            "torch.zeros(2, 3, dtype=torch.complex64)",
            "torch.full((2, 3), NAN)",
            "torch.full((2, 3), 3e38)",
            "torch.zeros(2, 3).expand(4, 2, 3)",
            "torch.nn.Linear(2, 3)",
            "torch.nn.Linear",
            "torch.device('cpu')",
        )
    ]
)

FRACTIONS = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0, 1, -0.0, 0.95, 5e-324, np.float32(0.95)]),
    st.just(fractions.Fraction(19, 20)),
)
GAMMAS = st.one_of(
    FRACTIONS.map(lambda value: Made(repr(value), lambda: value)),
    FRACTIONS.map(lambda value: Made(repr(value), lambda: value)),
    st.sampled_from([1 + 2**-52, 2, -1, True]).map(
        lambda value: Made(repr(value), lambda: value)
    ),
    THINGS,
)

FLOATS = (torch.float64, torch.float32)
NUMBERS = st.one_of(
    st.floats(-10, 10, width=32),
    st.sampled_from([0.0, -0.0, 1.0]),
    st.sampled_from([NAN, INF, -INF, 1e308, -1e308, 3e38, 6e4, 1e-310]),
)


def right_or_not(right: Any) -> st.SearchStrategy:
    """What is right twice as often as what is not: wrong arguments hide each other."""
    right = right if isinstance(right, st.SearchStrategy) else st.just(right)
    rights = right.map(lambda v: v if isinstance(v, Made) else Made(repr(v), lambda: v))
    return st.integers(0, 2).flatmap(lambda number: rights if number else THINGS)


@st.composite
def tensors(draw, shape=None, dtypes=FLOATS):
    """A tensor of floats, of a given shape or of any; contiguous or not."""
    if shape is None:
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
    number = int(np.prod(shape))
    choices = draw(st.sampled_from([st.floats(-10, 10, width=32), NUMBERS]))
    values = draw(st.lists(choices, min_size=number, max_size=number))
    tensor = torch.tensor(values, dtype=torch.float64).reshape(tuple(shape))
    tensor = tensor.to(draw(st.sampled_from(dtypes)))
    if draw(st.booleans()) and tensor.ndim > 1:
        tensor = tensor.mT.contiguous().mT  # transposed in memory
    return tensor.requires_grad_(draw(st.booleans()))


@st.composite
def masks(draw, shape):
    """Booleans with which a batch could be padded: a row is True, then False."""
    rows, columns = shape
    lengths = draw(st.lists(st.integers(1, columns), min_size=rows, max_size=rows))
    return torch.arange(columns) < torch.tensor(lengths)[:, None]


@st.composite
def near(draw, shape):
    """A shape, or one that is not quite it."""
    shape = tuple(shape)
    wrong = [
        shape[::-1],
        shape[:-1],
        (*shape, 1),
        (1, *shape),
        tuple(1 for _ in shape),
        (*shape[:-1], shape[-1] + 1),
        (shape[0] + 1, *shape[1:]),
        (*shape[:-1], 0),
        (),
    ]
    return draw(st.one_of(st.just(shape), st.just(shape), st.sampled_from(wrong)))
