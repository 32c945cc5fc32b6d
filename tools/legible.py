"""What in a figure is too pale to be seen, or is known by its colour alone.

The limits are those of WCAG 2.2: 4.5 to 1 for text, 3 to 1 for all that is drawn.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import same_color, to_rgba
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from tools.colours import WHITE, contrast, lightness, lightness_is_monotonic, over

TEXT, DRAWN = 4.5, 3.0
WIDER = 2.0  # so many times as wide, a line is another one without its colour too
LIGHTER = 20.0  # of 100: two fills are told apart in grey


@dataclass
class Found:
    """What was looked at, by kind, and what is wrong with it."""

    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def look(self, kind: str, wrong: str = "") -> None:
        """Count one thing, and note its fault."""
        self.counts[kind] += 1
        if wrong and wrong not in self.faults:
            self.faults.append(wrong)


def examine(figure: Figure) -> Found:
    """Look at all that a figure shows."""
    found = Found()
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        look_at_lines(axes, found)
        look_at_fills(axes, found)
        look_at_scales(axes, found)
        look_at_legend(axes, found)
    look_at_texts(figure, found)
    return found


def look_at_lines(axes: Axes, found: Found) -> None:
    """Each line is dark enough, and no two are apart by colour alone."""
    lines = [line for line in axes.lines if is_shown(line)]
    ground = over(axes.get_facecolor())
    for line in lines:
        seen = contrast(strongest(line, ground), ground)
        found.look("lines and marks", too_pale(line, seen))
    for one, other in combinations(lines, 2):
        if same_color(one.get_color(), other.get_color()):
            continue
        found.look("pairs of curves", alike(one, other))


def is_shown(line: Line2D) -> bool:
    """Whether a line leaves any mark."""
    drawn = has_stroke(line) or has_marks(line)
    return bool(line.get_visible() and drawn and len(np.atleast_1d(line.get_xdata())))


def has_stroke(line: Line2D) -> bool:
    return line.get_linestyle() not in ("None", "", " ") and line.get_linewidth() > 0


def has_marks(line: Line2D) -> bool:
    return line.get_marker() not in ("None", "", " ", None)


def strongest(line: Line2D, ground: Any) -> tuple[float, ...]:
    """The colour by which a line or its marks are seen best."""
    colours = [line.get_color()] if has_stroke(line) else []
    if has_marks(line):
        colours += [line.get_markerfacecolor(), line.get_markeredgecolor()]
    strokes = [getattr(effect, "_gc", {}) for effect in line.get_path_effects()]
    colours += [stroke["foreground"] for stroke in strokes if "foreground" in stroke]
    visible = [c for c in colours if not (isinstance(c, str) and c == "none")]
    alpha = line.get_alpha()
    seen = [over(to_rgba(c, alpha), ground) for c in visible]
    return max(seen, key=lambda colour: contrast(colour, ground), default=over(ground))


def too_pale(artist: Any, seen: float) -> str:
    """The fault of what is drawn, or nothing."""
    if seen >= DRAWN - 0.005:
        return ""
    return f"{name_of(artist)}: contrast {seen:.2f}, less than {DRAWN}"


def name_of(artist: Any) -> str:
    label = str(artist.get_label())
    kind = type(artist).__name__
    return f"{kind} {label!r}" if label and not label.startswith("_") else kind


def alike(one: Line2D, other: Line2D) -> str:
    """The fault of two lines of different colours, or nothing."""
    widths = sorted([one.get_linewidth(), other.get_linewidth()])
    strokes = has_stroke(one) and has_stroke(other)
    if form(one) != form(other) or (strokes and widths[1] >= WIDER * widths[0]):
        return ""
    return f"{name_of(one)} and {name_of(other)}: apart by colour alone"


def form(line: Line2D) -> tuple:
    """What is seen of a line without its colour."""
    # From edge to edge, as axhline draws it; a curve is not.
    across = line.axes is not None and line.get_transform() != line.axes.transData
    stroke = str(line._unscaled_dash_pattern) if has_stroke(line) else ""  # type: ignore
    if not has_marks(line):
        return across, stroke, "", True
    filled = over(line.get_markerfacecolor()) != WHITE
    return across, stroke, str(line.get_marker()), filled


def look_at_fills(axes: Axes, found: Found) -> None:
    """Bars, bands, arrows and dots are seen by their fill or by their edge."""
    ground = over(axes.get_facecolor())
    for artist in [*axes.patches, *axes.collections]:
        # A shade says nothing by itself: see plots.SHADES.
        if not artist.get_visible() or artist.get_gid() == "shade":
            continue
        if isinstance(artist, ContourSet):
            continue
        # A colour scale begins where it begins; what it says is checked elsewhere.
        if isinstance(artist, ScalarMappable) and artist.get_array() is not None:
            continue
        shown = list(fills(artist))
        if shown:
            weakest = min(
                max(contrast(over(colour, ground), ground) for colour in pair)
                for pair in shown
            )
            found.look("fills", too_pale(artist, weakest))


def fills(artist: Any) -> Iterator[tuple]:
    """Face and edge of each part of a patch or a collection that is not all clear."""
    faces = np.atleast_2d(artist.get_facecolor())
    edges = np.atleast_2d(artist.get_edgecolor())
    widths = np.atleast_1d(artist.get_linewidth())
    for number in range(max(len(faces), len(edges))):
        pair = []
        if len(faces) and faces[number % len(faces)][3] > 0:
            pair.append(tuple(faces[number % len(faces)]))
        edged = len(edges) and widths[number % len(widths)] > 0
        if edged and edges[number % len(edges)][3] > 0:
            pair.append(tuple(edges[number % len(edges)]))
        if pair:
            yield tuple(pair)


def look_at_scales(axes: Axes, found: Found) -> None:
    """A colour scale grows darker or lighter throughout, or numbers stand in it."""
    for artist in [*axes.images, *axes.collections]:
        if isinstance(artist, ContourSet) or artist.get_array() is None:
            continue
        cells = np.asarray(artist.get_array()).size
        numbered = len(axes.texts) >= cells
        wrong = ""
        if not numbered and not lightness_is_monotonic(artist):
            wrong = f"{name_of(artist)}: lightness of {artist.get_cmap().name} turns"
        found.look("colour scales", wrong)
    for lines in axes.collections:
        if isinstance(lines, ContourSet) and axes.images:
            image = axes.images[0]
            for level, edge in zip(lines.levels, lines.get_edgecolor(), strict=False):
                ground = over(image.to_rgba(np.array([level]))[0])
                seen = contrast(over(edge, ground), ground)
                found.look("lines and marks", too_pale(lines, seen))


def look_at_legend(axes: Axes, found: Found) -> None:
    """Fills named in a legend differ in hatching, in edge, or in grey."""
    handles, names = axes.get_legend_handles_labels()
    fills_named = [
        (artist[0] if isinstance(artist, tuple) and artist else artist, name)
        for artist, name in zip(handles, names, strict=True)
    ]
    looks = [(look, name) for artist, name in fills_named if (look := fill_of(artist))]
    for (one, first), (other, second) in combinations(looks, 2):
        grey = abs(one[1] - other[1])
        same = one[0] == other[0] and grey < LIGHTER
        wrong = f"fills {first!r} and {second!r}: apart by colour alone" if same else ""
        found.look("pairs of fills", wrong)


def fill_of(artist: Any) -> tuple | None:
    """Hatching and lightness of what fills an area, or None."""
    parts = getattr(artist, "patches", None)
    patch = parts[0] if parts else artist
    if not hasattr(patch, "get_hatch") or not hasattr(patch, "get_facecolor"):
        return None
    face = np.atleast_2d(patch.get_facecolor())
    if not len(face):
        return None
    return (patch.get_hatch() or "", lightness(tuple(face[0])))


def look_at_texts(figure: Figure, found: Found) -> None:
    """Letters stand out from what lies behind them."""
    texts = [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
    ]
    plain = over(figure.get_facecolor())
    pixels = None
    for text in texts:
        colour = over(to_rgba(text.get_color(), text.get_alpha()))
        ground: Any = plain
        if isinstance(text.axes, Axes) and text in text.axes.texts:
            if pixels is None:
                pixels = without(texts, figure)
            ground = behind(text, pixels, plain)
        seen = contrast(colour, ground)
        what = f"text {text.get_text()[:30]!r}"
        pale = seen < TEXT - 0.005
        found.look(
            "texts", f"{what}: contrast {seen:.2f}, below {TEXT}" if pale else ""
        )


def without(texts: list[Text], figure: Figure) -> NDArray[np.float64]:
    """The picture before its texts are written, (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    opacities = [text.get_alpha() for text in texts]
    for text in texts:
        text.set_alpha(0)  # hidden texts would leave their room to others
    canvas.draw()
    for text, opacity in zip(texts, opacities, strict=True):
        text.set_alpha(opacity)
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def behind(text: Text, pixels: NDArray[np.float64], plain: Any) -> Any:
    """The commonest colour behind a text."""
    box = text.get_window_extent()
    height, width = pixels.shape[:2]
    left, right = max(int(box.x0), 0), min(int(box.x1) + 1, width)
    top, bottom = max(int(height - box.y1), 0), min(int(height - box.y0) + 1, height)
    part = pixels[top:bottom, left:right].reshape(-1, 3)
    if not len(part):
        return plain
    colours, counts = np.unique(part.round(2), axis=0, return_counts=True)
    return tuple(colours[counts.argmax()])
