"""What the measurements in the lab share: the reals' process, waiting until all are up, the steady state, one death.

All times are the kernel's (see ``bench.witness``).
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from bench.contestants import INTERVAL, PORT
from bench.processes import memory_mb
from bench.spare import Spare
from bench.witness import Witness
from lab.namespaces import spawn
from lab.net import Network

SETTLING = 12.0
"""Intervals after which the first probes no longer show: we ask at once, and take our place in the interval later."""

WINDOWS = 5
"""Parts of the steady state; what counts is the median of their costs."""


class Failure(NamedTuple):
    """One real's death, in milliseconds."""

    lateness: float
    reset_to_kernel: float


class Steady(NamedTuple):
    """The steady state: what everything in that kernel costs, in CPU seconds, and the program's memory in MB (PSS)."""

    checks_per_second: float
    cpu_per_1000_checks: float
    memory: float


class Listeners:
    """The reals' process (``bench.listeners``)."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: Sequence[str]) -> None:
        self._process = process
        self.order(" ".join(addresses))

    def close(self, *addresses: str) -> None:
        """Have them refuse connections, all at once."""
        self.order(f"close {' '.join(addresses)}")

    def listen(self, *addresses: str) -> None:
        """Have them accept connections again."""
        self.order(f"listen {' '.join(addresses)}")

    def order(self, line: str) -> None:
        """Give one order and wait until it is carried out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != b"done\n":
            raise RuntimeError(f"the reals did not do as told: {line}")


@contextmanager
def listening(network: Network) -> Iterator[Listeners]:
    """All reals of the network, accepting connections."""
    argv = [sys.executable, "-m", "bench.listeners", str(PORT)]
    namespace = network.real_namespaces[0]
    with spawn(namespace, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Listeners(process, [real.address for real in network.reals])


def watch_steady(pid: int, witness: Witness, spare: Spare, seconds: float) -> Steady:
    """Watch for so many seconds, once the first probes have their places in the interval."""
    witness.look_for(SETTLING * INTERVAL)
    costs, checks, begin = [], witness.probe_count, time.time()
    for _ in range(WINDOWS):
        before = witness.probe_count
        busy = spare.busy_seconds(seconds / WINDOWS, witness.look_for)
        costs.append(busy / (witness.probe_count - before) * 1000)
    made = (witness.probe_count - checks) / (time.time() - begin)
    return Steady(made, statistics.median(costs), memory_mb(pid))


def kill_one(address: str, listeners: Listeners, witness: Witness) -> Failure:
    """Have a real refuse connections until it is out, then accept them until it is back."""
    killed = time.time()
    listeners.close(address)
    change = witness.wait_for(address, up=False, since=killed)
    refused = next(at for at in witness.refusals[address] if at >= killed)
    *_, accepted, _ = (at for at in witness.probes[address] if at <= refused)
    revived = time.time()
    listeners.listen(address)
    witness.wait_for(address, up=True, since=revived)
    return Failure((change.at - accepted - INTERVAL) * 1000, (change.at - refused) * 1000)


def spread(values: Sequence[float]) -> str:
    """Median, 90th percentile and the highest."""
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)]
    return f"{statistics.median(ordered):.1f} / {p90:.1f} / {ordered[-1]:.1f}"
