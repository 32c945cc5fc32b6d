"""What all live views share: controls in a row, pictures and lines of text."""

from __future__ import annotations

import asyncio
import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
from IPython import get_ipython
from IPython.display import display, update_display

from pg_course.stage.controls import Control
from pg_course.stage.display import Bundle
from pg_helpers.require import shown

# Of each cell the id of its last run, and the views that this run showed, each with
# what its owner does when it is closed.
_shown: dict[str, tuple[str, list[tuple[Any, Callable[[], None]]]]] = {}

# Of the three outputs of a `Live`: the view while it has a kernel, else the two others.
# These wait a moment, as a new view is not in the page yet. In each line JupyterLab and
# Notebook 7 come first, then nbclassic.
_OUTPUT = ":is(.jp-OutputArea-child, .output_area)"
_WIDGET = ":is(.lm-Panel.jp-OutputArea-output, .jupyter-widgets-view)"  # or its error
_PLACE = f"{_OUTPUT}:has(> {_WIDGET})"
_LIVE = f"{_OUTPUT}:has(.pg-live:not(.jupyter-widgets-disconnected))"
_NOTE = f"{_OUTPUT}:has(.pg-still)"
_STYLE = f"""
{_LIVE} + {_NOTE}, {_LIVE} + {_NOTE} + {_OUTPUT},
{_PLACE}:not({_LIVE}):has(+ {_OUTPUT} .pg-still) {{ display: none; }}
{_PLACE} + {_NOTE}, {_PLACE} + {_NOTE} + {_OUTPUT} {{ animation: pg-wait 1s; }}
@keyframes pg-wait {{ from, to {{ visibility: hidden; }} }}
"""
_REST = 1.0  # seconds without a change, after which a picture or text is stored


class Live(ABC):
    """What a cell shows as a live view, and as a picture or text once that is dead.

    Where the kernel has ended, JupyterLab shows an error in place of a stored view,
    whatever else is in the same output. So the view is an output of its own, followed
    by a line that says how to bring it back, and by the picture or text, as it was when
    the view was last used.
    """

    view: Any
    line = "Run this cell to move it."
    _last_change: Any = None

    @abstractmethod
    def _live(self) -> dict[str, Any]:
        """The MIME bundle of the view, by `display_data`."""

    @abstractmethod
    def _still(self) -> Bundle:
        """What stands in its place now."""

    def _ipython_display_(self) -> None:
        """Display all three."""
        display(self._live(), raw=True)
        line = f'<style>{_STYLE}</style><p class="pg-still"><em>{self.line}</em></p>'
        display({"text/html": line, "text/plain": self.line}, raw=True)
        data, metadata = self._still()
        display(data, metadata=metadata, raw=True, display_id=self.view.model_id)
        for part in _parts(self.view):
            if isinstance(part, ipywidgets.HTML | ipywidgets.HTMLMath):
                part.observe(self._later, "value")

    def _later(self, change: Any) -> None:
        """See to it that what is shown is stored once it has come to rest."""
        self._last_change = change
        with suppress(RuntimeError):  # Without a loop there is no notebook either.
            asyncio.get_running_loop().call_later(_REST, self._store, change)

    def _store(self, change: Any) -> None:
        if change is self._last_change and self.view.comm is not None:
            data, metadata = self._still()
            place = self.view.model_id
            update_display(data, metadata=metadata, raw=True, display_id=place)


