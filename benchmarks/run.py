"""Run every bench_*.py of this folder and write RESULTS.md."""

import importlib
import os
import platform
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

HEADER = """# Results

Written by `make bench`; not edited by hand. Times depend on the machine and its load:
trust the ratios, which were measured side by side in one run.

Machine: {machine}
"""


def main() -> None:
    # The reason for one thread is in conftest.py; it must be set before torch loads.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(FOLDER))
    sections = [HEADER.format(machine=machine())]
    for path in sorted(FOLDER.glob("bench_*.py")):
        print(f"{path.name} ...", flush=True)
        sections.append(importlib.import_module(path.stem).main())
        print(sections[-1], flush=True)
    (FOLDER / "RESULTS.md").write_text("\n".join(sections))


def machine() -> str:
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


if __name__ == "__main__":
    main()
