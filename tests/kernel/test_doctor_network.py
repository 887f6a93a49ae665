"""What the doctor says of a network is so: clients suffer from what it finds, and no more after what it prints."""

import socket
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from kglb.config.load import load
from kglb.doctor.diagnose import diagnose
from kglb.doctor.finding import Finding
from kglb.doctor.gather import gather
from kglb.doctor.tunnels import LARGEST, overhead
from kglb.model import Forward
from lab import forwarding
from lab.namespaces import command, in_namespace, ip, sysctl
from lab.net import Network
from lab.reals import HTTP_ONLY, Reals
from tests.patience import PATIENCE

HOPE = 3.0
"""Seconds after which one gives up that is not: whoever is answered at all is answered in milliseconds."""

LARGE = 20_000
"""Bytes of a request that takes many full packets."""

MASQUERADE, DIRECT, TUNNEL = "-m", "-g", "-i"
METHODS = {MASQUERADE: "masquerade", DIRECT: "direct", TUNNEL: "tunnel"}


@pytest.fixture
def reals(network: Network) -> Iterator[Reals]:
    with Reals(network, HTTP_ONLY) as made:
        yield made


class Clinic:
    """A director that forwards what comes to one VIP to one real, and the doctor's opinion of it."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.network = network
        self._config = directory / "config.toml"

    def forward(self, vip: str, real: str, method: str, more: str = "") -> None:
        """Have the kernel do what a daemon would have it do, and write the config for that."""
        service, destination = (f"[{each}]:80" if ":" in each else f"{each}:80" for each in (vip, real))
        self._config.write_text(f"""
