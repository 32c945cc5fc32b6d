"""What all live views share: controls in a row, pictures and lines of text."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
from IPython import get_ipython

from pg_course.stage.controls import Control
from pg_helpers.require import shown

# Of each cell the id of its last run, and the views that this run showed, each with
# what its owner does when it is closed.
_shown: dict[str, tuple[str, list[tuple[Any, Callable[[], None]]]]] = {}


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
    return view._repr_mimebundle_()


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
