"""Checks through the VIP: marks come and go with reals, and what this machine lacks takes no real out."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from kglb.checks.marked import MarkedDialer
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.passage import Passage
from kglb.events import (
    ActorCrashed,
    ChecksImpossible,
    ChecksResumed,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OutcomesUnknown,
    RealAdded,
)
from kglb.model import Balancer, Config, DeleteService, Destination, Forward, RealId, Service, ServiceId, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import REFUSED, SlowWorker, World, events_of, journal_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real, real_id

A, B, C = (real_id(number) for number in range(3))
VIP_A = RealId("192.168.100.10:80")
OPEN = Passage("192.0.2.254")
SHUT = Passage("192.0.2.254", problem="accept_local is 0", remedy="sysctl -w accept_local=1")
MARKS = [ServiceId(f"fwmark://{mark}") for mark in range(10000, 10004)]
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)


def marked(id: ServiceId = WEB, reals: int = 2, **more: object) -> Balancer:
    fields: dict[str, object] = {"check": CHECK, "fwmark_checks": True, **more}
    return balancer(id, reals, **fields)  # type: ignore[arg-type]


def machine(passage: Passage = OPEN, **more: object) -> MemoryDataPlane:
    return MemoryDataPlane(passage=passage, **more)  # type: ignore[arg-type]


def few_marks(count: int, *balancers: Balancer) -> Config:
    whole = config(*balancers)
    return replace(whole, data_plane=replace(whole.data_plane, fwmark_count=count))


def held(w: World) -> dict[ServiceId, list[Destination]]:
    """The marks' services in the machine."""
    ids = [service.id for service in w.machine.services() if service.id.startswith("fwmark")]
    return {id: w.machine.destinations(id) for id in sorted(ids)}


def test_d14_with_marks_a_check_goes_to_the_vip_under_the_reals_mark_and_else_straight_to_the_real(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked(), balancer(DNS, 1, name="dns", check=CHECK)), machine=machine()) as w:
            await asyncio.sleep(2.5)
            assert {target for _, target in w.prober.asked} == {VIP_A, A}
            dialers = [getattr(probe, "dialer", None) for probe in w.prober._timers]
            through = {(one.source, one.mark) for one in dialers if isinstance(one, MarkedDialer)}
            assert through == {("192.0.2.254", 10000), ("192.0.2.254", 10001)}
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_d11_two_balancers_share_the_mark_of_a_real(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked(), marked(DNS, 1, name="dns")), machine=machine()) as w:
            await asyncio.sleep(0.1)
            assert {id: [one.real for one in reals] for id, reals in held(w).items()} == {
                MARKS[0]: ["10.0.0.1:0"],
                MARKS[1]: ["10.0.0.2:0"],
            }
            await w.reload(config(marked()))
            await asyncio.sleep(0.1)
            assert len(held(w)) == 2
            await w.reload(config(balancer(check=CHECK)))
            await asyncio.sleep(0.1)
            assert held(w) == {}
            assert w.state.fleet.marks.held == {}

    run(main())


def test_a_restart_keeps_marks_and_health_and_a_stop_leaves_none_in_the_kernel(tmp_path: Path) -> None:
    async def main() -> None:
        kernel = machine()
        async with world(tmp_path, config(marked()), machine=kernel) as w:
            await asyncio.sleep(1.5)
            await w.kill()
        before = journal_of(tmp_path)[-1].seq
        async with world(tmp_path, config(marked(reals=3)), machine=kernel) as w:
            await asyncio.sleep(1.5)
            assert [one.mark for one in events_of(tmp_path, MarkAssigned, before)] == [10002]
            assert [one.real for one in events_of(tmp_path, HealthChanged, before)] == [C]
            assert await w.stop()
        assert kernel.services() == []

    run(main())


def test_a_changed_forwarding_is_another_way_with_another_mark(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked(reals=1)), machine=machine()) as w:
            await asyncio.sleep(1.5)
            one = marked(reals=1)
            tunnelled = replace(one.reals[0], forward=Forward("tunnel"))
            await w.reload(config(replace(one, reals=(tunnelled,))))
            await asyncio.sleep(1.5)
            assert {id: reals[0].forward for id, reals in held(w).items()} == {MARKS[1]: Forward("tunnel")}
            assert [event.mark for event in events_of(tmp_path, MarkReleased)] == [10000]
            w.prober.default = REFUSED
            await asyncio.sleep(1.5)
            assert not w.real(WEB, A).healthy, "it is checked on"

    run(main())


