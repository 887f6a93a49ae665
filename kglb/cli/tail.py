"""``kglb-actors tail``: the journal in plain sentences, from its end, from a time, as it grows."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator

import msgspec

from kglb.cli.output import EXIT_OK, paint_for, put, put_json, warn
from kglb.cli.reading import TIMES, Zone, add_format_options, add_journal_option, natural
from kglb.replay import (
    FIELDS,
    Context,
    Filter,
    Found,
    Moment,
    NothingRecordedError,
    Selection,
    Source,
    parse_filter,
    sentence,
)

DEFAULT_COUNT = 20
POLL = 0.1
"""Seconds between two looks for more."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "tail",
        description="Show the last records of the journal, each as a sentence; with -f, those that follow.",
        epilog="Filters are type=HealthChanged, balancer=web, real=10.0.0.7:80 (or real=10.0.0.7), "
        f"service=tcp://...; the same field twice means either. {TIMES}",
    )
    parser.add_argument("filters", nargs="*", metavar="FIELD=VALUE", help="show only what is about this")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as the journal grows")
    parser.add_argument(
        "-n",
        "--lines",
        type=natural,
        metavar="N",
        help=f"the last N records (default: {DEFAULT_COUNT}, or all with --since)",
    )
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    for field in FIELDS:
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
    context = Context(source)
    chosen = parse_filter(_terms(args), lambda: context.names(last))
    selection = Selection(source, chosen, context)
    printer = _Printer(args.output, zone, chosen, context)
    for record in _recorded(selection, first, last, _count(args)):
        printer.print(record)
    if args.follow:
        _follow(selection.following(max(first, last + 1)), until, printer)
    return EXIT_OK


def _count(args: argparse.Namespace) -> int | None:
    if args.lines is not None:
        return int(args.lines)
    return None if args.since else DEFAULT_COUNT


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
    for field in FIELDS:
        for value in getattr(args, field):
            yield field, value


def _recorded(selection: Selection, first: int, last: int, count: int | None) -> Iterable[Found]:
    return selection.passing(first, last) if count is None else selection.last_passing(first, last, count)


def _follow(records: Iterable[Found | None], until: Moment | None, printer: "_Printer") -> None:
    for record in records:
        if record is None:
            sys.stdout.flush()
            time.sleep(POLL)
        elif until is not None and record.at > until.last:
            return
        else:
            printer.print(record)


def _report(damaged: object) -> None:
    warn([f"damaged: {damaged}"])


class _Printer:
    """Prints records in one of the formats."""

    def __init__(self, form: str, zone: Zone, chosen: Filter, context: Context) -> None:
        self._form = form
        self._zone = zone
        self._chosen = chosen
        self._context = context
        self._paint = paint_for(sys.stdout)

    def print(self, record: Found) -> None:
        """Print one record."""
        if self._form == "json":
            put_json(msgspec.json.encode(record))
        else:
            put(self._line(record))

    def _line(self, record: Found) -> str:
        said = sentence(self._chosen.narrowed(record).event, self._context)
        if self._form == "cat":
            return said.text
        subject = ""
        if said.service is not None:
            subject = self._paint(self._context.names(record.seq).label(said.service), "strong") + "  "
        text = self._paint(said.text, said.tone)
        return f"{self._zone.show(record.at)}  {record.seq:>6}  {said.kind:<7}  {subject}{text}"
