import numpy as np
import pytest
from oracles import chi_square_excess

from pg_helpers.draws import draw_indexes


class Scripted:
    """In place of a generator: gives the numbers it was told to."""

    def __init__(self, *numbers):
        self.numbers = np.array(numbers)

    def random(self, size):
        assert size == self.numbers.shape
        return self.numbers


JUST_BELOW_1 = np.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("uniform", "index"),
    [
        # Probabilities 0.25, 0.5, 0.25: the entry whose interval holds the number; an
        # edge belongs to the interval on its right.
        (0.0, 0),
        (0.2499, 0),
        (0.25, 1),
        (0.7499, 1),
        (0.75, 2),
        (JUST_BELOW_1, 2),
    ],
)
def test_the_entry_whose_interval_holds_the_number_is_drawn(uniform, index):
    cumulative = np.array([[0.25, 0.75, 1.0]])
    assert draw_indexes(cumulative, Scripted(uniform)).tolist() == [index]


@pytest.mark.parametrize("uniform", [0.0, 0.5, JUST_BELOW_1])
def test_an_entry_of_probability_zero_is_never_drawn(uniform):
    cumulative = np.array([[0.0, 0.0, 0.7, 0.7]])
    assert draw_indexes(cumulative, Scripted(uniform)).tolist() == [2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("total", [0.9999999, 1.0000001, 3.7])
def test_rows_that_do_not_end_at_1_are_drawn_from_in_proportion(dtype, total):
    # Probabilities 0.4 and 0.6, whatever the total.
    cumulative = np.array([[0.4, 1.0]] * 4, dtype) * dtype(total)
    drawn = draw_indexes(cumulative, Scripted(0.0, 0.399, 0.401, JUST_BELOW_1))
    assert drawn.tolist() == [0, 0, 1, 1]


def test_each_row_has_its_own_number_and_its_own_distribution():
    cumulative = np.array([[0.1, 1.0], [0.9, 1.0], [0.1, 1.0]])
    drawn = draw_indexes(cumulative, Scripted(0.5, 0.5, 0.05))
    assert drawn.tolist() == [1, 0, 0]
    assert drawn.dtype == np.int64


def test_draws_are_as_frequent_as_they_are_probable():
    probabilities = np.array([0.05, 0.3, 0.0, 0.25, 0.1, 0.3])
    rows = np.tile(probabilities.cumsum(), (20_000, 1))
    drawn = draw_indexes(rows, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=6)
    assert counts[2] == 0
    possible = probabilities > 0
    assert chi_square_excess(counts[possible], probabilities[possible]) < 1


def test_rows_on_several_axes_are_drawn_as_one_below_the_other():
    cumulative = np.random.default_rng(0).random((3, 4, 5)).cumsum(axis=-1)
    stacked = draw_indexes(cumulative.reshape(12, 5), np.random.default_rng(1))
    found = draw_indexes(cumulative, np.random.default_rng(1))
    assert found.tolist() == stacked.reshape(3, 4).tolist()
    assert len(set(stacked.tolist())) > 2
