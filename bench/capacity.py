"""Thousands of reals on the host: what the daemon costs, how soon it sees all of them die, and what overload does.

    python -m bench.capacity
    python -m bench.capacity --quick

TCP checks every 3 s with a timeout of 1 s, as DPVS measures its checker; HTTP and HTTPS every 5 s. Reals are addresses
of 127.0.0.0/8, all of them one server on the other processor (see ``bench.capacity_server``). Rows: ``steady``; then
``refused`` (the server dies) and ``dropped`` (it answers no SYN any more): seconds until the last real is marked down.
Overload on purpose: ``half a core`` (a busy process on the daemon's own processor) and ``1,000 descriptors``.
``marked down`` counts healthy reals that were marked down, by the journal: there should be none.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bench import results
from bench.capacity_server import Server
from bench.daemon import Daemon, addresses, running
from bench.processes import cpu_seconds, resident_mb
from journal import JournalReader
from kglb.events import HealthChanged, decode

TIMEOUT = 1.0
SETTLING = 12.0
"""Intervals until the first probes, which come early, have their places."""
FEW = 1000
"""Descriptors."""


class Task(msgspec.Struct, frozen=True):
    """What is checked, and how much of it is measured: seconds of steady state, seconds beside a busy process."""

    reals: int
    check: str = "tcp"
    interval: float = 3.0
    window: float = 30.0
    crowded: float = 0.0
    deaths: bool = True
    descriptors: bool = False


FULL = (
    Task(5_100, crowded=15.0, descriptors=True),
    Task(20_400, crowded=15.0),
    Task(51_000, deaths=False),
    Task(5_000, "http", 5.0, deaths=False),
    Task(5_000, "https", 5.0, deaths=False),
)
QUICK = (
    Task(1_000, window=6.0, crowded=6.0, descriptors=True),
    Task(500, "http", 1.0, window=5.0, deaths=False),
    Task(500, "https", 1.0, window=5.0, deaths=False),
)


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One situation. Start lateness is in milliseconds: the median, the 99th percentile, the most."""

    reals: int
    check: str
    situation: str
    checks_per_second: float = 0.0
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    start_lateness: tuple[float, float, float] | None = None
    marked_down: int | None = None
    all_down_seconds: float | None = None
    seen_down: int | None = None


@contextmanager
def up(task: Task, *prefix: str, settling: float = SETTLING) -> Iterator[tuple[Server, Daemon]]:
    """Server and daemon, all reals up for so many intervals. ``prefix`` is a program that runs the daemon."""
    server = Server(task.check)
    try:
        targets = [f"{address}:{server.port}" for address in addresses(task.reals)]
        with running(targets, check=task.check, interval=task.interval, prefix=prefix) as daemon:
            os.sched_setaffinity(daemon.pid, {max(os.sched_getaffinity(0))})
            daemon.wait_alive(task.reals)
            time.sleep(settling * task.interval)
            yield server, daemon
    finally:
        server.die()


def steady(task: Task, situation: str, server: Server, daemon: Daemon, window: float) -> Row:
    """Checks made, CPU and memory of a window in which nobody asks for metrics."""
    before = _checks(task, daemon)
    cpu, wall = cpu_seconds(daemon.pid), time.monotonic()
    server.watch(task.interval)
    time.sleep(window)
    seen = server.seen()
    took, cpu = time.monotonic() - wall, cpu_seconds(daemon.pid) - cpu
    checks = seen.checks if seen else _checks(task, daemon) - before
    return Row(
        task.reals,
        task.check,
        situation,
        checks_per_second=checks / took,
        cpu_percent=cpu / took * 100,
        memory_mb=resident_mb(daemon.pid),
        start_lateness=seen and (seen.median, seen.p99, seen.most),
        marked_down=len(_downs(daemon)),
    )


