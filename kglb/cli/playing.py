"""``replay --into``: what a journal recorded is done again to a data plane, at once or at a speed, and compared."""

import argparse
import re
import sys
import time
from pathlib import Path

import msgspec

from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_OK, EXIT_USAGE, Failed, Paint, paint_for, put, put_json
from kglb.cli.reading import Zone
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import DataPlane
from kglb.model.operations import describe
from kglb.projections import Holding
from kglb.replay.playback import Playback, Recording, Refusal, Step, known_interfaces
from kglb.replay.source import Source
from kglb.replay.words import listed, plural

KINDS = ("memory", "ipvs")

_ORIGINS = {
    "start": "there already",
    "applied": "the daemon",
    "drift": "somebody else",
    "found": "found there",
}


class _Played(msgspec.Struct):
    """What ``-o json`` prints."""

    into: str
    first: int
    last: int
    steps: int
    operations: int
    refused: list[Refusal]
    same: bool
    differences: list[str]


def speed(text: str) -> float:
    """``10x`` or ``0.5x``. Raises argparse's own error."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"expected a speed such as 10x, found {text!r}")
    return float(found[1])


def play(source: Source, first: int, last: int, args: argparse.Namespace, zone: Zone) -> int:
    """Play records ``first`` to ``last``: 0 if the data plane then holds what the journal says, 1 if not."""
    recording = Recording(source, first, last)
    machine = _machine(args, source, last)
    try:
        playback = Playback(machine)
        if playback.strangers:
            found = listed(service.id for service in playback.strangers)
            raise Failed(EXIT_ENVIRONMENT, f"the data plane is not empty: it has {found}", "play into an empty one")
        played = _Played(args.into, first, last, 0, 0, [], same=True, differences=[])
        show = _Show(zone, paint_for(sys.stdout), quiet=args.output == "json")
        for step in recording.steps():
            if args.speed is not None and step.after:
                sys.stdout.flush()
                time.sleep(step.after / args.speed)
            refused = playback.play(step)
            played.steps += 1
            played.operations += len(step.operations)
            played.refused += refused
            show.step(step, refused)
        played.differences = [describe(operation) for operation in playback.differences(recording.actual)]
        played.same = not played.differences
        show.end(played, recording.actual)
    finally:
        machine.close()
    if args.output == "json":
        put_json(msgspec.json.encode(played))
    return EXIT_OK if played.same else EXIT_NO


def _machine(args: argparse.Namespace, source: Source, last: int) -> DataPlane:
    if args.into == "memory":
        return MemoryDataPlane(interfaces=known_interfaces(source, last), addresses=())
    if not (args.yes_really or is_lab_kernel()):
        raise Failed(
            EXIT_USAGE,
            "this kernel is not the lab's: it would begin to balance traffic",
            "python -m lab run -- kglb-actors replay ... plays it in the lab; --yes-really plays it here",
        )
    from kglb.dataplane.kernel import KernelDataPlane  # noqa: PLC0415 - replay alone needs no kernel

    return KernelDataPlane()


def is_lab_kernel(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this kernel is a user-mode-linux, which is a process and ends with its job."""
    return "User Mode Linux" in cpuinfo.read_text()


class _Show:
    """Says what is done."""

    def __init__(self, zone: Zone, paint: Paint, *, quiet: bool) -> None:
        self._zone = zone
        self._paint = paint
        self._quiet = quiet

    def step(self, step: Step, refused: list[Refusal]) -> None:
        """One step, with what was refused of it."""
        if self._quiet or not step.operations:
            return
        what = listed(map(describe, step.operations))
        put(f"{self._zone.show(step.at)}  {step.seq:>6}  {_ORIGINS[step.origin]:<13}  {what}")
        for refusal in refused:
            put(self._paint(f"! refused: {describe(refusal.operation)}: {refusal.failure.error}", "warning"))

    def end(self, played: _Played, actual: Holding) -> None:
        """How it ended."""
        if self._quiet:
            return
        refused = f", {len(played.refused)} refused" if played.refused else ""
        done = f"played records {played.first} to {played.last}: {plural(played.operations, 'operation')}{refused}"
        destinations = sum(map(len, actual.destinations.values()))
        held = (
            f"{plural(len(actual.services), 'service')}, {plural(destinations, 'destination')}, "
            f"{plural(len(actual.addresses), 'address')}"
        )
        if played.same:
            put(self._paint(f"{done}; the data plane holds what the journal says: {held}", "good"))
            return
        put(self._paint(f"{done}; the data plane does not hold what the journal says ({held}):", "bad"))
        for line in played.differences:
            put(self._paint(f"! {line}", "warning"))
