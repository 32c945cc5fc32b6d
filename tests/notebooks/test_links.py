"""Links between the notebooks and the documents lead somewhere."""

import base64
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import nbformat
import pytest
from series import NOTEBOOKS, ROOT, read

from tools import links

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
def test_the_series_lists_the_notebook(path):
    assert f"notebooks/{path.name}" in targets(text_of(ROOT / "README.md"))
    assert path == NOTEBOOKS[0] or path.name in targets(text_of(NOTEBOOKS[0]))


def published() -> list[str]:
    """Owner, repository and branch."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address = project["project"]["urls"]["Repository"]
    return address.removeprefix("https://github.com/").replace("/tree", "").split("/")


def wrong_on_binder(path: Path, text: str) -> list[str]:
    """What is wrong with the links to Binder of a document or a notebook's Markdown."""
    owner, repository, branch = published()
    start = (
        f"https://mybinder.org/v2/gh/{owner}/{repository}/{branch}?urlpath=lab/tree/"
    )
    faults = []
    for address in re.findall(r"https://mybinder\.org[^)\s]*", text):
        if not address.startswith(start):
            faults.append(f"not the published branch: {address}")
        elif not (ROOT / address.removeprefix(start)).is_file():
            faults.append(f"no such file: {address}")
    home = f"https://github.com/{owner}/{repository}"
    for pulled in re.findall(r"git-pull\?repo=(\S*?)&branch=(\S*?)&", text):
        if [unquote(part) for part in pulled] != [home, branch]:
            faults.append(f"not the published branch: {pulled}")
    shown = re.sub(r"https://mybinder\.org/\S*?/notebooks/", "", text)
    return faults + [f"missing: {b}" for b in badges(path) if shown.count(b) != 1]


def badges(path: Path) -> list[str]:
    """What a document or a notebook shows, without the address of the branch."""
    if path.suffix == ".ipynb":
        picture = base64.b64encode((ROOT / "docs" / "binder.svg").read_bytes()).decode()
        link = f"[![Open this notebook on Binder][badge]]({path.name})"
        return [link, f"\n\n[badge]: data:image/svg+xml;base64,{picture}"]
    if path.name != "README.md":
        return []
    names = [notebook.name for notebook in NOTEBOOKS]
    return [
        f"[![Open notebook {n[:2]} on Binder](docs/binder.svg)]({n})" for n in names
    ]


@pytest.mark.parametrize("path", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_and_badges_open_the_published_notebooks_on_binder(path):
    assert wrong_on_binder(path, text_of(path)) == []


@pytest.mark.parametrize("path", [ROOT / "README.md", NOTEBOOKS[4]], ids=["md", "nb"])
@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("/gh/", "/gh/some-", "not the published branch"),
        (r"/main\?", "/dev?", "not the published branch"),
        ("lab/tree/notebooks/04_the", "lab/tree/notebooks/05_the", "no such file"),
        (r"\[!\[[^\]]*\][^)]*(\)\]\([^)]*)?/04_\w+\.ipynb\)", "", "missing"),
        (r"/04_\w+\.ipynb\)", "/09_training.ipynb)", "missing"),
        (r"!\[Open", "![open", "missing"),
        (
            "docs/binder.svg|data:image/svg",
            "https://mybinder.org/b.svg",
            "not the publ",
        ),
    ],
)
def test_a_wrong_link_or_badge_is_found(path, right, wrong, fault):
    text = re.sub(right, wrong, text_of(path))
    assert text != text_of(path)
    assert any(fault in found for found in wrong_on_binder(path, text))


def test_the_badge_is_a_picture_with_a_title_that_loads_nothing():
    text = links.BADGE.read_text(encoding="utf-8")
    picture = ElementTree.fromstring(text)
    names = "{http://www.w3.org/2000/svg}"
    assert picture.tag == f"{names}svg"
    assert picture.findtext(f"{names}title") == "Open on Binder"
    assert text.count("http") == 1  # its namespace


def home() -> links.Home:
    return links.home_of((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_what_is_committed_is_what_the_tool_writes():
    assert len(links.places()) >= len(NOTEBOOKS) + 5
    for path in links.places():
        text = path.read_text(encoding="utf-8")
        assert links.rewritten(path, text, home()) == text, "run `make links`"


@pytest.mark.parametrize("path", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_a_fork_gets_its_own_links_everywhere(path):
    fork = links.Home("someone", "my.fork", "a/branch")
    before = path.read_text(encoding="utf-8")
    after = links.rewritten(path, before, fork)
    ours = r"(gh/|github\.com%2F|git\+https://github\.com/)policy-gradients"
    assert not re.search(ours, after)
    assert links.rewritten(path, after, fork) == after
    assert links.rewritten(path, after, home()) == before
    if path in NOTEBOOKS:
        place = "https://mybinder.org/v2/gh/someone/my.fork/a%2Fbranch?urlpath=lab/tree"
        assert f"({place}/notebooks/{path.name})" in after


def test_a_notebook_without_a_badge_gets_one():
    path = NOTEBOOKS[3]
    whole = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(whole, as_version=4)
    cell = notebook.cells[0]
    cell.source = re.sub(r" · \[!\[.*?\]\(.*?\)|\n\n\[badge\].*", "", cell.source)
    assert "binder" not in cell.source
    assert links.rewritten(path, nbformat.writes(notebook), home()) == whole
    cell.source = "# A title"
    with pytest.raises(ValueError, match="expected one row of links with"):
        links.rewritten(path, nbformat.writes(notebook), home())


def test_an_address_of_another_form_is_refused():
    pyproject = '[project.urls]\nRepository = "https://github.com/owner/repository"'
    with pytest.raises(ValueError, match="expected https://github.com/OWNER/"):
        links.home_of(pyproject)
