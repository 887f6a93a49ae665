"""What goes wrong, and when: the story that a seed tells. Each fault begins, and is over after a while."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kglb.actors.supervisor import Stop
from kglb.dataplane import Failure
from kglb.events import RealDrained, RealRestored, WeightOverridden
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
    ServiceId,
)
from kglb.projections import BalancerState
from sim.configs import RACK, host, name
from sim.reals import Condition
from sim.violation import CRASH

if TYPE_CHECKING:
    from sim.world import World

Over = Callable[[], None]
Fault = Callable[["World", Random], Over | None]

_FAULTS: dict[str, Fault] = {}

TROUBLE = ("kernel", "disk", "stranger", "dumps", "reboots")
"""What the kinds of faults that may delay an effect on the kernel have in their names."""


def fault(kind: str) -> Callable[[Fault], Fault]:
    """Register a fault."""

    def register(function: Fault) -> Fault:
        _FAULTS[kind] = function
        return function

    return register


def kinds() -> list[str]:
    """The kinds of faults there are."""
    return list(_FAULTS)


class Story:
    """The faults of one simulation. ``active`` are the kinds that are not over."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        self._open: dict[int, tuple[str, Over]] = {}
        self._count = 0
        self._ended = False
        self.trouble_over = 0.0
        self._crashes = float("-inf")
        self.kinds: list[str] = []

    def write(self, begin: float, seconds: float) -> None:
        """Choose some kinds of faults and when each happens."""
        plan, random = self._world.plan, self._random
        every = kinds()
        self.kinds = list(plan.kinds) or random.sample(every, random.randint(2, len(every)))
        for _ in range(round(plan.faults_per_minute * seconds / 60)):
            when = begin + random.random() * seconds
            kind = random.choice(self.kinds)
            lasts = random.choice((0.2, 2.0, 10.0, 40.0)) * random.random()
            self._world.agenda.at(when, partial(self._begin, kind, lasts))

    @property
    def active(self) -> list[str]:
        """What is wrong now."""
        return [kind for kind, _ in self._open.values()]

    def _begin(self, kind: str, lasts: float) -> None:
        if self._ended:
            return
        self._count += 1
        number = self._count
        if any(trouble in kind for trouble in TROUBLE):
            self.trouble_over = self._world.agenda.now
        if "crashes" in kind:
            self._crashes = self._world.agenda.now + lasts
        over = _FAULTS[kind](self._world, self._random)
        self._world.note(f"{kind} for {lasts:.3g} s" if over else kind)
        if over is not None:
            self._open[number] = (kind, over)
            self._world.agenda.after(lasts, lambda: self._over(number))

    def _over(self, number: int) -> None:
        kind, over = self._open.pop(number, ("", None))
        if over is not None:
            if any(trouble in kind for trouble in TROUBLE):
                self.trouble_over = self._world.agenda.now
            self._world.note(f"{kind}: over")
            over()

    def crashed_since(self, when: float) -> bool:
        """Whether actors were made to crash since then."""
        return self._crashes >= when

    def end(self) -> None:
        """Everything that is wrong is over but that some reals stay dead, and nothing more goes wrong."""
        self._ended = True
        for number in list(self._open):
            self._over(number)
        share = self._random.choice((0.0, 0.0, 0.2, 0.5, 1.0))
        hosts = range(self._world.plan.size.reals)
        _become(self._world, [host(number) for number in hosts if self._random.random() < share], "refuses")


# --- reals ------------------------------------------------------------------------------------------------------------


def _become(world: "World", addresses: list[str], condition: Condition) -> Over:
    for address in addresses:
        world.reals.conditions[address] = condition
        if condition == "refuses" and world.process.running:
            world.process.vigil.lose(address, world.random)

    def heal() -> None:
        for address in addresses:
            world.reals.conditions.pop(address, None)

    return heal


def _any_host(world: "World", random: Random) -> str:
    return host(random.randrange(world.plan.size.reals))


def _rack(world: "World", random: Random) -> list[str]:
    first = random.randrange(0, world.plan.size.reals, RACK)
    return [host(number) for number in range(first, min(first + RACK, world.plan.size.reals))]


@fault("a real dies")
def _dies(world: "World", random: Random) -> Over:
    return _become(world, [_any_host(world, random)], "refuses")


