"""A disk that is only memory: files that survive the process, and a machine's crash as far as they were synced.

It fails as it is told to: slow, hung, full, refusing to sync, torn where a write is when the process is killed.
"""

import errno
import hashlib
import os
from pathlib import Path
from random import Random

from journal import OsFiles
from journal.committer import Item
from journal.disk import Commit, Work
from journal.sync import Sync
from sim.agenda import Agenda
from sim.loop import Killed, ProcessLoop

PID = 1
"""What every simulated process takes itself for."""


class SimFile:
    """Bytes, how many of them are on the platter, and whether its name is."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.synced = 0
        self.is_named = False


class Platter:
    """What the machine's disk holds, by path. ``full``, ``sync_fails`` and ``torn`` say what is wrong with it now.

    ``delay`` is how long a commit takes, in seconds, and how long a sync; one begun before ``hangs_until`` ends then.
    ``begun`` has the sizes that files had when a sync began that is under way: more it puts on the platter of none.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.files: dict[Path, SimFile] = {}
        self.locks: dict[Path, object] = {}
        self.full = False
        self.sync_fails = False
        self.tears = False
        self.delay = 0.001
        self.hangs_until = 0.0
        self.begun: dict[Path, int] = {}

    def crash(self) -> None:
        """The machine crashes: what was not synced is there in part, or not at all."""
        for path, file in list(self.files.items()):
            if not file.is_named:
                del self.files[path]
                continue
            kept = self.random.randint(file.synced, len(file.bytes))
            del file.bytes[kept:]

    def digest(self) -> str:
        """The SHA-256 of everything on it: what must be the same for the same seed."""
        digest = hashlib.sha256()
        for path, file in sorted(self.files.items()):
            if path.suffix != ".lock":
                digest.update(f"{path.name} {len(file.bytes)}\n".encode() + file.bytes)
        return digest.hexdigest()

    def flip_a_bit(self) -> None:
        """One bit of one file is another from now on."""
        written = [file for path, file in self.files.items() if file.bytes and path.suffix == ".jsonl"]
        if written:
            file = self.random.choice(written)
            file.bytes[self.random.randrange(len(file.bytes))] ^= 1 << self.random.randrange(8)


def last_seq(platter: Platter) -> int:
    """The number of the last whole record on the platter; 0 if there is none."""
    segments = sorted((path, file) for path, file in platter.files.items() if path.suffix == ".jsonl" and file.bytes)
    for path, file in reversed(segments):
        if lines := file.bytes.count(b"\n"):
            return int(path.stem) + lines - 1
    return 0


