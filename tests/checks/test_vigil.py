"""The vigil, on real sockets: what it notices, how soon, and what holding a connection costs."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import SimpleQueue
from random import Random
from threading import Event
from typing import Any

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.make import make_idle, make_probe
from kglb.checks.vigil import KEEPALIVE_COUNT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, IdleConnection, Vigil
from kglb.model import Endpoint, HttpCheck, TcpCheck
from tests.checks.asking import Answers, Run, lasted, probing
from tests.checks.servers import black_hole, refusing, resetting, serving, silent
from tests.patience import PATIENCE

Loss = tuple[IdleConnection, str, float]


class Losses(list[Loss]):
    """What was told, in order, to wait on."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, idle: IdleConnection, how: str, after: float) -> None:
        self.append((idle, how, after))
        self._news.set()

    async def first(self, count: int) -> list[Loss]:
        while len(self) < count:
            self._news.clear()
            await self._news.wait()
        return self[:count]


class Hours:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@asynccontextmanager
async def keeping_vigil(**options: Any) -> AsyncIterator[Vigil]:
    vigil = Vigil(**{"clock": time.monotonic, **options})
    try:
        yield vigil
    finally:
        await vigil.close()


def idle_to(target: Endpoint, lost: Losses) -> IdleConnection:
    return make_idle(TcpCheck(), target, lost=lost)


def ending_when(told: Event, end: Callable[[socket.socket], object]) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        told.wait(PATIENCE)
        end(connection)

    return handle


@pytest.mark.parametrize(
    ("end", "how"), [(socket.socket.close, "closed"), (resetting, "reset")], ids=["closed", "reset"]
)
def test_the_end_of_a_connection_is_told_at_once(run: Run, end: Callable[[socket.socket], object], how: str) -> None:
    told = Event()

    async def scenario() -> tuple[Loss, float]:
        losses = Losses()
        async with keeping_vigil() as vigil:
            vigil.hold(idle_to(real, losses))
            await asyncio.sleep(0.1)
            assert losses == []
            ended = time.monotonic()
            told.set()
            [loss] = await losses.first(1)
            assert len(vigil) == 0
            return loss, time.monotonic() - ended

    with serving(ending_when(told, end)) as real:
        (_, found, after), noticed = run(scenario())
    assert found == how
    assert lasted(after, 0.1)
    assert lasted(noticed, 0.0)


def test_a_connection_that_is_refused_is_not_held(run: Run) -> None:
    async def scenario() -> tuple[int, Losses]:
        losses = Losses()
        async with keeping_vigil() as vigil:
            vigil.hold(idle_to(dead, losses))
            await asyncio.sleep(0.05)
            return len(vigil), losses

    with refusing() as dead:
        held, losses = run(scenario())
    assert held == 0
    assert [how for _, how, _ in losses] in ([], ["refused"]), "refused at once on loopback: it was never held"


