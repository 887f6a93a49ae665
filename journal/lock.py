"""One writer at a time: a lock file in the journal's directory, held until the process ends at the latest."""

import os
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


def _pid_in(files: OsFiles, path: Path) -> int:
    fd = files.open_read(path)
    try:
        text = files.read(fd, _PID_SIZE, 0).strip()
    finally:
        files.close(fd)
    return int(text) if text.isdigit() else 0
