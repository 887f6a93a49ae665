"""Section F: KgLb's data plane, where no other test has the case."""

import asyncio
from pathlib import Path

from kglb.model import AddAddress, Address, DeleteAddress
from tests.actors.virtual import run
from tests.actors.world import WatchedMachine, world
from tests.config.foreign.configs import BASE, accepted, changed, with_service
from tests.projections.builders import DNS, VIP, WEB, balancer, config


def test_f7_the_same_address_on_another_interface_is_another_address(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine(interfaces=("lo", "dummy0"))
        moved = Address(VIP.address, "dummy0")
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(1)
            machine.batches.clear()
            await w.reload(config(balancer(address=moved)))
            await asyncio.sleep(1)
            assert [op for batch in machine.batches for op in batch] == [AddAddress(moved), DeleteAddress(VIP)]

    run(main())


def test_f13_a_fwmark_service_is_of_ipv4_unless_said_and_has_no_address() -> None:
    service = with_service("fwmarkAttributes", {"fwmark": 10})
    (balancer,) = accepted(changed(service, "upstreamDiscovery.staticAttributes.hosts", ["10.0.0.1"])).config.balancers
    assert balancer.id == "fwmark://10"
    assert balancer.address is None


def test_f15_two_services_of_one_name_stand_side_by_side(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(WEB), balancer(DNS))) as w:
            await asyncio.sleep(1)
            assert {service.id for service in w.machine.services()} == {WEB, DNS}
            assert VIP in w.machine.addresses("lo")

    run(main())


def test_f20_the_flags_of_kglb_are_the_kernels_bits() -> None:
    (balancer,) = accepted(changed(BASE, "lbService.ipvsService.flags", ["SH_PORT", "SH_FALLBACK"])).config.balancers
    assert balancer.service.flags == ("flag-1", "flag-2")
