"""``kglb-actors explain``: why has this real this weight, this service this mode, why is this address or route there?

One line that answers, then the chain of causes.
"""

import argparse
import sys
from typing import get_args

import msgspec

from kglb.cli.ongoing import warn_if_behind
from kglb.cli.output import EXIT_NO, EXIT_OK, EXIT_USAGE, Paint, paint_for, put, put_json
from kglb.cli.reading import TIMES, Zone, add_format_options, add_journal_option, journal_of, natural
from kglb.replay.errors import AmbiguousSubjectError, Kind, UnknownSubjectError
from kglb.replay.explain import AnyExplanation, explain
from kglb.replay.explanation import Link
from kglb.replay.source import Source


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "explain",
        description="Say why a real has its weight, why a service is in its mode, or why an address or a route is "
        "there or not. Prints the answer, then the records that led to it, newest first.",
        epilog=f"Exit codes: 1 nothing of that name was there, 2 the name is ambiguous. {TIMES}",
    )
    parser.add_argument(
        "subject",
        metavar="SUBJECT",
        help="a real (10.0.0.7:80, 10.0.0.7, or its host name in the config), a service (tcp://192.168.100.10:80, or "
        "its balancer's name), an address (192.168.100.10), or a route (192.168.100.10/32)",
    )
    parser.add_argument("--kind", choices=get_args(Kind), help="what SUBJECT is, if it could be several")
    parser.add_argument("--balancer", metavar="B", help="the real of this balancer: its name, name@service, or service")
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument("--seq", type=natural, metavar="N", help="as it was after record N")
    moment.add_argument("--at", metavar="TIME", help="as it was at this time")
    add_journal_option(parser)
    add_format_options(parser, ("short", "json"))


def run(args: argparse.Namespace) -> int:
    """Print the explanation."""
    zone = Zone(utc=args.utc)
    at = zone.past(args.at)
    source = Source(journal_of(args))
    seq = source.resolve(args.seq, at)
    if args.seq is None:
        warn_if_behind(source, zone, at)
    try:
        found = explain(source, args.subject, seq=seq, kind=args.kind, balancer=args.balancer)
    except (AmbiguousSubjectError, UnknownSubjectError) as error:
        if args.output != "json":
            raise
        return _refuse_in_json(error)
    if args.output == "json":
        answer = {"answer": answer_line(found, found.since), **msgspec.to_builtins(found)}
        put_json(msgspec.json.encode(answer))
    else:
        if args.seq is not None or at is not None:
            put(f"after record {found.seq}, {zone.show(found.at)}:")
        for line in render(found, zone, paint_for(sys.stdout)):
            put(line)
    return EXIT_OK


def _refuse_in_json(error: AmbiguousSubjectError | UnknownSubjectError) -> int:
    candidates = error.candidates if isinstance(error, AmbiguousSubjectError) else ()
    put_json(msgspec.json.encode({"error": str(error), "candidates": candidates}))
    return EXIT_USAGE if candidates else EXIT_NO


def answer_line(found: AnyExplanation, since: str) -> str:
    """The answer in one line; ``since`` is the time as it is shown, empty if not known."""
    when = f" since {since}" if since else ""
    but = f" - but {found.kernel}" if found.kernel else ""
    return f"{found.subject} {found.standing}{when} because {found.reason}{but}"


def render(found: AnyExplanation, zone: Zone, paint: Paint) -> list[str]:
    """An explanation for people, line by line."""
    since = zone.show(found.since) if found.since else ""
    width = max((len(zone.show(link.at)) for link in found.chain if link.at), default=0)
    chain = [_link_line(link, zone, width, paint) for link in found.chain]
    return [paint(answer_line(found, since), "strong"), "", *chain]


def _link_line(link: Link, zone: Zone, width: int, paint: Paint) -> str:
    at = zone.show(link.at) if link.at else ""
    because = f"  <- {', '.join(map(str, reversed(link.because)))}" if link.because else ""
    again = f", {link.count} times since {zone.show(link.first_at)}" if link.count > 1 else ""
    text = paint(link.text + again, link.tone)
    return f"  {at:<{width}}  {link.seq:>6}  {link.kind:<7}  {text}{paint(because, 'quiet')}"
