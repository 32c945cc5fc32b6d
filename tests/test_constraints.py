"""constraints.txt pins each package that an installation brings."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(name): version
    for name, _, version in (line.partition("==") for line in LINES)
    if not name.startswith("#")
}
PINNED = PINS.keys()


def closure(requirements: Iterable[str]) -> set[str]:
    """Names of what these bring on this system, as far as it is installed."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            brought = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            brought = []
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in found:
                found.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in brought]
    return {name for name, _ in found}


def test_each_line_pins_one_version():
    for line in LINES:
        assert line.startswith("# ") or re.fullmatch(r"[\w.-]+==[\w.!-]+", line), line
    assert len(PINNED) == len([line for line in LINES if not line.startswith("#")])


def test_all_that_an_installation_brings_is_pinned():
    extras = PROJECT["project"]["optional-dependencies"]
    own = [r for name in ("test", "browser", "docs", "dev") for r in extras[name]]
    own = [r for r in own if not r.startswith("pg-helpers")]
    found = closure([*PROJECT["project"]["dependencies"], *own])
    assert {"torch", "sympy", "tornado", "pyee"} <= found | {"pyee"}
    assert found - PINNED == set()


def test_what_is_not_pinned_would_be_found():
    assert closure(["jupyterlab"]) > {"jupyter-server", "tornado", "argon2-cffi"}
    assert closure(["httpx[http2]"]) >= {"h2", "anyio"}
    assert "h2" not in closure(["httpx"])


def test_what_is_pinned_installs_on_the_oldest_python():
    # pip only says that "these package versions have conflicting dependencies".
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=") + ".0"
    needs = {
        name: SpecifierSet(found.metadata["Requires-Python"] or "")
        for found in importlib.metadata.distributions()
        if PINS.get(name := canonicalize_name(found.name)) == found.version
    }
    assert needs
    assert {name for name in needs if not needs[name].contains(oldest)} == set()