@fault("a real hangs")
def _hangs(world: "World", random: Random) -> Over:
    return _become(world, [_any_host(world, random)], "hangs")


@fault("a real is slow")
def _slow(world: "World", random: Random) -> Over:
    return _become(world, [_any_host(world, random)], "slow")


@fault("a real half works")
def _half(world: "World", random: Random) -> Over:
    return _become(world, [_any_host(world, random)], "half")


@fault("a real answers wrong")
def _broken(world: "World", random: Random) -> Over:
    return _become(world, [_any_host(world, random)], "broken")


@fault("a rack fails")
def _rack_fails(world: "World", random: Random) -> Over:
    return _become(world, _rack(world, random), random.choice(("refuses", "hangs")))


@fault("every real fails")
def _all_fail(world: "World", random: Random) -> Over:
    every = [host(number) for number in range(world.plan.size.reals)]
    return _become(world, every, random.choice(("refuses", "hangs")))


@fault("a real flaps")
def _flaps(world: "World", random: Random) -> Over:
    address = _any_host(world, random)
    period = random.choice((0.3, 1.0, 3.0))
    going = [True]

    def turn() -> None:
        if going:
            down = world.reals.conditions.pop(address, None)
            if down is None:
                _become(world, [address], "refuses")
            world.agenda.after(period, turn)

    def over() -> None:
        going.clear()
        world.reals.conditions.pop(address, None)

    turn()
    return over


@fault("idle connections end")
def _idle(world: "World", random: Random) -> None:
    if world.process.running:
        world.process.vigil.lose(_any_host(world, random), world.random)


@fault("no descriptors")
def _deaf(world: "World", random: Random) -> Over:
    world.around.deaf = random.choice((0.2, 1.0))
    return lambda: setattr(world.around, "deaf", 0.0)


# --- names ------------------------------------------------------------------------------------------------------------


@fault("a name moves")
def _moves(world: "World", random: Random) -> None:
    chosen = name(random.randrange(world.plan.size.reals))
    world.names.addresses[chosen] = (host(random.randrange(world.plan.size.reals, world.plan.size.reals + 3)),)
    world.witness.name_moved()


@fault("names fail")
def _names_fail(world: "World", random: Random) -> Over:
    chosen = {name(number) for number in range(world.plan.size.reals) if random.random() < 0.7}
    world.names.failing |= chosen
    return lambda: world.names.failing.difference_update(chosen)


@fault("names are slow")
def _names_slow(world: "World", random: Random) -> Over:
    world.names.delay = random.choice((0.5, 4.9, 60.0))
    return lambda: setattr(world.names, "delay", 0.002)


# --- the operator -----------------------------------------------------------------------------------------------------


@fault("reload")
def _reload(world: "World", random: Random) -> None:
    for _ in range(random.choice((1, 1, 1, 5))):
        world.note(f"config: {world.operator.edit()}")
    world.reload()


@fault("bad config")
def _bad_config(world: "World", random: Random) -> None:
    if world.process.running and world.process.daemon is not None:
        world.process.daemon.reject("config.toml", ("line 7: expected a number, found 'many'",))


@fault("restart, leaving")
def _restart(world: "World", random: Random) -> None:
    world.process.stop(Stop(reason="SIGUSR2", on_stop="leave"))


@fault("restart, cleaning up")
def _cleanup(world: "World", random: Random) -> None:
    world.process.stop(Stop(reason="SIGTERM", on_stop="cleanup"))


@fault("an operator drains")
def _drains(world: "World", random: Random) -> Over:
    known = sorted((id, real) for id, one in _believed(world).items() for real in one.reals)
    if not known:
        return lambda: None
    id, real = random.choice(known)
    until = random.choice((None, world.around.wall() / 1e9 + 15.0))
    drained = RealDrained(service=id, real=real, who="operator", until=until)
    weighed = WeightOverridden(service=id, real=real, weight=3, who="operator", until=until)
    world.order(random.choice((drained, weighed)))
    return lambda: world.order(RealRestored(service=id, real=real, who="operator"))


def _believed(world: "World") -> dict[ServiceId, BalancerState]:
    return world.process.state.fleet.balancers if world.process.running else {}


@fault("the clock steps")
def _clock(world: "World", random: Random) -> None:
    world.wall_offset += random.choice((-86400.0, -3600.0, -1.0, 1.0, 3600.0, 86400.0))


# --- the actors -------------------------------------------------------------------------------------------------------


