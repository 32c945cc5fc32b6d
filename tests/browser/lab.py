"""JupyterLab on loopback, and one notebook of it in a browser page."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, TimeoutError

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = REPOSITORY / "notebooks"
NORMAL = {"width": 1280, "height": 800}
CELL_TIMEOUT = 120  # seconds, as for nbval in pyproject.toml

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

OPEN = """async ([path, start]) => {
  const opened = await window.jupyterapp.commands.execute('docmanager:open', {
    path, factory: 'Notebook', options: {mode: 'tab-after'},
    kernelPreference: {shouldStart: start, shouldReuse: false},
  });
  await opened.revealed;
  window.notebook = opened;
}"""

RUN = """() => {
  window.ran = false;
  window.jupyterapp.commands.execute('notebook:run-all-cells')
    .finally(() => { window.ran = true; });
}"""

# What the last cell did may come after the reply that it is done.
SETTLED = """() => {
  const cells = window.notebook.content.model.toJSON().cells
    .filter(cell => cell.cell_type === 'code');
  const raised = cell => cell.outputs.some(o => o.output_type === 'error');
  return cells.some(raised) || cells.every(
    cell => cell.execution_count !== null || !String(cell.source).trim());
}"""

# Each output area of a picture or a demo, with the pictures that stand in it.
OUTPUTS = """() => {
  const cells = window.notebook.content.model.toJSON().cells;
  return window.notebook.content.widgets.map((cell, index) => ({
    index,
    ...cells[index],
    trusted: cell.model.trusted,
    live: cell.node.querySelectorAll('.jp-OutputArea .jupyter-widgets').length,
    loading: cell.node.innerText.includes('Loading widget'),
    images: [...cell.node.querySelectorAll('.jp-OutputArea img')].map(
      image => ({alt: image.alt, width: image.naturalWidth, done: image.complete})),
  }));
}"""


@contextmanager
def serve(notebooks: Path, home: Path) -> Iterator[str]:
    """Run JupyterLab over a folder that holds `notebooks/`; yield its address.

    Args:
        notebooks: the root that the browser sees.
        home: an empty folder: no settings, no trusted notebooks, no workspaces.
    """
    config = home / "config"
    overrides = config / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
    token = secrets.token_hex(16)
    # Without the variable of conftest.py: here answers are kept, in this home.
    strange = ("JUPYTER", "PG_HELPERS_PROGRESS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
    environment |= {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_TOKEN": token,
        # The package of this copy of the repository, installed or not.
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"]
    command += ["--ip=127.0.0.1", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={notebooks}", "--expose-app-in-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    address = f"http://127.0.0.1:{port}"
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_for(server, f"{address}/api?token={token}", log)
            yield f"{address}/lab?token={token}&reset"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"JupyterLab did not start:\n{log.read_text()}"
                ) from None
            time.sleep(0.1)


class Watch:
    """What a page does that it should not, and what was being done to it then."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        self.doing = "opening"
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        page.on("crash", lambda _: self._note("the page crashed"))
        page.on("request", lambda request: self._on_request(request.url))
        page.on("websocket", lambda socket: self._on_request(socket.url))

    def _note(self, fault: str) -> None:
        self.faults.append(f"while {self.doing}: {fault}")

    def _on_console(self, message) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            self._note(f"console error: {message.text} ({place})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        inside = parts.scheme in ("data", "blob", "file", "about")
        if not inside and parts.hostname not in ("127.0.0.1", "localhost"):
            self._note(f"request to another host: {url[:200]}")


def open_notebook(page: Page, address: str, path: str, kernel: bool) -> None:
    """Open a notebook of the server, with all its outputs in the page."""
    page.goto(address)
    page.wait_for_function(
        "window.jupyterapp && window.jupyterapp.restored", timeout=60e3
    )
    page.evaluate("window.jupyterapp.restored")
    # A reader closes it too, where there is little room.
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.evaluate(OPEN, [path, kernel])
    page.evaluate("window.notebook.context.ready")
    if kernel:
        page.evaluate("window.notebook.sessionContext.ready")
        wait_until_idle(page)


def wait_until_idle(page: Page, timeout: float = 60) -> None:
    """Wait for a kernel that has nothing left to do."""
    page.wait_for_function(
        "window.notebook.sessionContext.session?.kernel?.status === 'idle'",
        timeout=timeout * 1e3,
    )


def run_all(page: Page) -> list[str]:
    """Run all cells as the menu does; return what is wrong afterwards."""
    page.evaluate(RUN)
    try:
        cells = page.evaluate("window.notebook.content.model.cells.length")
        page.wait_for_function("window.ran", timeout=CELL_TIMEOUT * cells * 1e3)
        wait_until_idle(page)
    except TimeoutError:
        return ["the kernel did not finish"]
    with suppress(TimeoutError):  # then the faults below say what is missing
        page.wait_for_function(SETTLED, timeout=10_000)
    return [fault for cell in outputs(page) for fault in _faults_of_run(cell)]


def outputs(page: Page) -> list[dict]:
    """The cells, each with the pictures in its output, once all are loaded."""
    deadline = time.monotonic() + 15
    while True:
        cells = page.evaluate(OUTPUTS)
        loading = any(
            cell["loading"] or not all(image["done"] for image in cell["images"])
            for cell in cells
        )
        if not loading or time.monotonic() > deadline:
            return cells
        page.wait_for_timeout(50)


def name_of(cell: dict) -> str:
    """How a cell is called in a message."""
    source = "".join(cell["source"]).strip().splitlines() or [""]
    return f"cell {cell['index']} ({source[0][:50]})"


def _faults_of_run(cell: dict) -> Iterator[str]:
    if cell["cell_type"] != "code":
        return
    tags = cell["metadata"].get("tags", [])
    if "".join(cell["source"]).strip() and cell["execution_count"] is None:
        yield f"{name_of(cell)} was not run"
    views = 0
    for output in cell["outputs"]:
        if output["output_type"] == "error" and "raises-exception" not in tags:
            yield f"{name_of(cell)} raised {output['ename']}: {output['evalue']}"
        views += "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    if views > cell["live"]:
        yield f"{name_of(cell)}: a widget was not shown"
