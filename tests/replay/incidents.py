"""The journal of an evening on which much goes wrong: many balancers, a rack that fails, a flapping real, drift."""

import random
from pathlib import Path

from kglb.events import BalancerDecided, DriftFound, OperationFailed, RealAdded
from kglb.model import ChangeDestination, DeleteDestination, Destination, RealId, ServiceId
from tests.projections.builders import balancer
from tests.replay.journals import Fleet, JournalBuilder

NAMES = ("web", "api", "static", "login", "search", "mail", "images", "video", "cart", "pay")


class Member(Fleet):
    """One of several balancers of one daemon."""

    def __init__(self, first: Fleet, id: ServiceId) -> None:
        self.builder = first.builder
        self.id = id
        self.config = first.builder.state.fleet.balancers[id].config
        self.reals = [RealId(entry.host) for entry in self.config.reals]

    def fails(self, real: RealId, reason: str = "refused", detail: str = "") -> None:
        """A real goes down, and its balancer falls back on everything when it was the last."""
        run = self.flip(real, "failure", reason, detail)
        health = self.judge(real, streak=-2, run=run)
        known = self.builder.state.fleet.balancers[self.id]
        weights = {real: 0} if known.alive else {name: state.configured for name, state in known.reals.items()}
        self.decide("available" if known.alive else "failsafe", weights, health)
        self.apply()

    def recovers(self, real: RealId) -> None:
        """A real comes back; with the first one, the failsafe ends."""
        run = self.flip(real, "success")
        health = self.judge(real, streak=3, run=run)
        known = self.builder.state.fleet.balancers[self.id]
        weights = {name: state.configured if state.healthy else 0 for name, state in known.reals.items()}
        changed = {name: weight for name, weight in weights.items() if known.reals[name].weight != weight}
        self.decide("available", changed, health)
        self.apply()


def evening(directory: Path, *, balancers: int = 20, reals: int = 25, seed: int = 1) -> JournalBuilder:
    """Two hours of ``balancers`` with so many ``reals`` each."""
    configs = [
        balancer(
            ServiceId(f"tcp://192.168.100.{number + 10}:443"),
            reals,
            name=NAMES[number % len(NAMES)] + (f"-{number // len(NAMES) + 1}" if number >= len(NAMES) else ""),
            address=None,
        )
        for number in range(balancers)
    ]
    builder = JournalBuilder(directory)
    first = Fleet(builder, configs[0], *configs[1:])
    members = [Member(first, config.id) for config in configs]
    for member in members:
        _begin(member)
    builder.passes(minutes=20)
    rng = random.Random(seed)
    _rack_fails(builder, members[: max(1, balancers // 3)], rng)
    _flaps(builder, members[-1], rng)
    _drift(builder, members[0])
    _last_one_down(builder, members[1 % balancers])
    builder.passes(minutes=15)
    _rack_fails(builder, [members[balancers // 2]], rng)
    builder.passes(minutes=20)
    members[0].fails(members[0].reals[0], reason="answer", detail="<script>alert(1)</script>")
    return builder


def _begin(member: Member) -> None:
    record = member.builder.record
    for entry in member.config.reals:
        real = RealId(entry.host)
        record(RealAdded(service=member.id, real=real, entry=entry, healthy=True, basis="adopted"))
        member.flip(real, "success")
    up = member.builder.state.fleet.balancers[member.id]
    weights = {name: state.configured for name, state in up.reals.items()}
    decided = BalancerDecided(
        service=member.id,
        balancer=member.config.name,
        mode="available",
        alive=up.alive,
        total=up.total,
        weights=weights,
        seen=member.builder.seq,
    )
    record(decided)
    member.apply()


def _rack_fails(builder: JournalBuilder, members: list[Member], rng: random.Random) -> None:
    gone = [(member, real) for member in members for real in member.reals[: 1 + len(member.reals) // 4]]
    for member, real in gone:
        builder.passes(seconds=rng.uniform(0.1, 2))
        member.fails(real, reason="unreachable", detail="no route to host")
    builder.passes(minutes=9)
    for member, real in gone:
        builder.passes(seconds=rng.uniform(0.1, 6))
        member.recovers(real)
    builder.passes(minutes=6)


def _flaps(builder: JournalBuilder, member: Member, rng: random.Random) -> None:
    for _ in range(12):
        member.fails(member.reals[2])
        builder.passes(seconds=rng.uniform(8, 40))
        member.recovers(member.reals[2])
        builder.passes(seconds=rng.uniform(10, 60))


def _drift(builder: JournalBuilder, member: Member) -> None:
    real = member.reals[-1]
    changes = (
        DeleteDestination(member.id, real),
        ChangeDestination(member.id, Destination(real=member.reals[-2], weight=7)),
    )
    builder.record(DriftFound(changes=changes))
    refused = ChangeDestination(member.id, Destination(real=real, weight=1000))
    builder.record(OperationFailed(operation=refused, errno=2, error="No such file or directory"))
    member.apply()
    builder.passes(minutes=3)


def _last_one_down(builder: JournalBuilder, member: Member) -> None:
    for real in member.reals:
        builder.passes(seconds=1.5)
        member.fails(real)
    builder.passes(minutes=4)
    for real in member.reals:
        builder.passes(seconds=3)
        member.recovers(real)
