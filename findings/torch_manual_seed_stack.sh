#!/usr/bin/env bash
# torch.manual_seed formats the caller's whole stack, even in a build without a GPU.
#
# Versions: torch 2.13.0 (CPU), on CPython 3.11, Linux.
# Guess: to seed is to set the state of a generator, a matter of microseconds that does not
#   depend on where the call stands; without a GPU there is nothing else to do. A trainer
#   that seeds each episode by its number can afford that.
# Seen: each call runs `traceback.format_stack` several times, which reads the source lines
#   of every frame. The cost grows with the depth of the stack: tens to hundreds of times
#   that of `torch.default_generator.manual_seed`, which draws the same numbers. In a
#   notebook or under pytest, some 40 frames deep, it is a good part of a millisecond, a
#   third of an update of a small policy.
# Source: torch/cuda/__init__.py, `_lazy_call`: as long as CUDA is not initialised, which in
#   such a build it never is, the seed is queued, with the text of the stack.
# Ends with status 1 if this is not so any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check torch==2.13.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time
import traceback

import torch


def at_depth(depth, function):
    return function() if depth == 0 else at_depth(depth - 1, function)


def seconds(function):
    times = []
    for _ in range(50):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return sorted(times)[25]


def numbers(seed):
    seed(7)
    return torch.rand(3).tolist()


counted = []
original = traceback.format_stack
traceback.format_stack = lambda *given: counted.append(1) or original(*given)
torch.manual_seed(0)
traceback.format_stack = original
print(f"stacks formatted by one call: {len(counted)}")
assert numbers(torch.manual_seed) == numbers(torch.default_generator.manual_seed)
ratios = {}
for depth in (0, 40, 200):
    whole = at_depth(depth, lambda: seconds(lambda: torch.manual_seed(0)))
    plain = at_depth(depth, lambda: seconds(lambda: torch.default_generator.manual_seed(0)))
    ratios[depth] = whole / plain
    print(f"{depth:3d} frames deep: {whole * 1e6:7.1f} us, generator alone {plain * 1e6:.1f} us")
is_so = not torch.cuda.is_available() and counted and ratios[200] > 3 * ratios[0] > 15
sys.exit(not is_so)
PYTHON
