"""The recorder beside its journal."""

import asyncio
from collections.abc import Iterator

from kglb.actors.recorder import Recorder
from kglb.actors.runtime import Scheduler
from kglb.projections import State
from tests.projections.builders import started


class Sink:
    """An appender that always wants to rotate, and cannot the first time."""

    degraded = None
    should_rotate = True
    written_seq = synced_seq = 0

    def __init__(self) -> None:
        self.last_seq = 0
        self.rotations = 0

    def append(self, event: bytes, cause: int | None = None) -> int:
        self.last_seq += 1
        return self.last_seq

    def rotate(self, checkpoint: Iterator[bytes]) -> int:
        self.rotations += 1
        if self.rotations == 1:
            raise RuntimeError("the checkpoint cannot be made")
        return self.last_seq

    async def wait_written(self, seq: int, timeout: float | None = None) -> bool:
        return True

    async def wait_synced(self, seq: int, timeout: float | None = None) -> bool:
        return True

    async def close(self, timeout: float) -> bool:
        return True


def test_a_rotation_that_failed_is_tried_again_with_the_next_record() -> None:
    async def scenario() -> Sink:
        loop, sink = asyncio.get_running_loop(), Sink()
        loop.set_exception_handler(lambda *_: None)
        recorder = Recorder(State(), Scheduler(loop))
        recorder.write_to(sink)
        for _ in range(2):
            recorder.record(started())
            await asyncio.sleep(0)
        return sink

    assert asyncio.run(scenario()).rotations == 2
