"""The one port to the disk: everything the journal asks of the operating system goes through ``OsFiles``.

A test or a simulator gives a subclass that fails, falls short, hangs or keeps the bytes in memory.
Nothing here knows what a record is, and nothing here retries.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

_FILE_MODE = 0o640
_DIRECTORY_MODE = 0o750
_NO_TRICKS = os.O_CLOEXEC | os.O_NOFOLLOW  # a link in a journal would have root write elsewhere for its owner


class OsFiles:
    """System calls on files, one each. Every method raises ``OSError`` as the call did."""

    def process_id(self) -> int:
        """Whose calls these are: what a lock file names."""
        return os.getpid()

    def make_directory(self, directory: Path) -> None:
        """Make the directory and its parents, if they are not there."""
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)

    def names(self, directory: Path) -> list[str]:
        """The names in a directory, in no particular order."""
        return os.listdir(directory)

    def is_directory(self, path: Path) -> bool:
        """Whether the path is a directory (false, too, when there is nothing)."""
        return path.is_dir()

    def exists(self, path: Path) -> bool:
        """Whether there is anything at the path."""
        return path.exists()

    def create(self, path: Path) -> int:
        """An empty file open for appending; what was there is gone. Returns its descriptor."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _NO_TRICKS, _FILE_MODE)
        _hand_on(fd, path)
        return fd

    def open_append(self, path: Path) -> int:
        """An existing file open for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | _NO_TRICKS)

    def open_read(self, path: Path) -> int:
        """An existing file open for reading."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, fd: int, count: int, offset: int) -> bytes:
        """At most ``count`` bytes from ``offset``; fewer at the end of the file."""
        return os.pread(fd, count, offset)

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        """Append; returns how many bytes were taken, which may be fewer than given."""
        return os.write(fd, chunk)

    def sync(self, fd: int) -> None:
        """Wait until the file's contents are on the platter."""
        os.fdatasync(fd)

    def sync_directory(self, directory: Path) -> None:
        """Wait until the directory's names are on the platter."""
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def size(self, fd: int) -> int:
        """The file's size in bytes, now."""
        return os.fstat(fd).st_size

    def size_of(self, path: Path) -> int:
        """The size in bytes of the file at ``path``, now."""
        return path.stat().st_size

    def is_at(self, fd: int, path: Path) -> bool:
        """Whether the open file is still the one that ``path`` names."""
        try:
            return os.path.samestat(os.fstat(fd), path.stat())
        except FileNotFoundError:
            return False

    def rename(self, old: Path, new: Path) -> None:
        """Give the file another name."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Remove the file."""
        path.unlink()

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def lock(self, path: Path) -> int | None:
        """The file, created if need be, locked for this process until closed; None when another holds it."""
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_TRICKS, _FILE_MODE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        _hand_on(fd, path)
        return fd


def _hand_on(fd: int, path: Path) -> None:
    """What root made belongs to whom the directory belongs to, who is to go on with it."""
    if os.geteuid() == 0 and os.fstat(fd).st_nlink == 1:
        owner = path.parent.stat()
        with suppress(PermissionError):  # a root that gave CAP_CHOWN up
            os.fchown(fd, owner.st_uid, owner.st_gid)
