"""What a check costs the whole daemon: microseconds of CPU, everything included, and its memory.

    python -m bench.daemon_cpu --check tcp --reals 5000 --interval 5

Unlike ``bench.prober`` this is the program as it is installed: actors, journal and log, with the memory data plane.
Reals are addresses in 127.0.0.0/8, all of them one server in a process of its own. ``floor_us`` is what the bare
system calls of a TCP check cost on this machine at that moment, the server's half of the handshake included; see
``bench.prober``.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import time

import uvloop

from bench.daemon import Daemon, addresses, running
from bench.prober import floor, serve
from bench.processes import cpu_seconds, resident_mb

LEAST_WINDOW = 10.0
"""Seconds: each window has one scrape in it, whose cost must not show."""


def _reading(daemon: Daemon) -> tuple[float, float, float]:
    """Checks made, CPU seconds used and the time, always in this order: the scrape takes a while."""
    return daemon.metric("kglb_probes_total"), cpu_seconds(daemon.pid), time.monotonic()


def measure(daemon: Daemon, interval: float, windows: int) -> dict[str, object]:
    """Watch so many intervals of the steady state."""
    costs = []
    rates = []
    for _ in range(windows):
        checks, cpu, wall = _reading(daemon)
        time.sleep(max(interval, LEAST_WINDOW))
        checks, cpu, wall = (
            after - before for after, before in zip(_reading(daemon), (checks, cpu, wall), strict=True)
        )
        costs.append(cpu / checks * 1e6)
        rates.append(checks / wall)
    return {
        "us_per_check": round(statistics.median(costs), 1),
        "us_per_check_windows": [round(cost, 1) for cost in costs],
        "checks_per_second": round(statistics.median(rates)),
        "rss_mb": round(resident_mb(daemon.pid), 1),
    }


def main() -> None:
    """Run server, daemon and measurement; print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", choices=("tcp", "http"), default="tcp")
    parser.add_argument("--reals", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds")
    parser.add_argument("--windows", type=int, default=3, help="how many times an interval, or 10 s, is measured")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, False), daemon=True)
    server.start()
    try:
        port = here.recv()
        reals = [f"{address}:{port}" for address in addresses(args.reals)]
        with running(reals, check=args.check, interval=args.interval) as daemon:
            daemon.wait_alive(args.reals)
            time.sleep(args.interval)
            found = measure(daemon, args.interval, args.windows)
            rate = args.reals / args.interval
            found["floor_us"] = round(uvloop.run(floor(port, rate, args.interval)), 1)
        print(json.dumps({"check": args.check, "reals": args.reals, "interval_s": args.interval} | found))
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
