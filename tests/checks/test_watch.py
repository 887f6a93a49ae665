"""Which sockets are looked at, where the kernel has no room to look at more of them."""

import asyncio
import errno
import select
import time

import pytest

from kglb.checks import vigil, watch
from kglb.checks.dial import Dialer
from kglb.checks.vigil import IdleConnection, Vigil
from kglb.model import TcpCheck
from tests.checks.asking import Answers, Run, many, probing
from tests.checks.servers import black_hole, serving, silent


class FullEpoll:
    """An epoll of a user who has no more watches than ``room`` (fs.epoll.max_user_watches)."""

    room = 0

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._count = 0
        self.fileno, self.close = self._epoll.fileno, self._epoll.close
        self.poll, self.modify, self.unregister = self._epoll.poll, self._epoll.modify, self._epoll.unregister

    def register(self, fd: int, events: int) -> None:
        if self._count == self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._count += 1
        self._epoll.register(fd, events)


@pytest.mark.parametrize("room", [0, 3])
def test_probes_that_the_epoll_has_no_room_for_still_time_out(
    run: Run, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(watch, "epoll", FullEpoll)
    monkeypatch.setattr(FullEpoll, "room", room)

    async def scenario() -> Answers:
        answers = Answers()
        async with probing() as prober:
            many(prober, TcpCheck(timeout=0.3), hole, 10, answers)
            await answers.first(10)
            assert prober.in_flight == 0
        return answers

    with black_hole() as hole:
        answers = run(scenario())
    assert {outcome.reason for outcome in answers} <= {"timeout during connect", "deadline noticed late"}
    assert all(outcome.latency >= 0.3 for outcome in answers)


def test_probes_that_the_epoll_has_no_room_for_can_be_cancelled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "epoll", FullEpoll)

    async def scenario() -> None:
        async with probing() as prober:
            probes = many(prober, TcpCheck(timeout=5), hole, 10, Answers())
            await asyncio.sleep(0.2)
            for probe in probes:
                prober.cancel(probe)
            assert (prober.in_flight, {probe.sock for probe in probes}) == (0, {None})

    with black_hole() as hole:
        run(scenario())


def test_a_connection_that_cannot_be_watched_is_not_held(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "epoll", FullEpoll)

    async def scenario() -> None:
        held = Vigil(clock=time.monotonic)
        idle = IdleConnection(server, Dialer(), lost=lambda *_: None)
        held.hold(idle)
        assert len(held) == 0
        assert idle.sock is None
        await held.close()

    with serving(silent) as server:
        run(scenario())
