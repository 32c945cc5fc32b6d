"""What the code that readers run can do at all, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
# What leads out of the process, or runs what a file says.
MODULES = {
    *("socket", "socketserver", "ssl", "http", "urllib", "ftplib", "smtplib", "xmlrpc"),
    *("requests", "httpx", "aiohttp", "urllib3", "websocket", "websockets", "zmq"),
    *("subprocess", "multiprocessing", "pty", "pexpect", "webbrowser"),
    *("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"),
}
CALLS = {
    *("system", "popen", "fork", "forkpty", "posix_spawn", "startfile"),
    *(f"{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "v", "ve", "vp")),
    *("eval", "exec", "__import__"),
}
# What IPython's shell has for magics and for the system's shell.
SHELL = {"system", "getoutput", "run_cell_magic", "run_line_magic", "magic"}
# A flag without which a file may bring code of its own.
FLAGS = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def faults(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # From torch, `load` and `hub` would come without their prefix.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [node.module or ""]
        else:
            names = []
        for name in names:
            root, _, last = name.partition(".")
            if root in MODULES or name in FLAGS or root == "os" and last in CALLS:
                yield f"imports {name}"
        if isinstance(node, ast.Call):
            yield from faults_of_call(node)


def faults_of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    root, _, last = name.rpartition(".")
    known = CALLS if root in ("", "os") else SHELL
    if last in known or root.startswith("torch.hub"):
        yield f"calls {name}"
    flag, wanted = FLAGS.get(name.replace("numpy.", "np."), ("", None))
    given = {k.arg: k.value for k in call.keywords}.get(flag)
    if flag == "weights_only" or given is not None:
        if not isinstance(given, ast.Constant) or given.value is not wanted:
            yield f"calls {name} without {flag}={wanted}"


def code_that_readers_run() -> dict[str, str]:
    """Source of each file; of a notebook, its code cells."""
    folders = [ROOT / "pg_helpers", ROOT / "pg_course"]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    files.append(ROOT / "pg_clinic_pytest.py")
    found = {str(f.relative_to(ROOT)): f.read_text(encoding="utf-8") for f in files}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        # What tests/notebooks/test_set_up.py runs: it calls pip, and only in Colab.
        of_code = [cell for cell in cells if cell.cell_type == "code"]
        code = [c.source for c in of_code if "set-up" not in c.metadata.get("tags", [])]
        found[f"notebooks/{path.name}"] = "\n\n".join(code)
    return found


SOURCES = code_that_readers_run()


# From a terminal the doctor asks another process of this Python what it finds.
ALLOWED = {"pg_course/installed.py": ["imports subprocess"]}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_code_leaves_network_programs_and_pickles_alone(name):
    assert list(faults(SOURCES[name])) == ALLOWED.get(name, [])


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "def f():\n    from os import system",
        "import os\nos.system('ls')",
        "get_ipython().system('ls')",
        "eval('1 + 1')",
        "import torch\ntorch.load('file')",
        "torch.load('file', weights_only=False)",
        "from torch import load",
        "torch.hub.load('a/b', 'c')",
        "np.load('file', allow_pickle=True)",
        "from pickle import loads",
    ],
)
def test_what_leads_out_is_found(source):
    assert len(set(faults(source))) >= 1
