"""What systemd is told: sd_notify(3), against a socket of our own."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from kglb.cli.service_manager import Heartbeat, ServiceManager
from tests.actors.virtual import run
from tests.cli.daemon import ONE, Site, running
from tests.patience import PATIENCE


class Listener:
    """What a service manager hears: one dict a datagram."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[dict[str, str]]:
        """Everything since it was last asked."""
        datagrams = []
        while True:
            try:
                datagrams.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return [dict(line.split("=", 1) for line in datagram.split("\n")) for datagram in datagrams]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    one = Listener(str(tmp_path / "notify") if request.param == "path" else f"@kglb-{uuid4().hex}")
    yield one
    one.close()


def managed(environ: dict[str, str], pid: int = 7) -> ServiceManager:
    return ServiceManager.from_environment(environ, pid)


def test_it_tells_whoever_listens_at_the_path_or_the_abstract_name(listener: Listener) -> None:
    manager = managed({"NOTIFY_SOCKET": listener.address})
    manager.tell(READY=1, STATUS="2 of 2 reals alive")
    manager.close()
    assert listener.heard() == [{"READY": "1", "STATUS": "2 of 2 reals alive"}]


def test_a_reload_says_when_it_began(listener: Listener) -> None:
    manager = managed({"NOTIFY_SOCKET": listener.address})
    before = time.monotonic_ns() // 1000
    manager.reloading()
    manager.close()
    (said,) = listener.heard()
    assert said["RELOADING"] == "1"
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_what_we_start_cannot_speak_in_our_name() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7", "HOME": "/root"}
    managed(environ).close()
    assert environ == {"HOME": "/root"}


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_watchdog_is_ours_only_if_it_is_meant_for_us(environ: dict[str, str], seconds: float) -> None:
    assert managed(dict(environ)).watchdog == seconds


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_nobody_to_tell_is_nothing(address: str) -> None:
    manager = managed({"NOTIFY_SOCKET": address})
    manager.tell(READY=1)
    assert not manager.listens


def test_a_manager_that_went_away_or_does_not_read_holds_up_nobody(listener: Listener) -> None:
    manager = managed({"NOTIFY_SOCKET": listener.address})
    for _ in range(10_000):
        manager.tell(STATUS="x" * 1000)
    listener.close()
    manager.tell(STATUS="still here")
    manager.close()


def test_a_daemon_says_when_it_serves_reloads_and_stops(listener: Listener, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write(ONE)
    said: list[dict[str, str]] = []

    def hear(key: str, timeout: float = PATIENCE) -> dict[str, str]:
        deadline = time.monotonic() + timeout
        while not (found := [one for one in said if key in one]):
            assert time.monotonic() < deadline, f"{key} was not said, but {said}"
            said.extend(listener.heard())
            time.sleep(0.01)
        return found[-1]

    with running(site, NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="200000") as process:
        hear("READY")
        hear("WATCHDOG")
        site.wait_up("192.168.100.100:80")
        while hear("STATUS")["STATUS"] != "1 of 1 reals alive, 1 balancer":
            said.clear()
        said.clear()
        process.send_signal(signal.SIGHUP)
        hear("RELOADING")
        hear("READY")
        process.send_signal(signal.SIGTERM)
        hear("STOPPING")


def test_signs_of_life_come_twice_as_often_as_wanted_and_only_while_there_is_progress(tmp_path: Path) -> None:
    async def main() -> None:
        listener = Listener(str(tmp_path / "notify"))
        manager = ServiceManager(listener.address, watchdog=1.0)
        progress, status = [True], ["fine"]
        heartbeat = Heartbeat(manager, lambda: status[0], lambda: progress[0])
        await asyncio.sleep(1.6)
        assert listener.heard() == [{"READY": "1"}, {"STATUS": "fine"}, *[{"WATCHDOG": "1"}] * 4]
        progress[0], status[0] = False, "the kernel has not answered for 6 s"
        await asyncio.sleep(5.0)
        assert listener.heard() == [{"STATUS": "the kernel has not answered for 6 s"}]
        progress[0] = True
        await asyncio.sleep(0.6)
        assert {"WATCHDOG": "1"} in listener.heard()
        heartbeat.close()
        await asyncio.sleep(5.0)
        assert listener.heard() == []
        manager.close()
        listener.close()

    run(main())
