"""What checks send and expect: bytes, patterns, names, programs and their users."""

import os
import pwd
import re

from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, ReportedError, leaf, list_shape, read_list, read_table, table_shape
from kglb.config.values import LONGEST_TEXT, nonempty, shape_of, shaped, spelled_by, text
from kglb.model.pattern import Pattern, PatternError

RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
"""Response codes by name (RFC 1035, 4.1.1)."""

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}\s*)+")


@shaped(type="string", maxLength=LONGEST_TEXT)
def payload_text(value: object) -> str:
    """A string that may hold control characters (``"PING\\r\\n"``), at most ``LONGEST_TEXT`` of them."""
    if not isinstance(value, str):
        raise RefusedError(f"expected a string, found {show(value)}")
    if len(value) > LONGEST_TEXT:
        raise RefusedError(f"expected at most {LONGEST_TEXT} characters, found {len(value)}")
    return value


@shaped(type="string", pattern=f"^\\s*{_HEX.pattern}$")
def _hex(value: object) -> bytes:
    found = payload_text(value).strip()
    if not _HEX.fullmatch(found):
        raise RefusedError(f'expected bytes in hexadecimal like "0a ff", found {show(found)}')
    return bytes.fromhex(found)


def _payload_text(payload: bytes) -> str | dict[str, str]:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return {"hex": payload.hex(" ")}


HEX = (Key("hex", leaf(_hex), required=True),)


@shaped(anyOf=[shape_of(payload_text), table_shape(HEX)])
@spelled_by(_payload_text)
def read_payload(node: Node) -> bytes:
    """Bytes: a string, which is UTF-8, or ``{ hex = "0a ff" }``."""
    if not isinstance(node.value, dict):
        return payload_text(node.value).encode()
    values, failed = read_table(node, HEX)
    if failed:
        raise ReportedError
    found: bytes = values["hex"]
    return found


@shaped(type="string", maxLength=LONGEST_TEXT)
def regex(value: object) -> str:
    """A regular expression in RE2's syntax; an empty one is none."""
    found = payload_text(value)
    try:
        if found:
            Pattern(found)
    except PatternError as error:
        raise RefusedError(f"RE2 does not take this pattern: {error}", error.hint) from None
    return found


@shaped(type="string", minLength=1)
def domain_name(value: object) -> str:
    """A name to ask a DNS server for, the root's "." too (RFC 1035, 2.3.4)."""
    from dns import exception, name  # noqa: PLC0415 - dnspython, which most configs do not need

    found = nonempty(value)
    try:
        if found.isascii():
            name.from_text(found)
            return found
    except exception.DNSException:
        pass
    raise RefusedError(f"expected a domain name in ASCII, found {show(found)}")


@shaped(anyOf=[{"enum": list(RCODES)}, {"type": "integer", "minimum": 0, "maximum": 15}])
def rcode(value: object) -> int:
    """A DNS response code, by name or by number from 0 to 15: without EDNS there are no more."""
    if isinstance(value, str) and value.upper() in RCODES:
        return RCODES[value.upper()]
    if type(value) is int and 0 <= value <= 15:
        return value
    raise RefusedError(f"expected one of {', '.join(RCODES)}, or a number from 0 to 15, found {show(value)}")


@shaped(**list_shape(text), minItems=1)
def read_command(node: Node) -> tuple[str, ...]:
    """A program and its arguments; no shell is between. The program must be there now."""
    words = tuple(word for _, word in read_list(node, leaf(text)))
    if not words:
        raise RefusedError("expected the path of a program, and its arguments", 'write ["/usr/local/bin/check", "-v"]')
    program = words[0]
    if not os.path.isabs(program):
        raise RefusedError(f"expected an absolute path, found {show(program)}")
    if not os.path.isfile(program) or not os.access(program, os.X_OK):
        raise RefusedError(f"{show(program)} is not a program that can be run")
    return words


@shaped(**shape_of(nonempty))
def user_name(value: object) -> str:
    """A user of this machine, by name."""
    name = nonempty(value)
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise RefusedError(f"there is no user {show(name)} on this machine") from None
    return name
