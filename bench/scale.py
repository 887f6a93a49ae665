"""How long a start takes: from exec until the weights of all reals are up, by the journal.

    python -m bench.scale --reals 5000 --interval 1

Checks are dummies, so that what is measured is the daemon and not the machine's loopback. The first checks are spread
over one interval, which is part of the result.
"""

import argparse
import json
import time
from collections.abc import Iterator

from bench.daemon import Daemon, addresses, running
from bench.processes import resident_mb
from journal import JournalReader
from kglb.events import DaemonStarted, OperationsApplied, decode
from kglb.model import AddDestination, ChangeDestination, Operation


def main() -> None:
    """Start, wait until all is up, read the journal, print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reals", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds")
    args = parser.parse_args()
    reals = [f"{address}:80" for address in addresses(args.reals)]
    begin = time.monotonic()
    with running(reals, check="dummy", interval=args.interval) as daemon:
        time.sleep(5.0)
        daemon.wait_alive(args.reals)
        memory = resident_mb(daemon.pid)
        started, up = _moments(daemon, args.reals)
    print(
        json.dumps(
            {
                "reals": args.reals,
                "interval_s": args.interval,
                "exec_to_started_s": round(started - begin, 2),
                "exec_to_all_up_s": round(up - begin, 2),
                "rss_mb": round(memory, 1),
            }
        )
    )


def _moments(daemon: Daemon, reals: int) -> tuple[float, float]:
    """When the daemon recorded its start, and when the machine had the last real's weight."""
    started = float("nan")
    up: set[str] = set()
    for record in JournalReader(daemon.journal, decode).records():
        if isinstance(record.event, DaemonStarted):
            started = record.mono
        elif isinstance(record.event, OperationsApplied):
            up.update(_weighted(record.event.operations))
            if len(up) == reals:
                return started, record.mono
    raise RuntimeError(f"the journal shows {len(up)} of {reals} reals up")


def _weighted(operations: tuple[Operation, ...]) -> Iterator[str]:
    for operation in operations:
        if isinstance(operation, AddDestination | ChangeDestination) and operation.destination.weight:
            yield str(operation.destination.real)


if __name__ == "__main__":
    main()
