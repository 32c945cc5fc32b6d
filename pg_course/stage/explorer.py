"""A demo: controls, a picture that follows them, and a sentence that says its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import ipywidgets
from matplotlib.figure import Figure

from pg_course.stage.controls import Control
from pg_course.stage.display import (
    DRAWING,
    Bundle,
    Picture,
    check_alt,
    check_size,
    clear,
    img_tag,
    png_of,
    smaller,
)
from pg_course.stage.views import (
    Accessible,
    Live,
    control_row,
    display_data,
    in_words,
    large,
    make_widgets,
)
from pg_helpers.require import shown

# A picture of this size is 30 kB or so.
_MAX_KEPT = 60
# Seconds after a change in which nothing is drawn ahead: it must reach the browser,
# and a control that is dragged soon changes again.
_PAUSE = 0.05


class _Drawn(NamedTuple):
    """What a demo shows for some values of its parameters."""

    png: bytes
    alt: str
    sentence: str


class Explorer(Live):
    """A demo with controls: the last expression of a cell, or `display(explorer)`.

    Where there is no kernel (GitHub, a notebook opened again, a web page), the picture
    that it showed last stands in its place. Pictures are kept, and after a change those
    one key press further are drawn while nobody waits.

    Attributes:
        figure: the one figure that is drawn again and again.
        error: what the last change made draw, alt or sentence raise, or None.
        view: the ipywidget, of the CSS class pg-explorer.

    Args:
        draw: called as draw(figure, **parameters) with an empty figure. It must depend
            on nothing else, and may be called for parameters that are not shown.
        controls: name of each parameter and its control: `Slider`, `LogSlider`,
            `Choice` or `Toggle`.
        alt: called as alt(**parameters); says what the picture shows. At the initial
            parameters it is compared when the notebook is tested: round it.
        sentence: called as sentence(**parameters); what the parameters mean, in one
            sentence of plain text that stands under the picture.
        figsize: width and height in inches, a hundred pixels each.

    Raises:
        TypeError: a callback cannot be called, or a control is not one of those four.
        ValueError: there is no control, or figsize is no size. And whatever the
            callbacks raise for the initial parameters.
    """

    def __init__(
        self,
        draw: Callable[..., Any],
        controls: Mapping[str, Control],
        *,
        alt: Callable[..., str],
        sentence: Callable[..., str],
        figsize: tuple[float, float] = (6.4, 3.6),
    ) -> None:
        for name, callback in (("draw", draw), ("alt", alt), ("sentence", sentence)):
            if not callable(callback):
                raise TypeError(f"{name}: expected a function, got {shown(callback)}")
        self._draw, self._alt, self._sentence = draw, alt, sentence
        self._widgets = make_widgets(controls)
        self._controls = dict(controls)
        self._held = False
        self._kept: dict[str, _Drawn] = {}
        self._changes = 0
        self.figure = Figure(figsize=check_size(figsize))
        self.error: Exception | None = None
        self._picture = ipywidgets.HTML().add_class("pg-picture")
        self._text = ipywidgets.HTML().add_class("pg-sentence")
        self._error_line = ipywidgets.HTML().add_class("pg-error")
        self.view = self._layout()
        self._refresh()
        if self.error is not None:
            raise self.error
        self._first = self._last
        for name, widget in self._widgets.items():
            widget.observe(lambda change, name=name: self._refresh(name), "value")

    @property
    def parameters(self) -> dict[str, Any]:
        """What the controls say now, as draw, alt and sentence get it."""
        return {
            name: control.clean(self._widgets[name].value)
            for name, control in self._controls.items()
        }

    def set(self, **parameters: Any) -> None:
        """Move controls, as a reader would, and draw once.

        Raises:
            TypeError: there is no such parameter, or a value of the wrong kind.
            ValueError: a control cannot show the value. And whatever a callback raises.
        """
        if unknown := set(parameters) - set(self._controls):
            raise TypeError(
                f"set: expected parameters among {list(self._controls)}, "
                f"got {sorted(unknown)}"
            )
        cleaned = {k: self._controls[k].clean(v) for k, v in parameters.items()}
        self._move(cleaned)
        if self.error is not None:
            raise self.error

    def reset(self) -> None:
        """Move every control back to where it was at first, and draw once."""
        self._move({name: control.value for name, control in self._controls.items()})

    def _move(self, parameters: Mapping[str, Any]) -> None:
        self._held = True
        try:
            for name, value in parameters.items():
                self._widgets[name].value = value
        finally:
            self._held = False
        self._refresh()

    def _refresh(self, moved: str = "") -> None:
        """Show the parameters, or say in the demo why not; the last picture stays."""
        if self._held:
            return
        with DRAWING:  # or what another thread has drawn before would be shown last
            try:
                self._last = drawn = self._drawn(self.parameters)
            except Exception as error:
                self.error = error
                self._error_line.value = in_words(error)
            else:
                self.error = None
                self._picture.value = img_tag(drawn.png, drawn.alt)
                self._text.value = large(drawn.sentence)
                self._error_line.value = ""
        self._changes += 1
        if moved:
            self._draw_ahead(moved)

    def _drawn(self, parameters: Mapping[str, Any]) -> _Drawn:
        """What the callbacks make of the parameters, kept from the last time."""
        key = str(parameters)
        with DRAWING:
            if key not in self._kept:
                clear(self.figure)
                self._draw(self.figure, **parameters)
                texts = self._alt(**parameters), self._sentence(**parameters)
                drawn = _Drawn(png_of(self.figure), *map(check_alt, texts))
                if len(self._kept) == _MAX_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = drawn
            return self._kept[key]

    def _draw_ahead(self, moved: str) -> None:
        """See to it that the neighbours of a control's value are drawn soon."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # Outside a notebook nobody waits.
            return
        loop.call_later(_PAUSE, self._draw_neighbour, moved, self._changes)

    def _draw_neighbour(self, moved: str, changes: int) -> None:
        """Draw one picture that another key press would show, and see to the next."""
        if changes != self._changes:  # It has moved again meanwhile.
            return
        shown = self.parameters
        for value in self._controls[moved].near(shown[moved]):
            neighbour = {**shown, moved: value}
            if str(neighbour) not in self._kept:
                # What is raised here is raised again, and shown, when it is asked for.
                with suppress(Exception):
                    self._drawn(neighbour)
                    self._draw_ahead(moved)
                    return

    def _forget(self) -> None:
        """Let go of all pictures; they can be drawn again."""
        with DRAWING:
            self._changes += 1
            self._kept.clear()
            self.figure.clear()
            self._picture.value = ""

    def _layout(self) -> Any:
        reset = ipywidgets.Button(
            description="Reset", tooltip="All controls as at first"
        )
        reset.on_click(lambda button: self.reset())
        children = [
            control_row([*self._widgets.values(), reset]),
            self._error_line,
            self._picture,
            self._text,
            Accessible(),
        ]
        return ipywidgets.VBox(children).add_class("pg-explorer")

    def _live(self) -> dict[str, Any]:
        return display_data(self.view, self._forget, self._refresh)

    def _still(self) -> Bundle:
        return _picture_of(self._last)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        """The live view, and the first picture for where there is no kernel."""
        data, metadata = _picture_of(self._first)
        return {**self._live(), **data}, metadata


def _picture_of(drawn: _Drawn) -> Bundle:
    return Picture(smaller(drawn.png), drawn.alt)._repr_mimebundle_()
