"""What a reader would see of an output or a widget: its pictures and its words."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image


class Page(HTMLParser):
    """The pictures of some HTML, as (pixels, alternative text), and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures: list[tuple[np.ndarray, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            found = dict(attributes)
            head, _, data = found["src"].partition(",")
            assert head == "data:image/png;base64"
            self.pictures.append((pixels(base64.b64decode(data)), found["alt"]))

    def handle_data(self, data):
        self.text += data


def pixels(png: bytes) -> np.ndarray:
    """Colours (height, width, 3) of a PNG file, from 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(image: np.ndarray, colour: str, within: int = 40) -> np.ndarray:
    """Where a picture has about a colour, bool (height, width)."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return (abs(image - wanted) <= within).all(axis=2)


def middle(mask: np.ndarray) -> tuple[float, float]:
    """Mean column and mean row of what a mask marks."""
    rows, columns = np.nonzero(mask)
    return columns.mean(), rows.mean()


def everything(view) -> list:
    """A view and the widgets inside it."""
    return [view, *(w for c in getattr(view, "children", ()) for w in everything(c))]


def widgets_of(view, css_class: str) -> list:
    """Those that have a CSS class."""
    return [w for w in everything(view) if css_class in w._dom_classes]


def shown(view, css_class: str) -> Page:
    """The one HTML widget inside a view that has a CSS class, as a page."""
    (widget,) = widgets_of(view, css_class)
    return Page(widget.value)
