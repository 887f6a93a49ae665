"""A load balancer's network in miniature: client, director and reals, each a namespace, on one segment.

::

    client 10.1.0.2, fd00:1::2 ---+
                                  |
                              [ bridge ] "lan" of the director: 10.1.0.1, 10.2.0.1, fd00:1::1, fd00:2::1
                                  |
    reals 10.2.0.10, fd00:2::a ---+
          10.2.0.11, fd00:2::b ...

The client and the reals are in different subnets and route by the director; a real can still answer the
client directly, being on the same segment. A VIP is any other address: the client's default route leads to
the director.

Nothing here runs servers or touches IPVS: see ``lab.reals``, ``lab.forwarding`` and ``lab.ipvs``.
"""

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.namespaces import CommandError, command, in_namespace, ip, sysctl

CLIENT_NETWORK = "10.1.0.0/24"
CLIENT_NETWORK6 = "fd00:1::/64"

FIRST_REAL = 10
"""The host part of the first real's addresses."""

MAX_REALS = 60_000


@dataclass(frozen=True)
class Real:
    """A real server's place: its name, its namespace, its addresses, whether others share the namespace."""

    name: str
    namespace: str
    address: str
    address6: str
    shared: bool


class Network:
    """A client, a director and reals, from entering the context until leaving it.

    By default each real has a namespace of its own. With ``shared`` all are addresses in one namespace,
    behind 10.3.0.2 and fd00:3::2, which makes thousands cheap. ``prefix`` begins the name of each namespace.
    Raises CommandError or OSError when the kernel refuses; then nothing is left behind.

    >>> with Network(reals=2) as network, in_namespace(network.director):  # doctest: +SKIP
    ...     command("ipvsadm", "-A", "-t", f"{network.vip}:80")
    """

    vip = "10.0.0.100"
    vip6 = "fd00::100"
    client_address = "10.1.0.2"
    client_address6 = "fd00:1::2"

    def __init__(self, reals: int = 2, *, shared: bool = False, prefix: str = "lab") -> None:
        if not 0 <= reals <= MAX_REALS:
            raise ValueError(f"expected 0 to {MAX_REALS} reals, found {reals}")
        self.client = f"{prefix}-client"
        self.director = f"{prefix}-director"
        self.shared = shared
        self.reals = tuple(
            Real(
                name=f"real{number}",
                namespace=f"{prefix}-reals" if shared else f"{prefix}-real{number}",
                address=str(ipaddress.IPv4Address("10.2.0.0") + FIRST_REAL + number),
                address6=str(ipaddress.IPv6Address("fd00:2::") + FIRST_REAL + number),
                shared=shared,
            )
            for number in range(reals)
        )
        self.real_namespaces = tuple(dict.fromkeys(real.namespace for real in self.reals))

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace of the network, the director's first."""
        return self.director, self.client, *self.real_namespaces

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def add_vip(self, *addresses: str) -> None:
        """Put addresses, the two default VIPs when none are given, on the director's lo."""
        with in_namespace(self.director):
            ip(*(f"address add {address} dev lo" for address in addresses or (self.vip, self.vip6)))

    def drop(self, real: Real) -> None:
        """Let nothing that the real sends leave it: its clients see neither SYN-ACK, reset nor ICMP error."""
        self._rule("add", real)

    def restore(self, real: Real) -> None:
        """Undo ``drop``."""
        self._rule("del", real)

    def _rule(self, verb: str, real: Real) -> None:
        with in_namespace(real.namespace):
            ip(f"rule {verb} {f'from {real.address}' if real.shared else ''} pref 1 blackhole", family="-4")
            ip(f"rule {verb} {f'from {real.address6}' if real.shared else ''} pref 1 blackhole", family="-6")

    def _build(self) -> None:
        ip(*(f"netns add {name}" for name in self.namespaces))
        for name in self.namespaces:
            with in_namespace(name):
                _skip_address_detection()
        with in_namespace(self.director):
            _forward_packets()
            ip(*self._director_lines())
        with in_namespace(self.client):
            ip(*_host_lines(1, self.client_address, self.client_address6, 24))
        for name in self.real_namespaces:
            with in_namespace(name):
                ip(*self._real_lines(name))

    def _remove(self) -> None:
        """Delete the namespaces, and with them all they hold; those that were never made are passed over."""
        with suppress(CommandError):
            command(
                "ip",
                "-force",
                "-batch",
                "-",
                stdin="".join(f"netns del {name}\n" for name in self.namespaces),
            )

    def _director_lines(self) -> list[str]:
        lines = ["link set lo up", "link add lan type bridge"]
        for number, name in enumerate((self.client, *self.real_namespaces)):
            lines.append(f"link add port{number} type veth peer name eth0 netns {name}")
            lines.append(f"link set port{number} master lan up")
        lines += [
            "link set lan up",
            "address add 10.1.0.1/24 dev lan",
            "address add fd00:1::1/64 dev lan nodad",
        ]
        if self.shared:
            lines += ["address add 10.3.0.1/24 dev lan", "address add fd00:3::1/64 dev lan nodad"]
            lines += ["route add 10.2.0.0/16 via 10.3.0.2", "route add fd00:2::/64 via fd00:3::2"]
        else:
            lines += ["address add 10.2.0.1/16 dev lan", "address add fd00:2::1/64 dev lan nodad"]
        return lines

    def _real_lines(self, namespace: str) -> list[str]:
        reals = [real for real in self.reals if real.namespace == namespace]
        if not self.shared:
            return _host_lines(2, reals[0].address, reals[0].address6, 16)
        lines = _host_lines(3, "10.3.0.2", "fd00:3::2", 24)
        lines += [f"address add {address} dev lo" for real in reals for address in (real.address, real.address6)]
        return lines


def _host_lines(subnet: int, address: str, address6: str, prefix: int) -> list[str]:
    """A host with one interface in the given subnet, which routes by the director."""
    return [
        "link set lo up",
        "link set eth0 up",
        f"address add {address}/{prefix} dev eth0",
        f"address add {address6}/64 dev eth0 nodad",
        f"route add default via 10.{subnet}.0.1",
        f"route add default via fd00:{subnet}::1",
    ]


def _skip_address_detection() -> None:
    """Make IPv6 addresses usable at once, link-local ones too, and keep the routes that are configured."""
    sysctl(
        "net.ipv6.conf.default.accept_dad=0",
        "net.ipv6.conf.default.dad_transmits=0",
        "net.ipv6.conf.default.accept_ra=0",
        "net.ipv6.conf.default.accept_redirects=0",
    )


def _forward_packets() -> None:
    """Route between client and reals, both on one segment, without telling them of shorter ways."""
    sysctl(
        "net.ipv4.ip_forward=1",
        "net.ipv4.conf.all.send_redirects=0",
        "net.ipv4.conf.default.send_redirects=0",
        "net.ipv6.conf.all.forwarding=1",
    )
