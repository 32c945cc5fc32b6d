import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_count,
    check_finite,
    check_fraction,
    check_positive,
    check_tensor,
    finite_array,
    shown,
)

NAN, INF = float("nan"), float("inf")


class Hostile:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("no array")

    def __repr__(self):
        raise KeyError("no text")


@pytest.mark.parametrize(
    ("check", "given", "error", "message"),
    [
        (check_count, (0,), ValueError, "at least 1, got 0"),
        (check_count, (2001, 1, 2000), ValueError, "at most 2,000, got 2001"),
        (check_count, (True,), TypeError, "an integer, got True"),
        (check_fraction, (1.001,), ValueError, "a number in [0, 1], got 1.001"),
        (check_fraction, (NAN,), ValueError, "a number in [0, 1], got nan"),
        (check_positive, (0,), ValueError, "a positive number, got 0"),
        (check_positive, (10**400,), ValueError, "a positive number, got 1000"),
        (check_tensor, ([1],), TypeError, "a tensor, got [1]"),
        (check_tensor, (torch.ones(1) * 1j,), TypeError, "real numbers, got torch."),
        (finite_array, (["1"],), TypeError, "real numbers, got ['1']"),
        (finite_array, (Hostile(),), TypeError, "an array of numbers ('no array')"),
        (finite_array, ([0.0, -INF],), ValueError, "finite numbers, got [0.0, -inf]"),
        (check_finite, (torch.tensor([[0.0, 1], [2, NAN]]),), NotFiniteError, "finite"),
    ],
)
def test_a_message_names_the_argument_and_shows_what_came(check, given, error, message):
    with pytest.raises(error) as caught:
        check("name", *given)
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"name: expected {message}")


def test_the_place_of_a_number_that_is_not_finite_is_named():
    with pytest.raises(NotFiniteError, match=r"got -inf at \[1, 0\]$"):
        check_finite("x", torch.tensor([[0.0, 1.0], [-INF, NAN]]))


def test_at_most_300_characters_of_a_value_are_shown():
    assert shown("x" * 298) == repr("x" * 298)
    assert shown("x" * 299) == f"'{'x' * 299} ..."
    assert shown(Hostile()) == "a value of type Hostile"


def test_a_finite_array_is_a_float64_copy():
    original = np.array([[1.0, 2.0]])
    array = finite_array("x", original)
    original[0, 0] = 9.0
    assert array.tolist() == [[1.0, 2.0]]
    for plain in ([1, 2], [True, False], np.array([1, 2], np.uint8)):
        assert finite_array("x", plain).dtype == np.float64


@given(st.lists(st.floats(width=32)))
@example([3e38, 3e38])  # a sum that overflows
@example([INF, -INF])
def test_all_finite_is_what_math_says_of_each_number(numbers):
    expected = all(map(math.isfinite, numbers))
    assert all_finite(torch.tensor(numbers)) is expected
