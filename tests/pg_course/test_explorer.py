import asyncio
import threading
import time

import pytest
from matplotlib.figure import Figure
from screens import near, pixels, shown, widgets_of

import pg_course as course
from pg_course.stage.controls import Choice, LogSlider, Slider, Toggle

# A bar that is `height` of the picture high, in a colour, with a frame or without.
CONTROLS = {
    "height": Slider(0, 1, 0.25, value=0.5, label="height of the bar"),
    "colour": Choice(["red", "blue"]),
    "framed": Toggle(False),
}


def draw(figure, height, colour, framed):
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis((0, 1, 0, 1))
    axes.set_axis_off()
    axes.axhspan(0, height, color=colour)
    if framed:
        axes.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color="black", linewidth=8)


def alt(height, colour, framed):
    return f"A {colour} bar of height {height}."


def sentence(height, colour, framed):
    return f"<{colour}> & height = {height}"


def explorer(**changes):
    arguments = {"draw": draw, "controls": CONTROLS, "alt": alt, "sentence": sentence}
    return course.Explorer(**arguments | {"figsize": (3, 2)} | changes)


def picture(demo):
    ((image, text),) = shown(demo.view, "pg-picture").pictures
    return image, text


def share(image, colour):
    return near(image, colour, within=0).mean()


RED, BLUE, BLACK = "#ff0000", "#0000ff", "#000000"


def test_the_picture_shows_the_first_parameters():
    image, text = picture(explorer())
    assert image.shape == (200, 300, 3)
    assert share(image, RED) == pytest.approx(0.5, abs=0.01)
    assert text == "A red bar of height 0.5."


def test_picture_and_texts_follow_each_parameter():
    demo = explorer()
    demo.set(height=0.75)
    assert share(picture(demo)[0], RED) == pytest.approx(0.75, abs=0.01)
    demo.set(colour="blue")
    image, text = picture(demo)
    assert share(image, BLUE) == pytest.approx(0.75, abs=0.01)
    assert share(image, RED) == 0
    assert text == "A blue bar of height 0.75."
    assert shown(demo.view, "pg-sentence").text == "<blue> & height = 0.75"
    demo.set(framed=True)
    assert share(picture(demo)[0], BLACK) > 0.02


def test_the_callbacks_get_clean_values():
    demo = explorer()
    demo._widgets["height"].value = 0.1 + 0.1 + 0.05 + 1e-12
    assert demo.parameters == {"height": 0.25, "colour": "red", "framed": False}
    assert str(demo.parameters["height"]) == "0.25"


def test_there_is_one_figure_and_it_is_empty_each_time():
    seen = []

    def watch(figure, **parameters):
        seen.append((figure, len(figure.axes)))
        draw(figure, **parameters)

    demo = explorer(draw=watch)
    demo.set(height=1)
    demo.set(height=0)
    assert seen == [(demo.figure, 0)] * 3
    assert isinstance(demo.figure, Figure)


def test_many_controls_moved_at_once_draw_once():
    calls = []
    demo = explorer(draw=lambda figure, **p: calls.append(p))
    calls.clear()
    demo.set(height=1, colour="blue", framed=True)
    assert calls == [{"height": 1.0, "colour": "blue", "framed": True}]


def test_what_was_drawn_is_kept():
    calls = []

    def watch(figure, **parameters):
        calls.append(parameters)
        draw(figure, **parameters)

    demo = explorer(draw=watch)
    first = picture(demo)
    demo.set(colour="blue")
    assert len(calls) == 2
    demo.reset()
    assert len(calls) == 2
    assert (picture(demo)[0] == first[0]).all() and picture(demo)[1] == first[1]
    assert shown(demo.view, "pg-sentence").text == "<red> & height = 0.5"


