"""The clinic from a terminal: python -m pg_helpers.clinic path/to/file.py:function."""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pg_helpers.clinic import GAMMA, Diagnosis, examine
from pg_helpers.require import check_fraction

RIGHT, WRONG, MISUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a loss from a file and print the diagnosis.

    Args:
        arguments: those of the command line by default.

    Returns:
        0 where the mean gradient is that of J within the tolerance, 1 where it is not
        or the loss could not be examined, 2 where the call makes no sense.
    """
    options = _parser().parse_args(arguments)
    try:
        check_fraction("tolerance", options.tolerance)
        diagnosis = examine(
            _load(options.loss),
            gamma=options.gamma,
            num_trajectories=options.num_trajectories,
        )
    except (ImportError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return MISUSED
    print(diagnosis)
    return RIGHT if _is_right(diagnosis, options) else WRONG


def _is_right(diagnosis: Diagnosis, options: argparse.Namespace) -> bool:
    tolerance = max(options.tolerance, 4 * diagnosis.standard_error)
    if not options.up_to_scale:
        return diagnosis.relative_error <= tolerance
    # The error that is left when the length is mended: the sine of the angle.
    across = math.sqrt(max(0.0, 1 - diagnosis.cosine**2))
    return diagnosis.cosine > 0 and across <= tolerance


def _load(place: str) -> Any:
    """The function that path/to/file.py:function names."""
    path, _, name = place.rpartition(":")
    if not path or not name:
        raise ValueError(f"loss: expected path/to/file.py:function, got {place!r}")
    try:
        there = Path(path).is_file()
    except OSError:  # a name that is too long for one
        there = False
    if not there:
        raise ValueError(f"loss: expected a Python file, got {path!r}, which is none")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"loss: expected a file whose name ends in .py, got {path!r}")
    module = importlib.util.module_from_spec(spec)
    # Where a module looks for itself, as dataclasses do.
    sys.modules.setdefault(spec.name, module)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script may leave with status 0
        raise ImportError(f"{path}: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        raise ValueError(f"loss: expected {path} to have a function {name!r}")
    return getattr(module, name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pg_helpers.clinic",
        description="Hold a policy-gradient loss against the exact gradient of J.",
        epilog="Status 0: right; 1: biased, or not to be examined; 2: wrong usage.",
    )
    parser.add_argument(
        "loss",
        metavar="path/to/file.py:function",
        help="of (log_probs, rewards, mask) or (batch, policy), to be minimised",
    )
    parser.add_argument(
        "--gamma", type=float, default=GAMMA, help="discount (%(default)s)"
    )
    parser.add_argument(
        "--num-trajectories",
        type=int,
        default=1,
        metavar="N",
        help="trajectories in a batch; at least 2 where the loss uses the mean or "
        "spread of its batch (%(default)s)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-6,
        help="largest error, as a share of the length of grad J, at most 1 "
        "(%(default)s)",
    )
    parser.add_argument(
        "--up-to-scale",
        action="store_true",
        help="accept any length, if the direction is right",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
