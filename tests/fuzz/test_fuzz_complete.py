"""A public function without a fuzz test is a fault; this test finds it."""

import importlib
import inspect
from pathlib import Path

import pytest
from hypothesis import settings
from judge import covered

import pg_course as course
import pg_helpers as pg
from pg_course import arguments
from pg_course.stage import plots

# A long run asks for it, not each `make test`: a new function is no less tested for it.
pytestmark = pytest.mark.skipif(
    settings().max_examples < 100, reason="asked with --hypothesis-profile=long"
)

# They hold what the package gives; nobody is meant to fill them in.
RECORDS = {
    pg.History,
    pg.NotFiniteError,
    pg.TrainingStoppedError,
    pg.Trajectories,
    pg.Update,
    pg.clinic.Diagnosis,
    pg.exact.AllTrajectories,
}
# Besides what the package itself names as public.
NAMES = "ascent losses mdp policies require returns worlds"
MODULES = [
    importlib.import_module(f"pg_helpers.{name}")
    for name in [*NAMES.split(), "clinic.__main__"]
] + [arguments, plots]


def is_ours(thing):
    return inspect.isfunction(thing) or inspect.isclass(thing)


def named(module):
    """Functions and classes that a module says are public."""
    return {t for name in module.__all__ if is_ours(t := getattr(module, name))}


def defined(module):
    """Functions and classes of a module without __all__."""
    return {
        thing
        for name, thing in vars(module).items()
        if is_ours(thing) and thing.__module__ == module.__name__ and name[0] != "_"
    }


PUBLIC = named(pg) | named(course) | named(pg.exact) | named(pg.clinic)
PUBLIC = PUBLIC.union(*map(defined, MODULES)) - RECORDS


@pytest.fixture(scope="module", autouse=True)
def _every_fuzz_test():
    """All are imported, whichever of them pytest was asked for."""
    for file in Path(__file__).parent.glob("test_fuzz_*.py"):
        importlib.import_module(file.stem)


@pytest.mark.parametrize(
    "thing",
    sorted(PUBLIC, key=lambda t: t.__qualname__),
    ids=lambda thing: thing.__qualname__,
)
def test_every_public_function_is_fed_nonsense(thing):
    assert thing in covered, f"write a test with @covers({thing.__qualname__})"


def test_a_function_that_nobody_tries_is_found():
    assert pg.total_return in PUBLIC
    assert pg.exact.gradient in PUBLIC
    assert arguments.check_text in PUBLIC
    assert named not in covered
