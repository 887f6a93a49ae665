"""``kglb-actors stop``: have the daemon stop, and wait until it has."""

import argparse
import os
import select
from contextlib import suppress

import msgspec

from kglb.cli.ordering import add_output_option, add_socket_option, ask, connect, socket_of
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_OK, Failed, put, put_json
from kglb.web.orders import StopOrder, Stopped
from kglb.web.peer import peer_of

PATIENCE = 600.0
"""Seconds to wait for the end: a cleanup of many services and a route's hold time take their time."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "stop",
        description="Stop the daemon as data_plane.on_stop in its config says, and wait until it has ended.",
        epilog="Exit codes: 0 it has ended, 1 it has ended but could not remove everything from the kernel, 2 wrong "
        "usage, 3 no daemon or no answer.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--leave", dest="on_stop", action="store_const", const="leave", default="", help="leave the kernel serving"
    )
    how.add_argument(
        "--cleanup",
        dest="on_stop",
        action="store_const",
        const="cleanup",
        help="remove from the kernel what the daemon added",
    )
    add_socket_option(parser)
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Order it, wait, and say how it ended."""
    socket = socket_of(args)
    with connect(socket) as connection:
        pid = peer_of(connection).pid
        answer = ask(connection, StopOrder(on_stop=args.on_stop), socket, PATIENCE)
    assert isinstance(answer, Stopped)
    _wait_for(pid)
    if args.output == "json":
        put_json(msgspec.json.encode(answer))
    else:
        put("stopped" if answer.clean else "stopped, and something of ours is left in the kernel: see the daemon's log")
    return EXIT_OK if answer.clean else EXIT_NO


def _wait_for(pid: int) -> None:
    """Return once the process has ended. Raises Failed."""
    with suppress(ProcessLookupError):
        ended = os.pidfd_open(pid)
        try:
            if not select.select([ended], [], [], PATIENCE)[0]:
                raise Failed(EXIT_ENVIRONMENT, f"process {pid} has stopped its work but does not end", "see its log")
        finally:
            os.close(ended)
