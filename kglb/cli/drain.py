"""``kglb-actors drain``: take a real, or all reals on a host, out of rotation. What they serve goes on."""

import argparse

from kglb.cli.ordering import add_real_options, add_term_option, give, show
from kglb.web.orders import Done, DrainOrder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "drain",
        description="Give a real no new connections, of any service that it serves, and let those it has go on. It is "
        "in no count meanwhile, so that no route is withdrawn for it, and it is still checked. The drain outlives "
        "restarts and ends by restore, or at its time; DrainFinished in the journal says when the last connection "
        "is gone.",
        epilog="Exit codes: 0 it is drained, 1 there is no such real, 2 usage, 3 no daemon or no answer.",
    )
    add_real_options(parser, "address:port, or a host (address or name) with every service it serves")
    add_term_option(parser)


def run(args: argparse.Namespace) -> int:
    """Order it, and say which reals it is."""
    order = DrainOrder(real=args.real, balancer=args.balancer, seconds=args.seconds, note=args.note)
    return show(give(order, args.socket), args.output, _say)


def _say(done: Done) -> list[str]:
    return [f"{one.real} of {one.balancer} is drained (record {one.seq})" for one in done.reals]
