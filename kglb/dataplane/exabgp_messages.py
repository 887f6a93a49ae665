"""What daemon and ExaBGP helper say to each other over their Unix socket, and what the helper says to ExaBGP.

Requests and answers are lines of JSON, one answer to each request, in order. ExaBGP's side is its process API
(https://github.com/Exa-Networks/exabgp/wiki): a line of text a command, acknowledged by ``done`` or ``error``.
"""

import msgspec

from kglb.model import AnnounceRoute, Route, WithdrawRoute


class ListRoutes(msgspec.Struct, frozen=True, tag=True):
    """Which routes are announced?"""


Request = AnnounceRoute | WithdrawRoute | ListRoutes


class HelperAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ``routes`` asked for, or why what was asked for did not happen."""

    error: str = ""
    routes: tuple[Route, ...] = ()


def is_sayable(route: Route) -> bool:
    """Whether a route's words are single words of ExaBGP's language: a line break would begin another command."""
    words = (route.prefix, route.next_hop, *route.communities)
    return all(word.isascii() and word.isprintable() and " " not in word for word in words)


decode_request = msgspec.json.Decoder(Request).decode
decode_answer = msgspec.json.Decoder(HelperAnswer).decode


def line(message: Request | HelperAnswer) -> bytes:
    """A message as it is sent."""
    return msgspec.json.encode(message) + b"\n"


def announce_command(route: Route) -> str:
    """ExaBGP's command that announces a route.

    >>> announce_command(Route(prefix="192.0.2.10/32", communities=("65000:1",), med=100))
    'announce route 192.0.2.10/32 next-hop self med 100 community [ 65000:1 ]'
    """
    med = "" if route.med is None else f" med {route.med}"
    communities = f" community [ {' '.join(route.communities)} ]" if route.communities else ""
    return f"announce route {route.prefix} next-hop {route.next_hop}{med}{communities}"


def withdraw_command(route: Route) -> str:
    """ExaBGP's command that withdraws a route."""
    return f"withdraw route {route.prefix} next-hop {route.next_hop}"
