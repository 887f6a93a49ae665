"""``kglb-actors drain``: take a real, or all reals on a host, out of rotation. What they serve goes on.

With ``--wait`` it asks the daemon each second how far that is; the daemon does the waiting, whoever looks.
"""

import argparse
import sys
import time

import msgspec

from kglb.cli.ordering import add_real_options, add_term_option, give, show, socket_of, term
from kglb.cli.output import EXIT_NO, EXIT_OK, EXIT_USAGE, Failed, put, put_json
from kglb.web.orders import Done, Draining, DrainOrder, Drains, DrainsOrder

POLL = 1.0
"""Seconds between two looks at what drains; the daemon counts as often."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "drain",
        description="Take a real out of rotation in every service that it serves: it gets no new connections and "
        "keeps those it has. It leaves all counts, so no route is withdrawn because of it, and it is still checked. "
        "The drain outlives restarts. It ends with restore, or after the time in --for. DrainFinished in the journal "
        "says when the last connection is gone.",
        epilog="Exit codes: 0 it is drained (with --wait: its last connection is gone), 1 there is no such real, or it "
        "still has connections, or was restored meanwhile, 2 wrong usage, 3 no daemon or no answer.",
    )
    add_real_options(parser, "address:port, or a host (address or name) with every service it serves")
    add_term_option(parser)
    parser.add_argument("--wait", action="store_true", help="return when the last connection is gone")
    parser.add_argument(
        "--timeout",
        type=term,
        metavar="TIME",
        help='with --wait: give up after this time, such as "10m"; the drain stays',
    )


def run(args: argparse.Namespace) -> int:
    """Order it, say which reals it is, and wait if that was asked for."""
    if args.timeout is not None and not args.wait:
        raise Failed(EXIT_USAGE, "--timeout has no effect without --wait", "add --wait")
    order = DrainOrder(real=args.real, balancer=args.balancer, seconds=args.seconds, note=args.note)
    socket = socket_of(args)
    done = give(order, socket)
    assert isinstance(done, Done)
    code = show(done, args.output, _say)
    return _wait(done, socket, args) if args.wait else code


def _say(done: Done) -> list[str]:
    return [f"{one.real} of {one.balancer} is drained (record {one.seq})" for one in done.reals]


def _wait(done: Done, socket: str, args: argparse.Namespace) -> int:
    """Return once every real that was drained has no connection left. Raises Failed."""
    ordered = {(one.service, one.real): f"{one.real} of {one.balancer}" for one in done.reals}
    deadline = float("inf") if args.timeout is None else time.monotonic() + args.timeout
    while True:
        drains = give(DrainsOrder(real=args.real, balancer=args.balancer), socket)
        assert isinstance(drains, Drains)
        known = {(one.service, one.real): one for one in drains.reals}
        if ended := [name for key, name in ordered.items() if key not in known]:
            problem = f"no longer drained: {', '.join(ended)}"
            raise Failed(EXIT_NO, problem, "it was restored, its time was over, or it left the config: tail says which")
        waiting = [known[key] for key in ordered if not known[key].finished]
        is_over = time.monotonic() >= deadline
        _show_progress([] if is_over else waiting)
        if not waiting:
            break
        if is_over:
            problem = f"after {args.timeout:g} s {_left(waiting)} still"
            raise Failed(EXIT_NO, problem, "the drain goes on: drain --wait waits again, restore ends it")
        time.sleep(max(0.0, min(POLL, deadline - time.monotonic())))
    if args.output == "json":
        put_json(msgspec.json.encode(drains))
    else:
        for key, name in ordered.items():
            put(f"{name} has no connection left (record {known[key].finished})")
    return EXIT_OK


def _show_progress(waiting: list[Draining]) -> None:
    """On a terminal, one line that is written over; it goes when nothing is waited for."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{_left(waiting) if waiting else ''}", end="", file=sys.stderr, flush=True)


def _left(waiting: list[Draining]) -> str:
    """Who has how many connections left: up to three by name."""
    counted = [f"{one.real} of {one.balancer} has {_number(one.connections)}" for one in waiting]
    more = f", and {len(counted) - 3} more" if len(counted) > 3 else ""
    return ", ".join(counted[:3]) + more


def _number(connections: int | None) -> str:
    if connections is None:
        return "an unknown number of connections"
    return f"{connections} connection{'' if connections == 1 else 's'}"
