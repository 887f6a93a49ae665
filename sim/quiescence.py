"""Invariants that hold once it has been quiet for a while, each with its reason.

Then kernel, projections, journal and the truth about the reals agree; and actors, tasks, marks and memory are as many
as the config asks for, whatever happened before.
"""

from collections import Counter
from pathlib import Path

from pykka import ActorRegistry

from journal import Damaged, JournalReader
from kglb.events import SegmentOpened, decode
from kglb.model import Address, Balancer, Destination, Endpoint, Real, RealId, Service, Way
from kglb.projections import BalancerState, State
from kglb.replay.source import Source
from kglb.replay.verify import verify
from sim.balancers import by_real, is_ours, port_of, says_weights, source_of
from sim.process import JOURNAL
from sim.witness.routes import must_come, must_stay
from sim.world import World

BACKOFF = 2 * 30.0
"""The longest wait before an actor starts again, and before a refused operation is tried again."""

SLACK = 15.0

HOST_PORTS = 2
"""Descriptors that the journal keeps open: the lock and the newest segment."""


def settling_time(world: World) -> float:
    """Seconds of quiet after which everything must have settled."""
    config = world.operator.config
    checks = [balancer.check for balancer in config.balancers]
    proof = max((check.rise + check.fall) * check.interval + check.timeout for check in checks)
    names = max(balancer.resolve_interval for balancer in config.balancers) + 60.0
    warming = max(balancer.slow_start for balancer in config.balancers)
    return warming + BACKOFF + 2 * config.data_plane.reconcile_interval + proof + names + SLACK


def snapshot(world: World) -> dict[str, object]:
    """What must not change by itself."""
    kernel, state = world.kernel, world.process.state
    return {
        "services": kernel.all_services(),
        "destinations": {id: kernel.held(id) for id in kernel.all_services()},
        "addresses": kernel.all_addresses(),
        "routes": dict(world.routes.routes),
        "health": {
            (id, real): known.healthy for id, one in state.fleet.balancers.items() for real, known in one.reals.items()
        },
        "modes": {id: one.mode for id, one in state.fleet.balancers.items()},
        "marks": state.fleet.marks.by_way,
    }


def _serving(balancer: Balancer, wanted: dict[RealId, Real], up: dict[RealId, bool], *, proven: bool) -> set[RealId]:
    """Who is to get traffic, once everybody has had a verdict."""
    primaries = {real for real, entry in wanted.items() if not entry.backup}
    alive = {real for real in wanted if up[real]}
    if alive & primaries:
        too_few = len(alive & primaries) / len(primaries) < balancer.fail_open_below
        return primaries if too_few and alive <= primaries else alive & primaries
    if alive:
        return alive
    return primaries if proven and balancer.when_all_down == "fail_open" else set()


def difference(before: dict[str, object], after: dict[str, object]) -> str:
    """The first part in which two snapshots differ."""
    name = next(name for name in before if before[name] != after[name])
    return f"{name}: {before[name]} became {after[name]}"


def check(world: World) -> None:
    """Everything that must hold once it is quiet. Raises Violation."""
    _Quiet(world).check()


def check_end(world: World) -> None:
    """Nothing is left of a daemon that was stopped in order. Raises Violation."""
    process, config = world.process, world.operator.config
    _require(world, process.finished, "the daemon does not end")
    _require(world, process.error is None, f"the daemon ended with {process.error!r}")
    _require(world, process.clean, "the cleanup did not succeed")
    _require(world, not process.leftovers, f"actors are left: {process.leftovers}")
    _require(world, not ActorRegistry.get_all(), "actors are left")
    _require(world, not process.loop.tasks, f"tasks are left: {process.loop.tasks}")
    _require(world, process.files.left_open == 0, "descriptors are left open")
    _require(world, not process.parts.checked, "counts of reals are left")
    if config.data_plane.on_stop == "cleanup" and not world.excuses.tainted:
        left = [id for id in world.kernel.all_services() if is_ours(id)]
        _require(world, not left, f"services are left: {left}")
        _require(world, not world.routes.routes, "routes are left announced")
        addresses = _our_addresses(world) - world.excuses.unrecorded
        _require(world, not addresses, f"addresses are left: {addresses}")
    _require(world, *_foreign(world))


