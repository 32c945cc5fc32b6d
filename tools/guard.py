"""What no test and no notebook may do: reach a network, start programs, unpickle.

conftest.py guards the process of the tests, and every kernel. Python tells its audit
hooks of each such call before it is made, so that nothing leaves the machine. What C
code does by itself it does not tell; reliability/security.py looks at that.
"""

import ipaddress
import os
import socket
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

LOG = "PG_GUARD_LOG"
# Matplotlib looks for fonts with these, the first time that it is used.
FOR_FONTS = {"fc-list", "system_profiler"}
OUTGOING = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
PROGRAMS = {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"}
LIBRARY = str(Path(socket.__file__).parent)
OUR_CODE = r"(pg_helpers|pg_course|__main__)(\.|$)"
STARTUP = """\
def _guard():
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("guard", {file!r})
    guard = module_from_spec(spec)
    spec.loader.exec_module(guard)
    guard.install_in_kernel()


_guard()
del _guard
"""


class RefusedError(PermissionError):
    """A call that is forbidden here was about to be made.

    An OSError, since a process that forks to start a program expects no other.
    """


def install() -> None:
    """Refuse all but loopback in this process, for as long as it runs."""
    sys.addaudithook(lambda event, arguments: _judge(event, arguments, kernel=False))


def install_in_kernel() -> None:
    """Refuse programs and pickles too, and make warnings about our own code errors."""
    sys.addaudithook(lambda event, arguments: _judge(event, arguments, kernel=True))
    for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        warnings.filterwarnings("error", category=kind, module=OUR_CODE)


def guard_kernels(folder: Path) -> None:
    """Have every kernel that is started from here on guard itself.

    Args:
        folder: an empty one. It becomes IPython's, so that a user's settings and
            startup files stay out of the kernels.
    """
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    text = STARTUP.format(file=str(Path(__file__).resolve()))
    (startup / "00-guard.py").write_text(text, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)
    os.environ[LOG] = str(folder / "refused.log")


def refused() -> list[str]:
    """What was refused since this was asked last, here and in all guarded kernels.

    An exception can be caught, also by a library that means well; this cannot.
    """
    log = Path(os.environ[LOG])
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def _judge(event: str, arguments: tuple[Any, ...], kernel: bool) -> None:
    if event in OUTGOING:
        allowed = _stays_here(*arguments)
    elif event in LOOKUPS:
        allowed = _is_here(arguments[0])
    elif not kernel:
        return
    elif event == "subprocess.Popen":
        allowed = Path(os.fsdecode(arguments[0])).name in FOR_FONTS
    elif event in PROGRAMS or event == "pickle.find_class":
        allowed = False
    else:
        return
    if not allowed:
        _refuse(f"{event} {arguments!r}")


def _stays_here(end: socket.socket, address: Any) -> bool:
    """Whether an address, of a machine or a file, is one of this machine only."""
    inet = end.family in (socket.AF_INET, socket.AF_INET6)
    return not inet or address is None or _is_here(address[0])


def _is_here(host: Any) -> bool:
    name = os.fsdecode(host) if isinstance(host, (str, bytes)) else host
    if name in (None, "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refuse(what: str) -> None:
    frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_stack()[:-3]]
    callers = [at for at in frames if not at.startswith(LIBRARY) or "-packages" in at]
    place = " < ".join(callers[:-3:-1])
    if log := os.environ.get(LOG):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{what} by {place}\n")
    raise RefusedError(f"the tests forbid this: {what}")
