"""The folded first code cell: help in a wrong kernel, and the installation in Colab."""

import subprocess
import sys
from importlib import util
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from series import NOTEBOOKS, read

from tools import bounds

EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def first_code(path):
    return next(cell for cell in read(path).cells if cell.cell_type == "code")


@EACH
def test_a_python_without_the_packages_is_told_what_to_do(path, tmp_path):
    code = [sys.executable, "-I", "-S", "-c", first_code(path).source]
    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True)
    told = done.stderr.splitlines()[-1]
    assert "Kernel > Change Kernel" in told and told.endswith("make lab")
    assert first_code(path).metadata.jupyter.source_hidden


@pytest.mark.parametrize("installed", [False, True])
def test_in_colab_it_installs_the_course_and_turns_widgets_on(installed, monkeypatch):
    called = []
    output = ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: called.append("widgets")
    colab = ModuleType("google.colab")
    colab.output = output
    for module in (ModuleType("google"), colab, output):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(util, "find_spec", lambda _: "there" if installed else None)

    class Shell:
        def run_line_magic(self, name, line):
            called.append((name, *line.split()))

    exec(first_code(NOTEBOOKS[0]).source, {"get_ipython": Shell})
    assert called.pop() == "widgets"
    if not installed:
        ((*command, wanted),) = called
        assert command == ["pip", "install", "-q"]
        requirement = Requirement(wanted)
        address = bounds.project()["urls"]["Repository"].partition("/tree/")[0]
        assert requirement.url == f"git+{address}"
        assert (requirement.name, requirement.extras) == (
            bounds.project()["name"],
            {"course"},
        )
