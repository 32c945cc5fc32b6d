"""Ask whether any version in constraints.txt has a known vulnerability: `make audit`.

pip-audit asks one database, and where that does not answer the other. It calls a
package that it could not look up "skipped", and ends well: here that is a fault, since
no answer is no good news.
"""

import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
SERVICES = ("pypi", "osv")


@dataclass(frozen=True)
class Audit:
    """What a service knew.

    Attributes:
        service: that was asked.
        answered: packages that it knew.
        unknown: packages that it did not answer for.
        vulnerable: package, version and the names of its vulnerabilities.
    """

    service: str
    answered: tuple[str, ...]
    unknown: tuple[str, ...]
    vulnerable: tuple[str, ...]


def main() -> int:
    audit = ask()
    print(in_words(audit))
    for line in audit.vulnerable:
        print(line)
    return int(bool(audit.vulnerable or audit.unknown))


def ask() -> Audit:
    """Install pip-audit apart from everything, and ask the services by turns.

    Returns:
        The first answer that is about any package, else the last one.
    """
    with tempfile.TemporaryDirectory(prefix="pip-audit-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        quiet = ["-q", "--disable-pip-version-check"]
        install = [str(python / "python"), "-m", "pip", "install", *quiet, "pip-audit"]
        subprocess.run(install, check=True)
        for service in SERVICES:
            command = [str(python / "pip-audit"), "--service", service, "--format"]
            command += ["json", "--no-deps", "--disable-pip", "-r", str(CONSTRAINTS)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            audit = read(service, done.stdout)
            if audit.answered:
                break
    return audit


def read(service: str, text: str) -> Audit:
    """Read pip-audit's JSON; none at all means that the service was not reached."""
    names = [
        line.partition("==")[0]
        for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    found = json.loads(text)["dependencies"] if text.strip() else []
    answered = [package for package in found if "skip_reason" not in package]
    known = {canonicalize_name(package["name"]) for package in answered}
    vulnerable = [
        f"{package['name']} {package['version']}: "
        + ", ".join(fault["id"] for fault in package["vulns"])
        for package in answered
        if package["vulns"]
    ]
    return Audit(
        service,
        tuple(sorted(known)),
        tuple(name for name in names if canonicalize_name(name) not in known),
        tuple(vulnerable),
    )


def in_words(audit: Audit) -> str:
    """One sentence."""
    asked = len(audit.answered) + len(audit.unknown)
    if not audit.answered:
        return f"Not audited: no database of pip-audit answered for any of {asked}."
    return (
        f"{audit.service} answered for {len(audit.answered)} of {asked} packages; "
        f"{len(audit.vulnerable)} have a known vulnerability."
    )


if __name__ == "__main__":
    sys.exit(main())
