"""What the verbs that give orders share: their options, the control socket's other end, and how answers are shown."""

import argparse
import errno
import os
import socket
from collections.abc import Callable

import msgspec

from journal import UNDECODABLE
from kglb.cli.arguments import as_argument
from kglb.cli.installed import INSTALLED, control_socket, doubt
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_OK, EXIT_USAGE, Failed, put, put_json, warn
from kglb.config.values import duration
from kglb.model import ControlConfig
from kglb.web.orders import LONGEST_NOTE, Answer, Done, Order, Refused, Request, read_answer

PATIENCE = 40.0
"""Seconds to wait for an answer: longer than the daemon takes for the slowest order but ``stop``."""

_LARGEST_ANSWER = 64 * 1024 * 1024
_EXITS = {"no": EXIT_NO, "usage": EXIT_USAGE, "environment": EXIT_ENVIRONMENT}

term = as_argument(duration("1s", "366d"))
"""An argument that says for how long an order holds."""


def add_socket_option(parser: argparse.ArgumentParser) -> None:
    """Where the daemon is."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help=f"the control socket (default: as {INSTALLED} says, else {ControlConfig().socket})",
    )


def socket_of(args: argparse.Namespace) -> str:
    """The control socket, after ``add_socket_option``. Raises Failed where the daemon has none."""
    path: str = args.socket or control_socket()
    if not path:
        problem = f"{INSTALLED} has no control socket: socket in [control] is off"
        raise Failed(EXIT_ENVIRONMENT, problem, "turn it on, or name another daemon's with --socket")
    return path


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """In which form to answer."""
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")


def add_real_options(parser: argparse.ArgumentParser, real: str) -> None:
    """Which real is meant, and what to note."""
    parser.add_argument("real", type=_real, metavar="REAL", help=real)
    parser.add_argument("--balancer", metavar="NAME", help="only in this balancer: its name, or NAME@SERVICE")
    parser.add_argument("--note", type=_note, default="", help="why, for whoever reads the journal")
    add_socket_option(parser)
    add_output_option(parser)


def add_term_option(parser: argparse.ArgumentParser) -> None:
    """For how long an order holds."""
    parser.add_argument(
        "--for", dest="seconds", type=term, metavar="TIME", help='end by itself after this time, such as "30m" or "2h"'
    )


def _real(text: str) -> str:
    """An argument that names a real or a host. Raises argparse's own error."""
    if not text:
        raise argparse.ArgumentTypeError("expected address:port, or a host, found an empty word")
    return text


def _note(text: str) -> str:
    """An argument that is a note. Raises argparse's own error."""
    if len(text) > LONGEST_NOTE:
        raise argparse.ArgumentTypeError(f"expected at most {LONGEST_NOTE} characters, found {len(text)}")
    return text


def give(order: Order, path: str, patience: float = PATIENCE) -> Answer:
    """Give the daemon an order and return its answer. Raises Failed where there is none, or it is refused."""
    with connect(path) as connection:
        return ask(connection, order, path, patience)


def connect(path: str, patience: float = PATIENCE) -> socket.socket:
    """A connection to the daemon. Raises Failed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(patience)
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise _unreachable(path, error) from None
    return connection


def ask(connection: socket.socket, order: Order, path: str, patience: float) -> Answer:
    """Give an order over a connection. Raises Failed."""
    connection.settimeout(patience)
    request = Request(order, sudo_user=os.environ.get("SUDO_USER", ""))
    try:
        connection.sendall(msgspec.json.encode(request) + b"\n")
        answer = read_answer(_read_line(connection))
    except TimeoutError:
        remedy = "see its log, and the journal for what it did"
        raise Failed(EXIT_ENVIRONMENT, f"the daemon at {path} has not answered within {patience:g} s", remedy) from None
    except (OSError, *UNDECODABLE) as error:
        raise Failed(EXIT_ENVIRONMENT, f"the daemon at {path} gave no answer: {error}", "see its log") from None
    if isinstance(answer, Refused):
        raise Failed(_EXITS[answer.why], answer.problem, answer.remedy)
    return answer


def show(answer: Answer, output: str, say: Callable[[Done], list[str]]) -> int:
    """Print what was done, in words or as JSON, and what to be careful about."""
    assert isinstance(answer, Done)
    if output == "json":
        put_json(msgspec.json.encode(answer))
    else:
        for line in say(answer):
            put(line)
    warn(answer.warnings)
    if not answer.on_disk:
        warn(["not on the disk yet: a crash of this machine would lose it; /healthz says what is wrong"])
    return EXIT_OK


def _read_line(connection: socket.socket) -> bytes:
    """All until the daemon closes or ends the line. Raises OSError."""
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < _LARGEST_ANSWER:
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return bytes(received)


def _unreachable(path: str, error: OSError) -> Failed:
    if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
        remedy = "start one with kglb-actors run, or name its socket ([control] socket in its config) with --socket"
        return Failed(EXIT_ENVIRONMENT, f"no daemon listens at {path}", remedy + doubt(path))
    if error.errno in (errno.EACCES, errno.EPERM):
        remedy = "sudo, or become a member of the group that [control] names"
        return Failed(EXIT_ENVIRONMENT, f"{path} may not be opened", remedy)
    return Failed(EXIT_ENVIRONMENT, f"{path}: {error.strerror or error}", "name the control socket with --socket")
