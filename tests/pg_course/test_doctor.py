"""What the doctor finds: each fault is made, and must be named in words."""

import os
import platform
import runpy
import subprocess
import sys
from pathlib import Path

import jupyter_core.paths
import matplotlib
import pytest
import torch

from pg_course import doctor, installed

ROOT = Path(__file__).resolve().parents[2]
HINT = doctor.Finding("It is slow.", "wait", serious=False)
SERIOUS = doctor.Finding("It is broken.", "fix it")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    """The process is a terminal's, even if another test has imported the kernel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of packages, in front of the others."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def words(check):
    return " ".join(f"{found.problem} {found.remedy}" for found in check())


def run(*command, path=""):
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )


def describe(folder, name, *lines):
    """Write what an installer leaves of a package of version 1.0: its description."""
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir()
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *lines])
    (place / "METADATA").write_text(f"{text}\n")


def test_where_nothing_is_wrong_it_says_so(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "pg_course.doctor")
    # pytest rewrites what comes with a plugin of its own, which runpy cannot run.
    found = [f for f in sys.meta_path if "Rewriting" not in type(f).__name__]
    monkeypatch.setattr(sys, "meta_path", found)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("pg_helpers.doctor", run_name="__main__")
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert "Your set-up works: nothing wrong was found.\n" in told
    assert f"torch {torch.__version__}" in told


@pytest.mark.parametrize("finding, status", [(HINT, 0), (SERIOUS, 1)])
def test_a_hint_alone_is_no_fault(monkeypatch, capsys, finding, status):
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([finding]),))
    assert doctor.main() == status
    told = capsys.readouterr().out
    assert ("Your set-up works" in told) == (finding is HINT)
    assert finding.problem in told
    assert finding.remedy in told


def test_a_check_that_stumbles_does_not_silence_the_others(monkeypatch):
    def kernel():
        raise FileNotFoundError("/.ipython")

    monkeypatch.setattr(doctor, "CHECKS", (kernel, lambda: iter([HINT])))
    first, second = doctor.examine()
    assert first.serious
    assert first.problem.endswith("looked at: kernel: FileNotFoundError: /.ipython")
    assert second == HINT


def test_a_python_that_is_too_old(site):
    describe(site, "policy_gradients_by_experiment", "Requires-Python: >=3.99")
    assert "the series needs >=3.99. install a newer Python" in words(doctor.python)


def test_packages_that_are_missing_old_or_broken(site, monkeypatch):
    needs = ["gone>=2", "old>=2", "bad>=1", "numpy>=1", 'lost>=1; extra == "course"']
    needs += ["torch>=99", 'optional>=1; extra == "test"']
    lines = [f"Requires-Dist: {need}" for need in needs]
    describe(site, "policy_gradients_by_experiment", *lines)
    for name in ("old", "bad", "lost"):
        describe(site, name)
    (site / "bad.py").write_text("raise OSError('libbad.so is gone')")
    monkeypatch.setattr(installed, "WITH_LIBRARIES", {"bad"})
    found = list(doctor.packages())
    assert [finding.problem for finding in found] == [
        "gone is not installed.",
        "old is of version 1.0; the series needs >=2.",
        "bad 1.0 is installed, but cannot be imported: OSError: libbad.so is gone",
        "lost 1.0 is installed, but cannot be imported: there is no lost",
        f"torch is of version {torch.__version__}; the series needs >=99.",
    ]
    assert f'{sys.executable} -m pip install "gone>=2"; or' in found[0].remedy
    assert '--force-reinstall "bad==1.0"' in found[2].remedy
    assert "on Linux see the README for the CPU build" in found[4].remedy


def test_a_mac_on_intel_is_told_what_works(site, monkeypatch):
    lines = [f"Requires-Dist: {need}>=99" for need in ("torch", "numpy")]
    describe(site, "policy_gradients_by_experiment", *lines, "Requires-Python: >=3.99")
    assert words(doctor.packages).count("make clean lab") == 2
    assert "make clean lab" in words(doctor.python)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert words(doctor.packages).count("conda-forge") == 1
    assert 'pip install "numpy>=99"' in words(doctor.packages)
    assert "conda-forge" in words(doctor.python)
    assert "make clean lab" not in words(doctor.packages) + words(doctor.python)


def test_an_import_of_the_package_names_the_command(tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libtorch.so: cannot open')")
    done = run(sys.executable, "-c", "import pg_helpers", path=str(tmp_path))
    assert done.returncode == 1
    _, _, told = done.stderr.rpartition("ImportError: libtorch.so: cannot open\n\n")
    assert told.startswith("What is wrong with this installation, and how to fix it")
    assert told.endswith(f"{sys.executable} -m pg_helpers.doctor\n")


def test_a_python_with_nothing_installed(tmp_path):
    """The command itself, which starts although pg_helpers cannot be imported."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = run(python, "-m", "pg_helpers.doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "packaging is not installed; perhaps nothing is." in done.stdout
    assert f"pg_helpers is not installed for this Python, {python}" in done.stdout
    assert "pip install --no-deps -e ." in done.stdout
    assert "make clean lab" in done.stdout


