"""How soon a dead real is out of the kernel: kglb-actors and keepalived, one after the other in the same kernel.

    python -m lab run -- python -m bench.reaction

Reals are killed one at a time, at random moments. For each: *lateness* is the kernel's change less the due time of
the probe that decided it, which is the last accepted probe plus the check interval, whatever the program's own clock
says; *reset to kernel* is the change less the first reset that the real answered. All times are the kernel's (see
``bench.witness``). The steady state before that gives CPU per check, checks made a second, and memory.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from bench.config import JOURNAL
from bench.contestants import CONTESTANTS, INTERVAL, PORT, Contestant
from bench.processes import memory_mb
from bench.spare import Spare
from bench.witness import Witness
from journal import JournalReader
from kglb.events import BalancerDecided, OperationsApplied, ProbeFlipped, decode
from lab import ipvs
from lab.namespaces import in_namespace, spawn
from lab.net import Network

START_TIMEOUT = 60.0
WINDOWS = 5
"""Parts of the steady state; what counts is the median of their costs."""
PAUSE = 0.2
"""Seconds, and up to twice that, between a real's return and the next one's death."""


class Failure(NamedTuple):
    """One real's death, in milliseconds."""

    lateness: float
    reset_to_kernel: float


class Steps(NamedTuple):
    """What the journal says of each death, in milliseconds: from the failed probe to the decision, from there to the
    kernel's answer, and what of that was the call itself. Empty for a program without a journal.
    """

    to_decision: list[float]
    to_kernel: list[float]
    call: list[float]


@dataclass
class Result:
    """What was measured of one program with so many reals: seconds, milliseconds and MB."""

    program: str
    reals: int
    all_up: float
    checks_per_second: float
    cpu_per_1000_checks: float
    memory: float
    failures: list[Failure]
    steps: Steps


class Listeners:
    """The reals' process (``bench.listeners``)."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: Sequence[str]) -> None:
        self._process = process
        self.order(" ".join(addresses))

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


def measure(
    contestant: Contestant, reals: int, samples: int, steady: float, log: Path | None, directory: Path | None
) -> Result:
    """Start the program, wait for all reals, watch the steady state, then kill one real after the other."""
    with (
        tempfile.TemporaryDirectory(dir=directory) as files,
        Network(reals=reals, shared=True) as network,
        listening(network) as listeners,
        Witness(network) as witness,
        Spare(Path(files)) as spare,
        Path(log or Path(files, "log")).open("ab") as output,
    ):
        network.add_vip(network.vip)
        addresses = [real.address for real in network.reals]
        argv = contestant.prepare(Path(files), network.vip, addresses)
        begin = time.time()
        with spawn(network.director, argv, stdout=output.fileno(), stderr=output.fileno()) as program:
            _wait_all_up(network, witness, reals)
            result = Result(contestant.name, reals, time.time() - begin, 0.0, 0.0, 0.0, [], Steps([], [], []))
            _watch_steady(program.pid, witness, spare, steady, result)
            choice = random.Random(reals)
            for _ in range(samples):
                result.failures.append(_kill_one(choice.choice(addresses), listeners, witness))
                time.sleep(PAUSE * (1.0 + choice.random()))
        if (Path(files) / JOURNAL).exists():
            result.steps = _steps(Path(files) / JOURNAL)
    return result


def _steps(journal: Path) -> Steps:
    steps = Steps([], [], [])
    flipped = decided = float("nan")
    for record in JournalReader(journal, decode).records():
        match record.event:
            case ProbeFlipped(outcome="failure"):
                flipped = record.mono
            case BalancerDecided():
                decided = record.mono
            case OperationsApplied(microseconds=microseconds) if flipped < decided:
                steps.to_decision.append((decided - flipped) * 1000)
                steps.to_kernel.append((record.mono - decided) * 1000)
                steps.call.append(microseconds / 1000)
                flipped = float("nan")
    return steps


def _wait_all_up(network: Network, witness: Witness, reals: int) -> None:
    deadline = time.time() + START_TIMEOUT
    while time.time() < deadline:
        time.sleep(0.1)
        witness.look()
        with in_namespace(network.director):
            table = ipvs.table().get(f"tcp://{network.vip}:{PORT}", {})
        if sum(real.weight > 0 for real in table.values()) == reals:
            return
    raise TimeoutError(f"not all of {reals} reals were up after {START_TIMEOUT:g} s")


def _watch_steady(pid: int, witness: Witness, spare: Spare, seconds: float, result: Result) -> None:
    time.sleep(2 * INTERVAL)
    witness.look()
    costs, checks, begin = [], witness.probe_count, time.time()
    for _ in range(WINDOWS):
        before = witness.probe_count
        busy = spare.busy_seconds(seconds / WINDOWS, witness.look_for)
        costs.append(busy / (witness.probe_count - before) * 1000)
    result.checks_per_second = (witness.probe_count - checks) / (time.time() - begin)
    result.cpu_per_1000_checks = statistics.median(costs)
    result.memory = memory_mb(pid)


def _kill_one(address: str, listeners: Listeners, witness: Witness) -> Failure:
    killed = time.time()
    listeners.order(f"close {address}")
    change = witness.wait_for(address, up=False, since=killed)
    refused = next(at for at in witness.refusals[address] if at >= killed)
    *_, accepted, _ = (at for at in witness.probes[address] if at <= refused)
    revived = time.time()
    listeners.order(f"listen {address}")
    witness.wait_for(address, up=True, since=revived)
    return Failure((change.at - accepted - INTERVAL) * 1000, (change.at - refused) * 1000)


def table(results: Sequence[Result]) -> str:
    """The results as a table of Markdown."""
    lines = [
        "| reals | program | lateness median / p90 / max | reset to kernel median / p90 / max | checks/s "
        "| CPU s per 1,000 checks | PSS | start to all up |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        lateness, reset = zip(*result.failures, strict=True)
        lines.append(
            f"| {result.reals:,} | {result.program} | {_spread(lateness)} ms | {_spread(reset)} ms "
            f"| {result.checks_per_second:,.0f} | {result.cpu_per_1000_checks:.2f} "
            f"| {result.memory:.0f} MB | {result.all_up:.1f} s |"
        )
    for result in results:
        if result.steps.call:
            decision, kernel, call = map(_spread, result.steps)
            lines.append(
                f"\n{result.program}, {result.reals:,} reals, by its journal: failed probe to decision {decision} ms, "
                f"decision to kernel {kernel} ms, of which the call {call} ms."
            )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)]
    return f"{statistics.median(ordered):.1f} / {p90:.1f} / {ordered[-1]:.1f}"


def main() -> None:
    """Measure, print a row as soon as there is one, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [contestant.name for contestant in CONTESTANTS]
    parser.add_argument("--reals", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--samples", type=int, default=40, help="how many deaths per program and size")
    parser.add_argument("--steady", type=float, default=10.0, help="seconds of steady state")
    parser.add_argument("--programs", nargs="+", choices=names, default=names)
    parser.add_argument("--log", type=Path, help="keep what the programs say in this file")
    parser.add_argument("--directory", type=Path, help="where the journal is written (the lab's own /tmp, in memory)")
    parser.add_argument("--json", action="store_true", help="print every sample, too")
    args = parser.parse_args()
    results = []
    for reals in args.reals:
        for contestant in CONTESTANTS:
            if contestant.name in args.programs:
                results.append(measure(contestant, reals, args.samples, args.steady, args.log, args.directory))
                if args.json:
                    print(json.dumps(asdict(results[-1])), flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
