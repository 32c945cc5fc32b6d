"""Demos for who hears them or has only a keyboard, and pages with faults to be found.

The notebooks of the series are examined in test_notebooks.py, one of their pages and
decks in test_decks.py, and all of these in reliability/people.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from heard import axe_faults, focus_faults, tree_faults
from lab import write_notebook
from live import Live, running
from playwright.sync_api import BrowserContext, Page

SOUND = "<html lang=en><title>t</title><main><h1>One</h1>%s</main></html>"
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
WRONG = {
    f'<img src="{DOT}">': "axe: image-alt (critical)",
    "<button></button>": "axe: button-name (critical)",
    "<input>": "axe: label (critical)",
    '<p style="color: #888">pale</p>': "axe: color-contrast (serious)",
    "<h3>Three</h3>": "axe: heading-order (moderate)",
    "<table><tr><th></th></tr><tr><td>1</td></tr></table>": "axe: empty-table-header",
    '<div tabindex="0">takes the focus</div>': "takes the focus as 'generic'",
    '<a href="/"></a>': "a link has no name",
}
# The last of them is wrong in every way.
CELLS = """
import ipywidgets, pg_course as course, pg_helpers as pg
controls = {
    "gamma": course.Slider(0, 1, 0.01, value=0.95, label="discount gamma"),
    "rate": course.LogSlider(0.001, 1, value=0.1),
    "kind": course.Choice(["one", "two"]),
    "squared": course.Toggle(),
}
say = lambda **parameters: f"The title says {parameters}."
draw = lambda figure, **parameters: figure.suptitle(str(parameters))
course.Explorer(draw, controls, alt=say, sentence=say, figsize=(6, 1))
---
course.predict("where-to-aim")
---
course.TrainingDashboard(pg.corridor())
---
dull = ipywidgets.Button(description="dull")
style = ipywidgets.HTML(
    "<style>.bare * { outline: none !important; box-shadow: none !important }"
)
bare = [ipywidgets.IntSlider(), ipywidgets.Button(), dull, style]
ipywidgets.VBox(bare).add_class("bare")
"""


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def test_a_sound_page_has_no_fault(page):
    page.set_content(SOUND % '<button>Named</button><p style="color: #555">dark</p>')
    assert axe_faults(page) == []
    assert tree_faults(page, "body") == ({"controls": 1, "images": 0}, [])


def test_each_fault_of_a_page_is_found(page):
    page.set_content(SOUND % "".join(WRONG))
    found = "\n".join(axe_faults(page) + tree_faults(page, "body")[1])
    assert [fault for fault in WRONG.values() if fault not in found] == []


@pytest.fixture(scope="module")
def live(lab, root: Path) -> Iterator[Live]:
    write_notebook(root / "heard.ipynb", CELLS.split("---\n"))
    with running(lab, "heard.ipynb") as live:
        yield live


@pytest.mark.parametrize("kind", [".pg-explorer", ".pg-question", ".pg-dashboard"])
def test_a_demo_is_heard_and_its_focus_is_seen(live, kind):
    root = live.page.locator(kind)
    assert root.count() == 1
    assert axe_faults(live.page, kind) == []
    counts, faults = tree_faults(live.page, kind)
    assert faults == []
    number, unseen = focus_faults(live.page, root)
    assert unseen == []
    assert counts["controls"] == number


def test_a_slider_tells_its_value_as_it_is_written(live):
    slider = live.page.locator(".pg-explorer [role=slider]").first
    slider.press("ArrowLeft")
    live.page.locator(".pg-explorer .pg-sentence", has_text="0.94").wait_for()
    assert slider.get_attribute("aria-valuetext") == "0.94"
    readout = live.page.get_by_role("textbox", name="discount gamma")
    assert readout.inner_text() == "0.94"


@pytest.mark.parametrize("kind", [".pg-explorer", ".pg-question", ".pg-dashboard"])
def test_what_a_demo_says_is_announced(live, kind):
    sentence = live.page.locator(f"{kind} .pg-sentence")
    assert sentence.get_attribute("aria-live") == "polite"


def test_each_fault_of_a_demo_is_found(live):
    found = axe_faults(live.page, ".bare") + tree_faults(live.page, ".bare")[1]
    assert any("axe: button-name (critical)" in fault for fault in found), found
    assert "a slider has no name in the accessibility tree" in found
    assert "takes the focus as 'generic', named ''" in found
    _, unseen = focus_faults(live.page, live.page.locator(".bare"))
    assert "the focus on 'dull' cannot be seen" in unseen
