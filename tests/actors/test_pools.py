"""Pools: reals that the config does not list, found by a name's addresses or in a file, and how they come and go."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.checks.resolve import NoRecordError
from kglb.dataplane.memory import MemoryDataPlane
from kglb.decisions import VERSION
from kglb.events import (
    DrainFinished,
    PoolAnswered,
    PoolFailed,
    RealAdded,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRemoved,
    Record,
)
from kglb.model import Balancer, Config, Forward, Member, Pool, Real, RealId, TcpCheck
from kglb.projections import pool_key
from kglb.replay.anonymise import Anonymiser
from kglb.replay.errors import UnknownSubjectError
from kglb.replay.explain import explain
from kglb.replay.export import export
from kglb.replay.settings import Settings
from kglb.replay.source import Source
from kglb.replay.verify import verify
from kglb.replay.whatif import whatif
from tests.actors.virtual import run
from tests.actors.world import REFUSED, World, events_of, journal_of, world
from tests.projections.builders import WEB, applied, balancer, config, real_id, started
from tests.replay.journals import JournalBuilder

A, B, C, D = (real_id(number) for number in range(4))
NAME = "web.example.com"
BY_NAME = Pool(kind="dns", place=f"{NAME}:80", weight=1000, forward=Forward())
Names = dict[str, list[str]]


def pooled(*pools: Pool, listed: tuple[Real, ...] = (), **more: object) -> Config:
    """One balancer with these pools, checked every second."""
    return config(of(*pools, listed=listed, **more))


def of(*pools: Pool, listed: tuple[Real, ...] = (), **more: object) -> Balancer:
    return replace(balancer(), reals=listed, pools=pools, check=TcpCheck(interval=1.0, rise=1, fall=1), **more)


def literal(real: RealId, weight: int = 1000) -> Real:
    return Real(host=real, weight=weight, forward=Forward())


def addresses(*reals: RealId) -> list[str]:
    return [real.rpartition(":")[0] for real in reals]


def in_file(path: Path, **more: object) -> Pool:
    return replace(Pool(kind="file", place=str(path), weight=1000, forward=Forward()), **more)


def write(path: Path, *targets: str, **labels: str) -> None:
    """Put a file of targets in the place of the one that is there, as whoever writes one should."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps([{"targets": list(targets), "labels": labels}]))
    beside.replace(path)


def played(
    tmp_path: Path,
    of: Config,
    story: Callable[[World, Names], Awaitable[None]],
    names: Names | None = None,
    **more: object,
) -> None:
    """A daemon's life with this config; its journal is verified afterwards."""

    async def main() -> None:
        known = {NAME: addresses(A, B)} if names is None else names
        async with world(tmp_path / "journal", of, names=known, **more) as w:  # type: ignore[arg-type]
            await story(w, known)

    run(main())


def records_of(tmp_path: Path, *kinds: type) -> list[Record[Any]]:
    return [record for record in journal_of(tmp_path / "journal") if isinstance(record.event, kinds)]


# --- who is a member ----------------------------------------------------------------------------------------------


def test_every_address_of_a_name_is_a_real_whose_checks_come_first(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 1000, B: 1000}

    played(tmp_path, pooled(BY_NAME), story)
    (answered,) = records_of(tmp_path, PoolAnswered)
    assert answered.event == PoolAnswered(service=WEB, pool=BY_NAME.id, members=(Member(A), Member(B)))
    added = records_of(tmp_path, RealAdded)
    assert [(one.event.real, one.event.healthy, one.cause) for one in added] == [
        (A, False, answered.seq),
        (B, False, answered.seq),
    ]


