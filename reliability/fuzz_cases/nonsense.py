"""Values that no function expects, and right values with something wrong in them."""

import fractions  # noqa: F401 (in words below)
from collections.abc import Callable
from decimal import Decimal  # noqa: F401 (in words below)
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

NAN, INF = float("nan"), float("inf")

# In words, since a generator can be read only once.
THINGS = st.sampled_from(
    [
        *("None", "True", "Ellipsis", "'seven'", "''", "b'7'", "1j", "-1", "2.5"),
        *("2**63", "2**70", "10**400", "1e308", "-1e308", "5e-324", "NAN", "-INF"),
        *("fractions.Fraction(7, 2)", "Decimal('0.95')", "np.datetime64('2020')"),
        *("np.float32(3)", "np.bool_(True)", "np.int8(-3)", "np.array(7)"),
        *("np.zeros(0)", "np.zeros((2, 0, 3))", "np.array(['a', 'b'])"),
        *("np.array([None, 1.0])", "np.array([[1, 2], [3, 4]])"),
        *("np.array([1e308] * 3)", "np.array([2**63], np.uint64)", "np.array([1j])"),
        *("[]", "[[], [1.0]]", "[[1.0], [2.0, 3.0]]", "[None]", "[2**70]", "{}"),
        *("{'a': 1}", "{1, 2}", "object()", "(n for n in range(3))", "range(3)"),
        *("len", "int", "lambda *_: None", "np", "torch.device('cpu')"),
        *("torch.tensor(0.95)", "torch.tensor(7)", "torch.zeros(0)"),
        *("torch.zeros(2, 3)", "torch.zeros(2, 3, requires_grad=True)"),
        *("torch.zeros(2, 3, dtype=torch.complex64)", "torch.full((2, 3), NAN)"),
        *("torch.full((2, 3), 3e38)", "torch.zeros(2, 3).expand(4, 2, 3)"),
        *("torch.nn.Linear(2, 3)", "torch.nn.Linear"),
    ]
).map(lambda words: eval(words))

HARMLESS: dict[str, Callable[[np.ndarray], Any]] = {
    "a list": lambda a: a.tolist(),
    "a tensor": torch.tensor,
    "backwards in memory": lambda a: np.flip(np.flip(a).copy()) if a.ndim else a,
    "every second": lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    "another dtype": lambda a: a.astype(np.float64 if a.dtype.kind == "f" else "i1"),
    "a recarray": lambda a: a.view(np.recarray) if a.ndim else a,
}
HARMFUL: dict[str, Callable[[np.ndarray], Any]] = {
    "one axis more": lambda a: a[None],
    "one number more": lambda a: np.append(a.ravel(), 0),
    "empty": lambda a: a.ravel()[:0],
    "words": lambda a: a.astype(str),
    "objects": lambda a: a.astype(object),
    "complex": lambda a: a.astype(complex) + 1j,
    "a dict": lambda a: {"seen": a},
    "NaN": lambda a: np.full(a.shape, NAN, np.float32),
    "infinite": lambda a: np.full(a.shape, INF),
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
}


def spoiled(right: Any) -> st.SearchStrategy:
    """A value that is nearly right: another number in it, another shape or type."""
    if isinstance(right, torch.Tensor):
        numbers = st.sampled_from([NAN, INF, -INF, 1e308, 3e38, 6e4, 1e-310])
        changes = [
            lambda a: a.T.copy(),
            lambda a: a.astype(np.float16),
            lambda a: a * 3e38,
            *HARMLESS.values(),
            *HARMFUL.values(),
        ]
        array = right.detach().numpy()
        with np.errstate(all="ignore"):
            variants = [change(array) for change in changes]
        tensors = [torch.tensor(v.copy()) for v in variants if _is_numbers(v)]
        places = st.integers(0, max(0, right.numel() - 1))
        return st.one_of(
            st.sampled_from(variants),
            st.sampled_from(tensors),
            st.builds(_with_number, st.just(right), places, numbers),
        )
    if isinstance(right, int | float):
        values = [-right, right + 0.5, right * 2**70, str(right), [right], 0, NAN]
        return st.sampled_from([*values, np.array(right), np.float32(0.5)])
    return THINGS


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "bifc"


def _with_number(right: torch.Tensor, place: int, number: float) -> torch.Tensor:
    changed = right.detach().double().clone()
    changed.view(-1)[place] = number
    return changed if right.dtype == torch.float64 else changed.float()
