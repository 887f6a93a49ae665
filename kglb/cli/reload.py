"""``kglb-actors reload``: have the running daemon read its config again, and say what came of it.

It asks by SIGHUP and reads the answer in the journal: the record itself, of a reading that began after the signal. Over
the control socket, where that is named or where it may not signal or read, the daemon answers by itself.
"""

import argparse
import os
import signal
import sys
import time

import msgspec

from journal import writer_of
from kglb.cli.installed import INSTALLED, doubt
from kglb.cli.ordering import add_output_option, give, socket_of
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_OK, Failed, paint_for, put, put_json
from kglb.cli.reading import add_journal_option, journal_of
from kglb.config.summary import describe
from kglb.events import ConfigApplied, ConfigRejected, Event
from kglb.model import ControlConfig
from kglb.replay.source import Found, Source
from kglb.web.orders import Reloaded, ReloadOrder

POLL = 0.02
"""Seconds between two looks for the answer."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "reload",
        description="Make the daemon read its config again, and wait for the result. Exit code 0: the config is in "
        "force; 1: it was rejected, and the previous one stays in force; 3: no daemon or no answer. It sends SIGHUP "
        "to the daemon that writes the journal, and reads the result there. If it may not, or with --socket, it asks "
        "over the control socket, which does not need root.",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=10.0, metavar="SECONDS", help="how long to wait (default: %(default)g)"
    )
    add_journal_option(parser)
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help=f"ask over this control socket alone (default: SIGHUP; where that may not be, the one that {INSTALLED} "
        f"names, else {ControlConfig().socket})",
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Ask, wait for what comes of it, print it: 0 or 1; raises Failed for 3."""
    if args.socket is not None:
        return _say(_over(socket_of(args), args.timeout), args)
    try:
        found = _by_signal(args)
    except PermissionError:
        return _say(_over(socket_of(args), args.timeout), args)
    event = found.event
    assert isinstance(event, ConfigApplied | ConfigRejected)
    applied = isinstance(event, ConfigApplied)
    lines = tuple(describe(event.config)) if isinstance(event, ConfigApplied) else event.errors
    return _say(Reloaded(applied=applied, seq=found.seq, source=event.source, lines=lines), args)


def _over(socket: str, timeout: float) -> Reloaded:
    answer = give(ReloadOrder(), socket, timeout)
    assert isinstance(answer, Reloaded)
    return answer


def _by_signal(args: argparse.Namespace) -> Found:
    """The record that says what came of it. Raises Failed, PermissionError."""
    journal = journal_of(args)
    source = Source(journal)
    pid = writer_of(journal)
    if pid is None:
        raise Failed(
            EXIT_ENVIRONMENT,
            f"no daemon writes the journal {journal}",
            "start one with kglb-actors run, or name its journal with --journal" + doubt(str(journal)),
        )
    last, asked = source.bounds()[-1], time.monotonic()
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        raise _ended(pid) from None
    return _answer(source, last + 1, pid, asked, args.timeout)


def _answer(source: Source, first: int, pid: int, asked: float, timeout: float) -> Found:
    """The record that says what came of it, of those from ``first`` on."""
    deadline = asked + timeout
    for record in source.reader.follow(first):
        if record is not None and _answers(record.event, asked):
            return record
        if record is None:
            if writer_of(source.path) != pid:
                raise _ended(pid)
            time.sleep(POLL)
        if time.monotonic() > deadline:
            break
    problem = f"the daemon (process {pid}) has not answered within {timeout:g} s"
    raise Failed(EXIT_ENVIRONMENT, problem, "it may be stopping, or its disk may hang: see its log")


def _answers(event: Event, asked: float) -> bool:
    """Whether it says what came of a reading that began since; daemons of older versions do not say when it did."""
    return isinstance(event, ConfigApplied | ConfigRejected) and (not event.read_at or event.read_at >= asked)


def _ended(pid: int) -> Failed:
    return Failed(EXIT_ENVIRONMENT, f"the daemon (process {pid}) has ended", "see its log")


def _say(answer: Reloaded, args: argparse.Namespace) -> int:
    """Print the answer; the exit code."""
    if args.output == "json":
        put_json(msgspec.json.encode(answer))
    elif answer.applied:
        put(f"record {answer.seq}: {answer.source} is in force")
        for line in answer.lines:
            put(line)
    else:
        tag = paint_for(sys.stderr)("rejected:", "bad")
        print(f"{tag} record {answer.seq}: {answer.source}; the previous config stays in force", file=sys.stderr)
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
