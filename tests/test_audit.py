"""`make audit` fails on a known vulnerability, and on a package that is unknown."""

import shlex
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("pip_audit")  # in the extra `dev` only
from packaging.version import Version
from pip_audit import _cli as pip_audit
from pip_audit._service import (
    PyPIService,
    ResolvedDependency,
    SkippedDependency,
    VulnerabilityResult,
)

ROOT = Path(__file__).resolve().parents[1]
TORCH = ResolvedDependency("torch", Version("2.13.0"))
SKIPPED = SkippedDependency("torch", "not found")
FAULT = VulnerabilityResult.create(["PYSEC-1"], "a fault", [], None)


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run what `make audit` runs, with an answer of the database; none is asked."""
    stamp = tmp_path / "installed"
    stamp.touch()
    make = ["make", "--no-print-directory", "-n", "audit", f"STAMP={stamp}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    monkeypatch.setattr("sys.argv", shlex.split(done.stdout))
    monkeypatch.chdir(ROOT)

    def run(dependency, faults):
        monkeypatch.setattr(PyPIService, "query", lambda *_: (dependency, faults))
        pip_audit.audit()

    return run


def test_it_ends_well_where_no_vulnerability_is_known(audit):
    audit(TORCH, [])


@pytest.mark.parametrize(("dependency", "faults"), [(TORCH, [FAULT]), (SKIPPED, [])])
def test_it_fails_where_one_is_known_and_where_nothing_is_known(
    audit, capsys, dependency, faults
):
    with pytest.raises(SystemExit) as ended:
        audit(dependency, faults)
    assert ended.value.code == 1
    assert "No known vulnerabilities" not in capsys.readouterr().err
