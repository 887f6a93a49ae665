"""One writer at a time: a lock file in the journal's directory, held until the process ends at the latest."""

import os
import re
from pathlib import Path

from journal.errors import Locked
from journal.files import OsFiles

_NAME = "writer.lock"
_PID_SIZE = 20


class WriterLock:
    """Holds the directory for this process; raises ``Locked`` if another one does."""

    def __init__(self, files: OsFiles, directory: Path) -> None:
        self._files = files
        path = directory / _NAME
        fd = files.lock(path)
        if fd is None:
            raise Locked(directory, _pid_in(files, path))
        self._fd: int | None = fd
        files.truncate(fd, 0)
        files.write(fd, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Let others write; a second time does nothing."""
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None


def writer_of(directory: Path) -> int | None:
    """The id of the process that writes the journal in ``directory``; None if nobody does, or it is not there.

    It only looks, in the kernel's list of locks (proc(5)): taking the lock to try it would stop a writer from starting.
    """
    path = directory / _NAME
    try:
        inode, pid = path.stat().st_ino, _pid_in(OsFiles(), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    held = rf"^\d+: FLOCK +ADVISORY +WRITE {pid} [0-9a-f]+:[0-9a-f]+:{inode} "
    return pid if re.search(held, Path("/proc/locks").read_text("ascii"), re.MULTILINE) else None


def _pid_in(files: OsFiles, path: Path) -> int:
    fd = files.open_read(path)
    try:
        text = files.read(fd, _PID_SIZE, 0).strip()
    finally:
        files.close(fd)
    return int(text) if text.isdigit() else 0
