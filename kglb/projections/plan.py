"""From what is to what should be: typed operations in a safe order, each with the record that caused it.

    1  withdraw routes                              no packet may lose its way later
    2  add services with their destinations         so that a new address never meets a missing service
    3  add addresses
    4  change services in place                     SET_SERVICE: deleting and adding the same key would be an outage
    5  per service: add, change, delete destinations   new reals carry traffic before old ones go
    6  announce routes                              once what they lead to is there
    7  delete services
    8  delete addresses                             only those that were not there before us

Steps 7 and 8 wait for the withdrawal and the hold time of a route that leads there (``Planned.waits_for``); nothing
else does. In step 5 a destination goes on serving until one that is to serve does (``handover``). (KgLb's manager.go,
CONFORMANCE section F, but that KgLb lets everything wait, and deletes and adds a service whose scheduler or flags
change.)
"""

from collections.abc import Iterable

import msgspec

from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    AnnounceRoute,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    Prefixes,
    RealId,
    ServiceId,
    WithdrawRoute,
    parse_service,
)
from kglb.projections.handover import Serving
from kglb.projections.holding import Dirty, Holding


class Planned(msgspec.Struct, frozen=True):
    """An operation and the seq of the record that makes it necessary.

    ``waits_for`` is the prefix of a route that must be withdrawn, and its hold time over, before; empty for none.
    ``hands_over`` says that it would leave nobody to serve: it is to be planned again once another destination does.
    """

    operation: Operation
    cause: int
    waits_for: str = ""
    hands_over: bool = False

    @property
    def waits(self) -> bool:
        """Whether it must not be done yet."""
        return self.hands_over or self.waits_for != ""


def plan(actual: Holding, desired: Holding, dirty: Dirty, serving: Serving, holds: Iterable[str] = ()) -> list[Planned]:
    """What leads from actual to desired where they may differ. Work is proportional to ``dirty``.

    ``serving`` says who may stop serving; ``holds`` are the prefixes of the routes that were withdrawn and whose hold
    time is not over.
    """
    additions: list[Planned] = []
    changes: list[Planned] = []
    deletions: list[Planned] = []
    whole: set[ServiceId] = set()
    leaving = _leaving(actual, desired, holds) if dirty.services or dirty.addresses else Prefixes(())
    for id, cause in dirty.services.items():
        wanted, held = desired.services.get(id), actual.services.get(id)
        if wanted is not None and held is None:
            whole.add(id)
            additions.append(Planned(AddService(wanted), cause))
            additions += [
                Planned(AddDestination(id, destination), cause) for destination in desired.destinations[id].values()
            ]
        elif wanted is None and held is not None:
            deletions.append(Planned(DeleteService(id), cause, _route_to(id, leaving)))
        elif wanted is not None and wanted != held:
            changes.append(Planned(ChangeService(wanted), cause))
    destinations = [
        step
        for id, marks in dirty.destinations.items()
        if id not in whole and id in desired.services and id in actual.services
        for step in _destinations(id, actual.destinations[id], desired.destinations[id], marks, serving)
    ]
    added, deleted = _addresses(actual, desired, dirty, leaving)
    withdrawn, announced = _routes(actual, desired, dirty)
    return withdrawn + additions + added + changes + destinations + announced + deletions + deleted


def _leaving(actual: Holding, desired: Holding, holds: Iterable[str]) -> Prefixes:
    return Prefixes((*holds, *(prefix for prefix in actual.routes if prefix not in desired.routes)))


def _route_to(id: ServiceId, leaving: Prefixes) -> str:
    return leaving.covering(parse_service(id).address) if parse_service(id).address else ""


def _routes(actual: Holding, desired: Holding, dirty: Dirty) -> tuple[list[Planned], list[Planned]]:
    withdraw: list[Planned] = []
    announce: list[Planned] = []
    for prefix, cause in dirty.routes.items():
        wanted, held = desired.routes.get(prefix), actual.routes.get(prefix)
        if wanted is None and held is not None:
            withdraw.append(Planned(WithdrawRoute(held), cause))
        elif wanted is not None and wanted != held:
            announce.append(Planned(AnnounceRoute(wanted), cause))
    return withdraw, announce


def _destinations(
    id: ServiceId,
    actual: dict[RealId, Destination],
    desired: dict[RealId, Destination],
    marks: dict[RealId, int],
    serving: Serving,
) -> list[Planned]:
    add: list[Planned] = []
    change: list[Planned] = []
    delete: list[Planned] = []
    staying = serving.staying(id, actual, desired, marks)
    for real, cause in marks.items():
        wanted, held = desired.get(real), actual.get(real)
        if wanted == held:
            continue
        if wanted is None:
            delete.append(Planned(DeleteDestination(id, real), cause, hands_over=real in staying))
        elif held is None:
            add.append(Planned(AddDestination(id, wanted), cause))
        else:
            change.append(Planned(ChangeDestination(id, wanted), cause, hands_over=real in staying))
    return add + change + delete


def _addresses(
    actual: Holding, desired: Holding, dirty: Dirty, leaving: Prefixes
) -> tuple[list[Planned], list[Planned]]:
    add: list[Planned] = []
    delete: list[Planned] = []
    for key, cause in dirty.addresses.items():
        wanted, held = desired.addresses.get(key), actual.addresses.get(key)
        if wanted is not None and held is None:
            add.append(Planned(AddAddress(wanted[0]), cause))
        elif wanted is None and held is not None and held[1]:
            host = held[0].address.partition("/")[0]
            delete.append(Planned(DeleteAddress(held[0]), cause, leaving.covering(host)))
    return add, delete
