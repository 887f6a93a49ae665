"""What operators do, and actors that crash."""

from random import Random

from kglb.actors.supervisor import Stop
from kglb.events import RealDrained, RealRestored, WeightOverridden
from kglb.model import (
    ServiceId,
)
from kglb.projections import BalancerState
from sim.crash import CRASH
from sim.faults.kinds import Faults, Over
from sim.world import World

FAULTS = Faults()


# --- the operator -----------------------------------------------------------------------------------------------------


@FAULTS.kind("reload")
def _reload(world: World, random: Random) -> None:
    for _ in range(random.choice((1, 1, 1, 5))):
        world.note(f"config: {world.operator.edit()}")
    world.reload()


@FAULTS.kind("bad config")
def _bad_config(world: World, random: Random) -> None:
    if world.process.running and world.process.daemon is not None:
        world.process.daemon.reject("config.toml", ("line 7: expected a number, found 'many'",))


@FAULTS.kind("restart, leaving")
def _restart(world: World, random: Random) -> None:
    world.process.stop(Stop(reason="SIGUSR2", on_stop="leave"))


@FAULTS.kind("restart, cleaning up")
def _cleanup(world: World, random: Random) -> None:
    world.process.stop(Stop(reason="SIGTERM", on_stop="cleanup"))


@FAULTS.kind("an operator drains")
def _drains(world: World, random: Random) -> Over:
    known = sorted((id, real) for id, one in _believed(world).items() for real in one.reals)
    if not known:
        return lambda: None
    id, real = random.choice(known)
    until = random.choice((None, world.around.wall() / 1e9 + 15.0))
    drained = RealDrained(service=id, real=real, who="operator", until=until)
    weighed = WeightOverridden(service=id, real=real, weight=3, who="operator", until=until)
    world.order(random.choice((drained, weighed)))
    return lambda: world.order(RealRestored(service=id, real=real, who="operator"))


def _believed(world: World) -> dict[ServiceId, BalancerState]:
    return world.process.state.fleet.balancers if world.process.running else {}


@FAULTS.kind("the clock steps")
def _clock(world: World, random: Random) -> None:
    world.wall_offset += random.choice((-86400.0, -3600.0, -1.0, 1.0, 3600.0, 86400.0))


# --- the actors -------------------------------------------------------------------------------------------------------


@FAULTS.kind("a checker crashes")
def _checker(world: World, random: Random) -> Over:
    share = random.choice((0.01, 0.3))
    world.around.on_schedule = lambda: _crash_sometimes(random, share)
    return lambda: setattr(world.around, "on_schedule", lambda: None)


@FAULTS.kind("a balancer crashes")
def _balancer(world: World, random: Random) -> Over:
    world.names.crashes = True
    return lambda: setattr(world.names, "crashes", False)


@FAULTS.kind("the applier crashes")
def _applier(world: World, random: Random) -> Over:
    world.kernel.crashes = random.choice((0.1, 1.0))
    return lambda: setattr(world.kernel, "crashes", 0.0)


def _crash_sometimes(random: Random, share: float) -> None:
    if random.random() < share:
        raise RuntimeError(CRASH)
