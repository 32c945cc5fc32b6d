"""docs/clinic.md can be followed from an installation to a green check: it is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pg_helpers import clinic
from pg_helpers.binder import ALIASES, NAMES
from pg_helpers.clinic.__main__ import _imported, main
from tools import bounds

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "clinic.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```\n", PAGE, re.DOTALL)
RED, GREEN = (text for _, text in BLOCKS if text.startswith("# losses.py"))
CLINIC = "python -m pg_helpers.clinic "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    return tmp_path


def status(command):
    """Of the clinic, in a process that reads changed files again."""
    _imported.cache_clear()
    return main(command.removeprefix(CLINIC).split())


def test_each_block_does_what_the_page_says(folder, capsys):
    told, statuses = "", []
    for kind, text in BLOCKS:
        if name := re.match(r"# (\w+\.py)\n", text):
            (folder / name[1]).write_text(text, encoding="utf-8")
        elif kind == "python":
            exec(text, {})
        elif kind == "text":
            assert text.split() == told.split()
        elif text.startswith(CLINIC):
            statuses.append(status(text))
            told = capsys.readouterr().out
    assert statuses == [1, 0, 0]


@pytest.mark.skipif(os.name == "nt", reason="GitHub's steps are written for bash")
@pytest.mark.parametrize("losses, code, verdict", [(RED, 1, "Up"), (GREEN, 0, "Unb")])
def test_the_workflow_is_red_and_then_green(tmp_path, losses, code, verdict):
    (tmp_path / "losses.py").write_text(losses, encoding="utf-8")
    (test,) = (text for _, text in BLOCKS if text.startswith("# test_losses.py"))
    (tmp_path / "test_losses.py").write_text(test, encoding="utf-8")
    (workflow,) = (text for kind, text in BLOCKS if kind == "yaml")
    steps = yaml.safe_load(workflow)["jobs"]["clinic"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert "pip install" in runs.pop(0) and len(runs) == 2
    summary = tmp_path / "summary.md"
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTEST_PLUGINS": "pg_clinic_pytest",  # as the wheel's entry point
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    for run in runs:
        command, env = ["bash", "-ec", run], os.environ | own
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True)
        assert done.returncode == code, done.stderr
    assert summary.read_text(encoding="utf-8").startswith(f"**{verdict}")


def test_the_group_mean_leaves_the_length_that_the_page_says(folder, capsys):
    loss = RED.replace("torch.max", "torch.min").replace(" / (spread + 1e-4)", "")
    loss = loss.replace("(surrogate.sum(dim=1) / mask.sum(dim=1))", "surrogate.sum(1)")
    (folder / "losses.py").write_text(loss, encoding="utf-8")
    call = "losses.py:grpo --gamma 1 --groups 1 4"
    assert [status(call), status(f"{call} --up-to-scale")] == [1, 0]
    (said,) = re.findall(r"`(Straight uphill.*?)`", PAGE)
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize(
    "penalty, percent, words",
    [
        (lambda d, weight: -d.detach().sum(1, True) * weight, "0.0", "is exact"),
        (lambda d, weight: d.exp() - d - 1, "1.4", "is off by 1.4 %"),
        (lambda d, weight: -d, "4.5", "by 4.5 %"),
    ],
)
def test_the_penalties_are_off_by_what_the_page_says(penalty, percent, words):
    def loss(log_probs, ref_log_probs, advantages, mask):
        d = (ref_log_probs - log_probs) * mask
        gain = log_probs * advantages - 0.04 * penalty(d, log_probs)
        return -(gain * mask).sum(1).mean()

    target = clinic.kl_regularised(0.04)
    error = clinic.examine(loss, gamma=1.0, target=target).relative_error
    assert f"{100 * error:.1f}" == percent and words in PAGE


def test_the_table_has_each_name_with_its_aliases():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.*) \|$", PAGE, re.MULTILINE)
    assert [name for name, *_ in rows] == list(NAMES)
    for name, also, meaning in rows:
        assert sorted(re.findall(r"`(\w+)`", also)) == sorted(
            alias for alias, of in ALIASES.items() if of == name
        )
        assert meaning.replace(r"\|", "|") == NAMES[name]


def test_the_wheel_is_called_so():
    project = bounds.project()
    wheel = f"{project['name'].replace('-', '_')}-{project['version']}-py3-none-any.whl"
    assert f"wheels/{wheel}\n" in PAGE
