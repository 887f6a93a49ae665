"""What a daemon decided verifies; whatever is changed in its journal afterwards is found, where it is."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from journal.format import JournalGap, SegmentOpened
from kglb.dataplane.memory import MemoryDataPlane
from kglb.decisions import VERSION
from kglb.events import (
    Adopted,
    BalancerDecided,
    ConfigApplied,
    DaemonStarted,
    Event,
    HealthChanged,
    JournalRepaired,
    MarkAssigned,
    OperationsApplied,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    Record,
)
from kglb.model import (
    AddDestination,
    ChangeDestination,
    DeleteService,
    Destination,
    Forward,
    ServiceId,
    TcpCheck,
)
from kglb.replay.errors import NothingRecordedError
from kglb.replay.source import Source
from kglb.replay.verify import Divergence, Verified, verify
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, World, world
from tests.projections.builders import DNS, WEB, balancer, config, real, real_id
from tests.replay.journals import JournalBuilder
from tests.replay.tampering import Change, changing, rewrite, without

A, B, C = real_id(0), real_id(1), real_id(2)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=2, fall=2)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A daemon's: reals fail one by one and together, a reload takes one away, two segments, a restart."""
    directory = tmp_path_factory.mktemp("verify") / "journal"
    machine = MemoryDataPlane()
    web = balancer(reals=3, check=CHECK)
    checked_by_mark = balancer(
        ServiceId("tcp://192.168.100.10:53"), reals=1, name="marked", check=CHECK, fwmark_checks=True
    )

    async def main() -> None:
        async with world(directory, config(web, checked_by_mark), machine=machine) as w:
            await asyncio.sleep(5)
            await _incident(w)
            await w.reload(config(replace(web, reals=web.reals[:2]), checked_by_mark))
            await asyncio.sleep(15)
            await w.stop("leave")
        async with world(directory, config(web), machine=machine) as w:
            await asyncio.sleep(15)

    run(main())
    return directory


async def _incident(w: World) -> None:
    """Two segments, and reals that fail one by one and together."""
    w.prober.answers[A] = REFUSED
    await asyncio.sleep(5.5)
    w.prober.answers |= {B: REFUSED, C: REFUSED}
    await asyncio.sleep(5.5)
    w.prober.answers[B] = OK
    await asyncio.sleep(4)
    w.new_segment()
    await asyncio.sleep(2)


def verified(journal: Path) -> Verified:
    return verify(Source(journal))


def difference(journal: Path, tmp_path: Path, change: Change) -> Divergence:
    """How the journal, changed so, differs from what is decided."""
    found = verified(rewrite(journal, tmp_path / "changed", change))
    assert found.difference is not None
    return found.difference


def test_what_a_daemon_decided_is_decided_again(journal: Path) -> None:
    found = verified(journal)
    assert found.identical
    assert found.difference is None
    assert found.events == found.last
    assert found.decisions > 10
    assert found.operations > 5


def _other_outcomes(record: Record[Event]) -> Event:
    """Probes that passed where they failed."""
    event = record.event
    if isinstance(event, ProbeFlipped) and event.outcome == "failure":
        return replace(event, outcome="success", reason="other")
    return event


def _other_checkpoint(record: Record[Event]) -> Event:
    event = record.event
    if isinstance(event, SegmentOpened) and record.seq > 1:
        return replace(
            event, checkpoint=msgspec.Raw(bytes(event.checkpoint).replace(b'"healthy":true', b'"healthy":false'))
        )
    return event


def _foreign_deletion(record: Record[Event]) -> Event:
    event = record.event
    if isinstance(event, OperationsApplied):
        return replace(
            event, operations=(*event.operations, DeleteService(WEB)), causes=(*event.causes, event.causes[-1])
        )
    return event


def _all_for_one_cause(record: Record[Event]) -> Event:
    event = record.event
    if isinstance(event, OperationsApplied):
        return replace(event, causes=(max(event.causes),) * len(event.causes))
    return event


def _operations(kind: type, *, weight: int) -> Change:
    """Every operation of a kind gives this weight."""

    def change(record: Record[Event]) -> Event:
        event = record.event
        if not isinstance(event, OperationsApplied):
            return event
        return replace(
            event,
            operations=tuple(
                replace(one, destination=replace(one.destination, weight=weight))
                if isinstance(one, AddDestination | ChangeDestination) and type(one) is kind
                else one
                for one in event.operations
            ),
        )

    return change


