"""A small journal to write, read and harm: one event type, a fixed origin, and files that fail on demand."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from journal import (
    Appender,
    AppenderOptions,
    Clock,
    Damaged,
    JournalGap,
    JournalReader,
    JournalRepaired,
    Limits,
    Origin,
    OsFiles,
    Record,
    RecordsLost,
    SegmentOpened,
    decode_as,
    open_journal,
)
from tests.patience import PATIENCE


class Noted(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    text: str


Event = SegmentOpened | JournalRepaired | JournalGap | RecordsLost | Noted
decode = decode_as(Record[Event])
ORIGIN = Origin(host="lb1", boot_id="b00t", software="1.0")


def note(text: str) -> bytes:
    return msgspec.json.encode(Noted(text=text))


def state() -> Iterator[bytes]:
    yield b'{"state":'
    yield b"1}"


@asynccontextmanager
async def writing(directory: Path, files: OsFiles | None = None, **options: Any) -> AsyncIterator[Appender]:
    """An appender whose monotonic clock stands still, so that a checkpoint is one slice unless another is given."""
    options.setdefault("clock", Clock(monotonic=lambda: 0.0))
    appender = open_journal(directory, files).appender(ORIGIN, state, AppenderOptions(**options))
    try:
        yield appender
    finally:
        await appender.close(PATIENCE)


class UnsyncedFiles(OsFiles):
    """Real files; nobody waits for the platter, where a test opens a journal a thousand times."""

    def sync(self, fd: int) -> None:
        pass

    def sync_directory(self, directory: Path) -> None:
        pass


def write(directory: Path, *segments: list[str], files: OsFiles | None = None) -> None:
    """Append these texts; between two lists a new segment begins."""

    async def run() -> None:
        async with writing(directory, files) as appender:
            for number, texts in enumerate(segments):
                if number:
                    appender.rotate(state())
                for text in texts:
                    appender.append(note(text))

    asyncio.run(run())


def read(path: Path, from_seq: int = 0, limit: int | None = None) -> list[Record[Event]]:
    return list(JournalReader(path, decode).records(from_seq, limit))


def texts(path: Path, from_seq: int = 0) -> list[str]:
    return [record.event.text for record in read(path, from_seq) if isinstance(record.event, Noted)]


def gaps(directory: Path) -> list[range]:
    """The numbers that the journal declares missing."""
    found = [record.event for record in read(directory) if isinstance(record.event, JournalGap)]
    return [range(gap.first_seq, gap.last_seq + 1) for gap in found]


def salvage(path: Path) -> tuple[list[Record[Event]], list[Damaged]]:
    found: list[Damaged] = []
    return list(JournalReader(path, decode, on_damage=found.append).records()), found


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a condition, or fail."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


async def eventually_synced(appender: Appender) -> bool:
    """Wait until the disk has recovered and has everything."""
    await until(lambda: appender.degraded is None and appender.synced_seq == appender.last_seq)
    return True


class FailingFiles(OsFiles):
    """Real files; what is named in ``errors`` raises that errno. ``room`` bytes can be written, if not None.

    ``calls`` notes writes and syncs in order.
    """

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        self.room: int | None = None
        self.calls: list[str] = []

    def _fail(self, operation: str) -> None:
        self.calls.append(operation)
        if operation in self.errors:
            raise OSError(self.errors[operation], "injected")

    def create(self, path: Path) -> int:
        self._fail("create")
        return super().create(path)

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        self._fail("write")
        if self.room is None:
            return super().write(fd, chunk)
        if self.room == 0:
            raise OSError(errno.ENOSPC, "injected")
        taken = super().write(fd, chunk[: self.room])
        self.room -= taken
        return taken

    def sync(self, fd: int) -> None:
        self._fail("sync")
        super().sync(fd)

    def sync_directory(self, directory: Path) -> None:
        self._fail("sync_directory")
        super().sync_directory(directory)

    def truncate(self, fd: int, size: int) -> None:
        self._fail("truncate")
        super().truncate(fd, size)


FAST = Limits(hang_after=0.05)


class Hanging(FailingFiles):
    """One of its operations waits while the ``gate`` is closed."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.gate = threading.Event()
        self.gate.set()

    def _fail(self, operation: str) -> None:
        if operation == self.operation:
            self.gate.wait(20)
        super()._fail(operation)
