"""A loop that does not turn is found by its stack."""

import subprocess
import sys

from tests.patience import PATIENCE

STUCK = """
import asyncio, time
from kglb.cli import stuck_loop

stuck_loop.LONGEST_TURN = {longest}

def somebody_blocks():
    time.sleep({seconds})

async def main():
    watched = stuck_loop.StuckLoop()
    somebody_blocks()
    await asyncio.sleep(0)
    watched.close()

asyncio.run(main())
"""


def said_of_a_turn_of(seconds: float, *, longest: float) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", STUCK.format(seconds=seconds, longest=longest)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return ran.stderr


def test_a_loop_that_is_blocked_says_where() -> None:
    assert "in somebody_blocks" in said_of_a_turn_of(2.0, longest=0.2)


def test_a_loop_that_turns_says_nothing() -> None:
    assert said_of_a_turn_of(0.0, longest=30.0) == ""
