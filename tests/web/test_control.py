"""The control socket: who may open it, what it takes, and that nobody can hold it up."""

import asyncio
import grp
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from kglb.web import control
from kglb.web.control import LONGEST_LINE, MAX_CONNECTIONS, ControlError, ControlServer
from kglb.web.orders import Answer, Done, DrainOrder, Order, Refused, Request, StopOrder, WeightOrder, read_answer
from kglb.web.peer import name_of
from tests.patience import PATIENCE
from tests.web.conftest import Run

DRAIN = DrainOrder(real="10.0.0.7", seconds=60.0, note="new disk")


class Clerk:
    """Notes orders and does nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[Order, str]] = []
        self.released = asyncio.Event()

    async def carry_out(self, order: Order, who: str) -> Answer:
        self.taken.append((order, who))
        if isinstance(order, StopOrder):
            await self.released.wait()
        if isinstance(order, WeightOrder):
            raise KeyError("a bug")
        return Done(reals=(), on_disk=True)


@asynccontextmanager
async def listening(path: Path, *, patience: float = PATIENCE) -> AsyncIterator[Clerk]:
    clerk = Clerk()
    server = ControlServer(clerk, patience=patience)
    await server.start(str(path))
    try:
        yield clerk
    finally:
        await server.close()


async def exchange(path: Path, line: bytes) -> bytes:
    """The line that is answered; what a client sends in vain may end in a reset behind it."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    with suppress(ConnectionError):
        writer.write(line)
        await writer.drain()
    try:
        return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def line_of(order: Order, sudo_user: str = "") -> bytes:
    return msgspec.json.encode(Request(order, sudo_user)) + b"\n"


def problem_of(answer: bytes) -> str:
    refused = read_answer(answer)
    assert isinstance(refused, Refused)
    return refused.problem


def test_an_order_is_carried_out_in_the_name_of_who_connected(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"

    async def main() -> None:
        async with listening(path) as clerk:
            assert read_answer(await exchange(path, line_of(DRAIN))) == Done(reals=(), on_disk=True)
            assert clerk.taken == [(DRAIN, name_of(os.getuid()))]

    run(main())


def test_root_may_say_for_whom_it_gives_an_order_and_nobody_else() -> None:
    assert name_of(0, "kim") == "root (sudo of kim)"
    assert name_of(4294967294, "kim") == "uid 4294967294"
    assert name_of(0, "kim\nroot drains") == "root"


def test_only_the_owner_may_connect(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path / "control.sock"):
            assert stat.S_IMODE(os.stat(tmp_path / "control.sock").st_mode) == 0o600

    run(main())


def test_or_a_group(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    group = grp.getgrgid(os.getgid())

    async def main() -> None:
        server = ControlServer(Clerk())
        await server.start(str(path), group.gr_name)
        found = os.stat(path)
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, group.gr_gid)
        await server.close()
        assert not path.exists()

    run(main())


def test_a_group_that_does_not_exist_is_said_and_nothing_is_left(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(ControlError, match="there is no group nobodys-friends"):
            await ControlServer(Clerk()).start(str(tmp_path / "control.sock"), "nobodys-friends")
        assert list(tmp_path.iterdir()) == []

    run(main())


def test_a_link_that_is_put_in_its_place_gives_nobody_anything(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, secret = tmp_path / "control.sock", tmp_path / "secret"
    secret.touch(mode=0o600)
    group = grp.getgrgid(os.getgid())

    def swap(_: str) -> grp.struct_group:
        path.unlink()
        path.symlink_to(secret)
        return group

    monkeypatch.setattr(grp, "getgrnam", swap)

    async def main() -> None:
        with pytest.raises(ControlError, match="something else was put in its place"):
            await ControlServer(Clerk()).start(str(path), group.gr_name)
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    run(main())


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, False), (0o775, False)])
def test_a_directory_in_which_anybody_may_replace_it_is_refused(
    run: Run, tmp_path: Path, mode: int, refused: bool
) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    directory.chmod(mode)

    async def main() -> None:
        server = ControlServer(Clerk())
        told: ControlError | None = None
        try:
            await server.start(str(directory / "control.sock"))
        except ControlError as error:
            told = error
        listens = (directory / "control.sock").exists()
        await server.close()
        assert (told is not None, listens) == (refused, not refused)
        if told is not None:
            assert told.problem.endswith(f"anybody may replace what is in {directory}")
            assert told.remedy == f"chmod o-w {directory}, or change socket in [control]"

    run(main())


def test_a_socket_that_a_killed_daemon_left_is_taken_over(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def main() -> None:
        async with listening(path):
            assert read_answer(await exchange(path, line_of(DRAIN)))

    run(main())


def test_a_socket_that_another_daemon_listens_on_is_left_to_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path) as clerk:
            with pytest.raises(ControlError, match="another daemon listens there"):
                await ControlServer(Clerk()).start(str(path))
            await exchange(path, line_of(DRAIN))
            assert clerk.taken

    run(main())


