"""The wheel, where nothing is installed but it and what pg_helpers requires."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from closure import closure
from packaging.requirements import Requirement

from tools import bounds

ROOT = Path(__file__).resolve().parents[1]
NAME = bounds.project()["name"]
PACKAGES = ("pg_helpers", "pg_course")
PLUGIN = "pg_clinic_pytest"
LICENCES = ("LICENSE", "LICENSE-CONTENT.md")
NO_CACHE = shutil.ignore_patterns("__pycache__")
LOSS = """
def flipped(log_probs, rewards, mask):
    discounts = 0.95 ** mask.cumsum(1).sub(1)
    return (log_probs * mask * (discounts * rewards).sum(1, True)).sum(1).mean()
"""
IMPORT_ALL = """
import importlib, importlib.util, pkgutil, runpy, pg_helpers
for module in pkgutil.walk_packages(pg_helpers.__path__, "pg_helpers."):
    if not module.name.endswith((".__main__", ".doctor")):
        importlib.import_module(module.name)
for name in ("matplotlib", "ipywidgets", "IPython"):
    assert importlib.util.find_spec(name) is None, name
runpy.run_module("pg_helpers.doctor", run_name="__main__")
"""
RUN_NOTEBOOK = """
import importlib.util, json, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
for name in ("jupyterlab", "ipykernel"):
    assert importlib.util.find_spec(name) is None, name
shell = InteractiveShell.instance()
for cell in json.loads(Path(sys.argv[1]).read_text("utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"])).raise_error()
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="links packages into another")


def run(*command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built of a copy, so that nothing is left in the checkout or taken from build/."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=NO_CACHE)
    for name in ("pyproject.toml", "README.md", f"{PLUGIN}.py", *LICENCES):
        shutil.copy(ROOT / name, source)
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = run(sys.executable, "-m", "pip", *build, "-w", "dist", ".", folder=source)
    assert done.returncode == 0, done.stderr
    (built,) = source.glob("dist/*.whl")
    return built


def environment(place, wheel, extra=""):
    """A new environment's Python, with links to the packages that the wheel requires.

    A wheel of Python alone is installed by unpacking it. Each command is called with
    -I, so that neither PYTHONPATH nor the folder adds a package.
    """
    venv.create(place, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (own,) = metadata.distributions(name=NAME, path=[str(site)])
    required = map(Requirement, own.requires or [])
    wanted = [
        str(requirement).partition(";")[0]
        for requirement in required
        if not requirement.marker or requirement.marker.evaluate({"extra": extra})
    ]
    for name in closure(wanted):
        package = metadata.distribution(name)
        tops = {file.parts[0] for file in package.files or []}
        for top in tops - {"..", "__pycache__"}:
            if not (site / top).exists():  # a namespace that another one has linked
                (site / top).symlink_to(str(package.locate_file(top)))
    return place / "bin" / "python"


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    return environment(tmp_path_factory.mktemp("alone"), wheel)


def test_the_wheel_says_what_it_is_and_holds_every_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    (folder,) = {Path(name).parts[0] for name in names if ".dist-info/" in name}
    about = metadata.PathDistribution(zipfile.Path(wheel, f"{folder}/"))
    assert about.metadata["Name"] == NAME
    assert about.metadata["License-Expression"] == "MIT AND CC-BY-NC-SA-4.0"
    assert about.metadata.get_all("License-File") == list(LICENCES)
    extras = set(bounds.project()["optional-dependencies"])
    assert set(about.metadata.get_all("Provides-Extra")) == extras
    required = map(Requirement, about.requires)
    core = {requirement.name for requirement in required if not requirement.marker}
    assert core == {"torch", "numpy", "gymnasium", "tqdm"}
    files = [f for name in PACKAGES for f in (ROOT / name).rglob("*") if f.is_file()]
    wanted = {str(f.relative_to(ROOT)) for f in files if f.suffix != ".pyc"}
    wanted.add(f"{PLUGIN}.py")
    (entry,) = about.entry_points.select(group="pytest11")
    assert entry.name == entry.value == PLUGIN  # `-p` finds it with either
    licences = {f"{folder}/licenses/{name}" for name in LICENCES}
    assert licences <= names
    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_every_module_can_be_imported_and_the_doctor_misses_the_course(
    python, tmp_path
):
    done = run(python, "-I", "-c", IMPORT_ALL, folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "packaging is not installed" in done.stdout


def test_the_clinic_examines_a_loss(python, tmp_path):
    (tmp_path / "losses.py").write_text(LOSS, encoding="utf-8")
    clinic = ("-m", "pg_helpers.clinic", "losses.py:flipped")
    done = run(python, "-I", *clinic, folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "The sign is flipped" in done.stdout


def test_a_notebook_runs_with_the_extra_course_and_no_jupyterlab(wheel, tmp_path):
    python = environment(tmp_path / "course", wheel, "course")
    notebook = ROOT / "notebooks" / "00_start_here.ipynb"
    done = run(python, "-I", "-c", RUN_NOTEBOOK, notebook, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Your set-up works" in done.stdout
