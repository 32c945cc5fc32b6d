"""The slides and the handout, as `make slides` and `make html` write them.

They are opened as files, by a browser to which every other host is out of reach.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from decks import SLIDE, faults_of_deck, faults_of_page, opened, speaker_notes
from lab import NOTEBOOKS
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Browser, BrowserContext

from tools import publish

PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with slides/ and html/ of all notebooks."""
    build = tmp_path_factory.mktemp("build")
    for kind in ("slides", "html"):
        publish.publish(kind, PATHS, build / kind)
    return build


@pytest.fixture(scope="module")
def projector(browser: Browser) -> Iterator[BrowserContext]:
    """Where decks are opened: a window of the size of a slide."""
    context = browser.new_context(viewport=SLIDE)
    context.set_default_timeout(30e3)
    yield context
    context.close()


def pieces_folded(path: Path) -> list[str]:
    """Plain text that is folded in the cells of the deck, between formulas and code."""
    return [
        piece
        for cell in nbformat.read(path, as_version=4).cells
        if cell.metadata.get("slideshow", {}).get("slide_type") != "skip"
        for text in re.findall(r"<details>(.*?)</details>", cell.source, re.DOTALL)
        for piece in re.split(r"\$.*?\$|`.*?`|\]\(.*?\)|<.*?>|\*", text)
    ]


def words(text: str) -> str:
    """Letters and digits only, as the rest comes out differently in HTML."""
    return "".join(re.findall(r"[^\W_]", text))


def values(text: str, attribute: str) -> list[str]:
    """The values of an attribute in a page; to parse it all would take seconds."""
    return [unescape(value) for value in re.findall(rf'\b{attribute}="([^"]*)"', text)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_slide_fits_and_asks_for_nothing_from_elsewhere(build, projector, path):
    assert faults_of_deck(projector, build / "slides" / f"{path.stem}.html") == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_folded_in_the_notebook_is_in_the_notes(build, path):
    deck = (build / "slides" / f"{path.stem}.html").read_text("utf-8")
    # slides.js makes notes of details.
    notes = re.findall(r"<(aside|details)\b[^>]*>(.*?)</\1>", deck, re.DOTALL)
    texts = [unescape(re.sub("<[^>]*>", "", note)) for _, note in notes]
    told = words(" ".join(texts))
    assert [piece for piece in pieces_folded(path) if words(piece) not in told] == []


def test_the_window_of_the_speaker_shows_the_notes(build, projector):
    # In one deck: every opening takes seconds, and what is opened is the same.
    path = NOTEBOOKS / "08_the_pseudo_loss.ipynb"
    deck = build / "slides" / "08_the_pseudo_loss.html"
    told = words(" ".join(speaker_notes(projector, deck)))
    assert len(pieces_folded(path)) > 10
    assert [piece for piece in pieces_folded(path) if words(piece) not in told] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_of_the_handout_is_complete(build, context, path):
    page = build / "html" / f"{path.stem}.html"
    assert faults_of_page(context, page) == []
    notebook = nbformat.read(path, as_version=4)
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "<img" in output.get("data", {}).get("text/html", "")
    ]
    text = page.read_text("utf-8")
    badge = 1  # in the first cell
    assert text.count("<img ") == len(pictures) + badge
    assert text.count('<div class="cell ') == len(notebook.cells)


@pytest.mark.parametrize("kind", ["slides", "html"])
def test_links_lead_to_pages_and_anchors(build, kind):
    pages = {
        page.name: page.read_text("utf-8") for page in (build / kind).glob("*.html")
    }
    places = {name: set(values(text, "id")) for name, text in pages.items()}
    assert len(pages) == len(PATHS) + 1
    for name, text in pages.items():
        for link in values(text, "href"):
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https", (name, link)
            elif not parts.path.startswith("assets/"):
                target = unquote(parts.path) or name
                assert target in pages, (name, link)
                # A skipped cell has its anchor in the handout only.
                if parts.fragment and kind == "html":
                    assert unquote(parts.fragment) in places[target], (name, link)


