"""What goes wrong outside: reals and their names."""

from random import Random

from sim.balancers import RACK, host, name, source, source_of
from sim.faults.kinds import Faults, Over
from sim.reals import Condition
from sim.world import World

FAULTS = Faults()

POOL_FAULTS = Faults()
"""Those of worlds that have pools."""


# --- reals ------------------------------------------------------------------------------------------------------------


def become(world: World, addresses: list[str], condition: Condition) -> Over:
    """Such is the case with these reals from now on; the result ends it."""
    for address in addresses:
        world.reals.conditions[address] = condition
        if condition == "refuses" and world.process.running:
            world.process.vigil.lose(address, world.random)

    def heal() -> None:
        for address in addresses:
            world.reals.conditions.pop(address, None)

    return heal


def any_host(world: World, random: Random) -> str:
    """The address of some host."""
    return host(random.randrange(world.size.reals))


def _rack(world: World, random: Random) -> list[str]:
    first = random.randrange(0, world.size.reals, RACK)
    return [host(number) for number in range(first, min(first + RACK, world.size.reals))]


@FAULTS.kind("a real dies")
def _dies(world: World, random: Random) -> Over:
    return become(world, [any_host(world, random)], "refuses")


@FAULTS.kind("a real hangs")
def _hangs(world: World, random: Random) -> Over:
    return become(world, [any_host(world, random)], "hangs")


@FAULTS.kind("a real is slow")
def _slow(world: World, random: Random) -> Over:
    return become(world, [any_host(world, random)], "slow")


@FAULTS.kind("a real half works")
def _half(world: World, random: Random) -> Over:
    return become(world, [any_host(world, random)], "half")


@FAULTS.kind("a real answers wrong")
def _broken(world: World, random: Random) -> Over:
    return become(world, [any_host(world, random)], "broken")


@FAULTS.kind("a rack fails")
def _rack_fails(world: World, random: Random) -> Over:
    return become(world, _rack(world, random), random.choice(("refuses", "hangs")))


@FAULTS.kind("every real fails")
def _all_fail(world: World, random: Random) -> Over:
    every = [host(number) for number in range(world.size.reals)]
    return become(world, every, random.choice(("refuses", "hangs")))


@FAULTS.kind("a real flaps")
def _flaps(world: World, random: Random) -> Over:
    address = any_host(world, random)
    period = random.choice((0.3, 1.0, 3.0))
    going = [True]

    def turn() -> None:
        if going:
            down = world.reals.conditions.pop(address, None)
            if down is None:
                become(world, [address], "refuses")
            world.agenda.after(period, turn)

    def over() -> None:
        going.clear()
        world.reals.conditions.pop(address, None)

    turn()
    return over


@FAULTS.kind("a real says another weight")
def _says(world: World, random: Random) -> None:
    world.reals.weights[any_host(world, random)] = random.choice((0, 5, 50))


@FAULTS.kind("connections linger")
def _linger(world: World, random: Random) -> Over:
    kernel = world.kernel
    for id in kernel.all_services():
        for real in kernel.held(id):
            kernel.connections[id, real] = (random.choice((0, 3)), 1)
    return kernel.connections.clear


@FAULTS.kind("idle connections end")
def _idle(world: World, random: Random) -> None:
    if world.process.running:
        world.process.vigil.lose(any_host(world, random), world.random)


@FAULTS.kind("no descriptors")
def _deaf(world: World, random: Random) -> Over:
    world.around.deaf = random.choice((0.2, 1.0))
    return lambda: setattr(world.around, "deaf", 0.0)


# --- names ------------------------------------------------------------------------------------------------------------


@FAULTS.kind("a name moves")
def _moves(world: World, random: Random) -> None:
    chosen = name(random.randrange(world.size.reals))
    world.names.addresses[chosen] = (host(random.randrange(world.size.reals, world.size.reals + 3)),)
    world.excuses.real_moved()


@FAULTS.kind("names fail")
def _names_fail(world: World, random: Random) -> Over:
    chosen = {name(number) for number in range(world.size.reals) if random.random() < 0.7}
    world.names.failing |= chosen
    return lambda: world.names.failing.difference_update(chosen)


@FAULTS.kind("names are slow")
def _names_slow(world: World, random: Random) -> Over:
    world.names.delay = random.choice((0.5, 4.9, 60.0))
    return lambda: setattr(world.names, "delay", 0.002)


# --- pools ------------------------------------------------------------------------------------------------------------


def _a_source(world: World, random: Random) -> str:
    """What some pool of the config asks; any other where it has none."""
    pools = [pool for balancer in world.operator.config.balancers for pool in balancer.pools]
    return source_of(random.choice(pools)) if pools else source("dns", 0)


def _hosts(world: World, random: Random, most: int) -> tuple[str, ...]:
    every = range(world.size.reals)
    return tuple(map(host, random.sample(every, random.randint(1, min(most, len(every))))))


@POOL_FAULTS.kind("a pool changes")
def _pool_changes(world: World, random: Random) -> None:
    chosen = _a_source(world, random)
    known = world.names.addresses[chosen]
    left = tuple(address for address in known if random.random() < 0.8) or known
    world.names.change(chosen, tuple(dict.fromkeys((*left, *_hosts(world, random, 2)))))
    world.excuses.real_moved()


@POOL_FAULTS.kind("a pool is replaced")
def _pool_replaced(world: World, random: Random) -> None:
    world.names.change(_a_source(world, random), _hosts(world, random, 6))
    world.excuses.real_moved()


@POOL_FAULTS.kind("a pool is named in part")
def _pool_in_part(world: World, random: Random) -> Over:
    chosen = _a_source(world, random)
    before = world.names.addresses[chosen]
    world.names.change(chosen, (random.choice(before),))
    world.excuses.real_moved()

    def over() -> None:
        world.names.change(chosen, before)
        world.excuses.real_moved()

    return over


@POOL_FAULTS.kind("a pool has no answer")
def _pool_fails(world: World, random: Random) -> Over:
    chosen = _a_source(world, random)
    world.names.failing.add(chosen)
    return lambda: world.names.failing.discard(chosen)
