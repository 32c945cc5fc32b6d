"""Print constraints for pip: the oldest versions of pyproject.toml, or the newest.

PyTorch's version is that of constraints.txt either way, as its CPU builds are not on
every index.
"""

import argparse
import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("test", "docs", "binder")  # what `make test` needs beside the package's own


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=["oldest", "newest"])
    which = parser.parse_args(arguments).which
    print(f"torch=={pins()['torch']}")
    if which == "oldest":
        for requirement in direct(*EXTRAS):
            if requirement.name != "torch":
                print(f"{requirement.name}=={lower_bound(requirement)}")


def project() -> dict[str, Any]:
    """The table `project` of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def direct(*extras: str) -> list[Requirement]:
    """What pyproject.toml names as dependencies, and in these extras.

    An extra that names another one has its requirements too.
    """
    table = project()
    lines, waiting = list(table["dependencies"]), list(extras)
    for extra in waiting:
        for line in table["optional-dependencies"][extra]:
            requirement = Requirement(line)
            if requirement.name != table["name"]:
                lines.append(line)
            else:
                waiting += requirement.extras - set(waiting)
    return [Requirement(line) for line in lines]


def lower_bound(requirement: Requirement) -> str:
    """The oldest version that is admitted.

    Raises:
        ValueError: there is not exactly one lower bound.
    """
    bounds = [part.version for part in requirement.specifier if part.operator == ">="]
    if len(bounds) != 1:
        raise ValueError(f"expected one lower bound, as in name>=1.2: {requirement}")
    return bounds[0]


def pins() -> dict[str, str]:
    """The versions of constraints.txt, by name."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


if __name__ == "__main__":
    main()
