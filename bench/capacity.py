"""Thousands of reals on the host: what the daemon costs, how soon it sees all of them die, and what overload does.

    python -m bench.capacity --reals 5100 --reals 20400

TCP checks every 3 s with a timeout of 1 s, as DPVS measures its checker. Reals are addresses of 127.0.0.0/8, all of
them one server on the other processor. Rows: ``steady``, then ``refused`` (the server dies) and ``dropped`` (it answers
no SYN any more): seconds until the last real is marked down. Overload on purpose: ``descriptors`` cut to 1,000 while
SYNs are dropped, and ``half a core``: a busy process on the daemon's own processor. ``marked_down`` counts healthy
reals that were marked down, by the journal: there should be none.
"""

import argparse
import json
import multiprocessing
import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from bench.daemon import Daemon, addresses, running
from bench.processes import cpu_seconds, resident_mb
from journal import JournalReader
from kglb.events import HealthChanged, decode

INTERVAL, TIMEOUT = 3.0, 1.0
SETTLING = 12.0
"""Intervals until the first probes, which come early, have their places."""
WINDOW = 15.0
"""Seconds of steady state."""
FEW = 1000
"""Descriptors."""


def serve(orders: Connection) -> None:
    """Accept and hang up on a free port, which is told, until told to answer no SYN any more; then wait."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
    orders.send(listener.getsockname()[1])
    while orders.fileno() not in select.select([listener.fileno(), orders.fileno()], [], [])[0]:
        listener.accept()[0].close()
    orders.recv()
    listener.listen(0)  # one connection more, then SYNs are dropped
    orders.send("done")
    orders.recv()


class Server:
    """The reals."""

    def __init__(self) -> None:
        self._orders, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        self.port = int(self._orders.recv())

    def drop(self) -> None:
        """Answer no SYN any more."""
        self._orders.send("drop")
        self._orders.recv()

    def die(self) -> None:
        """Refuse every SYN."""
        self._process.kill()
        self._process.join()


@contextmanager
def settled(reals: int, *prefix: str) -> Iterator[tuple[Server, Daemon]]:
    """Server and daemon, all reals up and probed at their own times. ``prefix`` is a program that runs the daemon."""
    server = Server()
    try:
        targets = [f"{address}:{server.port}" for address in addresses(reals)]
        with running(targets, check="tcp", interval=INTERVAL, prefix=prefix) as daemon:
            os.sched_setaffinity(daemon.pid, {max(os.sched_getaffinity(0))})
            daemon.wait_alive(reals)
            time.sleep(SETTLING * INTERVAL)
            yield server, daemon
    finally:
        server.die()


def steady(daemon: Daemon) -> dict[str, object]:
    """Checks made, CPU and memory of a window in which nobody asks for metrics."""
    checks, cpu, wall = daemon.metric("kglb_probes_total"), cpu_seconds(daemon.pid), time.monotonic()
    time.sleep(WINDOW)
    took, cpu = time.monotonic() - wall, cpu_seconds(daemon.pid) - cpu
    checks = daemon.metric("kglb_probes_total") - checks
    return {
        "checks_per_second": round(checks / took),
        "cpu_percent": round(cpu / took * 100, 1),
        "rss_mb": round(resident_mb(daemon.pid), 1),
        "marked_down": len(_downs(daemon)),
    }


def all_down(daemon: Daemon, reals: int, since: float, patience: float) -> dict[str, object]:
    """Seconds until the last real was marked down; how many were, if not all."""
    time.sleep(INTERVAL + TIMEOUT + patience)
    downs = [at for at in _downs(daemon) if at >= since]
    return {"all_down_s": round(max(downs) - since, 2) if downs else None, "down": len(downs), "of": reals}


def _downs(daemon: Daemon) -> list[float]:
    records = JournalReader(daemon.journal, decode).records()
    return [r.mono for r in records if isinstance(r.event, HealthChanged) and not r.event.healthy]


def measure(reals: int) -> Iterator[dict[str, object]]:
    """A row for each situation."""
    with settled(reals) as (server, daemon):
        yield {"row": "steady"} | steady(daemon)
        now = time.monotonic()
        server.die()
        yield {"row": "refused"} | all_down(daemon, reals, now, 5.0)
    with settled(reals) as (server, daemon):
        with _busy_neighbour():
            yield {"row": "half a core"} | steady(daemon)
        now = time.monotonic()
        server.drop()
        yield {"row": "dropped"} | all_down(daemon, reals, now, 5.0)
    with settled(reals, "prlimit", f"--nofile={FEW}:{FEW}") as (server, daemon):
        yield {"row": f"{FEW} descriptors"} | steady(daemon)
        now = time.monotonic()
        server.drop()
        yield {"row": f"{FEW} descriptors, dropped"} | all_down(daemon, reals, now, reals / FEW * TIMEOUT + 5.0)


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


def main() -> None:
    """Print each row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reals", type=int, action="append", help="how many; may be given several times (5100, 20400)")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for reals in args.reals or (5100, 20400):
        for row in measure(reals):
            print(json.dumps({"reals": reals} | row), flush=True)


if __name__ == "__main__":
    main()
