"""``kglb-actors journal metrics``: the past as metrics, for a Prometheus that did not see it."""

import argparse
import math
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from kglb.cli.arguments import as_argument
from kglb.cli.ongoing import holds_until, warn_if_behind
from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, warn
from kglb.cli.reading import TIMES, Zone, add_journal_argument, journal_of, natural, numbers, report_damage
from kglb.config.values import duration, duration_text
from kglb.events import DaemonStarted
from kglb.model import Balancer
from kglb.replay.about import pairs
from kglb.replay.errors import OutOfRangeError
from kglb.replay.names import Names
from kglb.replay.source import Source
from kglb.replay.state_at import Onward
from kglb.replay.times import record_time, unix_microseconds
from kglb.web.past_metrics import PastMetrics, TooManySamplesError

MOST = 10_000_000
"""Samples: some 1.5 GB of text, and at most 160 MB of memory."""

_LONGEST_STEP = 240.0
"""Seconds: after five minutes without a sample Prometheus takes a series for gone."""

_STEPS_SHOWN = 5
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "metrics",
        help="print the past as metrics, for Prometheus",
        description="Print what /metrics would have said, as OpenMetrics text with times. "
        "`promtool tsdb create-blocks-from openmetrics` turns it into blocks for Prometheus.",
        epilog=TIMES,
    )
    add_journal_argument(parser)
    parser.add_argument("--since", metavar="TIME", help="from this time on")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    parser.add_argument("--seq", type=numbers, metavar="A..B", help="the records from A to B; either may be left out")
    parser.add_argument(
        "--step",
        type=as_argument(duration("1s", duration_text(_LONGEST_STEP))),
        default="15s",
        metavar="TIME",
        help=f"the longest time between samples, up to {duration_text(_LONGEST_STEP)}; each change has one, too "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--label",
        dest="labels",
        type=_label,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="add a label to every series, such as job=kglb or instance=lb1:5678; may be repeated",
    )
    parser.add_argument(
        "--balancer",
        dest="balancers",
        action="append",
        default=[],
        metavar="NAME",
        help="only this balancer and its reals: its name, NAME@SERVICE or service; may be repeated",
    )
    parser.add_argument(
        "--most", type=natural, default=MOST, metavar="N", help="refuse more samples than this (default: %(default)s)"
    )
    parser.add_argument("--salvage", action="store_true", help="report damage and read on past it")
    parser.add_argument("--utc", action="store_true", help="read and show times in UTC")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read the stretch once, then print it metric by metric."""
    from kglb.web.openmetrics import LabelTakenError, openmetrics  # noqa: PLC0415 - the library takes 0.1 s

    labels = dict(args.labels)
    if len(labels) < len(args.labels):
        raise Failed(EXIT_USAGE, "--label gives one label two values", "name each once")
    zone, chosen = Zone(utc=args.utc), _Chosen(args.balancers)
    source = Source(journal_of(args), on_damage=report_damage if args.salvage else None)
    past = PastMetrics(pairs, step=round(args.step * 1000), most=args.most, wanted=chosen)
    span = _span(source, args, zone)
    if args.seq is None:
        warn_if_behind(source, zone, zone.moment(args.until))
    try:
        _read(source, span, past, chosen, zone)
        for text in openmetrics(past.families(), labels, past.step, past.now):
            sys.stdout.buffer.write(text.encode())
    except TooManySamplesError as error:
        raise _too_many(error, span, args, zone) from None
    except LabelTakenError as error:
        raise Failed(EXIT_USAGE, f"--label: {error}", "take another name for it") from None
    return EXIT_OK


class _Span(NamedTuple):
    """The records ``first`` to ``last``, and from when to when what they led to is asked for, in milliseconds."""

    first: int
    last: int
    begin: int
    end: int


def _span(source: Source, args: argparse.Namespace, zone: Zone) -> _Span:
    """It begins with the state at its begin, not with the first change in it, and a state holds until the next record;
    that after the last one until now, if somebody writes the journal and the disk takes it.
    """
    bounds = source.bounds()
    since, until = zone.past(args.since), zone.moment(args.until)
    low, high = args.seq or (None, None)
    first, last = max(bounds[0], low or 0), bounds[-1] if high is None else min(bounds[-1], high)
    if since is not None:
        first = max(first, source.reader.seq_at(since.first) - 1)
    if until is not None:
        last = min(last, source.seq_until(until))
    if first > last:
        raise OutOfRangeError(f"no record is in that stretch: {_extent(source, bounds, zone)}")
    begin, end = _at(source, first), _at(source, last)
    if since is not None:
        begin = max(begin, _millisecond(since.first))
    holds = end
    if last < bounds[-1]:
        holds = _at(source, last + 1) - 1
    elif held := holds_until(source, last, None):
        holds = _millisecond(held)
    if until is not None:
        holds = min(holds, unix_microseconds(until.last) // 1000)
    if until is not None or high is None:
        end = max(end, holds)
    if begin > end and first == last:
        raise OutOfRangeError(f"nothing is known of that time: {_extent(source, bounds, zone)}")
    return _Span(first, last, begin, end)


def _at(source: Source, seq: int) -> int:
    """When a record was made; under salvage that of the next that is left."""
    return max((_millisecond(record.at) for record in source.reader.records(seq, 1)), default=0)


def _millisecond(at: str) -> int:
    """The first that does not come before a record's time."""
    return -(-unix_microseconds(at) // 1000)


def _extent(source: Source, bounds: range, zone: Zone) -> str:
    first, last = (_shown(_at(source, seq), zone) for seq in (bounds[0], bounds[-1]))
    return f"{source.path} holds records {bounds[0]} to {bounds[-1]}, of {first} to {last}"


def _read(source: Source, span: _Span, past: PastMetrics, chosen: "_Chosen", zone: Zone) -> None:
    """Fold the records of the stretch while ``past`` looks on. Raises TooManySamplesError, Failed."""
    onward = Onward(source, span.first)
    heard = _millisecond(onward.replayed.at)
    past.begin(span.begin, onward.replayed.state, _software(source, span.first), heard)
    steps_back: list[str] = []
    behind = False
    for record in source.between(span.first + 1, span.last):
        at = _millisecond(record.at)
        if at < past.now and not behind:
            steps_back.append(_step_back(record.seq, at, past.now, zone))
        behind = at < past.now
        past.reach(at, record.event)
        onward.take(record)
        past.note(record.event, onward.replayed.state)
    past.finish(span.end)
    chosen.refuse_unknown(Names(known.config for known in onward.replayed.state.fleet.balancers.values()))
    warn(steps_back[:_STEPS_SHOWN])
    if len(steps_back) > _STEPS_SHOWN:
        warn([f"the clock was set back {len(steps_back) - _STEPS_SHOWN} more times"])


def _software(source: Source, seq: int) -> str:
    """The version that had written record ``seq``: that of the last start, or of the segment."""
    opened = source.reader.checkpoint(seq)
    assert opened is not None
    started = source.last_with(b'"DaemonStarted"', opened.seq, seq, DaemonStarted)
    if started is not None and isinstance(started.event, DaemonStarted):
        return started.event.software
    return opened.event.software


def _step_back(seq: int, at: int, before: int, zone: Zone) -> str:
    return (
        f"record {seq} is of {_shown(at, zone)}, and one before it of {_shown(before, zone)}: the clock was set back. "
        f"What follows has no samples until it is later than that; --seq {seq}.. has it alone"
    )


def _too_many(error: TooManySamplesError, span: _Span, args: argparse.Namespace, zone: Zone) -> Failed:
    """How many there would be if it went on like this, and what makes them fewer."""
    share = min(1.0, (error.at - span.begin) / max(1, span.end - span.begin))
    samples = max(error.samples, round(error.samples / share))
    problem = (
        f"a sample every {duration_text(args.step)} from {_shown(span.begin, zone)} to {_shown(span.end, zone)} makes "
        f"about {samples:,} samples, more than {args.most:,}"
    )
    enough = 5 * math.ceil(args.step * samples / max(1, args.most) / 5)
    longer = f"--step {duration_text(enough)}, " if enough <= _LONGEST_STEP else ""
    return Failed(
        EXIT_USAGE,
        problem,
        f"{longer}a shorter time (--since, --until), or some balancers (--balancer) make fewer; "
        "--most takes more: 1,000,000 are about 0.15 GB of text",
    )


def _shown(at: int, zone: Zone) -> str:
    return zone.show(record_time(datetime.fromtimestamp(at / 1000, UTC)))


class _Chosen:
    """The balancers that were named; all if none was."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names, False)

    def __call__(self, balancer: Balancer) -> bool:
        """Whether this one is wanted."""
        met = [name for name in (balancer.name, balancer.id, f"{balancer.name}@{balancer.id}") if name in self._names]
        self._names.update(dict.fromkeys(met, True))
        return bool(met) or not self._names

    def refuse_unknown(self, known: Names) -> None:
        """Raise Failed if there was none of some name."""
        for name, met in self._names.items():
            if not met:
                raise Failed(EXIT_USAGE, f"--balancer {name}: {known.missing(name)}")


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not _LABEL.fullmatch(name) or not value or not value.isprintable():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, as job=kglb, found {text!r}")
    return name, value
