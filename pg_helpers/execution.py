"""What must not disturb an update: a second thread, an interrupt half-way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_BY_PYTHON = signal.getsignal(signal.SIGINT) is not None


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

    So what belongs together, as parameters and history do, changes together. Python
    interrupts its main thread only: in another thread this is a plain block, as it is
    where a program that embeds Python handles interrupts.
    """
    if not _BY_PYTHON or threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)
