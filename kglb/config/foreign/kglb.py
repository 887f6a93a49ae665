"""KgLb's JSON to the document our TOML would give, with every mistake at the place KgLb's file has it."""

import ipaddress
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from kglb.config.balancers import ANNOUNCE, BALANCER
from kglb.config.checks import COMMON, KINDS, TYPE
from kglb.config.foreign import kglb_options
from kglb.config.foreign.jsonpb import JsonReading, Settings, parse_json, read_fields
from kglb.config.problems import ConfigError, Path, Problem, RefusedError
from kglb.config.reader import Node, Place, ReportedError, attempt, read_list
from kglb.config.secrets import Secrets


class _Translated(JsonReading):
    """A reading of a document that was written as KgLb's JSON."""

    origins: dict[Path, Path] = msgspec.field(default_factory=dict)

    def place(self, path: Path) -> Place:
        for length in range(len(path), 0, -1):
            if (origin := self.origins.get(path[:length])) is not None:
                return super().place((*origin, *path[length:]))
        return super().place(path)


def translate(text: str, source: str, secrets: Secrets) -> Node:
    """The document that means here what KgLb's config means there. Raises ConfigError with every mistake."""
    reading = _Translated(text, secrets)
    balancers = attempt(Node(_json(text, source), (), reading), _read_balancers)
    if reading.problems or balancers is None:
        raise ConfigError(source, tuple(sorted(reading.problems, key=lambda problem: problem.line or 0)))
    document = [_document(index, settings, reading.origins) for index, settings in enumerate(balancers)]
    return Node({"balancer": document}, (), reading)


def _json(text: str, source: str) -> object:
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        problem = Problem("", error.lineno, f"not JSON: {error.msg} (column {error.colno})")
    except RecursionError:
        problem = Problem("", None, "not JSON: brackets are nested too deeply")
    except RefusedError as refusal:
        problem = Problem("", None, str(refusal))
    except ValueError:
        problem = Problem("", None, "not JSON: a number has too many digits")
    raise ConfigError(source, (problem,)) from None


def _read_balancers(node: Node) -> list[Settings]:
    assert isinstance(node.value, dict)  # is_kglb
    for name in node.value:
        if name != "balancers":
            node.fail("no such field", "known here: balancers", at=(name,))
    if "balancers" not in node.value:
        raise RefusedError("no balancers", 'write "balancers": [] to have none')
    inner = Node(node.value["balancers"], ("balancers",), node.reading)
    balancers = attempt(inner, lambda place: read_list(place, _read_balancer)) or ()
    _same_checks_of_a_vip(balancers)
    return [settings for _, settings in balancers]


def _read_balancer(node: Node) -> Settings:
    before = len(node.reading.problems)
    settings = read_fields(node, kglb_options.BALANCER)
    if len(node.reading.problems) == before:
        _names_in_the_services_family(node, settings)
        _only_what_we_have(node, settings)
    if len(node.reading.problems) > before:
        raise ReportedError
    return settings


def _names_in_the_services_family(node: Node, settings: Settings) -> None:
    """KgLb probes a name in the family of the VIP and forwards to it in ``resolveFamily``; here both are the VIP's."""
    family = settings.pop("name_family")
    service = str(settings["service"].value)
    ours = "IPv6" if "[" in service or service.startswith("fwmark6") else "IPv4"
    named = [host for host in settings["reals"].value if not _is_address(host.rpartition(":")[0])]
    if named and family.value != ours:
        node.fail(
            f"{named[0]} is looked up in the family of its service, {ours}, not {family.value}",
            "write addresses instead of names",
            at=("upstreamDiscovery",),
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _only_what_we_have(node: Node, settings: Settings) -> None:
    """An option whose key this version does not read is refused, so that nothing is left out in silence."""
    kind = settings["check.type"]
    if kind.value in KINDS:
        known = _keys(kind.value)
        unknown = dict.fromkeys(said.path for key, said in settings.items() if key not in known)
    else:
        unknown = {kind.path: None}
    for path in unknown:
        node.fail("kglb-actors does not have this option yet", at=path[len(node.path) :])


def _keys(kind: str) -> tuple[str, ...]:
    """Every key of a ``[[balancer]]`` that has this type of check, in the order of our own tables."""
    tables = {"announce": ANNOUNCE, "check": (TYPE, *KINDS[kind].keys, *COMMON)}
    own = (key.name for key in BALANCER if key.name not in tables)
    return (*own, *(f"{table}.{key.name}" for table, keys in tables.items() for key in keys))


def _same_checks_of_a_vip(balancers: Iterable[tuple[Node, Settings]]) -> None:
    """KgLb: one VIP is checked through the tunnel for all of its services or for none."""
    first: dict[str, bool] = {}
    for node, settings in balancers:
        vip = str(settings["service"].value).partition("://")[2].rpartition(":")[0]
        marked = "fwmark_checks" in settings
        if vip and first.setdefault(vip, marked) != marked:
            node.fail(f"enableFwmarks differs from that of another balancer of {vip}")


def _document(index: int, settings: Settings, origins: dict[Path, Path]) -> dict[str, Any]:
    """One ``[[balancer]]``; where each key of it was written goes to ``origins``."""
    here: Path = ("balancer", index)
    origins[here] = settings["check.type"].path[:2]
    origins[*here, "check"] = settings["check.type"].path[:3]
    document: dict[str, Any] = {}
    for key in _keys(settings["check.type"].value):
        if key in settings:
            *tables, name = key.split(".")
            table = document
            for step in tables:
                table = table.setdefault(step, {})
            table[name] = settings[key].value
            origins[(*here, *tables, name)] = settings[key].path
    return document
