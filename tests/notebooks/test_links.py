"""Links between the notebooks and the documents lead somewhere."""

import re
from pathlib import Path

import pytest
from series import NOTEBOOKS, ROOT, read

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
BINDER = re.compile(r"https://mybinder\.org/\S*?urlpath=lab/tree/([^)\s]+)")


def text_of(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = read(path).cells
    return "\n\n".join(c.source for c in cells if c.cell_type == "markdown")


def targets(text: str) -> list[str]:
    """Addresses of the links that stay in the repository, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [address.split("#")[0] for address in found if "://" not in address]


@pytest.mark.parametrize("path", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_lead_to_files(path):
    text = text_of(path)
    missing = [t for t in targets(text) if t and not (path.parent / t).exists()]
    missing += [t for t in BINDER.findall(text) if not (ROOT / t).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("earlier", "later"),
    list(zip(NOTEBOOKS, NOTEBOOKS[1:], strict=False)),
    ids=lambda path: path.stem[:2],
)
def test_neighbours_link_to_each_other(earlier, later):
    assert targets(text_of(earlier)).count(later.name) >= 2, "at the top and the end"
    assert targets(text_of(later)).count(earlier.name) >= (earlier != NOTEBOOKS[0])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_series_lists_the_notebook_and_it_opens_itself_on_binder(path):
    assert f"notebooks/{path.name}" in targets(text_of(ROOT / "README.md"))
    assert path == NOTEBOOKS[0] or path.name in targets(text_of(NOTEBOOKS[0]))
    assert f"notebooks/{path.name}" in BINDER.findall(text_of(path))
