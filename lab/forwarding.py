"""What reals need for the ways in which IPVS forwards other than masquerading: direct routing and tunnels.

Masquerading needs only that answers return by the director, which a ``Network`` gives. With the others the
real receives packets for the VIP itself, so it holds the VIP without announcing it, and answers the client
directly. Nothing here configures IPVS.
"""

from pathlib import Path
from typing import Literal

from lab.namespaces import command, in_namespace, ip, sysctl
from lab.net import CLIENT_NETWORK, CLIENT_NETWORK6, Network

Encapsulation = Literal["ipip", "gue", "gre"]

GUE_PORT = 6080
ANSWERS_TABLE = 100
"""The routing table for packets from a VIP: straight to the client."""

TUNNEL_DEVICES = ("tunl0", "sit0", "ip6tnl0", "gre0", "ip6gre0")
"""The devices that receive what no configured tunnel takes; each comes with its module."""

TUNNEL_MODULES = ("ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6")


def direct(network: Network, *vips: str) -> None:
    """Let every real take packets for the VIPs (by default both of the network's) and answer the client."""
    for name in network.real_namespaces:
        with in_namespace(name):
            _hold(vips or (network.vip, network.vip6))


def tunnel(network: Network, *vips: str, encapsulation: Encapsulation = "ipip", port: int = GUE_PORT) -> None:
    """As ``direct``, for packets that come encapsulated, in IPv4 or IPv6; ``port`` is GUE's, of UDP.

    Raises CommandError when the kernel has not the modules.
    """
    modprobe = Path("/proc/sys/kernel/modprobe").read_text().strip()
    command(modprobe, "-a", *TUNNEL_MODULES)
    direct(network, *vips)
    gue = [f"fou add port {port} gue"] if encapsulation == "gue" else []
    for name in network.real_namespaces:
        with in_namespace(name):
            ip(*gue, *(f"link set {device} up" for device in TUNNEL_DEVICES), family="-4")
            ip(*gue, "tunnel change ip6tnl0 mode any", family="-6")
            for device in TUNNEL_DEVICES:
                Path(f"/proc/sys/net/ipv4/conf/{device}/rp_filter").write_text("0\n")


def _hold(vips: tuple[str, ...]) -> None:
    """In the calling thread's namespace: hold the VIPs, answer no ARP for them, reply on the link."""
    sysctl(
        "net.ipv4.conf.all.arp_ignore=1",
        "net.ipv4.conf.all.arp_announce=2",
        "net.ipv4.conf.all.rp_filter=0",
        "net.ipv4.conf.eth0.rp_filter=0",
    )
    _hold_family([vip for vip in vips if ":" not in vip], CLIENT_NETWORK, "-4")
    _hold_family([vip for vip in vips if ":" in vip], CLIENT_NETWORK6, "-6")


def _hold_family(vips: list[str], clients: str, family: Literal["-4", "-6"]) -> None:
    lines = [f"route add {clients} dev eth0 table {ANSWERS_TABLE}"]
    for vip in vips:
        lines += [f"address add {vip} dev lo", f"rule add from {vip} lookup {ANSWERS_TABLE}"]
    ip(*lines, family=family)
