"""keepalived's virtual servers as ``[[balancer]]``s. What has no counterpart is told by name and line, never dropped.

keepalived's defaults are written out, because ours differ: an interval of 60 s, one retry, weight 1, no traffic to
anybody when all are down. Everything but ``virtual_server`` stays keepalived's.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from typing import Any

from kglb.config.foreign.keepalived_checks import (
    CHECKERS,
    TIMERS,
    Check,
    Refuse,
    Times,
    checks_of,
    source_of,
    times_of,
    times_of_all,
    waits_for_silence,
    whole,
    with_todays_names,
)
from kglb.config.foreign.keepalived_text import Block, parse_keepalived
from kglb.config.problems import ConfigError, Problem

_MOST_OF_A_RANGE = 1024
"""Addresses: a service each."""

_FLAGS = ("flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "ops")
_METHODS = {"NAT": "masquerade", "DR": "direct"}
_SUPERFLUOUS = ("alpha", "virtualhost", "warmup", "ip_family", *TIMERS)
"""What is read elsewhere, or holds here anyway: a real is down until its checks pass, and checks are spread."""

_ELSEWHERE = {
    "omega": "data_plane.on_stop says what a stop leaves behind",
    "ha_suspend": "checks go on whoever has the VIP",
    "snmp_name": "there is no SNMP; metrics carry the balancer's name",
    "smtp_alert": "kglb-actors notify tells a program or a URL",
    "quorum_up": "kglb-actors notify --exec tells a program",
    "quorum_down": "kglb-actors notify --exec tells a program",
    "notify_up": "kglb-actors notify --exec tells a program",
    "notify_down": "kglb-actors notify --exec tells a program",
    "hysteresis": "announce.min_alive_to_announce is the counterpart, for routes",
    "sorry_server_inhibit": "when_down holds for all reals",
}


def convert_keepalived(text: str, source: str, *, leave_out: bool) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The document, and what is told of it. Raises ConfigError with everything that has no counterpart, unless that is
    to be left out and told.
    """
    blocks = parse_keepalived(text, source)
    converter = _Converter({" ".join(block.words): block for block in blocks if block.name == "virtual_server_group"})
    balancers = [one for block in blocks if block.name == "virtual_server" for one in converter.convert(block)]
    if not any(block.name == "virtual_server" for block in blocks):
        raise ConfigError(source, (Problem("", None, "there is no virtual_server"),))
    refused = converter.wrong if leave_out else converter.wrong + converter.missing
    if refused:
        raise ConfigError(source, _by_line(refused))
    others = [block for block in blocks if not block.name.startswith("virtual_server")]
    stays = [Problem(block.title, block.line, "stays keepalived's") for block in others]
    return {"balancer": balancers}, _by_line(converter.missing + converter.notes + stays)


