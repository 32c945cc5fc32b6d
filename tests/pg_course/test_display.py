import base64
import sys

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from screens import Page, pixels

from pg_course.stage import display
from pg_course.stage.display import Picture, clear, img_tag, png_of, png_size, show

ODD = 'Rises from 1 to <b>"3"</b> & back,\n  as the reader\'s eye sees.'
ODD_ON_ONE_LINE = 'Rises from 1 to <b>"3"</b> & back, as the reader\'s eye sees.'


def striped_figure():
    """6 x 3.5 inches; the left half is pure red, the right half pure blue."""
    figure = Figure(figsize=(6, 3.5))
    for left, colour in ((0, "red"), (0.5, "blue")):
        axes = figure.add_axes((left, 0, 0.5, 1))
        axes.set_axis_off()
        axes.axhspan(0, 1, color=colour)
        axes.axis((0, 1, 0, 1))
    return figure


@pytest.mark.parametrize("small", [False, True])
def test_a_figure_is_rendered_in_full_at_a_hundred_dots_an_inch(small):
    image = pixels(png_of(striped_figure(), small))
    assert image.shape == (350, 600, 3)
    assert (image[:, 5:290] == [255, 0, 0]).all()
    assert (image[:, 310:595] == [0, 0, 255]).all()


def test_a_small_file_looks_the_same():
    figure = Figure(figsize=(6, 3.5))
    axes = figure.add_subplot()
    axes.plot(np.sin(np.arange(100)), label="sine")
    axes.imshow(np.random.default_rng(0).random((9, 9)), extent=(20, 60, -1, 1))
    axes.legend()
    large, small = png_of(figure), png_of(figure, small=True)
    assert len(small) < 0.6 * len(large)
    assert abs(pixels(large) - pixels(small)).max() < 32


def test_what_a_cell_output_holds():
    picture = Picture(png_of(striped_figure()), ODD)
    data, metadata = picture._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == ODD_ON_ONE_LINE
    assert metadata["image/png"]["alt"] == ODD_ON_ONE_LINE
    ((image, alt),) = Page(data["text/html"]).pictures
    assert alt == ODD_ON_ONE_LINE
    assert (image == pixels(base64.b64decode(data["image/png"]))).all()


def test_alternative_text_reaches_a_web_page():
    data, metadata = Picture(png_of(striped_figure()), ODD)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("show(figure)", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    for template in ("lab", "classic"):
        html, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
        ((image, alt),) = Page(html).pictures
        assert alt == ODD_ON_ONE_LINE
        assert image.shape == (350, 600, 3)


def test_show_displays_a_picture(monkeypatch):
    displayed = []
    monkeypatch.setattr(display, "display", displayed.append)
    assert show(striped_figure(), "Red, then blue.") is None
    (picture,) = displayed
    assert picture.alt == repr(picture) == "Red, then blue."
    assert (pixels(picture.png) == pixels(png_of(striped_figure()))).all()


def test_show_closes_a_figure_of_pyplot(monkeypatch):
    monkeypatch.setattr(display, "display", lambda picture: None)
    figure, other = plt.figure(), plt.figure()
    show(figure, "Nothing.")
    assert plt.get_fignums() == [other.number]
    plt.close(other)


def test_show_does_without_pyplot(monkeypatch):
    monkeypatch.setattr(display, "display", lambda picture: None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    show(striped_figure(), "Red, then blue.")
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("alt", ["", " \n "])
def test_an_empty_alternative_text_is_refused(alt):
    with pytest.raises(ValueError, match="^alt: expected a text that says what"):
        show(striped_figure(), alt)


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="^alt: expected a string, got None"):
        show(striped_figure(), None)
    with pytest.raises(TypeError, match="^figure: expected a matplotlib Figure"):
        show([1, 2, 3], "A list.")
    with pytest.raises(TypeError, match="^png: expected bytes, got str"):
        Picture("a.png", "A file.")
    with pytest.raises(ValueError, match="^png: expected a PNG file, got b'GIF89a'"):
        Picture(b"GIF89a", "A film.")


def test_the_size_is_read_from_the_file():
    assert png_size(png_of(Figure(figsize=(4, 1.5)))) == (400, 150)


def test_a_picture_keeps_its_place_and_fits_a_narrow_page():
    tag = img_tag(png_of(Figure(figsize=(4, 1.5))), "Nothing.")
    for part in ('width="400" height="150"', "max-width: 100%"):
        assert part in tag


def test_the_same_figure_gives_the_same_file():
    assert png_of(striped_figure(), True) == png_of(striped_figure(), True)


@pytest.mark.parametrize("font", [8, 12, 16])
@pytest.mark.parametrize("figsize", [(6.4, 3.6), (8, 5)])
def test_margins_hold_the_labels(font, figsize):
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
