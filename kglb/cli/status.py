"""``kglb-actors status``: what the running daemon believes, wants and finds in the kernel, now."""

import argparse
import shutil
import sys

import msgspec

from kglb.cli import live_words as words
from kglb.cli.columns import Cell, Column, shortened, table
from kglb.cli.looking import add_status_options, decode_state, read_state, status_address
from kglb.cli.output import EXIT_NO, EXIT_OK, Failed, Paint, paint_for, put, put_json
from kglb.replay.words import listed, plural
from kglb.web.live import LiveReal, LiveService, LiveState

_TROUBLES_SHOWN = 10

COLUMNS = (
    Column("REAL"),
    Column("STATE"),
    Column("WEIGHT", number=True),
    Column("ACTIVE", spare=2, number=True),
    Column("INACTIVE", spare=4, number=True),
    Column("LATENCY", spare=5, number=True),
    Column("SINCE", spare=3, number=True),
    Column("SAYS"),
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "status",
        description="Show services and reals of the running daemon: state, weight, connections, results of checks; "
        "routes, addresses, journal.",
        epilog="Exit codes: 0 success, 1 there is no such balancer or (with --check) there is a problem, 2 wrong "
        "usage, 3 no daemon answers. A drained real is no problem.",
    )
    parser.add_argument(
        "balancer",
        nargs="?",
        metavar="BALANCER",
        help="only this balancer: its name (all that share it), or its service",
    )
    parser.add_argument("--check", action="store_true", help="for monitoring: exit with 1 if there is any problem")
    add_status_options(parser)
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Ask, and show."""
    where = status_address(args)
    body = read_state(where)
    state = decode_state(body, where)
    if args.balancer is not None:
        state = only(state, args.balancer)
    if args.output == "json":
        put_json(body if args.balancer is None else _picked(body, state))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in render(state, width, paint_for(sys.stdout)):
            put(line)
    return EXIT_NO if args.check and words.troubles(state) else EXIT_OK


def only(state: LiveState, balancer: str) -> LiveState:
    """The state with the services of that name alone, and what belongs to them. Raises Failed."""
    chosen = tuple(one for one in state.balancers if balancer in _names(one))
    if not chosen:
        known = listed(one.name for one in state.balancers) or "none"
        raise Failed(EXIT_NO, f"there is no balancer {balancer!r}; there are {known}")
    prefixes = {one.route for one in chosen}
    routes = tuple(route for route in state.routes if route.prefix in prefixes)
    return msgspec.structs.replace(state, balancers=chosen, routes=routes)


def _names(service: LiveService) -> tuple[str, ...]:
    """What a service is called: its balancer's name, also where others share it, or its own."""
    return service.balancer, service.balancer.removesuffix(f"@{service.service}"), service.service


def _picked(body: bytes, state: LiveState) -> bytes:
    """The document as the daemon gave it, with the chosen balancers and routes alone."""
    document = msgspec.json.decode(body)
    services, prefixes = {one.service for one in state.balancers}, {route.prefix for route in state.routes}
    document["balancers"] = [one for one in document["balancers"] if one["service"] in services]
    document["routes"] = [one for one in document["routes"] if one["prefix"] in prefixes]
    return msgspec.json.encode(document)


def render(state: LiveState, width: int | None, paint: Paint) -> list[str]:
    """A state for people, line by line; ``width`` is the terminal's, None where there is none."""
    lines = [paint(shortened(words.headline(state), width), "strong"), *_verdict(words.troubles(state), width, paint)]
    facts = [
        *([("config", words.config(state.config, state.now), "plain")] if state.config is not None else []),
        ("journal", words.journal(state), "bad" if state.journal.degraded else "plain"),
        ("kernel", words.kernel(state), "plain"),
        *([("addresses", words.addresses(state), "plain")] if state.addresses else []),
        *(("route", route, "plain") for route in words.routes(state)),
    ]
    lines += [f"  {name:<9} {paint(shortened(text, width, 12), tone)}" for name, text, tone in facts]
    for service in state.balancers:
        lines += ["", _service_line(service, width, paint)]
        for pool in service.pools:
            text = shortened(words.pool(pool, state.now), width, 2)
            lines.append(f"  {paint(text, 'plain' if pool.is_well else 'warning')}")
        if service.reals:
            rows = [row(real, state.now) for real in service.reals]
            inner = None if width is None else width - 2
            lines += [f"  {line}" for line in table(COLUMNS, rows, inner, paint)]
    return lines


def row(real: LiveReal, now: float) -> tuple[Cell, ...]:
    """A real's cells, in the order of COLUMNS; ``now`` is the daemon's Unix time."""
    name = real.real if real.host == real.real else f"{real.real} ({real.host})"
    return (
        Cell(name),
        Cell(real.word, words.TONES.get(real.word, "quiet")),
        Cell(words.weight(real), "plain" if real.in_step else "warning"),
        Cell(words.number(real.active)),
        Cell(words.number(real.inactive)),
        Cell(words.milliseconds(real.latency)),
        Cell(words.span(None if real.since is None else now - real.since)),
        Cell(words.says(real), "plain" if real.is_well else "warning"),
    )


def _verdict(troubles: list[str], width: int | None, paint: Paint) -> list[str]:
    if not troubles:
        return [f"  {paint('all is as it should be', 'good')}"]
    shown = [f"  {paint('!', 'bad')} {shortened(text, width, 4)}" for text in troubles[:_TROUBLES_SHOWN]]
    more = len(troubles) - _TROUBLES_SHOWN
    return [*shown, f"  {paint('!', 'bad')} and {plural(more, 'trouble')} more"] if more > 0 else shown


def _service_line(service: LiveService, width: int | None, paint: Paint) -> str:
    counts = f"{words.mode(service)}, {service.alive} of {service.total} up" if service.balancer else "no balancer"
    tone = "good" if service.is_well else "bad"
    head = f"{service.name}  {service.service} {service.scheduler}" if service.balancer else service.service
    state = ", ".join(part for part in (counts, words.kernel_of(service)) if part)
    return f"{paint(shortened(head, width, len(state) + 2), 'strong')}  {paint(state, tone)}"
