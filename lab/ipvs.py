"""Read-only witnesses of what IPVS holds: what ipvsadm prints and what /proc/net/ip_vs shows.

Both speak of the calling thread's namespace. Services and reals are named as everywhere in the project:
``tcp://10.0.0.100:80``, ``fwmark://1``, ``10.2.0.10:80``. Nothing here writes, and nothing is shared with the
product's own reading of IPVS, so that a mistake there is not repeated here.
"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from lab.namespaces import command

PROTOCOLS = {"-t": "tcp://", "-u": "udp://", "-f": "fwmark://", "--sctp-service": "sctp://"}
FORWARDS = {"-m": "masquerade", "-g": "direct", "-i": "tunnel"}
SHOWN_FORWARDS = {"Masq": "masquerade", "Route": "direct", "Tunnel": "tunnel", "Local": "local"}
SWITCHES = ("-o", "-6", "--tun-nocsum", "--tun-csum", "--tun-remcsum")
"""ipvsadm's options that have no value."""


@dataclass(frozen=True)
class SavedService:
    """A service as ``ipvsadm -Sn`` prints it, its options as ``{"-s": "wrr", "-p": "360", "-o": ""}``.

    ``reals`` has each real's options, the forward method spelled out under ``forward``.
    """

    options: dict[str, str]
    reals: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """A real as the kernel shows it now: its weight and its connections."""

    forward: str
    weight: int
    active: int
    inactive: int


def saved() -> dict[str, SavedService]:
    """What ``ipvsadm -Sn`` prints; raises CommandError where there is no ip_vs."""
    return parse_saved(command("ipvsadm", "-Sn"))


def parse_saved(text: str) -> dict[str, SavedService]:
    """Read the output of ``ipvsadm -Sn``.

    >>> parse_saved("-A -t 10.0.0.1:80 -s rr\\n-a -t 10.0.0.1:80 -r 10.2.0.10:80 -m -w 1\\n")["tcp://10.0.0.1:80"].reals
    {'10.2.0.10:80': {'-w': '1', 'forward': 'masquerade'}}
    """
    services: dict[str, SavedService] = {}
    for line in text.splitlines():
        verb, *words = line.split()
        options = _options(words)
        flag = next(flag for flag in PROTOCOLS if flag in options)
        service = PROTOCOLS[flag] + options.pop(flag)
        if options.pop("-6", None) is not None:
            service = service.replace("fwmark://", "fwmark6://")
        if verb == "-A":
            services[service] = SavedService(options)
        else:
            services[service].reals[options.pop("-r")] = options
    return services


def _options(words: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in FORWARDS:
            options["forward"] = FORWARDS[word]
        else:
            options[word] = "" if word in SWITCHES else next(rest)
    return options


def table() -> dict[str, dict[str, Counts]]:
    """What /proc/net/ip_vs shows: every service's reals; raises FileNotFoundError where there is no ip_vs."""
    return parse_table(Path("/proc/thread-self/net/ip_vs").read_text())


def parse_table(text: str) -> dict[str, dict[str, Counts]]:
    """Read the text of /proc/net/ip_vs. It does not tell IPv6 marks from IPv4 ones, so both are ``fwmark://``."""
    services: dict[str, dict[str, Counts]] = {}
    reals: dict[str, Counts] = {}
    for line in text.splitlines()[3:]:
        first, second, *rest = line.split()
        if first == "->":
            forward, weight, active, inactive = rest
            reals[_endpoint(second)] = Counts(SHOWN_FORWARDS[forward], int(weight), int(active), int(inactive))
        else:
            name = f"fwmark://{int(second, 16)}" if first == "FWM" else f"{first.lower()}://{_endpoint(second)}"
            reals = services.setdefault(name, {})
    return services


def _endpoint(text: str) -> str:
    """``0A000001:0050`` or ``[fd00:0000:...:0001]:0050``, as the kernel prints them, in the usual form."""
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]:{int(port, 16)}"
    return f"{ipaddress.IPv4Address(int(host, 16))}:{int(port, 16)}"
