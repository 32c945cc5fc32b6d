import asyncio
import threading
from types import SimpleNamespace

import pytest
from screens import everything, near, shown, widgets_of

import pg_course as course
from pg_course.stage.controls import Choice, Slider, Toggle

# A bar that is `height` of the picture high, in a colour, with a frame or without.
CONTROLS = {
    "height": Slider(0, 1, 0.25, value=0.5, label="height of the bar"),
    "colour": Choice(["red", "blue"]),
    "framed": Toggle(False),
}
RED, BLUE, BLACK = "#ff0000", "#0000ff", "#000000"
HEIGHT = "height of the bar"


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


def watched(bad=None):
    """A demo, and the heights that were drawn, the first one excepted."""
    calls = []

    def watch(figure, height, **rest):
        calls.append(height)
        draw(figure, height, **rest)
        if height == bad:
            raise ValueError("bad")

    demo = explorer(draw=watch)
    calls.clear()
    return demo, calls


def picture(demo):
    ((image, text),) = shown(demo.view, "pg-picture").pictures
    return image, text


def share(demo, colour):
    return near(picture(demo)[0], colour, within=0).mean()


def control(demo, name):
    """What a reader moves or presses, by its label."""
    named = [w for w in everything(demo.view) if hasattr(w, "description")]
    (widget,) = [w for w in named if w.description == name]
    return widget


def test_picture_and_texts_follow_the_parameters():
    demo = explorer()
    image, text = picture(demo)
    assert image.shape == (200, 300, 3)
    assert share(demo, RED) == pytest.approx(0.5, abs=0.01)
    assert text == "A red bar of height 0.5."
    # What a slider in a browser computes; the callbacks get 0.25.
    control(demo, HEIGHT).value = 0.1 + 0.1 + 0.05 + 1e-12
    demo.set(colour="blue")
    assert demo.parameters == {"height": 0.25, "colour": "blue", "framed": False}
    assert share(demo, BLUE) == pytest.approx(0.25, abs=0.01)
    assert share(demo, RED) == 0, "nothing is left of what was drawn before"
    assert picture(demo)[1] == "A blue bar of height 0.25."
    assert shown(demo.view, "pg-sentence").text == "<blue> & height = 0.25"
    demo.set(framed=True)
    assert share(demo, BLACK) > 0.02


def test_what_was_drawn_is_kept_and_equal_to_drawing_it_anew():
    demo, calls = watched()
    demo.set(height=1.0, colour="blue", framed=True)
    control(demo, "Reset").click()
    assert calls == [1.0]
    assert (picture(demo)[0] == picture(explorer())[0]).all()
    assert picture(demo)[1] == "A red bar of height 0.5."
    assert shown(demo.view, "pg-sentence").text == "<red> & height = 0.5"


@pytest.fixture
def later(monkeypatch):
    """What a notebook's event loop would do after a pause, in order."""
    waiting = []

    def call_later(pause, function, *arguments):
        assert pause > 0
        waiting.append(lambda: function(*arguments))

    loop = SimpleNamespace(call_later=call_later)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return waiting


def wait(later):
    while later:
        later.pop(0)()


@pytest.mark.parametrize(
    ("name", "value", "at_once", "ahead"),
    [
        (HEIGHT, 0.75, [0.75], [1.0]),
        (HEIGHT, 0.25, [0.25], [0.0]),
        ("colour", "blue", [0.5], []),
    ],
)
def test_the_next_steps_are_drawn_while_nobody_waits(
    later, name, value, at_once, ahead
):
    demo, calls = watched()
    control(demo, name).value = value
    assert calls == at_once
    wait(later)
    assert calls == at_once + ahead
    assert picture(demo)[1] == alt(**demo.parameters), "it shows what the controls say"