def test_what_a_server_says_unasked_is_no_end(run: Run) -> None:
    def talkative(connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        silent(connection)

    async def scenario() -> tuple[int, Losses]:
        losses = Losses()
        async with keeping_vigil() as vigil:
            vigil.hold(idle_to(real, losses))
            await asyncio.sleep(0.1)
            return len(vigil), losses

    with serving(talkative) as real:
        assert run(scenario()) == (1, [])


def test_nothing_is_told_of_a_connection_that_was_released(run: Run) -> None:
    async def scenario() -> Losses:
        losses = Losses()
        async with keeping_vigil() as vigil:
            idle = idle_to(real, losses)
            vigil.hold(idle)
            await asyncio.sleep(0.02)
            vigil.release(idle)
            assert len(vigil) == 0
            vigil.release(idle)
            await asyncio.sleep(0.02)
        return losses

    with serving(silent) as real:
        assert run(scenario()) == []


def test_a_held_connection_is_not_opened_twice(run: Run) -> None:
    arrivals: SimpleQueue[str] = SimpleQueue()

    def counted(connection: socket.socket) -> None:
        arrivals.put("one")
        silent(connection)

    async def scenario() -> None:
        async with keeping_vigil() as vigil:
            idle = idle_to(real, Losses())
            for _ in range(10):
                vigil.hold(idle)
                await asyncio.sleep(0.005)
            assert len(vigil) == 1

    with serving(counted) as real:
        run(scenario())
    assert arrivals.qsize() == 1


def test_a_server_that_closes_at_once_costs_one_quick_reconnect(run: Run) -> None:
    async def scenario() -> int:
        losses = Losses()
        async with keeping_vigil(clock=lambda: 1000.0) as vigil:
            idle = idle_to(real, losses)
            for count in (1, 2):  # probes that pass
                vigil.hold(idle)
                await losses.first(count)
            for _ in range(30):
                vigil.hold(idle)
                await asyncio.sleep(0.01)
        return len(losses)

    with serving(socket.socket.close) as real:
        assert run(scenario()) == 2


def test_a_connection_is_renewed_before_the_server_would_end_it(run: Run) -> None:
    told = Event()

    async def scenario() -> int:
        losses, clock = Losses(), Hours()
        async with keeping_vigil(clock=clock) as vigil:
            idle = idle_to(real, losses)
            vigil.hold(idle)
            await asyncio.sleep(0.02)
            clock.ahead = 60.0
            told.set()
            await losses.first(1)
            told.clear()
            vigil.hold(idle)
            held = idle.sock
            vigil.hold(idle)
            assert idle.sock is held
            clock.ahead += 31.0
            vigil.hold(idle)
            assert idle.sock is not held
            assert len(vigil) == 1
            told.set()
        return len(losses)

    with serving(ending_when(told, socket.socket.close)) as real:
        assert run(scenario()) == 1


def test_what_was_learned_of_a_real_goes_with_its_release(run: Run) -> None:
    async def scenario() -> int:
        losses = Losses()
        async with keeping_vigil() as vigil:
            idle = idle_to(real, losses)
            for count in (1, 2):
                vigil.hold(idle)
                await losses.first(count)
            vigil.hold(idle)
            assert len(vigil) == 0
            vigil.release(idle)
            vigil.hold(idle)
            return len(vigil)

    with serving(socket.socket.close) as real:
        assert run(scenario()) == 1


def test_no_more_connections_are_held_than_there_is_room_for(run: Run) -> None:
    async def scenario() -> tuple[int, int]:
        async with keeping_vigil(room=2) as vigil:
            idles = [idle_to(hole, Losses()) for _ in range(3)]
            for idle in idles:
                vigil.hold(idle)
            full = len(vigil)
            vigil.release(idles[0])
            vigil.hold(idles[2])
            return full, len(vigil)

    with black_hole() as hole:
        assert run(scenario()) == (2, 2)


def test_held_connections_leave_the_prober_so_much_less_room(run: Run) -> None:
    async def scenario() -> str:
        answers = Answers()
        async with probing(room=3, held=lambda: 3) as prober:
            prober.schedule(make_probe(TcpCheck(timeout=0.05), real, answered=answers), 0.0)
            [outcome] = await answers.first(1)
        return outcome.reason

    with serving(silent) as real:
        assert run(scenario()) == "local error EMFILE"


def test_many_that_end_at_once_are_all_told(run: Run) -> None:
    told = Event()

    async def scenario() -> set[IdleConnection]:
        losses = Losses()
        async with keeping_vigil() as vigil:
            for _ in range(600):
                vigil.hold(idle_to(real, losses))
            await asyncio.sleep(0.1)
            told.set()
            return {idle for idle, _, _ in await losses.first(600)}

    with serving(ending_when(told, resetting)) as real:
        assert len(run(scenario())) == 600


def test_keepalives_differ_from_connection_to_connection(run: Run) -> None:
    async def scenario() -> list[tuple[int, int, int]]:
        async with keeping_vigil(random=Random(1)) as vigil:
            idles = [idle_to(hole, Losses()) for _ in range(40)]
            for idle in idles:
                vigil.hold(idle)
            return [_keepalive(idle.sock) for idle in idles]

    with black_hole() as hole:
        options = run(scenario())
    assert len({idle for idle, _, _ in options}) > 10
    assert all(KEEPALIVE_IDLE[0] <= idle <= KEEPALIVE_IDLE[1] for idle, _, _ in options)
    assert all(KEEPALIVE_INTERVAL[0] <= interval <= KEEPALIVE_INTERVAL[1] for _, interval, _ in options)
    assert {count for _, _, count in options} == {KEEPALIVE_COUNT}


def _keepalive(sock: Any) -> tuple[int, int, int]:
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    idle, interval, count = (sock.getsockopt(socket.IPPROTO_TCP, name) for name in names)
    return idle, interval, count


def test_the_connection_goes_where_the_probes_go() -> None:
    check = HttpCheck(port=8080)
    dialer = Dialer("127.0.0.2", 7)
    idle = make_idle(check, Endpoint("127.0.0.1", 80), lost=lambda *_: None, dialer=dialer)
    assert (str(idle.target), idle.dialer.source, idle.dialer.mark) == ("127.0.0.1:8080", "127.0.0.2", 7)


def test_after_closing_nothing_is_held_any_more(run: Run) -> None:
    async def scenario() -> int:
        vigil = Vigil()
        vigil.hold(idle_to(real, Losses()))
        await vigil.close()
        await vigil.close()
        vigil.hold(idle_to(real, Losses()))
        return len(vigil)

    with serving(silent) as real:
        assert run(scenario()) == 0
