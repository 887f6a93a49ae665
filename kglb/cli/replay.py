"""``kglb-actors replay``: the state of the data plane after any record of a journal, or of several at one time; what
differs between two moments; record by record; or done again to a data plane.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from kglb.cli.installed import journal_directory
from kglb.cli.ongoing import warn_if_behind
from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, Paint, paint_for, put, put_json
from kglb.cli.playing import KINDS, play, speed
from kglb.cli.reading import DEFAULT_JOURNAL, TIMES, Zone, add_format_options, natural
from kglb.cli.stepping import step_through
from kglb.replay.differences import Difference, differences
from kglb.replay.merge import hosts
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from kglb.replay.view import RealView, RouteView, ServiceView, StateView, view
from kglb.replay.words import printable, spoken, verdicts


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "replay",
        description="Show services, destinations, weights, health, addresses and routes as they were at any moment. "
        "A ! marks where the kernel was known to differ.",
        epilog=f"A moment (A, B) is a record's number or a time. {TIMES}",
    )
    parser.add_argument(
        "journals",
        nargs="*",
        type=Path,
        metavar="JOURNAL",
        help=f"its directory, or one segment; several are shown one by one (default: {DEFAULT_JOURNAL})",
    )
    moment = parser.add_mutually_exclusive_group()
    moment.add_argument("--seq", type=natural, metavar="N", help="the state after record N")
    moment.add_argument("--until", metavar="TIME", help="the state at this time")
    moment.add_argument(
        "--diff", metavar="A..B", help="what differs between two moments; without A, from the first record on"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--step", action="store_true", help="go through the journal record by record, from --seq or the first on"
    )
    what.add_argument("--into", choices=KINDS, help="repeat in a data plane what was recorded, and compare at the end")
    parser.add_argument("--since", metavar="A", help="with --into: begin with the state at this moment")
    parser.add_argument("--speed", type=speed, metavar="10x", help="with --into: ten times as fast as it happened")
    parser.add_argument(
        "--yes-really", action="store_true", help="with --into ipvs: also in a kernel other than the lab's"
    )
    add_format_options(parser, ("short", "json"))


def run(args: argparse.Namespace) -> int:
    """Print the state, or do what was asked instead."""
    _refuse_what_does_not_fit(args)
    zone = Zone(utc=args.utc)
    sources = [Source(path) for path in args.journals or [journal_directory()]]
    if args.into or args.step:
        return _go_through(sources[0], args, zone)
    answers = [_answer(source, args, zone) for source in sources]
    names = hosts(sources) if len(sources) > 1 else []
    if args.output == "json":
        named = [{"host": name, **msgspec.to_builtins(found)} for name, found in zip(names, answers, strict=False)]
        put_json(msgspec.json.encode(named or answers[0]))
        return EXIT_OK
    paint = paint_for(sys.stdout)
    for index, found in enumerate(answers):
        title = [*([""] if index else []), paint(f"--- {names[index]}", "strong")] if names else []
        for line in (*title, *_lines(found, zone, paint)):
            put(line)
    return EXIT_OK


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the states after two records."""

    before: int
    before_at: str
    after: int
    after_at: str
    differences: tuple[Difference, ...]


def _answer(source: Source, args: argparse.Namespace, zone: Zone) -> StateView | Differing:
    if args.diff is None:
        until = zone.past(args.until)
        seq = source.resolve(args.seq, until)
        if args.seq is None:
            warn_if_behind(source, zone, until)
        return view(state_at(source, seq))
    begin, separator, end = args.diff.partition("..")
    if not separator:
        raise Failed(EXIT_USAGE, f"--diff {args.diff}: expected two moments, such as 120..180 or 14:30..14:35")
    first = _resolve(source, begin, zone) if begin else source.bounds()[0]
    last = _resolve(source, end, zone) if end else source.bounds()[-1]
    if not end.isdigit():
        warn_if_behind(source, zone, zone.moment(end or None))
    old, new = (view(state_at(source, seq)) for seq in (first, last))
    return Differing(
        before=old.seq, before_at=old.at, after=new.seq, after_at=new.at, differences=differences(old, new)
    )


