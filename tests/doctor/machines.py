"""A machine on which nothing is wrong, and a config for it; each test makes one thing worse."""

from collections.abc import Mapping

from msgspec.structs import replace

from kglb.config.load import parse
from kglb.dataplane.routes import Route
from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import Disk, Facts, Link, Network
from kglb.doctor.finding import Finding
from kglb.model import Address

SERVICE = "tcp://192.168.100.10:80"
REALS = ("10.0.0.1:80", "10.0.0.2:80")


def _config(more: str = "", check: str = 'type = "tcp"', service: str = SERVICE, reals: tuple[str, ...] = REALS) -> str:
    return f"""
[[balancer]]
name = "web"
service = "{service}"
scheduler = "wrr"
reals = {list(reals)}
{more}
check = {{ {check} }}
"""


DEFAULT = Route("eth0", "192.168.100.2", gateway="192.168.100.1")
TO_REALS = Route("eth1", "10.0.0.254")

WELL = Facts(
    config=parse(_config()).config,
    kernel=(6, 1),
    loaded=frozenset({"ip_vs", "ip_vs_wrr"}),
    loadable=frozenset({"ip_vs", "ip_vs_wrr", "ip_vs_mh"}),
    sysctls={
        "net.ipv4.ip_forward": 1,
        "net.ipv4.vs.conn_reuse_mode": 1,
        "net.ipv4.vs.conntrack": 0,
        "net.ipv4.vs.expire_nodest_conn": 1,
        "net.ipv4.vs.expire_quiescent_template": 0,
    },
    network=Network(
        links={"lo": Link(mtu=65536, mtu6=65536), "eth0": Link(), "eth1": Link(mtu=9000, mtu6=9000)},
        addresses=frozenset({Address("127.0.0.1/8", "lo"), Address("192.168.100.2/24", "eth0")}),
    ),
    routes={"10.0.0.1": TO_REALS, "10.0.0.2": TO_REALS},
    default_routes=(DEFAULT,),
    disk=Disk(existing="/var/lib/kglb/journal", filesystem="ext4", writable=True, free=1 << 40),
    synchronised=True,
)


def configured(
    more: str = "",
    check: str = 'type = "tcp"',
    head: str = "",
    service: str = SERVICE,
    reals: tuple[str, ...] = REALS,
) -> Facts:
    """The machine on which nothing is wrong, for another config."""
    return replace(WELL, config=parse(head + _config(more, check, service, reals)).config)


def set_sysctls(facts: Facts, values: Mapping[str, int]) -> Facts:
    """The same with these sysctls besides."""
    return replace(facts, sysctls={**facts.sysctls, **values})


def set_to(facts: Facts, **values: int) -> Facts:
    """The same with other values of ``net.ipv4.vs``."""
    return set_sysctls(facts, {f"net.ipv4.vs.{name}": value for name, value in values.items()})


def networked(facts: Facts, **changes: object) -> Facts:
    """The same in a network that differs in this."""
    return replace(facts, network=replace(facts.network, **changes))


def found(facts: Facts) -> Finding:
    """The only finding."""
    (finding,) = diagnose(facts)
    return finding
