"""Where this machine's daemon is found, as the config of its installation says: what verbs go by that are told nothing.

Of the config only the table that is asked for is read: it may be large, half edited, or another's to read. Nothing is
refused: where the config says nothing, or cannot be read, the defaults hold; ``doubt`` says why it could not be, once
nothing was found there.
"""

import re
from pathlib import Path
from typing import Any

from kglb.model import BgpConfig, ControlConfig, JournalConfig, StatusConfig

INSTALLED = Path("/etc/kglb/config.toml")
"""What the unit's daemon runs."""

UNREADABLE = OSError, ValueError, RecursionError
"""What ``read_table`` raises."""

_DEFAULTS = JournalConfig().directory, ControlConfig().socket, StatusConfig().listen


def journal_directory() -> Path:
    """Where the daemon keeps its journal."""
    return Path(_said("journal", "directory", JournalConfig().directory))


def control_socket() -> str:
    """Where the daemon takes orders; empty where it takes none."""
    path = _said("control", "socket", ControlConfig().socket)
    return "" if path == "off" else path


def bgp_socket() -> str:
    """Where the daemon looks for ExaBGP's helper."""
    return _said("bgp", "socket", BgpConfig().socket)


def doubt(place: str) -> str:
    """Why a default may be the wrong place, to end a remedy with: the installed config cannot be read. Else empty."""
    if place not in _DEFAULTS:
        return ""
    try:
        read_table(INSTALLED, "journal", whole=True)
    except FileNotFoundError:
        return ""
    except UNREADABLE as error:
        return f"; {INSTALLED} may name another, but cannot be read: {getattr(error, 'strerror', None) or error}"
    return ""


def read_table(path: Path, name: str, *, whole: bool = False) -> dict[str, Any]:
    """One table of a config, empty if it has none. Raises one of ``UNREADABLE``, for what is wrong in others only if
    the ``whole`` is to be read.
    """
    text = path.read_text("utf-8-sig")
    import tomllib  # noqa: PLC0415 - most machines have no config there to be read

    document = None if whole else _parsed_in_part(text, name)
    if document is None:
        document = {} if text.lstrip().startswith("{") else tomllib.loads(text)  # KgLb's config has no such table
    table = document.get(name, {})
    return table if isinstance(table, dict) else {}


def _said(name: str, key: str, default: str) -> str:
    try:
        value = read_table(INSTALLED, name).get(key, default)
    except UNREADABLE:
        return default
    return value if isinstance(value, str) and value else default


def _parsed_in_part(text: str, name: str) -> dict[str, Any] | None:
    """A document with all that a TOML text says of one table; None if only the whole text says for sure.

    A line that begins with a bracket begins a table, but in a text of several lines and in a list of lists, of which
    a piece is not TOML. What has no header of its own stands before all others.
    """
    import tomllib  # noqa: PLC0415 - see above

    if '"""' in text or "'''" in text:
        return None
    header = re.search(rf"^[ \t]*\[[ \t]*[\"']?{name}[\"']?[ \t]*\].*\n?", text, re.MULTILINE)
    begin, body = (0, 0) if header is None else header.span()
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, body)
    try:
        return tomllib.loads(text[begin : None if end is None else end.start()])
    except tomllib.TOMLDecodeError:
        return None
