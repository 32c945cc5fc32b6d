"""Break pg_helpers in one place at a time, and count how often the tests notice.

cosmic-ray makes the mutants; a seeded sample of them is tried. Each is a fork of one
process that has imported everything else already, reads the changed module from
memory, and runs the tests that reach the changed line until one fails. Linux and macOS.
"""

import argparse
import ast
import json
import os
import random
import re
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium.vector  # noqa: F401 (imported once, for all forks)
import hypothesis  # noqa: F401
import ipywidgets  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import pytest
import torch.distributions  # noqa: F401
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import Coverage, CoverageData

ROOT = Path(__file__).resolve().parents[1]
REACHED = ROOT / "build" / "mutation" / "reached"
# Those that a person could make: `<` for `<=`, and not `>>` for `*`.
OPERATORS = re.compile(
    r"Number|AddNot|True|False|AndWithOr|OrWithAnd|Break|Continue|ZeroIteration|Decorator"
    r"|Delete_|_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Div|Mod_Mul)$"
    r"|_(BitAnd_BitOr|Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_GtE|GtE_Lt|Gt_LtE"
    r"|LtE_Gt|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In)$"
)
ARITHMETIC = {"arith_expr", "term", "power", "and_expr"}
FAILED = REACHED.with_name("failed")
# Those of pg_helpers, by themselves: what the notebooks notice besides is not counted.
TESTS = ["tests/pg_helpers", "tests/test_refusals.py"]
MEMORY = 12 * 2**30


class Mutant(NamedTuple):
    """A change of one place: a file, and which of an operator's places there."""

    file: str
    line: int
    operator: str
    occurrence: int


class Tests(NamedTuple):
    """What tests there are: seconds by name, and names by file and line reached."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def reaching(self, mutant: Mutant) -> list[str]:
        """Names of tests that run the changed statement, own and quick ones first."""
        lines = self.lines.get(mutant.file, {})
        names = {name for n in statement(mutant) for name in lines.get(n, [])}
        if not names & self.seconds.keys():  # run when the module was imported
            names = set(self.seconds)
        folder, stem = Path(mutant.file).parent.name, Path(mutant.file).stem
        mirror = f"test_{'clinic' if folder == 'clinic' else stem}"
        # Of what is cached, coverage knows the first test only.
        own = {name for name in self.seconds if mirror in name}
        return sorted(
            (names | own) & self.seconds.keys(),
            key=lambda name: (name not in own, self.seconds[name]),
        )


def all_mutants() -> list[Mutant]:
    """Every change of every module of pg_helpers."""
    found = []
    for path in sorted((ROOT / "pg_helpers").rglob("*.py")):
        nodes = list(ast_nodes(get_ast(path.read_text())))
        for name in sorted(operator_names()):
            operator = get_operator(name)
            if not OPERATORS.search(name) or operator.arguments():
                continue
            places = [
                (node, start[0])
                for node in nodes
                for start, _ in operator().mutation_positions(node)
            ]
            found += [
                Mutant(str(path.relative_to(ROOT)), line, name, number)
                for number, (node, line) in enumerate(places)
                # The `*` of arguments is no operation.
                if "Binary" not in name or node.parent.type in ARITHMETIC
            ]
    return found


@cache
def changed(mutant: Mutant) -> str:
    """The text of the file with the mutant in it."""
    operator = get_operator(mutant.operator)()
    return mutate_code((ROOT / mutant.file).read_text(), operator, mutant.occurrence)


def compiles(mutant: Mutant) -> bool:
    """Whether it is Python: `not x := 1` is none."""
    try:
        ast.parse(changed(mutant))
    except SyntaxError:
        return False
    return True


def statement(mutant: Mutant) -> range:
    """Lines of the innermost statement around a mutant, without its body."""
    smallest = range(mutant.line, mutant.line + 1)
    size = 10**6
    for node in ast.walk(ast.parse((ROOT / mutant.file).read_text())):
        if isinstance(node, ast.stmt) and node.lineno <= mutant.line:
            last = node.end_lineno or node.lineno
            if last >= mutant.line and last - node.lineno < size:
                size = last - node.lineno
                body = getattr(node, "body", None)
                end = max(body[0].lineno - 1, node.lineno) if body else last
                smallest = range(node.lineno, max(end, mutant.line) + 1)
    return smallest


def run_pytest(arguments: list[str], *plugins: Any) -> int:
    """Run tests silently in a fork, without notebooks or the cache."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    always = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "-p", "no:nbval"]
    return int(pytest.main([*always, *arguments], plugins=[*plugins]))


