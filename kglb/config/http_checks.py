"""The keys of HTTP checks that need more than a word: URLs, status codes, names, trust."""

import os
import re
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

from kglb.config.network import host_name
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Node, leaf, list_shape, read_list
from kglb.config.values import nonempty, shaped, spelled_by, text

_PATH = re.compile(r"/[\x21-\x7e]*")
_URL = re.compile(r"https?://[\x21-\x7e]+")
_CODE_RANGE = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")


@shaped(type="string", pattern=f"^{_PATH.pattern}$")
def path(value: object) -> str:
    """A path with its query."""
    found = text(value)
    if not _PATH.fullmatch(found):
        raise RefusedError(f'expected a path like "/health" in ASCII without spaces, found {show(found)}')
    return found


@shaped(
    anyOf=[
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": f"^{_CODE_RANGE.pattern}$"},
    ]
)
def _codes(value: object) -> range:
    if type(value) is int and 100 <= value <= 599:
        return range(value, value + 1)
    found = _CODE_RANGE.fullmatch(value) if isinstance(value, str) else None
    if found and (codes := range(int(found[1]), int(found[2]) + 1)):
        return codes
    raise RefusedError(f'expected a status code from 100 to 599 or a range like "200-299", found {show(value)}')


def _as_ranges(codes: Iterable[int]) -> list[int | str]:
    """Codes as the config has them: ``[200, "301-308"]``."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][-1] + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]


@shaped(**list_shape(_codes), minItems=1)
@spelled_by(_as_ranges)
def read_codes(node: Node) -> tuple[int, ...]:
    """Status codes, each once, in their order: numbers and ranges."""
    ranges = read_list(node, leaf(_codes))
    if not node.value:
        raise RefusedError("no code at all: the check could never pass", "leave it out to mean [200]")
    return tuple(sorted({code for _, codes in ranges for code in codes}))


@shaped(type="string", pattern="^(https?://.+)?$")
def url(value: object) -> str:
    """An absolute URL to ask a proxy for, without a user, a password or a fragment; empty is none."""
    found = text(value)
    if not found:
        return found
    refusal = f'expected a URL like "https://www.example.com/health" in ASCII, found {show(found)}'
    if not _URL.fullmatch(found):
        raise RefusedError(refusal)
    try:
        parts = urlsplit(found)
        usable = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise RefusedError(refusal)
    if parts.username is not None or parts.fragment:
        raise RefusedError("expected a URL without user, password and fragment", "put credentials into a header")
    return found


@shaped(type="string")
def server_name(value: object) -> str:
    """A name for SNI; empty for that of the ``Host`` header."""
    found = text(value)
    return host_name(found) if found else ""


@shaped(type="string")
def read_ca_file(node: Node) -> str:
    """The absolute path of a file of CA certificates, which must be readable now; empty is none."""
    if node.value == "":
        return ""
    name = os.path.abspath(os.path.join(node.reading.secrets.directory, nonempty(node.value)))
    try:
        ssl.create_default_context(cafile=name)
    except ssl.SSLError:
        raise RefusedError(f"the file {name} holds no certificates in PEM") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RefusedError(f"the file {name} cannot be read: {reason}") from None
    return name