def test_no_more_than_a_few_pictures_are_kept():
    calls = []
    control = {"number": Slider(0, 200, 1)}
    demo = course.Explorer(
        lambda figure, number: calls.append(number),
        control,
        alt=lambda number: f"{number}",
        sentence=lambda number: f"{number}",
        figsize=(1, 1),
    )
    for number in (*range(1, 101), 100, 0):
        demo.set(number=number)
    assert calls == [*range(101), 0]


async def the_drawn_after(demo, calls, **parameters):
    """What is drawn, at once and later, once a reader has moved controls."""
    calls.clear()
    for name, value in parameters.items():
        demo._widgets[name].value = value
    at_once = list(calls)
    await asyncio.sleep(0.5)
    return at_once, calls[len(at_once) :]


def watched(**changes):
    calls = []

    def watch(figure, height, **rest):
        calls.append(height)
        draw(figure, height, **rest)
        if height in changes.get("bad", ()):
            raise ValueError("bad")

    return explorer(draw=watch), calls


def test_the_next_steps_are_drawn_while_nobody_waits():
    demo, calls = watched()
    assert asyncio.run(the_drawn_after(demo, calls, height=0.75)) == ([0.75], [1.0])
    assert asyncio.run(the_drawn_after(demo, calls, height=1.0)) == ([], [])
    assert share(picture(demo)[0], RED) > 0.99, "it shows what the controls say"
    demo, calls = watched()
    assert asyncio.run(the_drawn_after(demo, calls, height=0.25)) == ([0.25], [0])
    demo, calls = watched()
    assert asyncio.run(the_drawn_after(demo, calls, colour="blue")) == ([0.5], [])


def test_while_a_control_is_moving_nothing_is_drawn_ahead():
    demo, calls = watched()

    async def drag():
        for height in (0.75, 1.0, 0.75, 0.5, 0.25):
            demo._widgets["height"].value = height
            await asyncio.sleep(0.005)

    calls.clear()
    asyncio.run(drag())
    assert calls == [0.75, 1.0, 0.25]


def test_two_threads_do_not_draw_at_the_same_time():
    overlaps, busy = [], threading.Event()

    def watch(figure, height, **rest):
        overlaps.append(busy.is_set())
        busy.set()
        draw(figure, height, **rest)
        time.sleep(0.05)
        busy.clear()

    # As when a demo is moved in a thread of JupyterLab's while a cell makes another.
    demos = [explorer(draw=watch), explorer(draw=watch)]
    threads = [threading.Thread(target=d.set, kwargs={"height": 1}) for d in demos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [False] * 4
    assert all(share(picture(demo)[0], RED) > 0.99 for demo in demos)


def test_what_fails_ahead_is_told_when_it_is_reached():
    demo, calls = watched(bad=(1.0,))
    at_once, later = asyncio.run(the_drawn_after(demo, calls, height=0.75))
    assert (at_once, later) == ([0.75], [1.0])
    assert demo.error is None and shown(demo.view, "pg-error").text == ""
    demo._widgets["height"].value = 1.0
    assert "ValueError: bad" in shown(demo.view, "pg-error").text


def test_the_reset_button_brings_back_the_first_picture():
    demo = explorer()
    first, first_alt = picture(demo)
    demo.set(height=1, colour="blue", framed=True)
    assert (picture(demo)[0] != first).any()
    (button,) = [w for w in everything(demo.view) if type(w).__name__ == "Button"]
    assert button.description == "Reset"
    button.click()
    assert (picture(demo)[0] == first).all()
    assert picture(demo)[1] == first_alt
    assert demo.parameters == {"height": 0.5, "colour": "red", "framed": False}


def everything(view):
    return [view, *(w for c in getattr(view, "children", ()) for w in everything(c))]


def raise_at_the_end(figure, height, **rest):
    if height == 1:
        raise ZeroDivisionError("nothing <left> above")
    draw(figure, height, **rest)


def alt_fails(height, **rest):
    return "" if height == 1 else f"Height {height}."


def sentence_fails(height, **rest):
    return {0.5: "half"}[height]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draw": raise_at_the_end}, "ZeroDivisionError: nothing <left> above"),
        ({"alt": alt_fails}, "ValueError: alt: expected a text that says what"),
        ({"sentence": sentence_fails}, "KeyError: 1.0"),
    ],
)
def test_what_a_callback_raises_is_shown_and_kept(changes, message):
    demo = explorer(**changes)
    assert demo.error is None and shown(demo.view, "pg-error").text == ""
    before = picture(demo)
    demo._widgets["height"].value = 1.0  # nobody would hear of an exception here
    assert message in shown(demo.view, "pg-error").text
    assert type(demo.error).__name__ == message.split(":")[0]
    assert (picture(demo)[0] == before[0]).all(), "the last good picture stays"
    demo._widgets["height"].value = 0.5
    assert demo.error is None and shown(demo.view, "pg-error").text == ""


