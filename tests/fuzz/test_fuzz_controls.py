"""Controls and demos that make no sense, and callbacks that misbehave."""

import math

import pytest
from hostile import OwnError, OwnValueError, judged
from hypothesis import given
from hypothesis import strategies as st
from judge import covers
from matplotlib.figure import Figure
from nonsense import THINGS, Made, right_or_not, thing
from odd import ODD
from screens import shown

import pg_course as course

NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.sampled_from([1e-12, 1e300, -1e300, 10**400, 0.1, 0.3, 1e9, 5e-324, 2**60]),
)
NAMES = ("minimum", "maximum", "step", "value", "label", "per_decade", "options")
NAMES += ("Slider", "LogSlider", "Choice", "Toggle", "controls", "figsize", "set")
NAMES += ("draw", "alt", "sentence", "figure", "png")


def grid_of(control):
    """All values of a slider, by going up one key press at a time."""
    found, value = [], control.clean(control.minimum)
    while len(found) < 50:
        found.append(value)
        above = [near for near in control.near(value) if near > value]
        if not above:
            break
        value = above[0]
    return found


@covers(course.Slider)
@given(
    minimum=right_or_not(NUMBERS),
    maximum=right_or_not(NUMBERS),
    step=right_or_not(NUMBERS),
    value=right_or_not(st.one_of(st.none(), NUMBERS)),
    label=right_or_not(st.text(max_size=3)),
    steps=st.integers(1, 9),
    fits=st.booleans(),
)
def test_slider(minimum, maximum, step, value, label, steps, fits):
    low, by, high = minimum(), step(), maximum()
    if fits:
        low, by = 0.5, 0.1
        high = low + steps * by
    control = judged(lambda: course.Slider(low, high, by, value(), label()), NAMES)
    if control is None:
        return
    assert low - 1e-9 <= control.value <= high + 1e-9
    if value() is not None:
        assert abs(control.value - value()) <= by * 0.5 + 1e-9
    places = grid_of(control)
    assert all(
        math.isclose(a, low + i * by, abs_tol=1e-9) for i, a in enumerate(places)
    )
    widget = control.widget("x")
    assert widget.value == control.value
    assert (widget.min, widget.max) == pytest.approx((low, high), abs=1e-9)


@covers(course.LogSlider)
@given(
    minimum=right_or_not(NUMBERS),
    maximum=right_or_not(NUMBERS),
    per_decade=right_or_not(st.integers(-1, 12)),
    value=right_or_not(st.one_of(st.none(), NUMBERS)),
    decades=st.integers(1, 4),
    fits=st.booleans(),
)
def test_log_slider(minimum, maximum, per_decade, value, decades, fits):
    low, high = minimum(), maximum()
    if fits:
        low, high = 10.0**-decades, 10.0
    control = judged(lambda: course.LogSlider(low, high, per_decade(), value()), NAMES)
    if control is None:
        return
    assert low * 0.9 <= control.value <= high * 1.1
    for near in control.near(control.value):
        # Each value has two digits, so that it is up to 5 % off: 1.05 becomes 1.0.
        moved = abs(math.log10(near / control.value))
        assert abs(moved - 1 / per_decade()) < 2 * math.log10(1.05)
    assert control.widget("x").value == control.value


@covers(course.Choice)
@given(
    options=right_or_not(st.lists(st.sampled_from(ODD), max_size=4)),
    value=st.one_of(THINGS, st.sampled_from(ODD).map(lambda v: Made("odd", lambda: v))),
)
def test_choice(options, value):
    options, value = options(), value()
    control = judged(lambda: course.Choice(options, value), NAMES)
    if control is None:
        return
    assert any(control.value is option for option in control.options)
    assert control.widget("x").value is control.value or control.value is None
    for near in control.near(control.value):
        assert any(near is option for option in control.options)


@covers(course.Toggle)
@given(value=right_or_not(st.booleans()))
def test_toggle(value):
    control = judged(lambda: course.Toggle(value()), NAMES)
    assert (control is not None) == (value.words in ("True", "False"))
    assert control is None or control.widget("x").value is control.value


@pytest.mark.parametrize("value", ["np.zeros(2)", "torch.ones(2)", "Rude()"])
def test_a_choice_of_what_cannot_be_compared(value):
    assert (
        judged(lambda: course.Choice(["a", "b"]).clean(thing(value)()), NAMES) is None
    )


CONTROLS = {
    "gamma": course.Slider(0, 1, 0.25, value=0.5),
    "rate": course.LogSlider(0.001, 1),
    "kind": course.Choice(["a", "b"]),
    "on": course.Toggle(),
}


