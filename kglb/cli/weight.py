"""``kglb-actors weight``: give a real another weight than the config does."""

import argparse

from kglb.cli.ordering import add_real_options, add_term_option, give, show, socket_of
from kglb.model.service import MAX_WEIGHT
from kglb.web.orders import Done, WeightOrder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "weight",
        description="Give a real this weight whenever it is up, instead of the weight from the config or its check. "
        "With 0 it gets no new connections but counts as alive; to take it out of rotation, drain it. A real that is "
        "down gets nothing, unless you --force-up. The weight outlives restarts. It ends with restore, or after the "
        "time in --for.",
        epilog="Exit codes: 0 it has the weight, 1 there is no such real, 2 wrong usage, or several reals are meant, "
        "3 no daemon or no answer.",
    )
    add_real_options(parser, "address:port, or a host that serves one service")
    parser.add_argument("weight", metavar="WEIGHT", type=_weight, help=f"0 to {MAX_WEIGHT}")
    add_term_option(parser)
    parser.add_argument(
        "--force-up",
        action="store_true",
        help="it counts as up meanwhile, whatever its checks say: when they are wrong, and the server works",
    )


def run(args: argparse.Namespace) -> int:
    """Order it, and say of which real."""
    order = WeightOrder(
        real=args.real,
        weight=args.weight,
        balancer=args.balancer,
        seconds=args.seconds,
        note=args.note,
        force_up=args.force_up,
    )
    when = "whatever its checks say" if args.force_up else "when up"
    return show(give(order, socket_of(args)), args.output, lambda done: _say(done, f"{args.weight} {when}"))


def _weight(text: str) -> int:
    """An argument that is a weight. Raises argparse's own error."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_WEIGHT):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {MAX_WEIGHT}, found {text!r}")
    return int(text)


def _say(done: Done, weight: str) -> list[str]:
    return [f"{one.real} of {one.balancer} has weight {weight} (record {one.seq})" for one in done.reals]
