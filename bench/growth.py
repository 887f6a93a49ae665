"""What grows with the number of reals: start, memory, CPU of a check, applying; and what a command costs to begin.

    python -m bench.growth
    python -m bench.growth --quick

On the host, whole daemon, memory data plane, TCP checks every 3 s of a server on the other processor: seconds from
exec until all reals are up, resident memory, CPU per 1,000 checks of the steady state. In the lab, ``bench.apply``. Of
commands, the wall time of a whole process, Python's own start in it.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from bench import results
from bench.apply import SIZES as APPLIED
from bench.apply import Applied
from bench.apply import table as apply_table
from bench.capacity import Task, steady
from bench.capacity_server import Server
from bench.compiled import compile_packages
from bench.daemon import addresses, running

SIZES = (10, 100, 1_000, 5_000, 10_000, 20_000)
COMMANDS = {
    "python": ["-c", "pass"],
    "--version": ["-m", "kglb.cli.main", "--version"],
    "--help": ["-m", "kglb.cli.main", "--help"],
    "check --help": ["-m", "kglb.cli.main", "check", "--help"],
    "the daemon's modules": ["-c", "import kglb.cli.wiring"],
}
TIMES = 10


class Size(msgspec.Struct, frozen=True):
    """So many reals: seconds, MB, CPU seconds per 1,000 checks."""

    reals: int
    start: float
    memory: float
    cpu: float


class Found(msgspec.Struct, frozen=True):
    """All that was measured; of each command the seconds of each run."""

    sizes: list[Size]
    applied: list[Applied]
    commands: dict[str, list[float]]


def grow(reals: int, window: float) -> Size:
    """One size."""
    task = Task(reals)
    server = Server()
    try:
        targets = [f"{address}:{server.port}" for address in addresses(reals)]
        began = time.monotonic()
        with running(targets, check="tcp", interval=task.interval) as daemon:
            os.sched_setaffinity(daemon.pid, {max(os.sched_getaffinity(0))})
            daemon.wait_alive(reals)
            start = daemon.all_up(reals) - began
            time.sleep(2 * task.interval)
            row = steady(task, "steady", server, daemon, window)
    finally:
        server.die()
    return Size(reals, start, row.memory_mb, row.cpu_percent * 10 / row.checks_per_second)


def apply(sizes: Sequence[str]) -> list[Applied]:
    """``bench.apply`` in the lab, on one processor."""
    command = [sys.executable, "-m", "lab", "run", "--mem", "2G", "--", sys.executable, "-m", "bench.apply", "--sizes"]
    last = str(max(os.sched_getaffinity(0)))
    lines = subprocess.run(
        ["taskset", "-c", last, *command, *sizes], stdout=subprocess.PIPE, check=True
    ).stdout.splitlines()
    return [msgspec.json.decode(line, type=Applied) for line in lines]


def begin(arguments: Sequence[str], times: int) -> list[float]:
    """Seconds of a process that does nothing but begin."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return taken


def tables(found: Found) -> str:
    """All of it, as tables of Markdown."""
    least = found.sizes[0]
    sizes = ["| reals | start until all are up | resident memory | each | CPU per 1,000 checks |", "|---" * 5 + "|"]
    for size in found.sizes:
        each = (size.memory - least.memory) / max(1, size.reals - least.reals) * 1024
        sizes.append(
            f"| {size.reals:,} | {size.start:.2f} s | {size.memory:.0f} MB | {f'{each:.1f} KB' if each else ''} "
            f"| {size.cpu * 1000:.0f} ms |"
        )
    commands = ["| a process of | wall time, median (lowest to highest) |", "|---|---|"]
    for name, taken in found.commands.items():
        low, middle, high = (one * 1000 for one in (min(taken), statistics.median(taken), max(taken)))
        commands.append(f"| {name} | {middle:.0f} ms ({low:.0f} to {high:.0f}) |")
    return "\n".join([*sizes, "", apply_table(found.applied), "", *commands])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 1,000 reals, short windows")
    parser.add_argument("--keep", action="store_true", help="write bench/results/growth.json")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    compile_packages()
    found = Found(
        sizes=[grow(reals, 3.0 if args.quick else 9.0) for reals in SIZES if not args.quick or reals <= 1000],
        applied=apply(APPLIED[:2] if args.quick else APPLIED),
        commands={name: begin(arguments, TIMES) for name, arguments in COMMANDS.items()},
    )
    print(tables(found))
    if args.keep:
        results.keep("growth", " ".join(["python -m bench.growth", *sys.argv[1:]]), [found])


if __name__ == "__main__":
    main()