class Callbacks:
    """Right at first, and wrong from some call on."""

    def __init__(self, which, wrong, at):
        self.which, self.wrong, self.at, self.calls = which, wrong, at, 0

    def __repr__(self):
        return f"Callbacks({self.which!r}, {self.wrong!r}, {self.at})"

    def answer(self, name, right):
        self.calls += name == self.which
        if name == self.which and self.calls > self.at:
            if isinstance(self.wrong, Exception):
                raise self.wrong
            return self.wrong()
        return right

    def draw(self, figure, **parameters):
        self.parameters = parameters
        figure.add_subplot().plot([0, parameters["gamma"]])
        self.answer("draw", None)

    def alt(self, **parameters):
        return self.answer("alt", f"Alt {parameters}")

    def sentence(self, **parameters):
        return self.answer("sentence", f"Sentence {parameters}")


callbacks = st.builds(
    Callbacks,
    st.sampled_from(["draw", "alt", "sentence", "none"]),
    st.one_of(THINGS, st.sampled_from([OwnError("own"), OwnValueError("own")])),
    st.integers(0, 2),
)
MOVES = st.lists(
    st.dictionaries(
        st.sampled_from([*CONTROLS, "nothing"]),
        st.one_of(
            THINGS,
            st.sampled_from([0, 0.25, 1, 0.01, "a", "b", True]).map(
                lambda v: Made(repr(v), lambda: v)
            ),
        ),
        max_size=2,
    ),
    max_size=4,
)


@covers(course.Explorer)
@given(calls=callbacks, moves=MOVES)
def test_explorer(calls, moves):
    explorer = judged(
        lambda: course.Explorer(
            calls.draw, CONTROLS, alt=calls.alt, sentence=calls.sentence, figsize=(2, 1)
        ),
        NAMES,
    )
    if explorer is None:
        assert calls.at == 0 and calls.which != "none"
        return
    for move in moves:
        before = explorer.parameters
        wanted = {name: value() for name, value in move.items()}
        done = judged(lambda w=wanted: explorer.set(**w) or "done", NAMES)
        after = explorer.parameters
        if done:
            assert explorer.error is None
            assert shown(explorer.view, "pg-error").text == ""
            said = shown(explorer.view, "pg-sentence").text
            assert calls.which == "sentence" or said == f"Sentence {after}"
            assert calls.parameters == after or calls.which == "none"
        elif explorer.error is not None:  # shown, and kept
            assert (
                type(explorer.error).__name__ in shown(explorer.view, "pg-error").text
            )
        else:  # refused before anything was moved
            assert after == before
    data, _ = explorer._repr_mimebundle_()
    alt = data["text/plain"]
    assert calls.which == "alt" or alt.startswith("Alt {'gamma': 0.5")


@given(
    draw=right_or_not(st.just(None)),
    controls=right_or_not(st.just({})),
    control=THINGS,
    figsize=right_or_not(st.sampled_from([(1, 1), (0, 1), (-1, 2), (1e9, 1), (1,)])),
)
def test_arguments_of_explorer(draw, controls, control, figsize):
    calls = Callbacks("none", None, 0)
    right = {"alt": calls.alt, "sentence": calls.sentence}
    if not callable(draw()):  # what a function raises is its own
        judged(lambda: course.Explorer(draw(), CONTROLS, **right), NAMES)
    judged(lambda: course.Explorer(calls.draw, controls(), **right), NAMES)
    with_odd = {**CONTROLS, "odd": control()}
    judged(lambda: course.Explorer(calls.draw, with_odd, **right), NAMES)
    judged(
        lambda: course.Explorer(calls.draw, CONTROLS, **right, figsize=figsize()), NAMES
    )


@covers(course.Picture, course.show, course.animate)
@given(
    png=right_or_not(
        st.sampled_from([b"", b"\x89PNG\r\n\x1a\n" + bytes(40), b"x" * 50])
    ),
    alt=right_or_not(st.sampled_from(["A picture", " ", "two\nlines", "<b>&\"'"])),
    frames=right_or_not(st.integers(0, 3)),
    milliseconds=right_or_not(st.sampled_from([1, 300, 10**9])),
    plays=right_or_not(st.sampled_from([1, 2, 10**9])),
)
def test_pictures(png, alt, frames, milliseconds, plays):
    names = (*NAMES, "frames", "milliseconds", "plays")
    picture = judged(lambda: course.Picture(png(), alt()), names)
    assert picture is None or repr(picture) == " ".join(alt().split())
    figure = Figure(figsize=(1, 1))
    judged(lambda: course.show(figure, alt()), names)
    judged(lambda: course.show(png(), "A picture"), names)
    several = frames()
    if type(several) is int and 0 <= several < 9:
        several = [Figure(figsize=(1, 1 + (n > 1))) for n in range(several)]
    moving = judged(
        lambda: course.animate(several, alt(), milliseconds(), plays()), names
    )
    assert moving is None or len(several) == 2