class Recorder:
    """Tells coverage which test is running, and keeps how long it took."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.append(report.nodeid)


class Chosen:
    """Runs only some tests, in an order of their own."""

    def __init__(self, names: list[str]) -> None:
        self.rank = {name: rank for rank, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self.rank]
        items[:] = sorted(chosen, key=lambda item: self.rank[item.nodeid])


def record(tests: list[str]) -> int:
    """Run all tests once, and keep which lines each of them reaches; how many fail."""
    REACHED.parent.mkdir(parents=True, exist_ok=True)
    coverage = Coverage(str(REACHED), include=["pg_helpers/*"], config_file=False)
    coverage.start()
    recorder = Recorder(coverage)
    run_pytest(tests, recorder)
    coverage.stop()
    coverage.save()
    passed = {n: s for n, s in recorder.seconds.items() if n not in recorder.failed}
    REACHED.with_suffix(".json").write_text(json.dumps(passed))
    FAILED.write_text("\n".join(recorder.failed))
    return min(len(recorder.failed), 99)


def recorded() -> Tests:
    """What `record` has kept."""
    data = CoverageData(str(REACHED))
    data.read()
    lines = {
        str(Path(file).relative_to(ROOT)): data.contexts_by_lineno(file)
        for file in data.measured_files()
    }
    return Tests(json.loads(REACHED.with_suffix(".json").read_text()), lines)


def try_out(mutant: Mutant, names: list[str], seconds: float) -> int:
    """Run tests on a mutant in this process; 0 if all pass, so that it survives."""
    path = str(ROOT / mutant.file)
    code = compile(changed(mutant), path, "exec", dont_inherit=True)
    read = SourceFileLoader.get_code

    def get_code(self: Any, name: str) -> Any:
        return code if self.path == path else read(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[assignment, method-assign]
    limit = int(60 + 3 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = dict.fromkeys(name.partition("::")[0] for name in names)
    return run_pytest(["-x", *files], Chosen(names))


def fork(call: Callable[..., int], *arguments: Any) -> int:
    """Call it in a fork, whose exit status is the answer; the id of the process."""
    if process := os.fork():
        return process
    status = 70
    try:
        status = call(*arguments)
    finally:
        os._exit(status)


def statuses(
    sample: list[Mutant], tests: Tests, processes: int
) -> Iterator[tuple[Mutant, int]]:
    """Try mutants side by side, and yield each as it ends: status 0 if it survives."""
    running: dict[int, Mutant] = {}
    waiting = iter(sample)
    while True:
        for mutant in islice(waiting, processes - len(running)):
            names = tests.reaching(mutant)
            seconds = sum(tests.seconds[name] for name in names)
            running[fork(try_out, mutant, names, seconds)] = mutant
        if not running:
            return
        process, status = os.wait()
        yield running.pop(process), status


def described(mutant: Mutant) -> str:
    """Where it is, the operator, and the line after it."""
    before, after = (ROOT / mutant.file).read_text(), changed(mutant)
    lines = zip(before.splitlines(), after.splitlines(), strict=False)
    line = next((new.strip() for old, new in lines if old != new), "(removed)")
    return f"{mutant.file}:{mutant.line}: {mutant.operator.partition('/')[2]}: {line}"


def main() -> None:
    """Try a sample; print each survivor and the share killed of each module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", default=TESTS, help="what pytest runs")
    parser.add_argument("--number", type=int, default=400, help="how many mutants")
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--only", default="", help="in files whose path contains this")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--recorded", action="store_true", help="tests are as before")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    if not given.recorded:
        _, failed = os.waitpid(fork(record, given.tests), 0)
        if failed:
            names = FAILED.read_text() if FAILED.exists() else ""
            sys.exit(f"These fail as they are, so nothing can be learnt:\n{names}")
    mutants = [mutant for mutant in all_mutants() if given.only in mutant.file]
    random.Random(given.seed).shuffle(mutants)
    sample = list(islice(filter(compiles, mutants), given.number))
    killed, of = Counter[str](), Counter(mutant.file for mutant in sample)
    for mutant, status in statuses(sample, recorded(), given.processes):
        killed[mutant.file] += status != 0
        print("survives" if status == 0 else "killed", described(mutant), flush=True)
    for file in sorted(of):
        print(f"{file:40} {killed[file]:4} of {of[file]:4}")
    share = killed.total() / max(1, len(sample))
    print(f"killed: {killed.total()} of {len(sample)}, {share:.1%}")


if __name__ == "__main__":
    main()
