"""Operators' orders, reals that leave slowly, reals that leave the kernel, weights from checks: in virtual time."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.actors.drains import Drains
from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import (
    ActorCrashed,
    BalancerDecided,
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRemoved,
    RealRestored,
    RoutesDecided,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Balancer, DeleteDestination, ExecCheck, Forward, Real, TcpCheck
from tests.actors import routes
from tests.actors.virtual import run
from tests.actors.world import WatchedMachine, World, actor_of, events_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
pool = partial(balancer, check=CHECK)


def drained(w: World, *, seconds: float | None = None, **more: Any) -> RealDrained:
    until = None if seconds is None else w.parts.wall() + seconds
    return RealDrained(service=WEB, real=A, who="kim", until=until, **more)


# --- drains -----------------------------------------------------------------------------------------------------


def test_a_drained_real_gets_weight_zero_and_is_still_checked(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool())) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w))
            asked = len(w.prober.asked)
            await asyncio.sleep(2.5)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert sum(name == A for _, name in w.prober.asked[asked:]) >= 2
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            assert not w.real(WEB, A).healthy
            known = w.state.fleet.balancers[WEB]
            assert (known.alive, known.total, known.mode) == (1, 1, "available")

    run(main())


def test_with_the_rest_down_failsafe_raises_the_rest_and_not_the_drained(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool(reals=3))) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w))
            for name in (B, real_id(2)):
                w.real_fails_now(name)
            await asyncio.sleep(1)
            assert w.state.fleet.balancers[WEB].mode == "failsafe"
            assert w.weights(WEB) == {A: 0, B: 1000, real_id(2): 1000}

    run(main())


def test_draining_one_of_two_withdraws_no_route(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, routes.config(routes.web(min_alive=0.9))) as w:
            await asyncio.sleep(1.5)
            assert routes.announced(w)
            w.recorder.record(drained(w))
            await asyncio.sleep(5)
            assert w.weights(WEB)[A] == 0
            assert routes.announced(w)
        assert not any(event.withdraw for event in events_of(tmp_path, RoutesDecided)[:-1])

    run(main())


def test_a_drain_says_when_the_last_connection_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        machine.connections[WEB, A] = (2, 5)
        async with world(tmp_path, config(pool()), machine=machine) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w))
            await asyncio.sleep(5)
            assert not events_of(tmp_path, DrainFinished)
            machine.connections[WEB, A] = (0, 5)
            await asyncio.sleep(1.1)
            assert events_of(tmp_path, DrainFinished) == [DrainFinished(service=WEB, real=A)]
            await asyncio.sleep(60)
            assert len(events_of(tmp_path, DrainFinished)) == 1, "it is said once"

    run(main())


def test_the_flows_of_udp_count_though_none_is_ever_established(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        machine.connections[DNS, A] = (0, 1)
        quiescing = pool(DNS, when_down="quiesce")
        async with world(tmp_path, config(quiescing), machine=machine) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(replace(drained(w), service=DNS))
            await asyncio.sleep(5)
            assert not events_of(tmp_path, DrainFinished)
            del machine.connections[DNS, A]
            await asyncio.sleep(1.1)
            assert events_of(tmp_path, DrainFinished)

    run(main())


def test_nobody_asks_for_connections_while_nothing_drains(tmp_path: Path) -> None:
    class Asked(MemoryDataPlane):
        times = 0

        def counters(self, service_id: Any) -> Any:
            self.times += 1
            return super().counters(service_id)

    async def main() -> None:
        machine = Asked()
        async with world(tmp_path, config(pool()), machine=machine) as w:
            await asyncio.sleep(60)
            assert machine.times == 0
            w.recorder.record(drained(w))
            await asyncio.sleep(60)
            assert 1 <= machine.times <= 3, "the last connection was gone at once"

    run(main())


def test_a_drain_ends_at_its_deadline(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool())) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w, seconds=30))
            await asyncio.sleep(29.9)
            assert w.weights(WEB)[A] == 0
            await asyncio.sleep(0.2)
            assert w.weights(WEB)[A] == 1000
        assert [(event.reason, event.ended) for event in events_of(tmp_path, RealRestored)] == [
            ("deadline", ("drain",))
        ]

    run(main())


@pytest.mark.parametrize("crashed", [True, False], ids=["kill -9", "clean stop"])
def test_a_drain_survives_the_daemon_and_ends_at_its_deadline_afterwards(tmp_path: Path, crashed: bool) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(pool()), machine=machine) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w, seconds=30))
            await asyncio.sleep(1)
            until = w.parts.wall() + 29
            await (w.kill() if crashed else w.stop())
        machine.batches.clear()

        def same_wall(later: World) -> None:
            began = later.loop.time()
            later.parts.wall = lambda: until - 20 + later.loop.time() - began

        async with world(tmp_path, config(pool()), machine=machine, prepare=same_wall) as w:
            await asyncio.sleep(1.5)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert not crashed or machine.batches == [], "the kernel had it all"
            await asyncio.sleep(19)
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_a_deadline_that_passed_while_there_was_no_daemon_ends_the_drain_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(pool()), machine=machine) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w, seconds=30))
            await asyncio.sleep(1)
            later = w.parts.wall() + 60
            await w.kill()
        async with world(
            tmp_path, config(pool()), machine=machine, prepare=lambda w: setattr(w.parts, "wall", lambda: later)
        ) as w:
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_a_wall_clock_that_is_set_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool())) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w, seconds=3600))
            await asyncio.sleep(1)
            was = w.parts.wall
            w.parts.wall = lambda: was() + 3600
            await asyncio.sleep(61)
            assert w.weights(WEB)[A] == 1000

    run(main())


def test_a_crash_of_the_drains_delays_a_deadline_and_forgets_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool())) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(drained(w, seconds=30))
            actor_of(Drains).tell("nonsense")
            await asyncio.sleep(31)
            assert events_of(tmp_path, ActorCrashed)
            assert w.weights(WEB)[A] == 1000

    run(main())


def test_an_operators_weight_holds_until_its_deadline(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool())) as w:
            await asyncio.sleep(1.5)
            until = w.parts.wall() + 10
            w.recorder.record(WeightOverridden(service=WEB, real=A, weight=7, who="kim", until=until))
            await asyncio.sleep(1)
            assert w.weights(WEB)[A] == 7
            w.real_fails_now(A)
            await asyncio.sleep(1)
            assert w.weights(WEB)[A] == 0, "down is down"
            w.prober.answers.clear()
            await asyncio.sleep(2)
            assert w.weights(WEB)[A] == 7
            await asyncio.sleep(7)
            assert w.weights(WEB)[A] == 1000

    run(main())


def test_a_real_that_is_forced_up_serves_whatever_its_checks_say_until_the_order_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool(fail_open_below=0.8))) as w:
            await asyncio.sleep(1.5)
            w.real_fails_now(A)
            await asyncio.sleep(1)
            assert w.state.fleet.balancers[WEB].mode == "failsafe", "half are down"
            until = w.parts.wall() + 10
            w.recorder.record(WeightOverridden(service=WEB, real=A, weight=7, who="kim", until=until, force_up=True))
            await asyncio.sleep(2)
            known = w.state.fleet.balancers[WEB]
            assert (known.mode, known.alive, known.total) == ("available", 2, 2), "it counts as up"
            assert not w.real(WEB, A).healthy, "it is still checked, and its checks are believed of it"
            assert w.weights(WEB) == {A: 7, B: 1000}
            decided = len(events_of(tmp_path, BalancerDecided))
            w.prober.answers.clear()
            await asyncio.sleep(2)
            w.real_fails_now(A)
            await asyncio.sleep(1)
            assert len(events_of(tmp_path, BalancerDecided)) == decided, "what checks say changes nothing meanwhile"
            await asyncio.sleep(8)
            assert (w.state.fleet.balancers[WEB].mode, w.weights(WEB)) == ("failsafe", {A: 1000, B: 1000})

    run(main())


def test_a_real_that_is_forced_up_is_not_removed_with_those_that_are_down(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool(when_down="remove"))) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(WeightOverridden(service=WEB, real=A, weight=0, who="kim", force_up=True))
            w.real_fails_now(A)
            await asyncio.sleep(1)
            assert w.weights(WEB) == {A: 0, B: 1000}
            w.recorder.record(WeightOverridden(service=WEB, real=A, weight=7, who="kim"))
            await asyncio.sleep(1)
            assert w.weights(WEB) == {B: 1000}, "an order without it ends it"

    run(main())


def test_a_drain_follows_a_name_to_its_new_address(tmp_path: Path) -> None:
    async def main() -> None:
        named = replace(pool(), reals=(Real(host="app:80", weight=1000, forward=Forward()),))
        names = {"app": ["10.0.0.8"]}
        async with world(tmp_path, config(named), names=names) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(replace(drained(w), real="10.0.0.8:80"))
            names["app"] = ["10.0.0.9"]
            await asyncio.sleep(35)
            assert w.weights(WEB) == {"10.0.0.9:80": 0}

    run(main())


# --- leaving ----------------------------------------------------------------------------------------------------


def patient(reals: int = 2) -> Balancer:
    return pool(reals=reals, drain_on_remove=30.0)


def busy() -> MemoryDataPlane:
    machine = MemoryDataPlane()
    machine.connections[WEB, B] = (1, 0)
    return machine


def test_a_real_that_leaves_the_config_goes_with_its_last_connection(tmp_path: Path) -> None:
    async def main() -> None:
        machine = busy()
        async with world(tmp_path, config(patient()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(patient(1)))
            await asyncio.sleep(10)
            assert w.weights(WEB) == {A: 1000, B: 0}
            assert w.state.fleet.balancers[WEB].total == 1
            machine.connections.clear()
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 1000}
        assert len(events_of(tmp_path, RealLeaving)) == len(events_of(tmp_path, RealRemoved)) == 1
        assert events_of(tmp_path, DrainFinished) == [DrainFinished(service=WEB, real=B)]

    run(main())


def test_or_at_its_deadline_with_what_is_left(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(patient()), machine=busy()) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(patient(1)))
            await asyncio.sleep(30.1)
            assert w.weights(WEB) == {A: 1000}
        assert events_of(tmp_path, DrainFinished) == [DrainFinished(service=WEB, real=B, connections=1)]

    run(main())


def test_coming_back_into_the_config_cancels_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(patient()), machine=busy()) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(patient(1)))
            await asyncio.sleep(1)
            await w.reload(config(patient()))
            await asyncio.sleep(60)
            assert w.weights(WEB) == {A: 1000, B: 1000}
        assert len(events_of(tmp_path, RealKept)) == 1
        assert not events_of(tmp_path, RealRemoved)

    run(main())


def test_a_leaving_real_survives_the_daemon(tmp_path: Path) -> None:
    async def main() -> None:
        machine = busy()
        async with world(tmp_path, config(patient()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(patient(1)))
            await asyncio.sleep(1)
            await w.kill()
        async with world(tmp_path, config(patient(1)), machine=machine) as w:
            await asyncio.sleep(2)
            assert w.weights(WEB) == {A: 1000, B: 0}
            machine.connections.clear()
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 1000}

    run(main())


def test_without_patience_it_goes_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool()), machine=busy()) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(pool(reals=1)))
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 1000}
        assert not events_of(tmp_path, RealLeaving)

    run(main())


def test_the_old_address_of_a_name_leaves_as_slowly(tmp_path: Path) -> None:
    async def main() -> None:
        named = replace(patient(), reals=(Real(host="app:80", weight=1000, forward=Forward()),))
        names = {"app": ["10.0.0.2"]}
        async with world(tmp_path, config(named), names=names, machine=busy()) as w:
            await asyncio.sleep(1.5)
            names["app"] = ["10.0.0.9"]
            await asyncio.sleep(33)
            assert w.weights(WEB) == {"10.0.0.9:80": 1000, B: 0}
            names["app"] = ["10.0.0.2"]
            await asyncio.sleep(33)
            assert w.weights(WEB) == {B: 1000}

    run(main())


# --- down -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [WEB, DNS], ids=["tcp", "udp"])
def test_where_reals_that_are_down_are_removed_the_kernel_does_not_have_them(tmp_path: Path, service: Any) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool(service, when_down="remove"))) as w:
            assert w.weights(service) == {}, "none has been up yet"
            await asyncio.sleep(1.5)
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            assert w.weights(service) == {B: 1000}
            w.prober.answers.clear()
            await asyncio.sleep(2)
            assert w.weights(service) == {A: 1000, B: 1000}
            w.prober.default = ("failure", "refused")
            await asyncio.sleep(2)
            assert w.state.fleet.balancers[service].mode == "failsafe"
            assert w.weights(service) == {A: 1000, B: 1000}

    run(main())


@pytest.mark.parametrize(("service", "left"), [(WEB, {A: 0, B: 1000}), (DNS, {B: 1000})], ids=["tcp", "udp"])
def test_a_drained_real_is_quiesced_but_of_udp_it_is_removed(tmp_path: Path, service: Any, left: Any) -> None:
    async def main() -> None:
        async with world(tmp_path, config(pool(service, when_down="remove"))) as w:
            await asyncio.sleep(1.5)
            w.recorder.record(replace(drained(w), service=service))
            await asyncio.sleep(0.1)
            assert w.weights(service) == left
            w.recorder.record(RealRestored(service=service, real=A))
            await asyncio.sleep(0.1)
            assert w.weights(service) == {A: 1000, B: 1000}

    run(main())


def test_a_weight_of_zero_removes_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(pool(when_down="remove")), machine=machine) as w:
            await asyncio.sleep(1.5)
            machine.batches.clear()
            w.recorder.record(WeightOverridden(service=WEB, real=A, weight=0, who="kim"))
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 0, B: 1000}
            w.recorder.record(RealRestored(service=WEB, real=A))
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert not any(isinstance(op, DeleteDestination) for batch in machine.batches for op in batch)

    run(main())


# --- weights from checks ----------------------------------------------------------------------------------------


def test_a_check_that_says_a_weight_is_obeyed_when_it_changes(tmp_path: Path) -> None:
    async def main() -> None:
        check = ExecCheck(command=("/bin/true",), interval=1.0, timeout=1.0, rise=1, fall=1, dynamic_weight=True)
        async with world(tmp_path, config(balancer(reals=1, check=check))) as w:
            await asyncio.sleep(1.5)
            assert w.weights(WEB) == {A: 1000}
            for weight in (50, 50, None, 50, 0):
                w.prober.says(weight)
                await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 0}
        assert [event.weight for event in events_of(tmp_path, WeightReported)] == [50, 0]
        assert events_of(tmp_path, BalancerDecided)[-1].alive == 1, "up, and with weight 0"

    run(main())