def test_members_come_and_go_with_the_answers(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names[NAME] = addresses(A, C)
        await asyncio.sleep(35)
        assert w.weights(WEB) == {A: 1000, C: 1000}

    played(tmp_path, pooled(BY_NAME), story)
    _, second = records_of(tmp_path, PoolAnswered)
    assert (second.event.members, second.event.left) == ((Member(C),), (B,))
    (removed,) = records_of(tmp_path, RealRemoved)
    assert (removed.event.real, removed.cause) == (B, second.seq)


def test_the_same_answer_is_recorded_once(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(3600)

    played(tmp_path, pooled(BY_NAME), story)
    assert len(records_of(tmp_path, PoolAnswered)) == 1


def test_a_file_is_read_again_when_it_changes_and_may_give_weights(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, B)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        write(file, A, C, kglb_weight="7")
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 7, C: 7}

    played(tmp_path, pooled(in_file(file)), story)
    assert len(records_of(tmp_path, PoolAnswered)) == 2


def test_a_real_that_several_stand_for_is_as_the_first_says_and_stays_with_the_last(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, C)
    later = in_file(file, weight=5, max_loss=1.0)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 300, B: 1000, C: 5}
        names[NAME] = addresses(B, C)
        await asyncio.sleep(31)
        assert w.weights(WEB) == {A: 300, B: 1000, C: 1000}
        names[NAME] = addresses(A, B)
        await asyncio.sleep(31)
        assert w.weights(WEB) == {A: 300, B: 1000, C: 5}
        write(file, B)
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 300, B: 1000}

    played(tmp_path, pooled(BY_NAME, later, listed=(literal(A, 300),)), story)
    assert [one.event.real for one in records_of(tmp_path, RealRemoved)] == [C]
    assert [one.event.entry.pool for one in records_of(tmp_path, RealKept)] == [BY_NAME.id, later.id]


def test_a_member_that_weighs_otherwise_is_told_by_the_answer_that_says_so(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, kglb_weight="5")

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        write(file, A, kglb_weight="6")
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 6}

    played(tmp_path, pooled(in_file(file)), story)
    _, second = records_of(tmp_path, PoolAnswered)
    (kept,) = records_of(tmp_path, RealKept)
    assert kept.cause == second.seq


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "members"),
    [
        (("10.0.0.1",), ("2001:db8::1",), [A, "[2001:db8::1]:80"]),
        (("10.0.0.1",), NoRecordError("no AAAA record"), [A]),
        (NoRecordError("no A record"), ("2001:db8::1",), ["[2001:db8::1]:80"]),
        (("10.0.0.1",), OSError("the AAAA server is silent"), []),
        (NoRecordError("no A record"), NoRecordError("no AAAA record"), []),
    ],
)
def test_a_tunnel_takes_members_of_both_families_and_half_an_answer_is_none(
    tmp_path: Path, ipv4: tuple[str, ...] | OSError, ipv6: tuple[str, ...] | OSError, members: list[str]
) -> None:
    async def resolve(name: str, wants_ipv6: bool) -> tuple[str, ...]:
        answer = ipv6 if wants_ipv6 else ipv4
        if isinstance(answer, OSError):
            raise answer
        return answer

    def prepare(w: World) -> None:
        w.parts.resolve = resolve

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        assert list(w.state.fleet.balancers[WEB].reals) == members

    played(tmp_path, pooled(replace(BY_NAME, forward=Forward("tunnel"))), story, prepare=prepare)


# --- answers that are none ----------------------------------------------------------------------------------------


