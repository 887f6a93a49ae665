"""What differs between two states, entry by entry and field by field. Pure.

What only counts or numbers records (streaks, ``*_seq``) is no difference: it changes all the time.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from kglb.model import ServiceId
from kglb.replay.view import StateView

About = Literal["daemon", "service", "real", "address", "route"]
Change = Literal["added", "removed", "changed"]

_PASSING = frozenset(
    ("seq", "at", "checkpoint_seq", "config_seq", "weight_seq", "health_seq", "streak", "detail", "in_step")
)
_PARTS = frozenset(("services", "reals", "addresses", "routes", "pending"))
_NAMES = frozenset(("service", "balancer", "real", "host", "address", "interface", "prefix"))


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is in one state and not in the other, or whose ``fields`` differ: each as ``[before, after]``.

    ``name`` is a service, a real, an address or a prefix; ``balancer`` whose it is, empty for none.
    """

    about: About
    balancer: str
    name: str
    change: Change
    fields: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        """A line for people: ``web 10.0.0.2:80: weight 1000 -> 0, healthy yes -> no``."""
        where = self.name if self.balancer in ("", self.name) else f"{self.balancer} {self.name}".rstrip()
        fields = [_words(self.change, name, *values) for name, values in self.fields.items()]
        return f"{where}: {', '.join(fields if self.change == 'changed' else (self.change, *fields))}"


_Key = tuple[About, str, str]


def differences(before: StateView, after: StateView) -> tuple[Difference, ...]:
    """What leads from one state to the other, in the order of the states."""
    old, new = _entries(before), _entries(after)
    labels = {found.service: found.balancer for found in (*before.services, *after.services)}
    found = (_difference(key, old.get(key), new.get(key), labels) for key in {**old, **new})
    return tuple(difference for difference in found if difference is not None)


def _entries(seen: StateView) -> dict[_Key, msgspec.Struct]:
    """Every entry by what it is: the state itself, its services with their reals, its addresses and routes."""
    entries: dict[_Key, msgspec.Struct] = {("daemon", "", "daemon"): seen}
    for service in seen.services:
        entries["service", service.service, service.service] = service
        entries |= {("real", service.service, real.real): real for real in service.reals}
    entries |= {("address", "", f"{address.address} on {address.interface}"): address for address in seen.addresses}
    entries |= {("route", "", f"route {route.prefix}"): route for route in seen.routes}
    return entries


def _difference(
    key: _Key, old: msgspec.Struct | None, new: msgspec.Struct | None, labels: Mapping[ServiceId, str]
) -> Difference | None:
    before, after = _fields(old), _fields(new)
    fields = {name: (before.get(name), after.get(name)) for name in {**before, **after}}
    changed = {name: values for name, values in fields.items() if values[0] != values[1]}
    if not changed:
        return None
    about, service, name = key
    change: Change = "added" if old is None else "removed" if new is None else "changed"
    return Difference(
        about=about,
        balancer=labels.get(ServiceId(service)) or service,
        name=name,
        change=change,
        fields={} if change == "removed" else changed,
    )


def _fields(entry: msgspec.Struct | None) -> Mapping[str, Any]:
    if entry is None:
        return {}
    names: Iterable[str] = entry.__struct_fields__
    return {name: getattr(entry, name) for name in names if name not in _PASSING | _PARTS | _NAMES}


def _words(change: Change, name: str, before: object, after: object) -> str:
    label = name.replace("_", " ")
    return f"{label} {_word(after)}" if change == "added" else f"{label} {_word(before)} -> {_word(after)}"


def _word(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
        case tuple():
            return " ".join(map(str, value)) or "-"
        case _:
            return str(value)
