"""constraints.txt pins each package that an installation brings."""

import importlib.metadata
from pathlib import Path

import pytest
from closure import closure
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools import bounds

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(name): version
    for name, _, version in (line.partition("==") for line in LINES)
    if not name.startswith("#")
}
PINNED = PINS.keys()
# Installed here, but of another version: `make test-oldest` and `make test-newest`.
OTHERS = {
    name
    for found in importlib.metadata.distributions()
    if (name := canonicalize_name(found.name)) in PINNED
    and found.version.partition("+")[0] != PINS[name]
}


@pytest.mark.skipif(bool(OTHERS), reason="other versions may bring other packages")
def test_all_that_an_installation_brings_is_pinned():
    found = closure(map(str, bounds.direct("dev")))
    assert {"torch", "sympy", "tornado", "anywidget"} <= found
    assert found - PINNED <= {"pip"}  # which installs the others


def test_what_is_pinned_installs_on_the_oldest_python():
    # pip only says that "these package versions have conflicting dependencies".
    oldest = bounds.project()["requires-python"].removeprefix(">=") + ".0"
    needs = {
        name: SpecifierSet(found.metadata["Requires-Python"] or "")
        for found in importlib.metadata.distributions()
        if PINS.get(name := canonicalize_name(found.name)) == found.version
    }
    assert needs
    assert {name for name in needs if not needs[name].contains(oldest)} == set()
