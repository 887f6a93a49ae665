"""What ``plan --probe`` asks: every real of a config once, by its balancer's check, before a daemon does.

The daemon's own prober asks, at its pace and within its bounds, and its resolver finds names. Nothing is recorded and
nothing decided: for a real to come up takes ``rise`` such answers. Where checks go through the VIP the reals are asked
straight, as no mark leads to a real that the kernel does not have.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from kglb.actors.parts import Resolve
from kglb.actors.pools import listed, look_up
from kglb.actors.scrubbing import scrubber
from kglb.actors.turns import Turns
from kglb.checks.gate import Gate
from kglb.checks.make import make_probe
from kglb.checks.outcome import Outcome, Status
from kglb.checks.probe import Probe
from kglb.checks.prober import Prober
from kglb.config.targets import read_targets
from kglb.decisions import is_name, members
from kglb.model import Balancer, Config, Member, Pool, RealId, SecretRef, ServiceId, parse_endpoint
from kglb.model.endpoint import split_host_port
from kglb.projections import FleetState, name_key, pool_key
from kglb.replay.names import Names

AT_ONCE = 100
"""Probes of a balancer, and names of all, that are asked at once, but for a ``concurrency`` of its own."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a real said. ``real`` is empty for a name without an address and a pool without a member, ``latency`` in
    seconds; ``up`` is what the journal last believed of it, None if it knows no such real.
    """

    balancer: str
    service: ServiceId
    real: str
    host: str
    status: Status
    reason: str
    detail: str
    latency: float
    up: bool | None


class _Name(NamedTuple):
    """The address that a name has, empty for none, and what the resolver complains of."""

    address: str
    error: str


class _Named(NamedTuple):
    """The members that a pool has, and why its source names none."""

    members: dict[RealId, Member]
    error: str


class _Found(NamedTuple):
    """What names and sources say, by their keys."""

    names: Mapping[str, _Name]
    pools: Mapping[str, _Named]


class _Asked(NamedTuple):
    balancer: Balancer
    real: str
    host: str
    outcome: asyncio.Future[Outcome]


async def ask(
    config: Config, secrets: Mapping[SecretRef, str], known: FleetState, resolve: Resolve
) -> tuple[Answer, ...]:
    """Ask all, and return once each has answered or its check's timeout has passed. Raises OSError for a CA file that
    cannot be used.
    """
    found = _Found(await _names(config, known, resolve), await _pools(config, known, resolve))
    labels, scrub = Names(config.balancers), scrubber(secrets.values())
    prober, turns = Prober(), Turns()
    answers = []
    try:
        asked = [one for balancer in config.balancers for one in _begin(balancer, secrets, found, prober, turns)]
        for balancer, real, host, answered in asked:
            outcome, state = await answered, known.real(balancer.id, RealId(real))
            answer = Answer(
                balancer=labels.label(balancer.id),
                service=balancer.id,
                real=real,
                host=host,
                status=outcome.status,
                reason=outcome.reason,
                detail=scrub(outcome.detail),
                latency=round(outcome.latency, 6),
                up=None if state is None else state.healthy,
            )
            answers.append(answer)
    finally:
        await prober.close()
    return tuple(answers)


def _begin(
    balancer: Balancer, secrets: Mapping[SecretRef, str], found: _Found, prober: Prober, turns: Turns
) -> Iterator[_Asked]:
    """Have the reals of a balancer asked; what has no address, or no member, has answered."""
    loop = asyncio.get_running_loop()
    gate = Gate[Probe](balancer.concurrency or AT_ONCE)
    wanted = members(
        balancer,
        lambda host: found.names[name_key(balancer.id, host)].address,
        lambda pool: found.pools[pool_key(balancer.id, pool.id)].members,
    )
    for real, entry in wanted.items():
        answered: asyncio.Future[Outcome] = loop.create_future()
        probe = make_probe(
            balancer.check, parse_endpoint(real), answered=answered.set_result, gate=gate, secrets=secrets
        )
        prober.schedule(probe, turns.take(loop.time()))
        yield _Asked(balancer, real, entry.host, answered)
    for entry in balancer.reals:
        name = found.names.get(name_key(balancer.id, entry.host))
        if name is not None and not name.address:
            yield _nobody(balancer, entry.host, "no address", name.error)
    for pool in balancer.pools:
        named = found.pools[pool_key(balancer.id, pool.id)]
        if not named.members:
            yield _nobody(balancer, pool.id, "no member", named.error)


def _nobody(balancer: Balancer, host: str, reason: str, error: str) -> _Asked:
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    answered.set_result(Outcome("unknown", reason, error, 0.0, 0.0, 0.0))
    return _Asked(balancer, "", host, answered)


async def _names(config: Config, known: FleetState, resolve: Resolve) -> dict[str, _Name]:
    """The names in a config by their keys, each with the address that the daemon would choose."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def find(key: str, name: str, *, ipv6: bool) -> tuple[str, _Name]:
        last_good = known.names.get(key, "")
        try:
            async with turn:
                listed = await resolve(name, ipv6)
        except OSError as refusal:
            return key, _Name(last_good, str(refusal))
        return key, _Name(last_good if last_good in listed else listed[0], "")

    searches = (
        find(name_key(balancer.id, entry.host), split_host_port(entry.host)[0], ipv6=balancer.service.key.ipv6)
        for balancer in config.balancers
        for entry in balancer.reals
        if is_name(entry)
    )
    return dict(await asyncio.gather(*searches))


async def _pools(config: Config, known: FleetState, resolve: Resolve) -> dict[str, _Named]:
    """The pools in a config by their keys, each with whom its source names, or, while it names nobody, named last."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def find(balancer: Balancer, pool: Pool) -> tuple[str, _Named]:
        try:
            async with turn:
                named = await _source(balancer, pool, resolve)
        except OSError as refusal:
            return pool_key(balancer.id, pool.id), _Named(known.members_of(balancer.id, pool) or {}, str(refusal))
        return pool_key(balancer.id, pool.id), _Named({one.real: one for one in named}, "")

    searches = (find(balancer, pool) for balancer in config.balancers for pool in balancer.pools)
    return dict(await asyncio.gather(*searches))


async def _source(balancer: Balancer, pool: Pool, resolve: Resolve) -> tuple[Member, ...]:
    if pool.kind == "dns":
        return await look_up(balancer, pool, resolve)
    targets = read_targets(pool.place, None)
    assert targets is not None, "nothing was seen before"
    return listed(balancer, pool, targets)
