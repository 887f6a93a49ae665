"""One writer at a time: a lock file in the journal's directory, held until the process ends at the latest.

It says who writes, and in which boot: ``PID BOOT``. Who has brought everything to the platter leaves no boot behind; so
whoever comes next knows whether the journal may lack what its last writer did.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from journal.errors import Locked
from journal.files import OsFiles

_NAME = "writer.lock"
_SIZE = 100


class WriterLock:
    """Holds the directory for this process; raises ``Locked`` if another one does.

    ``left_open_in`` is the boot in which the last writer ended before everything was on the platter; else empty.
    """

    def __init__(self, files: OsFiles, directory: Path) -> None:
        self._files = files
        path = directory / _NAME
        fd = files.lock(path)
        if fd is None:
            raise Locked(directory, _written_in(files, path)[0])
        self._fd: int | None = fd
        self.left_open_in = _written_in(files, path)[1]
        self._say(self.left_open_in)

    def begin(self, boot_id: str) -> None:
        """Something is about to be written in this boot. A disk that is full keeps nobody from it."""
        with suppress(OSError):
            self._say(boot_id)

    def release(self, *, finished: bool = False) -> None:
        """Let others write; a second time does nothing. ``finished`` says that everything is on the platter."""
        if self._fd is not None:
            if finished:
                with suppress(OSError):
                    self._say("")
            self._files.close(self._fd)
            self._fd = None

    def _say(self, boot_id: str) -> None:
        assert self._fd is not None
        self._files.truncate(self._fd, 0)
        self._files.write(self._fd, f"{os.getpid()} {boot_id}".strip().encode() + b"\n")


def writer_of(directory: Path) -> int | None:
    """The id of the process that writes the journal in ``directory``; None if nobody does, or it is not there.

    It only looks, in the kernel's list of locks (proc(5)): taking the lock to try it would stop a writer from starting.
    """
    path = directory / _NAME
    try:
        inode, (pid, _) = path.stat().st_ino, _written_in(OsFiles(), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    held = rf"^\d+: FLOCK +ADVISORY +WRITE {pid} [0-9a-f]+:[0-9a-f]+:{inode} "
    return pid if re.search(held, Path("/proc/locks").read_text("ascii"), re.MULTILINE) else None


def _written_in(files: OsFiles, path: Path) -> tuple[int, str]:
    """The process id, 0 if there is none, and the boot."""
    fd = files.open_read(path)
    try:
        pid, _, boot_id = files.read(fd, _SIZE, 0).decode("ascii", "replace").strip().partition(" ")
    finally:
        files.close(fd)
    return int(pid) if pid.isdecimal() else 0, boot_id