@fault("a checker crashes")
def _checker(world: "World", random: Random) -> Over:
    share = random.choice((0.01, 0.3))
    world.around.on_schedule = lambda: _crash_sometimes(random, share)
    return lambda: setattr(world.around, "on_schedule", lambda: None)


@fault("a balancer crashes")
def _balancer(world: "World", random: Random) -> Over:
    world.names.crashes = True
    return lambda: setattr(world.names, "crashes", False)


@fault("the applier crashes")
def _applier(world: "World", random: Random) -> Over:
    world.kernel.crashes = random.choice((0.1, 1.0))
    return lambda: setattr(world.kernel, "crashes", 0.0)


def _crash_sometimes(random: Random, share: float) -> None:
    if random.random() < share:
        raise RuntimeError(CRASH)


# --- the kernel -------------------------------------------------------------------------------------------------------


def _share(what: str) -> Fault:
    def begin(world: "World", random: Random) -> Over:
        setattr(world.kernel, what, random.choice((0.1, 0.5, 1.0)))
        return lambda: setattr(world.kernel, what, 0.0)

    return begin


for _kind, _what in (
    ("the kernel refuses", "refuses"),
    ("the kernel loses answers", "loses_answers"),
    ("the kernel forgets", "forgets"),
    ("the kernel fails", "fails"),
):
    fault(_kind)(_share(_what))


@fault("dumps race")
def _races(world: "World", random: Random) -> Over:
    world.kernel.races = 0.1
    return lambda: setattr(world.kernel, "races", 0.0)


@fault("the kernel is slow")
def _kernel_slow(world: "World", random: Random) -> Over:
    world.kernel.delay = random.choice((0.02, 0.3))
    return lambda: setattr(world.kernel, "delay", 0.0002)


@fault("the kernel hangs")
def _kernel_hangs(world: "World", random: Random) -> Over:
    world.kernel.hangs_until = world.agenda.now + random.choice((0.5, 5.0, 20.0))
    return lambda: None


@fault("a stranger edits")
def _drift(world: "World", random: Random) -> None:
    for operation in _edits(world, random):
        world.kernel.edit(operation)
        world.witness.stranger_edited()


def _edits(world: "World", random: Random) -> Iterator[Operation]:
    services = sorted(world.witness.ours())
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


@fault("the machine reboots")
def _reboot(world: "World", random: Random) -> None:
    world.reboot()
    world.down_until = world.agenda.now + random.choice((1.0, 20.0))


# --- the process ------------------------------------------------------------------------------------------------------


@fault("killed")
def _killed(world: "World", random: Random) -> None:
    world.kill_after = random.randint(1, 200)
    world.down_until = world.agenda.now + random.choice((0.0, 5.0))


@fault("killed in a write")
def _torn(world: "World", random: Random) -> Over:
    world.platter.tears = True
    return _become(world, [_any_host(world, random)], "refuses")


@fault("killed, and a bit flips")
def _bit_flips(world: "World", random: Random) -> None:
    world.kill()
    world.platter.flip_a_bit()
    world.witness.taint("a bit flipped")


# --- the disk ---------------------------------------------------------------------------------------------------------


@fault("the disk is slow")
def _disk_slow(world: "World", random: Random) -> Over:
    world.platter.delay = random.choice((0.03, 0.3, 1.5))
    return lambda: setattr(world.platter, "delay", 0.001)


@fault("the disk hangs")
def _disk_hangs(world: "World", random: Random) -> Over:
    world.platter.hangs_until = world.agenda.now + random.choice((0.5, 3.0, 30.0))
    return lambda: None


@fault("the disk is full")
def _disk_full(world: "World", random: Random) -> Over:
    world.platter.full = True
    return lambda: setattr(world.platter, "full", False)


@fault("the disk cannot sync")
def _disk_fails(world: "World", random: Random) -> Over:
    world.platter.sync_fails = True
    return lambda: setattr(world.platter, "sync_fails", False)


# --- routes -----------------------------------------------------------------------------------------------------------


@fault("the BGP engine refuses")
def _engine_refuses(world: "World", random: Random) -> Over:
    world.routes.failure = Failure(111, "connection refused")
    return lambda: setattr(world.routes, "failure", None)


@fault("the BGP engine starts again")
def _engine_restarts(world: "World", random: Random) -> None:
    world.routes.lose()
