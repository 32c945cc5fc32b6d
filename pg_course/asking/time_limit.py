"""Running a learner's function: bounded in time and output, whatever it does."""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import io
import threading
import warnings
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

TIME_LIMIT = 1.5  # seconds; what a check asks for takes milliseconds
_GRACE = 1.0  # seconds in which a function that was told to stop may do so
_MAX_PRINTED = 2000  # characters


class OutOfTimeError(Exception):
    """The function did not end in time.

    Attributes:
        stopped: False where it could not be stopped and may still be running.
    """

    def __init__(self, stopped: bool) -> None:
        super().__init__("out of time")
        self.stopped = stopped


def run_bounded(function: Callable[[], Result], seconds: float) -> tuple[Result, str]:
    """Run a function in a thread of its own, and come back in time.

    A thread and not an alarm signal, because it works in every thread and on every
    system, leaves the process's one timer to others, and comes back even where the
    function will not listen: asleep, inside a long tensor operation, or catching every
    exception. An interruption by the user (the Stop button) still reaches the caller.

    Three things no means inside a process can bound: a C loop that keeps Python's lock,
    such as sum(range(10**12)); memory; and a call that ends the process, such as
    os._exit.

    Args:
        function: takes no argument. Whatever it raises ends it, without a result.
        seconds: until it is told to stop.

    Returns:
        Its result, and the first characters of what it printed.

    Raises:
        OutOfTimeError: it did not end in time; after `seconds` it was asked to stop.
        RuntimeError: it ended without a result.
    """
    results: list[Result] = []
    printed = _ShortText()
    # Held while the function runs. Not Thread.join, after whose interruption Python
    # 3.11 takes a running thread for ended; not an Event, whose own lock could stay
    # closed where the thread is interrupted inside it.
    running = threading.Lock()
    running.acquire()

    def work() -> None:
        try:
            results.append(context.run(function))
        except BaseException:
            pass
        finally:
            running.release()

    thread = threading.Thread(target=work, daemon=True)
    in_time = stopped = False
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        context = contextvars.copy_context()
        thread.start()
        try:
            in_time = running.acquire(timeout=seconds)
        finally:
            if not in_time:
                stopped = _stop(thread, running)
    if not in_time:
        raise OutOfTimeError(stopped)
    if not results:
        raise RuntimeError("the function ended without a result")
    return results[0], printed.text()


def _stop(thread: threading.Thread, running: threading.Lock) -> bool:
    """Raise SystemExit in a thread until it has ended, or until the grace is over."""
    attempts = 10
    for _ in range(attempts):
        # Takes effect at the thread's next Python instruction; again and again, since
        # the thread may catch it. SystemExit, because a thread that has just ended its
        # work and gets it too late dies of it without printing a traceback.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
        )
        if running.acquire(timeout=_GRACE / attempts):
            return True
    return not thread.is_alive()


class _ShortText(io.TextIOBase):
    """Keeps the first characters written to it, and forgets the rest."""

    def __init__(self) -> None:
        self._text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self._text) <= _MAX_PRINTED:
            # A new and plain string, whatever subclass of str was printed, without
            # single surrogates, which no stream can encode.
            longer = f"{self._text}{text}"[: _MAX_PRINTED + 1]
            self._text = longer.encode(errors="replace").decode()
        return len(text)

    def text(self) -> str:
        if len(self._text) <= _MAX_PRINTED:
            return self._text
        return (
            f"{self._text[:_MAX_PRINTED]}\n(the rest of what it printed is left out)\n"
        )
