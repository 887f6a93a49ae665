"""Decides everything in a journal again, with today's code, and compares it with what was recorded.

    inputs      configs, outcome runs, addresses of names, what the kernel held, crashes: taken as they are
    decisions   health, membership, marks, modes, weights, routes: as today's code decides them, no sooner and no later
    operations  left every entry as it was wanted, touched nothing else, and name what made them necessary
    checkpoints are what the records before them add up to

The decision code has a version (``kglb.decisions.VERSION``), recorded by each start of the daemon. A difference from
what another version has recorded is reported, and no failure. Behind a gap everything begins again at its checkpoint,
behind records that a repair could not save (``RecordsLost``) at the next one.
Memory does not grow with the journal.
"""

import msgspec

from kglb.decisions import VERSION
from kglb.events import DaemonStarted, JournalGap, OperationsApplied, RecordsLost, SegmentOpened
from kglb.projections import State
from kglb.replay.audit.auditor import DECISIONS, Auditor
from kglb.replay.audit.diverged import Diverged
from kglb.replay.errors import NothingRecordedError
from kglb.replay.source import Found, Source
from kglb.replay.state_at import restore


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not what today's code decides; ``version`` is that of the code that decided it, 0 if unknown."""

    seq: int
    at: str
    type: str
    about: str
    recorded: str
    decided: str
    version: int


class Verified(msgspec.Struct, kw_only=True):
    """What was compared, from record ``first`` to ``last``, and what came of it.

    ``difference`` is the first one within this version of the decision code; neither it nor what is behind it is
    counted. ``older`` is the first from another version, of ``differences_of_older``.
    """

    first: int
    last: int = 0
    version: int = VERSION
    events: int = 0
    decisions: int = 0
    operations: int = 0
    checkpoints: int = 0
    gaps: int = 0
    difference: Divergence | None = None
    older: Divergence | None = None
    differences_of_older: int = 0

    @property
    def identical(self) -> bool:
        """Whether everything is as this version of the code decides it, as far as this version decided it."""
        return self.difference is None


def verify(source: Source) -> Verified:
    """Verify a journal, or one segment of it, up to its last record now.

    Raises NothingRecordedError, CheckpointError.
    """
    bounds = source.bounds()
    records = source.between(bounds[0], bounds[-1])
    first = next(records)
    if not isinstance(first.event, SegmentOpened):
        raise NothingRecordedError(f"{source.path} does not begin with a checkpoint")
    run = _Run(first)
    for record in records:
        if not run.take(record):
            break
    else:
        run.finish()
    return run.verified


class _Run:
    """One pass over a journal. A checkpoint is compared once the record behind it is seen, which may be a gap."""

    def __init__(self, opened: Found) -> None:
        self.verified = Verified(first=opened.seq, events=1, last=opened.seq)
        self._pending: Found | None = None
        self._lost = False  # records, and no checkpoint since
        self._version = 0
        self._begin(opened)

    def _begin(self, opened: Found) -> None:
        assert isinstance(opened.event, SegmentOpened)
        self._state = restore(opened.seq, opened.event)
        self._auditor = Auditor(self._state)

    def take(self, record: Found) -> bool:
        """Verify one record; whether to go on."""
        verified, event = self.verified, record.event
        if self._misses_records(record):
            return True
        if self._pending is not None:
            self._settle(self._pending, gap=isinstance(event, JournalGap))
            if verified.difference is not None:
                return False
        if isinstance(event, SegmentOpened):
            self._pending = record
        elif isinstance(event, DaemonStarted):
            self._version = event.decisions
        diverged = self._auditor.audit(record)
        if diverged is not None:
            self._report(record, diverged)
        if verified.difference is None:
            self._count(record)
        return verified.difference is None

    def _misses_records(self, record: Found) -> bool:
        """Whether what this record should be cannot be said."""
        if isinstance(record.event, RecordsLost):
            self.verified.gaps += not self._lost
            self._lost, self._pending = True, None
        elif self._lost and isinstance(record.event, SegmentOpened):
            self._lost = False
            self._begin(record)
        elif not self._lost:
            return False
        self.verified.events += 1
        self.verified.last = record.seq
        return True

    def _count(self, record: Found) -> None:
        verified, event = self.verified, record.event
        verified.events += 1
        verified.last = record.seq
        verified.decisions += type(event) in DECISIONS
        if isinstance(event, OperationsApplied):
            verified.operations += len(event.operations)

    def finish(self) -> None:
        """Compare what is left."""
        if self._pending is not None:
            self._settle(self._pending, gap=False)

    def _settle(self, opened: Found, *, gap: bool) -> None:
        self._pending = None
        if gap:
            self.verified.gaps += 1
            self._begin(opened)
        else:
            self._compare(opened)

    def _compare(self, opened: Found) -> None:
        """The checkpoint is what the records so far add up to. (To the byte, unless another version wrote it.)"""
        assert isinstance(opened.event, SegmentOpened)
        self.verified.checkpoints += 1
        checkpoint = opened.event.checkpoint
        if b"".join(self._state.checkpoint()) == bytes(checkpoint):
            return
        differing = _differing(restore(opened.seq, opened.event), self._state)
        if differing:
            diverged = Diverged("checkpoint", recorded=f"another {differing}", decided="what the records add up to")
            self._report(opened, diverged)

    def _report(self, record: Found, diverged: Diverged) -> None:
        difference = Divergence(
            seq=record.seq,
            at=record.at,
            type=type(record.event).__name__,
            about=diverged.about,
            recorded=diverged.recorded,
            decided=diverged.decided,
            version=self._version,
        )
        if self._version in (0, VERSION):
            self.verified.difference = difference
        else:
            self.verified.differences_of_older += 1
            self.verified.older = self.verified.older or difference


def _differing(one: State, other: State) -> str:
    """The part of two states that differs, empty if none does."""
    parts = (
        ("fleet", one.fleet, other.fleet),
        ("desired state", one.data_plane.desired, other.data_plane.desired),
        ("actual state", one.data_plane.actual, other.data_plane.actual),
        ("hold times", one.data_plane.holds, other.data_plane.holds),
        ("boot", one.data_plane.boot_id, other.data_plane.boot_id),
    )
    return next((name for name, mine, others in parts if mine != others), "")
