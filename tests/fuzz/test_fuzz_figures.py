"""Figures of odd numbers: drawn to the pixel, or refused in words.

Covered is what the notebooks call of plots, pictures, figures and experiments; not
covered are numbers beyond 1e100, of which no reader draws a picture, the Axes or Figure
that is drawn on, and what takes a generator or something that another function has made
(crowds.play, at_steps and draw_actions, trajectories, experiments.list_all of 11,
experiments.courses and figures.table of 12, and what reads a walk in figures of 05).
"""

import inspect
from functools import partial

import numpy as np
import pytest
from figures_calls import CALLS
from judge import covered, judge
from matplotlib.figure import Figure
from nonsense import INF, NAN
from odd import HARMFUL

from pg_course.stage.display import png_of

# Odd numbers make odd figures; whether honest ones are legible is asked elsewhere.
pytestmark = pytest.mark.usefixtures("without_examination")


covered.update(CALLS)


def drawing(function, arguments):
    """The call, and the picture of what it drew."""
    figure = Figure(figsize=(4, 3))
    parts = {"figure": figure}
    if "axes" in inspect.signature(function).parameters:
        parts = {"axes": figure.add_subplot()}
    answer = function(
        **{
            n: p
            for n, p in parts.items()
            if n in inspect.signature(function).parameters
        },
        **arguments,
    )
    return answer, figure


def tried(function, arguments, render=False):
    names = (
        *inspect.signature(function).parameters,
        "height",
        "values",
        "first",
        "second",
    )

    def call():
        answer, figure = drawing(function, arguments)
        if render:
            png_of(figure, small=True)
        return None if answer is figure else answer

    return judge(call, names)


@pytest.mark.parametrize(
    "function", CALLS, ids=lambda f: f"{f.__module__}.{f.__name__}"
)
def test_an_honest_call(function):
    tried(function, CALLS[function], render=True)


def changed(value, change):
    """An honest argument with something done to its numbers."""
    try:
        return change(np.array(value))
    except Exception:
        return value


ODD = {
    "None": lambda v: None,
    "a word": lambda v: "seven",
    "nothing": lambda v: [],
    "minus one": lambda v: -1,
    "a big count": lambda v: 10**9 if isinstance(v, int) else v,
    "an object": lambda v: object(),
    "a ragged list": lambda v: [[1.0], [1.0, 2.0]],
    "one number": lambda v: [0.5],
    "a number": lambda v: 0.5,
    "NaN": lambda v: NAN,
    "infinity": lambda v: INF,
    "NaNs": partial(changed, change=HARMFUL["NaN"]),
    "negative": partial(changed, change=lambda a: -a - 1),
    "one axis more": partial(changed, change=HARMFUL["one axis more"]),
    "a dict of words": lambda v: {"a": "seven"},
    "a dict of NaN": lambda v: {"a": np.full(3, NAN)},
    "a dict of nothing": lambda v: {"a": []},
    "an empty dict": lambda v: {},
}
CASES = [(f, a) for f, given in CALLS.items() for a in given]


@pytest.mark.parametrize(
    ("function", "name"),
    CASES,
    ids=[f"{f.__module__}.{f.__name__}-{name}" for f, name in CASES],
)
def test_one_argument_odd(function, name):
    honest = CALLS[function][name]
    for change in ODD.values():
        tried(function, {**CALLS[function], name: change(honest)})
