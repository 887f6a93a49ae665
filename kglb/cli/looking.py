"""What the verbs that look at the running daemon share: where its status address is, and how it is asked."""

import argparse
import http.client
from contextlib import closing
from pathlib import Path

import msgspec

from journal.errors import UNDECODABLE
from kglb.cli.installed import INSTALLED, UNREADABLE, doubt, read_table
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_USAGE, Failed
from kglb.model import Endpoint, StatusConfig, parse_endpoint
from kglb.web.live import LiveState

PATIENCE = 15.0
"""Seconds without a byte after which the daemon counts as gone: a stream has a sign of life every 5 s."""

_REMEDY = "start one with kglb-actors run, or say where it is: --config FILE, or --status ADDRESS:PORT"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is called at, not bound


def add_status_options(parser: argparse.ArgumentParser) -> None:
    """Where the daemon is."""
    parser.add_argument(
        "--status",
        type=_endpoint,
        metavar="ADDRESS:PORT",
        help=f"the daemon's status address (default: the one in its config, else {StatusConfig().listen})",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the config that it runs, for its status address (default: {INSTALLED})",
    )


def _endpoint(text: str) -> Endpoint:
    """An argument that is an address and a port. Raises argparse's own error."""
    try:
        return parse_endpoint(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def status_address(args: argparse.Namespace) -> Endpoint:
    """Where to ask, after ``add_status_options``. Raises Failed."""
    if args.status is not None:
        named: Endpoint = args.status
        return named
    listen = _configured(args.config or INSTALLED, required=args.config is not None)
    if listen == "off":
        raise Failed(EXIT_ENVIRONMENT, "the config has no status address: listen in [status] is off", "turn it on")
    try:
        found = parse_endpoint(listen)
    except ValueError as error:
        raise Failed(EXIT_USAGE, f"listen in [status]: {error}", "kglb-actors check says every mistake") from None
    return Endpoint(_ANYWHERE.get(found.address, found.address), found.port)


def _configured(path: Path, *, required: bool) -> str:
    default = StatusConfig().listen
    try:
        return str(read_table(path, "status", whole=required).get("listen", default))
    except UNREADABLE as error:
        if required:
            raise Failed(EXIT_USAGE, f"{path}: {error}", "or name the address itself with --status") from None
        return default


def read_state(where: Endpoint) -> bytes:
    """What ``/state`` answers. Raises Failed."""
    try:
        with closing(http.client.HTTPConnection(where.address, where.port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/state")
            answer = connection.getresponse()
            body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        remedy = _REMEDY + doubt(str(where))
        raise Failed(EXIT_ENVIRONMENT, f"no daemon answers at {where}: {why}", remedy) from None
    if answer.status != http.client.OK:
        raise Failed(EXIT_ENVIRONMENT, f"what answers at {where} has no /state ({answer.status})", _REMEDY)
    return body


def decode_state(body: bytes, where: Endpoint) -> LiveState:
    """The state that was read. Raises Failed."""
    try:
        return msgspec.json.decode(body, type=LiveState)
    except UNDECODABLE as error:
        problem = f"what answers at {where} is no kglb-actors of this version: {error}"
        raise Failed(EXIT_ENVIRONMENT, problem, _REMEDY) from None


def read_live(where: Endpoint) -> LiveState:
    """The state now. Raises Failed."""
    return decode_state(read_state(where), where)