class SimFiles(OsFiles):
    """System calls of one process on a ``Platter``. Once the process is dead nothing comes of them."""

    def __init__(self, platter: Platter, loop: ProcessLoop) -> None:
        self._platter = platter
        self._loop = loop
        self._open: dict[int, tuple[Path, SimFile]] = {}
        self._next = 3

    def process_id(self) -> int:
        """The same of every process, in any run: its digits are bytes on the disk."""
        return PID

    def make_directory(self, directory: Path) -> None:
        """Every directory is there."""

    def names(self, directory: Path) -> list[str]:
        """The names in a directory."""
        return [path.name for path in self._platter.files if path.parent == directory]

    def is_directory(self, path: Path) -> bool:
        """Whether files are in it."""
        return any(file.parent == path for file in self._platter.files)

    def exists(self, path: Path) -> bool:
        """Whether there is a file."""
        return path in self._platter.files

    def create(self, path: Path) -> int:
        """An empty file; raises OSError where the disk is full."""
        self._living()
        self._room()
        self._platter.files[path] = SimFile()
        return self._opened(path)

    def open_append(self, path: Path) -> int:
        """An existing file."""
        return self._opened(path)

    def open_read(self, path: Path) -> int:
        """An existing file."""
        return self._opened(path)

    def read(self, fd: int, count: int, offset: int) -> bytes:
        """At most ``count`` bytes."""
        return bytes(self._open[fd][1].bytes[offset : offset + count])

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        """Append; part of it where the disk becomes full or the process is killed meanwhile."""
        self._living()
        file = self._open[fd][1]
        if self._platter.tears:
            self._platter.tears = False
            file.bytes += bytes(chunk)[: self._platter.random.randrange(len(chunk) + 1)]
            self._loop.kill()
            raise Killed
        if self._platter.full:
            part = bytes(chunk)[: self._platter.random.randrange(len(chunk))]
            if not part:
                self._room()
            file.bytes += part
            return len(part)
        file.bytes += chunk
        return len(chunk)

    def sync(self, fd: int) -> None:
        """The file is on the platter, as it was when this began."""
        self._living()
        if self._platter.sync_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        path, file = self._open[fd]
        begun = self._platter.begun.pop(path, len(file.bytes))
        file.synced = max(file.synced, min(begun, len(file.bytes)))

    def sync_directory(self, directory: Path) -> None:
        """All names are on the platter."""
        self._living()
        for path, file in self._platter.files.items():
            if path.parent == directory:
                file.is_named = True

    def truncate(self, fd: int, size: int) -> None:
        """Cut."""
        self._living()
        file = self._open[fd][1]
        del file.bytes[size:]
        file.synced = min(file.synced, size)

    def size(self, fd: int) -> int:
        """In bytes."""
        return len(self._open[fd][1].bytes)

    def size_of(self, path: Path) -> int:
        """In bytes."""
        return len(self._platter.files[path].bytes)

    def is_at(self, fd: int, path: Path) -> bool:
        """Whether the open file is still the one of that name."""
        return self._platter.files.get(path) is self._open[fd][1]

    def rename(self, old: Path, new: Path) -> None:
        """Give it another name."""
        self._living()
        self._platter.files[new] = self._platter.files.pop(old)

    def remove(self, path: Path) -> None:
        """Remove it."""
        self._living()
        if self._platter.files.pop(path, None) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    def close(self, fd: int) -> None:
        """Give the descriptor back, and the lock with it."""
        path, _ = self._open.pop(fd)
        if self._platter.locks.get(path) is self:
            del self._platter.locks[path]

    def lock(self, path: Path) -> int | None:
        """The file, if no living process holds it."""
        holder = self._platter.locks.get(path)
        if isinstance(holder, SimFiles) and holder._loop.alive:
            return None
        self._platter.locks[path] = self
        self._platter.files.setdefault(path, SimFile()).is_named = True
        return self._opened(path)

    @property
    def left_open(self) -> int:
        """How many descriptors are open."""
        return len(self._open)

    def _opened(self, path: Path) -> int:
        self._next += 1
        self._open[self._next] = (path, self._platter.files[path])
        return self._next

    def _living(self) -> None:
        if not self._loop.alive:
            raise Killed

    def _room(self) -> None:
        if self._platter.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class SimDisk:
    """The journal's disk threads: one commit at a time and one sync beside it, as long as the platter takes now."""

    def __init__(self, agenda: Agenda, loop: ProcessLoop, platter: Platter) -> None:
        self._agenda = agenda
        self._loop = loop
        self._platter = platter
        self._queued: list[Work] = []
        self._sync: Sync | None = None
        self._busy = self._ended = False
        self._commit: Commit

    def start(self, commit: Commit) -> None:
        """Remember what to run."""
        self._commit = commit
        self._platter.begun.clear()

    def submit(self, item: Item) -> None:
        """Queue an item."""
        self._queued.append(item)
        self._work_in(self._platter.delay)

    def beside(self, sync: Sync) -> None:
        """Run it once the platter has had its time."""
        self._sync = sync
        self._platter.begun = {path: len(file.bytes) for path, file in self._platter.files.items()}
        self._agenda.at(self._ready_in(self._platter.delay), lambda: self._end_sync(sync))

    async def stop(self, timeout: float) -> bool:
        """Commit what is queued and sync it, unless the disk hangs for longer than that."""
        hang = self._platter.hangs_until - self._agenda.now
        if hang > timeout:
            return False
        self._ended = True
        self._commit(self._taken())
        while self._sync is not None:
            sync, self._sync = self._sync, None
            sync.run()
            self._commit([sync])
        return True

    def _ready_in(self, seconds: float) -> float:
        return max(self._agenda.now + seconds, self._platter.hangs_until)

    def _work_in(self, seconds: float) -> None:
        if not self._busy:
            self._busy = True
            self._agenda.at(self._ready_in(seconds), self._run)

    def _run(self) -> None:
        if not self._loop.alive or self._ended:
            return
        if self._agenda.now < self._platter.hangs_until:
            self._agenda.at(self._platter.hangs_until, self._run)
            return
        try:
            delay = self._commit(self._taken())
        except Killed:
            return
        self._busy = False
        if delay is not None:
            self._work_in(delay)
        elif self._queued:
            self._work_in(self._platter.delay)

    def _end_sync(self, sync: Sync) -> None:
        if not self._loop.alive or self._ended:
            return
        if self._agenda.now < self._platter.hangs_until:
            self._agenda.at(self._platter.hangs_until, lambda: self._end_sync(sync))
            return
        try:
            sync.run()
        except Killed:
            return
        if self._sync is sync:
            self._sync = None
        self._queued.append(sync)
        self._work_in(0.0)

    def _taken(self) -> list[Work]:
        work, self._queued = self._queued, []
        return work
