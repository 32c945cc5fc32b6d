#!/usr/bin/env bash
# The first torch.func.grad imports PyTorch's compiler and sympy; vmap and autograd do not.
#
# Versions: torch 2.13.0 (CPU), on CPython 3.11, Linux.
# Guess: per-sample gradients are vmap(grad(f)), as the documentation has them. Nothing is
#   compiled, so that a command-line tool pays for `import torch` and no more.
# Seen: the first call of grad, or of vmap(grad), imports torch._dynamo, sympy and hundreds
#   of other modules: some 0.8 s of processor time, most of what `import torch` costs. The
#   same numbers come from vmap(f) and one torch.autograd.grad of the sum of its values,
#   which import nothing of it, since each value depends on its own sample only.
# Source: torch/_functorch/eager_transforms.py, `_autograd_grad`: it enters
#   `torch._dynamo.compiled_autograd._disable()`, and torch._dynamo is imported lazily.
# Ends with status 1 if this is not so any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check torch==2.13.0 numpy

cd "$folder"
cat > per_sample.py <<'PYTHON'
import sys
import time

import torch
from torch.func import grad, vmap


def value(x):
    return (x.exp() * x).sum() ** 2


x = torch.linspace(0, 1, 12, dtype=torch.float64).reshape(4, 3)
before, start = set(sys.modules), time.process_time()
if sys.argv[1] == "grad":
    found = vmap(grad(value))(x)
else:
    leaf = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(vmap(value)(leaf).sum(), leaf)
seconds = time.process_time() - start
new = set(sys.modules) - before
compiler = "torch._dynamo" in new and "sympy" in new
print(f"{found.sum().item():.12f} {len(new)} {compiler} {seconds:.3f}")
PYTHON
by_grad=$("$folder/venv/bin/python" per_sample.py grad)
by_sum=$("$folder/venv/bin/python" per_sample.py sum)
echo "vmap(grad):               sum, new modules, compiler among them, s: $by_grad"
echo "vmap, then autograd.grad: sum, new modules, compiler among them, s: $by_sum"
read -r sum_a modules_a compiler_a _ <<< "$by_grad"
read -r sum_b modules_b compiler_b _ <<< "$by_sum"
[ "$sum_a" = "$sum_b" ] && [ "$compiler_a" = True ] && [ "$compiler_b" = False ] &&
    [ "$modules_a" -gt 300 ] && [ "$modules_b" -lt 50 ]