def test_no_probe_counts_before_the_marks_service_is_in_the_kernel(tmp_path: Path) -> None:
    async def main() -> None:
        kernel = machine(schedulers=("wrr",))  # it refuses rr, and with it every mark's service
        async with world(tmp_path, config(marked(reals=1)), machine=kernel) as w:
            await asyncio.sleep(25)
            assert not w.real(WEB, A).outcome
            assert w.parts.probes["success"] == 0
        assert any("mark not in the kernel" in event.counts for event in events_of(tmp_path, OutcomesUnknown))

    run(main())


def test_a_mark_that_somebody_deletes_brings_no_dead_real_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked(reals=2)), machine=machine()) as w:
            w.prober.default = REFUSED
            await asyncio.sleep(1.5)
            for mark in MARKS[:2]:
                w.machine.apply([DeleteService(mark)])
            w.prober.default = ("success", "ok")
            await asyncio.sleep(25)
            assert not w.real(WEB, A).healthy, "any real may have answered"
            await asyncio.sleep(10)
            assert set(held(w)) == set(MARKS[:2]), "the next comparison puts them back"
            assert w.real(WEB, A).healthy

    run(main())


def test_a_sysctl_that_is_wrong_from_the_start_is_said_once_and_checks_begin_when_it_is_set(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked()), machine=machine(SHUT)) as w:
            await asyncio.sleep(60)
            assert w.prober.asked == []
            (said,) = events_of(tmp_path, ChecksImpossible)
            assert (said.reals, said.problem, said.remedy) == ((A, B), SHUT.problem, SHUT.remedy)
            w.machine.passage = OPEN
            await asyncio.sleep(12)
            assert [event.reals for event in events_of(tmp_path, ChecksResumed)] == [(A, B)]
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_a_sysctl_that_somebody_breaks_takes_no_healthy_real_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked()), machine=machine()) as w:
            await asyncio.sleep(3.5)
            w.machine.passage = SHUT
            w.prober.default = ("failure", "timeout during connect")
            await asyncio.sleep(60)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert len(events_of(tmp_path, ChecksImpossible)) == 1
            w.machine.passage = OPEN
            await asyncio.sleep(12)
            assert not w.real(WEB, A).healthy, "now it is the real's own fault"
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_in_memory_no_mark_leads_anywhere_and_that_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked()), machine=MemoryDataPlane()) as w:
            await asyncio.sleep(5)
            (said,) = events_of(tmp_path, ChecksImpossible)
            assert "memory" in said.problem
            assert w.prober.asked == []

    run(main())


def test_without_a_mark_left_the_others_are_checked_and_one_that_frees_up_is_used(tmp_path: Path) -> None:
    async def main() -> None:
        both = (marked(DNS, 1, name="dns"), marked(reals=2))
        async with world(tmp_path, few_marks(1, *both), machine=machine()) as w:
            await asyncio.sleep(2.5)
            assert w.weights(WEB) == {A: 1000, B: 0}
            (said,) = events_of(tmp_path, ChecksImpossible)
            assert (said.service, said.reals) == (WEB, (B,))
            assert "10000 to 10000" in said.problem
            assert "fwmark_count" in said.remedy
            fewer = replace(both[1], reals=both[1].reals[1:])
            await w.reload(few_marks(1, fewer))
            await asyncio.sleep(12.5)
            assert w.weights(WEB) == {B: 1000}

    run(main())


def test_a_reload_turns_marked_checks_on_and_off_and_keeps_health(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine()) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(marked()))
            await asyncio.sleep(1.5)
            w.prober.asked.clear()
            await asyncio.sleep(1.5)
            assert {target for _, target in w.prober.asked} == {VIP_A}
            await w.reload(config(balancer(check=CHECK)))
            w.prober.asked.clear()
            await asyncio.sleep(1.5)
            assert {target for _, target in w.prober.asked} == {A, B}
        assert len(events_of(tmp_path, HealthChanged)) == 2

    run(main())


