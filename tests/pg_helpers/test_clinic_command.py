"""The clinic from a terminal: what it prints, and the status that CI sees."""

import pytest

from pg_helpers.clinic import batches
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

number = 3
"""
FILES = {"losses.py": LOSSES, "losses.txt": LOSSES}
FILES |= {"broken.py": "1 / 0", "leaves.py": "raise SystemExit(0)"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "SAMPLES", 50)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


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
        ("plain --num-trajectories 3", 0, "50 sampled batches of 3"),
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
