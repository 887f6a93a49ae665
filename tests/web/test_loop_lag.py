import asyncio
import time

from kglb.web.loop_lag import INTERVAL, LoopLag


def test_what_blocks_the_loop_is_measured() -> None:
    async def scenario() -> None:
        lag = LoopLag()
        await asyncio.sleep(0)
        time.sleep(INTERVAL + 0.2)
        await asyncio.sleep(0.01)
        lag.close()
        assert sum(lag.histogram.counts) >= 1
        assert lag.histogram.sum > 0.15

    asyncio.run(scenario())


def test_a_closed_one_looks_no_more() -> None:
    async def scenario() -> None:
        lag = LoopLag()
        lag.close()
        await asyncio.sleep(INTERVAL * 1.5)
        assert sum(lag.histogram.counts) == 0

    asyncio.run(scenario())
