"""``kglb-actors journal stat``: sizes, spans, rates, events by type, and what was set aside."""

import argparse
import sys
from datetime import timedelta

import msgspec

from journal import Survey, survey, writer_of
from kglb.cli.output import EXIT_OK, paint_for, put, put_json
from kglb.cli.reading import Zone, add_format_options, add_journal_argument, journal_of
from kglb.replay.times import read_record_time
from kglb.replay.words import plural

_SHORTEST_SPAN = 60.0
"""Seconds below which a rate says nothing about a day."""


class Stat(msgspec.Struct):
    """What ``-o json`` prints; sizes in bytes, rates per second, ``writer`` a process id."""

    path: str
    size: int
    records: int
    seconds: float
    records_per_second: float
    bytes_per_second: float
    writer: int | None
    survey: Survey


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "stat",
        help="show sizes, time spans, rates, events by type",
        description="Show how big a journal is and what is in it. Reads all of it, also past damage.",
    )
    add_journal_argument(parser)
    add_format_options(parser, ("short", "json"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it."""
    journal = journal_of(args)
    found = survey(journal)
    stat = _stat(str(journal), found, writer_of(journal))
    if args.output == "json":
        put_json(msgspec.json.encode(stat))
        return EXIT_OK
    for line in _render(stat, Zone(utc=args.utc)):
        put(line)
    return EXIT_OK


def _stat(path: str, found: Survey, writer: int | None) -> Stat:
    seconds = 0.0
    if found.records:
        times = [read_record_time(at) for one in found.segments if one.records for at in (one.first_at, one.last_at)]
        seconds = max(0.0, (times[-1] - times[0]).total_seconds())
    rate = 1 / seconds if seconds else 0.0
    return Stat(path, found.size, found.records, seconds, found.records * rate, found.size * rate, writer, found)


def _render(stat: Stat, zone: Zone) -> list[str]:
    found, paint = stat.survey, paint_for(sys.stdout)
    lines = [f"{paint(stat.path, 'strong')}: {plural(stat.records, 'record')}, {human(stat.size)}"]
    lines.append(f"written by process {stat.writer}" if stat.writer else "nobody writes it")
    if stat.seconds >= _SHORTEST_SPAN:
        span, daily = timedelta(seconds=round(stat.seconds)), human(round(stat.bytes_per_second * 86400))
        lines.append(f"over {span}: {stat.records_per_second:.2f} records/s, {daily} a day")
    if found.damages:
        lines.append(paint(f"{plural(len(found.damages), 'fault')}; journal fsck says where", "bad"))
    lines += ["", f"{'segment':<28}{'size':>10}{'checkpoint':>12}{'records':>24}  begins"]
    for one in found.segments:
        numbers = f"{one.first_seq}..{one.last_seq}" if one.records else "-"
        begins = zone.show(one.first_at) if one.records else "-"
        lines.append(f"{one.name:<28}{human(one.size):>10}{human(one.checkpoint):>12}{numbers:>24}  {begins}")
    lines += ["", f"{'event':<28}{'count':>10}  last"]
    for name, kind in found.kinds.items():
        lines.append(f"{name:<28}{kind.count:>10}  {zone.show(kind.last_at)}, record {kind.last_seq}")
    if found.leftovers:
        lines += ["", f"{'set aside':<40}{'size':>10}"]
        lines += [f"{name:<40}{human(size):>10}" for name, size in found.leftovers.items()]
    return lines


def human(size: int) -> str:
    """Bytes in the unit that suits, as ``16.2 MiB``."""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
