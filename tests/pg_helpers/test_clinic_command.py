"""The clinic from a terminal: what it prints, and the status that CI sees."""

import json
import sys

import pytest

from pg_helpers.clinic import measure
from pg_helpers.clinic.__main__ import main

LOSSES = """
from dataclasses import dataclass
import torch

@dataclass  # looks its module up
class Settings:
    discount: float = 0.95

def plain(log_probs, rewards, mask, discount=0.95):
    discounts = discount ** torch.arange(rewards.shape[1])
    return -((log_probs * mask).sum(1) * (discounts * rewards).sum(1)).mean()

def half(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) / 2

def flipped(log_probs, rewards, mask):
    return -plain(log_probs, rewards, mask)

def undiscounted(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask, 1)

def raises(log_probs, rewards, mask):
    raise ValueError("no such thing")

def drawn(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) * torch.rand(())

def over_the_padding(log_probs, rewards, mask):
    discounts = 0.95 ** torch.arange(rewards.shape[1])
    return -((log_probs * mask).mean(1) * (discounts * rewards).sum(1)).mean()

def leaves(log_probs, rewards, mask):
    raise SystemExit(0)

def short_is_nan(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) + 0 * rewards.std(1).sum()

number = 3
"""
MEDIAN = """
def median_of_others(log_probs, rewards, mask):
    returns = (0.95 ** torch.arange(rewards.shape[1]) * rewards).sum(1)
    N = len(returns)
    others = returns.expand(N, -1)[~torch.eye(N, dtype=torch.bool)].reshape(N, -1)
    weights = returns - others.median(dim=1).values
    return -((log_probs * mask).sum(1) * weights).mean()
"""
NEIGHBOUR = "from {} import plain\n\ndef own(*batch):\n    return plain(*batch)\n"
FILES = {"losses.py": LOSSES, "losses.txt": LOSSES}
FILES |= {
    "by_name.py": NEIGHBOUR.format("losses"),
    "relative.py": NEIGHBOUR.format(".losses"),
    "with.dots.py": NEIGHBOUR.format("losses"),
    "ours/__init__.py": "",
    "ours/core.py": LOSSES,
    "ours/inner/__init__.py": "",
    "ours/inner/own.py": NEIGHBOUR.format("..core"),
    "ours/inner/absolute.py": NEIGHBOUR.format("ours.core"),
}
FILES |= {"broken.py": "1 / 0", "leaves.py": "raise SystemExit(0)"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "DRAWN", (500, 500, 500))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_sample_that_is_too_small_has_a_status_of_its_own(folder, capsys):
    """Minus the median of the others is right: only a large sample could tell."""
    path = folder / "right.py"
    path.write_text(LOSSES + MEDIAN, encoding="utf-8")
    call = [f"{path}:median_of_others", "--num-trajectories", "7"]
    assert main(call) == 3
    assert "Cannot tell" in capsys.readouterr().out
    assert main([*call, "--up-to-scale"]) == 3
    assert main([*call, "--tolerance", "0.9"]) == 0
    assert "Unbiased to within 90 %" in capsys.readouterr().out
    assert main([*call, "--tolerance", "0.9", "--up-to-scale"]) == 0


def test_what_is_printed_can_be_read_by_a_program(folder, capsys):
    call = [f"{folder}/losses.py:half", "--format"]
    assert main([*call, "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["answer"] == "biased" and found["unbiased"] is False
    assert found["relative_error"] == pytest.approx(0.5)
    assert found["rows"][0]["cosine"] == pytest.approx(1)
    assert len(found["expected"]) == len(found["gradient"]) == 17
    assert main([f"{folder}/losses.py:raises", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["answer"] == "fails" and found["relative_error"] is None
    assert main([*call, "html"]) == 1
    assert capsys.readouterr().out.startswith("<p><strong>Straight uphill")


@pytest.mark.parametrize(
    "name",
    ["by_name", "relative", "with.dots", "ours/inner/own", "ours/inner/absolute"],
)
def test_a_file_can_import_its_neighbours(folder, capsys, name):
    assert main([f"{folder}/{name}.py:own"]) == 0
    assert "Unbiased" in capsys.readouterr().out


def test_another_module_of_the_same_name_is_not_taken_for_it(folder, capsys):
    (folder / "json").mkdir()
    (folder / "json" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "json" / "decoder.py").write_text(LOSSES, encoding="utf-8")
    assert main([f"{folder}/json/decoder.py:plain"]) == 2
    assert "another package has the name json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        ("plain", 0, "Unbiased"),
        ("half", 1, "2 times too short"),
        ("half --up-to-scale", 0, "2 times too short"),
        ("half --tolerance 0.6", 0, "2 times too short"),
        ("half --tolerance 0.4", 1, "2 times too short"),
        ("flipped", 1, "The sign is flipped"),
        ("flipped --up-to-scale", 1, "The sign is flipped"),
        ("undiscounted --up-to-scale", 1, "not discounted"),
        ("undiscounted --up-to-scale --tolerance 1", 0, "not discounted"),
        ("undiscounted --gamma 1", 0, "Unbiased"),
        ("plain --num-trajectories 3", 0, "all 29,791 batches of 3"),
        ("plain --num-trajectories 8", 0, "500 sampled batches of 8"),
        ("plain --worlds 3", 0, "In 3 random worlds"),
        ("undiscounted --worlds 3 --gamma 1", 0, "In 3 random worlds"),
        ("undiscounted --worlds 3 --up-to-scale", 1, "In 3 random worlds"),
        ("drawn", 3, "draws random numbers"),
        ("drawn --up-to-scale", 3, "draws random numbers"),
        ("leaves", 1, "raised SystemExit"),
        ("short_is_nan", 1, "is nan"),
        ("short_is_nan --up-to-scale", 1, "is nan"),
        ("over_the_padding", 1, "4 times too short"),
        ("over_the_padding --up-to-scale", 1, "Padded to the longest"),
        ("raises --num-trajectories 2", 1, "of 4 and 4 steps: no such thing"),
    ],
)
def test_the_status_says_if_a_loss_is_right(folder, capsys, arguments, status, words):
    name, *options = arguments.split()
    assert main([f"{folder}/losses.py:{name}", *options]) == status
    told = capsys.readouterr()
    assert words in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("losses.py:missing", "to have a function 'missing'"),
        ("losses.py:number", "expected a function, got 3"),
        ("losses.py", "expected path/to/file.py:function"),
        ("losses.py:", "expected path/to/file.py:function"),
        ("none.py:plain", "which is none"),
        (f"{'x' * 5000}.py:plain", "which is none"),
        ("losses.txt:plain", "expected a file whose name ends in .py"),
        ("broken.py:plain", "ZeroDivisionError: division by zero"),
        ("leaves.py:plain", "SystemExit: 0"),
        ("losses.py:plain --gamma 2", "gamma: "),
        ("losses.py:plain --tolerance 2", "tolerance: "),
    ],
)
def test_a_call_that_makes_no_sense_has_the_status_2(folder, capsys, arguments, words):
    place, *options = arguments.split()
    assert main([f"{folder}/{place}", *options]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""
