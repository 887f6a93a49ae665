"""What goes wrong with the machine: its kernel, processes, disk, and the BGP engine on it."""

from collections.abc import Iterator
from random import Random

from msgspec.structs import replace

from kglb.dataplane.port import Failure
from kglb.model import (
    AddDestination,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
)
from sim.faults.kinds import Fault, Faults, Over
from sim.faults.outside import any_host, become
from sim.world import World

FAULTS = Faults()


# --- the kernel -------------------------------------------------------------------------------------------------------


def _share(what: str) -> Fault:
    def begin(world: World, random: Random) -> Over:
        setattr(world.kernel, what, random.choice((0.1, 0.5, 1.0)))
        return lambda: setattr(world.kernel, what, 0.0)

    return begin


for _kind, _what in (
    ("the kernel refuses", "refuses"),
    ("the kernel loses answers", "loses_answers"),
    ("the kernel forgets", "forgets"),
    ("the kernel fails", "fails"),
):
    FAULTS.kind(_kind)(_share(_what))


@FAULTS.kind("dumps race")
def _races(world: World, random: Random) -> Over:
    world.kernel.races = 0.1
    return lambda: setattr(world.kernel, "races", 0.0)


@FAULTS.kind("the kernel is slow")
def _kernel_slow(world: World, random: Random) -> Over:
    world.kernel.delay = random.choice((0.02, 0.3))
    return lambda: setattr(world.kernel, "delay", 0.0002)


@FAULTS.kind("the kernel hangs")
def _kernel_hangs(world: World, random: Random) -> Over:
    world.kernel.hangs_until = world.agenda.now + random.choice((0.5, 5.0, 20.0))
    return lambda: None


@FAULTS.kind("a stranger edits")
def _drift(world: World, random: Random) -> None:
    for operation in _edits(world, random):
        world.kernel.edit(operation)
        world.excuses.stranger_edited()


def _edits(world: World, random: Random) -> Iterator[Operation]:
    services = sorted(world.kernel.ours())
    if not services:
        return
    id = random.choice(services)
    held = sorted(world.kernel.held(id).items())
    real, destination = random.choice(held) if held else ("", None)
    match random.randrange(6):
        case 0:
            yield DeleteService(id)
        case 1 if destination is not None:
            yield DeleteDestination(id, RealId(real))
        case 2 if destination is not None:
            yield ChangeDestination(id, replace(destination, weight=random.choice((0, 3))))
        case 3:
            yield AddDestination(id, Destination(real=RealId("10.9.9.9:80"), weight=1))
        case 4:
            yield ChangeService(replace(world.kernel.all_services()[id], scheduler="rr"))
        case 5:
            for address in sorted(world.kernel.all_addresses()):
                if address.address.startswith("198.18."):
                    yield DeleteAddress(address)
                    return


@FAULTS.kind("the machine reboots")
def _reboot(world: World, random: Random) -> None:
    world.reboot()
    world.down_until = world.agenda.now + random.choice((1.0, 20.0))


# --- the process ------------------------------------------------------------------------------------------------------


@FAULTS.kind("killed")
def _killed(world: World, random: Random) -> None:
    world.kill_after = random.randint(1, 200)
    world.down_until = world.agenda.now + random.choice((0.0, 5.0))


@FAULTS.kind("killed in a write")
def _torn(world: World, random: Random) -> Over:
    world.platter.tears = True
    return become(world, [any_host(world, random)], "refuses")


@FAULTS.kind("killed, and a bit flips")
def _bit_flips(world: World, random: Random) -> None:
    world.kill()
    world.platter.flip_a_bit()
    world.excuses.taint("a bit flipped")


# --- the disk ---------------------------------------------------------------------------------------------------------


@FAULTS.kind("the disk is slow")
def _disk_slow(world: World, random: Random) -> Over:
    world.platter.delay = random.choice((0.03, 0.3, 1.5))
    return lambda: setattr(world.platter, "delay", 0.001)


@FAULTS.kind("the disk hangs")
def _disk_hangs(world: World, random: Random) -> Over:
    world.platter.hangs_until = world.agenda.now + random.choice((0.5, 3.0, 30.0))
    return lambda: None


@FAULTS.kind("the disk is full")
def _disk_full(world: World, random: Random) -> Over:
    world.platter.full = True
    return lambda: setattr(world.platter, "full", False)


@FAULTS.kind("the disk cannot sync")
def _disk_fails(world: World, random: Random) -> Over:
    world.platter.sync_fails = True
    return lambda: setattr(world.platter, "sync_fails", False)


# --- routes -----------------------------------------------------------------------------------------------------------


@FAULTS.kind("the BGP engine refuses")
def _engine_refuses(world: World, random: Random) -> Over:
    world.routes.failure = Failure(111, "connection refused")
    return lambda: setattr(world.routes, "failure", None)


@FAULTS.kind("the BGP engine starts again")
def _engine_restarts(world: World, random: Random) -> None:
    world.routes.lose()