def test_set_raises_what_a_callback_raised():
    demo = explorer(draw=raise_at_the_end)
    with pytest.raises(ZeroDivisionError, match="above"):
        demo.set(height=1)
    demo.set(height=0.75)
    assert share(picture(demo)[0], RED) == pytest.approx(0.75, abs=0.01)


def test_a_demo_that_fails_from_the_start_is_not_made():
    with pytest.raises(ZeroDivisionError):
        explorer(
            draw=raise_at_the_end, controls=CONTROLS | {"height": Slider(0, 1, 1, 1)}
        )


def test_what_is_stored_in_a_notebook():
    demo = explorer()
    data, metadata = demo._repr_mimebundle_()
    view = data.pop("application/vnd.jupyter.widget-view+json")
    assert view["model_id"] == demo.view.model_id
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == "A red bar of height 0.5."
    demo.set(height=1, colour="blue")
    later, _ = demo._repr_mimebundle_()
    assert {kind: later[kind] for kind in data} == data, "the first picture, always"


def test_the_stored_picture_is_the_first_one():
    demo = explorer()
    assert (pixels(demo._first.png) == picture(demo)[0]).all()


def test_everything_in_a_demo_can_be_found_and_has_a_name():
    demo = explorer(controls=CONTROLS)
    for css_class in ("pg-explorer", "pg-picture", "pg-sentence", "pg-error"):
        assert len(widgets_of(demo.view, css_class)) == 1
    names = [w.description for w in everything(demo.view) if hasattr(w, "description")]
    wanted = ["height of the bar", "colour", "framed", "Reset"]
    assert [name for name in names if name] == wanted
    for widget in everything(demo.view):
        assert widget.tabbable is not False


def test_a_name_is_taken_from_the_parameter():
    demo = course.Explorer(
        lambda figure, learning_rate: None,
        {"learning_rate": LogSlider(0.1, 10)},
        alt=lambda learning_rate: "Nothing.",
        sentence=lambda learning_rate: "Nothing.",
    )
    assert demo._widgets["learning_rate"].description == "learning rate"


def test_the_browser_shows_every_slider_step_at_once():
    # What ipywidgets throttles: only the last of the values that pile up is sent.
    assert explorer()._widgets["height"].continuous_update


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"draw": None}, TypeError, "draw: expected a function, got None"),
        ({"alt": "A bar."}, TypeError, "alt: expected a function, got 'A bar.'"),
        ({"controls": {}}, ValueError, "controls: expected at least one, got none"),
        (
            {"controls": {"height": (0, 1)}},
            TypeError,
            r"controls\['height'\]: expected a Slider, .* got \(0, 1\)",
        ),
    ],
)
def test_bad_arguments_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        explorer(**changes)


def test_bad_parameters_are_refused_and_nothing_moves():
    demo = explorer()
    with pytest.raises(TypeError, match=r"expected parameters among .* got \['h'\]"):
        demo.set(height=1, h=1)
    with pytest.raises(ValueError, match="expected 0 to 1, got 2"):
        demo.set(colour="blue", height=2)
    assert demo.parameters == {"height": 0.5, "colour": "red", "framed": False}
    assert demo.error is None
