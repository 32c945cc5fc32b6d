"""Whether a test or a notebook calls another machine, as Linux counts it.

`python reliability/security.py notebooks/00_start_here.ipynb` tries it with less.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from outcome import outcome

ROOT = Path(__file__).resolve().parent.parent
# In a net of its own a process has loopback and nothing else. Linux counts there what
# any process, in C or in Python, tries to send elsewhere.
ALONE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
ENTER = 'ip link set lo up && exec "$@"'
COUNT = """
import subprocess, sys
def tried():
    both = open("/proc/net/snmp").read() + open("/proc/net/snmp6").read()
    lines = [line.split() for line in both.splitlines()]
    names, values = (line for line in lines if line[0] == "Ip:")
    (six,) = (line[1] for line in lines if line[0] == "Ip6OutNoRoutes")
    return int(values[names.index("OutNoRoutes")]) + int(six)
before = tried()
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(code, tried() - before)
"""
CALL = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("192.0.2.1", 80), 5)
"""


def main(*chosen: str) -> str:
    """Run the tests without a network, and return Markdown."""
    called = in_a_net_of_its_own([sys.executable, "-c", CALL])[1]
    if not called:
        raise RuntimeError("expected the call of a net for documentation to be counted")
    started = time.perf_counter()
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen]
    tests += ["-n", "2", "--dist", "loadfile"]
    status, tried = in_a_net_of_its_own(tests)
    minutes = (time.perf_counter() - started) / 60
    faults = [
        *(["the tests failed without a network"] if status else []),
        *([f"{tried} calls of another machine"] if tried else []),
    ]
    line = outcome(
        "all tests and notebooks without a network",
        f"{tried} calls",
        "; ".join(faults) or "nothing",
    )
    ran = " ".join(["pytest", *chosen])
    return f"""## Network

{line}

`{ran}` ran for {minutes:.0f} minutes in a net of its own with loopback only: it ended
with status {status}. Linux counts what any process there, C code included, tries to
send to another machine: {tried} times. (Of one call made on purpose it counted
{called}.)
"""


def in_a_net_of_its_own(command: list[str]) -> tuple[int, int]:
    """Run a command where there is no other machine.

    Returns:
        Its status, and how often something there tried to call one.
    """
    whole = [*ALONE, "sh", "-c", ENTER, "sh", sys.executable, "-c", COUNT, *command]
    done = subprocess.run(
        whole, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    status, tried = done.stdout.split()
    return int(status), int(tried)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
