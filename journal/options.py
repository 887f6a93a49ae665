"""What an appender is given, and what it says of itself: values alone. The defaults are the production ones."""

from collections.abc import Callable, Iterator

import msgspec

from journal.clock import Clock
from journal.disk import Disk, DiskThread
from journal.retention import Retention
from journal.segments import Segment

Checkpoint = Callable[[], Iterator[bytes]]
"""Makes the state as JSON, in parts of some 10 kB without newlines. It copies what it reads when called."""


class Origin(msgspec.Struct, frozen=True):
    """Who writes: goes into every ``SegmentOpened``."""

    host: str
    boot_id: str
    software: str


class Limits(msgspec.Struct, frozen=True):
    """Bounds in bytes and seconds.

    ``buffer_size``: what may wait for the disk. ``hang_after``: how long nothing may come from the disk while
    something waits. ``slice``: how long the loop is kept by a checkpoint at a time. ``segment_size``: when a
    segment may be sealed (and is eight checkpoints long): 16 MiB are some 80,000 records, which are read,
    verified and folded in a fraction of a second at the next start, and a file that can be mailed; smaller
    ones only cost files and checkpoints.
    """

    buffer_size: int = 64 << 20
    segment_size: int = 16 << 20
    hang_after: float = 2.0
    slice: float = 0.001


class End(msgspec.Struct, frozen=True):
    """Where a journal ends: the last record, its checksum, the segment to go on with (None: begin one)."""

    seq: int
    crc: int
    segment: Segment | None = None
    size: int = 0
    opening_size: int = 0


class Degraded(msgspec.Struct, frozen=True):
    """Why records do not reach the disk, and since when (a record's ``at``)."""

    reason: str
    since: str


class AppenderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an appender needs from outside; the defaults are the production ones."""

    on_state: Callable[[Degraded | None], object] = lambda _: None
    retention: Retention = msgspec.field(default_factory=Retention)
    limits: Limits = msgspec.field(default_factory=Limits)
    clock: Clock = msgspec.field(default_factory=Clock)
    disk: Disk = msgspec.field(default_factory=DiskThread)
