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
