"""``kglb-actors journal fsck``: whether every record is as it was written, and understood."""

import argparse
import sys

import msgspec

from kglb.cli.output import EXIT_NO, EXIT_OK, paint_for, put, put_json
from kglb.cli.reading import add_journal_argument, journal_of
from kglb.replay.fsck import Checked, fsck
from kglb.replay.words import plural


class Fault(msgspec.Struct):
    """A damaged place, as ``-o json`` has it."""

    file: str
    line: int
    seq: int
    reason: str


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "fsck",
        help="verify every record",
        description="Verify every record (checksum, number, event) and every checkpoint, and that they add up. Changes "
        "nothing; the daemon may be running. Exit code 1: something is damaged.",
    )
    add_journal_argument(parser)
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print each damaged place, or that there is none."""
    checked = fsck(journal_of(args))
    if args.output == "json":
        faults = [Fault(str(fault.file), fault.line, fault.seq, fault.reason) for fault in checked.faults]
        counts = {"segments": checked.segments, "records": checked.records, "checkpoints": checked.checkpoints}
        put_json(msgspec.json.encode({**counts, "faults": faults}))
    else:
        show(checked)
    return EXIT_NO if checked.faults else EXIT_OK


def show(checked: Checked) -> None:
    """A verdict for people."""
    paint = paint_for(sys.stdout)
    for fault in checked.faults:
        put(f"{paint('damaged:', 'bad')} {fault}")
    counts = ((checked.records, "record"), (checked.segments, "segment"), (checked.checkpoints, "checkpoint"))
    records, segments, checkpoints = (plural(count, noun) for count, noun in counts)
    read = f"{records} in {segments}, {checkpoints}"
    if not checked.faults:
        put(f"{paint('intact:', 'good')} {read}")
        return
    put(f"{read} can be read; {plural(len(checked.faults), 'fault')}: journal repair saves what is around")
