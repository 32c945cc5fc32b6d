"""What an examination must leave as it was, whatever a loss does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def untouched(*things: object) -> Iterator[None]:
    """Put everything back after the block, also if it raises.

    That is the random state of PyTorch (on the CPU), NumPy and Python, PyTorch's
    default dtype, and of each
    thing that is an nn.Module: parameters and buffers, their values, `requires_grad`
    and `.grad`, and whether it trains.
    """
    modules = [m for t in things if isinstance(t, nn.Module) for m in t.modules()]
    kept = [(m, m.training, {**m._parameters}, {**m._buffers}) for m in modules]
    own = {t for _, _, p, b in kept for t in (*p.values(), *b.values())}
    before = [
        (t, t.detach().clone(), t.requires_grad, t.grad) for t in own if t is not None
    ]
    slopes = [(t.grad, t.grad.clone()) for t, *_ in before if t.grad is not None]
    states = random.getstate(), np.random.get_state(), torch.get_default_dtype()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_default_dtype(states[2])
        with torch.no_grad():
            for module, training, parameters, buffers in kept:
                module.training = training
                module._parameters, module._buffers = parameters, buffers
            for tensor, value, trainable, slope in before:
                tensor.requires_grad_(trainable)
                if not torch.equal(tensor, value):
                    tensor.copy_(value)
                tensor.grad = slope
            for slope, value in slopes:
                slope.copy_(value)
