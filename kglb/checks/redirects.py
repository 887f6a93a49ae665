"""Following redirects, hop by hop, to a last answer.

Every hop asks the real that is checked: its address stays, while scheme, port, host and path are the Location's.
Another server's answer says nothing about this real, and no name has to be looked up. (That is why no HTTP client
library does it: they connect where the Location leads, and not by our sockets.)
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from kglb.checks.dial import Dialer
from kglb.checks.http import HttpProbe
from kglb.checks.http_request import request_host
from kglb.checks.https import HttpsProbe
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import REDIAL, Probe
from kglb.checks.proxy import TunnelProbe
from kglb.checks.tls import is_encodable
from kglb.model.check import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

HOPS: Final = 10
"""How many redirects are followed (as Go's client does for KgLb)."""

_OF_ONE_ORIGIN: Final = {"host", "authorization", "cookie", "proxy-authorization"}
"""Headers that another scheme, host or port is not sent (as curl and Go do): a Location must not fetch a secret."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SHOWN: Final = 200


def http_kind(check: HttpCheck) -> type[HttpProbe]:
    """The kind of probe that asks once."""
    if check.proxy_check_url.startswith("https:"):
        return TunnelProbe
    return HttpsProbe if check.tls else HttpProbe


def next_hop(
    check: HttpCheck, target: Endpoint, location: str, secrets: Mapping[SecretRef, str]
) -> tuple[HttpCheck, Endpoint]:
    """What a Location asks for, and of whom. Raises ValueError when that is no HTTP URL of a host."""
    asked = check.proxy_check_url or (
        f"{'https' if check.tls else 'http'}://{request_host(check, target, secrets)}{check.path}"
    )
    here, there = urlsplit(asked), urlsplit(urljoin(asked, location))
    if there.scheme not in _DEFAULT_PORTS or not there.hostname:
        raise ValueError("not an HTTP URL")
    if not is_encodable(there.hostname):
        raise ValueError("not a host name")
    port = there.port or _DEFAULT_PORTS[there.scheme]
    same_origin = (there.scheme, there.netloc.lower()) == (here.scheme, here.netloc.lower())
    headers = {
        name: value for name, value in check.headers.items() if same_origin or name.lower() not in _OF_ONE_ORIGIN
    }
    if check.proxy_check_url:
        url = there._replace(fragment="").geturl()
        return msgspec.structs.replace(check, proxy_check_url=url, headers=headers), target
    path = (there.path or "/") + (f"?{there.query}" if there.query else "")
    check = msgspec.structs.replace(check, path=path)
    if same_origin:
        return check, target
    headers["Host"] = there.netloc.rpartition("@")[2]
    check = msgspec.structs.replace(check, tls=there.scheme == "https", headers=headers, sni="")
    return check, Endpoint(target.address, port)


class RedirectingProbe(Probe):
    """An HTTP check whose verdict is that of the last hop. One timeout bounds them all."""

    __slots__ = ("_asking", "_count", "_dialer", "_first", "_hop", "_next", "_origin", "_secrets", "_where")

    def __init__(
        self,
        check: HttpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises as the probe that asks once."""
        super().__init__(timeout=check.timeout, answered=answered)
        self._dialer = dialer
        self._secrets = secrets
        self._origin = (check, target)
        self._first = self._hop = self._next = self._probe_of(check, target)
        self._asking, self._where = self._origin
        self._count = 0

    def _probe_of(self, check: HttpCheck, target: Endpoint) -> HttpProbe:
        return http_kind(check)(check, target, self._dialer, answered=self.answered, secrets=self._secrets)

    def begin(self) -> None:
        """Begin with what is configured."""
        self._hop = self._first
        self._asking, self._where = self._origin
        self._count = 0
        self._hop.begin()
        self._mirror()

    def step(self, events: int) -> Verdict | None:
        """Go on with the hop; after a redirect ask for the next one."""
        verdict = self._hop.step(events)
        self._mirror()
        location = self._hop.location if verdict is not None else ""
        return self._follow(location) if location else verdict

    def redial(self) -> None:
        """Begin the next hop."""
        self._hop.end()
        self._hop = self._next
        self._hop.begin()
        self._mirror()

    def end(self) -> None:
        """Close the connection of the hop."""
        self._hop.end()
        self.sock = None

    def _follow(self, location: str) -> Verdict:
        self._count += 1
        if self._count > HOPS:
            return Verdict("failure", "too many redirects", location[:_SHOWN])
        try:
            self._asking, self._where = next_hop(self._asking, self._where, location, self._secrets)
            self._next = self._probe_of(self._asking, self._where)
        except ValueError as error:
            return Verdict("failure", "unexpected redirect", f"{str(error)[:_SHOWN]}: {location[:_SHOWN]}")
        return REDIAL

    def _mirror(self) -> None:
        """Show the prober the hop's connection as this probe's own."""
        self.sock, self.interest, self.phase = self._hop.sock, self._hop.interest, self._hop.phase
