"""One thing that is not as it should be: what, why it matters, and what cures it."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ``problem`` costs traffic or keeps the daemon from its work; a ``note`` is worth knowing.

    ``fix`` is a command for a root shell that cures it; ``advice`` says it in words where no one command does.
    """

    level: Literal["problem", "note"]
    what: str
    why: str
    fix: str = ""
    advice: str = ""


def problem(what: str, why: str, *, fix: str = "", advice: str = "") -> Finding:
    """A finding that costs traffic or work."""
    return Finding(level="problem", what=what, why=why, fix=fix, advice=advice)


def note(what: str, why: str, *, fix: str = "", advice: str = "") -> Finding:
    """A finding that is worth knowing."""
    return Finding(level="note", what=what, why=why, fix=fix, advice=advice)
