"""The clinic from a terminal: python -m pg_helpers.clinic path/to/file.py:function."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pg_helpers.clinic import GAMMA, Diagnosis, examine

RIGHT, WRONG, MISUSED, UNDECIDED = range(4)
FORMATS: dict[str, Callable[[Diagnosis], str]] = {
    "text": str,
    "json": lambda diagnosis: json.dumps(diagnosis.to_dict(), indent=2),
    "html": lambda diagnosis: diagnosis._repr_html_(),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a loss from a file and print the diagnosis.

    Args:
        arguments: those of the command line by default.

    Returns:
        0 where the mean gradient is that of J within the tolerance, 1 where it is not
        or the loss has none, 2 where the call makes no sense, 3 where this cannot be
        told, from a sample or of a loss that draws random numbers.
    """
    options = _parser().parse_args(arguments)
    try:
        diagnosis = examine(
            _load(options.loss),
            gamma=options.gamma,
            num_trajectories=options.num_trajectories,
            tolerance=options.tolerance,
            worlds=options.worlds,
            seed=options.seed,
        )
    except (ImportError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return MISUSED
    print(FORMATS[options.format](diagnosis))
    answer = diagnosis.answer
    if options.up_to_scale:
        answer = diagnosis.answer_up_to_scale(options.tolerance)
    return {"unbiased": RIGHT, "cannot tell": UNDECIDED}.get(answer, WRONG)


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
    if Path(path).suffix != ".py":
        raise ValueError(f"loss: expected a file whose name ends in .py, got {path!r}")
    try:
        module = _imported(Path(path).resolve())
    except (Exception, SystemExit) as error:  # a script may leave with status 0
        raise ImportError(f"{path}: {type(error).__name__}: {error}") from error
    try:
        return getattr(module, name)
    except Exception as error:  # of a module's own __getattr__, for one
        expected = f"expected {path} to have a function {name!r}"
        raise ValueError(f"loss: {expected} ({error})") from error


def _imported(path: Path) -> ModuleType:
    """The file as a module of its package: of its folder, where that is none.

    So it can import its neighbours, by their names or relatively.
    """
    names, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    sys.path[:0] = [str(folder), str(path.parent)]
    if len(names) == 1:
        package = ModuleType(f"_folder_{abs(hash(folder))}")
        package.__path__ = [str(folder)]
        sys.modules[package.__name__] = package
        names.insert(0, package.__name__)
    parent = importlib.import_module(".".join(names[:-1]))
    if Path(parent.__path__[0]).resolve() != path.parent:
        raise ImportError(f"another package has the name {parent.__name__}")
    name = f"{parent.__name__}.{names[-1].replace('.', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pg_helpers.clinic",
        description="Hold a policy-gradient loss against the exact gradient of J.",
        epilog="Status 0: unbiased, within the tolerance; 1: biased, or without a "
        "gradient; 2: wrong usage; 3: cannot tell.",
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
        metavar="N",
        help="trajectories in a batch (1, or 2 where the loss mixes them)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-6,
        help="largest error, as a share of the length of grad J, at most 1 "
        "(%(default)s)",
    )
    parser.add_argument(
        "--worlds",
        type=int,
        metavar="W",
        help="examine it in so many random worlds too",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of sampled batches (%(default)s)"
    )
    parser.add_argument(
        "--up-to-scale",
        action="store_true",
        help="accept any length, if the direction is right",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="of what is printed"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
