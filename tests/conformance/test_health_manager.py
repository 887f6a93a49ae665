"""Section B: KgLb's health manager, where no other test has the case."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from kglb.model import DummyCheck, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import WatchedMachine, world
from tests.config.foreign.configs import BASE, GONE, Json, accepted, changed, refused
from tests.projections.builders import WEB, balancer, config, real, real_id

A, B, C = (real_id(number) for number in range(3))
SLOW = TcpCheck(interval=60.0, timeout=1.0, rise=2, fall=2)


def test_b3_a_changed_list_takes_effect_at_once_and_keeps_what_is_known(tmp_path: Path) -> None:
    async def main() -> None:
        before = balancer(check=SLOW)
        async with world(tmp_path, config(before)) as w:
            await asyncio.sleep(150)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            await w.reload(config(replace(before, reals=(real(1), real(2)))))
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {B: 1000, C: 0}, "long before the next check"

    run(main())


def test_b8_kglbs_defaults_hold_for_kglbs_configs() -> None:
    checker: Json = {"checker": {"dummy": {}}}
    (balancer,) = accepted(changed(BASE, "upstreamChecker", checker)).config.balancers
    assert balancer.check == DummyCheck(rise=3, fall=2, interval=5.0, timeout=5.0)
    assert balancer.concurrency == 100


def test_b8_one_count_without_the_other_is_refused() -> None:
    for count in ("riseCount", "fallCount"):
        assert refused(changed(BASE, f"upstreamChecker.{count}", GONE)) == {
            "balancers[0].upstreamChecker": "riseCount and fallCount are given together or not at all"
        }
        assert refused(changed(BASE, f"upstreamChecker.{count}", 0))


def test_b18_reals_in_another_order_are_the_same_reals(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        before = balancer(reals=3, check=SLOW)
        async with world(tmp_path, config(before), machine=machine) as w:
            await asyncio.sleep(150)
            machine.batches.clear()
            await w.reload(config(replace(before, reals=before.reals[::-1])))
            await asyncio.sleep(1)
            assert machine.batches == []

    run(main())


def test_b20_the_hosts_of_a_static_discovery_are_reals_on_its_port() -> None:
    for hosts in (["test-host-1"], ["test-host-2", "10.0.0.1", "fd00::1"]):
        (balancer,) = accepted(changed(BASE, "upstreamDiscovery.staticAttributes.hosts", hosts)).config.balancers
        assert [each.host for each in balancer.reals] == [f"[{h}]:80" if ":" in h else f"{h}:80" for h in hosts]


def test_b20_another_discovery_is_refused() -> None:
    assert refused(changed(BASE, "upstreamDiscovery", {"mdbAttributes": {"query": "q"}}))
