"""``kglb-actors exabgp-helper``: what ExaBGP runs as its process, so that the daemon can announce routes through it."""

import argparse
import asyncio
import sys

from kglb.cli.installed import INSTALLED, bgp_socket
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_OK
from kglb.model import BgpConfig


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "exabgp-helper",
        description="Announce the daemon's routes. ExaBGP runs this as a process of its own; do not start it by hand.",
        epilog="In exabgp.conf: process kglb { run /usr/bin/kglb-actors exabgp-helper; encoder text; }, and in the "
        "neighbor: api { processes [ kglb ]; }. ExaBGP must run as the daemon's user: only its owner can open the "
        "socket.",
    )
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help=f"where the daemon finds it: bgp.socket (default: as {INSTALLED} says, else {BgpConfig().socket})",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until ExaBGP ends: 0, or 3 where the socket cannot be had."""
    from kglb.dataplane.exabgp_helper import run as serve  # noqa: PLC0415 - not needed for --help

    try:
        asyncio.run(serve(args.socket or bgp_socket()))
    except OSError as error:
        sys.stderr.write(f"kglb-actors exabgp-helper: {error}\n")
        return EXIT_ENVIRONMENT
    return EXIT_OK
