"""Which ``Host`` a request may name. A stranger's page, whose name is made to lead here (DNS rebinding), is not
answered: in its reader's browser it would see what only this machine may.

An address in ``Host`` is always taken, because no such page can name one, and so is a request without ``Host``.
"""

import ipaddress
from collections.abc import Callable
from http import HTTPStatus

from kglb.model import StatusConfig, parse_endpoint
from kglb.web.answer import Answer, plain

Accepts = Callable[[str], bool]
"""Whether to answer a request with this ``Host``, "" for one without."""

LOCALHOST = "localhost"


def anyone(host: str) -> bool:  # noqa: ARG001
    """Take every request."""
    return True


def acceptance(config: StatusConfig, own_name: str) -> Accepts:
    """On the loopback, or where ``hosts`` is given: localhost, this machine's own name (also short), and ``hosts``.

    Elsewhere everything, because who asks from elsewhere, Prometheus say, does so by names that are not known here.
    """
    listener = ipaddress.ip_address(parse_endpoint(config.listen).address)
    if not (listener.is_loopback or config.hosts):
        return anyone
    own = own_name.lower()
    names = {LOCALHOST, own, own.partition(".")[0], *(host.removesuffix(".") for host in config.hosts)}

    def accepts(host: str) -> bool:
        name = _name(host)
        return not name or name in names or name.endswith(f".{LOCALHOST}") or _is_address(name)

    return accepts


def misdirected(host: str) -> Answer:
    """What a request is told whose ``Host`` is not taken (RFC 9110, 15.5.20)."""
    problem = f"no page for {host!r} here: ask by address, or add the name to hosts in [status]"
    return plain(HTTPStatus.MISDIRECTED_REQUEST, problem)


def _name(host: str) -> str:
    """The host alone, without its port: ``lb1``, ``192.0.2.1``, ``[::1]``."""
    bare = host.strip().lower()
    if not bare.endswith("]"):
        before, colon, port = bare.rpartition(":")
        bare = before if colon and (port.isdecimal() or not port) else bare
    return bare.removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