def _require(world: World, holds: bool, otherwise: str) -> None:
    if not holds:
        raise world.violation(otherwise)


def _our_addresses(world: World) -> set[Address]:
    return {address for address in world.kernel.all_addresses() if address.address.startswith("198.18.")}


def _foreign(world: World) -> tuple[bool, str]:
    """What somebody else had is as it was, unless the machine has rebooted."""
    there = {service for service in world.kernel.all_services().values() if not is_ours(service.id)}
    expected: set[Service] = set() if world.boots > 1 else set(world.foreign)
    return there == expected, f"foreign services: {there}, expected {expected}"


class _Quiet:
    """The checks of one moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = world.process
        self.kernel = world.kernel
        _require(world, self.process.running, f"the daemon does not run: {self.process.error!r}")
        self.state = self.process.state

    def require(self, holds: bool, otherwise: str) -> None:
        """Raise Violation unless it holds."""
        _require(self.world, holds, otherwise)

    def check(self) -> None:
        """All of them."""
        config = self.world.operator.config
        self.require(self.state.fleet.config == config, "the config in force is not the one last loaded")
        for balancer in config.balancers:
            self._balancer(balancer)
        self._services()
        self._addresses()
        self._routes()
        self._projections()
        self._journal()
        self._nothing_leaks()
        self.require(*_foreign(self.world))

    # --- kernel and truth -----------------------------------------------------------------------------------------

    def _balancer(self, balancer: Balancer) -> None:
        """Kernel and truth agree: that is what the daemon is for."""
        wanted = by_real(balancer, self._addresses_with_members(balancer))
        known = self.state.fleet.balancers[balancer.id]
        self.require(
            set(known.reals) == set(wanted), f"{balancer.id}: reals {sorted(known.reals)}, not {sorted(wanted)}"
        )
        up = {real: self.world.reals.condition(real.rpartition(":")[0]) == "up" for real in wanted}
        for real, healthy in up.items():
            believed = known.reals[real].healthy
            self.require(believed == healthy, f"{balancer.id} {real}: healthy is {healthy}, believed is {believed}")
        counts = (known.alive, known.total, known.decided_alive, known.decided_total)
        primaries = [up[real] for real, entry in wanted.items() if not entry.backup]
        expected_counts = (sum(primaries), len(primaries)) * 2
        self.require(counts == expected_counts, f"{balancer.id}: (alive, total), twice, is {counts}")
        serving = _serving(balancer, wanted, up, proven=known.proven)
        expected = {}
        for real, entry in wanted.items():
            destination = self._destination(balancer, known, entry, real, serves=real in serving)
            stays = up[real] and not (entry.backup and balancer.service.key.protocol == "udp")
            if destination.weight or balancer.when_down == "quiesce" or stays or not known.reals[real].configured:
                expected[real] = destination
        held = self.kernel.held(balancer.id)
        self.require(held == expected, f"{balancer.id}: the kernel has {held}, expected {expected}")

    def _addresses_with_members(self, balancer: Balancer) -> dict[str, tuple[str, ...]]:
        """What names and files say now, and whom a pool may have kept besides: those that are up, and too many."""
        addresses = dict(self.world.names.addresses)
        for pool in balancer.pools:
            called, port = source_of(pool), port_of(pool)
            kept = tuple(real.rpartition(":")[0] for real in self.state.fleet.members_of(balancer.id, pool) or ())
            named = self.world.names.addresses[called]
            self.require(set(named) <= set(kept), f"{balancer.id}: {pool.id} names {named}, its members are {kept}")
            addresses[called] = kept
            entries = by_real(balancer, addresses)
            own = {one for one in kept if entries[Endpoint(one, port).id].pool == pool.id}
            of = {one for one in own if self.world.reals.condition(one) == "up"} or set(kept)
            lost = of - set(named)
            held = set(kept) == set(named) or len(lost) > pool.max_loss * len(of)
            self.require(held, f"{balancer.id}: {pool.id} names {named}, and keeps {kept}")
        return addresses

    def _destination(
        self, balancer: Balancer, known: BalancerState, entry: Real, real: RealId, *, serves: bool
    ) -> Destination:
        """What the kernel should have of a real, if anything."""
        weight = entry.weight
        if says_weights(balancer):
            weight = known.reals[real].configured
            host, says = real.rpartition(":")[0], self.world.reals.weight(real.rpartition(":")[0])
            agrees = self.world.reals.condition(host) != "up" or weight == says
            self.require(agrees, f"{balancer.id} {real}: it says {says}, believed is {weight}")
        return Destination(
            real=real,
            weight=weight if serves else 0,
            forward=entry.forward,
            upper=entry.upper,
            lower=entry.lower,
        )

    def _marks(self) -> set[Way]:
        return {
            Way(real.rpartition(":")[0], known.entry.forward, False)
            for balancer in self.state.fleet.balancers.values()
            if balancer.config.fwmark_checks
            for real, known in balancer.reals.items()
        }

    def _services(self) -> None:
        """Every service that is wanted and, unless the journal lost who made them, no other of ours."""
        wanted = {balancer.id: balancer.service for balancer in self.world.operator.config.balancers}
        there = {id: one for id, one in self.kernel.all_services().items() if is_ours(id)}
        for id, service in wanted.items():
            self.require(there.get(id) == service, f"{id}: the kernel has {there.get(id)}, expected {service}")
        marks = self.state.fleet.marks.held
        ways = self._marks()
        self.require({held.way for held in marks.values()} == ways, f"marks lead to {marks}, expected {ways}")
        for mark, held in marks.items():
            self.require(self.state.data_plane.holds_mark(mark, held.way), f"mark {mark} is not in the kernel")
        if not self.world.excuses.tainted:
            extra = set(there) - set(wanted) - {held.way.service(mark).id for mark, held in marks.items()}
            self.require(not extra, f"services that nobody wants are in the kernel: {sorted(extra)}")

    def _addresses(self) -> None:
        wanted = {balancer.address for balancer in self.world.operator.config.balancers}
        there = _our_addresses(self.world)
        missing, extra = wanted - there, there - wanted - self.world.excuses.unrecorded
        self.require(not missing, f"addresses are missing: {missing}")
        if not self.world.excuses.tainted:
            self.require(not extra, f"addresses that nobody wants: {extra}")

    def _routes(self) -> None:
        """A route is announced while enough reals are alive to serve it, and not while too few are."""
        must, may = set(), set()
        for balancer in self.world.operator.config.balancers:
            known = self.state.fleet.balancers[balancer.id]
            if self.world.operator.config.bgp.engine == "none" or balancer.route is None:
                continue
            if must_come(known):
                must.add(balancer.route.prefix)
            if must_stay(known):
                may.add(balancer.route.prefix)
        announced = set(self.world.routes.routes)
        self.require(must <= announced, f"announced: {sorted(announced)}, expected {sorted(must)}")
        self.require(announced <= may, f"announced: {sorted(announced)}, though only {sorted(may)} may be")

    # --- projections and journal ----------------------------------------------------------------------------------

    def _projections(self) -> None:
        """What is known of the kernel is what is in it, and what is wanted is there."""
        actual, desired = self.state.data_plane.actual, self.state.data_plane.desired
        self.require(not self.state.data_plane.dirty, "something is still to be done")
        for id, service in actual.services.items():
            real = self.kernel.all_services().get(id)
            self.require(real == service, f"{id}: {service} is known, the kernel has {real}")
            self.require(actual.destinations[id] == self.kernel.held(id), f"{id}: destinations are other than known")
        self.require(actual.services == desired.services, "services wanted and known differ")
        self.require(actual.destinations == desired.destinations, "destinations wanted and known differ")
        self.require(actual.routes == desired.routes == self.world.routes.routes, "routes wanted and known differ")

    def _journal(self) -> None:
        """Everything is on the disk, unbroken, and folds to what is believed; every checkpoint is the fold up to it."""
        recorder = self.process.recorder
        assert recorder is not None
        self.require(not recorder.degraded, f"the journal is degraded: {recorder.degraded}")
        self.require(recorder.unsynced == 0, f"{recorder.unsynced} records are not on the platter")
        folded = State()
        try:
            reader = JournalReader(JOURNAL, decode, files=self.process.files)
            newest = reader.segments()[-1].first_seq
            for record in reader.records(newest if self.world.excuses.tainted else 0):
                if isinstance(record.event, SegmentOpened):
                    opened = State.from_checkpoint(record.seq, record.event.checkpoint)
                    gap = record.seq != folded.seq + 1
                    if folded.seq and not gap:
                        self._same(opened, folded, f"the checkpoint in record {record.seq}")
                    folded = opened
                else:
                    folded.fold(record.seq, record.event)
        except Damaged as damaged:
            self.require(False, f"the journal is damaged: {damaged}")
        self._same(folded, self.state, "the fold of the journal")
        self._verified(reader.segments()[-1].path if self.world.excuses.tainted else JOURNAL)

    def _verified(self, path: Path) -> None:
        """Everything recorded is what the decisions come to: else no replay and no what-if could be believed."""
        difference = verify(Source(path, files=self.process.files)).difference
        self.require(difference is None, f"verify: {difference}")

    def _same(self, one: State, other: State, what: str) -> None:
        left, right = b"".join(one.checkpoint()), b"".join(other.checkpoint())
        if left != right:
            at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
            around = slice(max(0, at - 200), at + 100)
            self.require(False, f"{what} is another state:\n{left[around]!r}\n{right[around]!r}")

    # --- leaks ----------------------------------------------------------------------------------------------------

    def _nothing_leaks(self) -> None:
        """As much as the config asks for, whatever happened: else a daemon that runs for a year does not."""
        config = self.world.operator.config
        reals = {(id, real) for id, one in self.state.fleet.balancers.items() for real in one.reals}
        actors = Counter(ref.actor_class.__name__ for ref in ActorRegistry.get_all())
        expected = Counter(
            {
                "Supervisor": 1,
                "Applier": 1,
                "Router": 1,
                "Drains": 1,
                "Watchdog": 1,
                "BalancerActor": len(config.balancers),
                "Checker": len(reals),
            }
        )
        self.require(actors == expected, f"actors: {actors}, expected {expected}")
        recorder = self.process.recorder
        assert recorder is not None
        self.require(set(recorder._runs) == reals, "outcome runs are not those of the reals")
        self.require(set(self.process.parts.checked) == reals, "counts are not those of the reals")
        sources = {(balancer.id, pool.id) for balancer in config.balancers for pool in balancer.pools}
        self.require(set(self.process.parts.sources) == sources, "counts are not those of the sources")
        for subscribers in recorder._subscribers.values():
            self.require(all(ref.is_alive() for ref in subscribers), "facts are told to an actor that is gone")
            self.require(len(set(subscribers)) == len(subscribers), "facts are told twice to the same actor")
        self.require(len(self.process.prober) == len(reals), f"{len(self.process.prober)} probes are scheduled")
        self.require(len(self.process.vigil) <= len(reals), "too many idle connections")
        tasks = self.process.loop.tasks
        asking = sum("_resolve_names" in repr(task.get_coro()) for task in tasks)  # at the moment, as they do for ever
        reading = sum("_ask_source" in repr(task.get_coro()) for task in tasks)
        at_work = min(asking, len(config.balancers)) + min(reading, len(sources))
        self.require(len(tasks) == 1 + at_work, f"tasks: {tasks}")
        self.require(self.process.files.left_open == HOST_PORTS, f"{self.process.files.left_open} open descriptors")
