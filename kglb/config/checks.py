"""``[balancer.check]``: one row of ``KINDS`` for each type of health check."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, get_args

from kglb.config import network
from kglb.config.headers import read_headers
from kglb.config.http_checks import path, read_ca_file, read_codes, server_name, url
from kglb.config.payloads import domain_name, payload_text, rcode, read_command, read_payload, regex, user_name
from kglb.config.problems import RefusedError
from kglb.config.reader import Key, Node, ReportedError, leaf, list_shape, read_list, read_table, table_shape
from kglb.config.values import Shape, boolean, choice, duration, duration_text, integer, shaped
from kglb.model import (
    AllCheck,
    Check,
    DnsCheck,
    DnsRecord,
    DummyCheck,
    ExecCheck,
    HttpCheck,
    HttpMethod,
    PingCheck,
    SyslogCheck,
    SyslogLevel,
    TcpCheck,
    Transport,
    UdpCheck,
    connects_by_tcp,
    kind_of,
    question_of,
    waits_for_silence,
)

_MOST_RESULTS = 1000


class Kind(NamedTuple):
    """A type of check: what makes it, and the keys it has beyond the common ones."""

    make: Callable[..., Check]
    keys: tuple[Key, ...] = ()


PORT = Key("port", leaf(network.port))

COMMON = (
    Key("interval", leaf(duration("10ms", "24h"))),
    Key("timeout", leaf(duration("10ms", "24h"))),
    Key("rise", leaf(integer(1, _MOST_RESULTS))),
    Key("fall", leaf(integer(1, _MOST_RESULTS))),
    PORT,
    Key("source", leaf(network.ip_address)),
    Key("close", leaf(choice(("reset", "fin")))),
    Key("fast_interval", leaf(duration("2ms", "24h"))),
    Key("watch", leaf(boolean)),
)

_EXCHANGE = (
    Key("send", read_payload),
    Key("expect", read_payload),
    Key("expect_regex", leaf(regex)),
)

_HTTP = (
    Key("method", leaf(choice(get_args(HttpMethod)))),
    Key("path", leaf(path)),
    Key("codes", read_codes),
    Key("headers", read_headers),
    Key("body", leaf(payload_text)),
    Key("body_regex", leaf(regex)),
    Key("follow_redirects", leaf(boolean)),
    Key("proxy_check_url", leaf(url)),
)

_OF_TLS = (
    Key("sni", leaf(server_name)),
    Key("verify", leaf(boolean)),
    Key("ca_file", read_ca_file),
)

_TCP = (*_EXCHANGE, Key("tls", leaf(boolean)), *_OF_TLS)

_PROTOCOL = Key("protocol", leaf(choice(get_args(Transport))))

_DNS = (
    Key("query", leaf(domain_name), required=True),
    Key("record", leaf(choice(get_args(DnsRecord)))),
    _PROTOCOL,
    Key("rcode", leaf(rcode)),
)

_SYSLOG = (_PROTOCOL, Key("level", leaf(choice(get_args(SyslogLevel)))))

_EXEC = (
    Key("command", read_command, required=True),
    Key("user", leaf(user_name)),
    Key("dynamic_weight", leaf(boolean)),
)

ASKING = {
    "tcp": Kind(TcpCheck, _TCP),
    "http": Kind(HttpCheck, _HTTP),
    "https": Kind(partial(HttpCheck, tls=True), (*_HTTP, *_OF_TLS)),
    "dns": Kind(DnsCheck, _DNS),
    "syslog": Kind(SyslogCheck, _SYSLOG),
    "udp": Kind(UdpCheck, _EXCHANGE),
    "exec": Kind(ExecCheck, _EXEC),
    "ping": Kind(PingCheck),
}
"""The types that ask the real something."""

PART = (Key("type", leaf(choice(ASKING)), required=True), PORT)
"""What each of several checks has beyond what it asks; the rest is said of them all."""


def _kind_shapes(kinds: Mapping[str, Kind], common: Sequence[Key]) -> list[Shape]:
    return [
        table_shape((Key("type", shaped(const=name)(leaf(choice((name,)))), required=True), *common, *kind.keys))
        for name, kind in kinds.items()
    ]


@shaped(oneOf=_kind_shapes(ASKING, (PORT,)))
def _read_part(node: Node) -> Check:
    return question_of(_read_kind(node, ASKING, PART))


@shaped(**list_shape(_read_part), minItems=1)
def _read_parts(node: Node) -> tuple[Check, ...]:
    """Checks that must all pass, in the order in which they are asked."""
    places = read_list(node, _read_part)
    assert isinstance(node.value, list), "what is none is refused"
    if not node.value:
        raise RefusedError("no check at all: it would always pass")
    if len(places) < len(node.value):
        raise ReportedError
    for place, check in places[:-1]:
        if waits_for_silence(check):
            place.fail("it passes when the timeout is over: no time is left for the next", "put it last")
    weighing = [place for place, check in places if isinstance(check, ExecCheck) and check.dynamic_weight]
    for place in weighing[1:]:
        place.fail("another of these checks says the real's weight already", at=("dynamic_weight",))
    return tuple(check for _, check in places)


KINDS = {
    "dummy": Kind(DummyCheck),
    **ASKING,
    "all": Kind(AllCheck, (Key("checks", _read_parts, required=True),)),
}

TYPE = Key("type", leaf(choice(KINDS)), required=True)


@shaped(oneOf=_kind_shapes(KINDS, COMMON))
def read_check(node: Node) -> Check:
    """A health check of the type it names."""
    check = _read_kind(node, KINDS, (TYPE, *COMMON))
    if check.fast_interval > check.interval:
        node.fail(
            f"expected at most the interval ({duration_text(check.interval)}), "
            f"found {duration_text(check.fast_interval)}",
            at=("fast_interval",),
        )
    if check.watch and not connects_by_tcp(check):
        node.fail(f'a check of type "{kind_of(check)}" makes no TCP connection that could be watched', at=("watch",))
    if check.timeout > check.interval:
        node.warn(
            f"the timeout ({duration_text(check.timeout)}) is longer than the interval "
            f"({duration_text(check.interval)}): a real that hangs is checked less often"
        )
    return check


def _read_kind(node: Node, kinds: Mapping[str, Kind], common: Sequence[Key]) -> Check:
    """A check of one of these types. Without a type its other keys are still looked at."""
    word = node.value.get("type") if isinstance(node.value, dict) else None
    kind = kinds.get(word) if isinstance(word, str) else None
    values, failed = read_table(node, (*common, *(kind.keys if kind else _every_key(kinds))))
    if failed or kind is None:
        raise ReportedError
    del values["type"]
    _ask_together(node, values)
    check = kind.make(**values)
    if isinstance(check, TcpCheck) and not check.tls:
        for key in (key for key in _OF_TLS if values.get(key.name)):
            node.fail("this is for a check over TLS", "add tls = true", at=(key.name,))
    return check


def _every_key(kinds: Mapping[str, Kind]) -> Iterable[Key]:
    return {key.name: key._replace(required=False) for kind in kinds.values() for key in kind.keys}.values()


def _ask_together(node: Node, values: dict[str, Any]) -> None:
    """What must hold, or deserves a warning, between the keys of one check."""
    for part in ("expect", "body"):
        if values.get(part) and values.get(f"{part}_regex"):
            node.fail(f"either {part} or {part}_regex, not both", at=(f"{part}_regex",))
    if values.get("method") == "HEAD" and (values.get("body") or values.get("body_regex")):
        node.fail("the answer to a HEAD has no body", "ask by GET", at=("method",))
    if values.get("ca_file") and not values.get("verify"):
        node.fail("a CA file verifies nothing by itself", "add verify = true", at=("ca_file",))
    if values.get("proxy_check_url") and "path" in values:
        node.warn("the proxy is asked for proxy_check_url, the path is not used", at=("path",))
