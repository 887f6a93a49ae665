"""Journals to measure with: a fleet whose reals go down and come up again, written as fast as lines can be made."""

from pathlib import Path

import msgspec

from journal.clock import Clock, Stamp
from journal.format import FORMAT, SegmentOpened, encode_body, encode_line, encode_opening
from journal.segments import segment_path
from kglb.events import (
    Adopted,
    BalancerDecided,
    Event,
    HealthChanged,
    OperationsApplied,
    ProbeFlipped,
    RealAdded,
    encode,
)
from kglb.model import ChangeDestination, Destination, RealId
from kglb.projections import State
from tests.projections.builders import WEB, applied, balancer, real_id, started

REALS = 100
SEGMENT = 16 << 20
START = 1_795_000_000 * 10**9
"""Nanoseconds since 1970: some day in November 2026."""


class Writer:
    """Writes records to segments of ``segment_size`` bytes (0: one for all); a second passes with each 100 of them."""

    def __init__(self, directory: Path, segment_size: int = SEGMENT) -> None:
        directory.mkdir(parents=True)
        self.state = State()
        self.seq = 0
        self._directory = directory
        self._segment_size = segment_size
        self._chain = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._stamp = Stamp(Clock(wall=lambda: START + self.seq * 10_000_000))
        self._begin()

    def record(self, event: Event, cause: int | None = None) -> int:
        """Record and fold an event; returns its number."""
        seq = self.line(encode(event), cause)
        self.state.fold(seq, event)
        return seq

    def line(self, event: bytes, cause: int | None = None) -> int:
        """Record an event as it is; returns its number."""
        self.seq += 1
        at = self._stamp()
        line, self._chain = encode_line(encode_body(self.seq, at, self.seq / 100, cause, event), self._chain)
        self._lines.append(line)
        self._size += len(line)
        if 0 < self._segment_size <= self._size:
            self.flush()
            self._begin()
        return self.seq

    def flush(self) -> None:
        """Put what is left into the segment's file."""
        with self._path.open("wb") as file:
            file.writelines(self._lines)
        self._lines, self._size = [], 0

    def _begin(self) -> None:
        self._path = segment_path(self._directory, self.seq + 1)
        opened = SegmentOpened(
            format=FORMAT,
            host="director",
            boot_id="boot",
            software="0",
            chain=f"{self._chain:08x}",
            checkpoint=msgspec.Raw(b"0"),
        )
        self.line(encode_opening(opened) + b"".join(self.state.checkpoint()) + b"}")


def incident(directory: Path, events: int, segment_size: int = SEGMENT) -> None:
    """A journal of so many events: probes flip, health changes, weights are decided and applied."""
    writer = Writer(directory, segment_size)
    config = balancer(WEB, REALS)
    for event in (started(), applied(config), Adopted(entries=(), addresses=(), foreign=0)):
        writer.record(event)
    for entry in config.reals:
        real = RealId(entry.host)
        writer.record(RealAdded(service=WEB, real=real, entry=entry, healthy=False, basis="initial"))
    number = 0
    while writer.seq < events:
        _goes(writer, real_id(number % REALS), up=number // REALS % 2 == 0)
        number += 1
    writer.flush()


def _goes(writer: Writer, real: RealId, *, up: bool) -> None:
    weight = 1000 if up else 0
    run = writer.record(flip(real, up=up))
    health = writer.record(HealthChanged(service=WEB, real=real, healthy=up, streak=3 if up else -2, run=run), run)
    decided = BalancerDecided(
        service=WEB,
        balancer="web",
        mode="available",
        alive=writer.state.fleet.balancers[WEB].alive,
        total=REALS,
        weights={real: weight},
        causes={real: health},
        seen=health,
    )
    decision = writer.record(decided, health)
    changed = ChangeDestination(WEB, Destination(real=real, weight=weight))
    writer.record(OperationsApplied(operations=(changed,), causes=(decision,), microseconds=200), decision)


def flip(real: RealId, *, up: bool) -> ProbeFlipped:
    """A probe whose outcome differs from the one before."""
    return ProbeFlipped(
        service=WEB,
        real=real,
        outcome="success" if up else "failure",
        reason="ok" if up else "refused",
        detail="" if up else "ECONNREFUSED",
        latency=0.0008,
        previous_count=3,
    )


def large(directory: Path, size: int) -> int:
    """A journal of so many bytes, all probes that flip; returns the number of its last record."""
    writer = Writer(directory)
    event = encode(flip(real_id(7), up=False))
    for _ in range(size // (len(event) + 110)):
        writer.line(event)
    writer.flush()
    return writer.seq
