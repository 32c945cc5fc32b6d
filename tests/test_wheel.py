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
LICENCES = ("LICENSE", "LICENSE-CONTENT.md")
LOSSES = """
import torch

def right(log_probs, rewards, mask):
    returns = (0.95 ** torch.arange(rewards.shape[1]) * rewards).sum(1)
    return -((log_probs * mask).sum(1) * returns).mean()

def flipped(log_probs, rewards, mask):
    return -right(log_probs, rewards, mask)
"""
IMPORT_ALL = """
import importlib, pkgutil, pg_helpers
for module in pkgutil.walk_packages(pg_helpers.__path__, "pg_helpers."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="links packages into another")


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, so that nothing is left in the checkout or taken from build/."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignore)
    for name in ("pyproject.toml", "README.md", *LICENCES):
        shutil.copy(ROOT / name, source)
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = run(sys.executable, "-m", "pip", *build, "-w", "dist", ".", folder=source)
    assert done.returncode == 0, done.stderr
    (built,) = source.glob("dist/*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment's Python, with links to the packages that the wheel requires.

    Each is called with -I, so that neither PYTHONPATH nor the folder adds a package.
    """
    place = tmp_path_factory.mktemp("alone")
    venv.create(place, symlinks=True)
    command = place / "bin" / "python"
    install = ["install", "-q", "--no-deps", "--no-index", wheel]
    done = run(
        *(sys.executable, "-m", "pip", "--python", command, *install), folder=place
    )
    assert done.returncode == 0, done.stderr
    (site,) = place.glob("lib/python*/site-packages")
    (own,) = metadata.distributions(name=NAME, path=[str(site)])
    for name in closure(own.requires or []):
        link(metadata.distribution(name), site)
    return command


def link(package: metadata.Distribution, site: Path) -> None:
    """Link the files of an installed package, but its commands, into another folder."""
    tops = {file.parts[0] for file in package.files or []}
    for top in tops - {"..", "__pycache__"}:
        if not (site / top).exists():  # a namespace that another one has linked
            (site / top).symlink_to(str(package.locate_file(top)))


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    (folder,) = {Path(name).parts[0] for name in names if ".dist-info/" in name}
    about = metadata.PathDistribution(zipfile.Path(wheel, f"{folder}/"))
    assert about.metadata["Name"] == NAME
    assert about.metadata["License-Expression"] == "MIT AND CC-BY-NC-SA-4.0"
    assert about.metadata.get_all("License-File") == list(LICENCES)
    assert {f"{folder}/licenses/{name}" for name in LICENCES} <= set(names)
    extras = set(bounds.project()["optional-dependencies"])
    assert set(about.metadata.get_all("Provides-Extra")) == extras
    required = map(Requirement, about.requires)
    core = {requirement.name for requirement in required if not requirement.marker}
    assert core == {"torch", "numpy", "gymnasium", "tqdm"}


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    files = [f for package in PACKAGES for f in (ROOT / package).rglob("*")]
    files = [f for f in files if f.is_file() and f.suffix != ".pyc"]
    wanted = {str(f.relative_to(ROOT)) for f in files}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == wanted and "pg_helpers/clinic/__main__.py" in found


@pytest.mark.parametrize("name", ["matplotlib", "ipywidgets", "IPython"])
def test_what_the_course_needs_is_missing(python, tmp_path, name):
    done = run(python, "-I", "-c", f"import {name}", folder=tmp_path)
    assert f"ModuleNotFoundError: No module named '{name}'" in done.stderr


def test_every_module_of_pg_helpers_can_be_imported(python, tmp_path):
    done = run(python, "-I", "-c", IMPORT_ALL, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("loss", "status", "words"),
    [("right", 0, "Unbiased"), ("flipped", 1, "The sign is flipped")],
)
def test_the_clinic_examines_a_loss(python, tmp_path, loss, status, words):
    (tmp_path / "losses.py").write_text(LOSSES, encoding="utf-8")
    clinic = ("-m", "pg_helpers.clinic", f"losses.py:{loss}")
    done = run(python, "-I", *clinic, folder=tmp_path)
    assert (done.returncode, done.stderr) == (status, "")
    assert words in done.stdout


def test_the_doctor_says_that_packages_of_the_course_are_missing(python, tmp_path):
    done = run(python, "-I", "-m", "pg_helpers.doctor", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "packaging is not installed" in done.stdout
