"""What an import adds to `import torch, gymnasium`: processor time and memory."""

import statistics
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROUNDS = 7
IMPORTS = {
    "`pg_helpers`": "import pg_helpers",
    "with its clinic": "import pg_helpers.clinic",
    "with the demos of the course": "from pg_course import Explorer, predict, watch",
}
MEASURE = f"""
import sys, time
sys.path.insert(0, {str(FOLDER)!r})
import memory, gymnasium, torch
torch_took, held, start = time.process_time(), memory.peak_mib(), time.process_time()
{{}}
print(time.process_time() - start, memory.peak_mib() - held, torch_took)
"""


def main() -> str:
    """Import by turns in fresh processes and return a Markdown section."""
    found: dict[str, list[list[float]]] = {name: [] for name in IMPORTS}
    for _ in range(ROUNDS):
        for name, statement in IMPORTS.items():
            found[name].append(measured(f"import pg_helpers; {statement}"))
    medians = {
        name: [statistics.median(column) for column in zip(*runs, strict=True)]
        for name, runs in found.items()
    }
    lines = [
        f"| {name} | {100 * seconds / torch:.0f}% | {1000 * seconds:.0f} | {mib:.1f} |"
        for name, (seconds, mib, torch) in medians.items()
    ]
    return f"""## What an import adds

Beyond `import torch, gymnasium`, whose processor time is the unit of the second column;
medians of {ROUNDS} fresh processes by turns. Each line includes `pg_helpers`.

| import | share | processor time, ms | peak memory, MiB |
|---|---|---|---|
{chr(10).join(lines)}
"""


def measured(statement: str) -> list[float]:
    """Seconds and MiB that a statement adds, and the seconds before it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(statement)],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(number) for number in done.stdout.split()]


if __name__ == "__main__":
    print(main())
