"""``kglb-actors journal prune``: retention by hand."""

import argparse
import time
from pathlib import Path

from journal import Expired, NoJournal, OsFiles, Retention, expired, leftovers_of, remove
from kglb.cli.arguments import as_argument
from kglb.cli.journal_stat import human
from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, put
from kglb.cli.reading import add_journal_argument, journal_of
from kglb.config.values import duration, size


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "prune",
        help="remove the oldest segments",
        description="Remove whole segments, oldest first, but never the newest. The daemon may be running.",
    )
    add_journal_argument(parser)
    parser.add_argument(
        "--keep-size",
        type=as_argument(size("1B")),
        metavar="SIZE",
        help="remove until the journal is at most this large: 500MiB, 2GiB",
    )
    parser.add_argument(
        "--older-than",
        type=as_argument(duration("1s")),
        metavar="SPAN",
        help="remove segments that were sealed longer ago than this: 7d",
    )
    parser.add_argument(
        "--leftovers", action="store_true", help="also remove what was set aside: *.broken and *.damaged"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="only print what would be removed")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Remove, and say what."""
    if not (args.keep_size or args.older_than or args.leftovers):
        raise Failed(EXIT_USAGE, "nothing says what to remove", "give --keep-size, --older-than or --leftovers")
    files, journal = OsFiles(), journal_of(args)
    if not files.is_directory(journal):
        raise NoJournal(journal)
    old = _expired(files, journal, args)
    leftovers = leftovers_of(journal, files) if args.leftovers else {}
    if not args.dry_run:
        remove(files, old)
        for name in leftovers:
            files.remove(journal / name)
    _tell(old, leftovers, "would remove" if args.dry_run else "removed")
    return EXIT_OK


def _expired(files: OsFiles, journal: Path, args: argparse.Namespace) -> list[Expired]:
    bounds = Retention(max_size=args.keep_size or 0, max_age=args.older_than or 0.0)
    return expired(files, journal, bounds, now=time.time())


def _tell(old: list[Expired], leftovers: dict[str, int], verb: str) -> None:
    sizes = {**{one.segment.path.name: one.size for one in old}, **leftovers}
    for name, amount in sizes.items():
        put(f"{verb} {name}, {human(amount)}")
    put(f"{verb} {human(sum(sizes.values()))} in all" if sizes else f"{verb} nothing")
