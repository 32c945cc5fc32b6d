"""What is wrong with an installation, in words: `python -m pg_helpers.doctor`.

Works where PyTorch or anything else is missing.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pg_course.installed import (
    PACKAGE,
    bounds,
    fits,
    found_from_elsewhere,
    has_extension,
    intel_mac,
    memories,
    refused,
    trouble_of,
    version_of,
)

NEEDED = 450  # MiB of memory that the largest kernel of the series takes
ANEW = "in the project's folder: make clean lab (the README has the way without make)"
# Those that show figures in a notebook.
BACKENDS = ("inline", "ipympl", "nbagg", "widget")


@dataclass(frozen=True)
class Finding:
    """Something that was found.

    Attributes:
        problem: what is wrong, in a sentence or two.
        remedy: how to fix it.
        serious: whether notebooks may fail of it; otherwise it is a hint.
    """

    problem: str
    remedy: str
    serious: bool = True


def examine() -> list[Finding]:
    """Look at Python, packages, kernel, folders, threads and memory.

    Returns:
        What is wrong, the most basic first; empty where nothing is.
    """
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check()
        except Exception as error:  # One that stumbles must not silence the others.
            name = f"{check.__name__}: {type(error).__name__}: {error}"
            remedy = "fix what else is named here first, then ask again"
            findings.append(Finding(f"This could not be looked at: {name}", remedy))
    return findings


def report(findings: list[Finding]) -> str:
    """The findings as a text: each with what to do about it."""
    if not any(finding.serious for finding in findings):
        lines = ["Your set-up works: nothing wrong was found."]
    else:
        lines = ["Something is wrong with your set-up."]
    for finding in findings:
        kind = "Wrong" if finding.serious else "Hint"
        lines += ["", f"{kind}: {finding.problem}", f"  To fix it: {finding.remedy}"]
    return "\n".join(lines)


def main() -> int:
    """Print what is there and what is wrong; the status is 1 if anything is."""
    findings = examine()
    print(f"Python {platform.python_version()}, {sys.executable}")
    installed = [(name, version_of(name)) for name in (PACKAGE, *bounds(PACKAGE))]
    print(", ".join(f"{name} {version}" for name, version in installed if version))
    print(f"\n{report(findings)}")
    return int(any(finding.serious for finding in findings))


def python() -> Iterator[Finding]:
    """Whether this Python is one that the package is made for."""
    needed = (
        metadata.metadata(PACKAGE)["Requires-Python"] if version_of(PACKAGE) else None
    )
    if needed and not fits(platform.python_version(), needed):
        yield Finding(
            f"This is Python {platform.python_version()}; the series needs {needed}.",
            intel_mac()
            or "install a newer Python, then, in the project's folder: make clean lab "
            "PYTHON=python3.12",
        )


def packages() -> Iterator[Finding]:
    """Whether each package is there, of a version that fits, and can be imported."""
    if version_of("packaging") is None:
        yield Finding(
            "packaging is not installed; perhaps nothing is.", intel_mac() or ANEW
        )
    for name, needed in bounds(PACKAGE).items():
        version = version_of(name)
        if version is None:
            yield Finding(f"{name} is not installed.", install(name, needed))
        elif not fits(version, needed):
            yield Finding(
                f"{name} is of version {version}; the series needs {needed}.",
                install(name, needed),
            )
        elif trouble := trouble_of(name):
            yield Finding(
                f"{name} {version} is installed, but cannot be imported: {trouble}",
                install(name, f"=={version.partition('+')[0]}", "--force-reinstall"),
            )


def install(name: str, needed: str, *options: str) -> str:
    """How to install a package into this Python, or what to do instead."""
    if name == "torch" and intel_mac():
        return intel_mac()
    parts = [sys.executable, "-m pip install", *options, f'"{name}{needed}"']
    cpu = " (on Linux see the README for the CPU build)" if name == "torch" else ""
    anew = "" if intel_mac() else f"; or {ANEW}"
    return f"{' '.join(parts)}{cpu}{anew}"


def checkout() -> Iterator[Finding]:
    """Whether a notebook imports the package, and the one of this folder."""
    found = found_from_elsewhere()
    here = Path.cwd()
    own = [
        p for p in (here, *here.parents) if (p / "pg_helpers" / "doctor.py").exists()
    ]
    if found is None or version_of(PACKAGE) is None:
        yield Finding(
            f"pg_helpers is not installed for this Python, {sys.executable}: from "
            "other folders it is not found.",
            f"in the project's folder: {sys.executable} -m pip install --no-deps -e .",
        )
    elif own and not os.path.samefile(own[0] / "pg_helpers", found):
        yield Finding(
            f"The notebooks import {found}, not {own[0] / 'pg_helpers'}: a change in "
            "this folder does nothing.",
            f"in {own[0]}: {sys.executable} -m pip install --no-deps -e .",
        )


def kernel() -> Iterator[Finding]:
    """Whether JupyterLab's kernel `python3` is the Python that runs this."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return  # ipywidgets or jupyterlab is missing too, which `packages` says.
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        remedy = f"{sys.executable} -m pip install ipykernel"
        yield Finding("There is no kernel for notebooks, python3.", remedy)
        return
    # Without a folder it stands for the Python that runs JupyterLab.
    folder = os.path.dirname(command)
    if not folder:
        return
    remedy = (
        f"{sys.executable} -m ipykernel install --sys-prefix, and if that does not "
        "help, jupyter kernelspec remove python3"
    )
    if not os.path.exists(command):
        yield Finding(f"The kernel python3 starts {command}, which is gone.", remedy)
    elif not os.path.samefile(folder, os.path.dirname(sys.executable)):
        yield Finding(
            f"The kernel python3 starts {command}, but pg_helpers is installed for "
            f"{sys.executable}.",
            remedy,
        )


