"""The test of the test: what the judge must find."""

import warnings

import numpy as np
import pytest
import torch
from judge import ended, judge

import pg_helpers as pg


@pytest.fixture(autouse=True)
def _not_counted():
    before = dict(ended)
    yield
    ended.clear()
    ended.update(before)


def raised(error):
    raise error


@pytest.mark.parametrize(
    "answer",
    [
        np.nan,
        [1.0, np.inf],
        {"a": (torch.tensor([-np.inf]),)},
        torch.full((2,), np.nan),
    ],
)
def test_a_number_that_is_not_finite_is_no_answer(answer):
    with pytest.raises(AssertionError, match="not finite"):
        judge(lambda: answer, ())


def test_numbers_in_records_and_policies_are_looked_at():
    policy = pg.TabularPolicy(2, 2)
    assert judge(lambda: policy, ()) is policy
    with torch.no_grad():
        policy.logits[1, 1] = np.nan
    with pytest.raises(AssertionError, match="not finite"):
        judge(lambda: policy, ())
    history = pg.History(loss=[np.nan])
    with pytest.raises(AssertionError, match="not finite"):
        judge(lambda: history, ())


@pytest.mark.parametrize(
    "call",
    [
        lambda: raised(ValueError("gamma: expected a number")),  # not in the package
        lambda: torch.zeros(2) @ torch.zeros(3, 3),
        lambda: np.zeros(2).reshape(3),
        lambda: raised(OverflowError("gamma: expected a number")),
        lambda: warnings.warn("divided by zero", RuntimeWarning, stacklevel=1),
        lambda: pg.total_return([1.0], 2),  # names gamma, which is not asked for
    ],
)
def test_other_ends_are_wrong(call):
    with pytest.raises((AssertionError, RuntimeError, OverflowError, RuntimeWarning)):
        judge(call, ("rewards",))
    assert ended["test_judge", "wrong"] == 1


def test_what_takes_too_much_memory_is_wrong():
    with pytest.raises((MemoryError, RuntimeError)):
        judge(lambda: np.ones(2**33), ())


def test_answers_and_refusals_are_told_apart():
    assert judge(lambda: pg.total_return([1.0, 1.0], 0.5), ()).item() == 1.5
    assert judge(lambda: pg.total_return([1.0], 2), ("gamma",)) is None
    assert ended["test_judge", "answered"] == 1
    assert ended["test_judge", "refused, ValueError"] == 1
