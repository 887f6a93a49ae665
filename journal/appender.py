"""The loop's side of writing: numbers, stamps and chains the records, and knows how far they came.

Everything here runs on the event loop and returns at once; only the ``Committer``, behind a ``Disk``, touches a file.
When the disk fails or hangs, the appender is ``degraded``: its buffer keeps what it can, and what never reaches the
disk is declared by a ``JournalGap`` behind a new checkpoint. It never blocks and never gives up.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from journal.clock import Stamp
from journal.committer import Committer, NewSegment
from journal.disk_queue import DiskQueue
from journal.files import OsFiles
from journal.first_line import FirstLine
from journal.format import (
    FORMAT,
    JournalGap,
    SegmentOpened,
    encode_body,
    encode_line,
    encode_opening,
)
from journal.lock import WriterLock
from journal.options import AppenderOptions, Checkpoint, Degraded, End, Origin

_CHECKPOINTS_PER_SEGMENT = 8
_RETRY_CHECKPOINT = 1.0


class Appender:
    """Appends to a journal, from ``end`` on. Made on the running loop, by ``OpenJournal.appender``.

    ``degraded`` says why records do not reach the disk, None while they do; ``on_state`` is told each change.
    """

    def __init__(
        self,
        *,
        files: OsFiles,
        directory: Path,
        lock: WriterLock,
        end: End,
        origin: Origin,
        checkpoint: Checkpoint,
        options: AppenderOptions,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = lock
        self._origin = origin
        self._checkpoint = checkpoint
        self._on_state = options.on_state
        self._limits = options.limits
        self._monotonic = options.clock.monotonic
        self._stamp = Stamp(options.clock)
        self._seq, self._chain = end.seq, end.crc
        self._opening: FirstLine | None = None
        self._opening_size, self._segment_size = end.opening_size, end.size
        self._dropped_from: int | None = None
        self._drop_reason = ""
        self._missing = range(0)
        self._lost_files = 0
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self.degraded: Degraded | None = None
        self._queue = DiskQueue(options.disk, options.limits.hang_after, self._progressed)
        self._committer = Committer(files, directory, options.retention, self._queue.published, options.disk.beside)
        if end.segment is not None:
            self._committer.go_on(end.segment, end.size, end.seq, end.opening_size)
        self._queue.start(self._committer)
        if end.segment is None:
            self._open_segment(iter((b"{}",)))
            self._finish_opening()

    @property
    def last_seq(self) -> int:
        """The number of the newest record."""
        return self._seq

    @property
    def written_seq(self) -> int:
        """The last record that the kernel has: a crash of the process does not lose it."""
        return self._committer.written_seq

    @property
    def synced_seq(self) -> int:
        """The last record known to be on the platter: a crash of the machine does not lose it."""
        return self._committer.synced_seq

    @property
    def segment_size(self) -> int:
        """The length of the newest segment in bytes, with what is queued for it."""
        return self._segment_size

    @property
    def last_checkpoint_size(self) -> int:
        """The length of the newest segment's first line in bytes."""
        return self._opening_size

    @property
    def should_rotate(self) -> bool:
        """Whether the segment is long enough to be sealed: ``Limits.segment_size``, and eight checkpoints."""
        if self._opening is not None or self.degraded is not None:
            return False
        return self._segment_size >= max(self._limits.segment_size, _CHECKPOINTS_PER_SEGMENT * self._opening_size)

    def append(self, event: bytes, cause: int | None = None) -> int:
        """Record an event (JSON without a newline) caused by record ``cause``; returns its number."""
        assert not self._closed, "the journal is closed"
        assert b"\n" not in event, "a record is one line"
        if self._dropped_from is not None:
            self._seq += 1
            return self._seq
        body, opening = self._body(event, cause), self._opening
        if self._queue.pending_size + (opening.size if opening else 0) > self._limits.buffer_size:
            self._drop(self._seq, f"the buffer of {self._limits.buffer_size} bytes is full")
        elif opening is None:
            self._hand_over(self._seq, body)
        else:
            opening.queue_behind(body)
        return self._seq

    def rotate(self, checkpoint: Iterator[bytes]) -> int:
        """Begin a new segment; returns the number of its ``SegmentOpened``.

        The parts of the checkpoint (JSON in all, no newlines) are taken now and between other callbacks of
        the loop, for a millisecond at a time: they must not change meanwhile. Not while another rotation is
        under way, or degraded (``should_rotate`` is False then).
        """
        assert self._opening is None, "one rotation at a time"
        return self._open_segment(checkpoint)

    async def wait_written(self, seq: int, timeout: float | None = None) -> bool:
        """Wait until the kernel has record ``seq``; False after ``timeout`` seconds, or once degraded."""
        return seq not in self._missing and await self._queue.wait_written(seq, timeout)

    async def wait_synced(self, seq: int, timeout: float | None = None) -> bool:
        """Wait until record ``seq`` is on the platter; False after ``timeout`` seconds, or once degraded."""
        return seq not in self._missing and await self._queue.wait_synced(seq, timeout)

    async def close(self, timeout: float) -> bool:
        """Write and sync what is left and let go of the journal. True if every record is on the platter.

        If the disk does not answer within ``timeout`` seconds its thread is left behind, and the lock with
        it.
        """
        if not self._closed:
            with suppress(Exception):  # a checkpoint that fails is no reason not to close; the answer is False
                self._finish_opening()
            self._closed = True
            if await self._queue.stop(timeout):
                self._committer.close()
                self._lock.release(finished=self._is_complete)
            self._queue.give_up_waiting()
        return self._is_complete

    @property
    def _is_complete(self) -> bool:
        return self._dropped_from is None and self.synced_seq >= self._seq

    # A record's way to the disk.

    def _body(self, event: bytes, cause: int | None) -> bytes:
        """The next record's line up to its checksum."""
        self._seq += 1
        return encode_body(self._seq, self._stamp(), self._monotonic(), cause, event)

    def _hand_over(self, seq: int, body: bytes) -> None:
        line, self._chain = encode_line(body, self._chain)
        self._segment_size += len(line)
        self._queue.submit(line, seq)

    def _drop(self, seq: int, reason: str) -> None:
        self._dropped_from, self._drop_reason = seq, reason
        self._update_state()
        self._loop.call_soon(self._progressed)  # the disk may have caught up when nobody wanted to know

    def _open_segment(self, checkpoint: Iterator[bytes], missing_from: int | None = None) -> int:
        opened = SegmentOpened(
            format=FORMAT,
            host=self._origin.host,
            boot_id=self._origin.boot_id,
            software=self._origin.software,
            chain=f"{self._chain:08x}",
            checkpoint=msgspec.Raw(),
        )
        head = self._body(encode_opening(opened), None)
        seq = self._seq
        opening = FirstLine(seq, head, self._chain, checkpoint, seq if missing_from is None else missing_from)
        self._opening = opening
        if missing_from is not None:
            self._declare_missing(range(missing_from, seq), opening)
        self._encode(opening, self._limits.slice)
        return seq

    def _declare_missing(self, missing: range, opening: FirstLine) -> None:
        assert self.degraded is not None
        self._missing = missing
        gap = JournalGap(
            first_seq=missing.start,
            last_seq=missing.stop - 1,
            since=self.degraded.since,
            reason=self.degraded.reason,
        )
        opening.queue_behind(self._body(msgspec.json.encode(gap), None))

    def _encode(self, opening: FirstLine, seconds: float) -> None:
        """Encode a new segment's first line for so long; once it is complete, all behind it follows."""
        if opening is not self._opening:
            return  # given up meanwhile
        try:
            if not opening.encode(self._monotonic, self._monotonic() + seconds):
                self._loop.call_soon(self._encode, opening, seconds)
                return
        except Exception as error:
            self._opening = None
            self._retry = self._loop.call_later(_RETRY_CHECKPOINT, self._retry_checkpoint)
            self._drop(opening.missing_from, f"the checkpoint failed: {error!r}")
            raise
        self._opening = None
        self._chain = opening.crc
        self._opening_size = self._segment_size = opening.line_size
        self._queue.submit(NewSegment(opening.seq, tuple(opening.parts), opening.missing_from), opening.seq)
        for seq, body in enumerate(opening.behind, opening.seq + 1):
            self._hand_over(seq, body)

    def _finish_opening(self) -> None:
        if self._opening is not None:
            self._encode(self._opening, float("inf"))

    # What comes back from the disk.

    def _progressed(self) -> None:
        """Something moved, or stopped moving; what is lost is replaced by a checkpoint as soon as can be."""
        self._update_state()
        if self._closed:
            return
        if self._committer.lost_files != self._lost_files and self._committer.failure:
            self._lost_files = self._committer.lost_files
            self._start_afresh(self.synced_seq + 1)
        elif self._retry is None and not self._queue.trouble and self._queue.pending_size == 0:
            self._make_up_for_dropped()

    def _retry_checkpoint(self) -> None:
        self._retry = None
        self._make_up_for_dropped()

    def _make_up_for_dropped(self) -> None:
        if self._dropped_from is not None and self._opening is None and not self._closed:
            self._start_afresh(self._dropped_from)

    def _start_afresh(self, missing_from: int) -> None:
        """Go on from a checkpoint in a new segment, which declares what is missing before it."""
        checkpoint = self._state_now()  # first: what is recorded for its sake is in it, so belongs before the segment
        self._dropped_from = None
        self._open_segment(checkpoint, missing_from)
        self._update_state()

    def _state_now(self) -> Iterator[bytes]:
        try:
            return self._checkpoint()
        except Exception as error:
            return _raising(error)

    def _update_state(self) -> None:
        reason = self._queue.trouble or (self._drop_reason if self._dropped_from is not None else "")
        if reason == (self.degraded.reason if self.degraded else ""):
            return
        since = self.degraded.since if self.degraded else self._stamp().decode()
        self.degraded = Degraded(reason, since) if reason else None
        self._queue.degraded = bool(reason)
        if reason:
            self._queue.give_up_waiting()
        self._on_state(self.degraded)


def _raising(error: Exception) -> Iterator[bytes]:
    """A checkpoint that fails once it is encoded, where such failures are seen to."""
    yield from ()
    raise error
