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
from decks import SLIDE, faults_of_deck, faults_of_page, opened
from heard import axe_faults, tree_faults
from lab import NOTEBOOKS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Browser, BrowserContext

from tools import publish
from tools.accessible import heading_faults, headings_of

PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
ONE = "00_start_here"  # has formulas, tables, pictures, questions and exercises


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
    context.set_default_timeout(120e3)
    yield context
    context.close()


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
def test_a_page_of_the_handout_is_complete(build, context, path):
    page = build / "html" / f"{path.stem}.html"
    assert faults_of_page(context, page) == []
    cells = nbformat.read(path, as_version=4).cells
    cells = [cell for cell in cells if not publish.is_set_up(cell)]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = ["<img" in o.get("data", {}).get("text/html", "") for o in outputs]
    text = page.read_text("utf-8")
    badge = 1  # in the first cell
    assert text.count("<img ") == sum(pictures) + badge
    assert text.count('<div class="cell ') == len(cells)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_folded_in_the_notebook_is_in_the_notes(build, path):
    deck = (build / "slides" / f"{path.stem}.html").read_text("utf-8")
    # slides.js makes notes of details.
    notes = re.findall(r"<(aside|details)\b[^>]*>(.*?)</\1>", deck, re.DOTALL)
    texts = [unescape(re.sub("<[^>]*>", "", note)) for _, note in notes]
    told = words(" ".join(texts))
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") == "skip":
            continue
        for text in re.findall(r"<details>(.*?)</details>", cell.source, re.DOTALL):
            for piece in re.split(r"\$.*?\$|`.*?`|\]\(.*?\)|<.*?>|\*", text):
                assert words(piece) in told


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


@pytest.mark.parametrize("kind", ["slides", "html"])
def test_headings_are_in_order(build, kind):
    for page in (build / kind).glob("*.html"):
        text = re.sub(r">\s*<h", ">\n<h", page.read_text("utf-8"))
        assert heading_faults(headings_of(text)) == [], page.name


@pytest.mark.parametrize("kind", ["slides", "html"])
def test_the_contents_list_every_notebook(build, context, kind):
    path = build / kind / "index.html"
    assert faults_of_page(context, path) == []
    contents = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    rows = [row.find_all("td") for row in contents.select("tbody tr")]
    assert [row[0].text for row in rows] == [str(i) for i in range(len(PATHS))]
    assert all(row[2].text.endswith("?") for row in rows)
    assert rows[8][3].text == "40 minutes"


@pytest.mark.parametrize("name", [f"html/{ONE}", "html/index", "slides/index"])
def test_axe_finds_nothing_in_a_page(build, context, name):
    with opened(context, (build / f"{name}.html").as_uri()) as (page, _):
        assert axe_faults(page) == []
        assert tree_faults(page, "body")[1] == []


def test_axe_finds_nothing_in_a_deck(build, projector):
    deck = build / "slides" / f"{ONE}.html"
    with opened(projector, deck.as_uri()) as (page, _):
        for number in (0, 1, 4):
            page.evaluate("number => Reveal.slide(number, 0, 99)", number)
            assert axe_faults(page) == []


# Small decks: what slides can do, and what must be found wrong in them.

TITLE = "# 1 · A title\n\n**A question?**\n\n*Time:* 5 minutes."
MUCH = "## 1.1 Much\n\n$$x^2 = 4 \\tag{1}$$\n\n" + "\n\n".join(
    f"Paragraph {i}." + " Words." * 60 for i in range(9)
)
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
WRONG = {
    '<p style="position: relative; top: 800px">low</p>': "pixels too high",
    '<p style="width: 80rem; margin-left: 9rem">wide</p>': "pixels too wide",
    f'<p style="overflow: hidden; height: 2em">{"cut " * 90}</p>': "pixels cut off",
    "|a|\n|-|\n" + "|b|\n" * 40: "(a\nb\nb\nb",
    '<small style="font-size: 12px">small</small>': "(small): letters of 12 pixels",
    '<img alt="x" src="https://example.org/a.png">': "request to another host",
    '<img alt="x" src="none.png">': "failed:",
    f'<img src="{DOT}">': "without alternative",
    "Costs $\\nonsense$.": "formula not understood",
    "Half of a formula: $x": "formula not typeset",
    "<script>console.error('no')</script>": "console error: no",
    "<script>throw Error('no')</script>": "error: no",
}


def deck_of(folder: Path, *cells: str, kind: str = "slides") -> Path:
    """The deck, or page, of a notebook with these texts and a cell of code."""
    made = [new_markdown_cell(cell) for cell in [TITLE, *cells]]
    notebook = new_notebook(cells=[*made, new_code_cell("x = 2")])
    for cell in notebook.cells:
        cell.metadata.slideshow = {"slide_type": "slide"}
    nbformat.write(notebook, folder / "01_small.ipynb")
    publish.publish(kind, [folder / "01_small.ipynb"], folder / kind)
    return folder / kind / "01_small.html"


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory, projector) -> str:
    """What is found wrong in a deck with one fault on each slide."""
    deck = deck_of(tmp_path_factory.mktemp("wrong"), *WRONG)
    return "\n".join(faults_of_deck(projector, deck))


@pytest.mark.parametrize("fault", WRONG.values())
def test_each_fault_of_a_deck_is_found(faults, fault):
    assert fault in faults


def test_too_much_for_a_slide_goes_on_on_the_next(tmp_path, projector):
    deck = deck_of(tmp_path, MUCH)
    assert faults_of_deck(projector, deck) == []
    with opened(projector, deck.as_uri()) as (page, _):
        slides = page.evaluate("Reveal.getSlides().map(slide => slide.textContent)")
    assert len(slides) >= 5
    assert re.findall(r"Paragraph (\d)", "".join(slides)) == list("012345678")
    assert all("1.1 Much" in slide for slide in slides[1:-1])


def test_what_follows_a_predict_waits_for_a_key(tmp_path, projector):
    deck = deck_of(tmp_path, "## 1.1 Coin\n\n> **Predict.** Heads?\n\nTails.\n\n")
    with opened(projector, f"{deck.as_uri()}#/1") as (page, _):
        answer = page.locator("section.present p", has_text="Tails")
        assert not answer.is_visible()
        page.keyboard.press("ArrowRight")
        answer.wait_for(state="visible")


def test_a_link_to_a_heading_lands_on_it(tmp_path, context, projector):
    cells, anchor = [MUCH, "## 1.2 Why?\n\nSo.", MUCH.replace("1.1", "1.3")], "1.2-Why?"
    page_of = deck_of(tmp_path, *cells, kind="html")
    with opened(context, f"{page_of.as_uri()}#{anchor}") as (page, _):
        box = page.locator("h2", has_text="1.2").bounding_box()
        assert box is not None
        assert -5 <= box["y"] < 100
    deck = deck_of(tmp_path, *cells)
    with opened(projector, f"{deck.as_uri()}#{anchor}") as (page, _):
        assert "1.2" in page.locator("section.present h2").inner_text()


def test_the_window_of_the_speaker_shows_the_notes(tmp_path, projector):
    deck = deck_of(tmp_path, "## 1.1 Two\n\n<details>A note.</details>\n\n")
    with opened(projector, f"{deck.as_uri()}#/1") as (page, _):
        with projector.expect_page() as opening:
            page.keyboard.press("s")
        notes = opening.value.locator(".speaker-controls-notes .value")
        notes.get_by_text("A note.").wait_for()
        opening.value.close()
