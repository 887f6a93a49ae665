"""``kglb-actors reload``: have the running daemon read its config again, and say what came of it.

It asks by SIGHUP and reads the answer in the journal: the record itself. Over the control socket, where that is named
or where it may not signal or read, the daemon answers by itself.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator

import msgspec

from journal import writer_of
from kglb.cli.ordering import add_output_option, give
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_OK, Failed, paint_for, put, put_json
from kglb.cli.reading import add_journal_option
from kglb.config.summary import describe
from kglb.events import ConfigApplied, ConfigRejected
from kglb.model import ControlConfig
from kglb.replay.source import Found, Source
from kglb.web.orders import Reloaded, ReloadOrder

POLL = 0.02
"""Seconds between two looks for the answer."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "reload",
        description="Have the daemon read its config again, and wait for what comes of it: 0 if the config is in "
        "force, 1 if it was rejected (the one before stays in force), 3 if there is no daemon or no answer. It asks by "
        "SIGHUP the daemon that writes the journal, and reads there what came of it; where it may not, and with "
        "--socket, it asks over the control socket, for which it need not be root.",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=10.0, metavar="SECONDS", help="how long to wait (default: %(default)g)"
    )
    add_journal_option(parser)
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help=f"ask over this control socket alone (default: SIGHUP, else {ControlConfig().socket})",
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Ask, wait for what comes of it, print it: 0 or 1; raises Failed for 3."""
    if args.socket is not None:
        return _over(args.socket, args)
    try:
        found = _by_signal(args)
    except PermissionError:
        return _over(ControlConfig().socket, args)
    if args.output == "json":
        put_json(msgspec.json.encode(found))
    event = found.event
    assert isinstance(event, ConfigApplied | ConfigRejected)
    applied = isinstance(event, ConfigApplied)
    lines = tuple(describe(event.config)) if isinstance(event, ConfigApplied) else event.errors
    return _say(Reloaded(applied=applied, seq=found.seq, source=event.source, lines=lines), quiet=args.output == "json")


def _over(socket: str, args: argparse.Namespace) -> int:
    answer = give(ReloadOrder(), socket, args.timeout)
    assert isinstance(answer, Reloaded)
    if args.output == "json":
        put_json(msgspec.json.encode(answer))
    return _say(answer, quiet=args.output == "json")


def _by_signal(args: argparse.Namespace) -> Found:
    """The record that says what came of it. Raises Failed, PermissionError."""
    source = Source(args.journal)
    pid = writer_of(args.journal)
    if pid is None:
        raise Failed(
            EXIT_ENVIRONMENT,
            f"no daemon writes the journal {args.journal}",
            "start one with kglb-actors run, or name its journal with --journal",
        )
    last = source.bounds()[-1]
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        raise _ended(pid) from None
    return _answer(source.reader.follow(last + 1), pid, args)


def _answer(records: Iterator[Found | None], pid: int, args: argparse.Namespace) -> Found:
    """The record that says what came of it."""
    deadline = time.monotonic() + args.timeout
    for record in records:
        if record is not None and isinstance(record.event, ConfigApplied | ConfigRejected):
            return record
        if record is None:
            if writer_of(args.journal) != pid:
                raise _ended(pid)
            time.sleep(POLL)
        if time.monotonic() > deadline:
            break
    problem = f"the daemon (process {pid}) has not answered within {args.timeout:g} s"
    raise Failed(EXIT_ENVIRONMENT, problem, "it may be stopping, or its disk may hang: see its log")


def _ended(pid: int) -> Failed:
    return Failed(EXIT_ENVIRONMENT, f"the daemon (process {pid}) has ended", "see its log")


def _say(answer: Reloaded, *, quiet: bool) -> int:
    """Print the answer, unless it was printed; the exit code."""
    if not quiet and answer.applied:
        put(f"record {answer.seq}: {answer.source} is in force")
        for line in answer.lines:
            put(line)
    elif not quiet:
        tag = paint_for(sys.stderr)("rejected:", "bad")
        print(f"{tag} record {answer.seq}: {answer.source}; the config before stays in force", file=sys.stderr)
        for error in answer.lines:
            print(f"  {error}", file=sys.stderr)
    return EXIT_OK if answer.applied else EXIT_NO


def _seconds(text: str) -> float:
    """An argument that is a number of seconds above 0. Raises argparse's own error."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text!r}")
    return seconds
