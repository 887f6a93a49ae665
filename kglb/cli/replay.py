"""``kglb-actors replay``: the state of the data plane after any record of a journal."""

import argparse
import sys
from pathlib import Path

import msgspec

from kglb.cli.output import EXIT_OK, Paint, paint_for, put, put_json
from kglb.cli.reading import DEFAULT_JOURNAL, TIMES, Zone, add_format_options, natural
from kglb.replay import RealView, ServiceView, Source, StateView, state_at, view
from kglb.replay.words import printable, spoken, verdicts


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "replay",
        description="Show services, destinations, weights and health as they were at any moment, "
        "and where the kernel was known to differ (marked with !).",
        epilog=TIMES,
    )
    parser.add_argument(
        "journal",
        nargs="?",
        type=Path,
        default=DEFAULT_JOURNAL,
        metavar="JOURNAL",
        help="its directory, or one segment (default: %(default)s)",
    )
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument("--seq", type=natural, metavar="N", help="after record N")
    moment.add_argument("--until", metavar="TIME", help="after the last record up to this time")
    add_format_options(parser, ("short", "json"))


def run(args: argparse.Namespace) -> int:
    """Print the state."""
    zone = Zone(utc=args.utc)
    until = zone.moment(args.until)
    source = Source(args.journal)
    seen = view(state_at(source, source.resolve(args.seq, until)))
    if args.output == "json":
        put_json(msgspec.json.encode(seen))
    else:
        for line in render(seen, zone, paint_for(sys.stdout)):
            put(line)
    return EXIT_OK


def render(seen: StateView, zone: Zone, paint: Paint) -> list[str]:
    """A state for people, line by line."""
    begun = f"from the checkpoint at record {seen.checkpoint_seq}"
    lines = [paint(f"after record {seen.seq}, {zone.show(seen.at)}, {begun}", "quiet")]
    if seen.stopped:
        lines.append(f"the daemon has stopped ({seen.stopped})")
    for service in seen.services:
        lines += ["", _service_line(service, paint), *_real_lines(service, paint)]
    if seen.addresses:
        lines += ["", "addresses"]
    for address in seen.addresses:
        differs = address.wanted != address.in_kernel
        what = "" if not differs else "not in the kernel" if address.wanted else "not wanted any more"
        lines.append(_marked(f"{address.address} on {address.interface}", what, paint))
    if seen.pending:
        lines += ["", "to do, from what the kernel has to what it should have"]
        lines += [_marked(step, "", paint, differs=True) for step in seen.pending]
    return lines


def _service_line(service: ServiceView, paint: Paint) -> str:
    counts = f"{service.mode or 'undecided'}, {service.alive} of {service.total} up"
    tone = "good" if service.mode == "available" and service.alive == service.total else "warning"
    name = paint(service.balancer or "(no balancer)", "strong")
    line = f"{name}  {service.service} {service.scheduler}  {paint(counts, tone)}"
    if service.in_step:
        return line
    missing = "not in the kernel" if not service.in_kernel else "differs in the kernel"
    return f"{line}  {paint(missing if service.wanted else 'not wanted any more', 'warning')}"


def _real_lines(service: ServiceView, paint: Paint) -> list[str]:
    width = max((len(_name(real)) for real in service.reals), default=0)
    return [_real_line(real, width, paint) for real in service.reals]


def _name(real: RealView) -> str:
    return real.real if real.host == real.real else f"{real.real} ({real.host})"


def _real_line(real: RealView, width: int, paint: Paint) -> str:
    weight = "weight -" if real.weight is None else f"weight {real.weight}"
    health = "" if real.healthy is None else paint("up  ", "good") if real.healthy else paint("down", "bad")
    line = f"{_name(real):<{width}}  {weight:<12}  {health}  {_belief(real)}"
    return _marked(line.rstrip(), _difference(real), paint, differs=not real.in_step)


def _belief(real: RealView) -> str:
    """Since when it is believed up or down, and what its checks have said lately."""
    if real.healthy is None:
        return ""
    lately = "no check answered yet"
    if real.streak:
        reason = "" if real.outcome == "success" else f": {spoken(real.reason, real.detail)}"
        lately = f"at least {verdicts(real.streak)}{reason}"
    steered = "".join(f"; {said}" for said in (real.out_of_rotation, real.weighed) if said)
    return printable(f"since record {real.health_seq}, {lately}{steered}")


def _difference(real: RealView) -> str:
    if real.in_step:
        return ""
    if real.kernel_weight is None:
        return "not in the kernel"
    if real.weight is None:
        return "not wanted any more"
    if real.weight != real.kernel_weight:
        return f"the kernel has weight {real.kernel_weight}"
    return "differs in the kernel"


def _marked(line: str, what: str, paint: Paint, *, differs: bool = False) -> str:
    mark = paint("!", "warning") if differs or what else " "
    return f"{mark} {line}  {paint(what, 'warning')}".rstrip()
