"""A director to ask about: the one whose journal is kept for the tests, before it stopped."""

from functools import cache
from itertools import takewhile
from pathlib import Path

from journal import SegmentOpened
from kglb.events import DaemonStopping
from kglb.projections import State
from kglb.replay.source import Found, Source

RECORDED = Path(__file__).parents[1] / "tests" / "events" / "fixtures" / "1-daemon.jsonl"


@cache
def records() -> tuple[Found, ...]:
    """What it recorded."""
    found = Source(RECORDED).reader.records()
    return tuple(takewhile(lambda record: not isinstance(record.event, DaemonStopping), found))


@cache
def fleet() -> State:
    """What that led to."""
    state = State()
    for record in records():
        if not isinstance(record.event, SegmentOpened):
            state.fold(record.seq, record.event)
    return state
