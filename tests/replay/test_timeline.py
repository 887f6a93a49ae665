"""One time axis, whatever clocks do."""

from kglb.events import Event, OutcomesUnknown, Record
from kglb.replay.timeline import Timeline
from tests.projections.builders import started


def record(at: str, mono: float, event: Event | None = None) -> Record[Event]:
    stamp = f"2026-11-22T{at}.000000Z"
    return Record(seq=1, at=stamp, mono=mono, cause=None, event=event or OutcomesUnknown(counts={}), crc="")


def test_time_goes_by_the_monotonic_clock_though_the_wall_clock_steps() -> None:
    timeline = Timeline()
    assert [timeline.advance(record(at, mono)) for at, mono in (("14:00:00", 5), ("13:00:00", 6), ("15:00:00", 8))] == [
        0.0,
        1.0,
        3.0,
    ]


def test_another_start_is_placed_by_the_wall_clock_and_never_before() -> None:
    timeline = Timeline()
    timeline.advance(record("14:00:00", 5000.0))
    assert timeline.advance(record("14:00:30", 3.0, started())) == 30.0
    assert timeline.advance(record("13:00:00", 1.0, started())) == 30.0


def test_a_time_between_two_records_has_a_wall_clock_time() -> None:
    timeline = Timeline()
    timeline.advance(record("14:00:00", 1.0))
    timeline.advance(record("14:00:10", 11.0))
    assert timeline.at(10.0) == "2026-11-22T14:00:10.000000Z"
    assert timeline.at(7.5) == "2026-11-22T14:00:07.500000Z"
