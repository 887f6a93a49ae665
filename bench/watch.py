"""How soon a real whose process dies is out of the kernel: watched by kglb-actors, and polled by keepalived.

    python -m lab run -- python -m bench.watch

Each real is a process. One at a time is killed (SIGKILL), at random moments, and started again. *Death to kernel* is
from just before the kill to the change's arrival in the kernel, by the kernel's own timestamps (see ``bench.witness``).
All check each second by TCP; with ``fall 3`` the third failure in a row counts.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.arena import SETTLING, spread
from bench.config import JOURNAL
from bench.contestants import INTERVAL, KEEPALIVED, KGLB, PORT, Contestant
from bench.witness import Witness
from journal import JournalReader
from kglb.events import OperationsApplied, ProbeFlipped, decode
from lab.namespaces import spawn
from lab.net import Network

PAUSE = 0.5
"""Seconds, and up to an interval more, between a real's return and the next one's death."""

WATCH = ("fall = 1", "fall = 1\nwatch = true")
WATCH_FALL_3 = ("fall = 1", 'fall = 3\nwatch = true\nfast_interval = "5ms"')
FALL_3 = ("retry 0", "retry 2\n delay_before_retry 1")


def changed(contestant: Contestant, name: str, change: tuple[str, str]) -> Contestant:
    """A program under another name, with one line of its config replaced; the config is its last argument but pids."""

    def prepare(directory: Path, vip: str, reals: Sequence[str]) -> list[str]:
        before = set(directory.iterdir())
        argv = contestant.prepare(directory, vip, reals)
        (config,) = set(directory.iterdir()) - before
        config.write_text(config.read_text().replace(*change))
        return argv

    return Contestant(name, prepare)


PROGRAMS = (
    changed(KGLB, "kglb-actors, watch, fall 1", WATCH),
    changed(KGLB, 'kglb-actors, watch, fall 3, fast_interval "5ms"', WATCH_FALL_3),
    changed(KGLB, "kglb-actors, fall 1", ("", "")),
    changed(KEEPALIVED, "keepalived, fall 1", ("", "")),
    changed(KEEPALIVED, "keepalived, fall 3", FALL_3),
)


HEAD = """\
| reals | program | death to kernel median / p90 / max | by its journal, from failed probe to kernel |
|---|---|---|---|"""


class Mortals:
    """The reals' processes (``bench.mortals``)."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: Sequence[str]) -> None:
        self._process = process
        self._say(" ".join(addresses))

    def order(self, verb: str, address: str) -> float:
        """Have a real's process killed or started; just before when."""
        return float(self._say(f"{verb} {address}"))

    def _say(self, line: str) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the reals' process has ended; see its standard error")
        return answer


class Result(NamedTuple):
    """Milliseconds: from each death to the kernel, and by the program's journal, if it has one, from the first failed
    probe to the kernel's answer.
    """

    taken: list[float]
    steps: list[float]


def measure(program: Contestant, reals: int, samples: int, log: Path | None) -> Result:
    """Start the program, wait for all reals, then kill one after the other."""
    with tempfile.TemporaryDirectory() as files, Network(reals=reals, shared=True) as network:
        argv = [sys.executable, "-m", "bench.mortals", str(PORT)]
        addresses = [real.address for real in network.reals]
        namespace = network.real_namespaces[0]
        with (
            spawn(namespace, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
            Witness(network) as witness,
            Path(log or Path(files, "log")).open("ab") as output,
        ):
            network.add_vip(network.vip)
            mortals = Mortals(process, addresses)
            Path(files, "config").mkdir()
            command = program.prepare(Path(files, "config"), network.vip, addresses)
            begin = time.time()
            with spawn(network.director, command, stdout=output.fileno(), stderr=output.fileno()):
                witness.wait_for_all(addresses, up=True, since=begin)
                witness.look_for(SETTLING * INTERVAL)
                taken = _kill_some(mortals, witness, addresses, samples)
            return Result(taken, _steps(Path(files, "config", JOURNAL)))


def _steps(journal: Path) -> list[float]:
    steps: list[float] = []
    if not journal.exists():
        return steps
    failed = float("nan")
    for record in JournalReader(journal, decode).records():
        match record.event:
            case ProbeFlipped(outcome="failure"):
                failed = record.mono
            case OperationsApplied() if failed < record.mono:
                steps.append((record.mono - failed) * 1000)
                failed = float("nan")
    return steps


def _kill_some(mortals: Mortals, witness: Witness, addresses: Sequence[str], samples: int) -> list[float]:
    choice, taken = random.Random(samples), []
    for _ in range(samples):
        address = choice.choice(addresses)
        killed = mortals.order("kill", address)
        change = witness.wait_for(address, up=False, since=killed)
        taken.append((change.at - killed) * 1000)
        started = mortals.order("start", address)
        witness.wait_for(address, up=True, since=started)
        time.sleep(PAUSE + choice.random() * INTERVAL)
    return taken


def row(name: str, reals: int, result: Result) -> str:
    """A row of the table."""
    steps = f"{spread(result.steps)} ms" if result.steps else "-"
    return f"| {reals:,} | {name} | {spread(result.taken)} ms | {steps} |"


def main() -> None:
    """Measure, and print a row of Markdown as soon as there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reals", type=int, nargs="+", default=[100])
    parser.add_argument("--samples", type=int, default=30, help="how many deaths per program and size")
    parser.add_argument("--programs", nargs="+", default=[""], help="those whose name contains one of these")
    parser.add_argument("--log", type=Path, help="keep what the programs say in this file")
    parser.add_argument("--json", action="store_true", help="print every sample, too")
    args = parser.parse_args()
    print(HEAD, flush=True)
    for reals in args.reals:
        for program in PROGRAMS:
            if any(part in program.name for part in args.programs):
                result = measure(program, reals, args.samples, args.log)
                print(row(program.name, reals, result), flush=True)
                if args.json:
                    print(json.dumps({"program": program.name, "reals": reals, **result._asdict()}), flush=True)


if __name__ == "__main__":
    main()