def display_data(
    view: Any, closed: Callable[[], None], opened: Callable[[], None]
) -> dict[str, Any]:
    """What displays a view; closes those that an earlier run of the cell displayed.

    ipywidgets keeps each widget until the kernel stops, and so its pictures. But a cell
    that is run again loses its output: nobody sees a view any more that this cell alone
    had shown. One that is displayed again after it was closed is opened again.

    Args:
        view: the ipywidget.
        closed: called when it is closed, to let go of what only the view needs.
        opened: called when it is opened again.

    Returns:
        The MIME bundle of the view.
    """
    close_with_cell(view, closed)
    if view.comm is None:
        for part in _parts(view):
            # Closing took the class's method from the instance.
            vars(part).pop("_repr_mimebundle_", None)
            part.open()
        opened()
    for part in _parts(view):
        # In the thread that JupyterLab chooses, beside the cells: ipykernel 7.4 sends
        # a message to the thread that used the widget last, and a button that is
        # pressed would wait for the cell that runs.
        part.comm._reply_subshell_for = lambda data, chosen: chosen
    bundle = view.add_class("pg-live")._repr_mimebundle_()
    del bundle["text/plain"]  # its parts, where no view can be shown
    return bundle


def close_with_cell(view: Any, closed: Callable[[], None] = lambda: None) -> None:
    """Close a view that the running cell displays once that cell is run again.

    Args:
        view: the ipywidget.
        closed: called when it is closed.
    """
    cell, run = running_cell()
    if not cell:
        return
    last, before = _shown.get(cell, ("", []))
    if last != run:
        _shown[cell] = run, []
        for old, closed_old in before:
            if old is not view and not _is_shown(old):
                for part in _parts(old):
                    part.close()
                closed_old()
    _shown[cell][1].append((view, closed))


def running_cell() -> tuple[str, str]:
    """The id of the cell that runs, and of its run; empty where no page tells them."""
    shell = get_ipython()
    parent = getattr(shell, "parent_header", None) or {}
    cell = parent.get("metadata", {}).get("cellId", "")
    return cell, parent["header"]["msg_id"] if cell else ""


def _is_shown(view: Any) -> bool:
    return any(view is other for _, views in _shown.values() for other, _ in views)


def _parts(widget: Any) -> Iterator[Any]:
    """A widget and all that it is made of, the parts before the whole."""
    for name in widget.keys:
        value = getattr(widget, name)
        for part in value if isinstance(value, list | tuple) else [value]:
            if isinstance(part, ipywidgets.Widget):
                yield from _parts(part)
    yield widget


class Accessible(anywidget.AnyWidget):
    """Shows nothing; gives the controls of the view that it is in names and more."""

    _esm = Path(__file__).with_name("accessible.js")


def make_widgets(controls: Mapping[str, Control]) -> dict[str, Any]:
    """Make the ipywidget of each control.

    Raises:
        TypeError: a control is not one.
        ValueError: there is none.
    """
    if not isinstance(controls, Mapping):
        raise TypeError(f"controls: expected names and controls, got {shown(controls)}")
    if not controls:
        raise ValueError("controls: expected at least one, got none")
    widgets = {}
    for name, control in controls.items():
        if isinstance(control, type) or not callable(getattr(control, "widget", None)):
            raise TypeError(
                f"controls[{name!r}]: expected a Slider, LogSlider, Choice or Toggle, "
                f"got {shown(control)}"
            )
        widgets[name] = control.widget(control.label or name.replace("_", " "))
    return widgets


def control_row(widgets: list[Any]) -> Any:
    """Side by side where there is room, below each other on a narrow page."""
    for widget in widgets:
        widget.layout.width = "auto"
        if hasattr(widget.style, "description_width"):
            widget.style.description_width = "initial"
        if hasattr(widget, "readout"):
            widget.layout.flex = "1 1 26em"
            widget.layout.max_width = "40em"
    return ipywidgets.Box(
        widgets,
        layout={
            "flex_flow": "row wrap",
            "align_items": "center",
            "grid_gap": "0 1.5em",
        },
    )


def large(text: str) -> str:
    """HTML of a line of plain text, to be read from afar."""
    return f'<div style="font-size: 1.2em; line-height: 1.4">{html.escape(text)}</div>'


def in_words(error: Exception) -> str:
    """HTML of a line that says what was raised."""
    message = large(f"⚠ This could not be shown. {type(error).__name__}: {error}")
    return f"<strong>{message}</strong>"
