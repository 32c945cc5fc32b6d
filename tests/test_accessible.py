"""Alternative texts, headings, style sheets and motion, for every reader."""

import base64
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pg_course.asking import question_views
from tools import publish
from tools.accessible import (
    LONGEST,
    MOVES,
    Shown,
    alt_faults,
    css_faults,
    heading_faults,
    headings_of,
    pictures_in,
    pictures_of,
    seconds_moving,
    table_faults,
    wrong_with,
)

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
DOCUMENTS.append(ROOT / "benchmarks" / "RESULTS.md")
STYLES = sorted((ROOT / "tools" / "assets").glob("*.css"))


def notebook_at(path: Path):
    return nbformat.read(path, as_version=4)


def name_of(path: Path) -> str:
    return path.stem


def test_there_is_something_to_look_at():
    assert len(NOTEBOOKS) >= 13
    assert len(DOCUMENTS) >= 6
    assert sum(len(list(pictures_of(notebook_at(path)))) for path in NOTEBOOKS) >= 60


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_every_picture_of_a_notebook_states_what_is_to_be_seen(path):
    assert alt_faults(list(pictures_of(notebook_at(path)))) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_picture_of_a_document_states_what_is_to_be_seen(path):
    pictures = list(pictures_in(path.read_text(encoding="utf-8"), path.name))
    assert alt_faults(pictures) == []


GOOD = "The mean return rises from 0.2 to 0.9 within 300 updates."


@pytest.mark.parametrize(
    ("alt", "wrong"),
    [
        (GOOD, ""),
        ("", "no alternative text"),
        ("It rises.", "9 letters"),
        (GOOD + "It rises. " * 40, f"not 30 to {LONGEST}"),
        ("Figure 3: " + GOOD, "what everybody knows"),
        ("A plot of the returns, which rises and falls.", "what everybody knows"),
        ("Training curve: mean return against updates.", "states no finding"),
        ("Learning curve, policy, entropy, gradient norm.", "states no finding"),
    ],
)
def test_a_text_that_says_nothing_is_refused(alt, wrong):
    assert wrong in wrong_with(alt)
    assert bool(wrong) == bool(wrong_with(alt))


def test_two_pictures_may_not_say_the_same():
    one, other = Shown("cell 1", GOOD, "a"), Shown("cell 2", GOOD, "b")
    assert "says the same of another picture" in alt_faults([one, other])[0]
    assert alt_faults([one, Shown("cell 2", GOOD, "a")]) == []


def test_pictures_are_found_wherever_they_stand():
    html = {"text/html": f'<p><img src="data:," alt="{GOOD} &amp; more"></p>'}
    bare = {"image/png": "aaaa", "text/plain": "<Figure>"}
    outputs = [new_output("display_data", data) for data in (html, bare)]
    cells = [
        new_markdown_cell(f"![{GOOD}](a.png) [![a badge](b.svg)](link)"),
        new_code_cell("x", outputs=outputs),
    ]
    found = list(pictures_of(new_notebook(cells=cells)))
    assert {picture.alt for picture in found} == {GOOD, f"{GOOD} & more", None}
    assert len(found) == 3
    assert ["no alternative text" in fault for fault in alt_faults(found)] == [True]


@pytest.mark.parametrize("path", [*NOTEBOOKS, *DOCUMENTS], ids=name_of)
def test_headings_are_in_order_and_columns_have_names(path):
    if path.suffix == ".ipynb":
        cells = notebook_at(path).cells
        text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    assert heading_faults(headings_of(text)) == []
    assert table_faults(text) == []


def test_a_column_without_a_name_is_found():
    assert table_faults("| a | b |\n|---|---|\n| | 1 |\n") == []
    found = table_faults("Text.\n\n| | b |\n|---|---|\n| 1 | 2 |\n")
    assert found == ["a column has no name: | | b |"]


@pytest.mark.parametrize("kind", list(publish.TEMPLATE_OF))
def test_headings_of_pages_and_decks_are_in_order(tmp_path, kind):
    # In two of them: all come from the same templates.
    publish.publish(kind, NOTEBOOKS[:2], tmp_path / kind)
    pages = list((tmp_path / kind).glob("*.html"))
    assert len(pages) == 3
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert heading_faults(headings_of(re.sub(r">\s*<h", ">\n<h", text))) == []


@pytest.mark.parametrize(
    ("levels", "fault"),
    [
        ([1, 2, 3, 2, 3, 3], None),
        ([1, 3], "from level 1 to level 3"),
        ([1, 2, 1], "2 headings of level 1"),
        ([2, 3], "begins with level [2]"),
        ([], "0 headings of level 1"),
    ],
)
def test_a_heading_out_of_order_is_found(levels, fault):
    faults = heading_faults(levels)
    assert fault in faults if fault else not faults


def test_a_comment_in_code_is_no_heading():
    assert headings_of("# One\n\n```python\n# two\n```\n\n## Two #2\n") == [1, 2]


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_letters_and_borders_stand_out_from_every_ground(path):
    pairs, faults = css_faults(path.read_text(encoding="utf-8"))
    assert faults == []
    assert pairs > 20


def test_the_border_of_a_question_stands_out():
    assert css_faults(f"<style>{question_views._STYLE}</style>") == (1, [])


@pytest.mark.parametrize(
    ("css", "fault"),
    [
        ("a { color: #888; }", "#888 on #fff: 3.54, below 4.5"),
        ("a { border-left: 2px solid #999; }", "#999 on #fff: 2.85, below 3.0"),
        ("a { color: #666; } b { background: #ddd; }", "#666 on #ddd: 4.23, below 4.5"),
    ],
)
def test_a_pale_style_is_found(css, fault):
    assert css_faults(css)[1] == [fault]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_what_moves_by_itself_soon_rests(path):
    for picture in pictures_of(notebook_at(path)):
        data = picture.source.partition("base64,")[2]
        if data:
            assert seconds_moving(base64.b64decode(data)) <= MOVES, picture.place
