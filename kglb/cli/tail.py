"""``kglb-actors tail``: the journal in plain sentences, from its end, from a time, as it grows."""

import argparse
import sys
import time
from collections.abc import Iterator

import msgspec

from kglb.cli.output import EXIT_OK, Paint, paint_for, put, put_json, warn
from kglb.cli.reading import TIMES, Zone, add_format_options, add_journal_option, record_number
from kglb.replay import (
    Context,
    Filter,
    Found,
    NothingRecordedError,
    Source,
    last_passing,
    parse_filter,
    passing,
    sentence,
)

DEFAULT_COUNT = 20
POLL = 0.1
"""Seconds between two looks for more."""

_FIELDS = ("type", "balancer", "service", "real")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "tail",
        description="Show the last records of the journal, each as a sentence; with -f, those that follow.",
        epilog=f"Filters are type=HealthChanged, balancer=web, real=10.0.0.7:80 (or real=10.0.0.7), service=tcp://...; "
        f"the same field twice means either. {TIMES}",
    )
    parser.add_argument("filters", nargs="*", metavar="FIELD=VALUE", help="show only what is about this")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as the journal grows")
    parser.add_argument(
        "-n",
        "--lines",
        type=record_number,
        metavar="N",
        help=f"the last N records (default: {DEFAULT_COUNT}, or all with --since)",
    )
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    for field in _FIELDS:
        parser.add_argument(f"--{field}", action="append", default=[], metavar="VALUE", help=f"as {field}=VALUE")
    parser.add_argument("--salvage", action="store_true", help="report damage and read on past it")
    add_journal_option(parser)
    add_format_options(parser, ("short", "json", "cat"))


def run(args: argparse.Namespace) -> int:
    """Print the records that were asked for."""
    zone = Zone(utc=args.utc)
    since, until = zone.moment(args.since), zone.moment(args.until)
    source = Source(args.journal, on_damage=_report if args.salvage else None)
    first, last = _extent(source)
    if since is not None:
        first = max(first, source.reader.seq_at(since.first))
    if until is not None:
        last = min(last, source.seq_until(until))
    count = args.lines if args.lines is not None else None if args.since else DEFAULT_COUNT
    chosen = parse_filter(_terms(args), Context(source, last).names)
    records = _recorded(source, chosen, first, last, count)
    printer = _Printer(args.output, zone, chosen, source)
    for record in records:
        printer.print(record)
    if args.follow:
        _follow(source, chosen, max(first, last + 1), None if until is None else until.last, printer)
    return EXIT_OK


def _extent(source: Source) -> tuple[int, int]:
    try:
        bounds = source.bounds()
    except NothingRecordedError:
        return 0, -1
    return bounds[0], bounds[-1]


def _terms(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for text in args.filters:
        field, _, value = text.partition("=")
        yield field, value
    for field in _FIELDS:
        for value in getattr(args, field):
            yield field, value


def _recorded(source: Source, chosen: Filter, first: int, last: int, count: int | None) -> Iterator[Found]:
    if count is None:
        return passing(source, chosen, first, last)
    return iter(last_passing(source, chosen, first, last, count))


def _follow(source: Source, chosen: Filter, first: int, until: str | None, printer: "_Printer") -> None:
    for record in source.reader.follow(first):
        if record is None:
            sys.stdout.flush()
            time.sleep(POLL)
        elif until is not None and record.at > until:
            return
        elif chosen.passes(record):
            printer.print(record)
        else:
            printer.note(record)


def _report(damaged: object) -> None:
    warn([f"damaged: {damaged}"])


class _Printer:
    """Prints records in one of the formats; keeps the names it speaks with up to date."""

    def __init__(self, format: str, zone: Zone, chosen: Filter, source: Source) -> None:
        self._format = format
        self._zone = zone
        self._chosen = chosen
        self._source = source
        self._context: Context | None = None
        self._paint: Paint = paint_for(sys.stdout)

    def note(self, record: Found) -> None:
        """Take in a record that is not printed."""
        if self._context is not None:
            self._context.note(record)

    def print(self, record: Found) -> None:
        """Print one record."""
        if self._format == "json":
            put_json(msgspec.json.encode(record))
            return
        if self._context is None:
            self._context = Context(self._source, record.seq)
        self._context.note(record)
        put(self._line(record, self._context))

    def _line(self, record: Found, context: Context) -> str:
        said = sentence(self._chosen.narrowed(record).event, context)
        if self._format == "cat":
            return said.text
        subject = "" if said.service is None else f"{self._paint(context.names.label(said.service), 'strong')}  "
        text = self._paint(said.text, said.tone)
        return f"{self._zone.show(record.at)}  {record.seq:>6}  {said.kind:<7}  {subject}{text}"
