"""The journal beside an event store on SQLite and plain SQLite: ``python -m bench.journal``.

Every row is the median of some rounds, wall time beside CPU time of the process; all rounds of all contestants take
turns, on one disk. SQLite is in WAL mode with synchronous=FULL, so that all wait for the platter alike.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.journals import flip, incident, large
from bench.startup import COMMAND, with_bytecode
from bench.stores import EventSourcing, Journal, PlainSqlite, Store
from journal import JournalReader, open_journal
from kglb.actors.recovery import recover
from kglb.events import decode, encode
from kglb.projections import State
from tests.projections.builders import real_id

EVENT = encode(flip(real_id(7), up=False))

Measured = tuple[float, float]
"""Seconds of wall time, and of CPU time."""


def timed(work: Callable[[], object]) -> Measured:
    """Do it once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def timed_process(arguments: Sequence[str], first_line: bool = False) -> Measured:
    """A command until it ends, or until its first line is there; CPU time is the process's in the first case."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        took = time.perf_counter() - wall
        if first_line:
            process.kill()
        else:
            process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (took if first_line else time.perf_counter() - wall), cpu


def show(name: str, rounds: list[Measured], events: int = 0) -> None:
    """Print the medians, as rates if ``events`` were done."""
    wall, cpu = (statistics.median(values) for values in zip(*rounds, strict=True))
    if events:
        print(f"{name:<58}{events / wall:>12,.0f}/s{events / max(cpu, 1e-9):>14,.0f}/s of CPU", flush=True)
    else:
        print(f"{name:<58}{wall * 1000:>10,.0f} ms{cpu * 1000:>12,.0f} ms of CPU", flush=True)


def appending(scratch: Path, rounds: int, singly: int, batched: int) -> None:
    """One at a time, each on the platter before the next; then a thousand at a time."""
    for title, count, batch in (("one at a time", singly, 1), ("1,000 at a time", batched, 1000)):
        results: dict[str, list[Measured]] = {}
        for number in range(rounds):
            for kind in (Journal, EventSourcing, PlainSqlite):
                store: Store = kind(scratch / f"{kind.__name__}-{batch}-{number}")
                results.setdefault(store.name, []).append(timed(partial(store.append, EVENT, count, batch)))
                store.close()
        for name, measured in results.items():
            show(f"append {title}, {name}", measured, count)


def replaying(scratch: Path, rounds: int, events: int) -> None:
    """Everything read, decoded and folded."""
    directory = scratch / "incident"
    stores: list[Store] = [Journal(directory), EventSourcing(scratch / "es"), PlainSqlite(scratch / "plain")]
    bodies = [encode(record.event) for record in JournalReader(directory, decode).records()]
    for store in stores[1:]:
        store.fill(bodies)
    results: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        for store in stores:
            results.setdefault(store.name, []).append(timed(store.replay))
    for name, measured in results.items():
        show(f"replay {events:,} events, {name}", measured, events)


def starting(scratch: Path, rounds: int) -> None:
    """What a daemon does with its journal before it begins."""

    def start(directory: Path) -> None:
        opened = open_journal(directory)
        recover(opened)
        opened.close()

    for name, directory in (("a recent checkpoint", "incident"), ("no checkpoint", "one-segment")):
        show(f"start with {name}", [timed(partial(start, scratch / directory)) for _ in range(rounds)])


def asking(scratch: Path, rounds: int, last: int) -> None:
    """The verbs, as processes, with the start of Python in it; compiled first, as they are where they are installed."""
    for verb in ("tail", "explain"):
        timed_process([verb, "--help"])
    show("kglb-actors --version, for comparison", [timed_process(["--version"]) for _ in range(rounds)])
    journal = ["--journal", str(scratch / "incident")]
    show("explain", [timed_process(["explain", real_id(7), *journal]) for _ in range(rounds)])
    big = ["--utc", "--journal", str(scratch / "large")]
    middle = next(JournalReader(scratch / "large", decode).records(last // 2, 1)).at
    since = [timed_process(["tail", "--since", middle, *big], first_line=True) for _ in range(rounds)]
    show("tail --since, first line, amid the large journal", since)
    show("tail -n 20, the large journal", [timed_process(["tail", "-n", "20", *big]) for _ in range(rounds)])


def remembering(scratch: Path) -> None:
    """How much memory a fold takes at its highest, as the journal grows."""
    for directory in ("small", "incident"):
        ended = subprocess.run(
            [sys.executable, "-m", "bench.journal", "--fold", str(scratch / directory)],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"{'memory to fold ' + directory:<58}{ended.stdout.strip():>13}", flush=True)


def fold(directory: Path) -> None:
    """Fold a journal in this process, and print the most memory that it had."""
    state = State()
    count = 0
    for record in JournalReader(directory, decode).records():
        state.fold(record.seq, record.event)
        count += 1
    status = Path("/proc/self/status").read_text()  # getrusage would count the parent's memory at the fork, too
    highest = int(status.partition("VmHWM:")[2].split()[0])
    print(f"{highest / 1024:.1f} MB ({count:,} events)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--singly", type=int, default=500, help="appends one at a time, a round")
    parser.add_argument("--batched", type=int, default=100_000, help="appends in batches, a round")
    parser.add_argument("--large", type=float, default=2.0, metavar="GB", help="size of the large journal")
    parser.add_argument("--directory", type=Path, help="where to write, if not where temporary files go")
    parser.add_argument("--fold", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fold:
        fold(args.fold)
        return
    scratch = Path(tempfile.mkdtemp(prefix="bench-journal-", dir=args.directory))
    os.environ.update(with_bytecode(str(scratch / "bytecode")))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        appending(scratch, args.rounds, args.singly, args.batched)
        incident(scratch / "small", args.events // 10)
        incident(scratch / "incident", args.events)
        incident(scratch / "one-segment", args.events, segment_size=0)
        replaying(scratch, args.rounds, args.events)
        starting(scratch, args.rounds)
        remembering(scratch)
        asking(scratch, args.rounds, large(scratch / "large", int(args.large * 1e9)))
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