def widgets() -> Iterator[Finding]:
    """Whether JupyterLab has the part that shows the controls of the demos."""
    name = "jupyterlab-widgets"
    needed = bounds("ipywidgets").get(name, "")
    version = version_of(name)
    remedy = f"{install(name, needed)}; then restart JupyterLab"
    if version_of("ipywidgets") is None:
        return  # which `packages` says
    if version is None:
        yield Finding(f"{name} is not installed: demos stay still pictures.", remedy)
    elif not fits(version, needed):
        yield Finding(
            f"{name} is of version {version}, but ipywidgets "
            f"{version_of('ipywidgets')} needs {needed}: demos stay still pictures.",
            remedy,
        )
    elif not has_extension("@jupyter-widgets/jupyterlab-manager"):
        yield Finding(
            f"JupyterLab does not find the extension of {name}: demos stay still "
            "pictures.",
            install(name, needed, "--force-reinstall") + "; then restart JupyterLab",
        )
    elif version_of("anywidget") and not has_extension("anywidget"):
        yield Finding(
            "JupyterLab does not find the extension of anywidget: the controls of the "
            "demos have no names for who hears them.",
            install("anywidget", "", "--force-reinstall") + "; then restart JupyterLab",
        )


def figures() -> Iterator[Finding]:
    """Whether matplotlib's figures come into the notebook; elsewhere nothing to ask."""
    if "ipykernel.kernelapp" not in sys.modules or trouble_of("matplotlib"):
        return
    import matplotlib

    backend = matplotlib.get_backend()
    if not any(name in backend.lower() for name in BACKENDS):
        yield Finding(
            f"matplotlib draws with {backend!r}, which shows no figure in a notebook.",
            "run %matplotlib inline in a cell; and unset MPLBACKEND, if it is set, "
            "before JupyterLab starts",
        )


def folders() -> Iterator[Finding]:
    """Whether notebooks and answers can be saved."""
    if reason := refused(Path.cwd()):
        yield Finding(
            f"In {Path.cwd()} nothing can be written ({reason}): notebooks run, but "
            "are not saved.",
            "copy the project's folder into your home, and start JupyterLab there",
        )
    try:
        from pg_course.asking import progress
    except ImportError:
        return  # Something is missing, which `packages` says.
    place = progress.path()
    if place is None:
        return
    parents = (parent for parent in place.parents if parent.exists())
    if reason := refused(next(parents)):
        yield Finding(
            f"Your answers cannot be kept in {place} ({reason}): they last until the "
            "kernel stops.",
            f"set {progress.VARIABLE} to a file that can be written, before "
            "JupyterLab starts",
        )
    elif trouble := progress.trouble():
        yield Finding(trouble, f"move {place} away")


def memory() -> Iterator[Finding]:
    """Whether the memory suffices for the largest notebook."""
    for free, whose in memories():
        if free < NEEDED:
            yield Finding(
                f"{whose} {free:.0f} MiB of memory; a notebook takes up to {NEEDED}.",
                "shut other kernels down (in JupyterLab: Kernel > Shut Down All "
                "Kernels), close other programs, or take a larger machine",
            )


def threads() -> Iterator[Finding]:
    """Whether small networks run on one thread: a hint, as it only takes time."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        number = torch.get_num_threads()
        if number > 1:
            yield Finding(
                f"PyTorch uses {number} threads. On networks this small a second one "
                "gains nothing, and stalls them whenever another program is busy.",
                "set OMP_NUM_THREADS=1 before JupyterLab starts; make lab does",
                serious=False,
            )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python,
    packages,
    checkout,
    kernel,
    widgets,
    figures,
    folders,
    memory,
    threads,
)


if __name__ == "__main__":
    sys.exit(main())
