"""What a reader misses who hears a page, or wants it still: texts, headings, motion."""

import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode
from PIL import Image

from tools.colours import contrast
from tools.legible import DRAWN, TEXT

SHORTEST, LONGEST = 30, 320  # letters of an alternative text
MOVES = 5.0  # seconds that a picture may move by itself (WCAG 2.2.2)
EMPTY_WORDS = re.compile(
    r"^(an? |the )?(figure|plot|image|picture|graph|chart|diagram|photo)\b", re.I
)
# A text without any of these names what is drawn, and not what is to be seen in it.
VERBS = (
    "agree be bend climb come cover cross differ end equal fall gain get give go grow "
    "have hang hold jitter jump keep lean learn lie level lose lower match meet move "
    "need pass pay point push raise reach remain rise scatter stand start stay step "
    "stop tip touch tie turn walk"
)
IRREGULAR = "is are was were has does goes lies ties passes pushes touches reaches"
FINDING = re.compile(
    rf"\b(({'|'.join(VERBS.split())})s?|{IRREGULAR.replace(' ', '|')})\b"
)
IMAGE = re.compile(r"<img\b[^>]*>")
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
COLOUR = r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\b"


@dataclass(frozen=True)
class Shown:
    """A picture of a text or a notebook: where, what it says, and its source."""

    place: str
    alt: str | None
    source: str


def pictures_of(notebook: NotebookNode) -> Iterator[Shown]:
    """The pictures in texts and outputs of a notebook, a link's badge left out."""
    for index, cell in enumerate(notebook.cells):
        texts = [cell.source] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data and "<img" not in data.get("text/html", ""):
                yield Shown(f"cell {index}", None, data["image/png"])
            texts += [
                data[key] for key in ("text/html", "text/markdown") if key in data
            ]
        for text in texts:
            yield from pictures_in(text, f"cell {index}")


def pictures_in(text: str, place: str) -> Iterator[Shown]:
    """The pictures in Markdown or HTML."""
    # A badge is a link: its text says where that leads.
    text = re.sub(r"\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)", "", text)
    for alt, source in MARKDOWN_IMAGE.findall(text):
        yield Shown(place, alt, source)
    for tag in IMAGE.findall(text):
        parts = dict(re.findall(r'\b(alt|src)="([^"]*)"', tag))
        alt = html.unescape(parts["alt"]) if "alt" in parts else None
        yield Shown(place, alt, parts.get("src", ""))


def alt_faults(pictures: Sequence[Shown]) -> list[str]:
    """What is wrong with the alternative texts of one notebook or document."""
    faults: list[str] = []
    said: dict[str, str] = {}
    for picture in pictures:
        alt = (picture.alt or "").strip()
        if wrong := wrong_with(alt):
            faults.append(f"{picture.place}: {wrong}: {alt[:60]!r}")
        if said.setdefault(alt, picture.source) != picture.source:
            faults.append(f"{picture.place}: says the same of another picture: {alt!r}")
    return faults


def wrong_with(alt: str) -> str:
    """Why a text cannot stand for a picture, or nothing."""
    if not alt:
        return "no alternative text"
    if not SHORTEST <= len(alt) <= LONGEST:
        return f"{len(alt)} letters, not {SHORTEST} to {LONGEST}"
    if EMPTY_WORDS.search(alt):
        return "begins with what everybody knows"
    return "" if FINDING.search(alt) else "names things, and states no finding"


def headings_of(markdown: str) -> list[int]:
    """The levels of the headings of a Markdown text, in order."""
    text = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"^(#{1,6}) |<h([1-6])\b", text, re.MULTILINE)
    return [len(marks) or int(level) for marks, level in found]


def heading_faults(levels: Sequence[int]) -> list[str]:
    """What is wrong with the order of headings: one h1, and no level skipped."""
    faults = [] if levels[:1] == [1] else [f"begins with level {list(levels[:1])}"]
    if levels.count(1) != 1:
        faults.append(f"{levels.count(1)} headings of level 1")
    for before, after in zip(levels, levels[1:], strict=False):
        if after > before + 1:
            faults.append(f"from level {before} to level {after}")
    return faults


def table_faults(markdown: str) -> list[str]:
    """Tables with a column that has no name."""
    heads = re.findall(r"^ *(\|.*\|) *\n *\|[-:| ]+\| *$", markdown, re.MULTILINE)
    empty = [head for head in heads if re.search(r"\| *\|", head)]
    return [f"a column has no name: {head}" for head in empty]


def css_faults(css: str) -> tuple[int, list[str]]:
    """Pairs of colours in a style sheet, and those that stand out too little.

    Letters and borders are held against every ground that the sheet has.
    """
    css = css.replace("var(--line)", "".join(re.findall(r"--line: (#\w+)", css)))
    css = css.replace("var(--ink)", "".join(re.findall(r"--ink: (#\w+)", css)))
    named = re.findall(rf"\bbackground(?:-color)?: ({COLOUR})", css)
    grounds = sorted({"#fff", *named})
    pairs, faults = 0, []
    uses = (("(?<![-\\w])color", TEXT), (r"\bborder[-\w]*", DRAWN))
    for what, limit in uses:
        for colour in re.findall(rf"{what}: [^;}}]*?({COLOUR})", css):
            for ground in grounds:
                pairs += 1
                if (seen := contrast(colour, ground)) < limit:
                    faults.append(f"{colour} on {ground}: {seen:.2f}, below {limit}")
    return pairs, faults


def seconds_moving(png: bytes) -> float:
    """How long a picture moves before it rests; infinite if it never does."""
    image = Image.open(io.BytesIO(png))
    frames = getattr(image, "n_frames", 1)
    if frames == 1:
        return 0.0
    plays = image.info.get("loop", 0) or float("inf")
    total = 0.0
    for frame in range(frames):
        image.seek(frame)
        last = image.info["duration"] / 1000
        total += last
    return plays * total - last
