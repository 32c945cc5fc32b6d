"""Training runs that are killed, or meet a full disk.

`python reliability/kills.py` prints the section; the kills are at random moments, two
runs at a time.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from outcome import outcome
from runs_to_kill import KINDS

RUN = Path(__file__).with_name("runs_to_kill.py")
NUM_KILLS = 100
NUM_STUBBORN, KILLS_EACH = 6, 8
# Full: it holds two files at first, and not as the history grows.
DISKS = {"a disk that becomes full": "size=40k", "a read-only disk": "ro"}
SEED = 20_261_121


@dataclass(frozen=True)
class Kill:
    """One run: killed, taken up again, and held against the run that was left alone."""

    kind: str
    every: int
    found: str  # what the kill left: "no file", "a file", or "a file half-written"
    identical: bool


def begin(kind: str, *arguments: object) -> subprocess.Popen:
    """Start a run, and return when its training begins."""
    command = [sys.executable, str(RUN), kind, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "begins\n":
        raise RuntimeError(f"{kind}: the run did not begin")
    return process


def result(process: subprocess.Popen) -> str:
    """What a run printed at its end; empty if it was killed."""
    return process.communicate()[0].strip()


def left_alone(kind: str) -> tuple[str, float]:
    """The digest of an uninterrupted run, and the seconds of its training."""
    process = begin(kind)
    started = time.monotonic()
    found = result(process)
    return found, time.monotonic() - started


def kill(process: subprocess.Popen, after: float) -> None:
    """SIGKILL, which no program can catch, so many seconds after the beginning."""
    time.sleep(after)
    process.kill()
    process.communicate()


def tried(
    kind: str, every: int, moments: list[float], truth: str, folder: Path
) -> Kill:
    """Kill a run at each of these moments after it began anew, then let it finish."""
    path = folder / "run.pt"
    for moment in moments:
        kill(begin(kind, path, every), moment)
    found = "no file"
    if path.exists():
        half = path.with_name(f"{path.name}.partial").exists()
        found = "a file half-written" if half else "a file"
    return Kill(kind, every, found, result(begin(kind, path, every)) == truth)


def all_kills(seed: int) -> tuple[list[Kill], list[Kill]]:
    """Runs killed once, and runs killed again and again."""
    chance = random.Random(seed)
    truths = {kind: left_alone(kind) for kind in KINDS}
    jobs = []
    for number in range(NUM_KILLS + NUM_STUBBORN):
        kind = list(KINDS)[number % len(KINDS)]
        truth, seconds = truths[kind]
        # Every update is written, or every tenth; what is written often is hit often.
        every = chance.choice((1, 1, 10))
        times = 1 if number < NUM_KILLS else KILLS_EACH
        longest = seconds if times == 1 else seconds / 4
        jobs.append((kind, every, [chance.uniform(0, longest) for _ in range(times)]))
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:

        def try_one(number: int) -> Kill:
            kind, every, moments = jobs[number]
            folder = Path(place) / str(number)
            folder.mkdir()
            return tried(kind, every, moments, truths[kind][0], folder)

        kills = list(pool.map(try_one, range(len(jobs))))
    return kills[:NUM_KILLS], kills[NUM_KILLS:]


def disks() -> dict[str, bool | None]:
    """Whether a run on a bad disk ends as without a checkpoint, and says so once.

    None where this system lets nobody mount a disk of their own, as Linux does.
    """
    truth, _ = left_alone("corridor")
    found: dict[str, bool | None] = {}
    for name, option in DISKS.items():
        with tempfile.TemporaryDirectory() as place:
            mount = f"mount -t tmpfs -o {option} tmpfs {place}"
            run = f"exec {sys.executable} {RUN} corridor {place}/run.pt 1"
            command = ["unshare", "-rm", "sh", "-c", f"{mount} && {run}"]
            done = subprocess.run(command, capture_output=True, text=True)
        if "begins" not in done.stdout:
            found[name] = None
            continue
        said = done.stderr.count("cannot be written")
        found[name] = done.stdout.split() == ["begins", truth] and said == 1
    return found


def main() -> str:
    once, stubborn = all_kills(SEED)
    on_disks = disks()
    good = [sum(kill.identical for kill in kills) for kills in (once, stubborn)]
    tried_disks = [well for well in on_disks.values() if well is not None]
    lost = len(once) + len(stubborn) + len(tried_disks) - sum(good) - sum(tried_disks)
    found = Counter(kill.found for kill in once)
    seen = ", ".join(f"{what} {count} times" for what, count in sorted(found.items()))
    words = {True: "as they should", False: "**wrong**", None: "not tried here"}
    line = outcome(
        f"{len(once)} runs killed once, {len(stubborn)} killed {KILLS_EACH} times, "
        f"{len(tried_disks)} bad disks",
        f"{good[0]}, {good[1]} and {sum(tried_disks)}",
        f"{lost} runs" if lost else "nothing",
    )
    return f"""## Kills and bad disks

{line}

SIGKILL at a random moment of the training, in a process of its own; then the same
command again, to the end. As it should: parameters, buffers and history are, bit for
bit, those of a run that was left alone. The runs: the corridor (600 updates), CartPole
(30), and a policy with dropout and batch normalisation, which draws random numbers of
its own (300); written after each update or each tenth. The kill left {seen}.

On a disk of its own, training goes on to the same bits, and says once that nothing can
be written: {", ".join(f"{name}: {words[well]}" for name, well in on_disks.items())}.
"""


if __name__ == "__main__":
    print(main())
