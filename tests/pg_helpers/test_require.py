import numpy as np
import pytest
import torch
from oracles import assert_refused

from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_count,
    check_fraction,
    finite_array,
)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_count_comes_back_as_an_int(value):
    count = check_count("n", value)
    assert type(count) is int
    assert count == 3


def test_a_count_may_be_the_least_that_is_allowed():
    assert check_count("n", 0, at_least=0) == 0
    assert_refused(lambda: check_count("n", -1, at_least=0), ValueError, "0", "-1")


@pytest.mark.parametrize(
    ("value", "kind", "came"),
    [
        (0, ValueError, "0"),
        (-2, ValueError, "-2"),
        (True, TypeError, "True"),
        (1.0, TypeError, "1.0"),
        ("1", TypeError, "'1'"),
        (None, TypeError, "None"),
    ],
)
def test_what_is_no_count_is_named_with_its_argument(value, kind, came):
    assert_refused(lambda: check_count("steps", value), kind, "steps", came)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_a_fraction_comes_back_as_a_float(value):
    fraction = check_fraction("gamma", value)
    assert type(fraction) is float
    assert fraction == float(value)


@pytest.mark.parametrize(
    ("value", "kind", "came"),
    [
        (-1e-9, ValueError, "-1e-09"),
        (1.0001, ValueError, "1.0001"),
        (float("nan"), ValueError, "nan"),
        (float("inf"), ValueError, "inf"),
        ("0.5", TypeError, "'0.5'"),
        (None, TypeError, "None"),
        (True, TypeError, "True"),
        (0.5j, TypeError, "0.5j"),
    ],
)
def test_what_is_no_fraction_is_named_with_its_argument(value, kind, came):
    assert_refused(
        lambda: check_fraction("gamma", value), kind, "gamma", "[0, 1]", came
    )


def test_a_finite_array_is_a_float64_copy():
    given = np.array([[1.0, 2.0]])
    array = finite_array("x", given)
    given[0, 0] = 9.0
    assert array.dtype == np.float64
    assert array.tolist() == [[1.0, 2.0]]
    assert finite_array("x", [1, 2]).dtype == np.float64


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ([0.0, float("nan")], ValueError, ("nan",)),
        ([[0.0, 1.0], [float("-inf"), 0.0]], ValueError, ("-inf",)),
        (["a"], TypeError, ("'a'",)),
        ([[1.0], [1.0, 2.0]], TypeError, ("inhomogeneous",)),
        (object(), TypeError, ("object",)),
        ([1j], TypeError, ("1j",)),
        (["1"], TypeError, ("'1'",)),
        (None, TypeError, ("None",)),
    ],
)
def test_what_is_no_finite_array_is_named(value, kind, words):
    assert_refused(lambda: finite_array("x", value), kind, "x: expected", *words)


def test_not_finite_is_a_value_error():
    assert issubclass(NotFiniteError, ValueError)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("wrong", [[NAN], [1, INF], [-INF, 1], [INF, -INF], [INF, NAN]])
def test_one_number_that_is_not_finite_is_enough(wrong):
    assert not all_finite(torch.tensor([[0.0, 1.0], [2.0, 3.0]] + [[5.0, *wrong][-2:]]))


def test_finite_numbers_are_finite_even_if_their_sum_is_not():
    assert all_finite(torch.tensor([3e38, 3e38, 3e38]))
    assert all_finite(torch.empty(0))
    assert all_finite(torch.tensor([1, 2]))