def test_a_link_to_a_heading_lands_on_it(build, context, projector):
    anchor = "8.3-The-formula-already-is-a-gradient:-why-call-backward?"
    page_of = build / "html" / "08_the_pseudo_loss.html"
    with opened(context, f"{page_of.as_uri()}#{anchor}", []) as page:
        box = page.locator("h2", has_text="8.3").bounding_box()
        assert box is not None
        assert -5 <= box["y"] < 100
    deck = build / "slides" / "08_the_pseudo_loss.html"
    with opened(projector, f"{deck.as_uri()}#{anchor}", []) as page:
        page.wait_for_selector("html[data-ready=true]", state="attached")
        assert "8.3" in page.locator("section.present h2").inner_text()


def test_the_contents_list_every_notebook(build, context):
    for kind in ("slides", "html"):
        path = build / kind / "index.html"
        assert faults_of_page(context, path) == []
        contents = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        rows = [row.find_all("td") for row in contents.select("tbody tr")]
        assert [row[0].text for row in rows] == [str(i) for i in range(len(PATHS))]
        assert all(row[2].text.endswith("?") for row in rows)
        assert rows[8][3].text == "40 minutes"


# What the tests above are worth: each of these must be found.

TITLE = "# 1 · A title\n\n**A question?**\n\n*Time:* 5 minutes.\n\n"
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
WRONG = {
    '<p style="position: relative; top: 800px">low</p>': "pixels too high",
    '<p style="width: 80rem; margin-left: 9rem">wide</p>': "pixels too wide",
    f'<p style="overflow: hidden; height: 2em">{"cut " * 90}</p>': "pixels cut off",
    "|a|\n|-|\n" + "|b|\n" * 40: "letters of",
    '<small style="font-size: 12px">small</small>': "letters of 12 pixels",
    '<img alt="x" src="https://example.org/a.png">': "request to another host",
    '<img alt="x" src="none.png">': "failed:",
    f'<img src="{DOT}">': "without alternative",
    "Costs $\\nonsense$.": "formula not understood",
    "Half of a formula: $x": "formula not typeset",
    "<script>console.error('no')</script>": "console: no",
    "<script>throw Error('no')</script>": "error: no",
}


def deck_of(folder: Path, *cells: NotebookNode, kind: str = "slides") -> Path:
    notebook = new_notebook(cells=[new_markdown_cell(TITLE), *cells])
    for cell in notebook.cells:
        cell.metadata.setdefault("slideshow", {"slide_type": "slide"})
    nbformat.write(notebook, folder / "01_small.ipynb")
    publish.publish(kind, [folder / "01_small.ipynb"], folder / kind)
    return folder / kind / "01_small.html"


def test_a_sound_deck_has_no_fault(tmp_path, projector):
    text = new_markdown_cell("## 1.1 Two\n\n$$x^2 = 4 \\tag{1}$$\n\n" + "- a\n" * 8)
    deck = deck_of(tmp_path, text, new_code_cell("x = 2"))
    assert faults_of_deck(projector, deck) == []


@pytest.mark.parametrize("source", WRONG, ids=lambda source: WRONG[source])
def test_each_fault_of_a_deck_is_found(tmp_path, projector, source):
    deck = deck_of(tmp_path, new_markdown_cell(source))
    assert WRONG[source] in "\n".join(faults_of_deck(projector, deck))


def test_too_much_for_a_slide_goes_on_on_the_next(tmp_path, projector):
    text = "## 1.1 Much\n\n" + "\n\n".join(
        f"Paragraph {i}." + " Words." * 60 for i in range(9)
    )
    deck = deck_of(tmp_path, new_markdown_cell(text))
    assert faults_of_deck(projector, deck) == []
    with opened(projector, deck.as_uri(), []) as page:
        page.wait_for_selector("html[data-ready=true]", state="attached")
        slides = page.evaluate("Reveal.getSlides().map(slide => slide.textContent)")
    assert len(slides) >= 4
    assert re.findall(r"Paragraph (\d)", "".join(slides)) == list("012345678")
    assert all("1.1 Much" in slide for slide in slides[1:])


def test_what_follows_a_predict_waits_for_a_key(tmp_path, projector):
    text = "## 1.1 Coin\n\n> **Predict.** Heads?\n\nTails.\n\n"
    deck = deck_of(tmp_path, new_markdown_cell(text))
    with opened(projector, deck.as_uri() + "#/1", []) as page:
        page.wait_for_selector("html[data-ready=true]", state="attached")
        answer = page.locator("section.present p", has_text="Tails")
        assert not answer.is_visible()
        page.keyboard.press("ArrowRight")
        answer.wait_for(state="visible")
