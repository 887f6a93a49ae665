"""A rehearsal comes to what the daemon then does."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.actors import balancer as balancer_module
from kglb.actors.rehearsal import Rehearsal
from kglb.actors.understudies import machine_as_known
from kglb.dataplane.worker import InlineWorker
from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    Config,
    Destination,
    Forward,
    Operation,
    Pool,
    RealId,
    Service,
    ServiceId,
    TcpCheck,
)
from kglb.projections import State
from tests.actors.virtual import run
from tests.actors.world import WatchedMachine, journal_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

MARK = ServiceId("fwmark://7")
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=3)


def folded(directory: Path) -> State:
    state = State.from_checkpoint(0, b"{}")
    for record in journal_of(directory):
        state.fold(record.seq, record.event)
    return state


async def no_names(name: str, ipv6: bool) -> tuple[str, ...]:
    raise AssertionError(f"{name} was asked for")


async def reload(state: State, after: Config) -> list[Operation]:
    machine = machine_as_known(state.data_plane.actual)
    return await Rehearsal(state, machine, InlineWorker(), no_names).reload(after)


def test_what_is_rehearsed_is_what_the_reload_then_does(tmp_path: Path) -> None:
    before = config(balancer(reals=3, check=CHECK), balancer(DNS, 2, name="dns", address=None))
    after = config(
        balancer(reals=2, check=CHECK, scheduler="rr", weight=7), balancer(MARK, 2, name="mark", address=None)
    )

    async def main() -> tuple[list[Operation], list[Operation]]:
        machine = WatchedMachine()
        async with world(tmp_path, before, machine=machine) as w:
            await asyncio.sleep(1.5)
            w.real_fails_now(real_id(0))
            await asyncio.sleep(5)
            state = State.from_checkpoint(w.state.seq, b"".join(w.state.checkpoint()))
            machine.batches.clear()
            w.parts.first_turns.take(w.loop.time() + 1.0)  # nobody is asked at once
            await w.reload(after)
            await asyncio.sleep(0.01)
            done = [operation for batch in machine.batches for operation in batch]
        return await reload(state, after), done

    rehearsed, done = run(main())
    assert rehearsed == done
    assert len(done) > 5


def test_a_threshold_that_decides_at_once_is_foreseen(tmp_path: Path) -> None:
    async def main() -> list[Operation]:
        async with world(tmp_path, config(balancer(reals=2, check=CHECK))) as w:
            await asyncio.sleep(1.5)
            for _ in range(2):
                w.real_fails_now(real_id(0))
                await asyncio.sleep(0.01)
            w.recorder.close_runs()
            await w.kill()
        stricter = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=2)
        return await reload(folded(tmp_path), config(balancer(reals=2, check=stricter)))

    change = ChangeDestination(WEB, Destination(real=real_id(0), weight=0))
    assert run(main()) == [change]


def test_a_name_is_asked_for() -> None:
    async def resolve(name: str, ipv6: bool) -> tuple[str, ...]:
        await asyncio.sleep(0.3)
        assert (name, ipv6) == ("web1.example", False)
        return ("10.9.9.9",)

    async def main() -> list[Operation]:
        named = balancer(reals=1)
        named = replace(named, reals=(replace(named.reals[0], host="web1.example:80"),), address=None)
        state = State()
        rehearsal = Rehearsal(state, machine_as_known(state.data_plane.actual), InlineWorker(), resolve)
        return await rehearsal.start(config(named))

    first, second = run(main())
    assert isinstance(first, AddService)
    assert second == AddDestination(WEB, Destination(real=RealId("10.9.9.9:80"), weight=0))


def test_what_already_stands_at_a_new_key_is_taken_over() -> None:
    async def main() -> list[Operation]:
        state = State()
        machine = machine_as_known(state.data_plane.actual)
        held = Destination(real=real_id(0), weight=7)
        machine.apply([AddService(Service(id=WEB, scheduler="wrr")), AddDestination(WEB, held)])
        rehearsal = Rehearsal(state, machine, InlineWorker(), no_names)
        operations = await rehearsal.start(config(balancer(reals=1, address=None)))
        assert machine.destinations(WEB) == [held]
        return operations

    assert run(main()) == [ChangeDestination(WEB, Destination(real=real_id(0), weight=1000))]


def test_an_actor_that_crashes_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide_for(*_: object) -> None:
        raise ZeroDivisionError("in a decision")

    monkeypatch.setattr(balancer_module, "decide_for", decide_for)

    async def main() -> None:
        state = State()
        rehearsal = Rehearsal(state, machine_as_known(state.data_plane.actual), InlineWorker(), no_names)
        with pytest.raises(RuntimeError, match="in a decision"):
            await rehearsal.start(config(balancer(reals=1)))

    run(main())


def test_nobody_is_foreseen_to_hang_up(tmp_path: Path) -> None:
    """A real that leaves slowly, and one that leaves already, are at weight 0 for as long as it takes."""

    def patient(reals: int) -> Config:
        return config(balancer(reals=reals, check=CHECK, drain_on_remove=300.0))

    async def main() -> list[Operation]:
        machine = WatchedMachine()
        machine.connections[WEB, real_id(2)] = (1, 0)
        async with world(tmp_path, patient(3), machine=machine) as w:
            await asyncio.sleep(1.5)
            await w.reload(patient(2))
            await asyncio.sleep(5)
            state = State.from_checkpoint(w.state.seq, b"".join(w.state.checkpoint()))
        return await reload(state, patient(1))

    leaving = Destination(real=real_id(1), weight=0)
    assert run(main()) == [ChangeDestination(WEB, leaving)]


def test_the_sources_of_pools_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text('[{"targets": ["10.9.9.1:80"], "labels": {"kglb_weight": "7"}}]')

    async def resolve(name: str, ipv6: bool) -> tuple[str, ...]:
        await asyncio.sleep(0.5)
        return "10.9.9.8", "10.9.9.9"

    async def main() -> list[Operation]:
        pools = (
            Pool(kind="dns", place="web.example.com:80", weight=1, forward=Forward()),
            Pool(kind="file", place=str(file), weight=1, forward=Forward()),
        )
        state = State()
        rehearsal = Rehearsal(state, machine_as_known(state.data_plane.actual), InlineWorker(), resolve)
        return await rehearsal.start(config(balancer(reals=0, pools=pools, check=CHECK, address=None)))

    _, *added = run(main())
    assert added == [
        AddDestination(WEB, Destination(real=RealId(f"{address}:80"), weight=0))
        for address in ("10.9.9.1", "10.9.9.8", "10.9.9.9")
    ]
