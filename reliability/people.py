"""Every picture, page, deck, demo and figure, for who hears them or sees no colours."""

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from outcome import outcome
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "browser")]

from heard import (  # noqa: E402
    OURS,
    axe_faults,
    focus_faults,
    tree_faults,
    violations,
)
from lab import NORMAL, open_notebook, run_all, serve  # noqa: E402

from conftest import BROWSERS, FLAGS  # noqa: E402
from pg_course.stage.plots import COLORS  # noqa: E402
from tools import accessible, publish  # noqa: E402
from tools.colours import contrast, over, smallest_distance  # noqa: E402
from tools.notebooks import KERNEL_ENVIRONMENT  # noqa: E402

PATHS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
DOCUMENTS.append(ROOT / "benchmarks" / "RESULTS.md")
LIVE = ".pg-explorer, .pg-dashboard, .pg-question"
# Put before and behind the cells of a notebook: what it saves is examined first.
BEFORE = """
import sys
sys.path.insert(0, {root!r})
from matplotlib.figure import Figure
from tools.legible import Found, examine
_found, _save = Found(), Figure.savefig

def _examined(figure, *arguments, **options):
    found = examine(figure)
    _found.counts.update(found.counts, figures=1)
    _found.faults += found.faults
    return _save(figure, *arguments, **options)

Figure.savefig = _examined
"""
AFTER = "import json; print(json.dumps([_found.counts, _found.faults]))"


def main() -> str:
    """Look at all of it; the section of the report."""
    looked: Counter = Counter()
    faults: list[str] = []
    for counts, found in (texts(), figures()):
        looked += counts
        faults += found
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        counts, found = pages_and_decks(browser, Path(name))
        looked, faults = looked + counts, faults + found
        counts, found, theirs = demos(browser, Path(name))
        looked, faults = looked + counts, faults + found
    return section(looked, faults, theirs)


def texts() -> tuple[Counter, list[str]]:
    """Alternative texts, headings, motion, and the colours of the style sheets."""
    looked: Counter = Counter()
    faults = []
    for path in [*PATHS, *DOCUMENTS]:
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            pictures = list(accessible.pictures_of(notebook))
            cells = [c.source for c in notebook.cells if c.cell_type == "markdown"]
            text = "\n\n".join(cells)
        else:
            text = path.read_text(encoding="utf-8")
            pictures = list(accessible.pictures_in(text, path.name))
        levels = accessible.headings_of(text)
        looked.update(pictures=len(pictures), headings=len(levels))
        found = accessible.alt_faults(pictures) + accessible.heading_faults(levels)
        found += accessible.table_faults(text)
        faults += [f"{path.name}: {fault}" for fault in found]
    for path in sorted((ROOT / "tools" / "assets").glob("*.css")):
        pairs, found = accessible.css_faults(path.read_text(encoding="utf-8"))
        looked["pairs of colours in style sheets"] += pairs
        faults += [f"{path.name}: {fault}" for fault in found]
    return looked, faults


def figures() -> tuple[Counter, list[str]]:
    """What the notebooks draw, each in a kernel of its own."""
    looked: Counter = Counter()
    faults = []
    for path in PATHS:
        notebook = nbformat.read(path, as_version=4)
        before = new_code_cell(BEFORE.format(root=str(ROOT)))
        notebook.cells = [before, *notebook.cells, new_code_cell(AFTER)]
        resources = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            notebook, kernel_name="python3", timeout=120, resources=resources
        )
        client.execute(env=KERNEL_ENVIRONMENT)
        counts, found = json.loads(notebook.cells[-1].outputs[0].text)
        looked.update(counts)
        faults += [f"{path.stem}, a figure: {fault}" for fault in found]
    return looked, faults


@contextmanager
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