def test_a_name_without_an_answer_keeps_its_members_over_a_restart_too(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def first(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names.clear()
        await asyncio.sleep(300)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        await w.kill()

    async def second(w: World, names: Names) -> None:
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        names[NAME] = addresses(A, B)
        await asyncio.sleep(60)
        assert not w.state.fleet.pools[pool_key(WEB, BY_NAME.id)].error

    played(tmp_path, pooled(BY_NAME), first, machine=machine)
    played(tmp_path, pooled(BY_NAME), second, names={"other": ["10.0.0.9"]}, machine=machine)
    (failed,) = records_of(tmp_path, PoolFailed)
    assert failed.event.keeping == 2
    assert failed.event.last_good is not None
    assert records_of(tmp_path, PoolAnswered)[-1].event == PoolAnswered(service=WEB, pool=BY_NAME.id)
    assert not records_of(tmp_path, RealRemoved)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON: Input data was truncated"),
        (b"[]", "names no target"),
        (b'[{"targets": []}]', "names no target"),
        (
            b'[{"targets": ["10.0.0.1:80", "web:80"]}]',
            '[0].targets[1]: expected an IP address and a port, found the name "web:80"',
        ),
        (
            b'[{"targets": ["[2001:db8::1]:80"]}]',
            "[2001:db8::1]:80 is IPv6, and only IPv4 reals can be reached and checked here",
        ),
        (b"\xff", "is not UTF-8: byte 0 cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_keeps_the_members(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "web.json"
    write(file, A, B)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        file.write_bytes(content)
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        write(file, A, B)
        await asyncio.sleep(5)
        assert not w.state.fleet.pools[pool_key(WEB, in_file(file).id)].error

    played(tmp_path, pooled(in_file(file)), story)
    (failed,) = events_of(tmp_path / "journal", PoolFailed)
    assert failed.error == said


def test_a_file_that_is_gone_keeps_the_members(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, B)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        file.unlink()
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000}

    played(tmp_path, pooled(in_file(file)), story)
    (failed,) = events_of(tmp_path / "journal", PoolFailed)
    assert failed.error == "cannot be read: No such file or directory"


# --- answers that take much away ----------------------------------------------------------------------------------


def test_an_answer_that_takes_too_many_away_waits_until_they_are_down(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names[NAME] = addresses(A)
        await asyncio.sleep(300)
        assert w.weights(WEB) == dict.fromkeys((A, B, C, D), 1000)
        for real in (B, C, D):
            w.prober.answers[real] = REFUSED
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000}

    played(tmp_path, pooled(BY_NAME), story, names={NAME: addresses(A, B, C, D)})
    told = [(one.event.lacking, one.event.left) for one in records_of(tmp_path, PoolAnswered)]
    assert told == [((), ()), ((B, C, D), ()), ((), (B, C, D))]


def test_a_file_that_takes_too_many_away_is_followed_once_others_are_up(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, B)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        w.prober.answers[C] = w.prober.answers[D] = REFUSED
        write(file, C, D)
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 0, D: 0}
        w.prober.answers.clear()
        await asyncio.sleep(5)
        assert w.weights(WEB) == {C: 1000, D: 1000}

    played(tmp_path, pooled(in_file(file)), story)


def test_a_reload_that_allows_more_loss_lets_them_go(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, A, B, C)

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        write(file, A)
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 1000}
        await w.reload(pooled(in_file(file, max_loss=1.0)))
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 1000}

    played(tmp_path, pooled(in_file(file)), story)


# --- reloads ------------------------------------------------------------------------------------------------------


def test_members_are_as_their_pool_is_after_a_reload_and_are_not_added_anew(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        await w.reload(pooled(replace(BY_NAME, weight=7)))
        await asyncio.sleep(1)
        assert w.weights(WEB) == {A: 7, B: 7}

    played(tmp_path, pooled(BY_NAME), story)
    assert len(records_of(tmp_path, RealAdded)) == 2


def test_who_moves_from_a_list_to_a_pool_serves_throughout(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names[NAME] = []
        await w.reload(pooled(BY_NAME))
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000}, "the pool has had no answer: it may name anybody"
        names[NAME] = addresses(A)
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000}

    played(tmp_path, pooled(listed=(literal(A), literal(B))), story)
    (kept,) = records_of(tmp_path, RealKept)
    (removed,) = records_of(tmp_path, RealRemoved)
    (answered,) = records_of(tmp_path, PoolAnswered)
    assert (kept.event.real, kept.cause) == (A, answered.seq)
    assert (removed.event.real, removed.cause) == (B, answered.seq)