def test_marked_checks_that_cannot_be_made_are_not_made_straight_to_the_real_instead(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine(SHUT)) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(marked()))
            await asyncio.sleep(0.1)
            w.prober.asked.clear()
            await asyncio.sleep(30)
            assert w.prober.asked == []
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_thirty_reloads_leave_no_mark_no_service_and_no_crash(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked()), machine=machine()) as w:
            for number in range(30):
                configs = [config(marked(reals=2 + number % 5)), config(marked(DNS, 3, name="dns")), config()]
                await w.reload(configs[number % 3])
                await asyncio.sleep((0.0, 0.0004, 0.7)[number % 2 + number % 5 // 4])
            await asyncio.sleep(2)
            assert w.state.fleet.marks.held == {}
            assert w.machine.services() == []
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_a_name_that_moves_takes_its_mark_along(tmp_path: Path) -> None:
    async def main() -> None:
        named = replace(real(0), host="app:80")
        names = {"app": ["10.0.0.1"]}
        one = replace(marked(reals=1), reals=(named,), resolve_interval=5.0)
        async with world(tmp_path, config(one), machine=machine(), names=names) as w:
            await asyncio.sleep(2.5)
            names["app"] = ["10.0.0.2"]
            await asyncio.sleep(7.5)
            assert w.weights(WEB) == {B: 1000}
            assert [(one.real, one.mark) for one in events_of(tmp_path, MarkAssigned)] == [(A, 10000), (B, 10001)]
            assert list(held(w)) == [MARKS[1]]

    run(main())


def test_marks_in_our_range_are_ours_only_while_a_balancer_uses_them(tmp_path: Path) -> None:
    async def main() -> None:
        left_behind = {Service(id=MARKS[3], scheduler="rr"): [Destination(real=RealId("10.0.0.9:0"), weight=1)]}
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine(foreign=left_behind)) as w:
            await asyncio.sleep(0.1)
            assert list(held(w)) == [MARKS[3]]
            await w.reload(config(marked()))
            await asyncio.sleep(0.1)
            assert list(held(w)) == MARKS[:2]

    run(main())


def test_each_mark_is_there_because_of_its_real(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(marked()), machine=machine()):
            await asyncio.sleep(0.1)
        records = {record.seq: record for record in journal_of(tmp_path)}
        causes = [records[r.cause or 0].event for r in records.values() if isinstance(r.event, MarkAssigned)]
        assert [event.real for event in causes if isinstance(event, RealAdded)] == [A, B]

    run(main())


def test_an_outcome_that_waits_for_the_machine_is_not_lost_when_an_older_one_no_longer_does(tmp_path: Path) -> None:
    async def main() -> None:
        watched = marked(reals=1, check=replace(CHECK, watch=True))

        def with_slow_worker(w: World) -> None:
            w.parts.worker = SlowWorker(w.loop)

        async with world(tmp_path, config(watched), machine=machine(), prepare=with_slow_worker) as w:
            await asyncio.sleep(2.5)
            assert isinstance(w.parts.worker, SlowWorker)
            w.parts.worker.seconds = 20.0
            w.real_fails_now(VIP_A)
            await asyncio.sleep(0.01)
            w.vigil.lose(VIP_A)
            await asyncio.sleep(60)
            w.parts.worker.seconds = 0.0
        assert events_of(tmp_path, ActorCrashed) == []
        assert [changed.healthy for changed in events_of(tmp_path, HealthChanged)] == [True, False]

    run(main())


def test_a_reload_that_ends_marked_checks_while_their_paths_are_sought_ends_no_check(tmp_path: Path) -> None:
    async def main() -> None:
        def with_slow_worker(w: World) -> None:
            w.parts.worker = SlowWorker(w.loop)

        many = 200  # so many that the machine is asked about them several times
        async with world(tmp_path, config(marked(reals=many)), machine=machine(), prepare=with_slow_worker) as w:
            await asyncio.sleep(5)
            assert isinstance(w.parts.worker, SlowWorker)
            w.parts.worker.seconds = 1.0
            await asyncio.sleep(6.5)
            await w.reload(config(balancer(reals=many, check=CHECK)))
            await asyncio.sleep(20)
            w.prober.asked.clear()
            await asyncio.sleep(1.5)
            assert {target for _, target in w.prober.asked} == {real_id(number) for number in range(many)}

    run(main())
