"""The contestants of ``bench.journal``: ours, the ``eventsourcing`` package on SQLite, and SQLite with one table."""

import asyncio
import sqlite3
import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from journal import JournalReader, Origin, open_journal
from kglb.events import Event, decode
from kglb.projections import State

_decode = msgspec.json.Decoder(Event).decode
_CHUNK = 10_000


class Store(Protocol):
    """What is asked of each."""

    name: str

    def append(self, event: bytes, count: int, batch: int) -> None:
        """Append so many, and wait for the platter after each batch."""

    def fill(self, events: Sequence[bytes]) -> None:
        """Hold these."""

    def replay(self) -> None:
        """Read everything, decode it, fold it."""

    def close(self) -> None:
        """Let go."""


class Journal:
    """Ours: JSON Lines with chained checksums."""

    name = "ours"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def append(self, event: bytes, count: int, batch: int) -> None:
        """A group commit with fdatasync for each batch; the checkpoint is the empty one."""
        asyncio.run(self._append(event, count, batch))

    async def _append(self, event: bytes, count: int, batch: int) -> None:
        origin = Origin(host="director", boot_id="boot", software="0")
        appender = open_journal(self._directory).appender(origin, lambda: iter((b"{}",)))
        for _ in range(0, count, batch):
            for _ in range(batch):
                appender.append(event)
            assert await appender.wait_synced(appender.last_seq, 60)
            if appender.should_rotate:
                appender.rotate(iter((b"{}",)))
        assert await appender.close(60)

    def fill(self, events: Sequence[bytes]) -> None:
        """It is there already."""

    def replay(self) -> None:
        """Checksum, decode, fold."""
        state = State()
        for record in JournalReader(self._directory, decode).records():
            state.fold(record.seq, record.event)

    def close(self) -> None:
        """Nothing is open."""


class EventSourcing:
    """The package ``eventsourcing``: its recorder on SQLite, which is in WAL mode and fully synchronous there."""

    name = "eventsourcing on SQLite"

    def __init__(self, path: Path) -> None:
        self._store = SQLiteDatastore(str(path))
        self._recorder = SQLiteApplicationRecorder(self._store)
        self._recorder.create_table()
        self._id = uuid.UUID(int=1)
        self._version = 0

    def append(self, event: bytes, count: int, batch: int) -> None:
        """A transaction for each batch."""
        for _ in range(0, count, batch):
            self._insert([event] * batch)

    def fill(self, events: Sequence[bytes]) -> None:
        """In large transactions."""
        rest = iter(events)
        while chunk := list(islice(rest, _CHUNK)):
            self._insert(chunk)

    def replay(self) -> None:
        """Its notification log in pages, each event decoded and folded as ours is; there is no checksum."""
        state, start = State(), 1
        while page := self._recorder.select_notifications(start, _CHUNK):
            for notification in page:
                state.fold(notification.id, _decode(notification.state))
            start = page[-1].id + 1

    def _insert(self, events: Sequence[bytes]) -> None:
        first = self._version + 1
        self._version += len(events)
        stored = [StoredEvent(self._id, first + number, "event", event) for number, event in enumerate(events)]
        self._recorder.insert_events(stored)

    def close(self) -> None:
        """Close the database."""
        self._store.close()


class PlainSqlite:
    """One table, WAL mode, synchronous=FULL."""

    name = "SQLite, one table"

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, at TEXT, cause INTEGER, event BLOB)")
        self._database.commit()

    def append(self, event: bytes, count: int, batch: int) -> None:
        """A transaction for each batch."""
        for _ in range(0, count, batch):
            self._insert([event] * batch)

    def fill(self, events: Sequence[bytes]) -> None:
        """In one transaction."""
        self._insert(events)

    def replay(self) -> None:
        """Each event decoded and folded as ours is; there is no checksum."""
        state = State()
        for seq, event in self._database.execute("SELECT seq, event FROM events ORDER BY seq"):
            state.fold(seq, _decode(event))

    def _insert(self, events: Sequence[bytes]) -> None:
        rows = (("2026-11-22T14:30:01.123456Z", None, event) for event in events)
        self._database.executemany("INSERT INTO events (at, cause, event) VALUES (?, ?, ?)", rows)
        self._database.commit()

    def close(self) -> None:
        """Close the database."""
        self._database.close()
