"""What an appender is given, and what it says of itself: values alone. The defaults are the production ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from journal.clock import Clock
from journal.disk import Disk, DiskThread
from journal.retention import Retention
from journal.segments import Segment

Checkpoint = Callable[[], Iterator[bytes]]
"""Makes the state as JSON, in parts of some 10 kB without newlines. It copies what it reads when called."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes: goes into every ``SegmentOpened``."""

    host: str
    boot_id: str
    software: str


@dataclass(frozen=True, slots=True)
class Limits:
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


@dataclass(frozen=True, slots=True)
class End:
    """Where a journal ends: the last record, its checksum, the segment to go on with (None: begin one)."""

    seq: int
    crc: int
    segment: Segment | None = None
    size: int = 0
    opening_size: int = 0


@dataclass(frozen=True, slots=True)
class Degraded:
    """Why records do not reach the disk, and since when (a record's ``at``)."""

    reason: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppenderOptions:
    """What an appender needs from outside; the defaults are the production ones."""

    on_state: Callable[[Degraded | None], object] = lambda _: None
    retention: Retention = field(default_factory=Retention)
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=Clock)
    disk: Disk = field(default_factory=DiskThread)
