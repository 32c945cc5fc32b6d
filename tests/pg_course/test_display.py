import base64

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from screens import Page, pixels

from pg_course.stage import display
from pg_course.stage.display import Picture, clear, png_of, show

ODD = 'Rises from 1 to <b>"3"</b> & back,\n  as the reader\'s eye sees.'
ODD_ON_ONE_LINE = 'Rises from 1 to <b>"3"</b> & back, as the reader\'s eye sees.'


def striped_figure():
    """3 x 2 inches; the left half is pure red, the right half pure blue."""
    figure = Figure(figsize=(3, 2))
    for left, colour in ((0, "red"), (0.5, "blue")):
        axes = figure.add_axes((left, 0, 0.5, 1))
        axes.set_axis_off()
        axes.axhspan(0, 1, color=colour)
        axes.axis((0, 1, 0, 1))
    return figure


@pytest.fixture
def displayed(monkeypatch):
    pictures = []
    monkeypatch.setattr(display, "display", pictures.append)
    return pictures


@pytest.mark.parametrize("small", [False, True])
def test_a_figure_is_rendered_in_full_and_always_to_the_same_file(small):
    png = png_of(striped_figure(), small)
    image = pixels(png)
    assert image.shape == (200, 300, 3)
    assert (image[:, 5:145] == [255, 0, 0]).all()
    assert (image[:, 155:295] == [0, 0, 255]).all()
    assert png == png_of(striped_figure(), small)
    assert b"Software" not in png  # the name and version of matplotlib


def test_a_small_file_looks_the_same():
    figure = Figure(figsize=(6, 3.5))
    axes = figure.add_subplot()
    axes.plot(np.sin(np.arange(100)), label="sine")
    axes.imshow(np.random.default_rng(0).random((9, 9)), extent=(20, 60, -1, 1))
    axes.legend()
    large, small = png_of(figure), png_of(figure, small=True)
    assert len(small) < 0.6 * len(large)
    assert abs(pixels(large) - pixels(small)).max() < 32


def test_alternative_text_reaches_the_notebook_and_a_web_page():
    data, metadata = Picture(png_of(striped_figure()), ODD)._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == metadata["image/png"]["alt"] == ODD_ON_ONE_LINE
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("show(figure)", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    for html in (data["text/html"], page):
        ((image, alt),) = Page(html).pictures
        assert alt == ODD_ON_ONE_LINE
        assert (image == pixels(base64.b64decode(data["image/png"]))).all()


def test_show_displays_a_picture(displayed):
    assert show(striped_figure(), "Red, then blue.") is None
    (picture,) = displayed
    assert picture.alt == repr(picture) == "Red, then blue."
    assert (pixels(picture.png) == pixels(png_of(striped_figure()))).all()


def test_show_closes_a_figure_of_pyplot(displayed):
    figure, other = plt.figure(), plt.figure()
    show(figure, "Nothing.")
    assert plt.get_fignums() == [other.number]
    plt.close(other)


@pytest.mark.parametrize("font", [8, 16])
@pytest.mark.parametrize("figsize", [(6.4, 3.6), (8, 5)])
def test_a_cleared_figure_has_margins_that_hold_the_labels(font, figsize):
    with plt.rc_context({"font.size": font}):
        figure = Figure(figsize=figsize)
        figure.add_subplot(projection="polar")
        clear(figure)
        assert not figure.axes
        axes = figure.add_subplot()
        axes.plot([-0.25, 0.25])
        axes.set(xlabel="gap (steps)", ylabel="gap (reward)", title="Gap")
    figure.draw_without_rendering()
    box = axes.get_tightbbox()
    assert box.x0 >= 0 and box.y0 >= 0
    assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
