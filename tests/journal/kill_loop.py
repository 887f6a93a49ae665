"""A writer is killed again and again while another process tails: ``python -m tests.journal.kill_loop DIR ROUNDS``.

Prints one JSON object: how many records were acknowledged and lost, and what the tail saw that was not so. Processes
are forked from this one, which has imported everything, so that a round takes milliseconds.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from journal import AppenderOptions, JournalReader, JournalRepaired, Limits, SegmentOpened, open_journal
from tests.journal.journals import ORIGIN, Noted, UnsyncedFiles, decode, note, state
from tests.patience import PATIENCE

LONGEST_LIFE = 0.02
"""Seconds a writer has at most: from its fork, or, most times, from its first acknowledgement."""

FIRST_WORD = 20.0
"""Seconds that may take on a machine that is busy."""


def text_of(seq: int) -> str:
    """What record ``seq`` says: so whoever reads it knows whether it is right."""
    return f"record {seq} " + "x" * (seq * 7919 % 300)


def is_right(seq: int, event: object) -> bool:
    """Whether a record is one that a writer wrote under that number."""
    return isinstance(event, SegmentOpened | JournalRepaired) or (
        isinstance(event, Noted) and event.text == text_of(seq)
    )


async def _append(directory: Path, acknowledge: int) -> None:
    """Append for ever; every number that is written is told."""
    options = AppenderOptions(limits=Limits(segment_size=20_000))
    appender = open_journal(directory, UnsyncedFiles()).appender(ORIGIN, state, options)
    while True:
        for _ in range(random.randrange(1, 40)):
            appender.append(note(text_of(appender.last_seq + 1)))
        if appender.should_rotate:
            appender.rotate(state())
        if await appender.wait_written(appender.last_seq, PATIENCE):
            os.write(acknowledge, b"%d\n" % appender.written_seq)


def _tail(directory: Path, report: int, stop: Path) -> None:
    """Follow from the first record on; what is wrong is told, and at the end how far it came."""
    wrong: list[str] = []
    last = 0
    try:
        for record in JournalReader(directory, decode).follow():
            if record is not None:
                wrong += [] if is_right(record.seq, record.event) else [repr(record)]
                last = record.seq
            elif stop.exists():
                break
            else:
                time.sleep(0.001)
    except Exception:
        wrong.insert(0, traceback.format_exc())
    os.write(report, json.dumps({"wrong": wrong[:3], "last": last}).encode())


def _forked(work: Callable[[], object]) -> int:
    """A child that does this and ends; its process id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    return child


def _one_round(directory: Path, chance: random.Random) -> int:
    """Let a writer live for a moment; the last number that it acknowledged, 0 for none."""
    reading, writing = os.pipe()
    writer = _forked(lambda: asyncio.run(_append(directory, writing)))
    os.close(writing)
    if chance.random() < 0.7:
        select.select([reading], [], [], FIRST_WORD)
    time.sleep(chance.uniform(0, LONGEST_LIFE))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    with os.fdopen(reading, "rb") as told:
        numbers = told.read().split(b"\n")[:-1]
    return int(numbers[-1]) if numbers else 0


def main(directory: Path, rounds: int) -> dict[str, object]:
    """Kill so many writers, and see what is left."""
    chance, stop = random.Random(20261122), directory / "stop"
    open_journal(directory).close()
    reading, writing = os.pipe()
    tail = _forked(lambda: _tail(directory, writing, stop))
    os.close(writing)
    lost, acknowledged, told = [], 0, 0
    for _ in range(rounds):
        last = _one_round(directory, chance)
        told += bool(last)
        acknowledged = max(acknowledged, last)
        there = JournalReader(directory, decode).seq_of_last(1)
        lost += [last] if there < last else []
    stop.touch()
    os.waitpid(tail, 0)
    with os.fdopen(reading, "rb") as report:
        tailed = json.loads(report.read() or b'{"wrong": ["the tail did not come to its end"], "last": 0}')
    records = list(JournalReader(directory, decode).records())
    return {
        "rounds": rounds,
        "rounds_with_acknowledgements": told,
        "acknowledged": acknowledged,
        "lost": lost,
        "read": len(records),
        "in_order": [record.seq for record in records] == list(range(1, len(records) + 1)),
        "right": all(is_right(record.seq, record.event) for record in records),
        "repairs": sum(isinstance(record.event, JournalRepaired) for record in records),
        "tail": tailed,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
