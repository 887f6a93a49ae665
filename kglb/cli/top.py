"""``kglb-actors top``: what ``status`` shows, live, in the terminal. The only verb that needs textual."""

import argparse
import sys
from functools import partial

from kglb.cli.looking import add_status_options, read_live, status_address
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_OK, Failed


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "top",
        description="Show every real of the running daemon, live: sort, filter, and look at one real's events and "
        "their causes. It changes nothing.",
        epilog="Keys: s sorts in another way, / filters, t shows only problems, Enter opens a real, q quits. "
        "Exit codes: 0 success, 2 wrong usage, 3 no daemon answers, or textual or a terminal is missing.",
    )
    add_status_options(parser)


def run(args: argparse.Namespace) -> int:
    """Show until the user has seen enough."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failed(EXIT_ENVIRONMENT, "top needs a terminal", "kglb-actors status shows the same once")
    try:
        from kglb.cli.live_events import read_events  # noqa: PLC0415 - as textual is
        from kglb.cli.top_app import Top  # noqa: PLC0415 - textual is heavy, and may be missing
    except ImportError as error:
        remedy = "pip install 'kglb-actors[top]'; or kglb-actors status, which needs nothing"
        raise Failed(EXIT_ENVIRONMENT, f"top needs textual: {error}", remedy) from None
    where = status_address(args)
    read = partial(read_live, where)
    Top(read(), read, partial(read_events, where)).run()
    return EXIT_OK
