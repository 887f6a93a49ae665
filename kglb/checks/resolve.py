"""Names to addresses: the hosts file first, then DNS. Asks on the loop, never in a thread; keeps no answer.

dnspython is imported when the first name is asked for: most configs have none.
"""

import ipaddress
import re
from pathlib import Path
from typing import Any

HOSTS = Path("/etc/hosts")
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


async def _ask_dns(name: str, ipv6: bool) -> tuple[str, ...]:
    from dns import asyncresolver, exception, resolver  # noqa: PLC0415 - see the module's docstring

    from kglb.checks.short_answers import ShortAnswers  # noqa: PLC0415

    backend: Any = ShortAnswers()
    kind = "AAAA" if ipv6 else "A"
    try:
        answer = await asyncresolver.resolve(name, kind, lifetime=LIFETIME, search=True, backend=backend)
    except (resolver.NXDOMAIN, resolver.NoAnswer) as error:
        raise NoRecordError(f"no {kind} record for {name}: {_lasting(error)}") from None
    except exception.DNSException as error:
        raise ResolutionError(f"no {kind} record for {name}: {_lasting(error)}") from None
    return tuple(sorted(str(ipaddress.ip_address(record.address)) for record in answer))


def _lasting(error: Exception) -> str:
    """What went wrong without how long it took and how often: so that the same failure reads the same again."""
    return "; ".join(dict.fromkeys(_TOOK.sub("", str(error)).split("; ")))
