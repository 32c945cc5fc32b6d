"""A real JupyterLab in a real browser, once for all tests in this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import NORMAL, NOTEBOOKS, PATIENCE, Watch, open_lab, serve
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from xdist.scheduler import LoadScopeScheduling

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # which a container, or root, cannot have; only our pages are seen
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A request to another host is recorded, and goes nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # element.computedName: the accessible name that Chromium itself works out.
    "--enable-blink-features=ComputedAccessibilityInfo",
)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of notebooks/, so that a run leaves no trace in them."""
    root = tmp_path_factory.mktemp("root")
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=ignored)
    return root


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the reader."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def lab(root: Path, home: Path, context: BrowserContext) -> Iterator[Watch]:
    """A page with a JupyterLab that serves this folder to loopback."""
    with serve(root, home) as address:
        page = context.new_page()
        watch = Watch(page)
        open_lab(page, address)
        yield watch
        page.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    found = [os.environ.get("PG_CHROMIUM"), *map(shutil.which, BROWSERS)]
    program = next(filter(None, found), None)
    if program is None:
        pytest.fail(
            "No browser for these tests. Install Chromium (on Debian and Ubuntu: "
            "apt-get install chromium), or name one: PG_CHROMIUM=/path/to/chromium",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(FLAGS), timeout=PATIENCE * 1e3
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Where pages are opened."""
    context = browser.new_context(viewport=NORMAL)
    context.set_default_timeout(PATIENCE * 1e3)
    yield context
    context.close()


class ByNotebook(LoadScopeScheduling):
    """Tests of one notebook in one process, after one run of its cells.

    The same for the tests of each other file, some of which go by what others did.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return test.partition("[")[2] if "test_notebooks" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByNotebook:
    """Mark `xdist_group` would do, but has no effect with pytest 9.2."""
    return ByNotebook(config, log)
