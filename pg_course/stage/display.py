"""Pictures in a notebook that also say in words what they show."""

from __future__ import annotations

import base64
import html
import io
import struct
import sys
import threading
from dataclasses import dataclass
from typing import Any

from IPython.display import display
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from pg_helpers.require import check_positive, shown

DPI = 100
LARGEST = 40  # inches of a figure: 64 MB while it is drawn

Bundle = tuple[dict[str, Any], dict[str, Any]]  # of MIME types, and its metadata

# JupyterLab may deliver the changes of a widget in a thread of their own, beside the
# cell that runs, and matplotlib cannot draw in two threads at once.
DRAWING = threading.RLock()


def show(figure: Figure, alt: str) -> None:
    """Display a figure as a picture with alternative text.

    A figure made by pyplot is closed, so that the cell does not show it again.

    Args:
        figure: drawn at `DPI` dots per inch, in full: nothing is cropped.
        alt: what the picture shows, in one or two sentences. It is compared when the
            notebook is tested, so round every trained number in it.

    Raises:
        TypeError: figure is not a matplotlib Figure, or alt is not a string.
        ValueError: alt is empty.
    """
    display(Picture(png_of(figure, small=True), alt))
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


@dataclass(frozen=True, repr=False)
class Picture:
    """A PNG with alternative text, as the last expression of a cell or by `display`.

    Attributes:
        png: the file, animated or not.
        alt: the alternative text, on one line.

    Raises:
        TypeError: png is not bytes, or alt is not a string.
        ValueError: png is not a PNG file, or alt is empty.
    """

    png: bytes
    alt: str

    def __post_init__(self) -> None:
        """Validate."""
        if not isinstance(self.png, bytes):
            raise TypeError(f"png: expected bytes, got {type(self.png).__name__}")
        png_size(self.png)
        object.__setattr__(self, "alt", check_alt(self.alt))

    def __repr__(self) -> str:
        """The alternative text, for who sees no pictures."""
        return self.alt

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        """HTML for JupyterLab and web pages, PNG for print, text for the rest.

        JupyterLab 4.6 and the default template of nbconvert 7 show an image/png without
        alternative text, whatever its metadata say; both show this HTML with it, also
        in a notebook that is not trusted. The metadata serve nbconvert's classic
        template and nbsphinx.
        """
        data = {
            "text/html": img_tag(self.png, self.alt),
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.alt,
        }
        return data, {"image/png": {"alt": self.alt}}


def png_of(figure: Figure, small: bool = False) -> bytes:
    """Render a figure as PNG at `DPI` dots per inch.

    Args:
        figure: any matplotlib Figure.
        small: whether it will be stored in a notebook: see `smaller`.

    Returns:
        The file.

    Raises:
        TypeError: figure is not a matplotlib Figure.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure: expected a matplotlib Figure, got {shown(figure)}")
    file = io.BytesIO()
    with DRAWING:
        # Without the name of the program: an unchanged picture stays unchanged.
        figure.savefig(
            file,
            format="png",
            dpi=DPI,
            metadata={"Software": None},
            pil_kwargs={"compress_level": 1},
        )
    return smaller(file.getvalue()) if small else file.getvalue()


def smaller(png: bytes) -> bytes:
    """Reduce a PNG to 256 colours: a third of the size, for 25 ms.

    Args:
        png: the file.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    file = io.BytesIO()
    image.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "png", optimize=True)
    return file.getvalue()


def clear(figure: Figure) -> None:
    """Empty a figure, with margins that hold the axis labels, also in a large font.

    A layout engine would do it too, and take 15 ms at each change.
    """
    figure.clear()
    width, height = figure.get_size_inches()
    em = rcParams["font.size"] / 72
    figure.subplots_adjust(
        left=5.5 * em / width,
        right=1 - 1.5 * em / width,
        bottom=4 * em / height,
        top=1 - 2.5 * em / height,
    )


def empty(axes: Axes) -> None:
    """Take from axes what was drawn on them, but not their ticks.

    To draw again on the same axes takes half the time: most of it goes into new ticks.
    """
    kinds = (axes.lines, axes.collections, axes.patches, axes.texts, axes.images)
    for artist in [artist for kind in kinds for artist in kind]:
        artist.remove()
    axes.relim()
    axes.autoscale()
    axes.set_aspect("auto")
    axes.set_axis_on()


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a PNG file.

    Raises:
        ValueError: it is not a PNG file.
    """
    if not png.startswith(b"\x89PNG\r\n\x1a\n") or len(png) < 24:
        raise ValueError(f"png: expected a PNG file, got {png[:8]!r}")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def img_tag(png: bytes, alt: str) -> str:
    """HTML of a picture that shrinks with a narrow page.

    Args:
        png: the file.
        alt: the alternative text; it is escaped here.

    Returns:
        An <img> element with the file inside.
    """
    width, height = png_size(png)
    # Decoded with the page, not after it, so that a picture that replaces another
    # does not flash; width and height keep its place until then.
    parts = [
        f'alt="{html.escape(check_alt(alt))}"',
        f'width="{width}" height="{height}"',
        'style="display: block; max-width: 100%; height: auto" decoding="sync"',
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"',
    ]
    return f"<img {' '.join(parts)}>"


def check_size(size: Any) -> tuple[float, float]:
    """Return width and height in inches.

    Raises:
        TypeError: it is not a pair of numbers.
        ValueError: one is not above 0 or above `LARGEST`.
    """
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise TypeError(f"figsize: expected (width, height), got {shown(size)}")
    width, height = (check_positive("figsize", side) for side in size)
    if max(width, height) > LARGEST:
        raise ValueError(
            f"figsize: expected at most {LARGEST} inches, got {width} x {height}"
        )
    return width, height


def check_alt(alt: str) -> str:
    """Return an alternative text on one line.

    Raises:
        TypeError: it is not a string.
        ValueError: it is empty.
    """
    if not isinstance(alt, str):
        raise TypeError(f"alt: expected a string, got {shown(alt)}")
    text = " ".join(alt.split())
    if not text:
        raise ValueError("alt: expected a text that says what the picture shows")
    return text
