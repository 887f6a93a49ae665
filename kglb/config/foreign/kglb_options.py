"""Every option of KgLb's config, and our key for it: the one table to extend when we learn a new one.

The messages are those of KgLb's ``config.proto``, ``common.proto`` and ``healthchecker.proto``, under their JSON
names. What a key means here, and whether this version has it, is not known in this module.
"""

import ipaddress
import urllib.parse
from typing import Any

from kglb.config.foreign.jsonpb import (
    BOOL,
    FLOAT,
    STRING,
    STRING_MAP,
    STRINGS,
    UINT32,
    UINT32S,
    Message,
    OneOf,
    Option,
    Said,
    Settings,
    enum,
    enums,
)
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Node
from kglb.config.values import ratio

DEFAULT_CONCURRENCY = 100
"""KgLb's; ours is no limit."""

_FORWARDS = {"TUNNEL": "tunnel", "MASQ": "masquerade"}
_EVERY_FLAG = (
    "EMPTY", "PERSISTENT", "HASHED", "ONEPACKET", "SCHED1", "SCHED2", "SCHED3", "SH_FALLBACK", "SH_PORT", "SH_NOPORT",
)  # fmt: skip
_FLAGS = {"ONEPACKET": "ops", "SH_FALLBACK": "flag-1", "SH_PORT": "flag-2"}
_GO_LEAVES = "$&+,/:;=@"
"""What Go's net/url leaves as it is in a path, besides letters, digits and ``-._~``."""


def milliseconds(value: int) -> str:
    """A number of milliseconds as a duration."""
    return f"{value // 1000}s" if value % 1000 == 0 else f"{value}ms"


def _scheduler(name: str) -> str:
    if name == "IP_VS_SCH":
        raise RefusedError("no mainline kernel has the scheduler ip_vs_sch", "RR and WRR are fine")
    return name.lower()


def _flags(names: list[str]) -> list[str]:
    for name in names:
        if name == "PERSISTENT":
            raise RefusedError("PERSISTENT in KgLb has a timeout of 0", 'convert, and add persistence = "360s"')
        if name == "HASHED":
            raise RefusedError("HASHED is the kernel's own mark: a service that asks for it is never found")
        if name not in _FLAGS:
            raise RefusedError(f"KgLb refuses the flag {name} too")
    return [_FLAGS[name] for name in names]


def _scheme(value: str) -> str:
    kind = value.removesuffix("://")
    if kind not in ("http", "https"):
        raise RefusedError(f'expected "http" or "https", found {show(value)}')
    return kind


def requested_path(uri: str) -> str:
    """The path that KgLb's checker asks for: Go's ``url.URL`` with ``Path`` set escapes ``?`` and ``%`` too.

    >>> requested_path("/health?full=1")
    '/health%3Ffull=1'
    """
    return urllib.parse.quote(uri if uri.startswith("/") else f"/{uri}", safe=_GO_LEAVES)


