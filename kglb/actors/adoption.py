"""Finds which entries of the machine are ours, at the start and before a reload. Reads only; on the worker thread."""

from collections.abc import Collection

from kglb.dataplane.port import DataPlane
from kglb.events import Adopted, Entry
from kglb.model import AddAddress, Address, Config, Operation, ServiceId
from kglb.projections import Holding, entry_drift


def read_owned(machine: DataPlane, config: Config, known: Holding, desired: Holding, unfinished: bool) -> Adopted:
    """Find what is ours: services that the config names, what this boot's journal says we made (``known``) or were
    about to make when it ended (``desired``), and the services of marks in our range.

    An address is ours only if we made it; one that was there before us is wanted perhaps, but never deleted. If the
    journal is ``unfinished``, what a daemon in this boot did last may not be in it: so one that the config wants is
    ours, too, if it carries our mark and the journal knows nothing of it. (The mark alone does not say so: another
    daemon, with a journal of its own, may use the same address.) One without our mark is not ours any more where all
    of ours had it: somebody has removed it, and put it there again.
    Raises OSError where the machine cannot be read.
    """
    owned = {balancer.id for balancer in config.balancers} | known.services.keys() | desired.services.keys()
    marks = config.marks
    entries = []
    foreign = 0
    for service in machine.services():
        if service.id in owned or service.key.mark in marks:
            entries.append(Entry(service, tuple(machine.destinations(service.id))))
        else:
            foreign += 1
    wanted = {balancer.address for balancer in config.balancers if balancer.address is not None}
    ours = {address for address, made in known.addresses.values() if made}
    ours |= set(desired.addresses_beyond(known))
    present = _present(machine, wanted | ours)
    marked = _marked(machine, wanted | ours)
    if marked is not None and unfinished:
        ours |= {address for address in marked & wanted if str(address) not in known.addresses}
    if marked is not None and known.marked:
        ours -= present - marked
    return Adopted(
        entries=tuple(sorted(entries, key=lambda entry: entry.service.id)),
        addresses=tuple(sorted(present & ours)),
        foreign_addresses=tuple(sorted(present - ours)),
        foreign=foreign,
        marked=marked is not None and present & ours <= marked,
    )


def read_claimed(
    machine: DataPlane, config: Config, known: Holding, desired: Collection[ServiceId]
) -> tuple[Operation, ...]:
    """Before a reload: what stands already at the keys and addresses that ``config`` claims and we do not hold yet, and
    at the services that were ``desired`` until now: an applier may have crashed before it could say that it was done.

    As operations that lead from what is known to what was found. Raises OSError where the machine cannot be read.
    """
    changes: list[Operation] = []
    claimed = dict.fromkeys((*(balancer.id for balancer in config.balancers), *desired))
    for id in claimed:
        if id not in known.services and (service := machine.service(id)) is not None:
            changes += entry_drift(known, id, Entry(service, tuple(machine.destinations(id))))
    if marks := config.marks:
        for service in machine.services():
            if service.key.mark in marks and service.id not in known.services and service.id not in claimed:
                changes += entry_drift(known, service.id, Entry(service, tuple(machine.destinations(service.id))))
    wanted = {balancer.address for balancer in config.balancers if balancer.address is not None}
    unknown = {address for address in wanted if str(address) not in known.addresses}
    return (*changes, *(AddAddress(address) for address in sorted(_present(machine, unknown))))


def _present(machine: DataPlane, candidates: set[Address]) -> set[Address]:
    present: set[Address] = set()
    for interface in {address.interface for address in candidates}:
        present |= machine.addresses(interface)
    return present & candidates


def _marked(machine: DataPlane, candidates: set[Address]) -> set[Address] | None:
    """Those that carry our mark; None where the machine keeps no marks."""
    found: set[Address] = set()
    for interface in {address.interface for address in candidates}:
        if (marked := machine.marked(interface)) is None:
            return None
        found |= marked
    return found & candidates
