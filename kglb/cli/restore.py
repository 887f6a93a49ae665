"""``kglb-actors restore``: end what was ordered about a real, or about all reals on a host."""

import argparse

from kglb.cli.ordering import add_real_options, give, show, socket_of
from kglb.web.orders import Done, RestoreOrder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "restore",
        description="End the drain and the weight set by hand of a real. If it is up, it gets its weight again.",
        epilog="Exit codes: 0 no order is in force for it any more, 1 there is no such real, 2 wrong usage, "
        "3 no daemon or no answer.",
    )
    add_real_options(parser, "address:port, or a host (address or name) with every service it serves")


def run(args: argparse.Namespace) -> int:
    """Order it, and say which reals it is."""
    answer = give(RestoreOrder(real=args.real, balancer=args.balancer, note=args.note), socket_of(args))
    return show(answer, args.output, lambda done: _say(done, args.real))


def _say(done: Done, real: str) -> list[str]:
    if not done.reals:
        return [f"{real} is neither drained nor weighed by hand"]
    return [f"{one.real} of {one.balancer} is restored (record {one.seq})" for one in done.reals]
