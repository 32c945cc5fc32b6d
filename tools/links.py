"""Write links to Binder and Colab and the address for pip, from that in pyproject.toml.

The line `Repository` of `[project.urls]` is the one place that knows owner, repository
and branch: who publishes a fork changes it and runs `make links`.
"""

import base64
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
BADGE = ROOT / "docs" / "binder.svg"  # ours: the usual one lies on another host
HOST = "https://mybinder.org/v2/gh"
# A link to Binder in Markdown, be it a text or a badge, and the picture of the badge.
LINK = re.compile(
    r"\[(?:!\[[^\]]*\](?:\[badge\]|\([^)]*\))|[^\[\]]*)\]\("
    + re.escape(HOST)
    + r"[^)]*\)"
    r"|\n*^\[badge\]: \S+$",
    re.MULTILINE,
)
ADDRESS = re.compile(re.escape(HOST) + r"/[^)\s?`\"\\>]*")
# Where Colab finds the notebooks.
COLAB = re.compile(r"(https://colab\.research\.google\.com)/github/[^)\s]*/notebooks/")
# What a JupyterHub's link says of the repository, for nbgitpuller.
PULL = re.compile(
    r"repo=https%3A%2F%2Fgithub\.com%2F[\w.%-]+?&branch=[\w.%-]+"
    r"&urlpath=lab%2Ftree%2F[\w.-]+?%2Fnotebooks"
)
# Where pip finds the package.
CLONE = re.compile(r"git\+https://github\.com/[\w.-]+/[\w.-]*\w")
CONTENTS = "](../README.md#the-series)"
# The first code cell of each notebook, folded: help for a kernel that has no package,
# and the installation in Colab, where nobody else does it.
SET_UP = """\
# @title Set-up
import importlib.util
import sys

missing = importlib.util.find_spec("pg_course") is None
colab = "google.colab" in sys.modules
if missing and not colab:
    raise ImportError(
        "This kernel does not find pg_helpers. Choose Kernel > Change Kernel > "
        "Python 3 (ipykernel), in VS Code .venv. If that does not help, close "
        "JupyterLab; in a terminal, in the project's folder: make lab"
    )
if missing:
    get_ipython().run_line_magic(
        "pip",
        "install -q policy-gradients-by-experiment[course]@"
        "{clone}",
    )
if colab:
    from google.colab import output

    output.enable_custom_widget_manager()"""

SET_UP_METADATA = {
    "cellView": "form",  # folded in Colab
    "jupyter": {"source_hidden": True},  # and in JupyterLab
    "slideshow": {"slide_type": "skip"},
    "tags": ["set-up"],
}


@dataclass(frozen=True)
class Home:
    """Where the series is published."""

    owner: str
    repository: str
    branch: str

    @property
    def address(self) -> str:
        return f"https://github.com/{self.owner}/{self.repository}"

    @property
    def binder(self) -> str:
        """The address at which Binder builds it."""
        return f"{HOST}/{self.owner}/{self.repository}/{quote(self.branch, safe='')}"

    @property
    def clone(self) -> str:
        """The address from which pip installs it."""
        return f"git+{self.address}"

    @property
    def pull(self) -> str:
        """What nbgitpuller is told."""
        return (
            f"repo={quote(self.address, safe='')}&branch={quote(self.branch, safe='')}"
            f"&urlpath=lab%2Ftree%2F{self.repository}%2Fnotebooks"
        )

    def opens(self, notebook: str) -> str:
        """The address that opens the reader's copy of a notebook in JupyterLab."""
        return f"{self.binder}?urlpath=lab/tree/my_notebooks/{notebook}"


def main() -> int:
    home = home_of((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    changed = 0
    for path in places():
        before = path.read_text(encoding="utf-8")
        after = rewritten(path, before, home)
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)}: written")
            changed += 1
    if not changed:
        print("nothing to change")
    return 0


def home_of(pyproject: str) -> Home:
    """Owner, repository and branch, from the text of pyproject.toml.

    Raises:
        ValueError: the address has another form.
    """
    address = tomllib.loads(pyproject)["project"]["urls"]["Repository"]
    form = r"https://github\.com/([\w.-]+)/([\w.-]+)/tree/([\w./-]+)"
    match = re.fullmatch(form, address)
    if match is None:
        raise ValueError(
            "[project.urls] Repository: expected "
            f"https://github.com/OWNER/REPOSITORY/tree/BRANCH, got {address!r}"
        )
    return Home(*match.groups())


def places() -> list[Path]:
    """The files with such addresses: documents and notebooks."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    return sorted([*documents, *ROOT.glob("notebooks/[0-9][0-9]_*.ipynb")])


def rewritten(path: Path, text: str, home: Home) -> str:
    """The text of a document or notebook, with its links and badges as they should be.

    Raises:
        ValueError: a notebook has no row of links.
    """
    text = ADDRESS.sub(lambda _: home.binder, text)
    text = PULL.sub(lambda _: home.pull, text)
    text = CLONE.sub(lambda _: home.clone, text)
    blob = f"/github/{home.owner}/{home.repository}/blob/{home.branch}/notebooks/"
    text = COLAB.sub(lambda found: found[1] + blob, text)
    return completed(path.name, text, home) if path.suffix == ".ipynb" else text


def completed(name: str, text: str, home: Home) -> str:
    """A notebook with its badge, at the end of the row of links, and its set-up cell.

    The picture stands in the cell. As a file beside the notebook it would be missing
    from a page that is saved elsewhere, and JupyterLab asks for it in a wrong place
    before it finds it.
    """
    notebook = nbformat.reads(text, as_version=4)
    cell = notebook.cells[0]
    lines = LINK.sub("", cell.source).split("\n")
    rows = [n for n, line in enumerate(lines) if CONTENTS in line]
    if len(rows) != 1:
        raise ValueError(f"{name}: expected one row of links with {CONTENTS} in cell 1")
    address = home.opens(name)
    badge = f"[![Open this notebook on Binder][badge]]({address})"
    lines[rows[0]] = f"{lines[rows[0]].rstrip(' ·')} · {badge}"
    picture = base64.b64encode(BADGE.read_bytes()).decode()
    lines += ["", f"[badge]: data:image/svg+xml;base64,{picture}"]
    cell.source = "\n".join(lines)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if code[0].id != "set-up":
        cell = new_code_cell(id="set-up", metadata=SET_UP_METADATA)
        notebook.cells.insert(notebook.cells.index(code[0]), cell)
        code.insert(0, cell)
    code[0].source = SET_UP.format(clone=home.clone)
    return f"{nbformat.writes(notebook)}\n"


if __name__ == "__main__":
    sys.exit(main())
