"""The config of one balancer, as text: the same for every measurement of the daemon."""

from collections.abc import Sequence
from pathlib import Path

JOURNAL = "journal"


def config_text(
    directory: Path, *, service: str, reals: Sequence[str], check: str, interval: float, status: str = ""
) -> str:
    """One balancer with these reals (``address:port``), a check of the kind, and its journal in the directory."""
    addresses = "\n".join(f'    "{real}",' for real in reals)
    return f"""\
[journal]
directory = "{directory / JOURNAL}"

[status]
listen = "{status}"

[[balancer]]
name = "bench"
service = "{service}"
scheduler = "wrr"
forward = "masquerade"
reals = [
{addresses}
]

[balancer.check]
type = "{check}"
interval = "{interval:g}s"
timeout = "1s"
rise = 1
fall = 1
"""
