"""Names to addresses: the hosts file first, then DNS. Asks on the loop, never in a thread; keeps no answer.

dnspython is imported when the first name is asked for: most configs have none.
"""

import ipaddress
import re
from pathlib import Path
from typing import Any

HOSTS = Path("/etc/hosts")
RESOLV_CONF = Path("/etc/resolv.conf")
_TOOK = re.compile(r" after [0-9.]+ seconds")

LIFETIME = 5.0
"""Seconds for one name, over all servers and retries."""


class ResolutionError(OSError):
    """A name has no address now; the message is a sentence that says why."""


class NoRecordError(ResolutionError):
    """The name has no address of this family, says whoever knows; of another it may have one."""


async def resolve(name: str, ipv6: bool) -> tuple[str, ...]:
    """All addresses of a name in one family, sorted. Raises ResolutionError, NoRecordError where there are none."""
    listed = _in_hosts_file(name, ipv6)
    return listed or await _ask_dns(name, ipv6)


def _in_hosts_file(name: str, ipv6: bool) -> tuple[str, ...]:
    try:
        text = HOSTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    found = set()
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if name.lower().rstrip(".") in (known.lower() for known in names):
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                continue
            if (parsed.version == 6) == ipv6:
                found.add(str(parsed))
    return tuple(sorted(found))


class Configuration:
    """Has dnspython, which reads ``RESOLV_CONF`` once, read it again when it is another; so does glibc since 2.26."""

    def __init__(self) -> None:
        self._known: tuple[int, ...] | None = None

    def follow(self) -> None:
        """To be called before a name is asked for. Raises dnspython's exception if the file names no server."""
        from dns import asyncresolver  # noqa: PLC0415 - see the module's docstring

        now = _state_of(RESOLV_CONF)
        if self._known is not None and now != self._known:
            asyncresolver.reset_default_resolver()
        self._known = now


def _state_of(path: Path) -> tuple[int, ...]:
    """What differs once a file is another, or has other text; empty without one."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


_CONFIGURATION = Configuration()


async def _ask_dns(name: str, ipv6: bool) -> tuple[str, ...]:
    from dns import asyncresolver, exception, resolver  # noqa: PLC0415 - see the module's docstring

    from kglb.checks.short_answers import ShortAnswers  # noqa: PLC0415

    backend: Any = ShortAnswers()
    kind = "AAAA" if ipv6 else "A"
    try:
        _CONFIGURATION.follow()
        answer = await asyncresolver.resolve(name, kind, lifetime=LIFETIME, search=True, backend=backend)
    except (resolver.NXDOMAIN, resolver.NoAnswer) as error:
        raise NoRecordError(f"no {kind} record for {name}: {_lasting(error)}") from None
    except exception.DNSException as error:
        raise ResolutionError(f"no {kind} record for {name}: {_lasting(error)}") from None
    return tuple(sorted(str(ipaddress.ip_address(record.address)) for record in answer))


def _lasting(error: Exception) -> str:
    """What went wrong without how long it took and how often: so that the same failure reads the same again."""
    return "; ".join(dict.fromkeys(_TOOK.sub("", str(error)).split("; ")))
