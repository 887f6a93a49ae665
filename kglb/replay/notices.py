"""What others are told of a record: one struct with the sentence, what it is about, what led to it, and the event."""

from itertools import islice

import msgspec

from kglb.events import Event, SegmentOpened
from kglb.model import RealId, ServiceId
from kglb.replay.about import pairs
from kglb.replay.causes import GONE, Cause, Causes
from kglb.replay.selection import Selection
from kglb.replay.sentences import Tone
from kglb.replay.source import Found

MOST_CAUSES = 20
"""Causes that are told; ten thousand reals that fail together have as many."""

MISSED = "RecordsMissed"
"""The type of a notice about records that could not be read, which no record says."""


class Led(msgspec.Struct, frozen=True):
    """A record that led to another, as a sentence."""

    seq: int
    text: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: ``seq`` on ``host`` names it, also if it is told twice.

    ``service`` and ``real`` are the one that it is about, None if it is about none or several. ``causes`` are the
    nearest first. ``event`` is as in the journal; None where the journal itself is what is spoken of.
    """

    host: str
    seq: int
    at: str
    type: str
    kind: str
    tone: Tone
    balancer: str | None
    service: ServiceId | None
    real: RealId | None
    text: str
    causes: tuple[Led, ...] = ()
    event: Event | None = None


class Notices:
    """Makes the notices of one journal, written by ``host`` until a segment says otherwise."""

    def __init__(self, selection: Selection, host: str) -> None:
        self.host = host
        self._selection = selection
        self._causes = Causes(selection.source)

    def note(self, record: Found) -> None:
        """Take a record in, so that what is told later knows who wrote it, and what led to it."""
        self._causes.note(record)
        if isinstance(record.event, SegmentOpened):
            self.host = record.event.host

    def of(self, record: Found) -> Notice:
        """The notice of a record."""
        said = self._selection.said(record)
        reals = {real for _, real in pairs(record.event)} - {None}
        return Notice(
            host=self.host,
            seq=record.seq,
            at=record.at,
            type=type(record.event).__name__,
            kind=said.kind,
            tone=said.tone,
            balancer=None if said.service is None else self._selection.context.names(record.seq).label(said.service),
            service=said.service,
            real=reals.pop() if len(reals) == 1 else None,
            text=said.text,
            causes=tuple(map(self._led, islice(self._causes.of(record, self._selection.chosen.wants), MOST_CAUSES))),
            event=record.event,
        )

    def missed(self, seq: int, at: str, text: str) -> Notice:
        """The notice that what follows record ``seq`` could not be read."""
        return Notice(
            host=self.host,
            seq=seq,
            at=at,
            type=MISSED,
            kind="journal",
            tone="bad",
            balancer=None,
            service=None,
            real=None,
            text=text,
        )

    def _led(self, cause: Cause) -> Led:
        text = GONE if cause.record is None else self._selection.said(cause.record).text
        return Led(cause.seq, text + cause.left_out)
