"""``kglb-actors journal export``: a stretch of a journal as one file to mail."""

import argparse
from pathlib import Path

from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, put
from kglb.cli.reading import TIMES, Zone, add_journal_argument, journal_of, numbers
from kglb.replay.anonymise import Anonymiser
from kglb.replay.errors import OutOfRangeError
from kglb.replay.export import export
from kglb.replay.source import Source


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "export",
        help="write a stretch to one file to mail",
        description="Write a stretch of the journal to one file. The file begins with the state before the stretch, "
        "so replay, verify and explain need nothing else.",
        epilog=TIMES,
    )
    add_journal_argument(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where to write it")
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    parser.add_argument("--seq", type=numbers, metavar="A..B", help="the records from A to B; either may be left out")
    parser.add_argument("--utc", action="store_true", help="read times in UTC")
    parser.add_argument(
        "--anonymise",
        action="store_true",
        help="replace addresses (common prefixes stay common), names, hosts, notes, paths and errors",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file, and say what is in it."""
    if args.output.exists():
        raise Failed(EXIT_USAGE, f"{args.output} exists already", "name a file that does not")
    source = Source(journal_of(args))
    first, last = _extent(source, args)
    written = export(source, first, last, args.output, Anonymiser() if args.anonymise else None)
    put(f"{args.output}: the state after record {written[0]}, and the records up to {written[-1]}")
    return EXIT_OK


def _extent(source: Source, args: argparse.Namespace) -> tuple[int, int]:
    zone, bounds = Zone(utc=args.utc), source.bounds()
    since, until = zone.past(args.since), zone.moment(args.until)
    low, high = args.seq or (None, None)
    first, last = max(bounds[0], low or 0), bounds[-1] if high is None else min(bounds[-1], high)
    if since is not None:
        first = max(first, source.reader.seq_at(since.first))
    if until is not None:
        last = min(last, source.seq_until(until))
    if first > last:
        raise OutOfRangeError(f"no record is in that stretch: {source.path} holds records {bounds[0]} to {bounds[-1]}")
    return first, last
