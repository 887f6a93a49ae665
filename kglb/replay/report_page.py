"""A report as one HTML page that needs nothing else: no network, no other file. Its policy forbids it the rest.

What comes from the journal (answers of servers, notes) is in it only as JSON, and the script sets it only as text.
"""

from base64 import b64encode
from hashlib import sha256

import msgspec

from kglb import assets
from kglb.replay.report import Report

_HARMLESS = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def report_page(found: Report, *, utc: bool) -> str:
    """The page; times are shown in UTC, or in the zone of whoever reads it."""
    style = "\n".join(assets.text(name) for name in ("look.css", "report.css"))
    script = "\n".join(assets.text(name) for name in ("draw.js", "events.js", "timeline.js", "stories.js", "report.js"))
    data = msgspec.json.encode({"utc": utc, **msgspec.structs.asdict(found)}).decode().translate(_HARMLESS)
    page = assets.text("report.html")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    for name, text in (("policy", policy), ("style", style), ("script", script), ("data", data)):
        page = page.replace(f"@@{name}@@", text, 1)
    return page


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
