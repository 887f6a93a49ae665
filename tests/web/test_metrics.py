import asyncio
from collections.abc import Iterator

from kglb.web.exposition import Family, Sample, gauge
from kglb.web.metrics import REST, SLICE, Metrics


class Work:
    """Families whose samples take time by a clock of their own."""

    def __init__(self, samples: int, seconds_each: float) -> None:
        self.now = 0.0
        self.made = 0
        self._samples = samples
        self._seconds_each = seconds_each

    def clock(self) -> float:
        return self.now

    def families(self) -> Iterator[Family]:
        self.made += 1
        yield gauge("kglb_made", "How often.", self._lines(self.made))

    def _lines(self, value: int) -> Iterator[Sample]:
        for number in range(self._samples):
            self.now += self._seconds_each
            yield f'{{number="{number}"}}', value


async def turns_while(task: "asyncio.Task[bytearray]") -> int:
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


def test_the_text_is_whole_however_it_is_cut() -> None:
    async def scenario() -> None:
        work = Work(1001, 1e-5)
        text = await Metrics(work.families, work.clock).text()
        assert text.decode().splitlines()[2:] == [f'kglb_made{{number="{n}"}} 1' for n in range(1001)]

    asyncio.run(scenario())


def test_the_loop_turns_between_slices() -> None:
    async def scenario() -> None:
        work = Work(10_000, 1e-5)
        metrics = Metrics(work.families, work.clock)
        turns = await turns_while(asyncio.create_task(metrics.text()))
        assert turns >= 0.9 * 10_000 * 1e-5 / (2 * SLICE)

    asyncio.run(scenario())


def test_a_quick_text_is_made_in_one_go() -> None:
    async def scenario() -> None:
        work = Work(10, 1e-6)
        assert await turns_while(asyncio.create_task(Metrics(work.families, work.clock).text())) <= 2

    asyncio.run(scenario())


def test_many_who_ask_at_once_get_one_text() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        metrics = Metrics(work.families, work.clock)
        texts = await asyncio.gather(*(metrics.text() for _ in range(50)))
        assert work.made == 1
        assert all(text is texts[0] for text in texts)

    asyncio.run(scenario())


def test_after_a_rest_in_proportion_to_the_work_a_new_text_is_made() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        metrics = Metrics(work.families, work.clock)
        await metrics.text()
        work.now += REST * 0.01 * 0.9
        await metrics.text()
        assert work.made == 1
        work.now += REST * 0.01 * 0.2
        assert b" 2\n" in await metrics.text()

    asyncio.run(scenario())


def test_one_who_gives_up_does_not_hold_up_the_others() -> None:
    async def scenario() -> None:
        work = Work(1000, 1e-5)
        metrics = Metrics(work.families, work.clock)
        impatient = asyncio.create_task(metrics.text())
        patient = asyncio.create_task(metrics.text())
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).count(b"\n") == 1002

    asyncio.run(scenario())
