"""What is reached and what listens, looked at from outside of Python; and the packages.

`python reliability/security.py notebooks/00_start_here.ipynb` tries it with less.
"""

import collections
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from jupyter_client import BlockingKernelClient
from outcome import outcome

from tools import bounds

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "::1")
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
    """Look, and return Markdown."""
    called = in_a_net_of_its_own([sys.executable, "-c", CALL])[1]
    if not called:
        raise RuntimeError("expected the call of a net for documentation to be counted")
    started = time.perf_counter()
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen]
    tests += ["-n", "2", "--dist", "loadfile"]
    status, tried = in_a_net_of_its_own(tests)
    minutes = (time.perf_counter() - started) / 60
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        with lab(Path(home)) as server:
            ends = sockets(server)
    outside = [end for end in ends if not end.startswith(LOOPBACK)]
    if len({end.split()[-1] for end in ends}) < 2:
        raise RuntimeError(f"expected sockets of JupyterLab and a kernel, got {ends}")
    faults = [
        *(["the tests failed without a network"] if status else []),
        *([f"{tried} calls of another machine"] if tried else []),
        *(f"listening on {end}" for end in outside),
    ]
    line = outcome(
        "all tests and notebooks without a network; make lab and its kernel",
        f"{tried} calls; {len(ends) - len(outside)} of {len(ends)} sockets on loopback",
        "; ".join(faults).replace(".", ",") or "nothing",
    )
    ran = " ".join(["pytest", *chosen])
    return f"""## Network and packages

{line}

`{ran}` ran for {minutes:.0f} minutes in a net of its own with loopback only: it ended
with status {status}. Linux counts what any process there, C code included, tries to
send to another machine: {tried} times. (Of one call made on purpose it counted
{called}.)

`make lab` with a kernel that imported the package had {len(ends)} internet sockets
open in {len({end.split()[-1] for end in ends})} processes, {len(outside)} of them on
addresses other than loopback.

{audit()} {packages()}
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


@contextmanager
def lab(home: Path) -> Iterator[psutil.Process]:
    """`make lab` with a kernel in which the package is loaded."""
    stamp = home / "installed"
    stamp.touch()
    arguments = ["--no-browser", "--port=0"]
    arguments += ["--allow-root"] if os.geteuid() == 0 else []
    command = ["make", "lab", f"BIN={Path(sys.executable).parent}", f"STAMP={stamp}"]
    command += [f"LAB_ARGS={' '.join(arguments)}"]
    places = {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    with (home / "log").open("w") as log:
        server = psutil.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **places, "JUPYTER_TOKEN": secrets.token_hex()},
            stdout=log,
            stderr=log,
        )
        try:
            start_kernel(home / "runtime")
            yield server
        finally:
            for process in [*server.children(recursive=True), server]:
                process.terminate()
            server.wait(30)


def start_kernel(runtime: Path) -> None:
    """Ask the server for a kernel, and have it load the package."""
    import urllib.request

    about = json.loads(wait_for(runtime, "jpserver-*.json").read_text())
    request = urllib.request.Request(
        f"{about['url']}api/kernels",
        data=b"{}",
        headers={"Authorization": f"token {about['token']}"},
    )
    for _ in range(100):
        try:
            urllib.request.urlopen(request, timeout=60).close()
            break
        except OSError:
            time.sleep(0.2)
    client = BlockingKernelClient(
        connection_file=str(wait_for(runtime, "kernel-*.json"))
    )
    client.load_connection_file()
    client.start_channels(hb=False)  # a busy machine is no dead kernel
    client.wait_for_ready(timeout=60)
    reply = client.execute_interactive(
        "import pg_course as course; course.show_progress()",
        timeout=120,
        output_hook=lambda message: None,
    )
    client.stop_channels()
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the kernel did not load the package: {reply['content']}")


def wait_for(folder: Path, pattern: str) -> Path:
    for _ in range(300):
        if found := list(folder.glob(pattern)):
            return found[0]
        time.sleep(0.2)
    raise TimeoutError(f"no {pattern} in {folder}")


def sockets(server: psutil.Process) -> list[str]:
    """Address and process of each internet socket of a process and its children."""
    found = []
    for process in [server, *server.children(recursive=True)]:
        for end in process.net_connections(kind="inet"):
            found.append(f"{end.laddr.ip} {end.laddr.port} {process.pid}")
            if end.raddr:
                found.append(f"{end.raddr.ip} {end.raddr.port} {process.pid}")
    return found


def audit() -> str:
    """What `make audit` says, in a sentence."""
    with tempfile.NamedTemporaryFile() as stamp:
        command = ["make", "-s", "audit", f"STAMP={stamp.name}"]
        command += [f"BIN={Path(sys.executable).parent}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = done.stderr.strip().splitlines()
    said = [line for line in said if not line.startswith(("WARNING", "make"))]
    return f"`make audit` ended with status {done.returncode}: {said[-1]}."


def packages() -> str:
    """How what is pinned comes, and under which licences."""
    names = bounds.pins()
    installed = {d.name.lower(): d for d in importlib.metadata.distributions()}
    here = [installed[name.lower()] for name in names if name.lower() in installed]
    wheels = sum(bool(package.read_text("WHEEL")) for package in here)
    kinds = collections.Counter(map(licence, here)).most_common()
    licences = ", ".join(f"{name} ({count})" for name, count in kinds)
    return (
        f"constraints.txt pins {len(names)} packages; of {len(here)} installed here "
        f"{wheels} came as wheels. Licences as their authors name them: {licences}."
    )


def licence(package: importlib.metadata.Distribution) -> str:
    about = package.metadata
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or []
        if text.startswith("License :: OSI Approved :: ")
    ]
    text = about.get("License-Expression") or ", ".join(classified)
    text = text or (about.get("License") or "not named").strip().splitlines()[0]
    return text[:60]


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
