"""Active and standby, as in examples/failover.toml: keepalived moves the VIP, a daemon keeps each director ready."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lab import forwarding
from lab.client import Client
from lab.namespaces import command, in_namespace, ip, spawn, sysctl
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

EXAMPLES = Path(__file__).parents[3] / "examples"
VIP = "10.1.0.100"
REALS = ("10.2.0.10", "10.2.0.11")
WEB, ECHO = f"tcp://{VIP}:80", f"tcp://{VIP}:7"
FLAGS = ("mh-port", "mh-fallback")
BY_TCP = '{ type = "tcp", interval = "1s", timeout = "1s", rise = 1 }'
FOR_CHECKS_THROUGH_THE_VIP = ("net.ipv4.conf.eth0.accept_local=1", "net.ipv4.conf.eth0.rp_filter=2")
IN_THE_LAB = {
    "192.168.100.10": VIP,
    "192.168.100.100": REALS[0],
    "192.168.100.101": REALS[1],
}


def of_the_lab(example: str) -> str:
    """An example with the lab's addresses."""
    text = (EXAMPLES / example).read_text()
    for address in sorted(IN_THE_LAB, key=len, reverse=True):
        text = text.replace(address, IN_THE_LAB[address])
    return text


class Member:
    """One of the two directors, on the segment of a network: its namespace, its daemon, its keepalived."""

    def __init__(self, network: Network, name: str, host: int, directory: Path, stack: ExitStack) -> None:
        self.namespace = name
        self.network = network
        self._directory = directory
        directory.mkdir()
        ip(f"netns add {name}")
        stack.callback(command, "ip", "netns", "del", name)
        with in_namespace(network.director):
            ip(f"link add {name} type veth peer name eth0 netns {name}", f"link set {name} master lan up")
        with in_namespace(name):
            ip("link set lo up", "link set eth0 up")
            ip(f"address add 10.1.0.{host}/24 dev eth0", f"address add 10.2.1.{host}/16 dev eth0")
            sysctl("net.ipv4.vs.sloppy_tcp=1", *FOR_CHECKS_THROUGH_THE_VIP)
        self.daemon = stack.enter_context(Director(network, directory, namespace=name))
        own = f'journal.directory = "{self.daemon.journal}"\ncontrol.socket = "{directory / "control"}"\n'
        reals = [f"{real}:7" for real in REALS]
        echo = balancer(ECHO, reals, scheduler="mh", flags=FLAGS, forward='"direct"', check=BY_TCP)
        through_vip = echo.replace("check =", "fwmark_checks = true\ncheck =")
        self.daemon.config.write_text(own + of_the_lab("failover.toml") + through_vip)
        self._keepalived: subprocess.Popen[bytes] | None = None

    def be_well(self) -> None:
        """Have a daemon, and neighbours."""
        with in_namespace(self.network.director):
            ip(f"link set {self.namespace} up")
        if not self.daemon.is_there:
            self.daemon.start()
        for service, port in ((WEB, 80), (ECHO, 7)):
            self.daemon.wait_weights(service, {f"{real}:{port}": WEIGHT for real in REALS})

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Run keepalived."""
        config = self._directory / "keepalived.conf"
        config.write_text(of_the_lab("failover-keepalived.conf"))
        argv = ["keepalived", "--vrrp", "--dont-fork", "--log-console", "--log-detail", f"--use-file={config}"]
        argv += [f"--pid={self._directory / 'keepalived.pid'}", f"--vrrp_pid={self._directory / 'vrrp.pid'}"]
        with (
            (self._directory / "keepalived.log").open("wb") as log,
            spawn(self.namespace, argv, stdout=log.fileno(), stderr=log.fileno()) as self._keepalived,
        ):
            yield

    def has_vip(self) -> bool:
        """Whether the VIP is here."""
        with in_namespace(self.namespace):
            return f"{VIP}/32" in command("ip", "-brief", "address", "show", "dev", "eth0")

    def stands_by(self) -> bool:
        """Whether keepalived listens for another master."""
        return "Entering BACKUP STATE" in (self._directory / "keepalived.log").read_text()

    def is_worse(self) -> bool:
        """Whether keepalived knows that the daemon is not well."""
        return "effective priority from 100 to 80" in (self._directory / "keepalived.log").read_text()

    def lose_the_daemon(self) -> None:
        """As by the OOM killer."""
        self.daemon.kill()

    def lose_keepalived(self) -> None:
        """As by ``systemctl stop keepalived``."""
        assert self._keepalived is not None
        self._keepalived.terminate()
        self._keepalived.wait(60)

    def lose_the_machine(self) -> None:
        """Cut it off: whatever it does, nobody hears of it."""
        with in_namespace(self.network.director):
            ip(f"link set {self.namespace} down")


@pytest.fixture(scope="module")
def members(network: Network, servers: Reals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Member]]:
    """Two directors on the segment, whose reals hold the VIP, too."""
    servers.behave("answer")
    forwarding.direct(network, VIP)
    directory = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        hosts = {"lab-a": 11, "lab-b": 12}
        yield [Member(network, name, host, directory / name, stack) for name, host in hosts.items()]


@pytest.fixture
def pair(members: list[Member], reals: Reals) -> Iterator[tuple[Member, Member]]:
    """Both know that the reals are up; the first has the VIP."""
    first, second = members
    first.be_well()
    second.be_well()
    with first.kept_alive():
        until(first.has_vip, "the first director's taking the VIP")
        with second.kept_alive():
            until(second.stands_by, "the second director's standing by")
            yield first, second


def echoed(connection: socket.socket) -> bytes:
    """Which real answers on a connection."""
    connection.sendall(b"?")
    return connection.recv(100)


@pytest.mark.parametrize("lose", [Member.lose_the_daemon, Member.lose_keepalived, Member.lose_the_machine])
def test_the_other_director_goes_on(
    network: Network, pair: tuple[Member, Member], lose: Callable[[Member], None]
) -> None:
    first, second = pair
    with in_namespace(network.client):
        connection = socket.create_connection((VIP, 7), timeout=60)
    with connection, Client(network.client, VIP, timeout=10) as client:
        real = echoed(connection)
        client.wait(20)
        assert client.failures() == []
        lose(first)
        until(second.has_vip, "the second director's taking the VIP")
        moved = time.monotonic()
        assert echoed(connection) == real, "it goes on with what it has not seen begin, to the same real"
        until(lambda: len(client.samples(moved)) >= 20, "requests")
    assert client.failures(since=moved) == []


def test_with_both_daemons_gone_the_vip_stays_and_the_kernel_serves(
    network: Network, pair: tuple[Member, Member]
) -> None:
    first, second = pair
    for member in (second, first):
        member.lose_the_daemon()
        until(member.is_worse, "keepalived's notice")
    with Client(network.client, VIP, timeout=10) as client:
        client.wait(20)
    assert client.failures() == []
    assert first.has_vip() or second.has_vip()


def test_the_daemon_neither_adds_the_vip_nor_removes_it(pair: tuple[Member, Member]) -> None:
    first, second = pair
    assert second.daemon.stop() == 0
    assert second.daemon.weights()[WEB] == {f"{real}:80": WEIGHT for real in REALS}, "it is ready while nobody watches"
    assert first.daemon.stop() == 0
    assert all(VIP not in member.daemon.addresses() for member in pair)
    assert first.has_vip() or second.has_vip()
