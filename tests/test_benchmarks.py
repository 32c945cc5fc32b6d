"""What the benchmarks compute from their times; nothing is timed here."""

import sys
from pathlib import Path

import pytest

from benchmarks import reporting, run

sys.path.insert(0, str(Path(run.__file__).parent))  # they import each other as scripts
import trainers  # noqa: E402

SIZES = (10, 20, 50, 100)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.0])
def test_the_exponent_of_a_power_law_is_found(power):
    costs = [3e-4 * size**power for size in SIZES]
    assert reporting.exponent(SIZES, costs) == pytest.approx(power)


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


def test_a_picture_is_saved_small_and_has_its_alternative_text(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "PLOTS", tmp_path / "plots")

    def draw(left, right):
        reporting.marked_curve(left, (1, 2), (3, 4), "a", 0)
        reporting.marked_curve(right, (1, 2), (4, 3), "b", 1)

    text = reporting.picture("name", draw, "Two lines.", columns=2)
    assert text == "![Two lines.](plots/name.png)"
    assert 1000 < (tmp_path / "plots" / "name.png").stat().st_size < 60_000


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
