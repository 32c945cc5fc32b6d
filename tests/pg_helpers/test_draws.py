import numpy as np
import pytest
from oracles import chi_square_excess

from pg_helpers.draws import (
    draw_entries,
    draw_indexes,
    indexes_at,
    running_sums,
)

JUST_BELOW_1 = np.nextafter(1.0, 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("total", [0.9999999, 1.0000001, 3.7])
def test_the_index_whose_interval_holds_the_number_is_drawn(dtype, total):
    # Probabilities 0.4 and 0.6, in proportion to the total.
    cumulative = np.array([[0.4, 1.0]] * 4, dtype) * dtype(total)
    uniform = np.array([0.0, 0.399, 0.401, JUST_BELOW_1])
    assert indexes_at(uniform, cumulative).tolist() == [0, 0, 1, 1]


def test_an_edge_belongs_to_the_interval_on_its_right():
    cumulative = np.array([[0.25, 0.75, 1.0]] * 2)
    assert indexes_at(np.array([0.25, 0.75]), cumulative).tolist() == [1, 2]


def test_an_index_of_probability_zero_is_never_drawn():
    cumulative = np.array([[0.0, 0.0, 0.7, 0.7]] * 3)
    assert (
        indexes_at(np.array([0.0, 0.5, JUST_BELOW_1]), cumulative).tolist() == [2] * 3
    )


def test_draws_are_as_frequent_as_they_are_probable():
    probabilities = np.array([0.05, 0.3, 0.25, 0.1, 0.3])
    rows = np.tile(probabilities.cumsum(), (20_000, 1))
    drawn = draw_indexes(rows, np.random.default_rng(0))
    assert drawn.dtype == np.int64
    assert chi_square_excess(np.bincount(drawn), probabilities) < 1


def test_rows_on_several_axes_are_drawn_as_one_below_the_other():
    cumulative = np.random.default_rng(0).random((3, 4, 5)).cumsum(axis=-1)
    stacked = draw_indexes(cumulative.reshape(12, 5), np.random.default_rng(1))
    found = draw_indexes(cumulative, np.random.default_rng(1))
    assert found.tolist() == stacked.reshape(3, 4).tolist()


def test_entries_of_stretches_are_drawn_as_indexes_of_rows():
    # Stretches of 1 to 9 numbers, some of them zero; the rows are filled with zeros.
    number = np.random.default_rng(0).permutation(np.repeat(np.arange(1, 10), 50))
    is_there = np.arange(9) < number[:, None]
    rows = np.random.default_rng(1).random((450, 9)) * is_there
    rows[number > 3, 2] = 0.0
    sums, first = running_sums(rows[is_there], number), np.cumsum(number) - number
    np.testing.assert_array_equal(sums, rows.cumsum(axis=1)[is_there])
    found = draw_entries(sums, first, number, np.random.default_rng(2))
    expected = draw_indexes(rows.cumsum(axis=1), np.random.default_rng(2))
    np.testing.assert_array_equal(found - first, expected)
