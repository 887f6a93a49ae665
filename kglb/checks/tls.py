"""TLS for checks: contexts, and the name that is asked for.

Certificates are not verified unless the check says so, as in KgLb.
"""

import os
import ssl
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import Final

from kglb.model.check import HttpCheck, TcpCheck

_LONGEST_NAME: Final = 253  # characters (RFC 1035, 2.3.4); to encode 64 KiB of them takes half a second


def tls_context(check: HttpCheck | TcpCheck) -> ssl.SSLContext:
    """The context of a check, shared by all that verify alike. A CA file that has changed is read again.

    Raises OSError for a CA file that cannot be read, ssl.SSLError for one that holds no certificate.
    """
    if not check.verify:
        return _trusting()
    changed = os.stat(check.ca_file).st_mtime_ns if check.ca_file else 0
    return _verifying(check.ca_file, changed)


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a weak key is not for a health check to judge
    return context


@lru_cache(maxsize=16)
def _verifying(ca_file: str, changed: int) -> ssl.SSLContext:  # noqa: ARG001
    return ssl.create_default_context(cafile=ca_file or None)


def host_name(authority: str | None) -> str:
    """The name in ``name:port``; empty for an address and for what is no name: SNI holds neither (RFC 6066, 3)."""
    name = (authority or "").rpartition("]")[2].partition(":")[0].strip(".")
    try:
        ip_address(name)
    except ValueError:
        return name if is_encodable(name) else ""
    return ""


def is_encodable(name: str) -> bool:
    """Whether a name can be written as the DNS has it; ``ssl`` raises for one that cannot."""
    try:
        return len(name) <= _LONGEST_NAME and bool(name.encode("idna")) and "\0" not in name
    except UnicodeError:
        return False
