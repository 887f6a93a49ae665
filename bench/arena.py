"""What the measurements in the lab share: the reals' process, waiting until all are up, the steady state, one death.

All times are the kernel's (see ``bench.witness``).
"""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
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


class Reaction(NamedTuple):
    """One change of a real's health, in milliseconds: how long after the due time of the probe that saw it the kernel
    was told, and how long after the reset or the accepted SYN on the wire.
    """

    lateness: float
    wire_to_kernel: float


class Death(NamedTuple):
    """One real's death and return."""

    failure: Reaction
    recovery: Reaction


class Steady(NamedTuple):
    """The steady state: what everything in that kernel costs, in CPU seconds (of each window), the program's memory in
    MB (PSS), and by how many milliseconds probes came more than an interval after the one before: the median, the 99th
    percentile, the most.
    """

    checks_per_second: float
    cpu_per_1000_checks: list[float]
    memory: float
    start_lateness: tuple[float, float, float]


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
    return Steady(made, costs, memory_mb(pid), _start_lateness(witness, begin))


def _start_lateness(witness: Witness, since: float) -> tuple[float, float, float]:
    gaps = [
        (later - earlier - INTERVAL) * 1000
        for probes in list(witness.probes.values())
        for earlier, later in pairwise(at for at in probes if at >= since)
    ]
    return statistics.median(gaps), percentile(gaps, 0.99), max(gaps)


def kill_one(address: str, listeners: Listeners, witness: Witness) -> Death:
    """Have a real refuse connections until it is out, then accept them until it is back."""
    killed = time.time()
    listeners.close(address)
    out = witness.wait_for(address, up=False, since=killed)
    refused = next(at for at in witness.refusals[address] if at >= killed)
    *_, accepted, _ = (at for at in witness.probes[address] if at <= refused)
    listeners.listen(address)
    revived = time.time()
    back = witness.wait_for(address, up=True, since=revived)
    last_refused, welcomed = [at for at in witness.probes[address] if at <= back.at][-2:]
    return Death(
        Reaction((out.at - accepted - INTERVAL) * 1000, (out.at - refused) * 1000),
        Reaction((back.at - last_refused - INTERVAL) * 1000, (back.at - welcomed) * 1000),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The lowest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def spread(values: Sequence[float]) -> str:
    """Median, 90th percentile and the highest."""
    return f"{statistics.median(values):.1f} / {percentile(values, 0.9):.1f} / {max(values):.1f}"
