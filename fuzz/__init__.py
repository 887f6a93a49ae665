"""Fuzzers: what comes from outside, made up, thrown at the code that reads it.

One module per target, with ``one_input(data)``: it returns whatever the input is, or raises, and that is a finding.
Run one with ``python -m fuzz TARGET --seconds N``: guided by coverage where atheris is installed, by plain mutation
where not.
``corpus/TARGET/`` holds where to begin, and every input that once broke something; the tests replay all of it.

Every target is held to the same: no exception, no hang (``bounds.SECONDS``), no memory beyond ``bounds.MEMORY``.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

TARGETS = {
    "config_text": "a config file: TOML, or whatever it is",
    "kglb_json": "a config file of KgLb's: JSON",
    "journal_bytes": "the bytes of a journal's segments",
    "journal_events": "events in a journal whose checksums are right",
    "netlink_answers": "what the kernel answers to a request or a dump",
    "http_answers": "what a real answers to a plain HTTP check",
    "tls_answers": "what a real or a proxy answers to an HTTPS check",
    "dns_answers": "what a real answers to a DNS check",
    "socket_answers": "what a real answers to TCP, UDP and syslog checks",
    "control_lines": "what a client says on the control socket",
    "status_requests": "what a client asks of the status address, the event stream too",
    "helper_answers": "what the daemon hears from the ExaBGP helper",
    "helper_requests": "what the ExaBGP helper hears from daemon and ExaBGP",
}

OneInput = Callable[[bytes], None]


def load(target: str) -> OneInput:
    """The ``one_input`` of a target; KeyError for one that there is not."""
    if target not in TARGETS:
        raise KeyError(target)
    one_input: OneInput = importlib.import_module(f"fuzz.{target}").one_input
    return one_input


def corpus(target: str) -> list[Path]:
    """The inputs kept of a target, in a fixed order."""
    return sorted(path for path in (CORPUS / target).iterdir() if path.is_file())
