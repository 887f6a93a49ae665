"""What the verbs that read a journal share: their options, and how they read and show times."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kglb.cli.installed import INSTALLED, journal_directory
from kglb.cli.output import warn
from kglb.model import JournalConfig
from kglb.replay.times import Moment, parse_moment, read_record_time, record_time
from kglb.replay.words import printable

DEFAULT_JOURNAL = f"as {INSTALLED} says, else {JournalConfig().directory}"
"""In words, for help; ``journal_of`` finds it."""

TIMES = 'Times: 2026-11-22T14:30:01, 2026-11-22, 14:30, today, yesterday, now, -5m, "10 min ago"; local unless --utc.'

_NUMBERS = re.compile(r"(\d*)\.\.(\d*)")


class Zone:
    """The zone in which times are read and shown: the machine's, or UTC. ``now`` is when, for tests."""

    def __init__(self, *, utc: bool, now: datetime | None = None) -> None:
        self._zone = UTC if utc else None
        self._now = (now or datetime.now(UTC)).astimezone(self._zone)

    def moment(self, text: str | None) -> Moment | None:
        """The moment a text names; None for None. Raises UnclearTimeError."""
        return None if text is None else parse_moment(text, self._now)

    def past(self, text: str | None) -> Moment | None:
        """As ``moment``, of a time that has been. Warns of one that has not: after midnight 23:50 is yesterday's."""
        found = self.moment(text)
        if text is not None and found is not None and found.first > record_time(self._now):
            yesterday = self._now.date() - timedelta(days=1)
            known = f"; yesterday's is {yesterday}T{text}" if re.fullmatch(r"\d\d:[\d:.]+", text) else ""
            warn([f"{text} is still to come{known}"])
        return found

    def show(self, at: str) -> str:
        """A record's time to the millisecond, with its date unless that is today."""
        try:
            shown = read_record_time(at).astimezone(self._zone)
        except ValueError:
            return printable(at)
        clock = shown.strftime("%H:%M:%S.%f")[:-3]
        return clock if shown.date() == self._now.date() else f"{shown.date()} {clock}"


def add_journal_option(parser: argparse.ArgumentParser) -> None:
    """``--journal`` of the verbs that have another argument."""
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="JOURNAL",
        help=f"the journal's directory, or one segment (default: {DEFAULT_JOURNAL})",
    )


def add_journal_argument(parser: argparse.ArgumentParser) -> None:
    """The journal, of the verbs that are about nothing else."""
    parser.add_argument(
        "journal",
        nargs="?",
        type=Path,
        metavar="JOURNAL",
        help=f"its directory, or one segment (default: {DEFAULT_JOURNAL})",
    )


def journal_of(args: argparse.Namespace) -> Path:
    """The journal that is meant, after ``add_journal_option`` or ``add_journal_argument``."""
    named: Path | None = args.journal
    return journal_directory() if named is None else named


def add_format_options(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    """``-o`` and ``--utc``; the first of ``formats`` is the default."""
    parser.add_argument("-o", "--output", choices=formats, default=formats[0], help="(default: %(default)s)")
    parser.add_argument("--utc", action="store_true", help="read and show times in UTC")


def natural(text: str) -> int:
    """An argument that is a number, 0 or more. Raises argparse's own error."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, found {text!r}")
    return int(text)


def numbers(text: str) -> tuple[int | None, int | None]:
    """An argument that is a stretch of records, ``A..B``, of which either end may be left out. Raises argparse's own
    error.
    """
    found = _NUMBERS.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected A..B, as in 1042..2000, found {text!r}")
    first, last = found.groups()
    return int(first) if first else None, int(last) if last else None


def report_damage(damaged: object) -> None:
    """Say on stderr what a salvage passes over."""
    warn([f"damaged: {damaged}"])