def test_what_is_no_socket_is_never_removed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")

    async def main() -> None:
        with pytest.raises(ControlError, match="something else is there"):
            await ControlServer(Clerk()).start(str(path))

    run(main())
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\xff\xfe\n",
        b"drain 10.0.0.7\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"[" * 8000 + b"\n",
        b'{"order":{"type":"explode"}}\n',
        b'{"order":{"type":"drain"}}\n',
        b'{"order":{"type":"drain","real":""}}\n',
        b'{"order":{"type":"drain","real":"a","for":"30m"}}\n',
        b'{"order":{"type":"drain","real":"a","seconds":-1}}\n',
        b'{"order":{"type":"drain","real":"a","seconds":1e300}}\n',
        b'{"order":{"type":"weight","real":"a","weight":65536}}\n',
        b'{"order":{"type":"stop","on_stop":"explode"}}\n',
        b"x" * (4 * LONGEST_LINE) + b"\n",
    ],
    ids=range(14),
)
def test_garbage_is_refused_with_a_sentence_and_orders_nothing(run: Run, tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path) as clerk:
            assert problem_of(await exchange(path, line)).startswith("the request is not understood: ")
            assert clerk.taken == []

    run(main())


def test_a_client_that_leaves_within_its_line_orders_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path) as clerk:
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(line_of(DRAIN)[:-1])
            writer.write_eof()
            assert "ended within a line" in problem_of(await reader.readline())
            writer.close()
            assert clerk.taken == []

    run(main())


def test_of_two_orders_on_a_connection_only_the_first_is_carried_out(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path) as clerk:
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(line_of(DRAIN) * 2)
            assert len((await reader.read(-1)).splitlines()) == 1
            writer.close()
            assert len(clerk.taken) == 1

    run(main())


def test_clients_that_vanish_leave_nothing_behind(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path):
            await exchange(path, line_of(DRAIN))
            before = len(os.listdir("/proc/self/fd"))
            for said in (b"", b'{"order":', line_of(DRAIN)) * 5:
                client = socket.socket(socket.AF_UNIX)
                client.connect(str(path))
                client.send(said)
                await asyncio.sleep(0.001)
                client.close()
            for _ in range(500):
                if len(os.listdir("/proc/self/fd")) <= before:
                    return
                await asyncio.sleep(0.01)
            raise AssertionError("descriptors stay open")

    run(main())


def test_clients_that_say_nothing_are_let_go(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path, patience=0.2) as clerk:
            assert "no whole line within 0.2 s" in problem_of(await exchange(path, b""))
            assert "no whole line within 0.2 s" in problem_of(await exchange(path, b'{"order":'))
            assert clerk.taken == []

    run(main())


def test_a_flood_is_refused_and_over_when_it_is_over(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path, patience=PATIENCE) as clerk:
            silent = [await asyncio.open_unix_connection(str(path)) for _ in range(MAX_CONNECTIONS)]
            assert problem_of(await exchange(path, b"")) == "too many are giving orders at once"
            for _, writer in silent:
                writer.close()
            answer: Answer = Refused(why="no", problem="not asked yet")
            while isinstance(answer, Refused):
                await asyncio.sleep(0.01)
                answer = read_answer(await exchange(path, line_of(DRAIN)))
            assert len(clerk.taken) == 1

    run(main())


def test_a_client_that_takes_no_answer_holds_nobody_up(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with listening(path, patience=PATIENCE) as clerk:
            slow = [await asyncio.open_unix_connection(str(path)) for _ in range(MAX_CONNECTIONS // 2)]
            for _, writer in slow:
                writer.write(line_of(DRAIN))
            while len(clerk.taken) < len(slow):
                await asyncio.sleep(0.01)
            assert read_answer(await exchange(path, line_of(DRAIN)))
            assert len(clerk.taken) == len(slow) + 1
            for _, writer in slow:
                writer.close()

    run(main())


def test_who_waits_for_an_answer_gets_it_though_the_server_closes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "control.sock"
    monkeypatch.setattr(control, "_GRACE", PATIENCE)

    async def main() -> None:
        clerk = Clerk()
        server = ControlServer(clerk)
        await server.start(str(path))
        waiting = asyncio.create_task(exchange(path, line_of(StopOrder())))
        while not clerk.taken:
            await asyncio.sleep(0.01)
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0.01)
        assert not path.exists()
        clerk.released.set()
        assert read_answer(await waiting) == Done(reals=(), on_disk=True)
        await closing

    run(main())


def test_who_is_never_answered_does_not_keep_the_server_from_closing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "control.sock"
    monkeypatch.setattr(control, "_GRACE", 0.1)

    async def main() -> None:
        async with listening(path) as clerk:
            waiting = asyncio.create_task(exchange(path, line_of(StopOrder())))
            while not clerk.taken:
                await asyncio.sleep(0.01)
        assert await waiting == b""

    run(main())


def test_a_bug_behind_an_order_is_answered_and_logged(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    complaints: list[dict[str, object]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with listening(path):
            assert "a bug" in problem_of(await exchange(path, line_of(WeightOrder(real="a", weight=1))))

    asyncio.run(main())
    assert [str(complaint["exception"]) for complaint in complaints] == ["'a bug'"]
