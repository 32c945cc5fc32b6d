"""The fixture for tests of losses, and what a run says of the losses at its end."""

import os
import subprocess
import sys
from pathlib import Path

import pg_helpers.clinic  # noqa: F401  # pytester forgets what is first imported in it

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
LOSSES = """
import pytest

def unmasked(log_probs, rewards, mask):
    return -(log_probs.sum(1) * rewards.sum(1)).mean()

def right(log_probs, rewards, mask):
    return unmasked(log_probs * mask, rewards, mask)

def test_right(check_loss):
    assert check_loss(right, gamma=1.0).unbiased

def test_half(check_loss):
    check_loss(lambda *batch: right(*batch) / 2, gamma=1.0, up_to_scale=True)

def test_unmasked(check_loss):
    check_loss(unmasked, gamma=1.0)

@pytest.mark.xfail(strict=True)
def test_known(check_loss):
    check_loss(unmasked, gamma=1.0)

def test_misused(check_loss):
    check_loss(right, gamma=2)
"""
SUMMARY = """
right passes: Unbiased: its mean is the gradient of J
<lambda> passes: Straight uphill, but 2 times too short
unmasked fails: Downhill, but not the gradient of J: off by 282 % (cosine -0.4765)
unmasked fails: Downhill, but not the gradient of J: off by 282 % (cosine -0.4765)
"""


def test_a_failure_shows_the_diagnosis_at_the_line_of_the_test(pytester):
    place = pytester.makepyfile(LOSSES)
    run = pytester.runpytest_inprocess("-p", "pg_clinic_pytest")
    run.assert_outcomes(passed=2, failed=2, xfailed=1)
    line = LOSSES.strip().splitlines().index("def test_unmasked(check_loss):") + 2
    run.stdout.fnmatch_lines(
        [
            "E       AssertionError: Downhill, *The mask is forgotten.*",
            "E         cosine          -0.4765",
            f"{place.name}:{line}: AssertionError",
        ]
    )
    run.stdout.fnmatch_lines(["E *ValueError: gamma: expected a number*"])
    told = run.outlines
    start = next(i for i, t in enumerate(told) if " policy-gradient losses " in t)
    assert sorted(told[start + 1 : start + 5]) == sorted(SUMMARY.strip().splitlines())
    assert told[start + 5].startswith("=")


def test_a_run_without_a_loss_neither_imports_the_package_nor_mentions_it(tmp_path):
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n"
        "def test_own():\n"
        "    assert not {'torch', 'pg_helpers'} & set(sys.modules)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "pg_clinic_pytest"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "losses" not in done.stdout, done.stdout
