"""Vitals, states and readings that the tests of the metrics share."""

from collections.abc import Iterable

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from kglb.events import BalancerDecided, Event, Mode, OperationsApplied, PoolAnswered
from kglb.model import AddDestination, AddService, Destination, Forward, Member, Operation, Pool, RealId, ServiceId
from kglb.projections import State
from kglb.web.exposition import Family, lines
from kglb.web.vitals import Vitals
from tests.projections.builders import WEB, added, applied, balancer, real, real_id, started

WELL = Vitals(
    start_time=1_000_000_000.5,
    started=True,
    probes={"success": 7, "failure": 2, "unknown": 1},
    probes_in_flight=3,
    idle_connections=2,
    probe_lateness=0.25,
    journal_degraded="",
    journal_unwritten=4,
    journal_unsynced=5,
    foreign_services=6,
    log_lines_dropped=8,
)


def vitals(**changes: object) -> Vitals:
    return replace(WELL, **changes)


class Fleet:
    """A state, and the events that made it in order."""

    def __init__(self) -> None:
        self.state = State()
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)
        self.state.fold(len(self.events), event)

    def decide(self, service: ServiceId, mode: Mode, weights: dict[RealId, int]) -> None:
        known = self.state.fleet.balancers[service]
        self.record(
            BalancerDecided(
                service=service,
                balancer=known.config.name,
                mode=mode,
                alive=known.alive,
                total=known.total,
                weights=weights,
                seen=len(self.events),
            )
        )

    def apply(self, *operations: Operation, microseconds: int = 100) -> None:
        self.record(OperationsApplied(operations=operations, causes=(1,) * len(operations), microseconds=microseconds))

    def apply_everything(self) -> None:
        desired = self.state.data_plane.desired
        for service in desired.services.values():
            self.apply(
                AddService(service),
                *(AddDestination(service.id, held) for held in desired.destinations[service.id].values()),
            )


def web_fleet(reals: int = 2, *, name: str = "web", healthy: bool = True) -> Fleet:
    """One balancer whose reals are decided and applied."""
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(balancer(WEB, reals, name=name, address=None)))
    for number in range(reals):
        fleet.record(added(WEB, number, healthy=healthy))
    weight = 1000 if healthy else 0
    fleet.decide(WEB, "available" if healthy else "initial", {real_id(number): weight for number in range(reals)})
    fleet.apply_everything()
    return fleet


def backed_fleet(*, down: bool = False) -> Fleet:
    """One primary, and a backup behind it, which serves if that is ``down``."""
    fleet = Fleet()
    fleet.record(started())
    primary, backup = real(0), replace(real(1), backup=True)
    fleet.record(applied(replace(balancer(WEB, address=None), reals=(primary, backup))))
    fleet.record(added(WEB, 0, healthy=not down))
    fleet.record(replace(added(WEB, 1, healthy=True), entry=backup))
    fleet.decide(WEB, "backup" if down else "available", {real_id(0): 0 if down else 1000, real_id(1): 1000 * down})
    fleet.apply_everything()
    return fleet


POOL = Pool(kind="dns", place="web.example.com:80", weight=1000, forward=Forward())


def pooled_fleet() -> Fleet:
    """One balancer, two members of a pool and nothing else."""
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(replace(balancer(WEB, address=None), reals=(), pools=(POOL,))))
    named = [Member(real_id(number)) for number in range(2)]
    fleet.record(PoolAnswered(service=WEB, pool=POOL.id, members=tuple(named)))
    for number, member in enumerate(named):
        fleet.record(replace(added(WEB, number, healthy=True), entry=POOL.entry(member)))
    fleet.decide(WEB, "available", {member.real: 1000 for member in named})
    fleet.apply_everything()
    return fleet


def destination(number: int, weight: int) -> Destination:
    return Destination(real=real_id(number), weight=weight)


class Reading:
    """An exposition as Prometheus reads it."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, /, **labels: str) -> float | None:
        """The value of one series, None where there is none."""
        return self.samples.get((name, frozenset(labels.items())))


def read(families: Iterable[Family]) -> Reading:
    return Reading("".join(lines(families)))
