"""What public functions do with bad input: thousands of cases, drawn anew each time."""

import random
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from outcome import outcome

ROOT = Path(__file__).resolve().parent.parent
CASES = "reliability/fuzz_cases"
# As fuzz_cases/conftest.py writes them.
COUNT = re.compile(r"^cases (\w+): (.+): (\d+)$", re.MULTILINE)
ENDS = {
    "answered": "answered",
    "refused, ValueError": "ValueError",
    "refused, TypeError": "TypeError",
    "raised by the environment or the policy": "theirs",
    "wrong": "wrong",
}
FEWEST = 10_000


def main() -> str:
    """The section: how each group of functions took what it was given."""
    seed, start = random.randrange(2**32), time.monotonic()
    print(f"seed {seed}", flush=True)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", CASES, "-p", "no:cacheprovider"),
            f"--hypothesis-seed={seed}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    counts = read(run.stdout)
    if run.returncode or not counts:
        print(run.stdout[-20_000:], run.stderr[-5000:], sep="\n", flush=True)
    return written(counts, run.returncode, seed, time.monotonic() - start)


def read(printed: str) -> dict[str, dict[str, int]]:
    """Numbers of cases, by group of functions and by end."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(ENDS, 0))
    for group, end, number in COUNT.findall(printed):
        counts[group][end] = int(number)
    return dict(counts)


def written(
    counts: dict[str, dict[str, int]], status: int, seed: int, seconds: float
) -> str:
    """A table of the counts, and what came of it."""
    total = {end: sum(ends[end] for ends in counts.values()) for end in ENDS}
    cases = sum(total.values())
    rows = [
        f"| {name} | {sum(ends.values()):,} | "
        + " | ".join(f"{ends[end]:,}" for end in ENDS)
        + " |"
        for name, ends in [*sorted(counts.items()), ("all", total)]
    ]
    # A test may also fail because an answer was not the oracle's.
    lost = "nothing"
    if status or total["wrong"] or cases < FEWEST:
        lost = f"{total['wrong']} cases, and pytest ended with status {status}"
    tried = f"{cases:,} calls of public functions with bad input and good"
    return f"""## Bad input

Every public function of `pg_helpers` is called with one argument replaced by nonsense,
and with right ones; environments, checkpoints and losses lie, or raise, in the middle
of a run. A call may answer with finite numbers and without a warning, or raise a
ValueError or TypeError of the form "argument: expected ..., got ..."; what an
environment or a policy itself raises comes through as it is ("theirs"). What is sampled
must be what the environment recorded, and what the clinic says of a loss is compared
with plain loops. Anything else counts as wrong: another error, one from the depths of
NumPy or PyTorch, a silent NaN, 4 GiB of memory.

| cases of | cases | {" | ".join(ENDS.values())} |
|---|---{"|---" * len(ENDS)}|
{chr(10).join(rows)}

{seconds / 60:.0f} minutes; `pytest {CASES} --hypothesis-seed={seed}` draws the same
cases.

{outcome(tried, f"{cases - total['wrong']:,}", lost)}
"""


if __name__ == "__main__":
    print(main())
