"""How long it takes to bring thousands of reals into an empty kernel, and to change one weight among them.

    python -m lab run --mem 2G -- python -m bench.apply

End to end, in the lab's kernel: from exec until the kernel has acknowledged the last real (*there*), and its weight
(*up*), by the journal, whose clock is the one that says when it began; then by /proc whether the kernel agrees. Checks
are dummies, which always pass, the first of them 0.5 ms apart. Then weights are ordered over the control socket, one
after the other: from the order until the kernel has acknowledged it. Each row is printed as JSON.
"""

import argparse
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.processes import memory_mb
from journal import JournalReader
from kglb.events import OperationsApplied, decode
from kglb.model import AddDestination, ChangeDestination
from lab import ipvs
from lab.namespaces import in_namespace, spawn
from lab.net import Network

SIZES = ("1x100", "1x1000", "1x10000", "1000x10")
TIMEOUT = 120.0
POLL = 1.0
WEIGHTS = 20


class Applied(msgspec.Struct, frozen=True):
    """One size: seconds from exec, seconds of the netlink calls alone, MB (PSS), milliseconds of each weight."""

    services: int
    reals_each: int
    there: float
    up: float
    calls: float
    memory: float
    weights: list[float]


def measure(services: int, reals_each: int) -> Applied:
    """Start, wait until all is up, then order weights."""
    with tempfile.TemporaryDirectory() as name, Network(reals=0) as network, Path(name, "log").open("wb") as log:
        config = Path(name, "kglb.toml")
        config.write_text(config_text(Path(name), services, reals_each))
        argv = [sys.executable, "-m", "kglb.cli.main", "run", str(config)]
        began = time.monotonic()
        with spawn(network.director, argv, stdout=log.fileno(), stderr=log.fileno()) as program:
            _wait(network, services * reals_each)
            memory = memory_mb(program.pid)
            ordered = [_order(Path(name, "control"), number) for number in range(WEIGHTS)]
        there, up, calls = _moments(Path(name, "journal"), services * reals_each)
        weights = list(_took(Path(name, "journal"), ordered))
    return Applied(services, reals_each, there - began, up - began, calls, memory, weights)


def config_text(directory: Path, services: int, reals_each: int) -> str:
    """So many services, each with an address and reals of its own."""
    head = (
        f'[journal]\ndirectory = "{directory / "journal"}"\n[status]\nlisten = ""\n'
        f'[control]\nsocket = "{directory / "control"}"\n'
    )
    return head + "".join(_balancer(number, reals_each) for number in range(services))


def _balancer(number: int, reals: int) -> str:
    listed = ", ".join(f'"{_address(number * reals + one)}:80"' for one in range(reals))
    return (
        f'[[balancer]]\nname = "b{number}"\nservice = "tcp://10.100.{number >> 8}.{number & 255}:80"\n'
        f'scheduler = "wrr"\nforward = "masquerade"\nreals = [{listed}]\n'
        'check = { type = "dummy", interval = "60s", rise = 1, fall = 1 }\n'
    )


def _address(number: int) -> str:
    return f"10.50.{number // 250}.{1 + number % 250}"


def _wait(network: Network, reals: int) -> None:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        time.sleep(POLL)
        with in_namespace(network.director):
            served = sum(real.weight > 0 for listed in ipvs.table().values() for real in listed.values())
        if served == reals:
            return
    raise TimeoutError(f"not all of {reals} reals were in service after {TIMEOUT:g} s")


def _moments(journal: Path, reals: int) -> tuple[float, float, float]:
    """When the last real was there, when the last had its weight, and the seconds that the kernel's calls took."""
    there: dict[object, float] = {}
    up: dict[object, float] = {}
    calls = 0.0
    for record in JournalReader(journal, decode).records():
        if not isinstance(record.event, OperationsApplied) or len(up) == reals:
            continue
        calls += record.event.microseconds / 1e6
        for operation in record.event.operations:
            if isinstance(operation, AddDestination | ChangeDestination):
                key = operation.id, operation.destination.real
                there.setdefault(key, record.mono)
                if operation.destination.weight:
                    up.setdefault(key, record.mono)
    return max(there.values()), max(up.values()), calls


def _order(path: Path, number: int) -> float:
    """Give a real another weight; when that was ordered."""
    order = {"type": "weight", "real": f"{_address(number)}:80", "weight": 7}
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10.0)
        control.connect(str(path))
        ordered = time.monotonic()
        control.sendall(json.dumps({"order": order}).encode() + b"\n")
        answer = control.makefile().readline()
    if '"done"' not in answer:
        raise RuntimeError(f"expected the weight to be set, found {answer!r}")
    time.sleep(0.2)
    return ordered


def _took(journal: Path, ordered: Sequence[float]) -> Iterator[float]:
    """Milliseconds from each order to the kernel's acknowledgement."""
    applied = [r.mono for r in JournalReader(journal, decode).records() if isinstance(r.event, OperationsApplied)]
    for moment in ordered:
        yield (min(at for at in applied if at > moment) - moment) * 1000


def table(found: Sequence[Applied]) -> str:
    """The sizes as a table of Markdown; of the weights the median, the lowest and the highest."""
    head = (
        "| services x reals | all there | all up | netlink calls in that | memory (PSS) | one weight, order to kernel |"
    )
    return "\n".join([head, "|---" * 6 + "|", *map(_row, found)])


def _row(one: Applied) -> str:
    low, middle, high = min(one.weights), statistics.median(one.weights), max(one.weights)
    return (
        f"| {one.services:,} x {one.reals_each:,} | {one.there:.2f} s | {one.up:.2f} s | {one.calls:.2f} s "
        f"| {one.memory:.0f} MB | {middle:.1f} ms ({low:.1f} to {high:.1f}) |"
    )


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="services x reals, as 1x1000")
    args = parser.parse_args()
    for size in args.sizes:
        services, _, reals_each = size.partition("x")
        print(msgspec.json.encode(measure(int(services), int(reals_each))).decode(), flush=True)


if __name__ == "__main__":
    main()
