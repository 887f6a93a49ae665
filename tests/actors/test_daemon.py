"""The whole of supervisor, balancers, checkers and applier, from config to machine, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from errno import EIO
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from pykka import Actor

from kglb.actors.applier import Applier
from kglb.actors.balancer import BalancerActor
from kglb.actors.checker import Checker
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.events import (
    ActorCrashed,
    BalancerDecided,
    ConfigApplied,
    DriftFound,
    HealthChanged,
    NameResolved,
    OperationFailed,
    OperationsApplied,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    ResolutionFailed,
    RunsClosed,
)
from kglb.model import (
    AddAddress,
    Address,
    ChangeDestination,
    Config,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    Operation,
    Real,
    RealId,
    Service,
    ServiceId,
    TcpCheck,
)
from kglb.projections import State
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, actor_of, events_of, journal_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def tcp(*, interval: float = 1.0, rise: int = 1, fall: int = 1) -> TcpCheck:
    return TcpCheck(interval=interval, timeout=1.0, rise=rise, fall=fall)


def kinds(directory: Path) -> Counter[type]:
    return Counter(type(record.event) for record in journal_of(directory))


def test_c1_reals_are_present_with_weight_zero_and_get_their_weight_once_healthy(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(weight=222, check=tcp(rise=2)))) as w:
            await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 0, B: 0}
            assert w.state.fleet.balancers[WEB].mode == "initial"
            await asyncio.sleep(2.5)
            assert w.weights(WEB) == {A: 222, B: 222}
            assert w.state.fleet.balancers[WEB].mode == "available"

    run(main())


def test_b2_no_real_is_up_before_rise_minus_one_intervals(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(rise=4)))) as w:
            await asyncio.sleep(2.99)
            assert set(w.weights(WEB).values()) == {0}
            await asyncio.sleep(1.2)
            assert set(w.weights(WEB).values()) == {1000}

    run(main())


def test_thresholds_that_changed_while_the_daemon_was_away_decide_at_its_start(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=9))), machine=machine) as w:
            await asyncio.sleep(3)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(4)
            assert w.real(WEB, A).healthy
            await w.stop("leave")
        async with world(tmp_path, config(balancer(check=tcp(fall=3))), machine=machine) as w:
            w.prober.answers[A] = REFUSED
            assert not w.real(WEB, A).healthy
            await asyncio.sleep(0.01)
            assert w.weights(WEB)[A] == 0
        *_, applied = (record.seq for record in journal_of(tmp_path) if isinstance(record.event, ConfigApplied))
        *_, changed = (record for record in journal_of(tmp_path) if isinstance(record.event, HealthChanged))
        assert changed.cause == applied

    run(main())


def test_c8_c9_weights_follow_health_and_all_down_is_failsafe(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 1000}
            w.prober.answers[B] = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 1000, B: 1000}, "fail_open: as KgLb's failsafe"
            assert w.state.fleet.balancers[WEB].mode == "failsafe"
            del w.prober.answers[B]
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_fail_closed_sends_traffic_nowhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(), when_all_down="fail_closed"))) as w:
            await asyncio.sleep(1.5)
            w.prober.default = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 0}
            assert w.state.fleet.balancers[WEB].mode == "unavailable"

    run(main())


def test_a_real_that_is_late_delays_no_news_about_the_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            times = {real: due for due, real in w.prober.asked}
            assert times[A] % 1.0 != times[B] % 1.0, "each on its own timer"

    run(main())


def test_first_probes_come_at_once_and_later_ones_spread_evenly_over_the_interval(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=100, check=tcp(interval=10.0)))) as w:
            await asyncio.sleep(0.1)
            assert len({real for _, real in w.prober.asked}) == 100
            await asyncio.sleep(120)
            settled = w.loop.time()
            await asyncio.sleep(9.999)
            times = sorted(due for due, _ in w.prober.asked if due >= settled)
            assert len(times) == 100
            gaps = [after - before for before, after in pairwise(times)]
            assert max(gaps) < 0.3, "evenly: 0.1 s apart on average"
            a = [due for due, real in w.prober.asked if real == A]
            assert max(after - before for before, after in pairwise(a)) < 11.001
            assert min(after - before for before, after in pairwise(a)) > 9.999

    run(main())


def test_steady_probes_leave_no_record_and_a_flip_leaves_the_length_of_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=3)))) as w:
            await asyncio.sleep(100)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(10)
        flips = [flip for flip in events_of(tmp_path, ProbeFlipped) if flip.real == A]
        assert [(f.outcome, f.previous_count) for f in flips] == [("success", 0), ("failure", 100)]
        changed = [change for change in events_of(tmp_path, HealthChanged) if change.real == A]
        assert [(change.healthy, change.streak) for change in changed] == [(True, 1), (False, -3)]

    run(main())


def test_an_unknown_outcome_counts_neither_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=2)))) as w:
            await asyncio.sleep(1.5)
            w.prober.default = ("unknown", "out of descriptors")
            await asyncio.sleep(30)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert kinds(tmp_path)[ProbeFlipped] == 2, "only the first successes"
            w.prober.default = REFUSED
            await asyncio.sleep(0.99)
            assert w.weights(WEB) == {A: 1000, B: 1000}, "one failure is not two"

    run(main())


def test_everything_has_a_cause_that_leads_to_its_root(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.1)
        records = {record.seq: record for record in journal_of(tmp_path)}
        applied = next(
            r
            for r in records.values()
            if isinstance(r.event, OperationsApplied)
            and ChangeDestination(WEB, Destination(real=A, weight=0)) in r.event.operations
        )
        assert isinstance(applied.event, OperationsApplied)
        health = records[applied.event.causes[0]]
        assert isinstance(health.event, HealthChanged)
        assert not health.event.healthy
        flip = records[health.cause or 0]
        assert isinstance(flip.event, ProbeFlipped)
        assert (flip.event.reason, flip.cause) == ("refused", None)

    run(main())


def test_a_first_weight_is_caused_by_that_reals_own_coming_and_a_new_one_by_the_config(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(check=tcp())), machine=machine) as w:
            await asyncio.sleep(1.5)
            await w.stop("leave")
        added = {r.event.real: r.seq for r in journal_of(tmp_path) if isinstance(r.event, RealAdded)}
        assert events_of(tmp_path, BalancerDecided)[0].causes == added
        async with world(tmp_path, config(balancer(check=tcp(), weight=7)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 7, B: 7}
            await w.stop("leave")
        applied = [r.seq for r in journal_of(tmp_path) if isinstance(r.event, ConfigApplied)]
        assert set(events_of(tmp_path, BalancerDecided)[-1].causes.values()) == {applied[-1]}

    run(main())


def test_one_weight_among_ten_thousand_costs_one_operation_and_one_record_of_each_kind(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(reals=10_000, check=tcp())), machine=machine) as w:
            await asyncio.sleep(1.5)
            sent = sum(map(len, machine.batches))
            assert sent == 1 + 10_000 + 1 + 10_000, "the service, reals at 0, the address, reals at 1000"
            machine.batches.clear()
            before = w.recorder.last_seq
            w.prober.answers[real_id(1234)] = REFUSED
            await asyncio.sleep(1.1)
            assert machine.batches == [(ChangeDestination(WEB, Destination(real=real_id(1234), weight=0)),)]
            assert w.recorder.last_seq - before == 4
        new = [type(r.event) for r in journal_of(tmp_path) if before < r.seq <= before + 4]
        assert new == [ProbeFlipped, HealthChanged, BalancerDecided, OperationsApplied]

    run(main())


def test_ten_thousand_reals_that_fail_together_make_few_decisions(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=10_000, check=tcp()))) as w:
            await asyncio.sleep(1.5)
            before = w.recorder.last_seq
            for number in range(9_999):
                w.real_fails_now(real_id(number))
            await asyncio.sleep(0.01)
            assert w.state.fleet.balancers[WEB].alive == 1
            decisions = events_of(tmp_path, BalancerDecided, before + 1)
            assert len(decisions) <= 5
            assert sum(len(decision.weights) for decision in decisions) == 9_999

    run(main())


# --- the end, and the beginning after it -----------------------------------------------------------------------


def foreign() -> dict[Service, list[Destination]]:
    return {
        Service(id=ServiceId("tcp://203.0.113.9:25"), scheduler="lc"): [
            Destination(real=RealId("10.9.9.9:25"), weight=7)
        ]
    }


def test_f14_cleanup_leaves_nothing_behind_and_nothing_foreign_touched(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(foreign=foreign())
        before = (machine.services(), machine.addresses("lo"))
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(2)
            assert len(machine.services()) == 3
            assert await w.stop()
        assert (machine.services(), machine.addresses("lo")) == before

    run(main())


def test_leave_changes_nothing_and_the_next_start_sends_no_message(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            assert await w.stop("leave")
        assert len(machine.services()) == 1
        assert kinds(tmp_path)[RunsClosed] == 1
        machine.batches.clear()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert w.real(WEB, A).healthy
            await w.stop("leave")
        assert machine.batches == []

    run(main())


def test_after_kill_and_restart_no_healthy_real_loses_its_weight_and_a_dead_one_does(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        machine.batches.clear()
        async with world(
            tmp_path,
            config(balancer(check=tcp(rise=3))),
            machine=machine,
            prepare=lambda w: w.prober.answers.update({A: REFUSED}),
        ) as w:
            await asyncio.sleep(1.5)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert machine.batches == [(ChangeDestination(WEB, Destination(real=A, weight=0)),)]
            await w.stop("leave")

    run(main())


def test_a_lost_journal_does_not_take_traffic_from_what_the_kernel_serves(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path / "first", config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        async with world(tmp_path / "second", config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert {added.basis for added in events_of(tmp_path / "second", RealAdded)} == {"adopted"}
            await w.stop("leave")

    run(main())


def test_what_was_done_but_not_yet_recorded_when_the_daemon_was_killed_is_ours(tmp_path: Path) -> None:
    class Last(MemoryDataPlane):
        """Does the first batch; then the daemon that asked for it is no more."""

        answers = False

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            results = super().apply(operations)
            if not self.answers:
                raise OSError(0, "killed before the answer came")
            return results

    async def main() -> None:
        machine = Last()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(0.01)
            await w.kill()
        machine.answers = True
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert [service.id for service in machine.services()] == [WEB]
            assert await w.stop()
        assert machine.services() == []
        assert Address("192.168.100.10/32", "lo") not in machine.addresses("lo")

    run(main())


def test_an_address_whose_answer_was_lost_is_ours_when_it_turns_out_to_be_there(tmp_path: Path) -> None:
    class Losing(MemoryDataPlane):
        """Adds an address, once, and does not say so."""

        lost = False

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            results = super().apply(operations)
            if not self.lost and any(isinstance(operation, AddAddress) for operation in operations):
                self.lost = True
                raise OSError(EIO, "the answer was lost")
            return results

    async def main() -> None:
        machine = Losing()
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert await w.stop()
        assert Address("192.168.100.10/32", "lo") not in machine.addresses("lo")

    run(main())


def test_a_kernel_that_cannot_be_read_back_is_asked_again_and_crashes_nothing(tmp_path: Path) -> None:
    class Mute(WatchedMachine):
        mute = False

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            if self.mute:
                raise OSError(EIO, "no answer")
            return super().apply(operations)

        def service(self, service_id: ServiceId) -> Service | None:
            if self.mute:
                raise OSError(EIO, "no answer")
            return super().service(service_id)

    async def main() -> None:
        machine = Mute()
        async with world(tmp_path, config(balancer(check=tcp())), machine=machine) as w:
            await asyncio.sleep(3)
            machine.mute = True
            w.real_fails_now(A)
            await asyncio.sleep(3)
            machine.mute = False
            await asyncio.sleep(10)
            assert w.weights(WEB)[A] == 0
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_a_real_dropped_from_the_config_while_the_daemon_was_down_goes(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        async with world(tmp_path, config(balancer(reals=1)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 1000}
            assert [service.id for service in machine.services()] == [WEB]

    run(main())


def test_an_address_that_was_there_before_us_stays(tmp_path: Path) -> None:
    async def main() -> None:
        vip = Address("192.168.100.10/32", "lo")
        machine = MemoryDataPlane(addresses=[vip])
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(1)
            assert await w.stop()
        assert machine.addresses("lo") == {vip}

    run(main())


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Checker, BalancerActor, Applier])
def test_an_actor_that_crashes_is_recorded_restarted_and_changes_no_weight(tmp_path: Path, kind: type[Actor]) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=1, check=tcp()))) as w:
            await asyncio.sleep(1.5)
            first = actor_of(kind)
            for _ in range(3):
                actor_of(kind).tell("nonsense")
                await asyncio.sleep(2)
            assert actor_of(kind).actor_urn != first.actor_urn
            assert w.weights(WEB) == {A: 1000}
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.5)
            assert w.state.fleet.balancers[WEB].mode == "failsafe", "it works again"
        crashes = events_of(tmp_path, ActorCrashed)
        assert [crash.retry_in for crash in crashes] == [0.1, 0.2, 0.4]
        assert "nonsense" in crashes[0].error
        assert "on_receive" in crashes[0].traceback

    run(main())


def test_drift_is_found_recorded_and_repaired(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(2)
            machine.apply([DeleteService(DNS), DeleteDestination(WEB, A)])
            machine.apply([ChangeDestination(WEB, Destination(real=B, weight=3))])
            await asyncio.sleep(31)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert w.weights(DNS) == {A: 1000, B: 1000}
        found = [change for drift in events_of(tmp_path, DriftFound) for change in drift.changes]
        assert ChangeDestination(WEB, Destination(real=B, weight=3)) in found
        assert DeleteDestination(WEB, A) in found
        assert DeleteService(DNS) in found

    run(main())


def test_what_somebody_else_has_deleted_before_a_stop_is_no_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(5)
            machine.apply([DeleteService(WEB), *(DeleteAddress(one) for one in machine.addresses("lo"))])
            assert await w.stop()
            assert machine.services() == []
        assert OperationFailed not in kinds(tmp_path)
        found = [change for drift in events_of(tmp_path, DriftFound) for change in drift.changes]
        assert DeleteService(WEB) in found

    run(main())


def test_what_the_machine_refuses_is_recorded_stops_nothing_else_and_is_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(schedulers=["wrr"])
        bad = balancer(DNS, name="dns", scheduler="mh")
        async with world(tmp_path, config(bad, balancer()), machine=machine) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            failures = kinds(tmp_path)[OperationFailed]
            assert failures > 3
        assert kinds(tmp_path)[OperationFailed] < 60, "backoff"

    run(main())


def test_a_service_that_somebody_else_made_at_our_key_is_adopted_and_put_right(tmp_path: Path) -> None:
    async def main() -> None:
        stranger = {Service(id=WEB, scheduler="lc"): [Destination(real=RealId("10.9.9.9:80"), weight=7)]}
        machine = MemoryDataPlane(foreign=stranger)
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert machine.services() == [Service(id=WEB, scheduler="wrr")]

    run(main())


# --- names -------------------------------------------------------------------------------------------------------


def test_names_that_no_config_has_are_forgotten(tmp_path: Path) -> None:
    hosts = [f"web{number}" for number in range(100)]

    async def main() -> None:
        names = {host: ["10.0.0.1"] for host in hosts}
        async with world(tmp_path, named("web0:80"), names=names) as w:
            for host in hosts:
                await w.reload(named(f"{host}:80"))
                await asyncio.sleep(0.1)
                assert len(w.state.fleet.names) <= 2
            await w.stop("leave")
        async with world(tmp_path, named("web7:80", "web99:80"), names={}) as w:
            assert w.state.fleet.names == {f"{WEB} web99:80": "10.0.0.1"}

    run(main())


def named(*hosts: str) -> Config:
    reals = tuple(Real(host=host, weight=1000, forward=Forward()) for host in hosts)
    return config(replace(balancer(), reals=reals))


def test_c5_a_name_that_does_not_resolve_holds_up_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        names = {"good": ["10.0.0.1"]}
        async with world(tmp_path, named("bad:80", "good:80"), names=names) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000}
            names["bad"] = ["10.0.0.2"]
            await asyncio.sleep(30)
            assert w.weights(WEB) == {A: 1000, B: 1000}
        assert kinds(tmp_path)[ResolutionFailed] == 1

    run(main())


def test_a_name_that_stops_resolving_keeps_its_last_good_address_over_a_restart_too(tmp_path: Path) -> None:
    async def main() -> None:
        names = {"web1": ["10.0.0.1"]}
        machine = MemoryDataPlane()
        async with world(tmp_path, named("web1:80"), names=names, machine=machine) as w:
            await asyncio.sleep(5)
            names.clear()
            await asyncio.sleep(300)
            assert w.weights(WEB) == {A: 1000}
            await w.kill()
        async with world(tmp_path, named("web1:80"), machine=machine) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000}

    run(main())


def test_a_name_that_moves_takes_its_real_along(tmp_path: Path) -> None:
    async def main() -> None:
        names = {"web1": ["10.0.0.1"]}
        async with world(tmp_path, named("web1:80"), names=names) as w:
            await asyncio.sleep(5)
            names["web1"] = ["10.0.0.2"]
            await asyncio.sleep(35)
            assert w.weights(WEB) == {B: 1000}
        assert [resolved.address for resolved in events_of(tmp_path, NameResolved)] == ["10.0.0.1", "10.0.0.2"]

    run(main())


def test_of_two_names_of_one_real_the_first_in_the_config_counts_whichever_moves(tmp_path: Path) -> None:
    async def main() -> None:
        names = {"first": ["10.0.0.2"], "second": ["10.0.0.1"]}
        reals = tuple(
            Real(host=f"{name}:80", weight=weight, forward=Forward())
            for name, weight in (("first", 700), ("second", 300))
        )
        async with world(tmp_path, config(replace(balancer(), reals=reals)), names=names) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 300, B: 700}
            names["first"] = ["10.0.0.1"]
            await asyncio.sleep(35)
            assert w.weights(WEB) == {A: 700}
            names["first"] = ["10.0.0.2"]
            await asyncio.sleep(32)
            assert w.weights(WEB)[A] == 300, "the second still stands for it: it has not left"
            names["second"] = ["10.0.0.2"]
            await asyncio.sleep(35)
            assert w.weights(WEB) == {B: 700}
        assert kinds(tmp_path)[RealRemoved] == 2

    run(main())


# --- the journal is the truth ------------------------------------------------------------------------------------


def test_the_journal_folds_to_the_state_the_daemon_ended_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=20, check=tcp(fall=2)))) as w:
            for number in range(60):
                w.prober.answers[real_id(number * 7 % 20)] = REFUSED
                w.prober.answers.pop(real_id(number * 11 % 20), None)
                await asyncio.sleep(0.7)
            await w.stop("leave")
            replayed = State()
            for record in journal_of(tmp_path):
                replayed.fold(record.seq, record.event)
            assert replayed.fleet == w.state.fleet
            assert replayed.data_plane.desired == w.state.data_plane.desired
            assert replayed.data_plane.actual == w.state.data_plane.actual

    run(main())
