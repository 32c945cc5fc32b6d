"""Alternative texts, headings, style sheets and motion, for every reader."""

import base64
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pg_course.asking import question_views
from tools import accessible
from tools.accessible import Shown

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
DOCUMENTS.append(ROOT / "benchmarks" / "RESULTS.md")
STYLES = {
    path.stem: path.read_text("utf-8") for path in ROOT.glob("tools/assets/*.css")
}
STYLES["questions"] = f"<style>{question_views._STYLE}</style>"
GOOD = "The mean return rises from 0.2 to 0.9 within 300 updates."


def faults_of_text(text: str) -> list[str]:
    headings = accessible.heading_faults(accessible.headings_of(text))
    return headings + accessible.table_faults(text)


@pytest.mark.parametrize("path", [*NOTEBOOKS, *DOCUMENTS], ids=lambda path: path.stem)
def test_pictures_are_described_headings_in_order_and_columns_named(path):
    text = path.read_text(encoding="utf-8")
    pictures = list(accessible.pictures_in(text, path.name))
    if path.suffix == ".ipynb":
        notebook = nbformat.reads(text, as_version=4)
        pictures = list(accessible.pictures_of(notebook))
        cells = [c.source for c in notebook.cells if c.cell_type == "markdown"]
        text = "\n\n".join(cells)
        assert pictures
    assert accessible.alt_faults(pictures) == []
    assert faults_of_text(text) == []
    for picture in pictures:
        if data := picture.source.partition("base64,")[2]:
            seconds = accessible.seconds_moving(base64.b64decode(data))
            assert seconds <= accessible.MOVES, picture.place


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_letters_and_borders_stand_out_from_every_ground(style):
    pairs, faults = accessible.css_faults(style)
    assert faults == []
    assert pairs > 0


# What the tests above are worth.


@pytest.mark.parametrize(
    ("alt", "wrong"),
    [
        ("", "no alternative text"),
        (GOOD + "It rises. " * 40, "not 30 to 320"),
        ("Figure 3: " + GOOD, "what everybody knows"),
        ("Training curve: mean return against updates.", "states no finding"),
    ],
)
def test_a_text_that_says_nothing_is_refused(alt, wrong):
    assert accessible.wrong_with(GOOD) == ""
    assert wrong in accessible.wrong_with(alt)


def test_two_pictures_may_not_say_the_same():
    one, other = Shown("cell 1", GOOD, "a"), Shown("cell 2", GOOD, "b")
    (fault,) = accessible.alt_faults([one, other, one])
    assert "says the same of another picture" in fault


def test_pictures_are_found_in_texts_and_in_outputs():
    html = {"text/html": f'<p><img src="data:," alt="{GOOD} &amp; more"></p>'}
    bare = {"image/png": "aaaa", "text/plain": "<Figure>"}
    outputs = [new_output("display_data", data) for data in (html, bare)]
    text = new_markdown_cell(f"![{GOOD}](a.png) [![a badge](b.svg)](link)")
    notebook = new_notebook(cells=[text, new_code_cell("x", outputs=outputs)])
    found = [picture.alt for picture in accessible.pictures_of(notebook)]
    assert len(found) == 3
    assert set(found) == {GOOD, f"{GOOD} & more", None}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("# One\n\n```python\n# two\n```\n\n## Two #2\n", []),
        ("# One\n\n### Three\n", ["from level 1 to level 3"]),
        ("# One\n\n## Two\n\n# One\n", ["2 headings of level 1"]),
        ("## Two\n\n# One\n", ["begins with level [2]"]),
        ("# One\n\n| a | b |\n|---|---|\n| | 1 |\n", []),
        ("# One\n\n| | b |\n|---|---|\n| 1 | 2 |\n", ["a column has no name: | | b |"]),
    ],
)
def test_headings_out_of_order_and_columns_without_a_name_are_found(text, faults):
    assert faults_of_text(text) == faults


@pytest.mark.parametrize(
    ("css", "fault"),
    [
        ("a { color: #888; }", "#888 on #fff: 3.54, below 4.5"),
        ("a { border-left: 2px solid #999; }", "#999 on #fff: 2.85, below 3.0"),
        ("a { color: #666; } b { background: #ddd; }", "#666 on #ddd: 4.23, below 4.5"),
    ],
)
def test_a_pale_style_is_found(css, fault):
    assert accessible.css_faults(css)[1] == [fault]
