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
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.arena import Reaction, Steady, kill_one, listening, spread, watch_steady
from bench.config import JOURNAL
from bench.contestants import CONTESTANTS, Contestant
from bench.spare import Spare
from bench.witness import Witness
from journal import JournalReader
from kglb.events import BalancerDecided, OperationsApplied, ProbeFlipped, decode
from lab.namespaces import spawn
from lab.net import Network

PAUSE = 0.2
"""Seconds, and up to twice that, between a real's return and the next one's death."""


class Steps(NamedTuple):
    """What the journal says of each death, in milliseconds: from the failed probe to the decision, from there to the
    kernel's answer, and what of that was the call itself. Empty for a program without a journal.
    """

    to_decision: list[float]
    to_kernel: list[float]
    call: list[float]


class Result(NamedTuple):
    """What was measured of one program with so many reals: seconds, milliseconds and MB."""

    program: str
    reals: int
    all_up: float
    steady: Steady
    failures: list[Reaction]
    steps: Steps


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
            up = witness.wait_for_all(addresses, up=True, since=begin)
            found = watch_steady(program.pid, witness, spare, steady)
            choice, failures = random.Random(reals), []
            for _ in range(samples):
                failures.append(kill_one(choice.choice(addresses), listeners, witness).failure)
                time.sleep(PAUSE * (1.0 + choice.random()))
        journal = Path(files) / JOURNAL
        steps = _steps(journal) if journal.exists() else Steps([], [], [])
    return Result(contestant.name, reals, up - begin, found, failures, steps)


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
            f"| {result.reals:,} | {result.program} | {spread(lateness)} ms | {spread(reset)} ms "
            f"| {result.steady.checks_per_second:,.0f} | {statistics.median(result.steady.cpu_per_1000_checks):.2f} "
            f"| {result.steady.memory:.0f} MB | {result.all_up:.1f} s |"
        )
    for result in results:
        if result.steps.call:
            decision, kernel, call = map(spread, result.steps)
            lines.append(
                f"\n{result.program}, {result.reals:,} reals, by its journal: failed probe to decision {decision} ms, "
                f"decision to kernel {kernel} ms, of which the call {call} ms."
            )
    return "\n".join(lines)


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
                    print(json.dumps(results[-1]._asdict()), flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
