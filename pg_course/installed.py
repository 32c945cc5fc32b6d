"""What is installed here and what there is to run on: facts, which `doctor` judges.

At the top it imports nothing that does not come with Python: anything may be missing.
"""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PACKAGE = "policy-gradients-by-experiment"
# Where the name that is imported is not the name that is installed.
MODULES = {"pillow": "PIL"}
# They bring libraries, of which one may be missing or not fit. To import the others too
# would keep a reader waiting.
WITH_LIBRARIES = {"torch", "numpy", "matplotlib", "pillow", "psutil"}


def intel_mac() -> str:
    """What to do on macOS on Intel, where no installing helps; empty elsewhere."""
    if (sys.platform, platform.machine()) != ("darwin", "x86_64"):
        return ""
    return (
        "pip has no PyTorch after 2.2 for macOS on Intel, and the series needs 2.4. "
        "Use conda (conda-forge has newer ones), Binder or Colab, as the README says. "
        "On a Mac with an Apple chip this Python is the wrong one: take one for arm64."
    )


def version_of(name: str) -> str | None:
    """The version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def bounds(name: str) -> dict[str, str]:
    """What an installed package needs, as it says itself: the versions, by name.

    Of ours, also what the extra `course` adds, which the notebooks need.
    """
    if version_of(name) is None or version_of("packaging") is None:
        return {}
    from packaging.requirements import Requirement

    found = {}
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(
            {"extra": "course"}
        ):
            key = requirement.name.replace("_", "-")
            found[key] = str(requirement.specifier)
    return found


def fits(version: str, needed: str) -> bool:
    """Whether a version is one of those that are needed; True where nobody knows."""
    if version_of("packaging") is None:
        return True
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(needed).contains(version, prereleases=True)


def trouble_of(name: str) -> str:
    """Why a package cannot be imported; empty where it can, or is likely to."""
    module = MODULES.get(name, name.replace("-", "_"))
    if name not in WITH_LIBRARIES:
        return "" if importlib.util.find_spec(module) else f"there is no {module}"
    try:
        importlib.import_module(module)
    except Exception as error:  # A broken one may raise anything.
        return f"{type(error).__name__}: {error}"
    return ""


def found_from_elsewhere() -> Path | None:
    """Where a process in another folder, as a kernel is, finds pg_helpers."""
    if "ipykernel.kernelapp" in sys.modules:  # This is a kernel.
        spec = importlib.util.find_spec("pg_helpers")
        return Path(spec.origin).parent if spec and spec.origin else None
    code = (
        "import importlib.util as u; s = u.find_spec('pg_helpers'); "
        "print(s.origin if s and s.origin else '')"
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True
        )
    origin = done.stdout.strip()
    return Path(origin).parent if origin else None


def has_extension(name: str) -> bool:
    """Whether JupyterLab's folders hold an extension: its part in the page."""
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:
        return True  # Which `packages` says.
    folders = jupyter_path("labextensions")
    return any(Path(folder, name, "package.json").exists() for folder in folders)


def refused(folder: Path) -> str:
    """Why a folder cannot be written to; tried, since a mount may be read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def memories(system: Path = Path("/sys/fs/cgroup")) -> Iterator[tuple[float, str]]:
    """MiB that are free, and MiB that a container may use, where that is known."""
    try:
        import psutil
    except ImportError:
        return
    # What this process holds, PyTorch included, is part of what a notebook needs.
    own = psutil.Process().memory_info().rss
    yield (psutil.virtual_memory().available + own) / 2**20, "There are"
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            yield int((system / name).read_text()) / 2**20, "This machine may use only"
        except (OSError, ValueError):  # No such file, or "max": no limit.
            continue
