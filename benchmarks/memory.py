"""The peak memory of this process; the standard library only, to add nothing to it."""

import sys
from pathlib import Path


def peak_mib() -> float:
    """Largest resident memory of this process so far, in MiB.

    On Linux from /proc: getrusage would count the parent that started the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
