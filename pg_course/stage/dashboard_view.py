"""What a training dashboard looks like: its picture, and the controls around it."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pg_course.stage.controls import Choice
from pg_course.stage.display import empty, img_tag
from pg_course.stage.pictures import (
    BLACK,
    BLUE,
    BROWN,
    FONT,
    GREEN,
    GREY,
    VERMILION,
    label,
)
from pg_course.stage.scenes import Scene, path_of
from pg_course.stage.steered_run import SteeredRun
from pg_course.stage.views import (
    Accessible,
    control_row,
    in_words,
    large,
    make_widgets,
)
from pg_helpers.runs import TrainConfig

FIGSIZE = (8.4, 5.2)  # inches: as wide as JupyterLab's column at 1280 pixels

# What may be chosen; the value in the config is added where it is missing.
_SETTINGS: dict[str, tuple[str, list[Any]]] = {
    "learning_rate": ("learning rate", [1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0]),
    "gamma": ("gamma", [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0]),
    "num_trajectories": ("N", [1, 3, 10, 30, 100]),
    "seed": ("seed", [0, 1, 2, 3, 4]),
    "weights": ("return weights", ["total_return", "rewards_to_go"]),
}
# No trained number: these are compared when the notebook is tested.
_UNTRAINED = (
    "Training dashboard before the first update: the curves of return, entropy and "
    "gradient norm are empty, and the policy is the untrained one. Run the notebook to "
    "train it."
)
_TRAINED = (
    "Curves of return, entropy and gradient norm, the policy and the last trajectory. "
    "Run the notebook to train, and to hear how far it has come."
)


class DashboardView:
    """The widgets: settings, buttons, progress, picture, sentence and error.

    Attributes:
        box: all of them, of the CSS class pg-dashboard.

    Args:
        config: the settings at first.
        buttons: what is on each button, and what it calls.
        changed: called after a setting was changed.
    """

    def __init__(
        self,
        config: TrainConfig,
        buttons: Mapping[str, Callable[[], None]],
        changed: Callable[[], None],
    ) -> None:
        self._controls = {
            name: Choice(_options(name, config), getattr(config, name), text)
            for name, (text, _) in _SETTINGS.items()
        }
        self._widgets = make_widgets(self._controls)
        for widget in self._widgets.values():
            widget.observe(lambda change: changed(), "value")
        self._picture = ipywidgets.HTML().add_class("pg-picture")
        self._sentence = ipywidgets.HTML().add_class("pg-sentence")
        self._error = ipywidgets.HTML().add_class("pg-error")
        self._bar = ipywidgets.IntProgress(max=config.num_updates)
        self._bar.layout.flex = "1 1 12em"
        self._progress = ipywidgets.HTML().add_class("pg-progress")
        made = []
        for text, pressed in buttons.items():
            made.append(ipywidgets.Button(description=text))
            made[-1].on_click(lambda button, call=pressed: call())
        self.box = ipywidgets.VBox(
            [
                control_row(list(self._widgets.values())),
                control_row(made),
                ipywidgets.HBox([self._bar, self._progress]),
                self._error,
                self._picture,
                self._sentence,
                Accessible(),
            ]
        ).add_class("pg-dashboard")

    @property
    def settings(self) -> dict[str, Any]:
        """What the controls say."""
        return {name: widget.value for name, widget in self._widgets.items()}

    def set(self, **settings: Any) -> None:
        """Move controls.

        Raises:
            TypeError: there is no such control.
            ValueError: the control does not offer the value.
        """
        if unknown := [name for name in settings if name not in self._controls]:
            raise TypeError(
                f"set: expected settings among {list(self._controls)}, got {unknown}"
            )
        cleaned = {k: self._controls[k].clean(v) for k, v in settings.items()}
        for name, value in cleaned.items():
            self._widgets[name].value = value

    def show_settings(self, config: TrainConfig) -> None:
        """Let the controls say what the settings are."""
        self.set(**{name: getattr(config, name) for name in self._widgets})

    def show_picture(self, png: bytes, alt: str) -> None:
        """Show another picture."""
        self._picture.value = img_tag(png, alt)

    def forget_picture(self) -> None:
        """Show none."""
        self._picture.value = ""

    def show_words(self, sentence: str, error: Exception | None) -> None:
        """Show another sentence, and an error or none."""
        self._sentence.value = large(sentence)
        self._error.value = "" if error is None else in_words(error)

    def show_progress(self, done: int, text: str) -> None:
        """Move the bar."""
        self._bar.value = done
        self._progress.value = html.escape(text)


def still_alt(updates: int) -> str:
    """Alternative text of the picture that stays where there is no kernel.

    Args:
        updates: how many were made before it was drawn.
    """
    if updates == 0:
        return _UNTRAINED
    return f"Training dashboard after {updates} updates. {_TRAINED}"


def draw_run(figure: Figure, scene: Scene, run: SteeredRun) -> None:
    """Five panels: returns, entropy, gradient norm, policy, last trajectory.

    Args:
        figure: of `FIGSIZE`, empty or drawn here before. To draw again on the same axes
            takes half the time: most of it goes into making the ticks of new ones.
        scene: the pictures of the world.
        run: the run so far.
    """
    returns, entropy, norm, policy, last = _panels(figure)
    history = run.history
    _draw_returns(returns, run)
    _draw_curve(entropy, history.entropy, GREEN, "nats", "entropy")
    _draw_curve(norm, history.gradient_norm, BROWN, "reward", "gradient norm")
    path = None if run.batch is None else path_of(run.batch)
    if path is None:
        middle: Any = {"ha": "center", "transform": last.transAxes}
        last.text(0.5, 0.5, "none yet", fontsize=FONT, **middle)
        last.set_axis_off()
    else:
        scene.draw_path(last, path)
    if path is not None or scene.knows_policy:
        scene.draw_policy(policy, run.policy, np.empty(0) if path is None else path)
    for axes, title in ((policy, "policy"), (last, "last trajectory")):
        own = axes.get_title("left")
        label(axes, axes.get_xlabel(), axes.get_ylabel(), own or title)


def _panels(figure: Figure) -> list[Axes]:
    """The five axes of a figure, with nothing on them."""
    if not figure.axes:
        grid = figure.add_gridspec(
            2, 3, width_ratios=[1, 1, 1.35], height_ratios=[1.25, 1]
        )
        figure.subplots_adjust(0.085, 0.1, 0.985, 0.935, wspace=0.42, hspace=0.45)
        for place in (grid[0, :2], grid[1, 0], grid[1, 1], grid[0, 2], grid[1, 2]):
            figure.add_subplot(place)
    for axes in figure.axes:
        empty(axes)
    return figure.axes


def _draw_returns(axes: Axes, run: SteeredRun) -> None:
    """Returns of the batches, and the truth where it is known."""
    finite = run.best is not None
    history = run.history
    returns = history.mean_return if finite else history.mean_undiscounted_return
    updates = np.arange(1, len(returns) + 1)
    few = "." if len(returns) < 30 else ""
    axes.plot(updates, returns, few + "-", color=GREY, linewidth=1, label="batch mean")
    if run.best is not None:
        since = run.changes[-1] + 0.5 if run.changes else 0
        span = [since, max(10, len(returns)) + 0.5]
        axes.plot(span, [run.best] * 2, ":", color=BLACK, label="best J")
        every = max(1, len(run.exact) // 15)
        axes.plot(
            run.exact_updates,
            run.exact,
            "s--",
            color=VERMILION,
            markevery=every,
            label="exact J",
        )
    elif len(returns) > 30:
        width = len(returns) // 15
        smooth = np.convolve(returns, np.full(width, 1 / width), "valid")
        axes.plot(updates[width - 1 :], smooth, color=BLUE, label=f"mean of {width}")
    for change in run.changes:
        axes.axvline(change + 0.5, color=GREY, linestyle="-.")
    if run.changes:
        axes.plot([], [], "-.", color=GREY, label="change")
    if not returns and not run.exact:
        axes.set_ylim(0, 1)
    # Beside the title, where it covers nothing.
    axes.legend(
        fontsize=FONT - 2, loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=4,
        frameon=False, handlelength=1.6, columnspacing=0.9, handletextpad=0.4,
    )  # fmt: skip
    axes.set_xlim(0, max(10, len(returns)) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    kind = "discounted" if finite else "undiscounted"
    label(axes, "updates", f"reward, {kind}", "return")


def _draw_curve(
    axes: Axes, values: Sequence[float], color: str, unit: str, title: str
) -> None:
    few = "." if len(values) < 30 else ""
    axes.plot(np.arange(1, len(values) + 1), values, few + "-", color=color)
    # From zero, also where all values are close; the entropy of a density may be below.
    lowest, highest = min(values, default=0), max(values, default=1)
    axes.set_ylim(min(0, 1.05 * lowest), max(1.05 * highest, 1e-3))
    axes.set_xlim(0, max(10, len(values)) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    label(axes, "updates", unit, title)


def _options(name: str, config: TrainConfig) -> list[Any]:
    """What a control offers, the configured value among it."""
    options, value = _SETTINGS[name][1], getattr(config, name)
    return options if value in options else sorted([*options, value])
