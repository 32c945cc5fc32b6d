"""JupyterLab on loopback, and one notebook of it in a browser page."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = REPOSITORY / "notebooks"
NORMAL = {"width": 1280, "height": 800}
PATIENCE = 120  # seconds; every wait ends once its condition holds

# anywidget 0.11 says so on a busy machine, of each widget that is not ready after two
# seconds. All is well once it is; what the widget does is seen by the tests of keys and
# names.
SLOW = "[anywidget] Failed to initialize model."

# What a reader may have set does not matter here, and nothing is asked for.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # All cells stand in the page, also those out of sight.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


@contextmanager
def serve(notebooks: Path, home: Path) -> Iterator[str]:
    """Run JupyterLab over a folder that holds `notebooks/`; yield its address.

    Args:
        notebooks: the root that the browser sees.
        home: an empty folder: no settings, no trusted notebooks, no workspaces.
    """
    overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
    # Without the variable of conftest.py: here answers are kept, in this home.
    strange = ("JUPYTER", "PG_HELPERS_PROGRESS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
    environment |= {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        # The package of this copy of the repository, installed or not.
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0"]
    command += ["--ip=127.0.0.1", "--allow-root", "--expose-app-in-browser"]
    command += [f"--ServerApp.root_dir={notebooks}"]
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output
        )
    try:
        told = _told_by(server, home / "runtime", log)
        yield f"{told['url']}lab?token={told['token']}&reset"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _told_by(server: subprocess.Popen, folder: Path, log: Path) -> dict:
    """What a server writes into its runtime folder once it listens."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads((folder / f"jpserver-{server.pid}.json").read_text())
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


class Watch:
    """What a page does that it should not, and what was being done to it then.

    Args:
        page: the page.
        levels: the console's messages that are faults.
    """

    def __init__(self, page: Page, *levels: str) -> None:
        self.page, self.levels = page, levels or ("error",)
        self.faults: list[str] = []
        self.doing = "opening"
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("crash", lambda _: self.note("the page crashed"))
        page.on("request", lambda request: self._on_request(request.url))
        page.on("websocket", lambda socket: self._on_request(socket.url))

    def note(self, fault: str) -> None:
        self.faults.append(f"while {self.doing}: {fault}")

    def _on_error(self, error: Exception) -> None:
        if SLOW not in str(error):
            self.note(f"page error: {error}")

    def _on_console(self, message) -> None:
        if message.type in self.levels:
            place = message.location.get("url", "")
            self.note(f"console {message.type}: {message.text} ({place})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        inside = parts.scheme in ("data", "blob", "file", "about")
        if not inside and parts.hostname not in ("127.0.0.1", "localhost"):
            self.note(f"request to another host: {url[:200]}")


def open_lab(page: Page, address: str) -> None:
    """Open JupyterLab with no notebook in it."""
    page.goto(address)
    page.wait_for_function("window.jupyterapp", timeout=PATIENCE * 1e3)
    page.evaluate(Path(__file__).with_name("lab.js").read_text("utf-8"))
    page.evaluate("lab.start()")


def open_in_lab(page: Page, path: str, kernel: bool) -> None:
    """Open a notebook in JupyterLab, with all its outputs in the page."""
    page.evaluate("path => lab.open(path)", [path, kernel])
    page.evaluate("lab.idle()")


def open_notebook(page: Page, address: str, path: str, kernel: bool) -> None:
    """Open JupyterLab and one notebook of the server."""
    open_lab(page, address)
    open_in_lab(page, path, kernel)


def run_all(page: Page) -> list[str]:
    """Run all cells as the menu does; return what is wrong afterwards."""
    page.evaluate("lab.runAll()")
    page.evaluate("lab.idle()")
    cells = page.evaluate("lab.outputs()")
    return [fault for cell in cells for fault in _faults_of_run(cell)]


def _faults_of_run(cell: dict) -> Iterator[str]:
    if cell["cell_type"] != "code":
        return
    if cell["source"].strip() and cell["execution_count"] is None:
        yield f"{name_of(cell)} was not run"
    views = 0
    for output in cell["outputs"]:
        allowed = "raises-exception" in cell["metadata"].get("tags", [])
        if output["output_type"] == "error" and not allowed:
            yield f"{name_of(cell)} raised {output['ename']}: {output['evalue']}"
        views += "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    if views > cell["live"]:
        yield f"{name_of(cell)}: a widget was not shown"


def name_of(cell: dict) -> str:
    """How a cell is called in a message."""
    source = cell["source"].strip().splitlines() or [""]
    return f"cell {cell['index']} ({source[0][:50]})"


def write_notebook(path: Path, cells: list[str], **tags: int) -> None:
    """Write a notebook of code cells, and give tags to some, by their numbers."""
    notebook = new_notebook(cells=[new_code_cell(cell.strip()) for cell in cells])
    for tag, number in tags.items():
        notebook.cells[number].metadata.tags = [tag.replace("_", "-")]
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)
