"""Run all tests with the oldest and with the newest versions that are admitted."""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from outcome import outcome
from packaging.utils import canonicalize_name

from tools import bounds

ROOT = Path(__file__).resolve().parent.parent


def main() -> str:
    """Both ends of the ranges, and the table of what differed."""
    counts, versions = {}, {}
    for end in ("oldest", "newest"):
        counts[end] = run(end)
        versions[end] = installed(end)
    return section(counts, versions)


def run(end: str) -> Counter[str]:
    """What `make test-oldest` or `make test-newest` found: tests by their outcome.

    Raises:
        RuntimeError: it did not come to the tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "junit.xml"
        # The versions of that environment, not of what this process was started with.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run(
            ["make", f"test-{end}", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            env=environment | {"PYTEST_ADDOPTS": f"--junitxml={file}"},
        )
        if not file.exists():
            raise RuntimeError(f"make test-{end} wrote no results: see what it said")
        return tally(file.read_text(encoding="utf-8"))


def tally(junit: str) -> Counter[str]:
    """How many tests passed, failed and were skipped."""
    kinds = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    found: Counter[str] = Counter(passed=0, failed=0, skipped=0)
    for case in ElementTree.fromstring(junit).iter("testcase"):
        ends = [kinds[part.tag] for part in case if part.tag in kinds]
        found[ends[0] if ends else "passed"] += 1
    return found


def installed(end: str) -> dict[str, str]:
    """The versions in an environment, by name."""
    command = [ROOT / f".venv-{end}/bin/python", "-m", "pip", "freeze", "--all"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    pairs = re.findall(r"^([\w.-]+)==([^+\s]+)", done.stdout, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pairs}


def section(
    counts: dict[str, Counter[str]], versions: dict[str, dict[str, str]]
) -> str:
    pinned = {canonicalize_name(name): v for name, v in bounds.pins().items()}
    direct = {canonicalize_name(r.name) for r in bounds.direct(*bounds.EXTRAS)}
    rows = []
    for name in sorted(versions["oldest"].keys() & versions["newest"].keys()):
        row = [found.get(name, "") for found in (versions["oldest"], pinned)]
        row.append(versions["newest"][name])
        if len(set(row)) > 1 and (name in direct or row[1] != row[2]):
            rows.append(f"| {name} | {' | '.join(row)} |")
    results = [
        f"| {end} | {found['passed']} | {found['failed']} | {found['skipped']} |"
        for end, found in counts.items()
    ]
    green = sum(
        found["failed"] == 0 and found["passed"] > 0 for found in counts.values()
    )
    failed = sum(found["failed"] for found in counts.values())
    lost = f"{failed} tests" if failed else "nothing"
    tried = "all tests with the oldest and with the newest versions"
    newline = "\n"
    return f"""## Versions

{outcome(tried, f"{green} of {len(counts)}", lost)}

`make test-oldest` and `make test-newest`: the lowest and the highest versions that
pyproject.toml admits, each in an environment of its own. PyTorch is the CPU build of
constraints.txt ({pinned["torch"]}) in both: another one was not tried.

| versions | passed | failed | skipped |
|---|---|---|---|
{newline.join(results)}

Where they differ, from each other or from constraints.txt:

| package | oldest | constraints.txt | newest |
|---|---|---|---|
{newline.join(rows)}
"""


if __name__ == "__main__":
    print(main())
