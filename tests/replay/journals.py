"""Journals for tests: written line by line with chosen times, as the daemon would have recorded them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from journal.format import FORMAT, SegmentOpened, encode_body, encode_line, encode_opening
from journal.segments import segment_path
from kglb.events import (
    Adopted,
    BalancerDecided,
    Event,
    HealthChanged,
    Mode,
    OperationsApplied,
    ProbeFlipped,
    RealAdded,
    encode,
)
from kglb.model import Balancer, RealId, ServiceId
from kglb.projections import Serving, State, plan
from tests.projections.builders import WEB, applied, balancer, started

START = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class JournalBuilder:
    """Writes a journal into ``directory``: each record a millisecond after the last, unless time ``passes``."""

    def __init__(
        self, directory: Path, *, checkpoint: bytes = b"{}", first_seq: int = 1, host: str = "director"
    ) -> None:
        self.directory = directory
        self._host = host
        directory.mkdir(parents=True, exist_ok=True)
        self.state = State()
        self.seq = first_seq - 1
        self.now = START
        self._stepped = timedelta()
        self._chain = 0
        self._open_segment(checkpoint)

    def passes(self, **span: float) -> "JournalBuilder":
        """Let time go by."""
        self.now += timedelta(**span)
        return self

    def steps_clock(self, **span: float) -> "JournalBuilder":
        """Set the wall clock forth, or back; no time passes."""
        self.now += timedelta(**span)
        self._stepped -= timedelta(**span)
        return self

    def record(self, event: Event, *, cause: int | None = None) -> int:
        """Record an event; returns its seq."""
        seq = self._write(encode(event), cause)
        self.state.fold(seq, event)
        return seq

    def rotate(self) -> int:
        """Begin a new segment with a checkpoint."""
        return self._open_segment(b"".join(self.state.checkpoint()))

    def text(self) -> bytes:
        """All lines of the newest segment."""
        return self.path.read_bytes()

    def _open_segment(self, checkpoint: bytes) -> int:
        opened = SegmentOpened(
            format=FORMAT,
            host=self._host,
            boot_id="boot",
            software="0.1.0",
            chain=f"{self._chain:08x}",
            checkpoint=msgspec.Raw(b"0"),
        )
        self.path = segment_path(self.directory, self.seq + 1)
        return self._write(encode_opening(opened) + checkpoint + b"}", None)

    def _write(self, event: bytes, cause: int | None) -> int:
        self.seq += 1
        self.now += MILLISECOND
        at = self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        mono = (self.now - START + self._stepped).total_seconds()
        line, self._chain = encode_line(encode_body(self.seq, at, mono, cause, event), self._chain)
        with self.path.open("ab") as file:
            file.write(line)
        return self.seq


class Fleet:
    """One balancer's daemon, in short: it decides, applies and records as the actors do."""

    def __init__(self, builder: JournalBuilder, config: Balancer, *more: Balancer) -> None:
        self.builder = builder
        self.config = config
        self.id = config.id
        record = builder.record
        record(started())
        self.config_seq = record(applied(config, *more))
        self.adopted_seq = record(Adopted(entries=(), addresses=(), foreign=0))

    def add(self, *, healthy: bool = False) -> None:
        """Add every real of the config."""
        for entry in self.config.reals:
            real = RealId(entry.host)
            self.builder.record(
                RealAdded(
                    service=self.id, real=real, entry=entry, healthy=healthy, basis="adopted" if healthy else "initial"
                )
            )

    def flip(self, real: RealId, outcome: str, reason: str = "", detail: str = "") -> int:
        """A probe's outcome differs from the one before."""
        flipped = ProbeFlipped(
            service=self.id,
            real=real,
            outcome=outcome,  # type: ignore[arg-type]
            reason=reason or ("ok" if outcome == "success" else "refused"),
            detail=detail,
            latency=0.0008,
            previous_count=3,
        )
        return self.builder.record(flipped)

    def judge(self, real: RealId, *, streak: int, run: int) -> int:
        """The streak has reached a threshold."""
        changed = HealthChanged(service=self.id, real=real, healthy=streak > 0, streak=streak, run=run)
        return self.builder.record(changed, cause=run)

    def decide(self, mode: Mode, weights: dict[RealId, int], cause: int) -> int:
        """The balancer decides because of ``cause``."""
        known = self.builder.state.fleet.balancers[self.id]
        decided = BalancerDecided(
            service=self.id,
            balancer=self.config.name,
            mode=mode,
            alive=known.alive,
            total=known.total,
            weights=weights,
            causes=dict.fromkeys(weights, cause),
            seen=self.builder.seq,
        )
        return self.builder.record(decided, cause=cause)

    def apply(self) -> int:
        """The applier does whatever is to do; returns the seq of the last record then."""
        plane = self.builder.state.data_plane
        steps = plan(
            plane.actual, plane.desired, plane.take_dirty(), Serving(is_banned=self.builder.state.fleet.is_banned)
        )
        if not steps:
            return self.builder.seq
        done = OperationsApplied(
            operations=tuple(step.operation for step in steps),
            causes=tuple(step.cause for step in steps),
            microseconds=200,
        )
        return self.builder.record(done, cause=max(done.causes))

    def goes(self, real: RealId, *, up: bool) -> dict[str, int]:
        """A real goes up or down, with all that follows; the seq of each record by what it is."""
        run = self.flip(real, "success" if up else "failure", detail="" if up else "ECONNREFUSED")
        self.builder.passes(seconds=1)
        health = self.judge(real, streak=3 if up else -2, run=run)
        known = self.builder.state.fleet.balancers[self.id].reals[real]
        decision = self.decide("available", {real: known.configured if up else 0}, health)
        return {"run": run, "health": health, "decision": decision, "operation": self.apply()}


def running(
    directory: Path, reals: int = 3, *, service: ServiceId = WEB, host: str = "director", **fields: object
) -> Fleet:
    """A balancer ``web`` whose reals have all come up."""
    config = balancer(service, reals, **fields)  # type: ignore[arg-type]
    fleet = Fleet(JournalBuilder(directory, host=host), config)
    fleet.add()
    for entry in config.reals:
        fleet.goes(RealId(entry.host), up=True)
    return fleet
