"""Reals that the config has by name: they move, cannot be asked for, and are two of one."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import NameResolved, RealRemoved, ResolutionFailed
from kglb.model import Config, Forward, Real
from tests.actors.virtual import run
from tests.actors.world import events_of, kinds, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


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
