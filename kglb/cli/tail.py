"""``kglb-actors tail``: the journal in plain sentences, from its end, from a time, as it grows; or several as one."""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from kglb.cli.filtering import FILTERS, add_filter_options, filter_terms
from kglb.cli.installed import journal_directory
from kglb.cli.ongoing import warn_if_behind
from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, paint_for, put, put_json
from kglb.cli.reading import DEFAULT_JOURNAL, TIMES, Zone, add_format_options, natural, report_damage
from kglb.replay.called import Known
from kglb.replay.causes import GONE, Cause, Causes
from kglb.replay.context import Context
from kglb.replay.errors import NothingRecordedError
from kglb.replay.merge import Shown, Stretch, following, hosts, newest_first, oldest_first
from kglb.replay.selection import Filter, FilterError, Selection, parse_filter, parse_pattern
from kglb.replay.source import Source
from kglb.replay.times import Moment

DEFAULT_COUNT = 20
POLL = 0.1
"""Seconds between two looks for more."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "tail",
        description="Show the last records of the journal, each as a sentence; with -f, also those that follow.",
        epilog=f"{FILTERS} {TIMES}",
    )
    add_filter_options(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="follow the journal as it grows")
    parser.add_argument(
        "-n",
        "--lines",
        type=natural,
        metavar="N",
        help=f"the last N records (default: {DEFAULT_COUNT}, or all with --since or --after)",
    )
    parser.add_argument("-r", "--reverse", action="store_true", help="newest first")
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    parser.add_argument("--after", type=natural, metavar="SEQ", help="the records after record SEQ")
    parser.add_argument("--show-cursor", action="store_true", help="print at the end how to continue")
    parser.add_argument("--causes", action="store_true", help="below each record, show those that led to it")
    parser.add_argument("--salvage", action="store_true", help="report damage and read on past it")
    parser.add_argument(
        "--journal",
        action="append",
        type=Path,
        metavar="JOURNAL",
        help=f"the journal's directory, or one segment; several are merged by time (default: {DEFAULT_JOURNAL})",
    )
    add_format_options(parser, ("short", "json", "cat"))


def run(args: argparse.Namespace) -> int:
    """Print the records that were asked for."""
    zone = Zone(utc=args.utc)
    until = zone.moment(args.until)
    stretches = _stretches(args, zone.past(args.since), until)
    for part in stretches:
        warn_if_behind(part.selection.source, zone, until)
    several = args.journal is not None and len(args.journal) > 1
    printer = _Printer(args.output, zone, stretches, several=several, causes=args.causes)
    for shown in _recorded(stretches, _count(args), reverse=args.reverse):
        printer.print(shown)
    if args.output == "short" and not printer.printed and not args.follow:
        _say_nothing_found(stretches)
    if args.follow:
        _follow(following(stretches), until, printer)
    if args.show_cursor and args.output != "json":
        put(f"-- to continue: --after {max(stretches[0].last, args.after or 0)}")
    return EXIT_OK


def _stretches(args: argparse.Namespace, since: Moment | None, until: Moment | None) -> list[Stretch]:
    terms = tuple(filter_terms(args))
    paths = args.journal or [journal_directory()]
    if len(paths) > 1 and (args.after is not None or args.show_cursor):
        raise Failed(
            EXIT_USAGE, "--after and --show-cursor count the records of one journal", "name one, or use --since"
        )
    if args.show_cursor and args.follow:
        raise Failed(EXIT_USAGE, "--show-cursor prints at the end, which -f never reaches", "use one of them")
    if args.reverse and args.follow:
        raise Failed(EXIT_USAGE, "-r begins with the newest record, which -f waits for", "use one of them")
    sources = [Source(path, on_damage=report_damage if args.salvage else None) for path in paths]
    parts = [
        Stretch(host, Selection(source, Filter(), Context(source)), *_bounds(source, args.after, since, until))
        for host, source in zip(hosts(sources), sources, strict=True)
    ]
    return _chosen(parts, args, terms)


def _bounds(source: Source, after: int | None, since: Moment | None, until: Moment | None) -> tuple[int, int]:
    try:
        bounds = source.bounds()
    except NothingRecordedError:
        return 0, -1
    first, last = bounds[0], bounds[-1]
    if after is not None:
        first = max(first, after + 1)
    if since is not None:
        first = max(first, source.reader.seq_at(since.first))
    if until is not None:
        last = min(last, source.seq_until(until))
    return first, last


def _chosen(parts: list[Stretch], args: argparse.Namespace, terms: Sequence[tuple[str, str]]) -> list[Stretch]:
    """The stretches with the filter; without the journals that do not know a balancer, if any does."""
    pattern = None if args.grep is None else parse_pattern(args.grep)
    found: list[Stretch] = []
    unknown: FilterError | None = None
    for part in parts:
        selection = part.selection
        try:
            chosen = parse_filter(terms, Known(selection.source, selection.context, part.last))
        except FilterError as error:
            unknown = unknown or error
        else:
            found.append(part._replace(selection=Selection(selection.source, chosen, selection.context, pattern)))
    if unknown is not None and not found:
        raise unknown
    return found


def _count(args: argparse.Namespace) -> int | None:
    if args.lines is not None:
        return int(args.lines)
    return None if args.since or args.after is not None else DEFAULT_COUNT


def _recorded(stretches: list[Stretch], count: int | None, *, reverse: bool) -> Iterable[Shown]:
    if count is None and not reverse:
        return oldest_first(stretches)
    newest = islice(newest_first(stretches, count), count)
    return newest if reverse else reversed(list(newest))


def _follow(records: Iterable[Shown | None], until: Moment | None, printer: "_Printer") -> None:
    for shown in records:
        if shown is None:
            sys.stdout.flush()
            time.sleep(POLL)
        elif until is not None and shown.record.at > until.last:
            return
        else:
            printer.print(shown)


def _say_nothing_found(stretches: list[Stretch]) -> None:
    """As journalctl has it; on stderr, so that a script that counts lines counts none."""
    for part in stretches:
        searched = f"records {part.first} to {part.last}" if part.first <= part.last else "no record is in that time"
        print(f"-- No entries: {part.selection.source.path}, {searched} --", file=sys.stderr)


class _Printer:
    """Prints records in one of the formats; ``printed`` counts them."""

    def __init__(self, form: str, zone: Zone, stretches: list[Stretch], *, several: bool, causes: bool) -> None:
        self._form = form
        self._zone = zone
        self._host_width = max(len(part.host) for part in stretches) if several else 0
        self._causes = {part.host: Causes(part.selection.source) for part in stretches} if causes else {}
        self._paint = paint_for(sys.stdout)
        self.printed = 0

    def print(self, shown: Shown) -> None:
        """Print one record, and what led to it."""
        self.printed += 1
        if self._form == "json":
            put_json(self._json(shown))
            return
        put(shown.stretch.selection.said(shown.record).text if self._form == "cat" else self._line(shown))
        for cause in self._led_to(shown):
            put(self._cause_line(cause, shown.stretch))

    def _json(self, shown: Shown) -> bytes:
        text = msgspec.json.encode(shown.record)
        more: dict[str, object] = {"host": shown.stretch.host} if self._host_width else {}
        if self._causes:
            more["causes"] = [cause.record for cause in self._led_to(shown) if cause.record is not None]
        return text[:-1] + b"," + msgspec.json.encode(more)[1:] if more else text

    def _led_to(self, shown: Shown) -> Iterable[Cause]:
        causes = self._causes.get(shown.stretch.host)
        return () if causes is None else causes.of(shown.record, shown.stretch.selection.chosen.wants)

    def _line(self, shown: Shown) -> str:
        record, (host, selection, _, _) = shown.record, shown.stretch
        said = selection.said(record)
        subject = ""
        if said.service is not None:
            subject = self._paint(selection.context.names(record.seq).label(said.service), "strong") + "  "
        where = f"{host:<{self._host_width}}  " if self._host_width else ""
        text = self._paint(said.text, said.tone)
        return f"{self._zone.show(record.at)}  {where}{record.seq:>6}  {said.kind:<7}  {subject}{text}"

    def _cause_line(self, cause: Cause, stretch: Stretch) -> str:
        indent = "  " * cause.depth + "<- "
        if cause.record is None:
            return self._paint(f"{indent}{cause.seq}  {GONE}{cause.left_out}", "quiet")
        said = stretch.selection.said(cause.record)
        at = self._zone.show(cause.record.at)
        return self._paint(f"{indent}{cause.seq}  {at}  {said.kind}  {said.text}{cause.left_out}", "quiet")