def test_the_members_of_a_pool_that_the_config_no_longer_has_leave(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        await w.reload(pooled(listed=(literal(C),)))
        await asyncio.sleep(5)
        assert w.weights(WEB) == {C: 1000}
        assert not w.state.fleet.pools
        assert not w.parts.sources

    played(tmp_path, pooled(BY_NAME), story)


def test_a_source_that_hangs_delays_no_other_pool(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    write(file, C)

    async def story(w: World, names: Names) -> None:
        async def hang(name: str, ipv6: bool) -> tuple[str, ...]:
            await asyncio.sleep(3600)
            return ()

        w.parts.resolve = hang
        await asyncio.sleep(5)
        assert w.weights(WEB) == {C: 1000}

    def prepare(w: World) -> None:
        async def hang(name: str, ipv6: bool) -> tuple[str, ...]:
            await asyncio.sleep(3600)
            return ()

        w.parts.resolve = hang

    played(tmp_path, pooled(BY_NAME, in_file(file)), story, prepare=prepare)


# --- steering -----------------------------------------------------------------------------------------------------


def test_a_member_that_leaves_drains_as_one_that_a_reload_removes(tmp_path: Path) -> None:
    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names[NAME] = addresses(A)
        await asyncio.sleep(91)
        assert w.weights(WEB) == {A: 1000}

    played(tmp_path, pooled(BY_NAME, drain_on_remove=20.0), story)
    _, second = records_of(tmp_path, PoolAnswered)
    (leaving,), (finished,) = records_of(tmp_path, RealLeaving), records_of(tmp_path, DrainFinished)
    (removed,) = records_of(tmp_path, RealRemoved)
    assert (leaving.cause, removed.cause) == (second.seq, finished.seq)


def test_an_order_about_a_member_holds_while_its_pool_names_it_over_restarts_too(tmp_path: Path) -> None:
    async def first(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        w.recorder.record(RealDrained(service=WEB, real=A, who="ops"))
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 0, B: 1000}
        await w.stop("cleanup")

    async def second(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 0, B: 1000}
        names[NAME] = addresses(B)
        await asyncio.sleep(31)
        names[NAME] = addresses(A, B)
        await asyncio.sleep(31)
        assert w.weights(WEB) == {A: 1000, B: 1000}

    played(tmp_path, pooled(BY_NAME), first)
    played(tmp_path, pooled(BY_NAME), second)


# --- the journal --------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Source:
    """What a daemon recorded whose pool lost B to C, and then its source."""

    async def story(w: World, names: Names) -> None:
        await asyncio.sleep(5)
        names[NAME] = addresses(A, C)
        await asyncio.sleep(35)
        names.clear()
        await asyncio.sleep(35)
        await w.stop("leave")

    played(tmp_path, pooled(BY_NAME), story)
    return Source(tmp_path / "journal")


def test_explain_says_which_answer_a_real_left_by(journal: Source) -> None:
    last = journal.bounds()[-1]
    (record,) = [one for one in journal.between(1, last) if isinstance(one.event, PoolAnswered) and one.event.left]
    with pytest.raises(UnknownSubjectError, match=rf"as dns {NAME}:80 no longer names it \(record {record.seq}\)"):
        explain(journal, B, seq=last)


def test_explain_names_the_answer_by_which_a_real_came(journal: Source) -> None:
    chain = explain(journal, C, seq=journal.bounds()[-1] - 1).chain
    (link,) = [link for link in chain if link.type == "PoolAnswered"]
    assert link.text == f"dns {NAME}:80 names {C}", "what the answer says of others is left out"


def test_what_if_nothing_were_different_nothing_is(journal: Source) -> None:
    first, last = journal.bounds()[0], journal.bounds()[-1]
    (web,) = whatif(journal, Settings(), first, last).balancers
    assert web.recorded == web.supposed


def test_an_anonymised_journal_leads_to_the_same_decisions(journal: Source, tmp_path: Path) -> None:
    bounds = journal.bounds()
    export(journal, bounds[0], bounds[-1], tmp_path / "export.jsonl", Anonymiser())
    text = (tmp_path / "export.jsonl").read_text()
    assert NAME not in text
    verified = verify(Source(tmp_path / "export.jsonl"))
    assert verified.difference is None
    assert verified.decisions == verify(journal).decisions


def test_a_record_that_takes_in_another_answer_than_the_decision_does_not_verify(tmp_path: Path) -> None:
    builder = JournalBuilder(tmp_path)
    builder.record(replace(started(), decisions=VERSION))
    builder.record(applied(of(BY_NAME)))
    builder.record(PoolAnswered(service=WEB, pool=BY_NAME.id, members=(Member(A), Member(B), Member(C))))
    builder.record(PoolAnswered(service=WEB, pool=BY_NAME.id, left=(A, B)))
    difference = verify(Source(builder.directory)).difference
    assert difference is not None
    assert difference.recorded.endswith(f"left: {A}, {B}")
    assert difference.decided.endswith(f"lacking: {A}, {B}")
