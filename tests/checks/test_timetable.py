"""Probes by time, earliest first."""

from kglb.checks.dummy import DummyProbe
from kglb.checks.timetable import Timetable


def probe() -> DummyProbe:
    return DummyProbe(timeout=1.0, answered=lambda _: None)


def test_the_earliest_comes_first_and_none_before_its_time() -> None:
    table = Timetable()
    early, late = probe(), probe()
    table.add(2.0, late)
    table.add(1.0, early)
    assert table.earliest == 1.0
    assert table.pop(0.9) is None
    assert table.pop(5.0) is early
    assert table.pop(5.0) is late
    assert table.pop(5.0) is None
    assert table.earliest is None


def test_equal_times_come_in_the_order_they_were_added() -> None:
    table = Timetable()
    probes = [probe() for _ in range(5)]
    for each in probes:
        table.add(1.0, each)
    assert [table.pop(1.0) for _ in probes] == probes


def test_adding_a_probe_anywhere_voids_where_it_stood_before() -> None:
    first, second = Timetable(), Timetable()
    moved = probe()
    first.add(1.0, moved)
    second.add(2.0, moved)
    assert first.pop(9.0) is None
    assert second.pop(9.0) is moved


def test_a_probe_without_a_ticket_stands_nowhere() -> None:
    table = Timetable()
    cancelled = probe()
    table.add(1.0, cancelled)
    cancelled.ticket = 0
    assert table.pop(9.0) is None


def test_void_entries_do_not_pile_up() -> None:
    table = Timetable()
    kept = probe()
    table.add(5000.0, kept)
    for hour in range(1000):
        each = probe()
        table.add(3600.0 + hour, each)
        each.ticket = 0
        table.voided()
    assert len(table) < 200
    assert table.pop(9000.0) is kept
