"""What tools/publish.py makes of notebooks; tests/browser looks at it in a browser."""

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import publish

FILES = publish.repository().replace("/tree/", "/blob/")
PICTURE = new_output("display_data", {"text/html": '<img alt="a" src="data:,">'})
ASKED = new_output("display_data", {"text/markdown": "> **Predict.** $x$?"})
PRINTED = new_output("stream", name="stdout", text="1\n")
TITLE = "# 4 · The trick\n\n**How so?** By & by.\n\n*Time:* 25 minutes. *You need:* x."


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("08_a.ipynb", "08_a.html"),
        ("08_a.ipynb#8.3-Why-call?", "08_a.html#8.3-Why-call?"),
        ("#8.3-Why", "#8.3-Why"),
        ("../README.md#the-series", "index.html#the-series"),
        ("../README.md", "index.html"),
        ("../docs/scale.md#x", f"{FILES}/docs/scale.md#x"),
        ("../pg_course/nb01_a/s.py", f"{FILES}/pg_course/nb01_a/s.py"),
        ("https://example.org/a.ipynb", "https://example.org/a.ipynb"),
    ],
)
def test_where_a_link_leads(address, expected):
    assert publish.link_from_a_page(address) == expected


def test_a_heading_has_the_id_that_jupyterlab_gives_it():
    html = publish.to_html("## 8.3 Why *call* `backward`?")
    assert 'id="8.3-Why-call-backward?"' in html


@pytest.mark.parametrize(
    ("lines", "outputs", "tag", "expected"),
    [
        (publish.MOST_LINES, [], "", True),
        (publish.MOST_LINES + 1, [], "", False),
        (publish.MOST_LINES + 1, [], "eq-03", True),
        (1, [PRINTED], "", True),
        (1, [PICTURE], "", False),
        (1, [ASKED], "", False),
        (1, [PICTURE], "eq-03", True),
        (1, [PICTURE], "slide-code", True),
        (1, [PICTURE], "check-seq-03x", False),
    ],
)
def test_which_code_a_slide_shows(lines, outputs, tag, expected):
    cell = new_code_cell(
        "x = 1\n" * lines, outputs=outputs, metadata={"tags": [tag] if tag else []}
    )
    assert publish.shows_code(cell) is expected


def published(kind: str, *cells: NotebookNode) -> str:
    """The page of a notebook, whose cells are given."""
    notebook = new_notebook(cells=[new_markdown_cell(TITLE), *cells])
    entry = publish.entry_of(notebook, "04.html")
    return publish.page_of(kind, notebook, entry)


def test_a_page_does_not_say_to_run_a_cell():
    line = '<style>a {}</style><p class="pg-still">Run this cell to move it.</p>'
    outputs = [new_output("display_data", {"text/html": line}), PICTURE]
    for kind in publish.TEMPLATE_OF:
        page = published(kind, with_role("slide", "demo", outputs=outputs))
        assert "Run this cell" not in page and '<img alt="a"' in page


def with_role(role: str, source: str, **more: object) -> NotebookNode:
    metadata = {"slideshow": {"slide_type": role}}
    return new_code_cell(source, metadata=metadata, **more)


def test_roles_decide_what_is_on_a_slide():
    cells = [
        with_role("slide", "first = 1"),
        with_role("fragment", "second = 2"),
        with_role("subslide", "third = 3"),
        with_role("skip", "fourth = 4"),
        with_role("notes", "fifth = 5"),
        with_role("fragment", "alone = 6\n" * 30),  # too long, and no output
    ]
    page = published("slides", *cells)
    assert page.count("<section>") == page.count("</section>") == 5  # 2 + 3 slides
    assert page.count("data-role") == 4
    for word in ("first", "second", "third", "fifth"):
        assert f">{word}<" in page
    for word in ("fourth", "alone"):
        assert f">{word}<" not in page
    assert page.index("<aside") < page.index(">fifth<") < page.index("</aside")
    handout = published("html", *cells)
    assert handout.count('class="cell ') == 7
