#!/usr/bin/env bash
# cosmic-ray takes the bare `*` of a signature for a multiplication.
#
# Versions: cosmic-ray 8.7.0 on CPython 3.11.
# Guess: ReplaceBinaryOperator_Mul_Div makes quotients of products, and leaves signatures
#   alone, as it does with `*args`.
# Seen: it also takes the `*` before keyword-only parameters and writes `/` there. The
#   mutant is valid Python with positional-only parameters: it changes how the function
#   is called, and says nothing of arithmetic, but counts in the share that tests kill.
#   Some other replacements (`+`, `-`) are no Python there, and count as killed.
# Source: cosmic_ray/operators/binary_operator_replacement.py, `_is_binary_operator`: it
#   lists the parents of an operator that is not binary, without "parameters".
# Ends with status 1 if this is not so any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check cosmic-ray==8.7.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import ast
import sys

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

SOURCE = "def area(width, *, height):\n    return width + height\n"
VARIADIC = "def total(*numbers):\n    return sum(numbers)\n"


def mutant(kind, source):
    return mutate_code(source, get_operator(f"core/ReplaceBinaryOperator_Mul_{kind}")(), 0)


print("of a sum:", mutant("Div", SOURCE).splitlines()[0])
print("of *numbers:", mutant("Div", VARIADIC))
only = [a.arg for a in ast.parse(mutant("Div", SOURCE)).body[0].args.posonlyargs]
try:
    ast.parse(mutant("Add", SOURCE))
    is_python = True
except SyntaxError as error:
    is_python = False
    print("with + in its place:", error.msg)
sys.exit(not (only == ["width"] and mutant("Div", VARIADIC) is None and not is_python))
PYTHON