def _address(value: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        address = None
    if address is None or (version == 4 and address.version == 6):
        raise RefusedError(f"expected an IPv{version} address, found {show(value)}")
    return str(address)


def _ip(key: str) -> OneOf:
    """The message IP. Like KgLb, ``ipv6`` takes an IPv4 address too."""
    return OneOf(
        (
            Option("ipv4", STRING, key, lambda value: _address(value, 4), required=True),
            Option("ipv6", STRING, key, lambda value: _address(value, 6), required=True),
        )
    )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _service(protocol: str) -> Message:
    def make(node: Node, settings: Settings) -> Settings:
        vip, port = settings["vip"].value, settings["port"].value
        return {"service": Said(f"{protocol}://{_bracketed(vip)}:{port}", node.path)}

    fields = (Message("address", (_ip("vip"),), required=True), Option("port", UINT32, "port", required=True))
    return Message(f"{protocol}Attributes", fields, make)


def _fwmark_service(node: Node, settings: Settings) -> Settings:
    return {"service": Said(f"{settings['family'].value}://{settings['mark'].value}", node.path)}


def _family(*meanings: str) -> tuple[Any, Any]:
    return enum("AF_INET", "AF_INET6"), dict(zip(("AF_INET", "AF_INET6"), meanings, strict=True)).__getitem__


_MARK_FAMILY, _mark_scheme = _family("fwmark", "fwmark6")
_NAME_FAMILY, _name_family = _family("IPv4", "IPv6")

LB_SERVICE = (
    Message(
        "ipvsService",
        (
            OneOf(
                (
                    _service("tcp"),
                    _service("udp"),
                    Message(
                        "fwmarkAttributes",
                        (
                            Option("addressFamily", _MARK_FAMILY, "family", _mark_scheme),
                            Option("fwmark", UINT32, "mark", required=True),
                        ),
                        _fwmark_service,
                    ),
                )
            ),
            Option("scheduler", enum("RR", "WRR", "IP_VS_SCH"), "scheduler", _scheduler),
            Option("flags", enums(*_EVERY_FLAG), "flags", _flags),
        ),
        required=True,
    ),
)


def _reals(_: Node, settings: Settings) -> Settings:
    hosts, port = settings.pop("hosts"), settings.pop("port", None)
    number = port.value if port else 0
    reals = [f"{_bracketed(host)}:{number}" for host in hosts.value]
    return settings | {"reals": Said(reals, hosts.path)}


def _no_query(_: str) -> str:
    raise RefusedError("the open KgLb has no discovery by query", "list the hosts in staticAttributes")


DISCOVERY = (
    Option("port", UINT32, "port"),
    Option("resolveFamily", _NAME_FAMILY, "name_family", _name_family),
    OneOf(
        (
            Message("staticAttributes", (Option("hosts", STRINGS, "hosts", required=True),)),
            Message("mdbAttributes", (Option("query", STRING, "hosts", _no_query, required=True),)),
        )
    ),
)


def _check(kind: str, *fields: Option) -> Message:
    def make(node: Node, settings: Settings) -> Settings:
        return {"check.type": Said(kind, node.path)} | settings

    return Message(kind, fields, make)


_TIMEOUT = Option("checkTimeoutMs", UINT32, "check.timeout", milliseconds)
_PROTOCOL = Option("protocol", enum("TCP", "UDP"), "check.protocol", str.lower)

HTTP = Message(
    "http",
    (
        Option("scheme", STRING, "check.type", _scheme, required=True),
        Option("uri", STRING, "check.path", requested_path),
        Option("headers", STRING_MAP, "check.headers"),
        Option("codes", UINT32S, "check.codes", required=True),
        Option("proxyCheckUrl", STRING, "check.proxy_check_url"),
        Option("followRedirects", BOOL, "check.follow_redirects"),
        _TIMEOUT,
    ),
)

DNS = _check(
    "dns",
    Option("queryString", STRING, "check.query", required=True),
    Option("queryType", enum("A", "AAAA", "NS", "MX", "TXT", "SOA"), "check.record"),
    _PROTOCOL,
    Option("rcode", UINT32, "check.rcode"),
    _TIMEOUT,
)

_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""RFC 5424, 6.2.1, by the names of syslog(3)."""


def _severity(level: int) -> str:
    if level >= len(_SEVERITIES):
        raise RefusedError(f"expected a severity from 0 to {len(_SEVERITIES) - 1}, found {level}")
    return _SEVERITIES[level]


SYSLOG = _check(
    "syslog",
    Option("logLevel", UINT32._replace(says_zero=True), "check.level", _severity),
    Option("port", UINT32, "check.port"),
    _PROTOCOL,
    _TIMEOUT,
)


def _both_counts(node: Node, settings: Settings) -> Settings:
    """KgLb: its defaults are for both counts or for none."""
    if ("check.rise" in settings) != ("check.fall" in settings):
        node.fail("riseCount and fallCount are given together or not at all")
    return {"concurrency": Said(DEFAULT_CONCURRENCY, node.path)} | settings


CHECKER = (
    Option("intervalMs", UINT32, "check.interval", milliseconds),
    Option("riseCount", UINT32, "check.rise"),
    Option("fallCount", UINT32, "check.fall"),
    Option("concurrencyLimit", UINT32, "concurrency"),
    Message("checker", (OneOf((_check("dummy"), HTTP, _check("tcp", _TIMEOUT), DNS, SYSLOG)),), required=True),
)


def _prefix(node: Node, settings: Settings) -> Settings:
    address, length = settings.pop("prefix").value, settings.pop("length").value
    if length > (128 if ":" in address else 32):
        node.fail(f"{address} has no prefix of {length} bits", at=("prefixlen",))
    return settings | {"announce.prefix": Said(f"{address}/{length}", node.path)}


BGP = (
    Option("localAsn", UINT32, "local_asn", required=True),
    Option("peerAsn", UINT32, "peer_asn", required=True),
    Option("community", STRING, "announce.community", lambda value: [value], required=True),
    Message("prefix", (_ip("prefix"),), required=True),
    Option("prefixlen", UINT32, "length", required=True),
    Option("holdTimeMs", UINT32, "announce.hold_time", milliseconds),
)


def _announced(node: Node, settings: Settings) -> Settings:
    """KgLb: without attributes of the route there is none, whatever the ratio."""
    if "announce.prefix" in settings:
        numbers = [f"AS{settings.pop(key).value}" for key in ("local_asn", "peer_asn")]
        node.warn(f"the session from {' to '.join(numbers)} is set up where the BGP speaker is", at=("bgpAttributes",))
        return settings
    if "announce.min_alive" in settings:
        node.warn("no bgpAttributes, so nothing is announced, whatever the ratio; nor is it by KgLb")
    return {}


DYNAMIC_ROUTING = (
    Option("announceLimitRatio", FLOAT, "announce.min_alive", ratio),
    OneOf((Message("bgpAttributes", BGP, _prefix),), required=False),
)


def _no_configured_reals(_: bool) -> bool:
    raise RefusedError("the open KgLb does nothing for it", "remove it, and put the VIPs on the reals yourself")


BALANCER = (
    Option("name", STRING, "name", required=True),
    Option("setupName", STRING, "setup", required=True),
    Message("lbService", LB_SERVICE, required=True),
    Message(
        "upstreamRouting",
        (Option("forwardMethod", enum(*_FORWARDS), "forward", _FORWARDS.__getitem__),),
        required=True,
    ),
    Message("upstreamDiscovery", DISCOVERY, _reals, required=True),
    Message("upstreamChecker", CHECKER, _both_counts, required=True),
    Option("enableFwmarks", BOOL, "fwmark_checks"),
    Message("dynamicRouting", DYNAMIC_ROUTING, _announced, required=True),
    Option("configureReals", BOOL, "configure_reals", _no_configured_reals),
    Option("weightUp", UINT32, "weight"),
)
