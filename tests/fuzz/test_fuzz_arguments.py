import math
from numbers import Integral, Real

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import GAMMAS, THINGS, Rude, near, right_or_not, tensors

from pg_course import arguments
from pg_helpers import require

COUNTS = right_or_not(
    st.one_of(st.integers(-3, 9), st.integers(), st.integers(0, 9).map(np.uint8))
)


@covers(require.check_count)
@given(COUNTS, st.integers(0, 3), st.none() | st.integers(4, 10))
def test_check_count(value, least, most):
    value = value()
    found = judge(lambda: require.check_count("n", value, least, most), ("n",))
    right = isinstance(value, Integral) and not isinstance(value, bool)
    right = right and least <= value and (most is None or value <= most)
    assert found == (int(value) if right else None)


@covers(require.check_fraction)
@given(GAMMAS)
def test_check_fraction(value):
    value = value()
    found = judge(lambda: require.check_fraction("p", value), ("p",))
    right = isinstance(value, Real) and not isinstance(value, bool) and 0 <= value <= 1
    assert found == (float(value) if right else None)


@covers(arguments.check_number)
@given(right_or_not(st.floats() | st.integers(-9, 9) | st.floats(width=32)))
def test_check_number(value):
    value = value()
    found = judge(lambda: arguments.check_number("x", value), ("x",))
    if found is not None:
        assert found == float(value)
    elif isinstance(value, int | float):
        assert not abs(value) < 2**63  # NumPy takes none beyond for a number


@covers(require.check_positive, arguments.as_float)
@given(right_or_not(st.floats() | st.integers() | st.floats(width=32).map(np.float32)))
def test_check_positive(value):
    value = value()
    found = judge(lambda: require.check_positive("x", value), ("x",))
    if found is not None:
        assert found == float(value) > 0
    elif isinstance(value, int | float) and not isinstance(value, bool):
        assert not 0 < value < 1e300
        assert (arguments.as_float(value) > 0) == (value > 0)


@covers(arguments.check_text)
@given(right_or_not(st.text(max_size=3)))
def test_check_text(value):
    value = value()
    right = isinstance(value, str)
    words = judge(lambda: arguments.check_text("x", value) or "a text", ("x",))
    assert words == ("a text" if right else None)


@covers(arguments.check_texts, arguments.check_named)
@given(right_or_not(st.lists(st.text(max_size=3), max_size=3)), st.integers(0, 3))
def test_check_texts(value, number):
    value = value()
    found = judge(lambda: arguments.check_texts("x", value, number), ("x",))
    if isinstance(value, list | tuple):
        right = len(value) == number and all(isinstance(text, str) for text in value)
        assert found == (list(value) if right else None)
    judge(lambda: arguments.check_named("x", {"a": value}), ())
    judge(lambda: arguments.check_named("x", value), ("x",))
    judge(lambda: arguments.check_named("x", value, may_be_empty=True), ("x",))


@covers(arguments.iterated)
@given(right_or_not(st.lists(st.integers(), max_size=3)))
def test_iterated(value):
    value = value()
    found = []
    judge(lambda: found.extend(arguments.iterated("x", value)), ("x",))
    if isinstance(value, list | tuple | dict):
        assert found == list(value)
    assert not (found and isinstance(value, str | np.ndarray | torch.Tensor))


@covers(arguments.check_choice)
@given(right_or_not(st.sampled_from(["a", "b", None])))
def test_check_choice(value):
    value = value()
    calls = []
    judge(lambda: calls.append(arguments.check_choice("w", value, ("a", None))), ("w",))
    assert bool(calls) == (value is None or (isinstance(value, str) and value == "a"))


@covers(require.check_tensor)
@given(right_or_not(tensors()))
def test_check_tensor(value):
    value = value()
    passed = []
    judge(lambda: passed.append(require.check_tensor("x", value)), ("x",))
    right = isinstance(value, torch.Tensor) and not value.is_complex()
    assert bool(passed) == right


@covers(require.finite_array)
@given(right_or_not(near((2, 3)).flatmap(tensors).map(lambda t: t.detach())))
def test_finite_array(value):
    value = value()
    found = judge(lambda: require.finite_array("x", value), ("x",))
    if found is not None:
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, np.asarray(value, dtype=float))


@covers(arguments.shaped_array)
@given(
    right_or_not(near((2, 3)).flatmap(tensors).map(lambda t: t.detach())),
    st.lists(st.none() | st.integers(0, 3), max_size=3),
)
def test_shaped_array(value, shape):
    value = value()
    found = judge(lambda: arguments.shaped_array("x", value, *shape), ("x",))
    if found is not None:
        assert all(n in (None, m) for n, m in zip(shape, found.shape, strict=True))


@covers(require.all_finite, require.check_finite)
@given(tensors())
def test_all_finite(tensor):
    numbers = tensor.detach().double().flatten().tolist()
    wrong = [number for number in numbers if not math.isfinite(number)]
    found = judge(lambda: require.all_finite(tensor), ())
    assert found is (not wrong)
    passed = judge(lambda: require.check_finite("x", tensor) or "passed", ("x",))
    assert passed == (None if wrong else "passed")


@covers(require.shown, require.require)
@given(THINGS)
def test_whatever_came_is_shown_in_few_words(value):
    text = judge(lambda: require.shown(value()), ())
    assert 0 < len(text) < 310


def test_what_has_no_words_is_named_by_its_type():
    assert require.shown(Rude()) == "a value of type Rude"
    assert require.shown(10**5000) == "a value of type int"
