"""A training run that is watched and steered, while the kernel still answers."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

from IPython import get_ipython
from matplotlib.figure import Figure
from torch import nn

from pg_course.stage.dashboard_view import FIGSIZE, DashboardView, draw_run, still_alt
from pg_course.stage.display import DRAWING, Bundle, Picture, png_of
from pg_course.stage.scenes import scene_of
from pg_course.stage.steered_run import SteeredRun
from pg_course.stage.views import Live, display_data
from pg_helpers.require import check_count
from pg_helpers.runs import History, TrainConfig

_SLICE = 0.06  # seconds of training before the kernel may do something else
# A picture is drawn when so many seconds were spent in training since the last one,
# and so many times as long as it took: drawing takes at most a sixth of the time.
_REDRAW, _PATIENCE = 0.3, 5

_SENTENCES = {
    "ready": "Ready. Start trains to the end, Step makes a single update.",
    "running": "Training. A changed setting holds from the next update on.",
    "stopped": "Stopped. Start goes on, Step makes a single update.",
    "finished": "Finished: all updates are made. Reset begins anew.",
    "failed": "Failed. What was learned before is kept: change a setting to go on.",
}

_WAITS = "Training begins once the cell that is running has ended."

# Those that the kernel's stop button stops.
_in_background: set[TrainingDashboard] = set()


@contextmanager
def _stop_button() -> Iterator[None]:
    """Let an interrupt stop what trains in the background.

    A kernel ignores it while no cell runs. An exception, as it is in a cell, would
    break off an update or the event loop.
    """
    before = signal.getsignal(signal.SIGINT)
    # Python interrupts its main thread only, and not where another program does.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _stop_all)
    try:
        yield
    except asyncio.CancelledError:  # asyncio.run ends, whose own handler that may be
        before = signal.default_int_handler
        raise
    finally:
        # A cell that awaits something may have put its own in this place.
        if signal.getsignal(signal.SIGINT) is _stop_all:
            signal.signal(signal.SIGINT, before)


def _stop_all(number: int, frame: Any) -> None:
    for dashboard in [*_in_background]:
        dashboard._asked.append(dashboard._stop)


class TrainingDashboard(Live):
    """A training run with buttons: the last expression of a cell.

    It trains in the kernel's event loop, some hundredths of a second at a time, so that
    buttons and other cells keep working. Tests and scripts call `step` and `run`. The
    kernel's stop button ends both, and `start` goes on.

    JupyterLab delivers some messages of controls in a thread of their own, beside the
    one that trains. So one thread at a time owns the run: the one that trains or, where
    none does, one that asks for something. What others ask for meanwhile it does itself
    between two updates.

    A setting that is changed holds from the next update on: the policy goes on from
    where it is, and a dash-dotted line marks the place. Before the first update, and
    after Reset, a run begins anew from the seed.

    Attributes:
        state: "ready", "running", "stopped", "finished" or "failed".
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
        self.state = "ready"
        self._failure: Exception | None = None
        self._undrawn: Exception | None = None
        self._owner = threading.Lock()
        self._asked: deque[Callable[[], None]] = deque()
        self._task: Future[None] | None = None
        self._view = DashboardView(
            config,
            {
                "Start": self.start,
                "Step": partial(self._ask, self._step),
                "Stop": partial(self._ask, self._stop),
                "Reset": partial(self._ask, self._reset),
            },
            partial(self._ask, self._follow),
        )
        self._begin()

    @property
    def error(self) -> Exception | None:
        """What training, a change or drawing raised, or None."""
        return self._failure or self._undrawn

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
        """Train to the end in the background, or go on after a stop.

        Raises:
            RuntimeError: there is no event loop; a notebook has one.
        """
        # That of the kernel's main thread, which alone is interrupted: a button may be
        # pressed in another.
        kernel = getattr(get_ipython(), "kernel", None)
        loop = kernel.io_loop.asyncio_loop if kernel else asyncio.get_running_loop()
        self._ask(self._start, loop)

    def stop(self) -> None:
        """Halt, so that `start` can go on."""
        self._ask(self._stop)

    def reset(self) -> None:
        """Begin anew, with a new policy, at the settings that the controls show.

        Raises:
            Exception: whatever making a policy raised.
        """
        self._call(self._ask, self._reset)

    def step(self) -> None:
        """Make a single update and show it.

        Raises:
            Exception: whatever training raised; the dashboard shows it too.
        """
        self._call(self._ask, self._step)

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
        with self._owned():
            self._answer_all()
            if left > 0 and self.state in ("ready", "stopped"):
                self._go_on()
            try:
                while left > 0 and self.state == "running":
                    self._update()
                    self._answer_all()
                    left -= 1
            finally:
                if self.state == "running":
                    self.state = "stopped"
                self._redraw()
        if self.error is not None:
            raise self.error
        return self.history

    def set(self, **settings: Any) -> None:
        """Move controls, as a reader would.

        Raises:
            TypeError: there is no such control.
            ValueError: a control does not offer the value. And whatever making a new
                policy raised: then the control goes back.
        """
        self._call(self._view.set, **settings)

    def _call(
        self, call: Callable[..., None], *arguments: Any, **settings: Any
    ) -> None:
        """Raise what else would only be shown."""
        before = self.error
        call(*arguments, **settings)
        if self.error is not None and self.error is not before:
            raise self.error

    def _ask(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have something done to the run, by whichever thread owns it."""
        self._asked.append(partial(call, *arguments))
        self._answer()

    def _answer(self) -> None:
        """Do what was asked for, unless another thread owns the run and will."""
        # Asked again after each release: what came just before it was left to us.
        while self._asked and self._owner.acquire(blocking=False):
            try:
                self._answer_all()
            finally:
                self._owner.release()

    def _answer_all(self) -> None:
        """Do what was asked for; an error is shown, as nobody else would see it."""
        while self._asked:
            call = self._asked.popleft()
            try:
                call()
            except Exception as error:
                self._failure = error
                self._show_words()

    @contextmanager
    def _owned(self) -> Iterator[None]:
        try:
            with self._owner:
                yield
        finally:
            self._answer()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.state not in ("ready", "stopped"):
            return
        self._go_on()
        if self._task is None or self._task.done():
            slices = self._train_in_slices()
            self._task = asyncio.run_coroutine_threadsafe(slices, loop)
            if threading.current_thread() is not threading.main_thread():
                self._view.show_words(_WAITS, None)  # until the first slice

    def _go_on(self) -> None:
        self.state, self._failure = "running", None
        self._since = (time.perf_counter(), len(self.history))
        self._show_words()

    def _stop(self) -> None:
        if self.state == "running":
            self._run.close()
            self.state, self._failure = "stopped", None
            self._redraw()

    def _step(self) -> None:
        if self.state in ("ready", "stopped"):
            self.state, self._failure = "stopped", None
            self._update()
            self._redraw()

    def _reset(self) -> None:
        self._run.reset()
        self._begin()

    def _follow(self) -> None:
        """Take over what the controls say; if that fails they go back."""
        said, config = self._view.settings, self.config
        changed = {k: v for k, v in said.items() if v != getattr(config, k)}
        if not changed:
            return
        try:
            self._run.change(**changed)
        except Exception:
            self._view.show_settings(config)
            raise
        self._failure = None
        if self.state == "failed":
            self.state = "stopped"
        self._redraw()

    async def _train_in_slices(self) -> None:
        """The background task: train, draw now and then, and let the kernel work."""
        _in_background.add(self)
        self._ask(self._show_words)
        try:
            while True:
                with _stop_button():
                    if not self._train_a_slice():
                        return
                    await asyncio.sleep(0.001)
        finally:
            _in_background.discard(self)

    def _train_a_slice(self) -> bool:
        with self._owned():
            until = time.perf_counter() + _SLICE
            while time.perf_counter() < until:
                self._answer_all()
                if self.state != "running":
                    if self._drawn < self.seconds["training"]:
                        self._redraw()
                    self._task = None  # from now on, a start makes another
                    return False
                self._update()
            undrawn = self.seconds["training"] - self._drawn
            if undrawn > max(_REDRAW, _PATIENCE * self._last_draw):
                self._redraw()
            elif until - self._shown > 0.2:
                self._show_progress()
            return True

    def _update(self) -> None:
        with self._timed("training"):
            try:
                self._run.update()
            except Exception as error:
                self._failure, self.state = error, "failed"
            else:
                if self._run.is_complete:
                    self.state = "finished"

    def _begin(self) -> None:
        self.seconds = {"training": 0.0, "drawing": 0.0}
        self.state, self._failure = "ready", None
        self._redraw()

    def _draw(self) -> None:
        """Bring everything that is seen up to date."""
        self._ask(self._redraw)

    def _redraw(self) -> None:
        self._undrawn = None
        with self._timed("drawing"):
            try:
                with DRAWING:
                    draw_run(self._figure, self._scene, self._run)
                    png = png_of(self._figure)
                alt = f"Training dashboard. {self._run.in_words()}"
                self._view.show_picture(png, alt)
            except Exception as error:
                # A policy that training has broken cannot be drawn either.
                self._undrawn = error
        self._drawn = self.seconds["training"]
        self._show_words()
        self._show_progress()

    def _show_words(self) -> None:
        # While it trains the sentence stays, so that a screen reader stays silent.
        words = "" if self.state in ("ready", "running") else self._run.in_words()
        self._view.show_words(f"{_SENTENCES[self.state]} {words}", self.error)

    def _show_progress(self) -> None:
        self._shown = time.perf_counter()
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
        """Nobody sees it any more: stop, and let go of the picture."""
        self._ask(self._let_go)

    def _let_go(self) -> None:
        if self.state == "running":
            self.state = "stopped"
        self._figure.clear()
        self._view.forget_picture()

    @property
    def view(self) -> Any:
        """The ipywidget, of the CSS class pg-dashboard."""
        return self._view.box

    def _live(self) -> dict[str, Any]:
        return display_data(self.view, self._forget, self._draw)

    def _still(self) -> Bundle:
        png = png_of(self._figure, small=True)
        return Picture(png, still_alt(len(self.history)))._repr_mimebundle_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        """The live view, and the picture of now for where there is no kernel."""
        view = self._live()
        data, metadata = self._still()
        return {**view, **data}, metadata
