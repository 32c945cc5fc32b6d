"""What the benchmarks compute from their times; nothing is timed here."""

import sys
from pathlib import Path

import pytest

from benchmarks import memory, reporting, run

sys.path.insert(0, str(Path(run.__file__).parent))  # they import each other as scripts
import trainers  # noqa: E402

SIZES = (10, 20, 50, 100)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.0])
def test_the_exponent_of_a_power_law_is_found(power):
    costs = [3e-4 * size**power for size in SIZES]
    assert reporting.exponent(SIZES, costs) == pytest.approx(power)


def test_the_growth_of_an_exponential_law_is_found():
    assert reporting.growth((4, 6, 8), (5.0, 20.0, 80.0)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.1, 0.3, 0.7, 0.9), 10 ** (2 + 0.5)),  # half-way from 100 to 1000
        ((0.6, 0.3, 0.7, 0.9), 10 ** (2 + 0.5)),  # the first value is noise
        ((0.1, 0.2, 0.3, 0.4), None),
        ((0.6, 0.7, 0.8, 0.9), 10.0),
    ],
)
def test_a_crossing_is_found_between_the_sizes(values, expected):
    found = reporting.crossing((10, 100, 1000, 10_000), values, level=0.5)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_table_has_a_line_for_each_row():
    text = reporting.table(("N", "s"), [(1, "0.5"), (10, "0.7")])
    assert text == "| N | s |\n| --- | --- |\n| 1 | 0.5 |\n| 10 | 0.7 |"


def test_a_row_that_does_not_fit_the_table_is_refused():
    with pytest.raises(ValueError, match="expected 2 cells"):
        reporting.table(("N", "s"), [(1,)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,200"),
        (0.001234, "0.0012"),
        (9.96, "10.0"),
        (0.0, "0.0"),
        (-12.3, "-12"),
    ],
)
def test_numbers_are_rounded_to_two_digits(value, text):
    assert reporting.significant(value) == text


def test_actions_are_timed_by_turns(monkeypatch):
    monkeypatch.setattr(reporting, "TURN", 0.0)
    calls = []
    actions = {name: lambda n=name: calls.append(n) for name in "ab"}
    seconds = reporting.by_turns(actions, rounds=3)
    assert calls == ["a", "b"] * 3
    assert all(value >= 0 for value in seconds.values())


def test_a_picture_is_saved_small_and_has_its_alternative_text(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "PLOTS", tmp_path / "plots")

    def draw(left, right):
        reporting.marked_curve(left, (1, 2), (3, 4), "a", 0)
        reporting.marked_curve(right, (1, 2), (4, 3), "b", 1)

    text = reporting.picture("name", draw, "Two lines.", columns=2)
    assert text == "![Two lines.](plots/name.png)"
    assert 1000 < (tmp_path / "plots" / "name.png").stat().st_size < 60_000


def test_the_peak_memory_is_that_of_a_process_with_torch():
    assert 50 < memory.peak_mib() < 20_000


def test_returns_are_whitened_within_the_episode():
    # Rewards-to-go 1.75, 1.5, 1 have mean 17/12 and standard deviation 0.3819.
    found = trainers.whitened_returns([1.0, 1.0, 1.0], gamma=0.5)
    assert found == pytest.approx([0.8729, 0.2182, -1.0911], abs=1e-4)


def test_a_run_is_judged_when_due_until_both_policies_are_good(monkeypatch):
    lengths = iter([480.0, 474.0, 475.0])
    judged = []

    def mean_length(judges, policy, seed):
        judged.append(policy)
        return next(lengths)

    monkeypatch.setattr(trainers, "mean_length", mean_length)
    monkeypatch.setattr(trainers, "greedy", lambda policy: f"greedy {policy}")
    clock = trainers.Run(seed=0, judges=None, budget=60.0)
    assert clock.goes_on(trainers.EVERY - 1, "early") and judged == []
    assert clock.goes_on(trainers.EVERY + 100, "first")
    assert clock.goes_on(2 * trainers.EVERY - 1, "between")
    assert not clock.goes_on(2 * trainers.EVERY, "second")
    assert judged == ["first", "greedy first", "greedy second"]
    assert clock.solved["sampled"][1] == trainers.EVERY + 100
    assert clock.solved["greedy"][1] == 2 * trainers.EVERY


def test_a_run_ends_with_its_budget(monkeypatch):
    monkeypatch.setattr(trainers, "mean_length", lambda *arguments: 20.0)
    clock = trainers.Run(seed=0, judges=None, budget=0.0)
    assert not clock.goes_on(1, "policy")
    assert clock.seconds_until("sampled") == float("inf")
