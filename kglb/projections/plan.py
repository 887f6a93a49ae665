"""From what is to what should be: typed operations in a safe order, each with the record that caused it.

    1  add services with their destinations         so that a new address never meets a missing service
    2  add addresses
    3  change services in place                     SET_SERVICE: deleting and adding the same key would be an outage
    4  per service: add, change, delete destinations   new reals carry traffic before old ones go
    5  delete services
    6  delete addresses                             only those that were not there before us

(KgLb's manager.go, CONFORMANCE section F, but that KgLb deletes and adds a service whose scheduler or flags change.)
"""

import msgspec

from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
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
from kglb.projections.dataplane import Dirty, Holding


class Planned(msgspec.Struct, frozen=True):
    """An operation and the seq of the record that makes it necessary."""

    operation: Operation
    cause: int


def plan(actual: Holding, desired: Holding, dirty: Dirty) -> list[Planned]:
    """What leads from actual to desired where they may differ. Work is proportional to ``dirty``."""
    additions: list[Planned] = []
    changes: list[Planned] = []
    deletions: list[Planned] = []
    whole: set[ServiceId] = set()
    for id, cause in dirty.services.items():
        wanted, held = desired.services.get(id), actual.services.get(id)
        if wanted is not None and held is None:
            whole.add(id)
            additions.append(Planned(AddService(wanted), cause))
            additions += [
                Planned(AddDestination(id, destination), cause) for destination in desired.destinations[id].values()
            ]
        elif wanted is None and held is not None:
            deletions.append(Planned(DeleteService(id), cause))
        elif wanted is not None and wanted != held:
            changes.append(Planned(ChangeService(wanted), cause))
    destinations = [
        step
        for id, marks in dirty.destinations.items()
        if id not in whole and id in desired.services and id in actual.services
        for step in _destinations(id, actual.destinations[id], desired.destinations[id], marks)
    ]
    added, deleted = _addresses(actual, desired, dirty)
    return additions + added + changes + destinations + deletions + deleted


def _destinations(
    id: ServiceId,
    actual: dict[RealId, Destination],
    desired: dict[RealId, Destination],
    marks: dict[RealId, int],
) -> list[Planned]:
    add: list[Planned] = []
    change: list[Planned] = []
    delete: list[Planned] = []
    for real, cause in marks.items():
        wanted, held = desired.get(real), actual.get(real)
        if wanted == held:
            continue
        if wanted is None:
            delete.append(Planned(DeleteDestination(id, real), cause))
        elif held is None:
            add.append(Planned(AddDestination(id, wanted), cause))
        else:
            change.append(Planned(ChangeDestination(id, wanted), cause))
    return add + change + delete


def _addresses(actual: Holding, desired: Holding, dirty: Dirty) -> tuple[list[Planned], list[Planned]]:
    add: list[Planned] = []
    delete: list[Planned] = []
    for key, cause in dirty.addresses.items():
        wanted, held = desired.addresses.get(key), actual.addresses.get(key)
        if wanted is not None and held is None:
            add.append(Planned(AddAddress(wanted[0]), cause))
        elif wanted is None and held is not None and held[1]:
            delete.append(Planned(DeleteAddress(held[0]), cause))
    return add, delete
