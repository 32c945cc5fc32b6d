"""A course on one small machine: twenty kernels run the same notebook at once.

`python reliability/load.py 6` tries six kernels.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from outcome import outcome

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "benchmarks"))

from bench_notebooks import CROWD, Execution, crowd  # noqa: E402
from reporting import table  # noqa: E402

KERNELS = 20
STALLED = 1.5  # times the median
ANSWERS = 10  # a kernel
# All keep answers in the one file of their home, at the same moment.
ANSWER = f"""
from pg_course.asking import progress
for number in range({ANSWERS}):
    said = progress.record("questions", f"KERNEL.{{number}}", "A")
    assert not said, said
"""


def main(kernels: int = KERNELS) -> str:
    """Crowd the machine, and return Markdown."""
    (alone,), _ = in_one_home(1)
    together, kept = in_one_home(kernels)
    return written(alone, together, kept)


def in_one_home(kernels: int) -> tuple[list[Execution | BaseException], set[str]]:
    """Run a crowd that shares a home which nobody used before.

    Returns:
        What came of each kernel, and the names of the answers that the home has kept.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        file = Path(home) / "progress.json"
        place = {"HOME": home, "USERPROFILE": home, "PG_HELPERS_PROGRESS": str(file)}
        found = asyncio.run(crowd(kernels, ANSWER, **place))
        kept = json.loads(file.read_text(encoding="utf-8"))["questions"]
    return found, set(kept)


def written(
    alone: Execution, together: list[Execution | BaseException], kept: set[str]
) -> str:
    kernels = len(together)
    finished = [run for run in together if isinstance(run, Execution)]
    if not finished:
        raise RuntimeError(f"none of {kernels} kernels finished: {together[0]!r}")
    seconds = sorted(run.seconds for run in finished)
    median = statistics.median(seconds)
    stalled = sum(taken > STALLED * median for taken in seconds)
    said = sum(bool(run.stderr) for run in finished)
    expected = {f"{n}.{m}" for n in range(kernels) for m in range(ANSWERS)}
    lost = len(expected - kept)
    line = outcome(
        f"{kernels} kernels at once with {CROWD.removesuffix('.ipynb')}",
        f"{len(finished)} finished and {stalled} stalled",
        "nothing" if not lost else f"{lost} of {len(expected)} answers",
    )
    failed = [repr(run)[:200] for run in together if not isinstance(run, Execution)]
    return "\n".join(
        [
            f"""## A crowd of {kernels}

{line}

{kernels} kernels started in the same second ran {CROWD} on {os.cpu_count()} cores, all
in one home that was empty before: they made IPython's settings and Matplotlib's list of
fonts side by side, and each kept {ANSWERS} answers at once with the others. *Stalled*
is a kernel that takes more than {STALLED} times the median. {said} of them wrote to
stderr. Of {len(expected)} answers {len(expected) - lost} were in the file afterwards,
which is valid JSON.
""",
            figures(alone, finished),
            *(f"Failed: `{fault}`\n" for fault in failed),
        ]
    )


def figures(alone: Execution, finished: list[Execution]) -> str:
    """Time and memory, beside one kernel alone."""
    seconds = sorted(run.seconds for run in finished)
    cells = sorted(run.longest_cell for run in finished)
    peaks = sorted(run.peak for run in finished)
    rows = [
        (name, f"{one:.1f}", *(f"{many[at]:.1f}" for at in (0, len(many) // 2, -1)))
        for name, one, many in (
            ("the whole notebook, s", alone.seconds, seconds),
            ("its longest cell, s", alone.longest_cell, cells),
            ("peak memory, MiB", alone.peak, peaks),
        )
    ]
    head = ("what", "one kernel alone", "least", "median", "most")
    return f"""{table(head, rows)}

The slowest took {seconds[-1] / seconds[0]:.2f} times as long as the fastest and
{seconds[-1] / alone.seconds:.1f} times as long as one alone, where
{len(finished) / (os.cpu_count() or 1):.0f} kernels share a core; the longest cell took
{cells[-1] / alone.longest_cell:.1f} times as long. The peaks add up to
{sum(peaks) / 1024:.1f} GiB, with libraries that kernels share counted for each.
"""


if __name__ == "__main__":
    print(main(*map(int, sys.argv[1:])))
