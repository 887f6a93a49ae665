"""The disk's side of the group commit: writes what it is given, in order, and says how far it came.

It runs on one thread (or inline, in a simulation) and is the only writer of segments. Syncs are made beside it, one
at a time: lines that come meanwhile are written at once, whatever time the platter takes, and are synced together
with the next. It never numbers, never computes a checksum, never decides what is in a segment; it knows lines only by
their newlines. After an error it keeps what was not written and tries again when called again. A file whose fdatasync
failed is never touched again: what the kernel still holds of it is unknown, and a second fdatasync would say that all
is well. Neither is a file that somebody has removed or replaced: nobody would find what is written to it.
"""

import errno
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from journal.files import OsFiles
from journal.retention import Retention, apply_retention
from journal.segments import Segment, segment_path
from journal.sync import Sync

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 10.0
_BATCH = 4096
"""Lines joined into one write: a megabyte or so, joined in less than a millisecond."""


class NewSegment(msgspec.Struct, frozen=True):
    """From here on, a new file. ``parts`` are its first line (and maybe more), ending with a newline.

    Records from ``missing_from`` on may be missing before it, as its ``JournalGap`` says; else that is
    ``first_seq``.
    """

    first_seq: int
    parts: tuple[bytes, ...]
    missing_from: int


Item = bytes | NewSegment
"""What is queued: whole lines, one record each, or a new segment."""


def size_of(item: Item) -> int:
    """How many bytes an item keeps in memory."""
    return len(item) if isinstance(item, bytes) else sum(map(len, item.parts))


