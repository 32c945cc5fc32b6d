"""Write the links to Binder and the address for pip, from that in pyproject.toml.

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
# What a JupyterHub's link says of the repository, for nbgitpuller.
PULL = re.compile(
    r"repo=https%3A%2F%2Fgithub\.com%2F[\w.%-]+?&branch=[\w.%-]+"
    r"&urlpath=lab%2Ftree%2F[\w.-]+?%2Fnotebooks"
)
# Where pip finds the package.
CLONE = re.compile(r"git\+https://github\.com/[\w.-]+/[\w.-]*\w")
CONTENTS = "](../README.md#the-series)"


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
        """The address that opens a notebook of the repository in JupyterLab."""
        return f"{self.binder}?urlpath=lab/tree/{notebook}"


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
    return with_badge(path.name, text, home) if path.suffix == ".ipynb" else text


def with_badge(name: str, text: str, home: Home) -> str:
    """A notebook whose first cell has its badge, at the end of the row of links.

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
    address = home.opens(f"notebooks/{name}")
    badge = f"[![Open this notebook on Binder][badge]]({address})"
    lines[rows[0]] = f"{lines[rows[0]].rstrip(' ·')} · {badge}"
    picture = base64.b64encode(BADGE.read_bytes()).decode()
    lines += ["", f"[badge]: data:image/svg+xml;base64,{picture}"]
    cell.source = "\n".join(lines)
    return f"{nbformat.writes(notebook)}\n"


if __name__ == "__main__":
    sys.exit(main())