def pages_and_decks(browser: Browser, folder: Path) -> tuple[Counter, list[str]]:
    """Every page, and every slide of every deck, by axe-core."""
    looked: Counter = Counter()
    faults = []
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    for kind in publish.TEMPLATE_OF:
        publish.publish(kind, PATHS, folder / kind)
        for path in sorted((folder / kind).glob("*.html")):
            page.goto(path.as_uri())
            page.evaluate("window.MathJax && MathJax.startup.promise")
            deck = kind == "slides" and path.stem != "index"
            found = slides(page, looked) if deck else axe_faults(page)
            looked["decks" if deck else "pages"] += 1
            counts, more = tree_faults(page, "body")
            looked.update({f"{what} in pages": n for what, n in counts.items()})
            faults += [f"{kind}/{path.stem}: {fault}" for fault in found + more]
    page.close()
    return looked, faults


def slides(page: Page, looked: Counter) -> list[str]:
    """Go through a deck; axe sees one slide at a time."""
    page.wait_for_selector("html[data-ready=true]", state="attached")
    faults = axe_faults(page)
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(
            """number => {
              const {h, v} = Reveal.getIndices(Reveal.getSlides()[number]);
              Reveal.slide(h, v, 99);
            }""",
            number,
        )
        looked["slides"] += 1
        faults += axe_faults(page, "section.present:not(.stack)")
    return list(dict.fromkeys(faults))


def demos(browser: Browser, folder: Path) -> tuple[Counter, list[str], list[str]]:
    """Every notebook in JupyterLab; what is wrong outside our outputs comes last."""
    looked: Counter = Counter()
    faults: list[str] = []
    theirs: dict[str, str] = {}
    shutil.copytree(PATHS[0].parent, folder / "root" / "notebooks")
    (folder / "home").mkdir()
    with serve(folder / "root", folder / "home") as address:
        for path in PATHS:
            page = browser.new_page(viewport=NORMAL)
            page.set_default_timeout(60e3)
            open_notebook(page, address, f"notebooks/{path.name}", kernel=True)
            found = run_all(page) + axe_faults(page, OURS)
            counts, more = tree_faults(page, OURS)
            looked.update({f"{what} in JupyterLab": n for what, n in counts.items()})
            found += more
            for root in page.locator(LIVE).all():
                number, unseen = focus_faults(page, root)
                looked["controls whose focus is seen"] += number
                found += unseen
            for other in violations(page):
                theirs[other["id"]] = other["impact"]
            faults += [f"{path.stem}: {fault}" for fault in found]
            page.evaluate("window.notebook.sessionContext.shutdown()")
            page.close()
    return looked, faults, [f"{rule} ({impact})" for rule, impact in theirs.items()]


def section(looked: Counter, faults: list[str], theirs: list[str]) -> str:
    """The report."""
    rows = "\n".join(f"| {what} | {number:,} |" for what, number in looked.items())
    things = sum(looked.values())
    told = "".join(f"- {fault}\n" for fault in faults)
    wrong = f"faults: {len(faults)}, listed below" if faults else "nothing"
    closest = smallest_distance([over(colour) for colour in COLORS])
    palest = min(contrast(colour) for colour in COLORS)
    return f"""## People

Who hears a page, has only a keyboard, or sees no colours. Alternative texts, headings
and style sheets are read; every figure that the notebooks save is examined as it is
drawn; axe-core looks at every page, every slide and every output in JupyterLab, with
all of its rules; Chromium tells the names and roles that it hands to a screen reader;
the keyboard's focus must change the picture of each control.

| looked at | number |
|---|---|
{rows}

{outcome(f"{things:,} things looked at", f"{things - len(faults):,}", wrong)}
{told}
What axe-core finds in the rest of JupyterLab's window, which is not ours:
{", ".join(theirs) or "nothing"}.

No screen reader was used, and nobody who needs one was asked: that a name is there does
not say that it helps. Programs cannot tell whether an alternative text is true: that is
for those to see who change a figure. Of a demo the first picture is examined here; the
tests examine others.

To the eye that tells them apart worst, of the usual one and three simulated ones that
lack a kind of cone, the closest two colours of the curves are {closest:.0f} apart in
CAM02-UCS, where 1 can just be noticed. On white they reach {palest:.1f} to 1 or more.
"""
