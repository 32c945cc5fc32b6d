"""Write the slides (`slides`) or the handout (`html`) of the notebooks into build/."""

import argparse
import copy
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader
from nbconvert import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"
TEMPLATE_OF = {"slides": "slides", "html": "handout"}
# Of pygments' styles the one with the highest contrast on a light ground: 4.7 or more.
CODE_STYLE = "xcode"
MOST_LINES = 18  # of code that is read from a slide
REVEAL = "sphinx_revealjs/_static/revealjs"
# What is copied beside the pages, and the package of the extra `docs` that ships it.
LIBRARIES = {
    f"{REVEAL}/dist/reset.css": "sphinx-revealjs",
    f"{REVEAL}/dist/reveal.css": "sphinx-revealjs",
    f"{REVEAL}/dist/reveal.js": "sphinx-revealjs",
    f"{REVEAL}/plugin/notes/notes.js": "sphinx-revealjs",
    "sphinx-mathjax-offline/static/mathjax/tex-svg.js": "sphinx-mathjax-offline",
}


@dataclass(frozen=True)
class Entry:
    """A line of the contents, read from the first cell of a notebook."""

    page: str
    title: str
    question: str
    time: str

    @property
    def number(self) -> str:
        return self.title.partition(" · ")[0]

    @property
    def name(self) -> str:
        return self.title.partition(" · ")[2]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(TEMPLATE_OF))
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--to", type=Path, default=ROOT / "build", metavar="FOLDER")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
    folder = options.to / options.kind
    publish(options.kind, paths, folder)
    print(f"{len(paths)} notebooks; open {folder / 'index.html'} in a browser")
    return 0


def publish(kind: str, paths: list[Path], folder: Path) -> None:
    """Write a page for each notebook, the contents and what they load."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "assets").mkdir(parents=True)
    for file, package in LIBRARIES.items():
        shutil.copy(str(distribution(package).locate_file(file)), folder / "assets")
    for asset in ASSETS.iterdir():
        shutil.copy(asset, folder / "assets")
    code_css = HtmlFormatter(style=CODE_STYLE).get_style_defs(".highlight")
    write(folder / "assets" / "code.css", code_css)

    entries = []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if not is_set_up(cell)]
        entries.append(entry_of(notebook, f"{path.stem}.html"))
        write(folder / f"{path.stem}.html", page_of(kind, notebook, entries[-1]))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    contents = environment.get_template("contents.html.j2").render(
        series=entries, slides=kind == "slides", repository=repository()
    )
    write(folder / "index.html", contents)


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def entry_of(notebook: NotebookNode, page: str) -> Entry:
    """Title, question and time, as every notebook begins with them.

    Raises:
        ValueError: one of them is missing.
    """
    text = notebook.cells[0].source if notebook.cells else ""
    found = [
        re.search(pattern, text, re.MULTILINE)
        for pattern in (r"^# (.+)$", r"^\*\*(.+?\?)\*\*", r"^\*Time:\* (\d+ minutes)")
    ]
    if not all(found):
        raise ValueError(f"{page}: expected a title, a question and a time in cell 1")
    return Entry(page, *(match[1] for match in found if match))


def page_of(kind: str, notebook: NotebookNode, entry: Entry) -> str:
    # Not HTMLExporter: it gives a picture that has no alternative text a made-up one.
    exporter = TemplateExporter(
        template_name=TEMPLATE_OF[kind],
        template_extension=".html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"to_html": to_html, "highlighted": Highlight2HTML("python")},
    )
    if kind == "slides":
        notebook = for_slides(notebook)
    text, _ = exporter.from_notebook_node(notebook, {"series": entry})
    return str(text)


def is_set_up(cell: NotebookNode) -> bool:
    """Whether a cell is the folded one of `tools/links.py`, which no page runs."""
    return "set-up" in cell.metadata.get("tags", [])


def for_slides(notebook: NotebookNode) -> NotebookNode:
    """Leave out the code that a slide does not show, and half of the empty lines."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.source = re.sub(r"\n{3,}", "\n\n", cell.source)
        if not shows_code(cell):
            cell.metadata.transient = {"remove_source": True}
            if not cell.outputs:
                cell.metadata.slideshow = {"slide_type": "skip"}
    return notebook


def shows_code(cell: NotebookNode) -> bool:
    """Whether a slide shows the code: not what draws or asks, nor what is too long."""
    tags = " ".join(cell.metadata.get("tags", []))
    if re.search(r"\beq-\d\d\b|\bslide-code\b", tags):
        return True
    drawn = {"text/html", "text/markdown"}
    draws = any(drawn & set(output.get("data", {})) for output in cell.outputs)
    return not draws and len(cell.source.splitlines()) <= MOST_LINES


def to_html(markdown: str) -> str:
    """A Markdown cell for a page, whose links lead from page to page."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(markdown)
    soup = BeautifulSoup(html, "html.parser")
    for heading in soup.find_all(re.compile("^h[1-6]$")):
        # As JupyterLab makes it, so that the links of the notebooks hold.
        heading["id"] = heading.get_text().strip().replace(" ", "-")
    for link in soup.find_all("a", href=True):
        link["href"] = link_from_a_page(str(link["href"]))
    for paragraph in soup.find_all("p"):
        if is_navigation(paragraph):
            paragraph["class"] = "navigation"
        if paragraph.get_text().startswith("Sources."):
            paragraph["class"] = "sources"
    for quote in soup.find_all("blockquote"):
        if quote.get_text().strip().startswith("Predict"):
            quote["class"] = "predict"
    return str(soup)


def link_from_a_page(address: str) -> str:
    """Where a link of a notebook leads from the page made of it."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return address
    anchor = f"#{parts.fragment}" if parts.fragment else ""
    if re.fullmatch(r"\d\d_\w+\.ipynb", parts.path):
        return parts.path.replace(".ipynb", ".html") + anchor
    if parts.path == "../README.md":
        return "index.html#the-series" if anchor == "#the-series" else "index.html"
    target = (FOLDER / parts.path).resolve().relative_to(ROOT)
    place = repository().replace("/tree/", "/blob/")
    return f"{place}/{target.as_posix()}{anchor}"


def is_navigation(paragraph: Tag) -> bool:
    """Whether a paragraph is nothing but a row of links."""
    texts = paragraph.find_all(string=True)
    others = "".join(text for text in texts if not text.find_parent("a"))
    return bool(paragraph.find("a")) and set(others) <= set(" ·\n")


def repository() -> str:
    """The address of the published branch."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["urls"]["Repository"])


if __name__ == "__main__":
    sys.exit(main())
