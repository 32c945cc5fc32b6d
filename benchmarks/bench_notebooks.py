"""Time and memory of the notebooks, and of what a reader waits for first.

`python benchmarks/bench_notebooks.py` runs every notebook once on a fresh kernel, and
then one of them in eight kernels at once.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from reporting import table

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = FOLDER.parent / "notebooks"
CROWD = "09_training.ipynb"
NUM_KERNELS = 8
CELL_TIMEOUT = 600  # seconds; eight kernels on two cores take their time
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PEAK_CELL = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
import memory
print(memory.peak_mib())
"""


@dataclass(frozen=True)
class Execution:
    """One notebook on one fresh kernel; `peak` is in MiB, times in seconds."""

    name: str
    seconds: float
    peak: float
    longest_cell: float
    stderr: str


def main() -> str:
    """Measure everything and return Markdown."""
    alone = [asyncio.run(execute(path)) for path in notebooks()]
    (reference,) = (run for run in alone if run.name == CROWD)
    return "\n".join(
        [
            notebooks_section(alone),
            crowd_section(reference, asyncio.run(crowd())),
        ]
    )


def notebooks() -> list[Path]:
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


async def execute(path: Path, first: str = "", **variables: str) -> Execution:
    """Run a notebook from a fresh kernel, without touching the file.

    Args:
        path: of the notebook.
        first: code that is run before it.
        variables: of the kernel's environment, besides those of a benchmark.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK_CELL))
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    started = time.perf_counter()
    await client.async_execute(env={**os.environ, **ENVIRONMENT, **variables})
    seconds = time.perf_counter() - started
    peak = float(notebook.cells[-1].outputs[0].text)
    return Execution(path.name, seconds, peak, longest_cell(notebook), stderr(notebook))


def stderr(notebook: nbformat.NotebookNode) -> str:
    """All that its cells wrote there."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(o.text for o in outputs if o.get("name") == "stderr")


def longest_cell(notebook: nbformat.NotebookNode) -> float:
    """Seconds from the kernel's beginning of a cell to its end, the most of any."""
    times = [cell.metadata.get("execution", {}) for cell in notebook.cells]
    begun_and_ended = [
        (
            datetime.fromisoformat(at["iopub.execute_input"]),
            datetime.fromisoformat(at["iopub.status.idle"]),
        )
        for at in times
        if at
    ]
    return max((end - begun).total_seconds() for begun, end in begun_and_ended)


async def crowd(
    kernels: int = NUM_KERNELS, first: str = "", **variables: str
) -> list[Execution | BaseException]:
    """The same notebook in several kernels at once; a failure is kept, not raised.

    In `first`, KERNEL stands for the number of the kernel.
    """
    runs = (
        execute(NOTEBOOKS / CROWD, first.replace("KERNEL", str(number)), **variables)
        for number in range(kernels)
    )
    return await asyncio.gather(*runs, return_exceptions=True)


def notebooks_section(runs: list[Execution]) -> str:
    total = sum(run.seconds for run in runs)
    rows = [
        (
            run.name,
            f"{run.seconds / total:.0%}",
            f"{run.seconds:.1f}",
            f"{run.peak:.0f}",
        )
        for run in runs
    ]
    largest = max(run.peak for run in runs)
    rows.append(("all, one after the other", "100%", f"{total:.1f}", f"{largest:.0f}"))
    head = ("notebook", "share of the time", "s", "peak memory, MiB")
    return f"""## The notebooks

Each once from a fresh kernel, its start included; peak resident memory of the kernel.

{table(head, rows)}
"""


def crowd_section(alone: Execution, results: list) -> str:
    finished = [run for run in results if isinstance(run, Execution)]
    failed = [repr(run)[:200] for run in results if not isinstance(run, Execution)]
    text = f"""## {NUM_KERNELS} kernels at once

{CROWD} in {NUM_KERNELS} kernels started together on {os.cpu_count()} cores:
**{len(finished)} of {NUM_KERNELS}** finished."""
    if finished:
        slowest = max(run.seconds for run in finished)
        peaks = [run.peak for run in finished]
        text += f""" The slowest took {slowest / alone.seconds:.1f} times as
long as one alone ({slowest:.0f} s, {alone.seconds:.0f} s alone); one after the other
they would take {NUM_KERNELS} times as long. Peak memory of a kernel
{min(peaks):.0f} to {max(peaks):.0f} MiB, {sum(peaks):.0f} MiB for all."""
    return "\n\n".join([text, *(f"Failed: `{fault}`" for fault in failed)]) + "\n"


if __name__ == "__main__":
    print(main())
