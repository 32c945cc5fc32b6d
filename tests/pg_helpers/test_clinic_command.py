"""The clinic from a terminal: what it prints, and the status that CI sees."""

import subprocess
import sys

import pytest

from pg_helpers.clinic.__main__ import main

LOSSES = """
import torch

def plain(log_probs, rewards, mask):
    discounts = 0.95 ** torch.arange(rewards.shape[1])
    returns = (discounts * rewards).sum(1)
    return -((log_probs * mask).sum(1) * returns).mean()

def half(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) / 2

def flipped(log_probs, rewards, mask):
    return -plain(log_probs, rewards, mask)

def undiscounted(log_probs, rewards, mask):
    return -((log_probs * mask).sum(1) * rewards.sum(1)).mean()

def leave_one_out(log_probs, rewards, mask):
    returns = (0.95 ** torch.arange(rewards.shape[1]) * rewards).sum(1)
    others = (returns.sum() - returns) / (len(returns) - 1)
    return -((log_probs * mask).sum(1) * (returns - others)).mean()

def raises(log_probs, rewards, mask):
    raise ValueError("no such thing")

def of_one(x):
    return x

number = 3
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "losses.py"
    file.write_text(LOSSES, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (["plain"], 0, "Unbiased"),
        (["half"], 1, "2 times too short"),
        (["half", "--up-to-scale"], 0, "2 times too short"),
        (["half", "--tolerance", "0.6"], 0, "2 times too short"),
        (["half", "--tolerance", "0.4"], 1, "2 times too short"),
        (["flipped"], 1, "The sign is flipped"),
        (["flipped", "--up-to-scale"], 1, "The sign is flipped"),
        (["undiscounted"], 1, "not discounted"),
        (["undiscounted", "--up-to-scale"], 1, "not discounted"),
        (["undiscounted", "--gamma", "1"], 0, "Unbiased"),
        (["leave_one_out", "--num-trajectories", "2"], 0, "all 961 pairs"),
        (["raises"], 1, "no such thing"),
    ],
)
def test_the_status_says_if_it_is_right(path, capsys, arguments, status, words):
    name, *options = arguments
    assert main([f"{path}:{name}", *options]) == status
    told = capsys.readouterr()
    assert words in told.out and told.err == ""


@pytest.mark.parametrize(
    "place, words",
    [
        ("{path}:missing", "missing"),
        ("{path}:number", "expected a function, got 3"),
        ("{path}:of_one", "(log_probs, rewards, mask)"),
        ("{path}", "path/to/file.py:function"),
        ("{path}x:plain", "which is none"),
        ("{broken}:plain", "ZeroDivisionError"),
        ("{text}:plain", ".py"),
    ],
)
def test_a_call_that_makes_no_sense(path, tmp_path, capsys, place, words):
    broken, text = tmp_path / "broken.py", tmp_path / "losses.txt"
    broken.write_text("1 / 0\n", encoding="utf-8")
    text.write_text(LOSSES, encoding="utf-8")
    assert main([place.format(path=path, broken=broken, text=text)]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.out == ""


def test_options_out_of_range(path, capsys):
    assert main([f"{path}:plain", "--gamma", "2"]) == 2
    assert "gamma" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["--no-such-option"])
    assert caught.value.code == 2


def test_as_a_command_of_its_own(path):
    """The whole way: python -m, its output and the status of the process."""
    command = [sys.executable, "-m", "pg_helpers.clinic"]
    right = subprocess.run(
        [*command, f"{path}:plain"], capture_output=True, text=True, check=False
    )
    assert right.returncode == 0 and right.stdout.startswith("Unbiased")
    assert right.stderr == ""
    wrong = subprocess.run(
        [*command, f"{path}:flipped"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1 and "The sign is flipped" in wrong.stdout