class Committer:
    """Writes items to the segments of ``directory``; what it publishes is read by the loop's thread.

    ``beside`` has a sync run elsewhere and, once it is done, given to ``commit``; it may also run it at once.

    ``written_seq`` and ``synced_seq`` are the last records handed to the kernel and known to be on the
    platter.
    ``done_size`` counts the bytes of items written or given up. ``failure`` is the last error while it lasts,
    else empty. ``lost_files`` counts the files whose fdatasync failed: each asks for a new segment that
    declares what is missing.
    """

    def __init__(
        self,
        files: OsFiles,
        directory: Path,
        retention: Retention,
        published: Callable[[], None],
        beside: Callable[[Sync], None],
    ) -> None:
        self._files = files
        self._directory = directory
        self._retention = retention
        self._published = published
        self._beside = beside
        self._syncing: Sync | None = None
        self._held: deque[Item] = deque()
        self._path = directory
        self._fd: int | None = None
        self._size = 0  # up to the last whole record
        self._synced_size = 0
        self._named = False  # the file's name is on the platter
        self._torn = False  # something follows the last whole record
        self._lost = False  # nothing can be written but a segment that declares the loss
        self._delay = _FIRST_DELAY
        self.written_seq = 0
        self.synced_seq = 0
        self.done_size = 0
        self.failure = ""
        self.lost_files = 0

    def go_on(self, segment: Segment, size: int, last_seq: int, opening_size: int) -> None:
        """Continue a segment of ``size`` bytes whose last record is ``last_seq``. Raises ``OSError``.

        Only its first line, of ``opening_size`` bytes, counts as synced: who wrote the rest may have been killed before
        it was synced, or because it could not be.
        """
        self._fd = self._files.open_append(segment.path)
        self._path = segment.path
        self._size, self._synced_size = size, opening_size
        self.written_seq, self.synced_seq = last_seq, segment.first_seq

    @property
    def progress(self) -> tuple[int, int]:
        """Another whenever the disk has got on; what is written while a sync is under way does not count."""
        return self.synced_seq, self.done_size if self._syncing is None else -1

    def commit(self, work: Sequence[Item | Sync]) -> float | None:
        """Write the items among this after those held, and have them synced; take in a sync that is done.

        Seconds until the next try, or None if all goes well.
        """
        ended = [sync for sync in work if sync is self._syncing]
        self._held.extend(item for item in work if not isinstance(item, Sync))
        try:
            if ended:
                self._end_sync()
            self._write_held()
            self._begin_sync()
        except Exception as error:  # whatever it is, the thread goes on, and says so
            self.failure = _describe(error, self._path)
            delay, self._delay = self._delay, min(2 * self._delay, _LONGEST_DELAY)
            self._published()
            return delay
        if self.failure and not self._lost and self._syncing is None:
            self.failure = ""
            self._delay = _FIRST_DELAY
            self._published()
        return None

    def close(self) -> None:
        """Give the file back."""
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None

    def _write_held(self) -> None:
        while self._held:
            item = self._held[0]
            if self._lost and not self._makes_up_for_loss(item):
                self.done_size += size_of(self._held.popleft())
            elif isinstance(item, NewSegment):
                self._open(item)
            else:
                self._write_lines()

    def _makes_up_for_loss(self, item: Item) -> bool:
        return isinstance(item, NewSegment) and item.missing_from <= self.synced_seq + 1

    def _write_lines(self) -> None:
        assert self._fd is not None, "lines are queued behind the segment they belong to"
        if self._torn:
            self._files.truncate(self._fd, self._size)
            self._torn = False
        chunk = b"".join(self._take_lines())
        taken = 0
        try:
            for taken in self._write(self._fd, chunk):  # noqa: B007 - how far it came is wanted after an error, too
                pass
        finally:
            whole = chunk.rfind(b"\n", 0, taken) + 1
            if whole < len(chunk):
                self._held.appendleft(chunk[whole:])
            self._torn = taken > whole
            self._size += whole
            self.done_size += whole
            self.written_seq += chunk.count(b"\n", 0, whole)
        self._published()

    def _take_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        while self._held and len(lines) < _BATCH and isinstance(line := self._held[0], bytes):
            lines.append(line)
            self._held.popleft()
        return lines

    def _write(self, fd: int, chunk: bytes) -> Iterator[int]:
        """Write all of it; yields how much of it is written."""
        view = memoryview(chunk)
        taken = 0
        while taken < len(chunk):
            count = self._files.write(fd, view[taken:])
            if count == 0:
                raise OSError(errno.EIO, "the write took nothing")
            taken += count
            yield taken

    def _open(self, item: NewSegment) -> None:
        """Seal the segment before, write the new one's first line, and apply the retention."""
        self._finish_sync()
        self.close()
        self._path = segment_path(self._directory, item.first_seq)
        fd = self._files.create(self._path)
        try:
            for part in item.parts:
                for _ in self._write(fd, part):
                    pass
        except OSError:
            self._discard(fd, self._path)
            raise
        self._fd = fd
        self._held.popleft()
        self._lost = self._torn = self._named = False
        self._size, self._synced_size = size_of(item), 0
        self.done_size += self._size
        self._finish_sync(item.first_seq + sum(part.count(b"\n") for part in item.parts) - 1)
        apply_retention(self._files, self._directory, self._retention)

    def _begin_sync(self) -> None:
        """Have what is written synced, unless a sync is under way: the next one is for all that comes until then."""
        if self._fd is None or self._syncing is not None or self._synced_size == self._size:
            return
        self._syncing = sync = self._new_sync(self._fd, self.written_seq)
        self._beside(sync)
        if sync.done:
            self._end_sync()

    def _finish_sync(self, opened_to: int | None = None) -> None:
        """Sync all that is written, and wait for it; of a new segment up to ``opened_to``, which is written for certain
        only now: without its first sync the file is thrown away.
        """
        if self._syncing is not None:
            self._syncing.run()
            self._end_sync()
        if self._fd is None or self._synced_size == self._size:
            return
        self._syncing = self._new_sync(self._fd, self.written_seq if opened_to is None else opened_to)
        self._syncing.run()
        self._end_sync()

    def _new_sync(self, fd: int, seq: int) -> Sync:
        named, path = self._named, self._path

        def make() -> None:
            self._files.sync(fd)
            if not named:
                self._files.sync_directory(self._directory)
            if not self._files.is_at(fd, path):
                raise FileNotFoundError(errno.ENOENT, "somebody has removed or replaced it")

        return Sync(make, self._size, seq)

    def _end_sync(self) -> None:
        assert self._syncing is not None
        sync, self._syncing = self._syncing, None
        if sync.error is not None:
            self._lose()
            raise sync.error
        self._named = True
        self._synced_size, self.synced_seq = sync.size, sync.seq
        self.written_seq = max(self.written_seq, sync.seq)
        self._published()

    def _lose(self) -> None:
        """Leave the file for ever; what of it was never synced is nowhere for certain."""
        assert self._fd is not None
        fd, self._fd = self._fd, None
        self._lost = True
        self.lost_files += 1
        if self._synced_size == 0:
            self._discard(fd, self._path)
        else:
            with suppress(OSError):
                self._files.close(fd)

    def _discard(self, fd: int, path: Path) -> None:
        with suppress(OSError):
            self._files.close(fd)
        with suppress(OSError):
            self._files.remove(path)


def _describe(error: Exception, path: Path) -> str:
    if not isinstance(error, OSError):
        return f"{path}: {error!r}"
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    return f"{path}: {error.strerror or error} ({name})"
