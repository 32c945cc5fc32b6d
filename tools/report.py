"""A Markdown file whose sections are each written by a script of their own."""

import importlib
import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """What is measured, and where it is written.

    Attributes:
        file: that is written; a section that is not measured again stays as it is.
        head: the text above the sections, made from them.
        modules: name of each section, in their order, and the module whose `main() ->
            str` measures it.
        apart: sections that are only written when they are named.
    """

    file: Path
    head: Callable[[dict[str, str]], str]
    modules: dict[str, str]
    apart: frozenset[str] = frozenset()

    def write(self, chosen: list[str]) -> None:
        """Measure the sections that are named, or all but those apart."""
        unknown = set(chosen) - set(self.modules)
        if unknown:
            there = ", ".join(self.modules)
            sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {there}")
        # The reason for one thread is in conftest.py; it must be set before torch
        # loads.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        for name in chosen or [name for name in self.modules if name not in self.apart]:
            print(f"{self.modules[name]} ...", flush=True)
            found = importlib.import_module(self.modules[name]).main()
            # Read late: meanwhile another run may have written its section.
            text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
            sections = read(text)
            sections[name] = f"{found}\n*Measured on {machine()}*\n"
            print(sections[name], flush=True)
            kept = {n: sections[n] for n in self.modules if n in sections}
            self.file.write_text(written(self.head(kept), kept), encoding="utf-8")


def read(text: str) -> dict[str, str]:
    """The sections of a report by name, without their marks."""
    _, *pieces = MARK.split(text)
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    return {name: section.strip() + "\n" for name, section in pairs}


def written(head: str, sections: dict[str, str]) -> str:
    """The text of a report; `read` gives the sections back."""
    parts = [f"<!-- {name} -->\n{text.strip()}\n" for name, text in sections.items()]
    return "\n".join([head, *parts])


def machine() -> str:
    """What it was measured on."""
    import torch

    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, PyTorch {torch.__version__}."
    )


def processor() -> str:
    """The name of the processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
