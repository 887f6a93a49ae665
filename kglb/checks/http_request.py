"""The bytes an HTTP check sends. Made once, sent every time."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from kglb import __version__
from kglb.model.check import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

USER_AGENT: Final = f"kglb-actors/{__version__}"

_OWN_HEADERS: Final = frozenset({"host", "user-agent", "connection"})
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_IN_TARGET: Final = "!#$%&'()*+,/:;=?@[]~"


def header_value(check: HttpCheck, name: str, secrets: Mapping[SecretRef, str]) -> str | None:
    """The configured value of a header, whatever its case, secrets filled in; None when there is none."""
    for key, value in check.headers.items():
        if key.lower() == name.lower():
            return _revealed(key, value, secrets)
    return None


def request_host(check: HttpCheck, target: Endpoint, secrets: Mapping[SecretRef, str]) -> str:
    """The ``Host`` of the request: the configured one, else that of the URL that is asked for."""
    configured = header_value(check, "host", secrets)
    if configured:
        return configured
    if check.proxy_check_url:
        return urlsplit(check.proxy_check_url).netloc
    if target.port == (443 if check.tls else 80):
        return f"[{target.address}]" if target.is_ipv6 else target.address
    return str(target)


def request_head(check: HttpCheck, target: Endpoint, secrets: Mapping[SecretRef, str]) -> bytes:
    """The bytes of the request. ``Host`` may be configured; ``User-Agent`` and ``Connection: close`` are always
    ours.

    Raises ValueError for a header that would break the message, and for a secret that was not loaded.
    """
    lines = [
        f"{check.method} {_request_target(check)} HTTP/1.1",
        f"Host: {request_host(check, target, secrets)}",
        f"User-Agent: {USER_AGENT}",
        "Connection: close",
    ]
    for name, value in check.headers.items():
        if name.lower() not in _OWN_HEADERS:
            lines.append(f"{name}: {_revealed(name, value, secrets)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def connect_head(url: SplitResult) -> bytes:
    """The bytes of the CONNECT that asks a proxy for a tunnel to a URL's host (RFC 9110, 9.3.6)."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    place = f"{host}:{url.port or 443}"
    return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: {USER_AGENT}\r\n\r\n".encode()


def _request_target(check: HttpCheck) -> str:
    """RFC 9112, 3.2: absolute for a proxy, the path for an origin, also one behind a tunnel."""
    path, origin = check.path, ""
    if check.proxy_check_url:
        url = urlsplit(check.proxy_check_url)
        path = url.path + (f"?{url.query}" if url.query else "")
        origin = f"http://{url.netloc}" if url.scheme == "http" else ""
    path = quote(path, safe=_IN_TARGET)
    return origin + (path if path.startswith("/") else "/" + path)


def _revealed(name: str, value: str | SecretRef, secrets: Mapping[SecretRef, str]) -> str:
    if isinstance(value, SecretRef):
        if value not in secrets:
            raise ValueError(f"header {name}: no value was loaded for {value}")
        value = secrets[value]
    if not _HEADER_NAME.fullmatch(name) or any(forbidden in value for forbidden in "\r\n\0"):
        raise ValueError(f"header {name!r}: expected a token as its name and a value of one line")
    return value
