"""Invariants about what is done to the kernel: only to what is ours, and never for the worse."""

import math

from kglb.actors.recorder import WRITE_DEADLINE
from kglb.model import (
    AddAddress,
    Address,
    Balancer,
    ChangeDestination,
    DeleteAddress,
    DeleteService,
    Operation,
    Real,
    RealId,
    ServiceId,
)
from kglb.model.operations import service_of
from sim.balancers import by_real, is_ours, says_weights
from sim.excuses import LATEST
from sim.witness.facts import Facts
from sim.witness.reaction import REACTION
from sim.witness.testimony import Testimony
from sim.world import World


class Deeds:
    """Sees every operation of the daemon. ``operations`` counts them.

    ``unwritten`` are the reals whose weight in the kernel no disk knows of.
    """

    def __init__(self, world: World, testimony: Testimony, facts: Facts) -> None:
        self._world = world
        self._excuses = world.excuses
        self._testimony = testimony
        self._facts = facts
        self.operations = 0
        self._added: dict[Address, float] = {}
        self._before: dict[RealId, int] = {}
        self.unwritten: set[tuple[ServiceId, RealId]] = set()
        self._given: dict[tuple[ServiceId, RealId], int] = {}
        self._served: set[ServiceId] = set()

    def process_started(self) -> None:
        """Whether a service has served is to be seen anew: a clean stop forgets it."""
        self._served.clear()
        wanted = {balancer.address for balancer in self._world.operator.config.balancers}
        self._added = {address: math.inf for address in self._excuses.unrecorded if address in wanted}
        self._excuses.unrecorded -= wanted

    def adopted(self, seq: int) -> None:
        """The process has recorded what it found."""
        self._added = dict.fromkeys(self._added, seq)

    def killed(self, written: int) -> None:
        """The process is gone; the disk has its records up to this one.

        A weight is unwritten if its decision is, and the record by which the real had none before is not.
        """
        self.unwritten |= {one for one, seq in self._given.items() if seq > written >= self._facts.none_since(*one)}
        self._given.clear()
        self._excuses.unrecorded |= {address for address, config in self._added.items() if config > written}

    def rebooted(self) -> None:
        """The kernel is empty."""
        self._excuses.unrecorded.clear()
        self.unwritten.clear()
        self._given.clear()
        self._served.clear()

    def performing(self, operation: Operation) -> None:
        """Remember what it changes, and whether it may be done yet."""
        id = service_of(operation)
        held = self._world.kernel.held(id) if id is not None else {}
        self._before = {RealId(real): one.weight for real, one in held.items()}
        if isinstance(operation, ChangeDestination) and id is not None:
            self._is_written(id, operation.destination.real, operation.destination.weight)

    def performed(self, operation: Operation) -> None:
        """Only what is ours, and nothing from a healthy real."""
        self.operations += 1
        self._facts.done[operation] += 1
        id = service_of(operation)
        self._is_ours(operation, id)
        match operation:
            case AddAddress(address):
                self._added[address] = self._world.process.state.fleet.config_seq
            case DeleteService(service_id):
                self._is_unwanted(service_id)
            case ChangeDestination(service_id, destination):
                self._facts.in_force(service_id, destination.real, destination.weight)
        if id is not None and not id.startswith("fwmark"):
            self._weights_changed(id)

    def forgotten(self, operation: Operation) -> None:
        """A deletion that the kernel only acknowledged leaves what nobody can know to be ours."""
        self._facts.done[operation] += 1
        self._excuses.stranger_edited()
        if isinstance(operation, DeleteAddress | DeleteService):
            self._excuses.taint("the kernel forgot a deletion")

    # --- invariants -----------------------------------------------------------------------------------------------

    def _is_ours(self, operation: Operation, id: ServiceId | None) -> None:
        """No operation touches a foreign entry: somebody else depends on it."""
        foreign = id is not None and not is_ours(id)
        if isinstance(operation, AddAddress | DeleteAddress):
            foreign = not operation.address.address.startswith("198.18.")
        if foreign:
            raise self._world.violation(f"{operation} touches what is not ours")

    def _is_written(self, id: ServiceId, real: RealId, weight: int) -> None:
        """An effect waits for the write of its cause, 50 ms at most: else a crash leaves what nobody can explain."""
        recorder = self._world.process.recorder
        seq, decided = self._facts.decided.get((id, real), {}).get(weight, (0, 0.0))
        if recorder is None or recorder.degraded or self._before.get(real) == weight:
            return
        if recorder.last_seq - recorder.unwritten < seq and self._world.now - decided < WRITE_DEADLINE - 0.001:
            raise self._world.violation(f"{id} {real}: weight {weight} is in force, record {seq} is not written")

    def _is_unwanted(self, id: ServiceId) -> None:
        """A service that the config has is changed in place: deleting it and adding it again is an outage."""
        config = self._world.process.state.fleet.config
        configs = [one for one in (config, self._world.operator.config) if one is not None]
        wanted = all(any(balancer.id == id for balancer in one.balancers) for one in configs)
        if wanted and not self._facts.stopping:
            raise self._world.violation(f"{id} is deleted, though the config has it")

    def _weights_changed(self, id: ServiceId) -> None:
        after = {RealId(real): one.weight for real, one in self._world.kernel.held(id).items()}
        for real, weight in self._before.items():
            if weight > 0 and not after.get(real):
                self._outlives(id, real)
                self._lowered(id, real)
        for real, weight in after.items():
            if weight > 0 and not self._before.get(real):
                self._given[id, real] = self._facts.given.get((id, real), 0)
                self._raised(id, real)
        serves = any(after.values())
        self._still_serves(id, serves)
        if any(self._before.values()) and not serves:
            self._hands_over(id)

    def _hands_over(self, id: ServiceId) -> None:
        """Nobody stops serving before somebody who is to serve does, whatever the kernel refuses."""
        state = self._world.process.state
        balancer = state.fleet.balancers.get(id)
        if balancer is None or balancer.config.when_all_down == "fail_closed" or self._is_edited():
            return
        desired = state.data_plane.desired.destinations.get(id, {})
        if any(one.weight for one in desired.values()) and not self._excuses.tainted:
            raise self._world.violation(f"{id}: nothing serves any more, and somebody is to")

    def _outlives(self, id: ServiceId, real: RealId) -> None:
        """What a daemon gave and could not write, its successor takes only for what probes say to itself.

        A backup is not among it: by the journal the primaries serve, and are believed until their probes fail.
        """
        self._given.pop((id, real), None)
        self._facts.taken[id, real] = math.inf  # until it is recorded
        if (id, real) not in self.unwritten:
            return
        self.unwritten.discard((id, real))
        if self._facts.stopping or self._excuses.tainted or self._excuses.is_steered or self._is_backup(id, real):
            return
        if self._testimony.of(id, real).failed < self._excuses.started and self._is_configured(id, real):
            raise self._world.violation(f"{id} {real}: its weight, which no record accounts for, is taken unasked")

    def _lowered(self, id: ServiceId, real: RealId) -> None:
        """Nobody takes traffic from a healthy real but the operator, or from a backup but for a primary."""
        if self._facts.stopping or self._excuses.tainted or self._excuses.is_lenient:
            return
        if not self._passes(id, real) or not self._is_configured(id, real):
            return
        entries = self._in_rotation(id)
        others = [other for other, entry in entries.items() if not entry.backup]
        if real in entries and (not entries[real].backup or all(self._fails(id, other) for other in others)):
            raise self._world.violation(f"{id} {real}: its weight is taken though its probes pass")

    def _is_edited(self) -> bool:
        """Whether a stranger has changed what is ours so lately that it may still have its effects."""
        return self._world.now - self._excuses.edited < LATEST

    def _passes(self, id: ServiceId, real: RealId) -> bool:
        """Whether a real is up beyond doubt: it has passed for so long that any effect of it must be there."""
        said = self._testimony.of(id, real)
        return said.streak > 0 and self._world.now - said.failed > LATEST

    def _has_passed(self, id: ServiceId, real: RealId) -> bool:
        """Whether a real is up beyond doubt, and has been for long enough that the kernel may know of it.

        The members of a pool may all be new, and the first of them to pass does so while they are sent traffic.
        """
        said = self._testimony.of(id, real)
        return self._passes(id, real) and self._world.now - said.passing_since > REACTION

    def _fails(self, id: ServiceId, real: RealId) -> bool:
        """Whether a real is down beyond doubt."""
        said = self._testimony.of(id, real)
        return said.streak < 0 and self._world.now - said.passed > LATEST

    def _balancer(self, id: ServiceId) -> Balancer | None:
        return next((one for one in self._world.operator.config.balancers if one.id == id), None)

    def _entries(self, id: ServiceId) -> dict[RealId, Real]:
        balancer = self._balancer(id)
        return {} if balancer is None else by_real(balancer, self._world.names.addresses)

    def _is_backup(self, id: ServiceId, real: RealId) -> bool:
        entry = self._entries(id).get(real)
        return entry is not None and entry.backup

    def _in_rotation(self, id: ServiceId) -> dict[RealId, Real]:
        """Those that no operator has drained."""
        balancer = self._world.process.state.fleet.balancers.get(id)
        aside = {real for real, known in balancer.reals.items() if not known.in_rotation} if balancer else set()
        return {real: entry for real, entry in self._entries(id).items() if real not in aside}

    def _is_configured(self, id: ServiceId, real: RealId) -> bool:
        balancer, entry = self._balancer(id), self._entries(id).get(real)
        return balancer is not None and not says_weights(balancer) and entry is not None and entry.weight > 0

    def _raised(self, id: ServiceId, real: RealId) -> None:
        """Nobody sends traffic to a real that fails, or that was never seen up, unless too many others fail, too."""
        if self._excuses.tainted or self._is_edited():
            return
        self._stands_in(id, real)
        said = self._testimony.of(id, real)
        never = said.passed == float("-inf")
        if said.streak > 0 or self._world.now - said.passed < LATEST or (self._excuses.is_lenient and not never):
            return
        entries = self._in_rotation(id)
        is_found = real in entries and bool(entries[real].pool)
        passes = self._has_passed if is_found else self._passes
        passing = [other for other in entries if other != real and passes(id, other)]
        if passing and not self._is_too_few(id, passing):
            raise self._world.violation(f"{id} {real}: traffic is sent to it though its probes fail and others' pass")

    def _is_too_few(self, id: ServiceId, passing: list[RealId]) -> bool:
        """Whether so few primaries pass beyond doubt, and no backup, that all may get traffic. Who passes for the first
        time may not have passed often enough.
        """
        balancer, entries = self._balancer(id), self._in_rotation(id)
        up = [
            entries[real] for real in passing if self._world.now - self._testimony.of(id, real).passing_since > REACTION
        ]
        if balancer is None or any(entry.backup for entry in up):
            return False
        total = sum(not entry.backup for entry in entries.values())
        return len(up) / total < balancer.fail_open_below

    def _stands_in(self, id: ServiceId, real: RealId) -> None:
        """A backup gets no traffic while a primary is up, nor at a start while one may still turn out to be."""
        entries = self._in_rotation(id)
        if real not in entries or not entries[real].backup:
            return
        others = [other for other, entry in entries.items() if not entry.backup]
        if not self._excuses.is_lenient and any(self._passes(id, other) for other in others):
            raise self._world.violation(f"{id} {real}: a backup gets traffic though a primary's probes pass")
        if id not in self._served and self._world.now - max(self._excuses.configured, self._excuses.moved) > LATEST:
            self._is_not_awaited(id, real, others)

    def _is_not_awaited(self, id: ServiceId, backup: RealId, primaries: list[RealId]) -> None:
        """No start goes through the sorry server; who has no address, or no way through the VIP, is not waited for."""
        balancer = self._world.process.state.fleet.balancers.get(id)
        if balancer is None or balancer.config.fwmark_checks:
            return
        decided = balancer.reals[backup].weight_seq
        known = [
            real for real in primaries if real in balancer.reals and 0 < balancer.reals[real].weight_seq <= decided
        ]
        unheard = [real for real in known if not self._testimony.of(id, real).streak]
        if unheard:
            raise self._world.violation(f"{id} {backup}: a backup gets traffic before {unheard[0]} has been heard of")

    def _still_serves(self, id: ServiceId, serves: bool) -> None:
        """Under fail_open a service that has served does not stop serving by our hand, however many reals fail."""
        if serves:
            self._served.add(id)
            return
        balancer = self._balancer(id)
        if balancer is None or id not in self._served or self._facts.stopping or self._excuses.tainted:
            return
        if balancer.when_all_down != "fail_open" or any(entry.weight == 0 for entry in balancer.reals):
            return
        if says_weights(balancer):
            return
        if any(self._before.values()) and not self._excuses.is_lenient and not self._is_edited():
            raise self._world.violation(f"{id}: nothing serves any more")
