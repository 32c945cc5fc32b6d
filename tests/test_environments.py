"""What is installed: pyproject.toml, environment.yml, constraints.txt, and Binder."""

import os
import re
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
        ("numpy>=1.26", "numpy>=2.0", "numpy>=2.0, elsewhere 1.26"),
        ("jupyterlab>=4.6", "jupyterlab>=4.1", "jupyterlab>=4.1, elsewhere 4.2"),
        ("- pip\n", "- pip\n  - pip:\n    - -e .\n", "not plain packages"),
    ],
)
def test_a_fault_in_environment_yml_is_found(right, wrong, fault):
    text = CONDA.replace(right, wrong)
    assert text != CONDA
    assert [fault in found for found in disagreements(text)] == [True]


@pytest.mark.parametrize(
    ("name", "version", "fault"),
    [
        ("numpy", "1.25.2", "constraints.txt: 1.25.2 is not numpy>=1.26"),
        ("ruff", None, "constraints.txt: ruff is missing"),
    ],
)
def test_a_fault_in_constraints_txt_is_found(name, version, fault):
    pins = {key: value for key, value in bounds.pins().items() if key != name}
    if version:
        pins[name] = version
    assert disagreements(pins=pins) == [fault]


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


def test_the_libraries_are_of_exactly_the_versions_that_were_examined():
    core = set(map(str, bounds.direct()))
    lines = [str(r) for r in bounds.direct("libraries") if str(r) not in core]
    assert lines and all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in lines)


@pytest.mark.parametrize("line", ["numpy", "numpy<3", "numpy==2.0", "numpy>=1,>=2"])
def test_a_dependency_without_one_lower_bound_is_refused(line):
    with pytest.raises(ValueError, match="expected one lower bound"):
        bounds.lower_bound(Requirement(line))


def test_an_extra_has_what_the_extras_that_it_names_have():
    names = [{r.name for r in bounds.direct(*e)} for e in ((), ("course",), ("lab",))]
    assert "torch" in names[0] and not {"matplotlib", "jupyterlab"} & names[0]
    assert "matplotlib" in names[1] - names[0]
    assert "jupyterlab" in names[2] - names[1] and names[0] < names[1] < names[2]


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


@pytest.mark.parametrize(
    "text",
    [
        "pip install {}-helpers",
        "python -m pip install -q {}_helpers",
        'pip install "{}_helpers>=0.1"',
        "metadata.version('{}_helpers')",
    ],
)
def test_the_name_of_another_project_is_found(text):
    assert FOREIGN.search(text.format("pg"))
    assert not FOREIGN.search("pip install -e . && python -m pg_helpers.doctor")


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


@needs_git
def test_binder_installs_no_package_of_the_system_for_us(clone, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "environment.yml").write_text("dependencies: [python=3.12]\n")
    installed = [
        re.findall(r"apt-get -qq install((?:.*\\\n)*.*)", dockerfile(folder))
        for folder in (bare, clone)
    ]
    assert installed[0] == installed[1] != []


@needs_git
def test_binder_misses_what_is_not_there(clone):
    (clone / "postBuild").unlink()
    (clone / "start").unlink()
    text = dockerfile(clone)
    assert "RUN ./postBuild" not in text and "${REPO_DIR}/start" not in text
    (clone / "environment.yml").write_text("dependencies: [numpy\n")
    with pytest.raises(subprocess.CalledProcessError):
        dockerfile(clone)


@needs_git
@needs_bash
@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_a_script_for_binder_can_be_run(clone, name):
    assert os.access(clone / name, os.X_OK)
    subprocess.run(["bash", "-n", clone / name], check=True)


@needs_bash
def test_start_sets_one_thread_and_runs_what_it_is_given():
    code = "import os, sys; print(*[os.environ[v] for v in sys.argv[1:]]); sys.exit(3)"
    command = [ROOT / "start", sys.executable, "-c", code]
    done = subprocess.run(
        [*command, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"],
        env=os.environ | {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("1 1\n", 3)
