"""The headers an HTTP check sends, and the secrets among them."""

import re
from collections.abc import Mapping

from kglb.config.problems import RefusedError, kind, path_text
from kglb.config.reader import Key, Node, ReportedError, attempt, leaf, read_table, table_shape
from kglb.config.values import nonempty, shaped, spelled_by
from kglb.model import SecretRef

SENSITIVE_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"})
"""Headers whose value is a secret even when it stands in the file as it is. Lower case."""

OWN_HEADERS = frozenset({"user-agent", "connection"})
"""Headers that the check sends itself, whatever is configured (KgLb's checker has its own User-Agent too)."""

SECRET = (Key("env", leaf(nonempty)), Key("file", leaf(nonempty)))

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, 5.6.2)."""

VALUE = re.compile(r"[\x20-\x7e]*")
"""The value of one that we send."""


def _spelled(headers: Mapping[str, str | SecretRef]) -> dict[str, str]:
    """Of a secret only where it is found."""
    return {name: str(value) for name, value in headers.items()}


@spelled_by(_spelled)
@shaped(
    type="object",
    propertyNames={"pattern": f"^{TOKEN.pattern}$"},
    additionalProperties={
        "anyOf": [
            {"type": "string"},
            {**table_shape(SECRET), "minProperties": 1, "maxProperties": 1},
        ]
    },
)
def read_headers(node: Node) -> dict[str, str | SecretRef]:
    """Headers by name: tokens (RFC 9110, 5.6.2), unique whatever their case. Values are printable ASCII."""
    if not isinstance(node.value, dict):
        raise RefusedError(f"expected a table of headers, found {kind(node.value)}")
    headers: dict[str, str | SecretRef] = {}
    seen: set[str] = set()
    sound = True
    for name, value in node.value.items():
        header = attempt(Node(value, (*node.path, name), node.reading), _read_header)
        if header is None:
            sound = False
        elif name.lower() in seen:
            node.fail("the header is here twice: case makes no difference", at=(name,))
            sound = False
        else:
            headers[name] = header
            seen.add(name.lower())
    if not sound:
        raise ReportedError
    return headers


def _read_header(node: Node) -> str | SecretRef:
    name = str(node.path[-1])
    if not TOKEN.fullmatch(name):
        raise RefusedError("expected the name of a header: letters, digits and any of !#$%&'*+-.^_`|~")
    if name.lower() in OWN_HEADERS:
        node.warn("this header is not sent: the check has its own")
    if isinstance(node.value, dict):
        return _read_secret(node)
    if not isinstance(node.value, str):
        raise RefusedError(f'expected a string, {{ env = "..." }} or {{ file = "..." }}, found {kind(node.value)}')
    value = _sendable(node.value)
    if name.lower() not in SENSITIVE_HEADERS:
        return value
    node.warn('this file contains a secret; write { env = "..." } or { file = "..." } instead')
    return node.reading.secrets.from_config(path_text(node.path), value)


def _read_secret(node: Node) -> SecretRef:
    values, failed = read_table(node, SECRET)
    if failed:
        raise ReportedError
    if len(values) != 1:
        raise RefusedError('expected either { env = "..." } or { file = "..." }')
    secrets = node.reading.secrets
    if "env" in values:
        reference = secrets.from_environment(values["env"])
    else:
        reference = secrets.from_file(values["file"])
    _sendable(secrets.values[reference])
    return reference


def _sendable(value: str) -> str:
    if not VALUE.fullmatch(value):
        raise RefusedError("the value of a header is printable ASCII on one line; this one is not")
    return value
