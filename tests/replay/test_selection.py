"""Which records are shown."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from kglb.events import (
    BalancerDecided,
    DriftFound,
    Event,
    HealthChanged,
    NameResolved,
    OperationsApplied,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    ResolutionFailed,
)
from kglb.model import DeleteDestination, Forward, Real, RealId
from kglb.replay.called import Known
from kglb.replay.context import Context
from kglb.replay.selection import FilterError, Selection, parse_filter
from kglb.replay.source import Found, Source
from tests.projections.builders import DNS, WEB, real_id
from tests.replay.journals import Fleet, running

A, B = real_id(0), real_id(1)


def select(fleet: Fleet, *terms: tuple[str, str]) -> Selection:
    source = Source(fleet.builder.directory)
    context = Context(source)
    return Selection(source, parse_filter(terms, Known(source, context, fleet.builder.seq)), context)


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
    chosen = select(fleet, ("real", A)).chosen
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
        ("real", "nonsense", "there is no real nonsense: 3 reals are known; expected an address:port, an address, or"),
        ("colour", "red", "expected one of type="),
    ],
)
def test_a_filter_that_cannot_match_is_refused(fleet: Fleet, field: str, value: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        select(fleet, (field, value))


@pytest.mark.parametrize("value", ["[2001:db8:0::7]:80", "2001:db8::7", "[2001:db8::7]"])
def test_an_ipv6_real_may_be_written_as_one_likes(fleet: Fleet, value: str) -> None:
    (found,) = select(fleet, ("real", value)).chosen.reals
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


# --- reals that the config calls by a name ----------------------------------------------------------------

NAME, OLD, NEW = "www.example:80", RealId("10.0.0.7:80"), RealId("10.0.0.8:80")


def moves(fleet: Fleet, old: str, new: RealId) -> list[int]:
    """The name is at another address from now on; what is recorded of it."""
    entry = Real(host=NAME, weight=1000, forward=Forward())
    events: list[Event] = [
        NameResolved(service=WEB, host=NAME, address=new.rpartition(":")[0]),
        RealAdded(service=WEB, real=new, entry=entry, healthy=False, basis="initial"),
        *([RealRemoved(service=WEB, real=RealId(old), host=NAME)] if old else []),
    ]
    return [*map(fleet.builder.record, events), *fleet.goes(new, up=True).values()]


def seqs(records: Iterable[Found]) -> list[int]:
    return [record.seq for record in records]


@pytest.mark.parametrize("name", [NAME, "www.example"])
def test_a_name_means_every_address_that_it_has_had(fleet: Fleet, name: str) -> None:
    met = moves(fleet, "", OLD)
    fleet.goes(A, up=False)
    met += moves(fleet, OLD, NEW)
    fleet.goes(B, up=False)
    met.append(fleet.builder.record(ResolutionFailed(service=WEB, host=NAME, error="NXDOMAIN", keeping="10.0.0.8")))
    chosen = select(fleet, ("real", name))
    assert seqs(chosen.passing(1, fleet.builder.seq)) == met
    assert seqs(chosen.backwards(1, fleet.builder.seq)) == met[::-1]
    assert not seqs(select(fleet, ("real", name), ("service", DNS)).passing(1, fleet.builder.seq))


def test_a_name_of_a_real_that_was_added_before_the_journal_begins_is_known(tmp_path: Path) -> None:
    fleet = running(tmp_path / "whole")
    moves(fleet, "", OLD)
    fleet.builder.rotate()
    down = fleet.goes(OLD, up=False)
    (tmp_path / "rest").mkdir()
    (tmp_path / "rest" / fleet.builder.path.name).write_bytes(fleet.builder.text())
    source = Source(tmp_path / "rest")
    context = Context(source)
    chosen = parse_filter([("real", NAME)], Known(source, context, fleet.builder.seq))
    assert seqs(Selection(source, chosen, context).passing(1, fleet.builder.seq)) == list(down.values())


def test_an_address_that_a_name_comes_to_have_later_is_followed(fleet: Fleet) -> None:
    moves(fleet, "", OLD)
    records = select(fleet, ("real", NAME)).following(fleet.builder.seq + 1)
    assert next(records) is None
    met = moves(fleet, OLD, NEW)
    fleet.goes(A, up=False)
    assert [record.seq for record in islice(records, len(met)) if record is not None] == met
    assert next(records) is None


def test_a_name_that_never_had_an_address_has_its_failures_and_nothing_else(fleet: Fleet) -> None:
    failed = fleet.builder.record(ResolutionFailed(service=WEB, host="nil.example:80", error="NXDOMAIN"))
    assert seqs(select(fleet, ("real", "nil.example")).passing(1, fleet.builder.seq)) == [failed]


def test_a_name_that_the_journal_does_not_know_is_refused_with_one_that_it_does(fleet: Fleet) -> None:
    moves(fleet, "", OLD)
    with pytest.raises(FilterError, match=r"real=wwv\.example: there is no real wwv\.example: did you mean www\.ex"):
        select(fleet, ("real", "wwv.example"))
