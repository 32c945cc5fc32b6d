"""Run the bench_*.py of this folder and write RESULTS.md.

`python benchmarks/run.py notebooks scale` runs only bench_notebooks.py and
bench_scale.py and leaves the other sections as they are. Without names all are run but
those that need packages of their own; `make bench-peers` runs these.
"""

import importlib
import os
import platform
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
APART = {"peers"}

HEADER = """# Results

Written by `make bench` and `make bench-peers`; not edited by hand. Times depend on the
machine and its load: trust the ratios, which were measured side by side in one run.
Each section ends with the machine that it was measured on.
"""
MARK = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)


def main(chosen: list[str]) -> None:
    names = [path.stem[6:] for path in sorted(FOLDER.glob("bench_*.py"))]
    unknown = set(chosen) - set(names)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    # The reason for one thread is in conftest.py; it must be set before torch loads.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(FOLDER))
    file = FOLDER / "RESULTS.md"
    for name in chosen or [name for name in names if name not in APART]:
        print(f"bench_{name}.py ...", flush=True)
        found = importlib.import_module(f"bench_{name}").main()
        # Read late: meanwhile another run may have written its section.
        sections = read(file.read_text(encoding="utf-8") if file.exists() else "")
        sections[name] = f"{found}\n*Measured on {machine()}*\n"
        print(sections[name], flush=True)
        kept = {n: sections[n] for n in names if n in sections}
        file.write_text(written(kept), encoding="utf-8")


def read(text: str) -> dict[str, str]:
    """The sections of RESULTS.md by name, without their marks."""
    _, *pieces = MARK.split(text)
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    return {name: section.strip() + "\n" for name, section in pairs}


def written(sections: dict[str, str]) -> str:
    """The text of RESULTS.md; `read` gives the sections back."""
    parts = [f"<!-- {name} -->\n{text.strip()}\n" for name, text in sections.items()]
    return "\n".join([HEADER, *parts])


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
    main(sys.argv[1:])
