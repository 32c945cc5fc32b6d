"""The clinic from a terminal: python -m pg_helpers.clinic path/to/file.py:NAME."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from pg_helpers import clinic
from pg_helpers.clinic import Diagnosis
from pg_helpers.mdp import TabularMDP
from pg_helpers.models import from_gymnasium
from pg_helpers.require import require

RIGHT, WRONG, MISUSED, UNDECIDED = range(4)
FORMATS: dict[str, Callable[[Diagnosis], str]] = {
    "text": str,
    "json": lambda diagnosis: json.dumps(diagnosis.to_dict(), indent=2),
    "markdown": Diagnosis.to_markdown,
    "html": lambda diagnosis: diagnosis._repr_html_(),
}
TARGETS: dict[str, Callable[..., Any]] = {
    "surrogate": lambda: clinic.surrogate,
    "ppo_clip": clinic.ppo_clip,
    "dual_clip": clinic.dual_clip,
    "cispo": clinic.cispo,
    "gspo": clinic.gspo,
    "entropy_regularised": clinic.entropy_regularised,
    "kl_regularised": clinic.kl_regularised,
}
PLACE = "path/to/file.py:NAME"


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
        diagnosis = clinic.examine(
            _load("loss", options.loss),
            gamma=options.gamma,
            num_trajectories=options.num_trajectories,
            groups=options.groups,
            tolerance=options.tolerance,
            form=options.form,
            worlds=options.worlds,
            seed=options.seed,
            **_named(options),
        )
    except (ImportError, TypeError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return MISUSED
    print(FORMATS[options.format](diagnosis))
    answer = diagnosis.answer
    if options.up_to_scale:
        answer = diagnosis.answer_up_to_scale(options.tolerance)
    return {"unbiased": RIGHT, "cannot tell": UNDECIDED}.get(answer, WRONG)


def _named(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of examine that are given by the name of a thing in a file."""
    found: dict[str, Any] = {"advantages": options.advantages}
    if ":" in options.advantages:
        found["advantages"] = _load("advantages", options.advantages)
    if options.target is not None:
        found["target"] = _target(options.target)
    expected = "one beside an environment's id"
    by_id = options.mdp is not None and ":" not in options.mdp
    require(by_id or options.horizon is None, "horizon", expected, options.horizon)
    if by_id:
        found["mdp"] = from_gymnasium(options.mdp, options.horizon)
    elif options.mdp is not None:
        found["mdp"] = _made("mdp", options.mdp, TabularMDP)
    world = found["mdp"] if "mdp" in found else clinic.standard_world()
    for name in ("policy", "behaviour", "reference"):
        if (place := getattr(options, name)) is not None:
            found[name] = _made(name, place, nn.Module, world)
    return found


def _target(words: str) -> Any:
    """What is called so, made with the numbers after it; else what a file names."""
    name, *numbers = words.split(":")
    if name not in TARGETS:
        return _load("target", words, f"{PLACE}, or {', '.join(TARGETS)}")
    try:
        return TARGETS[name](*map(float, numbers))
    except (TypeError, ValueError) as error:
        raise ValueError(f"target: {words}: {error}") from error


def _made(name: str, place: str, kind: type, *given: Any) -> Any:
    """What the file names, or what it returns as a function of these or of nothing."""
    found = _load(name, place)
    if isinstance(found, kind) or not callable(found):
        return found
    try:
        every = inspect.signature(found).parameters.values()
        required = [p for p in every if p.default is p.empty]
        return found(*given[: len(required)])
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name}: {place}: {_told(error)}") from error


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _load(name: str, place: str, expected: str = PLACE) -> Any:
    """What path/to/file.py:NAME names, for the argument with this name."""
    path, _, attribute = place.rpartition(":")
    if not path or not attribute:
        raise ValueError(f"{name}: expected {expected}, got {place!r}")
    try:
        there = Path(path).is_file()
    except OSError:  # a name that is too long for one
        there = False
    if not there:
        raise ValueError(f"{name}: expected a Python file, got {path!r}, which is none")
    if Path(path).suffix != ".py":
        raise ValueError(f"{name}: expected a file that ends in .py, got {path!r}")
    try:
        module = _imported(Path(path).resolve())
    except (Exception, SystemExit) as error:  # a script may leave with status 0
        raise ImportError(f"{path}: {_told(error)}") from error
    try:
        return getattr(module, attribute)
    except Exception as error:  # of a module's own __getattr__, for one
        expected = f"expected {path} to have a {attribute!r}"
        raise ValueError(f"{name}: {expected} ({error})") from error


@cache  # a loss and a policy from one file share what it holds
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
        usage=f"%(prog)s {PLACE} [options]",  # an error stays short
        description="Compare the mean gradient of a policy-gradient loss with the "
        "exact gradient of J.",
        epilog="Status 0: unbiased, within the tolerance; 1: biased, or without a "
        "gradient; 2: wrong usage; 3: cannot tell.",
    )
    parser.add_argument(
        "loss",
        metavar=PLACE,
        help="of (log_probs, rewards, mask) or (batch, policy), to be minimised",
    )
    parser.add_argument(
        "--gamma", type=float, default=clinic.GAMMA, help="discount (%(default)s)"
    )
    parser.add_argument(
        "--mdp",
        metavar="ID",
        help="world: the id of an environment of Gymnasium, such as FrozenLake-v1; or "
        f"{PLACE}, a TabularMDP or a function that makes one",
    )
    parser.add_argument(
        "--horizon",
        type=int,
        metavar="T",
        help="largest number of steps in that environment (its time limit)",
    )
    parser.add_argument(
        "--policy",
        metavar=PLACE,
        help="a Module, or a function, also of the world, that makes one",
    )
    parser.add_argument(
        "--behaviour", metavar=PLACE, help="the policy that sampled, where ratios count"
    )
    parser.add_argument(
        "--reference", metavar=PLACE, help="the policy that gives ref_log_probs"
    )
    parser.add_argument(
        "--target",
        metavar="TARGET",
        help=f"instead of J: {', '.join(TARGETS)}, with numbers as in "
        f"ppo_clip:0.2:0.28 or kl_regularised:0.04; or {PLACE}",
    )
    parser.add_argument(
        "--advantages",
        metavar="KIND",
        default="total",
        help="what a loss is given by this name: total, rtg, group, group_std, gae, "
        f"or {PLACE} (%(default)s)",
    )
    parser.add_argument(
        "--groups",
        type=int,
        nargs=2,
        metavar=("P", "G"),
        help="P prompts with G trajectories each, as for GRPO",
    )
    parser.add_argument(
        "--form",
        default="padded",
        help="of what a loss is given: padded, flat or sequence (%(default)s)",
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
