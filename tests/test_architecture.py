"""The house: which module may import which, and what pg_helpers never imports."""

import ast
import subprocess
import sys
from pathlib import Path

from pg_course.asking.rooms import rooms

ROOT = Path(__file__).parent.parent

# From arrays to training. Each imports only from those above it; a new module is added
# here, in its place.
HELPERS = (
    "require",
    "files",
    "mdp",
    "worlds",
    "policies",
    "exact",
    "draws",
    "envs",
    "cartpole",
    "spaces",
    "masks",
    "models",
    "acting",
    "rollout",
    "returns",
    "losses",
    "binder",
    "ascent",
    "runs",
    "execution",
    "checkpoints",
    "training",
    "clinic",
)
# What a room, a folder of pg_course, may import of it, besides its own modules.
COURSE = {
    "arguments": set(),
    "stage": {"arguments"},
    "asking": {"stage", "arguments"},
    "shared": {"stage", "arguments"},
    "doctor": {"asking", "installed"},
    "installed": set(),
    **dict.fromkeys(rooms(), {"arguments", "stage", "asking", "shared"}),
}
# pg_helpers needs these, and nothing else that does not come with Python.
NEEDED = {"torch", "numpy", "gymnasium", "tqdm"}
# A picture imports them when it is asked for.
FOR_PICTURES = {"pg_helpers/clinic/picture.py": {"matplotlib", "PIL"}}
FOR_PICTURES["pg_helpers/clinic/diagnosis.py"] = {"matplotlib"}


def imported(source: str) -> set[str]:
    """Full names of what a source imports, wherever in it the import stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules_in(source: str, package: str) -> set[str]:
    """Modules or folders of a package that a source imports."""
    parts = [name.split(".") for name in imported(source)]
    # The package as a whole, or a name out of its __init__, is all of it.
    known = {*HELPERS, *COURSE}
    return {
        path[1] if len(path) > 1 and path[1] in known else "__init__"
        for path in parts
        if path[0] == package
    }


def direct(package: str) -> dict[str, set[str]]:
    """What each module or folder of a package imports of it, itself left out."""
    graph: dict[str, set[str]] = {}
    for path in (ROOT / package).rglob("*.py"):
        name = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        found = modules_in(path.read_text(encoding="utf-8"), package)
        graph.setdefault(name, set()).update(found - {name})
    return graph


def reached(module: str) -> set[str]:
    """What a module of pg_helpers imports, and what that imports, and so on."""
    graph, seen, waiting = direct("pg_helpers"), set(), [module]
    while waiting:
        for name in graph.get(waiting.pop(), set()) - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def test_a_module_of_pg_helpers_imports_only_from_those_above_it():
    graph = direct("pg_helpers")
    assert set(graph) - {"__init__", "doctor"} == set(HELPERS)
    for place, module in enumerate(HELPERS):
        below = graph[module] - set(HELPERS[:place])
        assert not below, f"{module} imports {below}"


def test_a_room_of_pg_course_imports_nothing_of_another_room():
    graph = direct("pg_course")
    assert graph.pop("__init__") == set()
    assert set(graph) == set(COURSE)
    for name, found in graph.items():
        assert found <= COURSE[name], f"{name} imports {found - COURSE[name]}"


def test_pg_helpers_imports_four_packages_and_nothing_of_the_course():
    for path in (ROOT / "pg_helpers").rglob("*.py"):
        found = {n.split(".")[0] for n in imported(path.read_text(encoding="utf-8"))}
        foreign = found - set(sys.stdlib_module_names) - NEEDED - {"pg_helpers"}
        name = str(path.relative_to(ROOT))
        assert foreign <= FOR_PICTURES.get(name, set()), name


def test_neither_package_is_loaded_before_it_is_needed():
    # A new process: this one has loaded everything.
    code = (
        "import sys, pg_helpers, pg_course; "
        "print({n.split('.')[0] for n in sys.modules} "
        "& {'matplotlib', 'ipywidgets', 'IPython', 'PIL'}, "
        "[n for n in sys.modules if n.startswith('pg_course.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "set() []\n", done.stderr


def test_what_computes_draws_nothing_and_what_draws_asks_nothing():
    for room in rooms():
        for path in (ROOT / "pg_course" / room).glob("*.py"):
            names = imported(path.read_text(encoding="utf-8"))
            tops = {name.split(".")[0] for name in names}
            if path.stem in ("experiments", "exercises", "solutions"):
                assert "matplotlib" not in tops, path
            if path.stem == "figures":
                assert "torch.optim" not in names and "ipywidgets" not in tops, path
                assert not any(n.startswith("pg_course.asking") for n in names), path


def test_the_truth_shares_no_code_with_what_it_judges():
    assert reached("exact") >= {"mdp", "policies"}
    judged = {"rollout", "returns", "losses", "ascent", "training", "__init__"}
    for module in ("exact", "mdp", "policies"):
        assert reached(module).isdisjoint(judged)


def test_returns_and_losses_do_not_sample():
    for module in ("returns", "losses", "ascent"):
        assert reached(module) <= {"require"}
