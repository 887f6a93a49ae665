"""Single questions to this machine, answered from /proc and by system calls. Reads only; a file that is not there is
no error, its answer is that nothing is known.
"""

import contextlib
import ctypes
import grp
import os
import pwd
import resource
import socket
from collections.abc import Iterable
from pathlib import Path

from kglb.doctor.facts import Disk
from kglb.model import parse_endpoint

_SYSCTLS = Path("/proc/sys")
_NOT_SYNCHRONISED = 5  # TIME_ERROR, adjtimex(2)
_TIMEX_SIZE = 256  # bytes, at least those of struct timex


def loaded_modules() -> frozenset[str]:
    """The modules in the kernel now."""
    return frozenset(line.split()[0] for line in _lines(Path("/proc/modules")))


def loadable_modules() -> frozenset[str] | None:
    """The modules that are built in or can be loaded, None where the kernel has no directory of modules here."""
    directory = Path("/lib/modules", os.uname().release)
    if not directory.is_dir():
        return None
    paths = [*_lines(directory / "modules.builtin"), *_lines(directory / "modules.dep")]
    return frozenset(Path(path.partition(":")[0]).name.partition(".")[0].replace("-", "_") for path in paths)


def sysctls(names: Iterable[str]) -> dict[str, int]:
    """The values of those that the kernel has, by their names as sysctl(8) has them."""
    found = {}
    for name in names:
        path = _SYSCTLS / name.translate(str.maketrans("./", "/."))
        with contextlib.suppress(OSError, ValueError):
            found[name] = int(path.read_text())
    return found


def processes() -> frozenset[str]:
    """The names of all processes that can be seen."""
    return frozenset(name for path in Path("/proc").glob("[0-9]*/comm") for name in _lines(path))


def may_ping() -> bool:
    """Whether this process may have an ICMP socket."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except OSError:
            continue
        return True
    return False


def descriptor_limit() -> int:
    """The most descriptors that a process started from here may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def listen_error(listen: str) -> str:
    """Why nobody can listen there now; empty if somebody could, or nobody wants to."""
    if not listen:
        return ""
    endpoint = parse_endpoint(listen)
    with socket.socket(socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((endpoint.address, endpoint.port))
        except OSError as error:
            return os.strerror(error.errno or 0).lower()
    return ""


def has_group(name: str) -> bool:
    """Whether there is such a group, or none is asked for."""
    try:
        return not name or bool(grp.getgrnam(name))
    except KeyError:
        return False


def owner_of(path: Path) -> str | None:
    """Whose a file is: a user's name, or the number of one that has none; None where there is no such file."""
    try:
        user = path.stat().st_uid
    except OSError:
        return None
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def disk_of(directory: Path) -> Disk:
    """The disk that a directory is on, or would be."""
    existing = next(path for path in (directory, *directory.absolute().parents) if path.is_dir())
    room = os.statvfs(existing)
    files = [] if existing != directory else [path for path in directory.iterdir() if path.is_file()]
    return Disk(
        existing=str(existing),
        filesystem=_filesystem(existing.resolve()),
        writable=os.access(existing, os.W_OK | os.X_OK),
        free=room.f_bavail * room.f_frsize,
        used=sum(path.stat().st_size for path in files),
    )


def _filesystem(directory: Path) -> str:
    """The type of the file system of the mount that a directory is below (proc(5), mountinfo)."""
    mounts = (line.partition(" - ") for line in _lines(Path("/proc/self/mountinfo")))
    types = {Path(before.split()[4]): after.split()[0] for before, _, after in mounts}
    return next((types[path] for path in (directory, *directory.parents) if path in types), "unknown")


def clock_is_synchronised() -> bool | None:
    """Whether something keeps the clock right; None where the kernel does not tell."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_SIZE))
    return None if state < 0 else state != _NOT_SYNCHRONISED


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
