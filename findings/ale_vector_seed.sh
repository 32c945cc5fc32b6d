#!/usr/bin/env bash
# ALE/Pong-v5 takes any seed as a single environment, and no seed from 2**31 on as a vector.
#
# Versions: ale-py 0.12.1, gymnasium 1.4.0, on CPython 3.11, Linux.
# Guess: `gymnasium.make_vec` gives the same environment as `gymnasium.make`, only several
#   at once, so that a seed that one of them takes the other takes too. Gymnasium's own
#   environments take every integer from 0 on, and say so in `gymnasium.utils.seeding`.
# Seen: `make_vec("ALE/Pong-v5")` chooses ale-py's AtariVectorEnv (C++). It gives
#   environment i the seed plus i, as a C int, so that of two environments the second
#   already fails with the seed 2**31 - 1. What is raised is a TypeError of the binding,
#   which names neither the seed nor its limit. Half of all seeds of 32 bits, as NumPy's
#   SeedSequence generates them, are refused.
# Source: ale_py/vector_env.py, AtariVectorEnv.reset, of the version above.
# Ends with status 1 if this is not so any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check \
  ale-py==0.12.1 gymnasium==1.4.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import ale_py
import gymnasium

gymnasium.register_envs(ale_py)


def takes(env, seed):
    try:
        env.reset(seed=seed)
    except TypeError as error:
        print(f"  {type(error).__name__}: {str(error).splitlines()[0]}")
        return False
    return True


single = gymnasium.make("ALE/Pong-v5")
vector = gymnasium.make_vec("ALE/Pong-v5", num_envs=2)
found = {}
for seed in (2**31 - 2, 2**31 - 1, 2**32 - 1):
    found[seed] = takes(single, seed), takes(vector, seed)
    print(f"seed {seed}: single, vector of two: {found[seed]}")
expected = {
    2**31 - 2: (True, True),
    2**31 - 1: (True, False),
    2**32 - 1: (True, False),
}
sys.exit(found != expected)
PYTHON
