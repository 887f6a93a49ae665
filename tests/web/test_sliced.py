import asyncio
import gc
from collections.abc import Iterator

from kglb.web.packed import Packed
from kglb.web.sliced import REST, SLICE, SlicedText


class Work:
    """Parts that take time by a clock of their own."""

    def __init__(self, count: int, seconds_each: float) -> None:
        self.now = 0.0
        self.made = 0
        self._count = count
        self._seconds_each = seconds_each

    def clock(self) -> float:
        return self.now

    def parts(self) -> Iterator[str]:
        self.made += 1
        for number in range(self._count):
            self.now += self._seconds_each
            yield f"{number} of text {self.made}\n"


def unpacked(text: Packed) -> bytes:
    return b"".join(text.pieces())


async def turns_while(task: "asyncio.Task[Packed]") -> int:
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


def test_the_text_is_whole_however_it_is_cut() -> None:
    async def scenario() -> None:
        work = Work(1001, 1e-5)
        text = await SlicedText(work.parts, work.clock).text()
        assert unpacked(text).decode().splitlines() == [f"{n} of text 1" for n in range(1001)]

    asyncio.run(scenario())


def test_the_loop_turns_between_slices() -> None:
    async def scenario() -> None:
        work = Work(10_000, 1e-5)
        sliced = SlicedText(work.parts, work.clock)
        turns = await turns_while(asyncio.create_task(sliced.text()))
        assert turns >= 0.9 * 10_000 * 1e-5 / (2 * SLICE)

    asyncio.run(scenario())


def test_a_quick_text_is_made_in_one_go() -> None:
    async def scenario() -> None:
        work = Work(10, 1e-6)
        assert await turns_while(asyncio.create_task(SlicedText(work.parts, work.clock).text())) <= 2

    asyncio.run(scenario())


def test_many_who_ask_at_once_get_one_text() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        sliced = SlicedText(work.parts, work.clock)
        texts = await asyncio.gather(*(sliced.text() for _ in range(50)))
        assert work.made == 1
        assert all(text is texts[0] for text in texts)

    asyncio.run(scenario())


def test_after_a_rest_in_proportion_to_the_work_a_new_text_is_made() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        sliced = SlicedText(work.parts, work.clock)
        await sliced.text()
        work.now += REST * 0.01 * 0.9
        await sliced.text()
        assert work.made == 1
        work.now += REST * 0.01 * 0.2
        assert b" 2\n" in unpacked(await sliced.text())

    asyncio.run(scenario())


def test_one_who_gives_up_does_not_hold_up_the_others() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        sliced = SlicedText(work.parts, work.clock)
        impatient = asyncio.create_task(sliced.text())
        patient = asyncio.create_task(sliced.text())
        await asyncio.sleep(0)
        impatient.cancel()
        assert unpacked(await patient).count(b"\n") == 1000

    asyncio.run(scenario())


def test_a_text_is_kept_no_longer_than_it_is_served() -> None:
    async def scenario() -> None:
        work = Work(10, 1e-5)
        sliced = SlicedText(work.parts, work.clock)
        first = await sliced.text()
        assert first in gc.get_referents(sliced)
        await asyncio.sleep(0.05)
        assert first not in gc.get_referents(sliced)

    asyncio.run(scenario())