@pytest.mark.parametrize(
    ("change", "recorded", "decided"),
    [
        (changing(HealthChanged, streak=3), "healthy after 3 passes in a row", "so after 2 passes in a row already"),
        (changing(HealthChanged, streak=1), "healthy after 1 pass", "still unhealthy"),
        (changing(HealthChanged, run=3), "outcome run 3", "outcome run "),
        (without(HealthChanged), "1 of 3 alive", "0 of 3 alive"),
        (changing(ProbeFlipped, previous_count=1), "a run of 1 probe", "that there was none"),
        (_other_outcomes, "unhealthy after 2 failures in a row", "that it had 6 passes in a row"),
        (changing(BalancerDecided, alive=3), "3 of 3 alive", "0 of 3 alive"),
        (changing(BalancerDecided, mode="available"), "mode available", "mode initial"),
        (changing(BalancerDecided, weights={A: 7, B: 0, C: 0}), f"weight 7 for {A}", f"weight 0 for {A}"),
        (changing(BalancerDecided, weights={}), "no other weight", f"weight 0 for {A}"),
        (changing(BalancerDecided, seen=1), "that it had seen record 1", "record "),
        (changing(RealAdded, real=real_id(9)), "that it joined", "that no entry of the config stands for it"),
        (changing(RealAdded, healthy=True), "healthy", "unhealthy"),
        (without(RealAdded, 1), "no such real", "that it joined"),
        (without(RealRemoved), "a real", "that it left"),
        (changing(MarkAssigned, mark=12345), "mark 12345", "mark 10000"),
        (_other_checkpoint, "another fleet", "what the records add up to"),
        (_foreign_deletion, "that it was done", "that it was wanted as it was"),
        (_operations(ChangeDestination, weight=5), "that it was done", "that it was wanted as "),
        (_operations(AddDestination, weight=5), "that it was done", "that it was wanted as "),
        (_all_for_one_cause, "cause 10", "as cause 4"),
    ],
    ids=lambda value: None,
)
def test_a_decision_that_is_another_is_found(
    journal: Path, tmp_path: Path, change: Change, recorded: str, decided: str
) -> None:
    found = difference(journal, tmp_path, change)
    assert found.recorded.startswith(recorded)
    assert found.decided.startswith(decided)


def test_a_segment_alone_is_verified_from_its_checkpoint(journal: Path) -> None:
    _, last = sorted(journal.glob("*.jsonl"))
    found = verified(last)
    assert found.identical
    assert found.first > 1
    assert found.decisions


def test_a_decision_that_never_came_is_missed(tmp_path: Path) -> None:
    """Somebody else's records show that the daemon went on without it."""

    async def main() -> None:
        web, other = balancer(WEB, check=CHECK), balancer(DNS, name="other", check=CHECK)
        async with world(tmp_path / "daemon", config(web, replace(other, reals=(real(9),)))) as w:
            await asyncio.sleep(5)
            w.prober.answers[A] = REFUSED
            for answer in 20 * (REFUSED, OK):
                w.prober.answers[real_id(9)] = answer
                await asyncio.sleep(2)

    def change(record: Record[Event]) -> Event:
        event = record.event
        decides = isinstance(event, BalancerDecided) and event.weights == {A: 0} and event.alive == 1
        done = ChangeDestination(WEB, Destination(real=A, weight=0, forward=Forward()))
        does = isinstance(event, OperationsApplied) and event.operations == (done,)
        return OutcomesUnknown(counts={}) if decides or does else event

    run(main())
    found = difference(tmp_path / "daemon", tmp_path, change)
    assert (found.about, found.recorded) == (f"web ({WEB})", "no decision")
    assert found.decided == f"mode available, weight 0 for {A}"


def test_another_version_may_have_decided_otherwise(journal: Path, tmp_path: Path) -> None:
    def change(record: Record[Event]) -> Event:
        event = changed(record)
        return replace(event, decisions=VERSION + 1) if isinstance(event, DaemonStarted) else event

    changed = changing(HealthChanged, run=3)
    found = verified(rewrite(journal, tmp_path / "changed", change))
    assert found.identical
    assert found.older is not None
    assert found.older.version == VERSION + 1
    assert found.differences_of_older == 1


def test_behind_a_gap_everything_begins_again_at_the_checkpoint(tmp_path: Path) -> None:
    """What the missing records led to is in the checkpoint, and nobody asks how it came to be."""
    builder = JournalBuilder(tmp_path / "journal")
    builder.record(DaemonStarted(software="0", decisions=VERSION, host="director", boot_id="boot", pid=1))
    builder.record(ConfigApplied(digest="0", source="test", config=config(balancer(reals=1))))
    builder.state.fold(builder.seq, Adopted(entries=(), addresses=(), foreign=0))
    builder.state.fleet.names["lost"] = "10.0.0.1"
    builder.rotate()
    builder.record(JournalGap(first_seq=4, last_seq=9, since="2026-11-22T14:30:00.000000Z", reason="disk full"))
    found = verified(tmp_path / "journal")
    assert found.identical
    assert (found.gaps, found.checkpoints) == (1, 0)


def test_who_was_killed_before_it_decided_and_cannot_start_has_decided_nothing_wrong(tmp_path: Path) -> None:
    """Each start that fails leaves what the journal itself records, and no decision."""
    builder = JournalBuilder(tmp_path / "journal")
    builder.record(DaemonStarted(software="0", decisions=VERSION, host="director", boot_id="boot", pid=1))
    builder.record(ConfigApplied(digest="0", source="test", config=config(balancer(reals=1))))
    for _ in range(3):
        builder.passes(seconds=20)
        builder.record(JournalRepaired(file="1.jsonl", seq=4, size=10, kept_as="1.jsonl.broken", reason="cut short"))
    assert verified(tmp_path / "journal").difference is None


def test_an_empty_journal_has_nothing_to_verify(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(NothingRecordedError):
        verified(tmp_path / "journal")


def test_a_segment_may_begin_between_a_change_of_health_and_what_the_balancer_makes_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path / "daemon", config(balancer(check=CHECK))) as w:
            await asyncio.sleep(5)
            w.recorder.observe(lambda fact: w.new_segment() if isinstance(fact.event, HealthChanged) else None)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(5)

    run(main())
    *_, last = sorted((tmp_path / "daemon").glob("*.jsonl"))
    assert b"BalancerDecided" in last.read_bytes()
    assert verified(last).identical
