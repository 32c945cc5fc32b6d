"""What the doctor finds: each fault is made, and must be named in words."""

import os
import subprocess
import sys
from pathlib import Path

import jupyter_client.kernelspec
import jupyter_core.paths
import psutil
import pytest
import torch
from jupyter_client.manager import run_kernel

from pg_course import doctor, installed

ROOT = Path(__file__).resolve().parents[2]
NOT_SERIOUS = doctor.Finding("It is slow.", "wait", serious=False)
SERIOUS = doctor.Finding("It is broken.", "fix it")
needs_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="needs a folder that nobody can write to"
)


def words(check) -> str:
    return " ".join(f"{found.problem} {found.remedy}" for found in check())


def describe(folder: Path, name: str, *lines: str, version: str = "1.0") -> None:
    """Write what an installer leaves of a package: its description."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    text = "\n".join([f"Name: {name}", f"Version: {version}", *lines])
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\n{text}\n")


def run(
    *command: str, folder: Path, path: tuple[Path, ...] = (), python=sys.executable
):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(p) for p in (*path, ROOT))
    }
    return subprocess.run(
        [python, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_where_nothing_is_wrong_it_says_so(tmp_path):
    done = run("-m", "pg_helpers.doctor", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Your set-up works: nothing wrong was found.\n" in done.stdout
    assert f"torch {torch.__version__}" in done.stdout
    assert done.stderr == ""


def test_a_hint_alone_is_no_fault():
    assert doctor.report([]) == "Your set-up works: nothing wrong was found."
    text = doctor.report([NOT_SERIOUS])
    assert text.startswith("Your set-up works") and "Hint: It is slow." in text
    text = doctor.report([SERIOUS, NOT_SERIOUS])
    assert text.startswith(
        "Something is wrong with your set-up.\n\nWrong: It is broken"
    )
    assert "To fix it: fix it" in text


@pytest.mark.parametrize(("finding", "status"), [(NOT_SERIOUS, 0), (SERIOUS, 1)])
def test_the_status_tells_whether_anything_is_wrong(
    monkeypatch, capsys, finding, status
):
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([finding]),))
    assert doctor.main() == status
    assert finding.problem in capsys.readouterr().out


def test_a_check_that_stumbles_does_not_silence_the_others(monkeypatch):
    def kernel():
        raise FileNotFoundError("/proc/.ipython")

    monkeypatch.setattr(doctor, "CHECKS", (kernel, lambda: iter([NOT_SERIOUS])))
    first, second = doctor.examine()
    assert first.serious and second == NOT_SERIOUS
    assert first.problem == (
        "This could not be looked at: kernel: FileNotFoundError: /proc/.ipython"
    )


def test_a_python_that_is_too_old(tmp_path, monkeypatch):
    describe(tmp_path, "policy_gradients_by_experiment", "Requires-Python: >=3.99")
    monkeypatch.syspath_prepend(tmp_path)
    assert "the series needs >=3.99. install a newer Python" in words(doctor.python)


def test_packages_that_are_missing_old_or_broken(tmp_path, monkeypatch):
    needs = [f"Requires-Dist: {n}" for n in ("gone>=2", "old>=2", "bad>=1", "numpy>=1")]
    needs.append('Requires-Dist: lost>=1; extra == "course"')
    needs.append('Requires-Dist: optional>=1; extra == "test"')
    describe(tmp_path, "policy_gradients_by_experiment", *needs)
    describe(tmp_path, "old", version="1.9")
    describe(tmp_path, "bad")
    describe(tmp_path, "lost")
    (tmp_path / "bad.py").write_text("raise OSError('libbad.so is gone')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(installed, "WITH_LIBRARIES", {"bad"})
    found = list(doctor.packages())
    assert [finding.problem for finding in found] == [
        "gone is not installed.",
        "old is of version 1.9; the series needs >=2.",
        "bad 1.0 is installed, but cannot be imported: OSError: libbad.so is gone",
        "lost 1.0 is installed, but cannot be imported: there is no lost",
    ]
    assert f'{sys.executable} -m pip install "gone>=2"; or' in found[0].remedy
    assert '--force-reinstall "bad==1.0"' in found[2].remedy


def test_a_broken_torch_is_told_by_the_command_without_a_traceback(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch.so: cannot open')")
    done = run("-m", "pg_helpers.doctor", folder=tmp_path, path=(tmp_path,))
    assert done.returncode == 1
    assert "cannot be imported: ImportError: libtorch.so: cannot open" in done.stdout
    assert "on Linux see the README for the CPU build" in done.stdout
    assert done.stderr == ""


def test_an_import_of_the_package_names_the_command(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch.so: cannot open')")
    done = run("-c", "import pg_helpers", folder=tmp_path, path=(tmp_path,))
    assert done.returncode == 1
    _, _, told = done.stderr.rpartition("ImportError: libtorch.so: cannot open\n\n")
    assert told.startswith("What is wrong with this installation, and how to fix it")
    assert told.endswith(f"{sys.executable} -m pg_helpers.doctor\n")


def test_a_fault_of_the_package_itself_is_not_hidden(tmp_path):
    code = "import sys; sys.modules['pg_helpers.losses'] = None; import pg_helpers"
    done = run("-c", code, folder=tmp_path)
    assert "pg_helpers.losses" in done.stderr.splitlines()[-1]
    assert "this installation" not in done.stderr


def test_a_python_with_nothing_installed(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-m", "pg_helpers.doctor"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "packaging is not installed; perhaps nothing is." in done.stdout
    assert f"pg_helpers is not installed for this Python, {python}" in done.stdout
    assert "pip install --no-deps -e ." in done.stdout
    assert "make clean lab" in done.stdout
    assert done.stderr == ""


def test_a_folder_whose_package_is_not_the_one_that_notebooks_import(
    tmp_path, monkeypatch
):
    (tmp_path / "pg_helpers").mkdir()
    (tmp_path / "pg_helpers" / "doctor.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(ROOT / "tests")
    assert words(doctor.checkout) == ""
    monkeypatch.chdir(tmp_path / "notebooks")
    text = words(doctor.checkout)
    assert f"The notebooks import {ROOT / 'pg_helpers'}, not {tmp_path}" in text
    assert f"in {tmp_path}: {sys.executable} -m pip install --no-deps -e ." in text


def kernelspec(folder: Path, command: Path | str, monkeypatch) -> None:
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    text = f'{{"argv": ["{command}", "-m", "ipykernel_launcher"], "display_name": "P"}}'
    (place / "kernel.json").write_text(text)
    monkeypatch.setenv("JUPYTER_PATH", str(folder))


def test_a_kernel_of_another_python(tmp_path, monkeypatch):
    other = tmp_path / "bin" / "python3"
    other.parent.mkdir()
    other.touch()
    kernelspec(tmp_path, other, monkeypatch)
    text = words(doctor.kernel)
    assert f"The kernel python3 starts {other}, but pg_helpers is installed" in text
    assert f"{sys.executable} -m ipykernel install --sys-prefix" in text


def test_a_kernel_whose_python_is_gone(tmp_path, monkeypatch):
    kernelspec(tmp_path, tmp_path / "bin" / "python3", monkeypatch)
    assert f"starts {tmp_path}/bin/python3, which is gone" in words(doctor.kernel)


@pytest.mark.parametrize("command", [sys.executable, "python"])
def test_a_kernel_of_this_python(tmp_path, monkeypatch, command):
    kernelspec(tmp_path, command, monkeypatch)
    assert words(doctor.kernel) == ""


def test_no_kernel_at_all(monkeypatch):
    monkeypatch.setattr(jupyter_client.kernelspec, "jupyter_path", lambda *_: [])
    monkeypatch.setitem(sys.modules, "ipykernel.kernelspec", None)
    assert "There is no kernel for notebooks" in words(doctor.kernel)


def test_a_widget_manager_of_another_version(tmp_path, monkeypatch):
    describe(tmp_path, "ipywidgets", "Requires-Dist: jupyterlab_widgets~=99.0")
    monkeypatch.syspath_prepend(tmp_path)
    text = words(doctor.widgets)
    assert "but ipywidgets 1.0 needs ~=99.0: demos stay still pictures" in text
    assert 'pip install "jupyterlab-widgets~=99.0"' in text


def test_no_widget_manager(tmp_path, monkeypatch):
    def version_of(name):
        return None if name == "jupyterlab-widgets" else installed.version_of(name)

    monkeypatch.setattr(doctor, "version_of", version_of)
    assert "jupyterlab-widgets is not installed: demos stay" in words(doctor.widgets)


def test_a_widget_manager_that_jupyterlab_does_not_find(tmp_path, monkeypatch):
    assert words(doctor.widgets) == ""
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *_: [str(tmp_path)])
    text = words(doctor.widgets)
    assert "JupyterLab does not find the extension of jupyterlab-widgets" in text
    assert "--force-reinstall" in text and "restart JupyterLab" in text
    manager = tmp_path / "@jupyter-widgets" / "jupyterlab-manager"
    manager.mkdir(parents=True)
    (manager / "package.json").touch()
    assert "does not find the extension of anywidget" in words(doctor.widgets)


@pytest.mark.parametrize(("backend", "wrong"), [(None, False), ("agg", True)])
def test_figures_that_do_not_come_into_the_notebook(backend, wrong):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("MPLBACKEND", None)
    if backend:
        environment["MPLBACKEND"] = backend
    printed = []
    code = "from pg_course import doctor; print([f.problem for f in doctor.figures()])"
    with run_kernel(kernel_name="python3", env=environment) as client:
        client.execute_interactive(
            code, timeout=120, output_hook=lambda m: printed.append(m["content"])
        )
    text = "".join(content.get("text", "") for content in printed)
    assert ("'agg', which shows no figure in a notebook" in text) == wrong
    assert wrong or text == "[]\n"


def test_outside_a_notebook_figures_are_no_question():
    assert words(doctor.figures) == ""


@needs_proc
def test_a_folder_that_cannot_be_written_to(monkeypatch):
    monkeypatch.chdir("/proc")
    text = words(doctor.folders)
    assert text.startswith("In /proc nothing can be written (")
    assert "notebooks run, but are not saved. copy the project's folder into" in text


@needs_proc
def test_answers_that_cannot_be_kept(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PG_HELPERS_PROGRESS", "/proc/new/progress.json")
    text = words(doctor.folders)
    assert text.startswith("Your answers cannot be kept in /proc/new/progress.json (")
    assert "set PG_HELPERS_PROGRESS to a file" in text


def test_a_damaged_file_of_answers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "new" / "progress.json"
    monkeypatch.setenv("PG_HELPERS_PROGRESS", str(file))
    assert words(doctor.folders) == ""
    file.parent.mkdir()
    file.write_text("{")
    assert f"{file} is damaged" in words(doctor.folders)
    assert f"move {file} away" in words(doctor.folders)


def test_too_little_memory(monkeypatch):
    class Memory:
        available = 99 * 2**20
        rss = 100 * 2**20

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    monkeypatch.setattr(psutil.Process, "memory_info", lambda self: Memory())
    text = words(doctor.memory)
    assert "There are 199 MiB of memory; a notebook takes up to 450." in text
    assert "shut other kernels down" in text


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_with_too_little_memory(name, tmp_path, monkeypatch):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{300 * 2**20}\n")
    monkeypatch.setattr(doctor, "memories", lambda: installed.memories(tmp_path))
    assert "This machine may use only 300 MiB of memory" in words(doctor.memory)
    file.write_text("max\n")
    assert "may use only" not in words(doctor.memory)


def test_more_than_one_thread_is_a_hint():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        (found,) = doctor.threads()
        assert not found.serious
        assert "PyTorch uses 2 threads." in found.problem
        assert "set OMP_NUM_THREADS=1 before JupyterLab starts" in found.remedy
        torch.set_num_threads(1)
        assert words(doctor.threads) == ""
    finally:
        torch.set_num_threads(before)
