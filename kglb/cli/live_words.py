"""What ``status`` and ``top`` say of the running daemon: troubles, states, spans, each in a few words."""

from collections.abc import Iterator

from kglb.replay.words import listed, plural, printable, verdicts
from kglb.web.config_standing import InForce
from kglb.web.live import LivePool, LiveReal, LiveService, LiveState

TONES = {"up": "good", "failing": "warning", "down": "bad", "recovering": "warning", "waiting": "warning"}
"""The colour of a real's state; those that operators ordered have ``quiet``."""


def troubles(state: LiveState) -> list[str]:
    """What is not as it should be, a sentence each; empty when all is well. A drained real is as it should be."""
    found = [*state.complaints, *_of_config(state)]
    for service in state.balancers:
        found += _of_service(service)
        found += [f"{service.name}: {real.real} is {_trouble(real)}" for real in service.reals if not real.is_well]
    found += [
        f"address {one.address} on {one.interface} is {'not there' if one.wanted else 'not wanted any more'}"
        for one in state.addresses
        if one.wanted != one.in_kernel
    ]
    found += [f"route {one.prefix} is {_of_route(one.wanted)}" for one in state.routes if not one.in_step]
    return [printable(one) for one in found]


def _of_config(state: LiveState) -> Iterator[str]:
    refused = None if state.config is None else state.config.rejected
    if refused is not None:
        more = f" (and {len(refused.errors) - 1} more)" if len(refused.errors) > 1 else ""
        ago = span(state.now - refused.at)
        yield f"{refused.source} was rejected {ago} ago, the previous one stays in force: {refused.errors[0]}{more}"


def _of_service(service: LiveService) -> Iterator[str]:
    if service.balancer and service.mode != "available":
        standing = "on its backups" if service.mode == "backup" else mode(service)
        yield f"{service.name} is {standing}, {service.alive} of {service.total} up"
    if not service.in_step:
        yield f"{service.name} {kernel_of(service)}"
    for host, said in service.unresolved.items():
        yield f"{service.name}: {host} has no address: {said}"
    yield from (f"{service.name}: {one.pool} {_trouble_of_pool(one)}" for one in service.pools if not one.is_well)


def _trouble(real: LiveReal) -> str:
    """What is wrong with a real that is not well."""
    return ", ".join(part for part in (real.word, kernel_of_real(real), real.unchecked) if part)


def _trouble_of_pool(pool: LivePool) -> str:
    if pool.error:
        return f"gives no answer, keeping {plural(pool.members, 'member')}: {pool.error}"
    if pool.answer_seq is None:
        return "has not answered yet"
    return (
        f"lacks {pool.lacking} of {plural(pool.members, 'member')}, who stay: more than max_loss of those that are up"
    )


def pool(one: LivePool, now: float) -> str:
    """A pool, how many members it has, and how old the last answer of its source is."""
    age = "not answered since the start" if one.answered is None else f"answered {span(now - one.answered)} ago"
    lacking = f", {one.lacking} of them not named any more" if one.lacking else ""
    return printable(f"{one.pool}: {plural(one.members, 'member')}{lacking}, {age}")


def _of_route(wanted: bool) -> str:
    return "not announced yet" if wanted else "not withdrawn yet"


def mode(service: LiveService) -> str:
    """A balancer's mode."""
    return (service.mode or "undecided").replace("_", " ")


def kernel_of(service: LiveService) -> str:
    """How a service differs in the kernel; empty if it does not."""
    if service.in_step:
        return ""
    if not service.wanted:
        return "is not wanted any more"
    return "differs in the kernel" if service.in_kernel else "is not in the kernel"


def kernel_of_real(real: LiveReal) -> str:
    """How a real differs in the kernel; empty if it does not."""
    if real.in_step:
        return ""
    if real.kernel_weight is None:
        return "not in the kernel"
    if real.weight is None:
        return "not wanted any more"
    return f"with weight {real.kernel_weight} in the kernel"


def says(real: LiveReal) -> str:
    """What people and checks have to say of a real, what matters most first."""
    checks = verdicts(real.streak) if real.streak else "no answer yet" if real.condition is not None else ""
    failing = f"{real.why}, {checks}" if real.why else checks
    role = "backup" if real.backup else ""
    parts = (role, real.out_of_rotation, real.unchecked, kernel_of_real(real), failing, real.slow_start, real.weighed)
    return printable("; ".join(part for part in parts if part))


def weight(real: LiveReal) -> str:
    """The weight that is wanted, and the kernel's where that is another."""
    wanted = "-" if real.weight is None else str(real.weight)
    return wanted if real.weight == real.kernel_weight else f"{wanted} (kernel {number(real.kernel_weight)})"


def number(value: int | None) -> str:
    """A number, or that there is none."""
    return "-" if value is None else str(value)


def milliseconds(seconds: float | None) -> str:
    """How long something took."""
    return "-" if seconds is None else f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def span(seconds: float | None) -> str:
    """A span in its two largest units: ``40 s``, ``12 min``, ``3 h 5 min``, ``2 d``."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole // 60} min"


def headline(state: LiveState) -> str:
    """Which daemon this is, and how long it has run."""
    running = f"stopping ({state.stopped})" if state.stopped else f"running for {span(state.now - state.started)}"
    return f"{state.host}: kglb-actors {state.version}, {running}"


def journal(state: LiveState) -> str:
    """The journal and its disk."""
    kept = state.journal
    if kept.degraded:
        return f"degraded: {kept.degraded} ({plural(kept.unwritten, 'record')} not written)"
    waiting = f", {kept.unwritten} not written yet" if kept.unwritten else ""
    synced = "" if kept.sync_seconds is None else f", a sync takes {milliseconds(kept.sync_seconds)}"
    room = "" if kept.disk_free is None else f", {size(kept.disk_free)} free of {size(kept.disk_size or 0)}"
    return f"record {state.seq} in {kept.directory}{waiting}{synced}{room}"


def config(in_force: InForce, now: float) -> str:
    """The config in force, and for how long."""
    return printable(f"{in_force.source}, in force for {span(now - in_force.since)}")


def size(count: int) -> str:
    """``512 B``, ``1.5 GiB``: bytes in the unit that leaves one to four digits."""
    value, units = float(count), iter(("B", "KiB", "MiB", "GiB"))
    unit = next(units)
    while value >= 1024 and (larger := next(units, "")):
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if value < 10 and unit != "B" else f"{value:.0f} {unit}"


def kernel(state: LiveState) -> str:
    """What others have done in the kernel, and what there is besides ours."""
    drift = state.drift
    changed = f"{drift.count or 'nothing'} changed by others since the start"
    before = "" if drift.count else " before it"
    last = "" if drift.last is None else f", last{before} {span(state.now - drift.last.at)} ago ({drift.last.text})"
    return printable(f"{changed}{last}; {plural(state.foreign_services, 'foreign service')}")


def addresses(state: LiveState) -> str:
    """Every address, with what is wrong with it."""
    return ", ".join(
        f"{one.address} on {one.interface}"
        + ("" if one.wanted == one.in_kernel else " (not there)" if one.wanted else " (not wanted any more)")
        for one in state.addresses
    )


def routes(state: LiveState) -> list[str]:
    """Every route: where it leads, whose it is, whether it is announced as it should be."""
    return [
        f"{one.prefix}{f' next hop {one.next_hop}' if one.next_hop else ''}"
        f" {'announced' if one.announced else 'not announced'}"
        f"{'' if one.in_step else f' ({_of_route(one.wanted)})'}"
        f"{f' for {listed(one.balancers)}' if one.balancers else ''}"
        for one in state.routes
    ]
