"""The sources of one balancer's pools: asked again and again, each by itself, so that one that hangs delays no other.

It says what a source named, and when it is time to ask again; what becomes of that it neither decides nor records.
"""

from typing import NamedTuple

from kglb.actors.parts import Parts, Resolve
from kglb.actors.runtime import Alarm, LoopActor
from kglb.checks.counts import SourceCounts
from kglb.checks.resolve import NoRecordError
from kglb.config.targets import Targets
from kglb.decisions import families
from kglb.model import Balancer, Endpoint, Member, Pool, ServiceId
from kglb.model.endpoint import split_host_port

FILE_INTERVAL = 1.0
"""Seconds after which it is looked again whether a file has changed."""


class AskSource(NamedTuple):
    """Command: it is time to ask the source of a pool again."""

    pool: str


class Answer(NamedTuple):
    """Whom a source names. It is ``old`` if that is what the same file said before."""

    members: tuple[Member, ...]
    old: bool = False


class Pools:
    """Has the balancer told when a source is to be asked."""

    def __init__(self, balancer: LoopActor, parts: Parts, service: ServiceId) -> None:
        self._balancer = balancer
        self._parts = parts
        self._service = service
        self._due: dict[str, Alarm] = {}
        self._files: dict[str, Targets] = {}

    def configure(self, config: Balancer) -> None:
        """Ask the sources of these pools from now on, each at once."""
        for alarm in self._due.values():
            alarm.cancel()
        self._files.clear()
        self._due = {pool.id: Alarm(self._balancer, AskSource(pool.id)) for pool in config.pools}
        for alarm in self._due.values():
            alarm.set(0.0)
        for key in [key for key in self._parts.sources if key[0] == self._service and key[1] not in self._due]:
            del self._parts.sources[key]

    def forget(self) -> None:
        """Nobody asks any more."""
        for pool in self._due:
            self._parts.sources.pop((self._service, pool), None)

    def wait(self, config: Balancer, pool: Pool) -> None:
        """Ask a source again when its time comes."""
        self._due[pool.id].set(FILE_INTERVAL if pool.kind == "file" else config.resolve_interval)

    def last_answer(self, pool: Pool) -> float | None:
        """When a source last named somebody, in seconds since the epoch; None if it never did to this daemon."""
        return self._parts.sources[self._service, pool.id].answered

    async def ask(self, config: Balancer, pool: Pool) -> Answer:
        """Whom a source names now. Raises OSError with a sentence that says why it names nobody."""
        known = self._parts.sources.setdefault((self._service, pool.id), SourceCounts())
        try:
            answer = await self._answer(config, pool)
        except OSError:
            known.failures += 1
            raise
        known.answered = self._parts.wall()
        return answer

    async def _answer(self, config: Balancer, pool: Pool) -> Answer:
        if pool.kind == "dns":
            return Answer(await look_up(config, pool, self._parts.resolve))
        return await self._read(config, pool)

    async def _read(self, config: Balancer, pool: Pool) -> Answer:
        seen = self._files.get(pool.id)
        read = await self._parts.files.call(self._parts.read_targets, pool.place, seen and seen.stamp)
        targets = read or seen
        assert targets is not None, "a file that was not seen before is new"
        self._files[pool.id] = targets
        return Answer(listed(config, pool, targets), old=read is None)


async def look_up(config: Balancer, pool: Pool, resolve: Resolve) -> tuple[Member, ...]:
    """Whom a name stands for. Raises OSError with a sentence that says why for nobody."""
    host, port = split_host_port(pool.place)
    found: list[Member] = []
    missing: NoRecordError | None = None
    for ipv6 in families(config, pool):
        try:
            found += [Member(Endpoint(one, port).id) for one in await resolve(host, ipv6)]
        except NoRecordError as error:  # of one family: there may be some of the other
            missing = error
    if not found:
        raise missing or OSError(f"{host} has no address")
    return tuple(found)


def listed(config: Balancer, pool: Pool, targets: Targets) -> tuple[Member, ...]:
    """Whom a file lists. Raises OSError with a sentence that says why nobody of it can be a real."""
    if problem := targets.problem or _unreachable(targets, families(config, pool)):
        raise OSError(problem)
    return targets.members


def _unreachable(targets: Targets, usable: tuple[bool, ...]) -> str:
    """Which target is of a family that cannot be reached, in words; empty if none is."""
    for one in targets.members:
        if one.real.startswith("[") not in usable:
            found, expected = ("IPv6", "IPv4") if one.real.startswith("[") else ("IPv4", "IPv6")
            return f"{one.real} is {found}, and only {expected} reals can be reached and checked here"
    return ""