journal = {{ directory = "{self._config.parent}/journal", max_size = "1MiB" }}
[[balancer]]
name = "web"
service = "tcp://{service}"
scheduler = "rr"
forward = "{METHODS[method]}"
reals = ["{destination}"]
check = {{ type = "tcp" }}
{more}
""")
        with in_namespace(self.network.director):
            command("ipvsadm", "-A", "-t", service, "-s", "rr")
            command("ipvsadm", "-a", "-t", service, "-r", destination, method)

    def finding(self, about: str) -> Finding | None:
        """The finding that says this, if any does."""
        with in_namespace(self.network.director):
            findings = diagnose(gather(load(self._config), self._config))
        return next((finding for finding in findings if about in finding.what), None)

    def cure(self, finding: Finding) -> None:
        """Run the command that it prints."""
        with in_namespace(self.network.director):
            command("sh", "-ec", finding.fix)

    def is_left_waiting(self, vip: str, size: int = 0) -> bool:
        """Whether the client gets no answer from the VIP to a request of so many bytes."""
        return not self.is_answered(vip, size, HOPE)

    def is_answered(self, vip: str, size: int = 0, patience: float = PATIENCE) -> bool:
        """Whether the client gets an answer from the VIP to a request of so many bytes."""
        with in_namespace(self.network.client):
            client = socket.socket(socket.AF_INET6 if ":" in vip else socket.AF_INET)
        with client:
            client.settimeout(patience)
            try:
                client.connect((vip, 80))
                client.sendall(b"GET / HTTP/1.1\r\nLarge: " + b"x" * size + b"\r\n\r\n")
                return client.recv(1024).startswith(b"HTTP/1.1 200")
            except OSError:
                return False


@pytest.fixture
def clinic(network: Network, reals: Reals, tmp_path: Path) -> Clinic:
    return Clinic(network, tmp_path)


def lose_icmp(network: Network) -> None:
    """No ICMP error comes to the client any more, as behind many a firewall."""
    with in_namespace(network.client):
        command("tc", "qdisc", "add", "dev", "eth0", "ingress")
        of_ipv4 = "protocol ip u32 match ip protocol 1 0xff action drop"
        too_big = "protocol ipv6 u32 match ip6 protocol 58 0xff match u8 2 0xff at 40 action drop"
        for what in (of_ipv4, too_big):
            command("tc", "filter", "add", "dev", "eth0", "parent", "ffff:", *what.split())


# --- tunnels ---------------------------------------------------------------------------------------------------------

FORWARDS = {
    "--tun-type ipip": Forward(method="tunnel"),
    "--tun-type gre": Forward(method="tunnel", tunnel="gre"),
    "--tun-type gre --tun-csum": Forward(method="tunnel", tunnel="gre", checksum="csum"),
    "--tun-type gue --tun-port 6080": Forward(method="tunnel", tunnel="gue", port=6080),
    "--tun-type gue --tun-port 6080 --tun-csum": Forward(method="tunnel", tunnel="gue", port=6080, checksum="csum"),
    "--tun-type gue --tun-port 6080 --tun-remcsum": Forward(
        method="tunnel", tunnel="gue", port=6080, checksum="remcsum"
    ),
}


def path_mtu(network: Network, vip: str, port: int) -> int:
    """What a client that sends full packets, and lets nobody fragment them, is told to send; it forgets it again."""
    ipv6 = ":" in vip
    level, discover, current = (socket.IPPROTO_IPV6, 23, 24) if ipv6 else (socket.IPPROTO_IP, 10, 14)  # IP_MTU, ..
    with in_namespace(network.client):
        with socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setsockopt(level, discover, 2)  # IP_PMTUDISC_DO
            client.connect((vip, port))
            deadline = time.monotonic() + PATIENCE
            while (mtu := client.getsockopt(level, current)) == LARGEST:
                assert time.monotonic() < deadline, "no ICMP came"
                client.send(bytes(LARGEST - (48 if ipv6 else 28)))
                time.sleep(0.01)
        ip("route flush cache", family="-6" if ipv6 else "-4")
    return mtu


def test_a_tunnel_takes_as_many_bytes_as_the_kernel_tells_clients(network: Network) -> None:
    first = network.reals[0]
    ways = product(FORWARDS, (network.vip, network.vip6), (first.address, first.address6))
    told, reckoned, lines = {}, {}, []
    for port, (options, vip, real) in enumerate(ways, 8000):
        service, destination = (f"[{each}]:{port}" if ":" in each else f"{each}:{port}" for each in (vip, real))
        lines += [f"-A -u {service} -s rr\n", f"-a -u {service} -r {destination} -i {options}\n"]
        reckoned[options, vip, real, port] = LARGEST - overhead(FORWARDS[options], ipv6=":" in real)
    with in_namespace(network.director):
        command("ipvsadm", "-R", stdin="".join(lines))
    for options, vip, real, port in reckoned:
        told[options, vip, real, port] = path_mtu(network, vip, port)
    assert told == reckoned


NARROW = "do not fit into the tunnel"


def test_a_client_without_icmp_hangs_when_it_sends_much_unless_reals_advertise_less(clinic: Clinic) -> None:
    network = clinic.network
    forwarding.tunnel(network)
    clinic.forward(network.vip, network.reals[0].address, TUNNEL)
    finding = clinic.finding(NARROW)
    assert finding is not None
    assert "`advmss 1440`" in finding.advice
    assert clinic.is_answered(network.vip, LARGE), "ICMP comes, and the client sends less"
    lose_icmp(network)
    with in_namespace(network.client):
        ip("route flush cache")
    assert clinic.is_answered(network.vip), "what is small passes"
    assert clinic.is_left_waiting(network.vip, LARGE)
    with in_namespace(network.reals[0].namespace):
        ip(f"route change 10.1.0.0/24 dev eth0 table {forwarding.ANSWERS_TABLE} advmss 1440")
    assert clinic.is_answered(network.vip, LARGE)


def test_fragmenting_helps_what_is_ipv4(clinic: Clinic) -> None:
    network = clinic.network
    forwarding.tunnel(network)
    clinic.forward(network.vip, network.reals[0].address6, TUNNEL)
    lose_icmp(network)
    assert clinic.is_left_waiting(network.vip, LARGE)
    with in_namespace(network.director):
        sysctl("net.ipv4.vs.pmtu_disc=0")
    assert clinic.finding(NARROW) is None
    assert clinic.is_answered(network.vip, LARGE)


def test_a_link_that_takes_more_leaves_room_for_the_tunnel(clinic: Clinic) -> None:
    network = clinic.network
    forwarding.tunnel(network)
    clinic.forward(network.vip6, network.reals[0].address6, TUNNEL)
    lose_icmp(network)
    finding = clinic.finding(NARROW)
    assert finding is not None
    assert "an MTU of 1540 on lan" in finding.advice
    assert clinic.is_left_waiting(network.vip6, LARGE)
    with in_namespace(network.director):
        ip("link set port1 mtu 1540", "link set port0 mtu 1540", "link set lan mtu 1540")
    with in_namespace(network.reals[0].namespace):
        ip("link set eth0 mtu 1540")
    assert clinic.finding(NARROW) is None
    assert clinic.is_answered(network.vip6, LARGE)


@pytest.mark.parametrize("vip", [Network.vip, Network.vip6])
def test_an_ipv6_tunnel_narrower_than_ipv6_needs_takes_nothing(clinic: Clinic, vip: str) -> None:
    network = clinic.network
    real = network.reals[0].address6
    forwarding.tunnel(network)
    clinic.forward(vip, real, TUNNEL)
    with in_namespace(network.director):
        ip(f"route add {real} dev lan mtu 1319", family="-6")
    finding = clinic.finding("and IPv6 needs 1280")
    assert finding is not None
    assert finding.level == "problem"
    assert clinic.is_left_waiting(vip)
    with in_namespace(network.director):
        ip(f"route change {real} dev lan mtu 1320", family="-6")
    assert clinic.finding("and IPv6 needs 1280") is None
    assert clinic.is_answered(vip, LARGE)


def test_ipv6_clients_cannot_send_what_an_ipv4_tunnel_narrower_than_that_takes(clinic: Clinic) -> None:
    network = clinic.network
    forwarding.tunnel(network)
    clinic.forward(network.vip6, network.reals[0].address, TUNNEL)
    with in_namespace(network.director):
        ip(f"route add {network.reals[0].address} dev lan mtu 1299")
    finding = clinic.finding("and IPv6 needs 1280")
    assert finding is not None
    assert finding.level == "problem"
    assert clinic.is_answered(network.vip6)
    assert clinic.is_left_waiting(network.vip6, LARGE)


# --- the VIPs --------------------------------------------------------------------------------------------------------


def test_an_ipv6_vip_in_a_segments_network_is_found_once_this_machine_is_its_proxy(clinic: Clinic) -> None:
    network, vip = clinic.network, "fd00:1::100"
    network.add_vip(vip)
    clinic.forward(vip, network.reals[0].address6, MASQUERADE)
    finding = clinic.finding("nobody there finds it")
    assert finding is not None
    assert clinic.is_left_waiting(vip)
    clinic.cure(finding)
    with in_namespace(network.client):
        ip("neighbour flush all", family="-6")
    assert clinic.finding("nobody there finds it") is None
    assert clinic.is_answered(vip)


def neighbour_of(network: Network, address: str) -> None:
    """Have the director ask its segment for an address, as whatever it sends there does."""
    with in_namespace(network.director):
        asking = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        with asking:
            asking.sendto(b"", (address, 9))
        deadline = time.monotonic() + PATIENCE
        while "REACHABLE" not in command("ip", "neighbour", "show", address):
            assert time.monotonic() < deadline, f"{address} did not answer"
            time.sleep(0.01)


@pytest.mark.parametrize(("vip", "by"), [("10.2.0.100", "ARP"), ("fd00:2::100", "neighbour discovery")])
def test_another_machine_that_answers_for_a_vip_is_seen(clinic: Clinic, vip: str, by: str) -> None:
    network = clinic.network
    first, second = network.reals
    clinic.forward(vip, first.address6 if ":" in vip else first.address, MASQUERADE)
    assert clinic.finding("another machine answers") is None
    with in_namespace(second.namespace):
        ip(f"address add {vip} dev eth0 {'nodad' if ':' in vip else ''}")
    neighbour_of(network, vip)
    finding = clinic.finding("another machine answers")
    assert finding is not None
    assert finding.what.endswith(f"by {by}")


def test_a_vip_that_is_a_duplicate_takes_no_packets_until_it_is_added_anew(clinic: Clinic) -> None:
    network, vip = clinic.network, "fd00:2::100"
    clinic.forward(vip, network.reals[0].address6, MASQUERADE)
    with in_namespace(network.reals[1].namespace):
        ip(f"address add {vip}/128 dev eth0 nodad")
    with in_namespace(network.director):
        sysctl("net.ipv6.conf.lan.accept_dad=1", "net.ipv6.conf.lan.dad_transmits=1")
        ip(f"address add {vip}/128 dev lan")
        deadline = time.monotonic() + PATIENCE
        while "dadfailed" not in command("ip", "-6", "address", "show", "dev", "lan"):
            assert time.monotonic() < deadline, "nobody objected"
            time.sleep(0.05)
    with in_namespace(network.reals[1].namespace):
        ip(f"address del {vip}/128 dev eth0")
    finding = clinic.finding("is a duplicate (dadfailed)")
    assert finding is not None
    assert clinic.is_left_waiting(vip)
    with in_namespace(network.director):
        ip(f"address del {vip}/128 dev lan", f"address add {vip}/128 dev lan nodad")
    assert clinic.finding("is a duplicate (dadfailed)") is None
    assert clinic.is_answered(vip)


# --- the way to the reals, and back ----------------------------------------------------------------------------------


def test_direct_routing_ends_at_a_router(clinic: Clinic) -> None:
    network, behind = clinic.network, "10.9.0.1"
    real, router = network.reals
    forwarding.direct(network, network.vip)
    with in_namespace(real.namespace):
        ip(f"address add {behind}/32 dev lo")
    with in_namespace(router.namespace):
        ip(f"address del {network.vip}/32 dev lo", f"route add {behind} via {real.address}")
        sysctl("net.ipv4.ip_forward=1")
    clinic.forward(network.vip, behind, DIRECT)
    with in_namespace(network.director):
        ip(f"route add {behind} via {router.address}")
    finding = clinic.finding(f"{behind} is reached through {router.address}")
    assert finding is not None
    assert finding.level == "note"
    assert clinic.is_left_waiting(network.vip)
    with in_namespace(network.director):
        ip(f"route add default via {router.address}")
    assert clinic.finding(f"{behind} is reached through {router.address}") == Finding(
        level="problem",
        what=finding.what,
        why=finding.why.replace(", unless that is the real itself", ""),
        advice=finding.advice,
    )
    with in_namespace(network.director):
        ip(f"route change {behind} via {real.address}")
    assert clinic.is_answered(network.vip), "the gateway is the real itself: why it was a note"


def test_a_link_that_has_lost_its_carrier_keeps_its_route(clinic: Clinic) -> None:
    network = clinic.network
    clinic.forward(network.vip, network.reals[0].address, MASQUERADE)
    assert clinic.finding("has no carrier") is None
    for name in (network.client, *network.real_namespaces):
        with in_namespace(name):
            ip("link set eth0 down")
    finding = clinic.finding("lan has no carrier")
    assert finding is not None
    assert finding.level == "problem"
    assert clinic.is_left_waiting(network.vip)


def past_the_director(network: Network, client: str, patience: float = PATIENCE) -> bool:
    """Whether the first real learns, while a client talks to the VIP, to answer it by another way."""
    with in_namespace(network.client):
        talking = socket.socket()
    with talking:
        talking.bind((client, 0))
        talking.connect((network.vip, 80))
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            talking.send(b"GET / ")
            time.sleep(0.05)  # the first redirects are for what is not there yet: the connection, the router's address
            with in_namespace(network.reals[0].namespace):
                if "redirected" in command("ip", "route", "get", client):
                    return True
    return False


def test_masqueraded_reals_that_heed_redirects_pass_the_director_by(clinic: Clinic) -> None:
    network, client = clinic.network, "10.5.0.1"
    clinic.forward(network.vip, network.reals[0].address, MASQUERADE)
    with in_namespace(network.client):
        ip(f"address add {client}/32 dev lo", f"route change default via 10.1.0.1 src {client}")
    with in_namespace(network.director):
        sysctl("net.ipv4.conf.all.send_redirects=1")
        ip(f"route add default via {network.client_address}")
    finding = clinic.finding("the router of the IPv4 default route are both on lan")
    assert finding is not None
    assert past_the_director(network, client)
    assert clinic.is_left_waiting(network.vip, LARGE)
    clinic.cure(finding)
    with in_namespace(network.reals[0].namespace):
        ip("route flush cache")
    assert clinic.finding("the router of the IPv4 default route are both on lan") is None
    assert not past_the_director(network, client, 2 * HOPE)
    assert clinic.is_answered(network.vip, LARGE)


def test_masqueraded_ipv6_reals_that_heed_redirects_pass_the_director_by(clinic: Clinic) -> None:
    network = clinic.network
    real, client = network.reals[0], "fd00:5::1"
    clinic.forward(network.vip6, real.address6, MASQUERADE)
    router, director = link_local(network.client, "eth0"), link_local(network.director, "lan")
    with in_namespace(network.client):
        ip(f"address add {client}/128 dev lo", f"route change default via fd00:1::1 src {client}", family="-6")
    with in_namespace(network.director):
        ip(f"route add default via {router} dev lan", family="-6")
    with in_namespace(real.namespace):
        ip(f"route change default via {director} dev eth0", family="-6")
        sysctl("net.ipv6.conf.eth0.accept_redirects=1")
    finding = clinic.finding("the router of the IPv6 default route are both on lan")
    assert finding is not None
    assert any(clinic.is_left_waiting(network.vip6, LARGE) for _ in range(3))
    with in_namespace(real.namespace):
        sysctl("net.ipv6.conf.eth0.accept_redirects=0")
        ip("link set eth0 down", "link set eth0 up")  # which forgets what was learnt
        ip(f"route add default via {director} dev eth0", f"address add {real.address6}/64 dev eth0 nodad", family="-6")
    assert all(clinic.is_answered(network.vip6, LARGE) for _ in range(3))


def link_local(namespace: str, interface: str) -> str:
    with in_namespace(namespace):
        shown = command("ip", "-6", "-o", "address", "show", "dev", interface, "scope", "link")
    return shown.split()[3].partition("/")[0]


def test_a_mark_of_ours_takes_a_strangers_packets_to_a_real(clinic: Clinic) -> None:
    network, mark = clinic.network, 10007
    clinic.forward(network.vip, network.reals[0].address, MASQUERADE, more="fwmark_checks = true")
    assert clinic.finding("with the mark 10007") is None

    def strangers_connection() -> None:
        with in_namespace(network.director), socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            stranger.settimeout(PATIENCE)
            stranger.connect((network.client_address, 80))

    with pytest.raises(ConnectionRefusedError):  # the client listens on no port
        strangers_connection()
    with in_namespace(network.director):
        ip(f"rule add fwmark {mark} lookup main priority 50", family="-4")
        command("ipvsadm", "-A", "-f", str(mark), "-s", "rr")
        command("ipvsadm", "-a", "-f", str(mark), "-r", f"{network.reals[0].address}:0", "-m")
    finding = clinic.finding("(priority 50) matches packets with the mark 10007")
    assert finding is not None
    assert finding.level == "problem"
    strangers_connection()
