"""The ``reals`` of a balancer: ``"10.0.0.7:80"``, a table that says more than the address, or a table that says where
they are found: a pool.
"""

from typing import Any

from kglb.config import network
from kglb.config.forward import read_forward
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, ReportedError, leaf, list_shape, read_list, read_table, table_shape
from kglb.config.values import absolute_path, boolean, ratio, shape_of, shaped

_OF_EACH = (
    Key("weight", leaf(network.weight)),
    Key("forward", read_forward),
    Key("upper_threshold", leaf(network.threshold), field="upper"),
    Key("lower_threshold", leaf(network.threshold), field="lower"),
    Key("backup", leaf(boolean)),
)

REAL = (Key("address", leaf(network.real_host), required=True, field="host"), *_OF_EACH)

POOL = (*_OF_EACH, Key("max_loss", leaf(ratio)))
"""The keys of a pool besides that which says where its members are found."""

POOLS = {
    "dns": (Key("dns", leaf(network.pool_name), required=True, field="place"), *POOL),
    "file": (Key("file", leaf(absolute_path), required=True, field="place"), *POOL),
}
"""The keys of pools of each kind."""

Entry = dict[str, Any]
"""The fields that an entry gives of a ``Real``, or of a ``Pool``, which has a ``kind``; its balancer gives the rest."""

Entries = tuple[tuple[Node, Entry], ...]


@shaped(anyOf=[shape_of(network.real_host), table_shape(REAL), *map(table_shape, POOLS.values())])
def _read_entry(node: Node) -> Entry:
    if isinstance(node.value, str):
        return {"host": network.real_host(node.value)}
    if not isinstance(node.value, dict):
        raise RefusedError(f'expected "address:port" or a table, found {show(node.value)}')
    kinds = [kind for kind in POOLS if kind in node.value]
    if len(kinds) > 1 or (kinds and "address" in node.value):
        raise RefusedError(f"expected one of address, {', '.join(POOLS)}, found several", "write a table for each")
    values, failed = read_table(node, POOLS[kinds[0]] if kinds else REAL)
    if failed:
        raise ReportedError
    values |= {"kind": kinds[0]} if kinds else {}
    upper, lower = values.get("upper", 0), values.get("lower", 0)
    if lower > upper:
        raise RefusedError(f"lower_threshold ({lower}) is above upper_threshold ({upper or 'none'})")
    return values


def _require_a_primary(entries: Entries) -> None:
    """A backup serves in place of others: there must be some."""
    if all(entry.get("backup") for _, entry in entries):
        raise RefusedError("every real is a backup", "remove backup = true from those that are to serve first")


@shaped(**list_shape(_read_entry), minItems=1)
def read_reals(node: Node) -> Entries:
    """The entries that are fine, in the order of the file, each with its place."""
    entries = read_list(node, _read_entry)
    if not node.value:
        raise RefusedError("no reals", "list at least one, or remove the balancer")
    if isinstance(node.value, list) and len(entries) == len(node.value):
        _require_a_primary(entries)
    places: dict[str, Node] = {}
    for place, entry in entries:
        what, called = ("pool", f"{entry['kind']} {entry['place']}") if "kind" in entry else ("real", entry["host"])
        first = places.setdefault(called, place)
        if first is not place:
            place.fail(f"duplicate {what}: {called} is reals[{first.path[-1]}] already")
    return entries
