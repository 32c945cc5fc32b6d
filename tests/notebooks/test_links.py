"""Links between the notebooks and the documents lead somewhere."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from series import NOTEBOOKS, ROOT, read

from tools import links

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
EACH = pytest.mark.parametrize(
    "path", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name
)
HOME = links.home_of((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


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


# Inside the repository


@EACH
def test_links_lead_to_files(path):
    missing = [t for t in targets(text_of(path)) if not (path.parent / t).exists()]
    assert missing == []


@EACH
def test_links_lead_to_headings(path):
    addresses = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", text_of(path))
    for place, heading in addresses:
        target = path.parent / place if place else path
        assert unquote(heading) in anchors(target), f"{place}#{heading}"


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(NOTEBOOKS)))
def test_neighbours_link_to_each_other(earlier, later):
    assert targets(text_of(earlier)).count(later.name) >= 2, "at the top and the end"
    assert targets(text_of(later)).count(earlier.name) >= (earlier != NOTEBOOKS[0])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_links_lead_to_the_same_from_a_copy_beside_the_folder(path):
    names = {"", *(notebook.name for notebook in NOTEBOOKS)}
    for target in set(targets(text_of(path))) - names:
        inside = target.removeprefix("../")
        assert inside != target and (ROOT / inside).exists(), target
        assert not inside.startswith("notebooks/"), f"{target}: not the copy"


# To Binder


@EACH
def test_links_to_binder_open_a_notebook_of_the_published_branch(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    home, branch = project["project"]["urls"]["Repository"].split("/tree/")
    published = home.replace("https://github.com", "https://mybinder.org/v2/gh")
    text = text_of(path)
    for address in re.findall(r"https://mybinder\.org[^)\s]*", text):
        start, _, file = address.partition("?urlpath=lab/tree/")
        assert start == f"{published}/{branch}"
        assert (ROOT / file.removeprefix("my_")).is_file(), file
    for address in re.findall(r"https://colab\.[^)\s]*", text):
        start, _, file = address.partition(f"/blob/{branch}/")
        place = "https://colab.research.google.com/github"
        assert start == home.replace("https://github.com", place)
        assert (ROOT / file).is_file(), file
    for pulled in re.findall(r"git-pull\?repo=(\S*?)&branch=(\S*?)&", text):
        assert [unquote(part) for part in pulled] == [home, branch]


def test_the_readme_opens_each_notebook_on_binder_and_in_colab():
    text = text_of(ROOT / "README.md")
    for path in NOTEBOOKS:
        for host in ("mybinder.org", "colab.research.google.com"):
            found = re.findall(rf"https://{host}[^)\s]*/{path.name}\)", text)
            assert found, (host, path.name)


def test_what_is_committed_is_what_the_tool_writes():
    assert set(links.places()) == {*DOCUMENTS, *NOTEBOOKS}
    for path in links.places():
        text = path.read_text(encoding="utf-8")
        assert links.rewritten(path, text, HOME) == text, "run `make links`"


@EACH
def test_a_fork_gets_its_own_links_everywhere(path):
    fork = links.Home("someone", "my.fork", "a/branch")
    before = path.read_text(encoding="utf-8")
    after = links.rewritten(path, before, fork)
    ours = r"(gh/|github\.com%2F|git\+https://github\.com/|com/github/)policy-gradients"
    assert not re.search(ours, after)
    assert links.rewritten(path, after, HOME) == before
    if path in NOTEBOOKS:
        place = "https://mybinder.org/v2/gh/someone/my.fork/a%2Fbranch?urlpath=lab/tree"
        assert f"({place}/my_notebooks/{path.name})" in after
