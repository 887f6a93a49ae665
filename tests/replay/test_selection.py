"""Which records are shown."""

import pytest

from kglb.events import BalancerDecided, DriftFound, HealthChanged, OperationsApplied, ProbeFlipped
from kglb.model import DeleteDestination
from kglb.replay.context import Context
from kglb.replay.names import Names
from kglb.replay.selection import FilterError, Selection, parse_filter
from kglb.replay.source import Found, Source
from tests.projections.builders import DNS, WEB, balancer, real_id
from tests.replay.journals import Fleet

A, B = real_id(0), real_id(1)


def select(fleet: Fleet, *terms: tuple[str, str]) -> Selection:
    source = Source(fleet.builder.directory)
    context = Context(source)
    return Selection(source, parse_filter(terms, lambda: context.names(fleet.builder.seq)), context)


def kinds(records: list[Found]) -> list[type]:
    return [type(record.event) for record in records]


def test_the_last_few_come_in_their_order(fleet: Fleet) -> None:
    last = fleet.builder.seq
    found = select(fleet).last_passing(1, last, 3)
    assert [record.seq for record in found] == [last - 2, last - 1, last]


def test_the_last_few_may_be_all(fleet: Fleet) -> None:
    found = select(fleet).last_passing(1, fleet.builder.seq, 10_000)
    assert [record.seq for record in found] == list(range(1, fleet.builder.seq + 1))


def test_the_last_few_that_pass_are_sought_as_far_back_as_need_be(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kglb.replay.selection._FIRST_LOOK", 2)
    found = select(fleet, ("type", "HealthChanged")).last_passing(1, fleet.builder.seq, 2)
    assert [record.event.real for record in found if isinstance(record.event, HealthChanged)] == [B, real_id(2)]


def test_a_type_needs_no_exact_case(fleet: Fleet) -> None:
    found = list(select(fleet, ("type", "healthchanged")).passing(1, fleet.builder.seq))
    assert kinds(found) == [HealthChanged] * 3


def test_two_values_of_a_field_are_alternatives(fleet: Fleet) -> None:
    found = select(fleet, ("type", "HealthChanged"), ("type", "ProbeFlipped")).passing(1, fleet.builder.seq)
    assert set(kinds(list(found))) == {HealthChanged, ProbeFlipped}


def test_two_fields_must_agree(fleet: Fleet) -> None:
    found = list(select(fleet, ("type", "HealthChanged"), ("real", A)).passing(1, fleet.builder.seq))
    assert [record.event.real for record in found if isinstance(record.event, HealthChanged)] == [A]


@pytest.mark.parametrize("real", ["10.0.0.1:80", "10.0.0.1"])
def test_a_real_is_found_in_decisions_and_operations_too(fleet: Fleet, real: str) -> None:
    fleet.builder.record(DriftFound(changes=(DeleteDestination(WEB, A), DeleteDestination(WEB, B))))
    found = kinds(list(select(fleet, ("real", real)).passing(6, fleet.builder.seq)))
    assert found == [ProbeFlipped, HealthChanged, BalancerDecided, OperationsApplied, DriftFound]


def test_what_is_shown_of_a_record_is_what_was_asked_for(fleet: Fleet) -> None:
    fleet.builder.record(DriftFound(changes=(DeleteDestination(WEB, A), DeleteDestination(WEB, B))))
    chosen = parse_filter([("real", A)], Names)
    last = Source(fleet.builder.directory).record(fleet.builder.seq)
    assert last is not None
    assert chosen.narrowed(last).event == DriftFound(changes=(DeleteDestination(WEB, A),))


def test_a_balancer_is_its_service(fleet: Fleet) -> None:
    by_name = list(select(fleet, ("balancer", "web")).passing(1, fleet.builder.seq))
    by_service = list(select(fleet, ("service", WEB)).passing(1, fleet.builder.seq))
    assert by_name == by_service != []
    assert not list(select(fleet, ("service", DNS)).passing(1, fleet.builder.seq))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("type", "HealthChange", "did you mean HealthChanged"),
        ("type", "x", "there are SegmentOpened"),
        ("balancer", "wep", "there is web"),
        ("real", "nonsense", "expected an address:port or an address"),
        ("colour", "red", "expected one of type="),
    ],
)
def test_a_filter_that_cannot_match_is_refused(field: str, value: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse_filter([(field, value)], lambda: Names([balancer(WEB)]))


@pytest.mark.parametrize("value", ["[2001:db8:0::7]:80", "2001:db8::7", "[2001:db8::7]"])
def test_an_ipv6_real_may_be_written_as_one_likes(value: str) -> None:
    (found,) = parse_filter([("real", value)], Names).reals
    assert found in {"[2001:db8::7]:80", "[2001:db8::7]"}


def test_following_gives_what_comes_and_none_while_nothing_does(fleet: Fleet) -> None:
    records = select(fleet, ("type", "HealthChanged")).following(fleet.builder.seq + 1)
    assert next(records) is None
    fleet.builder.rotate()
    fleet.goes(A, up=False)
    record = next(records)
    assert record is not None
    assert isinstance(record.event, HealthChanged)
    assert next(records) is None
