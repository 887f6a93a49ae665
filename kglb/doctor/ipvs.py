"""Is the kernel's IPVS there, with the schedulers that the config names, and set as a director needs it?

What each sysctl does is in Linux, Documentation/networking/ipvs-sysctl.rst; what it did to others is cited beside it.
"""

from collections.abc import Iterator

from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import order_of_reals

REUSE_FIXED = (5, 9)
"""From this kernel on, a client's port that comes again is scheduled anew at no cost (Linux f0a5e4d7a594)."""

TUNNELS_SINCE = {"gue": (5, 2), "gre": (5, 3)}
"""The kernels from which on IPVS has these encapsulations."""

CROWDED = 0.9
"""The share of the connection tracking table from which on it is worth a word."""


def is_available(facts: Facts) -> Iterator[Finding]:
    """Without IPVS, or without leave to change it, ``run`` ends at once with exit code 3."""
    if facts.unavailable is not None:
        yield problem(facts.unavailable, "the daemon cannot start", fix=facts.remedy.removeprefix("sudo "))


def has_the_modules(facts: Facts) -> Iterator[Finding]:
    """A service whose scheduler or persistence engine the kernel lacks is refused when it is added.

    Where ip_vs itself is built in, and what else is built in cannot be read, there is nothing to say.
    """
    services = [balancer.service for balancer in facts.config.balancers]
    wanted = {f"ip_vs_{service.scheduler}" for service in services}
    wanted |= {f"ip_vs_pe_{service.engine}" for service in services if service.engine}
    locked = facts.sysctls.get("kernel.modules_disabled", 0) == 1
    for module in sorted(wanted - facts.loaded):
        why = "the kernel refuses a service that needs it, and the VIP does not answer"
        if facts.loadable is not None and module not in facts.loadable:
            advice = "install the kernel's extra modules, or choose another scheduler"
            yield problem(f"the kernel has no module {module}", why, advice=advice)
        elif "ip_vs" in facts.loaded and (facts.loadable is None or locked):
            what = "kernel.modules_disabled is 1" if locked else "this machine has no /lib/modules to load it from"
            advice = "load it where modules can be loaded: on the host of a container, or at boot"
            yield problem(f"the module {module} is not loaded, and {what}", why, advice=advice)


def knows_the_tunnels(facts: Facts) -> Iterator[Finding]:
    """An older kernel takes a gue or gre destination and sends plain IP in IP."""
    used = {forward.tunnel for balancer in facts.config.balancers for forward in balancer.forwards}
    for kind in sorted(used & TUNNELS_SINCE.keys()):
        since = TUNNELS_SINCE[kind]
        if facts.kernel < since:
            yield problem(
                f"kernel {_dotted(facts.kernel)} cannot forward by {kind}, which came with {_dotted(since)}",
                "reals get packets that they cannot unpack",
                advice='use a newer kernel, or forward = "tunnel"',
            )


def reuses_connections(facts: Facts) -> Iterator[Finding]:
    """A client that uses a port again (kubernetes#70747, #81775, #93297)."""
    mode = facts.sysctls.get("net.ipv4.vs.conn_reuse_mode")
    tracked = facts.sysctls.get("net.ipv4.vs.conntrack", 0) == 1
    if mode == 0:
        yield _sysctl(
            facts,
            "net.ipv4.vs.conn_reuse_mode",
            1,
            "a client that uses a port again is sent to the real it had before, even one with weight 0",
        )
    elif mode is not None and tracked and facts.kernel < REUSE_FIXED:
        why = f"before kernel {_dotted(REUSE_FIXED)}, a client that uses a port again waits a second for its connection"
        yield _sysctl(facts, "net.ipv4.vs.conntrack", 0, why)


def lets_go_of_removed_reals(facts: Facts) -> Iterator[Finding]:
    """Connections to a destination that was deleted (acassen/keepalived#2163, kubernetes#71514)."""
    if facts.sysctls.get("net.ipv4.vs.expire_nodest_conn") == 0:
        why = "connections to a real that was removed hang until they time out; with 1 they are reset"
        yield _sysctl(facts, "net.ipv4.vs.expire_nodest_conn", 1, why)


def lets_go_of_persistence(facts: Facts) -> Iterator[Finding]:
    """Persistence templates ignore weight 0 (kubernetes#71809)."""
    persistent = [balancer.name for balancer in facts.config.balancers if balancer.service.persistence]
    if persistent and facts.sysctls.get("net.ipv4.vs.expire_quiescent_template") == 0:
        why = f"{persistent[0]} is persistent: its clients are kept on a real after its weight became 0"
        yield _sysctl(facts, "net.ipv4.vs.expire_quiescent_template", 1, why)


def tracks_connections(facts: Facts) -> Iterator[Finding]:
    """Tracking is for those who filter or translate IPVS's packets by netfilter besides."""
    if facts.sysctls.get("net.ipv4.vs.conntrack") == 1:
        yield note(
            "net.ipv4.vs.conntrack is 1",
            "every connection has a second entry in the kernel, which only netfilter rules on connections need",
            fix="sysctl -w net.ipv4.vs.conntrack=0",
        )
    count = facts.sysctls.get("net.netfilter.nf_conntrack_count", 0)
    most = facts.sysctls.get("net.netfilter.nf_conntrack_max", 0)
    if most and count >= CROWDED * most:
        yield problem(
            f"netfilter's connection table has {count} of at most {most} entries",
            "when the table is full, new connections are dropped, also those of checks",
            fix=f"sysctl -w net.netfilter.nf_conntrack_max={4 * most}",
        )


def hashes_as_a_fresh_start(facts: Facts) -> Iterator[Finding]:
    """The table of a scheduler that hashes follows from the order in which the kernel got the destinations."""
    for balancer in facts.config.balancers:
        held, wanted = facts.orders.get(balancer.id, ()), order_of_reals(balancer)
        both = {*held} & {*wanted}
        if [real for real in held if real in both] == [real for real in wanted if real in both]:
            continue
        yield note(
            f"{balancer.id}: the kernel got its reals in another order than the config's",
            f"{balancer.service.scheduler} maps clients by that order: one that starts now maps some differently",
            advice="if directors share the VIP, stop this one with cleanup, and start it again"
            if balancer.when_down == "quiesce"
            else 'if directors share the VIP, set when_down = "quiesce": a removed real comes back as the newest',
        )


def _sysctl(facts: Facts, name: str, value: int, why: str) -> Finding:
    return problem(f"{name} is {facts.sysctls[name]}", why, fix=f"sysctl -w {name}={value}")


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


RULES = (
    is_available,
    has_the_modules,
    knows_the_tunnels,
    reuses_connections,
    lets_go_of_removed_reals,
    lets_go_of_persistence,
    tracks_connections,
    hashes_as_a_fresh_start,
)
