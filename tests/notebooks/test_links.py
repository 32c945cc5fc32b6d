"""Links between the notebooks and the documents lead somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

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


def anchors(path: Path) -> set[str]:
    """Names of the headings: JupyterLab's for a notebook, GitHub's for a document."""
    headings = re.findall(r"^#+ (.+?)\s*$", text_of(path), re.MULTILINE)
    plain = [re.sub(r"[*`]", "", heading).replace(" ", "-") for heading in headings]
    if path.suffix == ".ipynb":
        return set(plain)
    return {re.sub(r"[^\w-]", "", heading).lower() for heading in plain}


def index_of(text: str) -> list[tuple[str, list[str]]]:
    """Question and headings, of each row of the table of learners' questions."""
    _, _, table = text.partition("| question | answered by an experiment in |")
    found = []
    for row in re.findall(r"^\|(.+)\|$", table.split("\n\n")[0], re.MULTILINE)[1:]:
        question, answers = row.split("|")
        links = re.findall(r"\]\((?:notebooks/)?([^)\s]+)\)", answers)
        found.append((question.strip(), links))
    return found


@pytest.mark.parametrize("path", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_lead_to_headings(path):
    addresses = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", text_of(path))
    missing = []
    for place, heading in addresses:
        target = path.parent / place if place else path
        if not target.exists() or unquote(heading) not in anchors(target):
            missing.append(f"{place}#{heading}")
    assert missing == []


def test_the_index_of_questions_is_the_same_in_both_places():
    index = index_of(text_of(ROOT / "README.md"))
    assert len(index) >= 20
    assert all("#" in link for _, links in index for link in links)
    assert all(links for _, links in index)
    assert index_of(text_of(NOTEBOOKS[0])) == index


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
