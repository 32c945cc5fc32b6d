"""The order of the modules: each imports only from those above it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pg_helpers"

# From the mathematics to the screen. A new module is added here, in its place.
ORDER = (
    "arguments",
    "files",
    "mdp",
    "worlds",
    "policies",
    "drawing",
    "enumeration",
    "exact",
    "envs",
    "cartpole",
    "interface",
    "snapshot",
    "rollout",
    "returns",
    "losses",
    "ascent",
    "runs",
    "undisturbed",
    "checkpoints",
    "training",
    "plots",
    "pictures",
    "scenes",
    "display",
    "progress",
    "clinic",
    "figures",
    "controls",
    "live",
    "explorer",
    "animation",
    "steering",
    "dashboard_view",
    "dashboard",
    "checks",
    "questions",
)

FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = {path: path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}


def imported(source: str) -> set[str]:
    """Full names of what a source imports, wherever in it the import stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # A relative import is one of the package.
            parts = ["pg_helpers"] if node.level else []
            origin = ".".join([*parts, *([node.module] if node.module else [])])
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    return names


def modules_in(source: str) -> set[str]:
    """Modules of the package that a source imports."""
    found = set()
    for name in imported(source):
        parts = name.split(".")
        if parts[0] == "pg_helpers":
            # The package as a whole, or a name out of its __init__, is all of it.
            known = len(parts) > 1 and parts[1] in ORDER
            found.add(parts[1] if known else "__init__")
    return found


def direct() -> dict[str, set[str]]:
    """What each module of the package imports of it."""
    graph: dict[str, set[str]] = {}
    for path, name in NAMES.items():
        found = modules_in(path.read_text(encoding="utf-8")) - {name}
        graph.setdefault(name, set()).update(found)
    return graph


def reached(module: str) -> set[str]:
    """What a module imports, and what that imports, and so on."""
    graph, seen, waiting = direct(), set(), [module]
    while waiting:
        for name in graph.get(waiting.pop(), set()) - seen:
            seen.add(name)
            waiting.append(name)
    return seen


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("from pg_helpers.mdp import TabularMDP", {"mdp"}),
        ("import pg_helpers.rollout as r", {"rollout"}),
        ("from pg_helpers import exact", {"exact"}),
        ("from . import exact\nfrom .losses import pseudo_loss", {"exact", "losses"}),
        ("def f():\n    from pg_helpers.worlds import corridor", {"worlds"}),
        ("import pg_helpers as pg", {"__init__"}),
        ("from pg_helpers import train", {"__init__"}),
        ("import torch\nfrom numpy.typing import NDArray", set()),
    ],
)
def test_imports_of_every_form_are_seen(source, modules):
    assert modules_in(source) == modules


def test_every_module_has_its_place_in_the_order():
    missing = set(NAMES.values()) - set(ORDER) - {"__init__"}
    assert not missing, (
        f"{sorted(missing)}: not in the order of modules. Add it to ORDER in "
        "tests/test_architecture.py, and to the table in docs/development.md."
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_module_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("module", sorted(set(NAMES.values()) & set(ORDER)))
def test_a_module_imports_only_from_those_above_it(module):
    above = set(ORDER[: ORDER.index(module)])
    assert direct()[module] <= above


def test_the_truth_shares_no_code_with_what_it_judges():
    assert reached("exact") >= {"enumeration", "mdp", "policies"}
    judged = {"rollout", "returns", "losses", "ascent", "training", "__init__"}
    for module in ("exact", "enumeration", "mdp", "policies"):
        assert reached(module).isdisjoint(judged)


def test_returns_and_losses_do_not_sample():
    for module in ("returns", "losses", "ascent"):
        assert reached(module) <= {"arguments"}


def test_drawing_knows_no_policy():
    assert reached("drawing") <= {"arguments"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("plots", "ipywidgets"),
        ("pictures", "ipywidgets"),
        ("training", "ipywidgets"),
        ("training", "matplotlib"),
    ],
)
def test_figures_know_no_widgets_and_training_neither(module, unwanted):
    concerned = reached(module) | {module}
    assert concerned.isdisjoint({"display", "controls", "explorer", "dashboard"})
    assert module != "training" or concerned.isdisjoint({"plots", "pictures"})
    for path, name in NAMES.items():
        if name in concerned:
            found = imported(path.read_text(encoding="utf-8"))
            assert not any(full.split(".")[0] == unwanted for full in found)