def _by_line(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each once: those of a group's servers are found for each."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))


class _Converter:
    """What was found on the way: ``wrong`` cannot be converted, ``missing`` has no counterpart, ``notes`` differ."""

    def __init__(self, groups: dict[str, Block]) -> None:
        self.wrong: list[Problem] = []
        self.missing: list[Problem] = []
        self.notes: list[Problem] = []
        self._groups = groups

    def convert(self, server: Block) -> list[dict[str, Any]]:
        """A balancer for each service of a virtual server."""
        try:
            return list(self._balancers(server))
        except ValueError as error:
            self._wrong(server, str(error))
            return []

    def _balancers(self, server: Block) -> Iterator[dict[str, Any]]:
        said = {block.name: block for block in server.inner}
        reals = [block for block in server.inner if block.name == "real_server"]
        self._look_for(server, (*_SUPERFLUOUS, *_FLAGS, *_OF_SERVERS), _ELSEWHERE)
        self._quorum(server, said)
        services = list(self._services(server, said, reals))
        balancer: dict[str, Any] = {"scheduler": _word(said, ("lvs_sched", "lb_algo"), "wlc")}
        if flags := [flag for flag in _FLAGS if flag in said]:
            balancer["flags"] = flags
        balancer |= self._persistence(said)
        balancer["forward"] = self._forward(said, ("lvs_method", "lb_kind"), server) or "masquerade"
        balancer["when_all_down"] = "fail_closed"
        balancer["when_down"] = "quiesce" if "inhibit_on_failure" in said else "remove"
        entries = [self._real(block, server) for block in reals]
        if (sorry := said.get("sorry_server")) is not None:
            entries.append(self._sorry(sorry, said, server))
        balancer |= _in_short(entries)
        balancer["check"] = self._check(server, reals)
        for name, service in services:
            yield {"name": name, "service": service, **balancer}

    # --- the service ------------------------------------------------------------------------------------------------

    def _services(self, server: Block, said: dict[str, Block], reals: list[Block]) -> Iterator[tuple[str, str]]:
        """Names and services."""
        protocol = _word(said, ("protocol",), "").lower()
        if not protocol and server.words[:1] != ("fwmark",):
            self._wrong(server, "there is no protocol", "say which: keepalived 2.2 takes UDP then")
            return
        if protocol not in ("tcp", "udp", ""):
            self._wrong(server, f"protocol {protocol.upper()}: there is TCP and UDP only")
            return
        ipv6 = _word(said, ("ip_family",), "") == "inet6" or (bool(reals) and ":" in "".join(reals[0].words[:1]))
        match server.words:
            case ("group", name):
                group = self._groups.get(name)
                if group is None:
                    self._wrong(server, f"there is no virtual_server_group {name}")
                    return
                for entry in group.inner:
                    for service in self._entry((entry.name, *entry.words), entry, protocol, ipv6):
                        yield name, service
            case words:
                for service in self._entry(words, server, protocol, ipv6):
                    yield service.partition("://")[2] if words[0] != "fwmark" else "-".join(words), service

    def _entry(self, words: tuple[str, ...], at: Block, protocol: str, ipv6: bool) -> Iterator[str]:
        match words:
            case ("fwmark", mark, *family):
                yield f"fwmark{'6' if ipv6 or family == ['inet6'] else ''}://{mark}"
            case (addresses, *port) if len(port) <= 1:
                try:
                    for address in _range(addresses):
                        yield f"{protocol}://{_joined(address, *port)}"
                except ValueError as error:
                    self._wrong(at, str(error))
            case _:
                self._wrong(at, "expected an address and a port, fwmark and a number, or group and a name")

    def _persistence(self, said: dict[str, Block]) -> dict[str, Any]:
        if "persistence_timeout" not in said:
            return {}
        table: dict[str, Any] = {"timeout": f"{_word(said, ('persistence_timeout',), '360')}s"}
        if granularity := _word(said, ("persistence_granularity",), ""):
            table["netmask"] = ip_network(
                f"{'192.0.2.0' if '.' in granularity else '::'}/{granularity}", strict=False
            ).prefixlen
        if engine := _word(said, ("persistence_engine",), ""):
            table["engine"] = engine
        return {"persistence": table if len(table) > 1 else table["timeout"]}

    def _quorum(self, server: Block, said: dict[str, Block]) -> None:
        if "quorum" in said and _word(said, ("quorum",), "1") != "1":
            self._missing(said["quorum"], server, "announce.min_alive is the counterpart, for routes")

    def _forward(self, said: dict[str, Block], names: tuple[str, ...], server: Block) -> str | dict[str, Any] | None:
        block = next((said[name] for name in names if name in said), None)
        if block is None:
            return None
        method, *options = block.words or ("",)
        if method in _METHODS and not options:
            return _METHODS[method]
        values = dict(pairwise(options))
        kind = values.get("type", "ipip")
        checksum = next((word for word in options if word in ("csum", "remcsum")), "")
        if method != "TUN" or kind not in ("ipip", "gre", "gue"):
            self._wrong(block, f"{server.title}: expected NAT, DR, or TUN with a type of ipip, gre or gue")
        if kind != "gue" and not checksum:
            return "gre" if kind == "gre" else "tunnel"
        port = {"port": whole(values["port"])} if "port" in values else {}
        return {"type": "tunnel" if kind == "ipip" else kind, **port, **({"checksum": checksum} if checksum else {})}

    # --- the reals --------------------------------------------------------------------------------------------------

    def _real(self, block: Block, server: Block) -> dict[str, Any]:
        said = {one.name: one for one in block.inner}
        self._look_for(block, (*_SUPERFLUOUS, *CHECKERS, "inhibit_on_failure", *_OF_REALS), _ELSEWHERE)
        real: dict[str, Any] = {"address": self._target(block), "weight": whole(_word(said, ("weight",), "1"))}
        if (forward := self._forward(said, ("lvs_method", "lb_kind"), server)) is not None:
            real["forward"] = forward
        for name, key in (("uthreshold", "upper_threshold"), ("lthreshold", "lower_threshold")):
            if name in said:
                real[key] = whole(_word(said, (name,), "0"))
        return real

    def _sorry(self, block: Block, said: dict[str, Block], server: Block) -> dict[str, Any]:
        self.notes.append(Problem(server.title, block.line, "the sorry server is checked here, as the others are"))
        forward = self._forward(said, ("sorry_server_lvs_method",), server)
        return {"address": self._target(block), "weight": 1, "backup": True} | ({"forward": forward} if forward else {})

    def _target(self, block: Block) -> str:
        try:
            address, *port = block.words
            return _joined(ip_address(address), *port[:1])
        except ValueError:
            self._wrong(block, "expected an address and a port")
            return ""

    # --- the check --------------------------------------------------------------------------------------------------

    def _check(self, server: Block, reals: list[Block]) -> dict[str, Any]:
        """The one check of all reals."""
        found = {real: self._check_of(real, server) for real in reals}
        first = next(iter(found.values()), None)
        for real, check in found.items():
            if check != first:
                hint = "an exec check's program has the real in KGLB_ADDRESS and KGLB_PORT"
                self._wrong(real, "it is checked otherwise than the first real of its virtual server", hint)
        return first or {"type": "dummy"}

    def _check_of(self, real: Block, server: Block) -> dict[str, Any]:
        checkers = [with_todays_names(block) for block in real.inner if block.name in CHECKERS]
        if not checkers:
            return {"type": "dummy"}
        inherited = {one.name: one for block in (server, real) for one in block.inner}
        checks: list[Check] = []
        times: list[Times] = []
        for checker in checkers:
            said = inherited | {one.name: one for one in checker.inner}
            found = checks_of(checker, real, said, self._refuse(checker))
            if "misc_dynamic" in said and any("dynamic_weight" in check for check in checks):
                self._missing(said["misc_dynamic"], checker, "one of several checks says the weight")
                found = [{key: value for key, value in one.items() if key != "dynamic_weight"} for one in found]
            checks += found
            times += [times_of(checker.name, said)] * len(found)
            self._together(checkers[0], checker)
        common = times_of_all(times).keys()
        if source := source_of(checkers[0]):
            common["source"] = source
        if len(checks) == 1:
            return checks[0] | common
        if len({one._replace(timeout="") for one in times}) > 1:
            self.notes.append(
                Problem(real.title, real.line, "its checkers differ in their times, and have common ones here")
            )
        return {"type": "all", **common, "checks": self._in_order(checks, real)}

    def _refuse(self, checker: Block) -> Refuse:
        def missing(block: Block, why: str) -> None:
            self._missing(block, checker, why)

        def differs(block: Block, why: str) -> None:
            self.notes.append(Problem(checker.title, block.line, why))

        return Refuse(missing, differs, self._wrong)

    def _together(self, first: Block, other: Block) -> None:
        """What one checker of a real cannot have otherwise than the first."""
        if source_of(other) != source_of(first):
            block = next((one for one in (*other.inner, *first.inner) if one.name == "bindto"), other)
            self._missing(block, other, "all checks of a real come from one address")

    def _in_order(self, checks: list[Check], real: Block) -> list[Check]:
        """What waits for silence comes last, and there is one of that."""
        if sum(map(waits_for_silence, checks)) > 1:
            self._wrong(real, "two of its UDP_CHECKs have no require_reply: each would take the whole timeout")
        return sorted(checks, key=waits_for_silence)

    # --- what is told -----------------------------------------------------------------------------------------------

    def _look_for(self, block: Block, known: Iterable[str], elsewhere: dict[str, str]) -> None:
        for one in block.inner:
            if one.name in elsewhere:
                self._missing(one, block, elsewhere[one.name])
            elif one.name not in known:
                self._missing(one, block, "")

    def _missing(self, block: Block, within: Block, hint: str) -> None:
        self.missing.append(Problem(within.title, block.line, f"{block.name} has no counterpart", hint))

    def _wrong(self, block: Block, why: str, hint: str = "") -> None:
        self.wrong.append(Problem(block.title, block.line, why, hint))


_OF_SERVERS = (
    *("real_server", "sorry_server", "sorry_server_lvs_method", "lvs_sched", "lb_algo", "lvs_method", "lb_kind"),
    *("persistence_timeout", "persistence_granularity", "persistence_engine"),
    *("protocol", "inhibit_on_failure", "quorum"),
)
_OF_REALS = ("weight", "lvs_method", "lb_kind", "uthreshold", "lthreshold")


def _in_short(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A weight that all have is the balancer's, and reals that have nothing else are their addresses."""
    weights = {entry["weight"] for entry in entries}
    if len(weights) != 1:
        return {"reals": entries}
    bare = [{key: value for key, value in entry.items() if key != "weight"} for entry in entries]
    plain = all(len(one) == 1 for one in bare)
    return {"weight": weights.pop(), "reals": [one["address"] for one in bare] if plain else bare}


def _word(said: dict[str, Block], names: tuple[str, ...], default: str) -> str:
    """The first argument of the first of these that is there and has one."""
    return next((said[name].words[0] for name in names if name in said and said[name].words), default)


def _joined(address: IPv4Address | IPv6Address, port: str = "0") -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _range(text: str) -> list[IPv4Address | IPv6Address]:
    """The addresses of ``a.b.c.d``, ``a.b.c.d-e``, ``a.b.c.d-a.b.e.f`` or ``a.b.c.d/n``. Raises ValueError."""
    if "/" in text:
        network = ip_network(text, strict=False)
        if network.num_addresses > _MOST_OF_A_RANGE:
            raise ValueError(f"{text} has more than {_MOST_OF_A_RANGE} addresses")
        return list(network)
    first, _, last = text.partition("-")
    begin = ip_address(first)
    if not last:
        return [begin]
    separator = ":" if ":" in first else "."
    end = ip_address(last if separator in last else f"{first.rpartition(separator)[0]}{separator}{last}")
    size = int(end) - int(begin) + 1
    if begin.version != end.version or not 0 < size <= _MOST_OF_A_RANGE:
        raise ValueError(f"{text} is no range of at most {_MOST_OF_A_RANGE} addresses")
    return [begin + number for number in range(size)]