def test_a_step_drawn_ahead_is_equal_to_one_drawn_when_it_is_reached(later):
    demo, calls = watched()
    control(demo, HEIGHT).value = 0.75
    wait(later)
    calls.clear()
    control(demo, HEIGHT).value = 1.0
    assert calls == []
    anew = explorer()
    anew.set(height=1.0)
    assert (picture(demo)[0] == picture(anew)[0]).all()
    assert picture(demo)[1] == picture(anew)[1]


def test_while_a_control_is_moving_nothing_is_drawn_ahead(later):
    demo, calls = watched()
    for height in (0.75, 1.0, 0.75, 0.25):
        control(demo, HEIGHT).value = height
    *overtaken, last = later
    later.clear()
    for draw_ahead in overtaken:
        draw_ahead()
    assert calls == [0.75, 1.0, 0.25] and not later
    last()
    assert calls == [0.75, 1.0, 0.25, 0.0]


def test_what_fails_ahead_is_told_when_it_is_reached(later):
    demo, calls = watched(bad=1.0)
    control(demo, HEIGHT).value = 0.75
    wait(later)
    assert calls == [0.75, 1.0]
    assert demo.error is None and shown(demo.view, "pg-error").text == ""
    control(demo, HEIGHT).value = 1.0
    assert "ValueError: bad" in shown(demo.view, "pg-error").text


def test_two_threads_do_not_draw_at_the_same_time():
    overlaps, busy = [], threading.Event()

    def watch(figure, height, **rest):
        overlaps.append(busy.is_set())
        busy.set()
        draw(figure, height, **rest)
        # Lets the other thread run, and draw if nothing keeps it from it.
        threading.Event().wait(0.02)
        busy.clear()

    # As when a demo is moved in a thread of JupyterLab's while a cell makes another.
    demos = [explorer(draw=watch), explorer(draw=watch)]
    threads = [threading.Thread(target=d.set, kwargs={"height": 1}) for d in demos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [False] * 4
    assert all(share(demo, RED) > 0.99 for demo in demos)


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
def test_what_a_callback_raises_is_shown_and_the_last_picture_stays(changes, message):
    demo = explorer(**changes)
    assert demo.error is None and shown(demo.view, "pg-error").text == ""
    before, _ = picture(demo)
    control(demo, HEIGHT).value = 1.0  # nobody would hear of an exception here
    assert message in shown(demo.view, "pg-error").text
    assert type(demo.error).__name__ == message.split(":")[0]
    assert (picture(demo)[0] == before).all()
    control(demo, HEIGHT).value = 0.5
    assert demo.error is None and shown(demo.view, "pg-error").text == ""


def test_set_raises_what_a_callback_raised():
    demo = explorer(draw=raise_at_the_end)
    with pytest.raises(ZeroDivisionError, match="above"):
        demo.set(height=1)
    demo.set(height=0.75)
    assert share(demo, RED) == pytest.approx(0.75, abs=0.01)
    with pytest.raises(ZeroDivisionError):
        explorer(draw=raise_at_the_end, controls=CONTROLS | {"height": Slider(1, 2, 1)})


def test_a_notebook_stores_the_first_picture_always():
    demo = explorer()
    data, _ = demo._repr_mimebundle_()
    view = data.pop("application/vnd.jupyter.widget-view+json")
    assert view["model_id"] == demo.view.model_id
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == "A red bar of height 0.5."
    demo.set(height=1, colour="blue")
    later, _ = demo._repr_mimebundle_()
    assert {kind: later[kind] for kind in data} == data


def test_every_control_has_a_name_can_be_reached_and_follows_each_step():
    demo = explorer()
    for css_class in ("pg-explorer", "pg-picture", "pg-sentence", "pg-error"):
        assert len(widgets_of(demo.view, css_class)) == 1
    names = [w.description for w in everything(demo.view) if hasattr(w, "description")]
    wanted = ["height of the bar", "colour", "framed", "Reset"]
    assert [name for name in names if name] == wanted
    assert all(widget.tabbable is not False for widget in everything(demo.view))
    # What ipywidgets throttles: only the last of the values that pile up is sent.
    assert control(demo, HEIGHT).continuous_update
