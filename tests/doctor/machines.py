"""A machine on which nothing is wrong, and a config for it; each test makes one thing worse."""

from msgspec.structs import replace

from kglb.config.load import parse
from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import Disk, Facts
from kglb.doctor.finding import Finding
from kglb.model import Address

CONFIG = """
[[balancer]]
name = "web"
service = "tcp://192.168.100.10:80"
scheduler = "wrr"
reals = ["10.0.0.1:80", "10.0.0.2:80"]
{more}
check = {{ {check} }}
"""

WELL = Facts(
    config=parse(CONFIG.format(more="", check='type = "tcp"')).config,
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
    interfaces={"lo": True, "eth0": True},
    addresses=frozenset({Address("127.0.0.1/8", "lo"), Address("192.168.100.2/24", "eth0")}),
    disk=Disk(existing="/var/lib/kglb/journal", filesystem="ext4", writable=True, free=1 << 40),
    synchronised=True,
)


def configured(more: str = "", check: str = 'type = "tcp"', head: str = "") -> Facts:
    """The machine on which nothing is wrong, for another config."""
    return replace(WELL, config=parse(head + CONFIG.format(more=more, check=check)).config)


def set_to(facts: Facts, **values: int) -> Facts:
    """The same with other values of ``net.ipv4.vs``."""
    return replace(facts, sysctls={**facts.sysctls, **{f"net.ipv4.vs.{name}": value for name, value in values.items()}})


def found(facts: Facts) -> Finding:
    """The only finding."""
    (finding,) = diagnose(facts)
    return finding
