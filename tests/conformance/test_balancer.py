"""Section C: KgLb's balancer, where no other test has the case."""

import asyncio
from pathlib import Path

from kglb.model import ServiceId, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import WatchedMachine, world
from tests.projections.builders import WEB, balancer, config, real_id

SLOW = TcpCheck(interval=60.0, timeout=1.0, rise=1, fall=1)
OTHER = ServiceId("tcp://192.168.100.11:80")


def test_c6_another_name_or_setup_is_another_label_of_the_same_service(tmp_path: Path) -> None:
    """KgLb refuses it, as it has no other way to change a name than a restart."""

    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=SLOW)), machine=machine) as w:
            await asyncio.sleep(70)
            machine.batches.clear()
            await w.reload(config(balancer(name="shop", setup="core", check=SLOW)))
            await asyncio.sleep(1)
            assert machine.batches == []
            assert w.weights(WEB) == {real_id(0): 1000, real_id(1): 1000}

    run(main())


def test_c6_another_vip_is_another_service(tmp_path: Path) -> None:
    """KgLb refuses it."""

    async def main() -> None:
        async with world(tmp_path, config(balancer(check=SLOW))) as w:
            await asyncio.sleep(70)
            await w.reload(config(balancer(OTHER, address=None, check=SLOW)))
            await asyncio.sleep(70)
            assert [service.id for service in w.machine.services()] == [OTHER]
            assert w.weights(OTHER) == {real_id(0): 1000, real_id(1): 1000}

    run(main())
