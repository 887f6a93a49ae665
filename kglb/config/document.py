"""The document from its top: the sections, the balancers, and the ``Config`` they make."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from kglb.config import network
from kglb.config.balancers import read_balancer, read_defaults
from kglb.config.problems import RefusedError
from kglb.config.reader import Key, Node, Read, leaf, list_shape, read_list, read_table, table_shape
from kglb.config.rules import ask_rules, marks_are_free, services_differ
from kglb.config.values import choice, duration, integer, nonempty, or_off, shaped, size, socket_path
from kglb.model import (
    Address,
    Balancer,
    BgpConfig,
    Config,
    ControlConfig,
    DataPlaneConfig,
    JournalConfig,
    StatusConfig,
)

T = TypeVar("T")

JOURNAL = (
    Key("directory", leaf(nonempty)),
    Key("max_size", leaf(or_off(size("1MiB"), 0))),
    Key("max_age", leaf(or_off(duration("1h", "36500d"), 0.0))),
)

DATA_PLANE = (
    Key("kind", leaf(choice(("ipvs", "memory")))),
    Key("vip_interface", leaf(or_off(network.interface, ""))),
    Key("reconcile_interval", leaf(duration("1s", "24h"))),
    Key("on_stop", leaf(choice(("cleanup", "leave")))),
    Key("fwmark_base", leaf(integer(1, 2**31 - 1))),
    Key("fwmark_count", leaf(integer(1, 65536))),
)

BGP = (
    Key("engine", leaf(choice(("none", "exabgp")))),
    Key("socket", leaf(socket_path)),
)


@shaped(**list_shape(network.asked_by))
def _read_hosts(node: Node) -> tuple[str, ...]:
    return tuple(name for _, name in read_list(node, leaf(network.asked_by)))


STATUS = (
    Key("listen", leaf(network.listen)),
    Key("hosts", _read_hosts),
)

CONTROL = (
    Key("socket", leaf(or_off(socket_path, ""))),
    Key("group", leaf(nonempty)),
)


def _section(make: Callable[..., T], keys: Sequence[Key]) -> Read[T]:
    @shaped(**table_shape(keys))
    def read(node: Node) -> T:
        return make(**read_table(node, keys).values)

    return read


@shaped(**list_shape(read_balancer))
def _read_balancers(node: Node) -> tuple[Balancer, ...]:
    if isinstance(node.value, dict):
        raise RefusedError("expected a list of tables, found a table", "write [[balancer]]")
    drafts = tuple(draft for _, draft in read_list(node, read_balancer))
    for draft in drafts:
        ask_rules(draft)
    services_differ(drafts)
    return tuple(draft.balancer for draft in drafts)


@shaped(**list_shape(nonempty))
def _read_include(node: Node) -> tuple[str, ...]:
    return tuple(pattern for _, pattern in read_list(node, leaf(nonempty)))


DOCUMENT = (
    Key("include", _read_include),
    Key("journal", _section(JournalConfig, JOURNAL)),
    Key("data_plane", _section(DataPlaneConfig, DATA_PLANE)),
    Key("status", _section(StatusConfig, STATUS)),
    Key("control", _section(ControlConfig, CONTROL)),
    Key("bgp", _section(BgpConfig, BGP)),
    Key("defaults", read_defaults),
    Key("balancer", _read_balancers, field="balancers"),
)


@shaped(**table_shape(DOCUMENT))
def read_config(node: Node) -> Config:
    """The whole config. To have no balancer is said aloud, so that an empty file takes no service away."""
    values, _ = read_table(node, DOCUMENT)
    if isinstance(node.value, dict) and "balancer" not in node.value:
        node.fail("no balancer", "add a [[balancer]], or balancer = [] to have none")
    for composed in ("include", "defaults"):  # has been done
        values.pop(composed, None)
    config = Config(**values)
    _warn_of_silence(node, config)
    marks_are_free(node, config)
    interface = config.data_plane.vip_interface
    return msgspec.structs.replace(
        config, balancers=tuple(_with_vip(balancer, interface) for balancer in config.balancers)
    )


def _warn_of_silence(node: Node, config: Config) -> None:
    """Warning: a route that nobody announces."""
    announcing = [balancer for balancer in config.balancers if balancer.announce is not None]
    if announcing and config.bgp.engine == "none":
        routes = f"{len(announcing)} balancer{'s have' if len(announcing) > 1 else ' has'} announce"
        node.warn(f'no route is announced, though {routes}; engine = "exabgp" announces them', at=("bgp",))


def _with_vip(balancer: Balancer, interface: str) -> Balancer:
    key = balancer.service.key
    if key.protocol == "fwmark" or not interface:
        return balancer
    address = Address(f"{key.address}/{128 if key.ipv6 else 32}", interface)
    return msgspec.structs.replace(balancer, address=address)
