"""One writer at a time: a lock file beside what is written, held until the process ends at the latest.

It holds the writer's process id, and for a journal the boot id: ``PID BOOT``. A writer that has synced everything at
its end removes the boot id. So the next writer knows whether the journal may lack something that the last one did.
"""

import re
from contextlib import suppress
from pathlib import Path

from journal.errors import Locked
from journal.files import OsFiles

_NAME = "writer.lock"
_SIZE = 100


class FileLock:
    """Holds the lock file ``path`` for this process, and names the process in it.

    ``found`` is what the last holder left behind its process id. Raises ``Locked``, which names ``guarded``, if another
    process holds it; OSError.
    """

    def __init__(self, files: OsFiles, path: Path, guarded: Path) -> None:
        self._files = files
        fd = files.lock(path)
        if fd is None:
            raise Locked(guarded, _written_in(files, path)[0])
        self._fd: int | None = fd
        self.found = _written_in(files, path)[1]
        self.say(self.found)

    def say(self, text: str) -> None:
        """Leave a text behind the process id."""
        assert self._fd is not None
        self._files.truncate(self._fd, 0)
        self._files.write(self._fd, f"{self._files.process_id()} {text}".strip().encode() + b"\n")

    def release(self) -> None:
        """Let others have it; a second time does nothing."""
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None

    @property
    def is_held(self) -> bool:
        """Whether it was not released yet."""
        return self._fd is not None


class WriterLock:
    """Holds the directory for this process; raises ``Locked`` if another one does.

    ``left_open_in`` is the boot in which the last writer ended before everything was on the platter; else empty.
    """

    def __init__(self, files: OsFiles, directory: Path) -> None:
        self._lock = FileLock(files, directory / _NAME, directory)
        self.left_open_in = self._lock.found

    def begin(self, boot_id: str) -> None:
        """Something is about to be written in this boot. A disk that is full keeps nobody from it."""
        with suppress(OSError):
            self._lock.say(boot_id)

    def release(self, *, finished: bool = False) -> None:
        """Let others write; a second time does nothing. ``finished`` says that everything is on the platter."""
        if finished and self._lock.is_held:
            with suppress(OSError):
                self._lock.say("")
        self._lock.release()


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
    """The process id, 0 if there is none, and what follows it."""
    fd = files.open_read(path)
    try:
        pid, _, text = files.read(fd, _SIZE, 0).decode("ascii", "replace").strip().partition(" ")
    finally:
        files.close(fd)
    return int(pid) if pid.isdecimal() else 0, text
