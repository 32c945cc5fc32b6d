"""A training run that is watched and steered, while the kernel still answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from torch import nn

from pg_course.stage.dashboard_view import FIGSIZE, DashboardView, draw_run, still_alt
from pg_course.stage.display import Picture, png_of
from pg_course.stage.scenes import scene_of
from pg_course.stage.steered_run import SteeredRun
from pg_course.stage.views import display_data
from pg_helpers.require import check_count
from pg_helpers.runs import History, TrainConfig

_SLICE = 0.06  # seconds of training before the kernel may do something else
# A picture is drawn when so many seconds were spent in training since the last one,
# and so many times as long as it took: drawing takes at most a sixth of the time.
_REDRAW, _PATIENCE = 0.3, 5

_SENTENCES = {
    "ready": "Ready. Start trains to the end, Step makes a single update.",
    "running": "Training. A changed setting holds from the next update on.",
    "paused": "Paused. Start goes on, Step makes a single update.",
    "stopped": "Stopped. What was learned is kept; Reset begins anew.",
    "finished": "Finished: all updates are made. Reset begins anew.",
    "failed": "Failed. What was learned before is kept; Reset begins anew.",
}


class TrainingDashboard:
    """A training run with buttons: the last expression of a cell.

    It trains in the kernel's event loop, some hundredths of a second at a time, so that
    buttons and other cells keep working. Tests and scripts call `step` and `run`.

    A setting that is changed holds from the next update on: the policy goes on from
    where it is, and a dash-dotted line marks the place. Before the first update, and
    after Reset, a run begins anew from the seed.

    Attributes:
        state: "ready", "running", "paused", "stopped", "finished" or "failed".
        error: what training or drawing raised, or None.
        seconds: time spent in "training" and in "drawing" since the last reset.

    Args:
        env: as for `iterate_training`. A vector environment that is given keeps its
            number of environments.
        config: the settings at first; num_updates is the length of a run.
        make_policy: called without arguments for a new policy, after torch was seeded
            with the seed; `policy_for(env)` by default.

    Raises:
        TypeError: config is not a TrainConfig, make_policy cannot be called, or what it
            makes is no module.
        ValueError: the environment is not known, or has no policy.
    """

    def __init__(
        self,
        env: Any,
        config: TrainConfig | None = None,
        make_policy: Callable[[], nn.Module] | None = None,
    ) -> None:
        config = TrainConfig() if config is None else config
        self._run = SteeredRun(env, config, make_policy)
        self._scene = scene_of(env)
        self._figure = Figure(figsize=FIGSIZE)
        self._task: asyncio.Task | None = None
        self.state = "ready"
        self.error: Exception | None = None
        buttons = (self.start, self.pause, self.step, self.stop, self.reset)
        self._view = DashboardView(
            config,
            {b.__name__.capitalize(): partial(self._guard, b) for b in buttons},
            lambda name, value: self._guard(self._change, name, value),
        )
        self._begin()

    @property
    def policy(self) -> nn.Module:
        """The policy, with all it has learned so far."""
        return self._run.policy

    @property
    def history(self) -> History:
        """One number an update, as `train` would return it."""
        return self._run.history

    @property
    def config(self) -> TrainConfig:
        """The settings of the next update."""
        return self._run.config

    def start(self) -> None:
        """Train to the end in the background, or go on after a pause.

        Raises:
            RuntimeError: there is no event loop; a notebook has one.
        """
        loop = asyncio.get_running_loop()
        if self.state in ("ready", "paused"):
            self.state = "running"
            self._since = (time.perf_counter(), len(self.history))
            self._last_draw = 0.0  # the first picture took longer than others will
            self._show_words()
            if self._task is None or self._task.done():
                self._task = loop.create_task(self._train_in_slices())

    def pause(self) -> None:
        """Halt, so that `start` can go on."""
        if self.state == "running":
            self.state = "paused"
            self._draw()

    def stop(self) -> None:
        """End the run; policy and history are kept."""
        if self.state in ("ready", "running", "paused"):
            self._run.close()
            self.state = "stopped"
            self._draw()

    def reset(self) -> None:
        """Begin anew, with a new policy, at the settings that the controls show."""
        self._run.config = replace(self.config, **self._view.settings)
        self._run.reset()
        self._begin()

    def step(self) -> None:
        """Make a single update and show it.

        Raises:
            Exception: whatever training raised; the dashboard shows it too.
        """
        if self.state in ("ready", "paused"):
            self.state = "paused"
            self._update()
            self._draw()
            self._raise()

    def run(self, num_updates: int | None = None) -> History:
        """Train here and now: for tests, and for a picture to begin with.

        Args:
            num_updates: how many; to the end of the run by default.

        Returns:
            The history so far.

        Raises:
            RuntimeError: it is training in the background.
            TypeError: num_updates is not an integer.
            ValueError: it is negative.
            Exception: whatever training raised; the dashboard shows it too.
        """
        if self.state == "running":
            raise RuntimeError("run: expected a dashboard that is not training already")
        left = self.config.num_updates
        if num_updates is not None:
            left = check_count("num_updates", num_updates, at_least=0)
        if self.state == "ready":
            self.state = "paused"
        while left > 0 and self.state == "paused":
            self._update()
            left -= 1
        self._draw()
        self._raise()
        return self.history

    def set(self, **settings: Any) -> None:
        """Move controls, as a reader would.

        Raises:
            TypeError: there is no such control.
            ValueError: the control does not offer the value. And whatever making a new
                policy raised.
        """
        before = self.error
        self._view.set(**settings)
        if self.error is not before:
            self._raise()

    def _change(self, name: str, value: Any) -> None:
        """A control was moved; after the end of a run it counts after a reset."""
        if self.state in ("ready", "running", "paused"):
            self._run.change(**{name: value})
            if len(self.history) == 0:
                self._begin()

    def _guard(self, call: Callable[..., None], *arguments: Any) -> None:
        """Do what a control says; an error is shown, as nobody else would see it."""
        try:
            call(*arguments)
        except Exception as error:
            self.error = error
            self._show_words()

    async def _train_in_slices(self) -> None:
        """The background task: train, draw now and then, and let the kernel work."""
        drawn, shown = self.seconds["training"], 0.0
        while self.state == "running":
            until = time.perf_counter() + _SLICE
            while self.state == "running" and time.perf_counter() < until:
                self._update()
            trained = self.seconds["training"]
            if trained - drawn > max(_REDRAW, _PATIENCE * self._last_draw):
                self._draw()
                drawn = trained
            elif until - shown > 0.2:
                self._show_progress()
                shown = until
            await asyncio.sleep(0.001)
        self._draw()

    def _update(self) -> None:
        with self._timed("training"):
            try:
                self._run.update()
            except Exception as error:
                self.error = error
                self.state = "failed"
            else:
                if self._run.is_complete:
                    self.state = "finished"

    def _begin(self) -> None:
        self.error = None
        self.seconds = {"training": 0.0, "drawing": 0.0}
        self._last_draw = 0.0
        self.state = "ready"
        self._draw()

    def _draw(self) -> None:
        """Bring everything that is seen up to date."""
        if self.state != "failed":
            self.error = None
        with self._timed("drawing"):
            try:
                draw_run(self._figure, self._scene, self._run)
                alt = f"Training dashboard. {self._run.in_words()}"
                self._view.show_picture(png_of(self._figure), alt)
            except Exception as error:
                # A policy that training has broken cannot be drawn either.
                self.error = self.error or error
        self._show_words()
        self._show_progress()

    def _show_words(self) -> None:
        # While it trains the sentence stays, so that a screen reader stays silent.
        words = "" if self.state in ("ready", "running") else self._run.in_words()
        self._view.show_words(f"{_SENTENCES[self.state]} {words}", self.error)

    def _show_progress(self) -> None:
        done, total = len(self.history), self.config.num_updates
        text = f"{done} of {total} updates"
        if self.state == "running":
            then, before = self._since
            pace = (done - before) / (time.perf_counter() - then)
            text += f", {(total - done) / pace:.0f} s left" if pace > 0 else ""
        self._view.show_progress(done, text)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - started
            self.seconds[what] += took
            if what == "drawing":
                self._last_draw = took

    def _forget(self) -> None:
        """Nobody sees it any more: pause, and let go of the picture."""
        if self.state == "running":
            self.state = "paused"
        self._figure.clear()
        self._view.forget_picture()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and the picture of now for where there is no kernel."""
        view = display_data(self._view.box, self._forget, self._draw)
        alt = still_alt(len(self.history))
        still = Picture(png_of(self._figure, small=True), alt)
        data, metadata = still._repr_mimebundle_()
        return {**view, **data}, metadata
