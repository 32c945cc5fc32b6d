"""The notebooks of the series."""

from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))


@cache
def read(path: Path) -> NotebookNode:
    """A notebook, read once for all tests: do not change it."""
    return nbformat.read(path, as_version=4)
