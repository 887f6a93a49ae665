"""May the daemon do what it has to: capabilities, descriptors, the status address, the files it reads?"""

from collections.abc import Iterator

from kglb.checks.room import RESERVE
from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.model import Balancer, Check, PingCheck, parse_endpoint, parts_of


def may_ping(facts: Facts) -> Iterator[Finding]:
    """An ICMP socket takes CAP_NET_RAW, or a group that the sysctl names (``man 7 icmp``)."""
    pinging = [balancer.name for balancer in facts.config.balancers if any(map(_pings, parts_of(balancer.check)))]
    if pinging and not facts.may_ping:
        yield problem(
            f"{pinging[0]} checks by ping, and there is neither CAP_NET_RAW nor a group in net.ipv4.ping_group_range",
            "the outcome of every such check is unknown",
            fix='sysctl -w net.ipv4.ping_group_range="0 2147483647"',
        )


def _pings(check: Check) -> bool:
    return isinstance(check, PingCheck)


def has_descriptors(facts: Facts) -> Iterator[Finding]:
    """A check under way is a descriptor, and so is a watched real (acassen/keepalived#1173)."""
    needed = RESERVE + sum(map(_descriptors, facts.config.balancers))
    if facts.descriptors < needed:
        yield problem(
            f"{facts.descriptors} open files are allowed, and {needed} are needed if all reals hang at once",
            "checks wait for one another, and failures are noticed late",
            advice=f"LimitNOFILE={needed} in the service's unit, or `ulimit -Hn {needed}` before a start by hand",
        )


def _descriptors(balancer: Balancer) -> int:
    reals = len(balancer.reals)
    under_way = min(reals, balancer.concurrency or reals)
    return under_way + (reals if balancer.check.watch else 0)


def can_listen(facts: Facts) -> Iterator[Finding]:
    """Somebody else on the status address keeps the daemon from starting."""
    listen = facts.config.status.listen
    if facts.status_error and facts.daemon is None:
        port = parse_endpoint(listen).port
        yield problem(
            f"the status address {listen} cannot be used: {facts.status_error}",
            "the daemon cannot start",
            advice=f"`ss -ltnp sport = :{port}` shows who has it; or choose another status.listen",
        )


def has_the_group(facts: Facts) -> Iterator[Finding]:
    """The control socket is given to a group, if the config names one."""
    group = facts.config.control.group
    if facts.config.control.socket and not facts.control_group_is_there:
        fix = f"groupadd --system {group}"
        yield problem(f"there is no group {group} (control.group)", "the daemon cannot start", fix=fix)


def keeps_its_secrets(facts: Facts) -> Iterator[Finding]:
    """Who writes the config decides where traffic goes, and which programs run."""
    for file in facts.files:
        if file.writable_by_others:
            why = "any user of this machine can decide where traffic goes, and what `exec` checks run"
            yield problem(f"everybody may write {file.path}", why, fix=f"chmod o-w {file.path}")
        if file.holds_secrets and file.readable_by_others:
            why = "it has credentials that checks send"
            yield problem(f"everybody may read {file.path}", why, fix=f"chmod o-r {file.path}")


def has_a_helper(facts: Facts) -> Iterator[Finding]:
    """Where nobody answers for ExaBGP, or nobody whom the daemon may ask, nothing is announced."""
    socket, user, of = facts.config.bgp.socket, facts.daemon_user, facts.helper_user
    if facts.config.bgp.engine != "exabgp":
        return
    if of is None:
        yield problem(
            f"no ExaBGP helper at {socket}",
            "no route to a VIP is announced until it runs",
            advice="start ExaBGP with `kglb-actors exabgp-helper` as its process; docs/routes.md says how",
        )
    elif user not in (of, "root"):
        yield problem(
            f"the ExaBGP helper at {socket} runs as {of}, but the daemon as {user}",
            "the daemon cannot open the socket, so no route to a VIP is announced",
            advice=f"run ExaBGP as {user}; docs/routes.md has a unit that does",
        )


def is_running(facts: Facts) -> Iterator[Finding]:
    """Worth knowing: what was looked at may be the daemon's own work."""
    if facts.daemon is not None:
        why = "what it holds (the status address, services in the kernel) is no finding"
        yield note(f"a daemon (process {facts.daemon}) writes this journal", why)


RULES = (may_ping, has_descriptors, can_listen, has_the_group, keeps_its_secrets, has_a_helper, is_running)
