"""Daemon's end and helper's end of the socket, with a scripted ExaBGP; the real one is in tests/kernel."""

import asyncio
import errno
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kglb.dataplane.exabgp import ExaBgpRoutes
from kglb.dataplane.exabgp_helper import ExaBgp, Helper, listen
from kglb.dataplane.exabgp_messages import announce_command, withdraw_command
from kglb.model import AnnounceRoute, Route, WithdrawRoute
from tests.patience import PATIENCE

ROUTE = Route(prefix="192.0.2.10/32", hold_time=5.0)
OTHER = Route(prefix="2001:db8::10/128", next_hop="2001:db8::1", communities=("65000:1", "no-export"), med=0)


class ScriptedExaBgp:
    """Takes commands as ExaBGP's end of the pipe, and answers each with the next of ``answers`` (else ``done``)."""

    def __init__(self, patience: float) -> None:
        self.commands: list[str] = []
        self.answers: list[str] = []
        self.api = ExaBgp(self, timeout=patience)  # type: ignore[arg-type]

    def write(self, command: bytes) -> None:
        self.commands.append(command.decode().rstrip("\n"))
        answer = self.answers.pop(0) if self.answers else "done"
        if answer:
            asyncio.get_running_loop().call_soon(self.api.heard, answer)


class Session:
    """A helper at a socket and the daemon's end of it."""

    def __init__(self, directory: Path, patience: float) -> None:
        self.exabgp = ScriptedExaBgp(patience)
        self.socket = str(directory / "s")
        self.routes = ExaBgpRoutes(self.socket, timeout=PATIENCE)
        self.losses = 0
        self.routes.on_loss(self._lost)
        self._server: asyncio.Server
        self._writers: list[asyncio.StreamWriter] = []

    def _lost(self) -> None:
        self.losses += 1

    async def start_helper(self) -> None:
        helper = Helper(self.exabgp.api)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            await helper.serve(reader, writer)

        self._server = await asyncio.start_unix_server(serve, self.socket)

    async def end_helper(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        Path(self.socket).unlink(missing_ok=True)
        await asyncio.sleep(0.02)


Scenario = Callable[[Session], Coroutine[Any, Any, None]]


def play(directory: Path, scenario: Scenario, *, patience: float = PATIENCE) -> None:
    """``patience`` is how long the helper waits for ExaBGP's acknowledgement."""

    async def main() -> None:
        session = Session(directory, patience)
        await session.start_helper()
        try:
            await asyncio.wait_for(scenario(session), PATIENCE)
        finally:
            await session.routes.close()
            await session.end_helper()

    asyncio.run(main())


def test_commands_are_exabgps() -> None:
    assert announce_command(ROUTE) == "announce route 192.0.2.10/32 next-hop self"
    assert announce_command(OTHER) == (
        "announce route 2001:db8::10/128 next-hop 2001:db8::1 med 0 community [ 65000:1 no-export ]"
    )
    assert withdraw_command(ROUTE) == "withdraw route 192.0.2.10/32 next-hop self"


def test_what_is_announced_is_told_exabgp_and_kept_with_all_its_attributes(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        assert await session.routes.perform(AnnounceRoute(ROUTE)) is None
        assert await session.routes.perform(AnnounceRoute(OTHER)) is None
        assert await session.routes.announced() == (ROUTE, OTHER)
        assert await session.routes.perform(WithdrawRoute(ROUTE)) is None
        assert await session.routes.announced() == (OTHER,)
        assert [command.split()[0] for command in session.exabgp.commands] == ["announce", "announce", "withdraw"]

    play(tmp_path, scenario)


def test_the_helper_keeps_its_routes_when_the_daemon_goes(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        await session.routes.perform(AnnounceRoute(ROUTE))
        await session.routes.close()
        successor = ExaBgpRoutes(session.socket)
        assert await successor.announced() == (ROUTE,)
        assert len(session.exabgp.commands) == 1
        await successor.close()

    play(tmp_path, scenario)


def test_a_refusal_of_exabgp_is_a_failure_and_the_route_is_not_there(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        session.exabgp.answers = ["error"]
        failure = await session.routes.perform(AnnounceRoute(ROUTE))
        assert failure is not None
        assert "refused 'announce route 192.0.2.10/32 next-hop self'" in failure.error
        assert await session.routes.announced() == ()

    play(tmp_path, scenario)


def test_what_is_not_acknowledged_counts_as_announced(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        session.exabgp.answers = ["", ""]
        failure = await session.routes.perform(AnnounceRoute(ROUTE))
        assert failure is not None
        assert "did not acknowledge" in failure.error
        assert await session.routes.announced() == (ROUTE,)
        assert await session.routes.perform(WithdrawRoute(ROUTE)) is not None
        assert await session.routes.announced() == (ROUTE,)

    play(tmp_path, scenario, patience=0.05)


def test_a_late_acknowledgement_is_that_of_its_own_command(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        session.exabgp.answers = ["", ""]
        await session.routes.perform(AnnounceRoute(ROUTE))
        second = asyncio.ensure_future(session.routes.perform(AnnounceRoute(OTHER)))
        while len(session.exabgp.commands) < 2:
            await asyncio.sleep(0.01)
        session.exabgp.api.heard("done")
        session.exabgp.api.heard("error")
        failure = await second
        assert failure is not None
        assert await session.routes.announced() == (ROUTE,)

    play(tmp_path, scenario, patience=2.0)


def test_news_of_neighbors_are_no_acknowledgements(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        session.exabgp.answers = ["neighbor 10.0.0.1 up"]
        assert await session.routes.perform(AnnounceRoute(ROUTE)) is not None

    play(tmp_path, scenario, patience=0.05)


def test_without_a_helper_nothing_is_announced_and_nothing_can_be(tmp_path: Path) -> None:
    async def main() -> None:
        routes = ExaBgpRoutes(str(tmp_path / "nobody"))
        assert await routes.announced() == ()
        assert await routes.perform(WithdrawRoute(ROUTE)) is None
        failure = await routes.perform(AnnounceRoute(ROUTE))
        assert failure is not None
        assert failure.errno == errno.ENOENT
        assert "is ExaBGP running" in failure.error

    asyncio.run(main())


def test_the_end_of_the_helper_is_noticed_and_the_next_one_is_found(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        await session.routes.perform(AnnounceRoute(ROUTE))
        await session.end_helper()
        while not session.losses:
            await asyncio.sleep(0.01)
        assert session.losses == 1
        assert await session.routes.announced() == ()
        await session.start_helper()
        assert await session.routes.perform(AnnounceRoute(ROUTE)) is None

    play(tmp_path, scenario)


def test_a_helper_that_does_not_answer_is_given_up_on(tmp_path: Path) -> None:
    async def main() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        path = str(tmp_path / "s")
        server = await asyncio.start_unix_server(silent, path)
        routes = ExaBgpRoutes(path, timeout=0.05)
        with pytest.raises(OSError, match="no answer within"):
            await routes.announced()
        failure = await routes.perform(AnnounceRoute(ROUTE))
        assert failure is not None
        assert failure.errno == errno.ETIMEDOUT
        await routes.close()
        server.close()
        await asyncio.sleep(0.02)

    asyncio.run(main())


@pytest.mark.parametrize(
    "route",
    [
        msgspec.structs.replace(ROUTE, prefix="192.0.2.10/32\nannounce route 0.0.0.0/0"),
        msgspec.structs.replace(ROUTE, next_hop="self community [ 65000:1 ]"),
        msgspec.structs.replace(ROUTE, communities=("65000:1\r",)),
    ],
    ids=["prefix", "next hop", "community"],
)
def test_nothing_of_a_route_is_a_second_command(tmp_path: Path, route: Route) -> None:
    async def scenario(session: Session) -> None:
        for operation in (AnnounceRoute(route), WithdrawRoute(route)):
            failure = await session.routes.perform(operation)
            assert failure is not None
            assert "does not understand" in failure.error
        assert session.exabgp.commands == []

    play(tmp_path, scenario)


def test_news_longer_than_any_line_of_ours_do_not_end_the_helper() -> None:
    async def main() -> None:
        heard: list[str] = []
        exabgp = ExaBgp(asyncio.WriteTransport())
        exabgp.heard = heard.append  # type: ignore[method-assign,assignment]
        lines = asyncio.StreamReader()
        lines.feed_data(b"n" * 200_000 + b"\ndone\n")
        lines.feed_eof()
        await listen(lines, exabgp)
        assert heard == ["done"]

    asyncio.run(main())


@pytest.mark.parametrize("answer", [b"\xff\n", b'{"x":' + b"[" * 5000 + b"\n"], ids=["not UTF-8", "nested"])
def test_an_answer_that_is_not_understood_is_a_failure_at_once(tmp_path: Path, answer: bytes) -> None:
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(serve, tmp_path / "s")
        routes = ExaBgpRoutes(str(tmp_path / "s"), timeout=PATIENCE)
        failure = await asyncio.wait_for(routes.perform(AnnounceRoute(ROUTE)), PATIENCE / 2)
        assert failure is not None
        assert failure.errno == errno.EPROTO
        await routes.close()
        server.close()
        await asyncio.sleep(0.02)

    asyncio.run(main())


def test_what_is_no_request_is_answered_and_changes_nothing(tmp_path: Path) -> None:
    async def scenario(session: Session) -> None:
        reader, writer = await asyncio.open_unix_connection(session.socket)
        writer.write(b"announce everything\n")
        assert b"does not understand" in await reader.readline()
        writer.close()
        assert session.exabgp.commands == []

    play(tmp_path, scenario)


# --- the helper's place -----------------------------------------------------------------------------------


@contextmanager
def a_helper(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real one, as a child of ours; it ends when we do not speak to it any more."""
    program = f"import asyncio; from kglb.dataplane.exabgp_helper import run; asyncio.run(run({str(path)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_listener(path: Path) -> None:
    for _ in range(6000):
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(path)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("no helper")


def test_only_its_user_may_connect_and_it_takes_its_socket_along(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path_of_a_dead_one(path)
    with a_helper(path) as helper:
        wait_for_listener(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert helper.stdin is not None
        helper.stdin.close()
        assert helper.wait(PATIENCE) == 0
    assert not path.exists()


def path_of_a_dead_one(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("ours")
    with a_helper(path) as helper:
        assert helper.wait(PATIENCE) == 1
        assert helper.stderr is not None
        assert "is no socket" in helper.stderr.read().decode()
    assert path.read_text() == "ours"