def _lines(found: StateView | Differing, zone: Zone, paint: Paint) -> list[str]:
    return render_difference(found, zone, paint) if isinstance(found, Differing) else render(found, zone, paint)


def _resolve(source: Source, text: str, zone: Zone) -> int:
    """The record that a number or a time means."""
    if text.isascii() and text.isdigit():
        return source.resolve(int(text), None)
    return source.resolve(None, zone.moment(text))


def _go_through(source: Source, args: argparse.Namespace, zone: Zone) -> int:
    first = source.bounds()[0]
    until = zone.past(args.until)
    last = source.resolve(args.seq, until)
    if args.seq is None:
        warn_if_behind(source, zone, until)
    if args.into:
        begin = first if args.since is None else _resolve(source, args.since, zone)
        return play(source, begin, last, args, zone)
    paint = paint_for(sys.stdout)
    begin = first if args.seq is None and args.until is None else last
    step_through(source, begin, zone, paint, lambda seen: render(seen, zone, paint))
    return EXIT_OK


def _refuse_what_does_not_fit(args: argparse.Namespace) -> None:
    if not args.into and (args.since or args.speed or args.yes_really):
        raise Failed(EXIT_USAGE, "--since, --speed and --yes-really are for --into")
    if args.step and args.output == "json":
        raise Failed(EXIT_USAGE, "--step is interactive, and has no JSON")
    if args.diff and (args.into or args.step):
        raise Failed(EXIT_USAGE, "--diff compares two states, and goes with neither --step nor --into")
    if len(args.journals) > 1 and (args.into or args.step or args.seq is not None):
        raise Failed(EXIT_USAGE, "record numbers mean something else in each journal: use --until, or --diff of times")


def render_difference(found: Differing, zone: Zone, paint: Paint) -> list[str]:
    """What differs, for people, line by line."""
    moments = (
        f"record {seq}, {zone.show(at)}" for seq, at in ((found.before, found.before_at), (found.after, found.after_at))
    )
    lines = [paint(" -> ".join(moments), "quiet")]
    if not found.differences:
        return [*lines, "no difference"]
    signs = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "warning")}
    return [*lines, *(f"{paint(*signs[change.change])} {printable(str(change))}" for change in found.differences)]


def render(seen: StateView, zone: Zone, paint: Paint) -> list[str]:
    """A state for people, line by line."""
    begun = f"from the checkpoint at record {seen.checkpoint_seq}"
    lines = [paint(f"after record {seen.seq}, {zone.show(seen.at)}, {begun}", "quiet")]
    if seen.stopped:
        lines.append(f"the daemon has stopped ({seen.stopped})")
    for service in seen.services:
        lines += ["", _service_line(service, paint), *_real_lines(service, paint)]
        for host, said in service.unresolved.items():
            lines.append(_marked(printable(f"{host} has no address: {said}"), "", paint))
    if seen.addresses:
        lines += ["", "addresses"]
    for address in seen.addresses:
        differs = address.wanted != address.in_kernel
        what = "" if not differs else "not in the kernel" if address.wanted else "not wanted any more"
        lines.append(_marked(f"{address.address} on {address.interface}", what, paint))
    if seen.routes:
        lines += ["", "routes"]
    lines += [_route_line(route, paint) for route in seen.routes]
    if seen.pending:
        lines += ["", "to do, from what the kernel has to what it should have"]
        lines += [_marked(step, "", paint, differs=True) for step in seen.pending]
    return lines


def _route_line(route: RouteView, paint: Paint) -> str:
    owners = f"  {', '.join(route.balancers)}" if route.balancers else ""
    state = paint("announced", "good") if route.announced else paint("not announced", "warning")
    what = ""
    if not route.in_step:
        what = "wanted" if not route.announced else "announced otherwise" if route.wanted else "not wanted any more"
    return _marked(f"{route.prefix} next hop {route.next_hop}  {state}{owners}", what, paint)


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
    role = "a backup" if real.backup else ""
    steered = "".join(f"; {said}" for said in (role, real.out_of_rotation, real.slow_start, real.weighed) if said)
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
