import math

import numpy as np
import pytest
import torch
from oracles import assert_refused

from pg_course.arguments import (
    as_float,
    check_named,
    check_text,
    check_texts,
    iterated,
    shaped_array,
)
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


@pytest.mark.parametrize("value", [(1, 2), [1, 2], iter([1, 2]), {1: 0, 2: 0}])
def test_what_holds_several_is_gone_through(value):
    assert list(iterated("frames", value)) == [1, 2]


class Endless:
    """Python would go through it, item by item, for ever."""

    def __getitem__(self, index):
        return index


@pytest.mark.parametrize(
    "value", [None, 7, "ab", b"ab", np.array(7), np.ones(2), torch.ones(2), Endless()]
)
def test_what_holds_nothing_of_ours_is_refused(value):
    assert_refused(lambda: iterated("frames", value), TypeError, "frames")


@pytest.mark.parametrize("value", [None, 3, ["a"], b"a", np.array("a")])
def test_what_is_no_text_is_named_with_its_argument(value):
    assert check_text("label", "") is None
    came = repr(value)
    assert_refused(lambda: check_text("label", value), TypeError, "label", came)


@pytest.mark.parametrize("texts", [["a", "b"], ("a", "b"), {"a": 1, "b": 2}])
def test_texts_come_back_as_a_list(texts):
    assert check_texts("names", texts, 2) == ["a", "b"]
    assert check_texts("names", texts) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "kind", "came"),
    [
        ("ab", TypeError, "'ab'"),
        (["a", 3], TypeError, "3"),
        (None, TypeError, "None"),
        (["a"], ValueError, "['a']"),
        (["a", "b", "c"], ValueError, "['a', 'b', 'c']"),
    ],
)
def test_what_are_not_so_many_texts_is_refused(value, kind, came):
    assert_refused(lambda: check_texts("names", value, 2), kind, "names", came)


@pytest.mark.parametrize(
    ("value", "kind", "came"),
    [
        (["a"], TypeError, "['a']"),
        ({3: 1.0}, TypeError, "3"),
        ({}, ValueError, "none"),
    ],
)
def test_what_is_no_dict_by_name_is_refused(value, kind, came):
    assert check_named("curves", {"a": 1.0}) is None
    assert_refused(lambda: check_named("curves", value), kind, "curves", came)


def test_a_dict_by_name_may_be_empty_where_that_is_said():
    assert check_named("marks", {}, may_be_empty=True) is None
    assert_refused(lambda: check_named("marks", [], True), TypeError, "marks", "[]")


def test_a_number_that_no_float_can_hold_is_infinite():
    assert [as_float(x) for x in (10**400, -(10**400), 3)] == [math.inf, -math.inf, 3]


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
        ([0.0, float("nan")], ValueError, ("nan", "[1]")),
        ([[0.0, 1.0], [float("-inf"), 0.0]], ValueError, ("-inf", "[1, 0]")),
        (["a"], TypeError, ("'a'",)),
        ([[1.0], [1.0, 2.0]], TypeError, ("inhomogeneous",)),
        (object(), TypeError, ("object",)),
        ([1j], TypeError, ("1j",)),
        (["1"], TypeError, ("'1'",)),
        (None, TypeError, ("None",)),
    ],
)
def test_what_is_no_finite_array_is_named_with_its_place(value, kind, words):
    assert_refused(lambda: finite_array("x", value), kind, "x: expected", *words)


def test_an_array_of_the_shape_asked_for_comes_back():
    for shape in [(2, 3), (None, 3), (2, None), (None, None)]:
        assert shaped_array("x", [[1, 2, 3], [4, 5, 6]], *shape).sum() == 21
    assert shaped_array("x", [], None).shape == (0,)
    assert shaped_array("x", 2.5) == 2.5


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((3, 2), "(3, 2)"),
        ((None, 2), "(n, 2)"),
        ((2,), "(2,)"),
        ((None,), "(n,)"),
        ((2, 3, None), "(2, 3, n)"),
        ((), "()"),
    ],
)
def test_an_array_of_another_shape_is_refused(shape, wanted):
    words = f"x: expected shape {wanted}, got (2, 3)"
    assert_refused(
        lambda: shaped_array("x", np.ones((2, 3)), *shape), ValueError, words
    )
    assert_refused(lambda: shaped_array("x", ["a"], 1), TypeError, "x: expected")


def test_not_finite_is_a_value_error():
    assert issubclass(NotFiniteError, ValueError)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("wrong", [[NAN], [1, INF], [-INF, 1], [INF, -INF], [INF, NAN]])
def test_one_number_that_is_not_finite_is_enough(wrong):
    assert not all_finite(torch.tensor([[0.0, 1.0], [2.0, 3.0]] + [[5.0, *wrong][-2:]]))


def test_finite_numbers_are_finite_even_if_their_sum_is_not():
    assert all_finite(torch.tensor([3e38, 3e38, 3e38]))
    assert all_finite(torch.tensor([6e4] * 9, dtype=torch.float16))
    assert all_finite(torch.empty(0))
    assert all_finite(torch.tensor([1, 2]))
