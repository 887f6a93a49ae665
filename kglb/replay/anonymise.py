"""Events and states with other names: addresses, hosts, balancers, notes, paths, errors, consistently within one use.

What stays is what decisions need and nobody is known by: numbers, times, ports, marks, words of closed vocabularies.
Every other text is replaced unless it is known to be harmless, so that a field that is new gives nothing away.
"""

import os
import re
import typing
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

from kglb.projections import State
from kglb.replay.addresses import OtherAddresses

T = TypeVar("T")

_HARMLESS = {
    ("DaemonStarted", "software"),
    ("OutcomesUnknown", "counts"),
    ("ProbeFlipped", "reason"),
    ("RealState", "reason"),
    ("RecordsLost", "seal"),
    ("SegmentOpened", "chain"),
    ("SegmentOpened", "software"),
    ("Service", "engine"),
    ("Service", "flags"),
    ("Service", "scheduler"),
}
"""Texts of our own making: the reasons of probes, what IPVS knows, versions."""

_KEPT_WORDS = frozenset({"", "self", "lo"})
_SERVICE = re.compile(r"(tcp|udp)://(.+)")
_MARK_SERVICE = re.compile(r"fwmark6?://\d+")
_ENDPOINT = re.compile(r"\[?([^\[\]]+?)\]?:(\d{1,5})")
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/\d{1,3}")
_KEYS = (
    re.compile(r"(?P<name>\S+://\S+)(?P<between> )(?P<pool>(?:dns|file) .+)"),  # FleetState.pools
    re.compile(r"(?P<kept>dns |file )(?P<place>.+)"),  # Pool.id
    re.compile(r"(?P<name>\S+://\S+)(?P<between> )(?P<host>\S+)"),  # FleetState.names
    re.compile(r"(?P<kept>IPv[46] to )(?P<address>\S+)(?P<between> by \S+)"),  # MarksState.by_way
    re.compile(r"(?P<address>\S+/\d+)(?P<between> on )(?P<interface>\S+)"),  # Holding.addresses
)


class Anonymiser:
    """One consistent renaming; another one renames otherwise. Addresses keep their common prefixes."""

    def __init__(self, key: bytes | None = None) -> None:
        self._addresses = OtherAddresses(os.urandom(32) if key is None else key)
        self._tokens: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def event(self, event: T) -> T:
        """An event with other names."""
        return typing.cast(T, self._walk(event, "text"))

    def state(self, state: State) -> State:
        """A state with other names; the given one stays as it is."""
        other = State()
        other.seq = state.seq
        other.fleet = self.event(state.fleet)
        other.data_plane = self.event(state.data_plane)
        return other

    def _walk(self, value: Any, field: str) -> Any:
        match value:
            case str():
                return self._text(value, field)
            case bytes():
                return self._token(value.decode("latin-1"), field).encode() if value else value
            case tuple() | list():
                return type(value)(self._walk(item, field) for item in value)
            case dict():
                return {self._walk(key, field): self._walk(item, field) for key, item in value.items()}
            case msgspec.Struct():
                return msgspec.structs.replace(
                    value, **{name: self._walk(getattr(value, name), name) for name in _telling(type(value))}
                )
            case _:
                return value

    def _text(self, text: str, field: str) -> str:
        if text in _KEPT_WORDS or _MARK_SERVICE.fullmatch(text):
            return text
        for pattern in _KEYS:
            if found := pattern.fullmatch(text):
                return "".join(
                    part if kind in ("kept", "between") else self._text(part, kind)
                    for kind, part in found.groupdict().items()
                )
        if found := _SERVICE.fullmatch(text):
            return f"{found[1]}://{self._text(found[2], field)}"
        try:
            return self._addresses.network(text) if _NETWORK.fullmatch(text) else self._addresses.address(text)
        except ValueError:
            pass
        if found := _ENDPOINT.fullmatch(text):
            host = self._text(found[1], "host")
            return f"[{host}]:{found[2]}" if ":" in host else f"{host}:{found[2]}"
        return self._token(text, field)

    def _token(self, text: str, field: str) -> str:
        """``name-3``: the same for the same text, wherever it stands."""
        if text not in self._tokens:
            self._counts[field] = self._counts.get(field, 0) + 1
            self._tokens[text] = f"{field}-{self._counts[field]}"
        return self._tokens[text]


@cache
def _telling(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a struct that may tell who or where."""
    hints = typing.get_type_hints(kind)
    names = kind.__struct_fields__
    return tuple(name for name in names if (kind.__name__, name) not in _HARMLESS and not _is_closed(hints[name]))


def _is_closed(hint: Any) -> bool:
    """Whether values of a type are numbers or words of a closed vocabulary."""
    if hint in (int, float, bool, type(None)) or typing.get_origin(hint) is Literal:
        return True
    arguments = typing.get_args(hint)
    return (
        bool(arguments)
        and typing.get_origin(hint) is not dict
        and all(argument is Ellipsis or _is_closed(argument) for argument in arguments)
    )
