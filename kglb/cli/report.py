"""``kglb-actors report``: what happened in a stretch of one or several journals, as one page to look at and mail."""

import argparse
from functools import partial
from pathlib import Path

from kglb.cli.installed import journal_directory
from kglb.cli.ongoing import holds_until, warn_if_behind
from kglb.cli.output import EXIT_OK, put
from kglb.cli.reading import DEFAULT_JOURNAL, TIMES, Zone
from kglb.cli.replacing import replace_file
from kglb.replay.report import report
from kglb.replay.report_page import report_page
from kglb.replay.source import Source
from kglb.replay.words import plural

STDOUT = Path("-")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "report",
        description="Write what happened as one HTML page that needs no network: a timeline of every balancer "
        "and real, and the events with their causes. Several journals are merged by time.",
        epilog=TIMES,
    )
    parser.add_argument(
        "journals",
        nargs="*",
        type=Path,
        metavar="JOURNAL",
        help=f"a directory, or one segment (default: {DEFAULT_JOURNAL})",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("incident.html"),
        metavar="FILE",
        help="the page to write, - for stdout (default: %(default)s)",
    )
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    parser.add_argument("--utc", action="store_true", help="read and show times in UTC")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    zone = Zone(utc=args.utc)
    since, until = zone.past(args.since), zone.moment(args.until)
    sources = [Source(path) for path in args.journals or [journal_directory()]]
    found = report(sources, since, until, partial(holds_until, until=until))
    for source in sources:
        warn_if_behind(source, zone, until)
    page = report_page(found, utc=args.utc)
    if args.output == STDOUT:
        put(page)
        return EXIT_OK
    replace_file(args.output, page)
    reals = sum(len(balancer.reals) for balancer in found.balancers)
    size = len(page.encode()) / 1e6
    put(
        f"{args.output}: {plural(len(found.balancers), 'balancer')}, {plural(reals, 'real')}, "
        f"{plural(len(found.events), 'event')}"
        f"{f' (the newest of {found.left_out} more)' if found.left_out else ''}, {size:.{1 if size >= 0.1 else 2}f} MB"
    )
    return EXIT_OK
