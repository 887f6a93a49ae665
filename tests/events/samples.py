"""One event of every kind, made from the types alone, so that a new kind or field is in it by itself.

Every text in them is one that is easily found again: that is how a test sees that an export gives nothing away.
"""

import types
import typing
from typing import Any, Literal

import msgspec

from kglb.events import ConfigApplied, DaemonStarted, Event, SegmentOpened
from kglb.model import Balancer, RealId, Service, ServiceId
from kglb.model.check import Check

SERVICE = ServiceId("tcp://203.0.113.10:80")
REAL = RealId("198.51.100.7:8080")

_TEXTS = {
    "host": "db7.example.com:8080",
    "address": "198.51.100.7",
    "prefix": "203.0.113.0/24",
    "withdraw": "203.0.113.10/32",
    "next_hop": "192.0.2.1",
    "at": "2026-11-22T14:30:00.000000Z",
    "since": "2026-11-22T14:30:00.000000Z",
    "chain": "00000000",
}


def every_event() -> list[Event]:
    """One of each kind; the daemon's start and its config come first."""
    kinds = [kind for kind in typing.get_args(Event) if kind is not SegmentOpened]
    first = [DaemonStarted, ConfigApplied]
    return [_struct(kind) for kind in [*first, *(kind for kind in kinds if kind not in first)]]


def texts_of(value: Any) -> set[str]:
    """Every text in an event, wherever it stands."""
    match value:
        case str():
            return {value}
        case bytes():
            return {value.decode()}
        case tuple() | list():
            return set().union(*map(texts_of, value))
        case dict():
            return set().union(*map(texts_of, value), *map(texts_of, value.values()))
        case msgspec.Struct():
            return set().union(*(texts_of(getattr(value, name)) for name in value.__struct_fields__))
        case _:
            return set()


def _struct(kind: Any) -> Any:
    hints = typing.get_type_hints(kind)
    if kind is Service:
        return Service(id=SERVICE)
    return kind(**{name: _value(hints[name], name) for name in kind.__struct_fields__})


def _value(hint: Any, field: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is ServiceId:
        return SERVICE
    if hint is RealId:
        return REAL
    if hint is Balancer:
        return _struct(Balancer)
    if origin is Literal:
        return next(word for word in arguments if word)
    if origin is dict:
        return {_value(arguments[0], field): _value(arguments[1], field)}
    if origin is tuple:
        return _row(arguments, field)
    if origin in (types.UnionType, typing.Union):
        return _value(next(option for option in arguments if option is not type(None)), field)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint)
    return _plain(hint, field)


def _row(arguments: tuple[Any, ...], field: str) -> tuple[Any, ...]:
    """A tuple; of a union it has one of each member, and of balancers one with each kind of check."""
    item = arguments[0]
    if item is Balancer:
        checks = typing.get_args(Check)
        return tuple(_balancer(number, _struct(check)) for number, check in enumerate(checks))
    if typing.get_origin(item) in (types.UnionType, typing.Union):
        return tuple(_value(member, field) for member in typing.get_args(item))
    return (_value(item, field),)


def _balancer(number: int, check: Any) -> Balancer:
    balancer = _struct(Balancer)
    service = balancer.service if not number else Service(id=ServiceId(f"tcp://203.0.113.{10 + number}:80"))
    balanced: Balancer = msgspec.structs.replace(balancer, service=service, check=check)
    return balanced


def _plain(hint: Any, field: str) -> Any:
    made = {int: 1, float: 1.5, bool: True, bytes: b"told-bytes", str: _TEXTS.get(field, f"told-{field}")}
    return made[hint]
