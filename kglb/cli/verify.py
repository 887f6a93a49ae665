"""``kglb-actors verify``: decide everything in a journal again, and say whether it comes out the same."""

import argparse
import sys

import msgspec

from kglb.cli.output import EXIT_NO, EXIT_OK, Paint, paint_for, put, put_json
from kglb.cli.reading import Zone, add_format_options, add_journal_argument, journal_of
from kglb.replay.source import Source
from kglb.replay.verify import Divergence, Verified, verify
from kglb.replay.words import plural


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "verify",
        description="Decide everything again from the recorded configs, probes, names and kernel entries, and "
        "compare it with the recorded decisions, operations and checkpoints.",
        epilog="Exit code 1: this version decides something differently. Differences of another version of the "
        "decision code are shown, but are no failure.",
    )
    add_journal_argument(parser)
    add_format_options(parser, ("short", "json"))


def run(args: argparse.Namespace) -> int:
    """Verify, and print what came of it."""
    verified = verify(Source(journal_of(args)))
    if args.output == "json":
        put_json(msgspec.json.encode({"identical": verified.identical, **msgspec.to_builtins(verified)}))
    else:
        for line in render(verified, Zone(utc=args.utc), paint_for(sys.stdout)):
            put(line)
    return EXIT_OK if verified.identical else EXIT_NO


def render(verified: Verified, zone: Zone, paint: Paint) -> list[str]:
    """What was verified, for people, line by line."""
    lines = []
    if verified.older is not None:
        count = plural(verified.differences_of_older, "difference")
        lines += [
            f"{count} from another version of the decision code; the first:",
            *_sides(verified.older, zone, paint),
        ]
    if verified.difference is not None:
        lines += [paint("different:", "bad"), *_sides(verified.difference, zone, paint)]
        return [*lines, paint(f"identical before that: {_counted(verified)}", "quiet")]
    return [*lines, f"{paint('identical:', 'good')} {_counted(verified)}"]


def _counted(verified: Verified) -> str:
    counts = (
        (verified.events, "event"),
        (verified.decisions, "decision"),
        (verified.operations, "operation"),
        (verified.checkpoints, "checkpoint"),
        (verified.gaps, "gap"),
    )
    return ", ".join(plural(count, noun) for count, noun in counts if count)


def _sides(difference: Divergence, zone: Zone, paint: Paint) -> list[str]:
    version = f"version {difference.version}" if difference.version else "an unknown version"
    return [
        f"  record {difference.seq}, {zone.show(difference.at)}, {difference.type}: {difference.about}",
        f"    recorded  {paint(difference.recorded, 'strong')}, by {version} of the decision code",
        f"    decided   {paint(difference.decided, 'strong')}",
    ]
