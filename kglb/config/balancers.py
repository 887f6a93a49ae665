"""``[[balancer]]``: the keys of a virtual service, and how they become a ``Balancer``."""

from typing import Any, get_args

import msgspec

from kglb.config import network
from kglb.config.checks import read_check
from kglb.config.forward import read_forward
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, ReportedError, Section, leaf, list_shape, read_list, read_table, table_shape
from kglb.config.reals import read_reals
from kglb.config.values import (
    boolean,
    choice,
    duration,
    duration_text,
    integer,
    nonempty,
    ratio,
    shape_of,
    shaped,
    spelled_by,
    text,
)
from kglb.model import Announce, Balancer, DummyCheck, Forward, Pool, Real, Service, ServiceKey, WhenAllDown, WhenDown
from kglb.model.service import FLAG_ALIASES

DEFAULT_WEIGHT = 1000
"""KgLb's weight of a real that is up: it leaves room for finer steps than 1 does."""

_SH_WEIGHT = 1
"""The same under ``sh``, which has 256 slots and gives a real as many of them as its weight (ip_vs_sh.c)."""

_MOST_CONCURRENT = 2**31 - 1
_seconds = duration("1s", "31d")


@shaped(**shape_of(_seconds))
@spelled_by(duration_text)
def _whole_seconds(value: object) -> int:
    seconds = _seconds(value)
    if not seconds.is_integer():
        raise RefusedError(f"the kernel counts persistence in whole seconds, found {show(value)}")
    return int(seconds)


PERSISTENCE = (
    Key("timeout", leaf(_whole_seconds), required=True, field="persistence"),
    Key("netmask", leaf(integer(1, 128))),
    Key("engine", leaf(choice(("sip",)))),
)


@shaped(**list_shape(network.community))
def _read_communities(node: Node) -> tuple[str, ...]:
    return tuple(community for _, community in read_list(node, leaf(network.community)))


ANNOUNCE = (
    Key("min_alive", leaf(ratio)),
    Key("min_alive_to_announce", leaf(ratio)),
    Key("hold_time", leaf(duration("0s", "1h"))),
    Key("prefix", leaf(network.prefix)),
    Key("next_hop", leaf(network.next_hop)),
    Key("community", _read_communities, field="communities"),
    Key("med", leaf(integer(0, 2**32 - 1))),
)


@shaped(**shape_of(nonempty))
def _read_name(node: Node) -> str:
    name = nonempty(node.value)
    if name != name.strip():
        raise RefusedError(f"a name neither begins nor ends with a space, found {show(name)}")
    return name


@shaped(**shape_of(network.flag))
def _as_written(value: object) -> str:
    network.flag(value)
    return str(value)


@shaped(**list_shape(_as_written))
def _read_flags(node: Node) -> tuple[str, ...]:
    return tuple(flag for _, flag in read_list(node, leaf(_as_written)))


@shaped(anyOf=[shape_of(_whole_seconds), table_shape(PERSISTENCE)])
def _read_persistence(node: Node) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        return {"persistence": _whole_seconds(node.value)}
    values, failed = read_table(node, PERSISTENCE)
    if failed:
        raise ReportedError
    return values


@shaped(**table_shape(ANNOUNCE))
def _read_announce(node: Node) -> Announce:
    values = read_table(node, ANNOUNCE).values
    announce = Announce(**values)
    if "min_alive_to_announce" in values and announce.min_alive_to_announce < announce.min_alive:
        node.fail(
            f"expected at least min_alive = {announce.min_alive:g}, found {announce.min_alive_to_announce:g}",
            "leave it out for the same share both ways",
            at=("min_alive_to_announce",),
        )
    return announce


BALANCER = (
    Key("name", _read_name, required=True),
    Key("setup", leaf(text)),
    Key("service", leaf(network.service_key), required=True),
    Key("scheduler", leaf(network.scheduler)),
    Key("flags", _read_flags),
    Key("persistence", _read_persistence),
    Key("forward", read_forward),
    Key("weight", leaf(network.weight)),
    Key("when_all_down", leaf(choice(get_args(WhenAllDown)))),
    Key("fail_open_below", leaf(ratio)),
    Key("when_down", leaf(choice(get_args(WhenDown)))),
    Key("drain_on_remove", leaf(duration("0s", "24h"))),
    Key("slow_start", leaf(duration("0s", "24h"))),
    Key("concurrency", leaf(integer(0, _MOST_CONCURRENT))),
    Key("resolve_interval", leaf(duration("1s", "24h"))),
    Key("reals", read_reals, required=True),
    Key("announce", _read_announce),
    Key("fwmark_checks", leaf(boolean)),
    Key("check", read_check, required=True),
)


DEFAULTS = tuple(key._replace(required=False) for key in BALANCER if key.name not in ("name", "service", "reals"))
"""The keys of ``[defaults]``."""


@shaped(**table_shape(DEFAULTS))
def read_defaults(node: Node) -> Section:
    """``[defaults]`` by itself: what is wrong with it is wrong also if no balancer uses it."""
    return read_table(node, DEFAULTS)


class Draft(msgspec.Struct, frozen=True):
    """A balancer before the rules that look at several keys at once.

    What was refused stands here as its default, its key is in ``failed``, and no rule that needs it is asked.
    ``places`` are the nodes of the balancer's reals and of its pools, ``flags`` their names as written.
    """

    node: Node
    failed: frozenset[str]
    flags: tuple[str, ...]
    places: tuple[Node, ...]
    pool_places: tuple[Node, ...]
    balancer: Balancer


@shaped(**{**table_shape(BALANCER), "required": ["name", "service", "reals"]})  # [defaults] may have the check
def read_balancer(node: Node) -> Draft:
    """One ``[[balancer]]``; without a service there is nothing to build."""
    values, failed = read_table(node, BALANCER)
    if "service" in failed:
        raise ReportedError
    flags = values.pop("flags", ())
    of_service = values.pop("persistence", {}) | _take(values, "scheduler")
    service = _make_service(values.pop("service"), flags, of_service)
    entries = values.pop("reals", ())
    of_reals = {"weight": _weight(service), "forward": Forward()} | _take(values, "weight", "forward")
    listed = [(place, entry) for place, entry in entries if "kind" not in entry]
    found = [(place, entry) for place, entry in entries if "kind" in entry]
    reals = tuple(Real(**of_reals | entry) for _, entry in listed)
    pools = tuple(Pool(**of_reals | entry) for _, entry in found)
    fields: dict[str, Any] = {"name": "", "check": DummyCheck(), "when_down": _when_down(service)} | values
    balancer = Balancer(**fields, service=service, reals=reals, pools=pools)
    places, pool_places = (tuple(place for place, _ in some) for some in (listed, found))
    return Draft(node, failed, flags, places, pool_places, balancer)


def _weight(service: Service) -> int:
    return _SH_WEIGHT if service.scheduler == "sh" else DEFAULT_WEIGHT


def _when_down(service: Service) -> WhenDown:
    """At weight 0 the flows of UDP stick to a dead real for as long as their clients send; TCP notices."""
    return "remove" if service.key.protocol == "udp" else "quiesce"


def _take(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Move what is there of some fields out of the values."""
    return {name: values.pop(name) for name in names if name in values}


def _make_service(key: ServiceKey, flags: tuple[str, ...], fields: dict[str, Any]) -> Service:
    canonical = {FLAG_ALIASES.get(flag, flag) for flag in flags}
    if fields.get("netmask") == (128 if key.ipv6 else 32):
        fields = fields | {"netmask": 0}
    return Service(id=key.id, flags=tuple(sorted(canonical)), **fields)