def _checks(task: Task, daemon: Daemon) -> float:
    """Those that the daemon counts; of TCP the server does, and nobody need ask."""
    return 0.0 if task.check == "tcp" else daemon.metric("kglb_probes_total")


def all_down(task: Task, situation: str, daemon: Daemon, since: float, patience: float = 5.0) -> Row:
    """Seconds until the last real was marked down, and how many were."""
    time.sleep(task.interval + TIMEOUT + patience)
    downs = [at for at in _downs(daemon) if at >= since]
    last = max(downs) - since if downs else None
    return Row(task.reals, task.check, situation, all_down_seconds=last, seen_down=len(downs))


def _downs(daemon: Daemon) -> list[float]:
    records = JournalReader(daemon.journal, decode).records()
    return [r.mono for r in records if isinstance(r.event, HealthChanged) and not r.event.healthy]


def measure(task: Task) -> Iterator[Row]:
    """A row for each situation."""
    with up(task) as (server, daemon):
        yield steady(task, "steady", server, daemon, task.window)
        if task.crowded:
            with _busy_neighbour():
                yield steady(task, "half a core", server, daemon, task.crowded)
        if task.deaths:
            now = time.monotonic()
            server.drop()
            yield all_down(task, "SYNs dropped", daemon, now)
    if task.deaths:
        with up(task, settling=2.0) as (server, daemon):
            now = time.monotonic()
            server.die()
            yield all_down(task, "refused", daemon, now)
    if task.descriptors:
        with up(task, "prlimit", f"--nofile={FEW}:{FEW}") as (server, daemon):
            yield steady(task, f"{FEW:,} descriptors", server, daemon, task.window)
            now = time.monotonic()
            server.drop()
            yield all_down(task, f"{FEW:,} descriptors, SYNs dropped", daemon, now, task.reals / FEW * TIMEOUT + 5.0)


def _survive(task: Task) -> Iterator[Row]:
    try:
        yield from measure(task)
    except TimeoutError as error:
        yield Row(task.reals, task.check, str(error), seen_down=task.reals)


@contextmanager
def _busy_neighbour() -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _spin() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    while True:
        pass


def table(rows: list[Row]) -> str:
    """The rows as a table of Markdown."""
    head = (
        "| reals | check | situation | checks/s | CPU of a core | resident memory "
        "| start lateness, median / p99 / max | healthy reals marked down | all seen down after |"
    )
    return "\n".join([head, "|---" * 9 + "|", *map(_line, rows)])


def _line(row: Row) -> str:
    seen = f"{row.all_down_seconds:.2f} s" if row.all_down_seconds is not None else ""
    if row.seen_down is not None and row.seen_down != row.reals:
        seen = f"{row.seen_down:,} of {row.reals:,}: {seen}"
    late = " / ".join(f"{one:.1f}" for one in row.start_lateness) + " ms" if row.start_lateness else ""
    cells = [f"{row.reals:,}", row.check, row.situation]
    if row.marked_down is None:
        return f"| {' | '.join([*cells, '', '', '', '', '', seen])} |"
    cells += [f"{row.checks_per_second:,.0f}", f"{row.cpu_percent:.1f} %", f"{row.memory_mb:.0f} MB"]
    return f"| {' | '.join([*cells, late, str(row.marked_down), seen])} |"


def main() -> None:
    """Print each row as JSON as soon as it is there, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 reals, short windows")
    parser.add_argument("--reals", type=int, nargs="+", help="only the tasks with so many")
    parser.add_argument("--keep", action="store_true", help="write bench/results/capacity.json")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows: list[Row] = []
    for task in QUICK if args.quick else FULL:
        if not args.reals or task.reals in args.reals:
            for row in _survive(task):
                rows.append(row)
                print(msgspec.json.encode(row).decode(), file=sys.stderr, flush=True)
    print(table(rows))
    if args.keep:
        results.keep("capacity", " ".join(["python -m bench.capacity", *sys.argv[1:]]), rows)


if __name__ == "__main__":
    main()
