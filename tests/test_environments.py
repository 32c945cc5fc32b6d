"""What is installed: pyproject.toml, environment.yml, constraints.txt, and Binder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import bounds

ROOT = Path(__file__).resolve().parent.parent
# conda-forge's names of the builds without CUDA and without Qt.
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
CONDA_ONLY = {"python", "pip"}
# Stricter than pyproject.toml, for the reason beside it in environment.yml.
STRICTER = {"jupyterlab"}
CONDA = (ROOT / "environment.yml").read_text(encoding="utf-8")
needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
needs_bash = pytest.mark.skipif(os.name == "nt", reason="a script of bash")


def disagreements(conda: str = CONDA, pins: dict[str, str] | None = None) -> list[str]:
    """What in environment.yml and constraints.txt does not fit pyproject.toml."""
    return [*faults_of_conda(conda), *faults_of_pins(pins or bounds.pins())]


def faults_of_conda(text: str) -> list[str]:
    lines = yaml.safe_load(text)["dependencies"]
    if nested := [line for line in lines if not isinstance(line, str)]:
        return [f"environment.yml: not plain packages: {nested}"]
    # conda's python=3.12 is pip's python==3.12.*
    plain = [re.sub(r"(?<=\w)=([\d.]+)$", r"==\1.*", line) for line in lines]
    conda = {CONDA_NAMES.get(r.name, r.name): r for r in map(Requirement, plain)}
    own = {r.name: r for r in bounds.direct("test")}
    faults = [f"environment.yml: {name} is missing" for name in set(own) - set(conda)]
    for name in set(conda) - set(own) - CONDA_ONLY:
        faults.append(f"environment.yml: {name} is not in pyproject.toml")
    for name in set(own) & set(conda):
        here, there = (Version(bounds.lower_bound(r[name])) for r in (own, conda))
        if there < here or (there > here and name not in STRICTER):
            faults.append(f"environment.yml: {name}>={there}, elsewhere {here}")
    return faults


def faults_of_pins(pins: dict[str, str]) -> list[str]:
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    faults = []
    for requirement in bounds.direct("dev"):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            faults.append(f"constraints.txt: {requirement.name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"constraints.txt: {version} is not {requirement}")
    return faults


def test_the_three_files_agree():
    assert disagreements() == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("  - tqdm>=4.66\n", "", "environment.yml: tqdm is missing"),
        ("- tqdm", "- pandas>=2\n  - tqdm", "pandas is not in pyproject.toml"),
        ("numpy>=1.26", "numpy>=1.25", "numpy>=1.25, elsewhere 1.26"),
        ("jupyterlab>=4.6", "jupyterlab>=4.1", "jupyterlab>=4.1, elsewhere 4.2"),
        ("- pip\n", "- pip\n  - pip:\n    - -e .\n", "not plain packages"),
    ],
)
def test_a_fault_in_environment_yml_is_found(right, wrong, fault):
    text = CONDA.replace(right, wrong)
    assert text != CONDA
    assert [fault in found for found in disagreements(text)] == [True]


def test_the_constraints_of_the_oldest_versions(capsys):
    bounds.main(["oldest"])
    lines = capsys.readouterr().out.split()
    assert lines[0] == f"torch=={bounds.pins()['torch']}"
    assert "numpy==1.26" in lines and "pytest==8.3" in lines
    assert len(lines) == len(set(lines)) > 15
    bounds.main(["newest"])
    assert capsys.readouterr().out.split() == lines[:1]


def test_each_requirement_has_one_lower_bound_and_is_named_once():
    everything = set(bounds.project()["optional-dependencies"]) - {"libraries"}
    found = bounds.direct(*sorted(everything))
    assert len({requirement.name for requirement in found}) == len(found)
    assert all(map(bounds.lower_bound, found))


# Elsewhere this is a package for PostgreSQL, and is imported as pg_helpers too.
FOREIGN = re.compile(
    r"\bpg[-]helpers\b|\bpip3? (install|download)[^\n;|]*[ \"'`]pg_helpers(?![./\w])"
    r"|\b(version|version_of|metadata|requires|distribution)\([\"']pg_helpers"
)


@needs_git
def test_nothing_names_the_distribution_of_another_project():
    assert bounds.project()["name"] == "policy-gradients-by-experiment"
    command = ["git", "grep", "-Ilz", ""]  # files of text that are tracked
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in done.stdout.split("\0") if name]
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    assert [name for name in names if FOREIGN.search(texts[name])] == []


def dockerfile(folder: Path) -> str:
    """What Binder would build of a folder, as its user; nothing is built."""
    command = ["-m", "repo2docker", "--no-build", "--debug"]
    command += ["--user-id=1000", "--user-name=jovyan", str(folder)]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path):
    command = ["git", "clone", "-q", "--depth=1", ROOT.as_uri(), tmp_path / "clone"]
    subprocess.run(command, check=True)
    return tmp_path / "clone"


@needs_git
def test_binder_takes_up_what_is_meant_for_it(clone):
    text = dockerfile(clone)
    version = re.search(r"python=([\d.]+)", CONDA)[1]
    assert f"Building conda environment for python={version}\n" in text
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"' in text
    copied = text.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
    built = text.index("\nRUN ./postBuild\n")
    assert copied < text.index("\nUSER ${NB_USER}\n", copied) < built
    assert text.rindex("\nUSER ", 0, built) == text.rindex(
        "\nUSER ${NB_USER}\n", 0, built
    )
    assert '\nENV R2D_ENTRYPOINT="${REPO_DIR}/start"\n' in text


@needs_bash
@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_a_script_for_binder_can_be_run(name):
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / name], check=True)


@pytest.fixture
def checkout(tmp_path):
    """What `start` and `make lab` need of the project, with one notebook."""
    for name in ("Makefile", "start", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("tools/copies.py", "notebooks/00_start_here.ipynb"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "pg_course").symlink_to(ROOT / "pg_course")
    return tmp_path


@needs_bash
def test_start_sets_one_thread_makes_copies_and_runs_what_it_is_given(checkout):
    code = "import os, sys; print(*[os.environ[v] for v in sys.argv[1:]]); sys.exit(3)"
    command = [checkout / "start", sys.executable, "-c", code]
    done = subprocess.run(
        [*command, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"],
        env=os.environ | {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("1 1\n", 3)
    assert (checkout / "my_notebooks" / "00_start_here.ipynb").exists()


# A Python that makes an environment of programs, which only note how they are called.
PYTHON = """#!/bin/sh
test "$1" = -m || exec {python} "$@"
mkdir -p "$3/bin"
for name in python uv jupyter; do cp {program} "$3/bin/$name"; done
"""
PROGRAM = """#!/bin/sh
name=$(basename "$0")
echo "$name $* ($PG_HELPERS_PROGRESS)" >> calls
test $name != uv || exit $UV_STATUS
"""
INTEL = """import platform, sys
sys.platform, platform.machine = "darwin", lambda: "x86_64"
"""


@pytest.fixture
def make(checkout):
    """Runs a target of the Makefile; what it says, and what it has called so far."""
    programs = checkout / "programs"
    programs.mkdir()
    python = PYTHON.format(python=sys.executable, program=programs / "program")
    uname = "#!/bin/sh\necho $SYSTEM\n"
    for name, text in [("python3", python), ("program", PROGRAM), ("uname", uname)]:
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    usual = {"SYSTEM": "Linux", "UV_STATUS": "0", "PG_HELPERS_PROGRESS": "file"}
    usual["PATH"] = f"{programs}:{os.environ['PATH']}"

    def run(*arguments, **more):
        done = subprocess.run(
            ["make", *arguments],
            cwd=checkout,
            env=os.environ | usual | more,
            capture_output=True,
            text=True,
        )
        calls = checkout / "calls"
        return done, calls.read_text().splitlines() if calls.exists() else []

    return run


@needs_bash
@pytest.mark.parametrize(
    ("system", "given", "status", "takes_cpu", "warned"),
    [
        ("Linux", "", "0", 1, False),
        ("Linux", "", "2", 1, True),
        ("Linux", "--pre", "0", 0, False),
        ("Darwin", "", "0", 0, False),
    ],
)
def test_make_lab_takes_the_cpu_build_first_where_it_matters(
    make, system, given, status, takes_cpu, warned
):
    done, calls = make("lab", f"PIP_ARGS={given}", SYSTEM=system, UV_STATUS=status)
    assert done.returncode == 0, done.stderr
    assert "420 MB to download" in done.stdout
    assert ("gigabytes of CUDA" in done.stdout) == warned
    of_uv = [n for n, call in enumerate(calls) if "--torch-backend=cpu" in call]
    (of_pip,) = [n for n, call in enumerate(calls) if f"{given} -e .[dev]" in call]
    assert len(of_uv) == takes_cpu and all(n < of_pip for n in of_uv)
    copying, opening = calls[-2:]
    assert copying == "python tools/copies.py my_notebooks (file)"
    assert "default_url=/lab/tree/my_notebooks/00_start_here.ipynb" in opening
    done, again = make("lab", SYSTEM=system)
    assert "download" not in done.stdout and again == [*calls, copying, opening.strip()]


@needs_bash
def test_make_lab_says_what_works_on_a_mac_with_intel(make, checkout):
    (checkout / "sitecustomize.py").write_text(INTEL)
    done, calls = make("lab", SYSTEM="Darwin", PYTHONPATH=str(checkout))
    assert done.returncode and not calls
    assert "conda-forge" in done.stderr and "Binder" in done.stderr


@needs_bash
def test_make_lecture_keeps_results_and_shows_no_answers(make):
    _, calls = make("lecture")
    copying, opening = calls[-2:]
    assert copying == "python tools/copies.py my_lecture --outputs ()"
    assert "/my_lecture/00_start_here.ipynb ()" in opening
