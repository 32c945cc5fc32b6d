"""The guard of the tests: what it must refuse is refused, in kernels too."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import guard

ROOT = Path(__file__).resolve().parents[1]

# Addresses of the nets for documentation, and names that never exist: had the guard a
# hole, still nobody would be called.
CALLS = {
    "connect": "socket.create_connection(('192.0.2.1', 80), 1)",
    "look a name up": "socket.getaddrinfo('nobody.invalid', 80)",
    "send a datagram": "socket.socket(type=2).sendto(b'', ('192.0.2.1', 9))",
    "listen to all": "socket.socket().bind(('0.0.0.0', 0))",
    "load a page": "urllib.request.urlopen('http://192.0.2.1/')",
}
IMPORTS = "import os, pickle, socket, subprocess, urllib.request, warnings\n"
LOOPBACK = """
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
    socket.getaddrinfo("localhost", 80)
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))
for end in socket.socketpair():
    end.close()
"""
WARNED = "warnings.warn('old', {}, stacklevel=1)"
ELSEWHERE = (
    "exec('import warnings; warnings.warn(\"old\", DeprecationWarning)',"
    " {'__name__': 'a_library'})"
)

GREEN = [
    IMPORTS + "assert 'left_by_the_user' not in globals()",
    "assert not any(name.endswith('guard') for name in globals())",
    LOOPBACK,
    ELSEWHERE,
    "pickle.loads(pickle.dumps([1.5, 'text']))",
]
RED = [
    *CALLS.values(),
    f"try:\n    {CALLS['connect']}\nexcept Exception:\n    pass",
    "!true",
    "subprocess.run(['true'])",
    "import fractions\npickle.loads(pickle.dumps(fractions.Fraction(1, 3)))",
    WARNED.format("DeprecationWarning"),
    "exec(\"warnings.warn('old', FutureWarning)\","
    " {'__name__': 'pg_helpers.mdp', 'warnings': warnings})",
]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_this_process_reaches_no_network(call):
    with pytest.raises(OSError, match="the tests forbid this: socket"):
        exec(IMPORTS + call, {})
    (line,) = guard.refused()
    assert line.startswith("socket.") and __file__ in line


def test_this_machine_may_be_reached():
    exec(IMPORTS + LOOPBACK, {})
    assert guard.refused() == []


def test_a_notebook_goes_red_where_it_must_and_only_there(tmp_path):
    notebook = new_notebook(cells=[new_code_cell(source) for source in GREEN + RED])
    nbformat.write(notebook, tmp_path / "tried.ipynb")
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("left_by_the_user = True")
    options = ["-p", "conftest", "-c", "pyproject.toml", f"--junitxml={tmp_path}/found"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "tried.ipynb")],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    cases = list(ElementTree.parse(tmp_path / "found").iter("testcase"))
    red = {case.get("name") for case in cases if len(case)}
    assert {case.get("name") for case in cases} - red == {
        f"Cell {number}" for number in range(len(GREEN))
    }
    assert len(red) == len(RED)