def test_a_folder_whose_package_is_not_the_one_that_notebooks_import(
    tmp_path, monkeypatch
):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pg_helpers").mkdir()
    (tmp_path / "pg_helpers" / "doctor.py").touch()
    monkeypatch.chdir(ROOT / "notebooks")
    assert words(doctor.checkout) == ""
    monkeypatch.chdir(tmp_path / "notebooks")
    told = f"The notebooks import {ROOT / 'pg_helpers'}, not {tmp_path}"
    assert words(doctor.checkout).startswith(told)


@pytest.mark.parametrize(
    "command, found",
    [
        (sys.executable, ""),
        ("{}/other/python3", "starts {}/other/python3, but pg_helpers is installed"),
        ("{}/gone/python3", "starts {}/gone/python3, which is gone."),
    ],
)
def test_a_kernel_of_another_python(tmp_path, monkeypatch, command, found):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "python3").touch()
    place = tmp_path / "kernels" / "python3"
    place.mkdir(parents=True)
    text = f'{{"argv": ["{command.format(tmp_path)}"], "display_name": "Python"}}'
    (place / "kernel.json").write_text(text)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    told = words(doctor.kernel)
    assert found.format(tmp_path) in told
    remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
    assert (remedy in told) == bool(told) == bool(found)


def test_a_widget_manager_that_is_missing_or_of_another_version(site, monkeypatch):
    describe(site, "ipywidgets", "Requires-Dist: jupyterlab_widgets~=99.0")
    told = words(doctor.widgets)
    assert "but ipywidgets 1.0 needs ~=99.0: demos stay still pictures" in told
    versions = {"ipywidgets": "1.0"}
    monkeypatch.setattr(doctor, "version_of", versions.get)
    assert "jupyterlab-widgets is not installed: demos stay" in words(doctor.widgets)


def test_a_widget_manager_that_jupyterlab_does_not_find(tmp_path, monkeypatch):
    assert words(doctor.widgets) == ""
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *_: [str(tmp_path)])
    assert "not find the extension of jupyterlab-widgets" in words(doctor.widgets)


@pytest.mark.parametrize("backend, wrong", [("agg", True), ("inline", False)])
def test_figures_that_do_not_come_into_the_notebook(monkeypatch, backend, wrong):
    monkeypatch.setattr(matplotlib, "get_backend", lambda: backend)
    assert words(doctor.figures) == ""  # outside a notebook
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", sys)
    assert ("shows no figure in a notebook" in words(doctor.figures)) == wrong


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a read-only folder")
def test_folders_that_cannot_be_written_to_and_a_damaged_file(monkeypatch, tmp_path):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("PG_HELPERS_PROGRESS", str(file))
    assert words(doctor.folders) == ""
    file.write_text("{")
    assert f"{file} is damaged" in words(doctor.folders)
    monkeypatch.setenv("PG_HELPERS_PROGRESS", "/proc/new/progress.json")
    assert "cannot be kept in /proc/new/progress.json (" in words(doctor.folders)
    monkeypatch.chdir("/proc")
    assert "In /proc nothing can be written (" in words(doctor.folders)


def test_a_container_with_too_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "memories", lambda: installed.memories(tmp_path))
    (tmp_path / "memory.max").write_text("max\n")
    assert words(doctor.memory) == ""
    (tmp_path / "memory.max").write_text(f"{200 * 2**20}\n")
    assert "may use only 200 MiB of memory" in words(doctor.memory)
