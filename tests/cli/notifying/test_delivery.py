"""Notices are handed on in their order, and what was taken is behind."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence

import pytest

from kglb.cli.notifying.delivery import Delivery
from kglb.cli.notifying.standing import Standing
from kglb.cli.notifying.target import TAKEN, Reply
from kglb.replay.news import Step
from kglb.replay.notices import Notice
from kglb.replay.place import Place
from tests.cli.notifying.receivers import notice

DOWN = Reply("later", "503 Service Unavailable", 3.0)
NEVER = Reply("refused", "400 Bad Request")


class Recorder:
    """A target that answers as told, then takes all; and the places that were kept."""

    def __init__(self, *replies: Reply) -> None:
        self.name = "the receiver"
        self.attempts: list[list[int]] = []
        self.kept: list[int] = []
        self.said: list[str] = []
        self.standing = Standing()
        self._replies = list(replies)

    async def tell(self, notices: Sequence[Notice]) -> Reply:
        self.attempts.append([one.seq for one in notices])
        return self._replies.pop(0) if self._replies else TAKEN

    async def close(self) -> None:
        pass

    def deliver(self, steps: Iterable[Step | None], batch: int = 1) -> None:
        delivery = Delivery(
            self, self.standing, lambda place: self.kept.append(place.seq), self.said.append, batch=batch
        )
        asyncio.run(delivery.run(steps))


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """The pauses that were asked for; none is made."""
    asked: list[tuple[int, float]] = []

    def pause(attempts: int, wanted: float, _: float) -> float:
        asked.append((attempts, wanted))
        return 0.0

    monkeypatch.setattr("kglb.cli.notifying.delivery.pause", pause)
    return asked


def step(seq: int, *, told: bool = True) -> Step:
    return Step(Place(seq, "2026-11-22T14:30:00.000000Z", "0" * 8), notice(seq) if told else None)


def test_each_notice_is_told_alone_and_kept_once_it_is_taken() -> None:
    target = Recorder()
    target.deliver([step(1), step(2), None])
    assert target.attempts == [[1], [2]]
    assert target.kept == [1, 2]


def test_a_batch_is_what_is_there_and_waits_for_nothing_more() -> None:
    target = Recorder()
    target.deliver([step(1), step(2), step(3), None, step(4), None], batch=2)
    assert target.attempts == [[1, 2], [3], [4]]
    assert target.kept == [2, 3, 4]


def test_what_is_not_taken_is_told_again_until_it_is_and_nothing_overtakes_it(pauses: list[tuple[int, float]]) -> None:
    target = Recorder(DOWN, DOWN, TAKEN)
    target.deliver([step(1), step(2)])
    assert target.attempts == [[1], [1], [1], [2]]
    assert target.kept == [1, 2]
    assert pauses == [(0, 3.0), (1, 3.0)]


def test_trouble_is_said_once_and_so_is_its_end() -> None:
    target = Recorder(DOWN, DOWN, Reply("later", "Connection refused"), TAKEN, TAKEN)
    target.deliver([step(1), step(2)])
    assert target.said == [
        "the receiver has not taken 1 notice from record 1 on: 503 Service Unavailable",
        "the receiver has not taken 1 notice from record 1 on: Connection refused",
        "the receiver takes notices again, from record 1 on",
    ]


def test_what_is_refused_is_passed_over_and_said() -> None:
    target = Recorder(NEVER)
    target.deliver([step(1), step(2)])
    assert target.attempts == [[1], [2]]
    assert target.kept == [1, 2]
    assert target.said == ["record 1 is passed over: the receiver refuses it: 400 Bad Request"]


def test_of_a_batch_that_is_refused_only_the_bad_one_is_passed_over() -> None:
    target = Recorder(NEVER, TAKEN, NEVER, TAKEN)
    target.deliver([step(1), step(2), step(3)], batch=3)
    assert target.attempts == [[1, 2, 3], [1], [2], [3]]
    assert [said.partition(":")[0] for said in target.said] == ["record 2 is passed over"]


def test_what_nobody_is_told_of_is_behind_too_but_never_what_waits() -> None:
    target = Recorder()
    target.deliver([step(1, told=False), step(2, told=False)])
    assert target.kept == [2]
    waiting = Recorder()
    waiting.deliver([step(1, told=False), step(2), step(3, told=False)], batch=9)
    assert (waiting.attempts, waiting.kept) == ([], [1])


def test_an_end_while_a_target_is_asked_leaves_what_it_did_not_take_to_come() -> None:
    target = Recorder(TAKEN, *[DOWN] * 100_000)

    async def main() -> None:
        delivery = Delivery(target, Standing(), lambda place: target.kept.append(place.seq), target.said.append)
        task = asyncio.create_task(delivery.run([step(1), step(2, told=False), step(3), step(4)]))
        while target.attempts[-1:] != [[3]]:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert target.kept == [1, 2]


def test_an_end_is_heard_while_a_long_journal_is_read_in_which_nothing_is_to_be_told() -> None:
    target = Recorder()
    endless: Iterator[Step] = (step(seq, told=False) for seq in iter(int, 1))

    async def main() -> None:
        delivery = Delivery(target, Standing(), lambda place: target.kept.append(place.seq), target.said.append)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(delivery.run(endless), 0.05)

    asyncio.run(main())
    assert target.attempts == []


def test_the_standing_is_the_last_record_that_is_behind_and_what_became_of_the_notices() -> None:
    target = Recorder(TAKEN, DOWN, DOWN, NEVER, TAKEN, NEVER)
    target.deliver([step(1), step(2, told=False), step(3), step(4), step(5)], batch=2)
    standing = target.standing
    assert standing.place == step(5).place
    assert (standing.taken, standing.passed_over, standing.failed_attempts) == (3, 1, 2)
    assert standing.caught_up == 0.0


def test_all_is_told_up_to_the_moment_at_which_nothing_more_was_found() -> None:
    began = time.time()
    target = Recorder()
    target.deliver([step(1), None])
    first = target.standing.caught_up
    assert began <= first <= time.time()
    target.deliver([None])
    assert target.standing.caught_up >= first
    assert target.standing.told_until == target.standing.caught_up


def test_while_a_target_takes_nothing_the_time_up_to_which_all_is_told_stands_still() -> None:
    target = Recorder(*[DOWN] * 100_000)

    async def main() -> None:
        delivery = Delivery(target, target.standing, lambda place: None, target.said.append)
        task = asyncio.create_task(delivery.run([None, step(1), None]))
        while not target.attempts:
            await asyncio.sleep(0)
        found = target.standing.told_until
        assert found > 0.0
        while target.standing.failed_attempts < 100:
            await asyncio.sleep(0)
        assert target.standing.told_until == found
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
