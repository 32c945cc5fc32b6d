"""What must not disturb an update: a second thread, an interrupt half-way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one PyTorch thread inside the block; restore the setting afterwards.

    Small networks gain nothing from a second thread, and stall when another process
    keeps its processor busy.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let an interrupt (Ctrl+C, a notebook's stop button) wait for the block's end.

    So what belongs together, as parameters and history, changes together. Python
    interrupts the main thread only: in another the block does nothing; nor does it
    where something else than Python takes care of interrupts.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    waiting: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)
