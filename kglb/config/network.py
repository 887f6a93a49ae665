"""Parsers of values for IPVS: services, real servers, schedulers, flags, addresses."""

import ipaddress
import re

from kglb.config.problems import RefusedError, show
from kglb.config.values import OFF, Parser, choice, integer, one_of, shaped, spelled_by, text
from kglb.model.endpoint import MAX_PORT, is_address, parse_endpoint, split_host_port
from kglb.model.service import FLAG_ALIASES, FLAGS, MAX_WEIGHT, SCHEDULERS, ServiceKey, parse_service

SCHEDULER_ALIASES = {
    "round-robin": "rr",
    "weighted-round-robin": "wrr",
    "least-connection": "lc",
    "weighted-least-connection": "wlc",
    "destination-hash": "dh",
    "source-hash": "sh",
    "shortest-expected-delay": "sed",
    "never-queue": "nq",
    "weighted-failover": "fo",
    "weighted-overflow": "ovf",
    "maglev": "mh",
    "power-of-two-choices": "twos",
}
"""The long names of ipvsadm(8)."""

SELF = "self"

COMMUNITIES = ("no-export", "no-advertise", "no-export-subconfed")
"""The well-known communities of RFC 1997, by the names that ExaBGP knows them under."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")
_LONGEST_NAME = 253
_LONGEST_PLACE = 300  # scheme, name, port

scheduler = choice(SCHEDULERS, SCHEDULER_ALIASES)
weight = integer(0, MAX_WEIGHT)
port = integer(1, MAX_PORT)
threshold = integer(0, 2**32 - 1)
flag: Parser[str] = choice((*FLAGS, *FLAG_ALIASES))


@shaped(type="string", pattern="^((tcp|udp)://.+:[0-9]+|fwmark6?://[0-9]+)$")
def service_key(value: object) -> ServiceKey:
    """A virtual service: ``tcp://192.0.2.1:80``, ``udp://[2001:db8::1]:53``, ``fwmark://10``, ``fwmark6://10``."""
    return parse_service(text(value, _LONGEST_PLACE))


@shaped(type="string", pattern="^.+:[0-9]+$")
def real_host(value: object) -> str:
    """A real server in canonical form: ``10.0.0.7:80``, ``[2001:db8::7]:80`` or ``name:80`` (RFC 1123)."""
    found = text(value, _LONGEST_PLACE)
    host, port_number = split_host_port(found)
    if found.startswith("[") or is_address(host):
        endpoint = parse_endpoint(found)
        address = ipaddress.ip_address(endpoint.address)
        if address.is_unspecified or address.is_multicast:
            raise RefusedError(f"a real server needs a unicast address, found {show(found)}")
        return str(endpoint)
    return f"{host_name(host)}:{port_number}"


@shaped(type="string", pattern="^.+:[0-9]+$")
def pool_name(value: object) -> str:
    """A name and a port in canonical form, ``web.example.com:80``: each of its addresses is a real server."""
    found = real_host(value)
    if is_address(split_host_port(found)[0]):
        raise RefusedError(f"expected a host name and a port, found the address {show(found)}", "write it as a real")
    return found


def host_name(host: str) -> str:
    """A host name in canonical form (RFC 1123)."""
    name = host.lower()
    labels = name.removesuffix(".").split(".")
    well_formed = len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    if not well_formed or labels[-1].isdigit():
        raise RefusedError(f"expected an IP address or a host name, found {show(host)}")
    return name


@shaped(type="string", pattern="^[0-9A-Fa-f:.]+$")
def ip_address(value: object) -> str:
    """A single IP address in canonical form."""
    found = text(value)
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        raise RefusedError(f"expected an IP address, found {show(found)}") from None


@shaped(type="string", pattern="^[0-9A-Fa-f:.]+(/[0-9.]+)?$")
def prefix(value: object) -> str:
    """An address range in canonical form, ``192.0.2.0/24``; a single address is a range of one."""
    found = text(value)
    try:
        return str(ipaddress.ip_network(found))
    except ValueError as error:
        hint = f"write {ipaddress.ip_network(found, strict=False)}" if "host bits" in str(error) else ""
        raise RefusedError(f"expected a prefix like 192.0.2.0/24, found {show(found)}", hint) from None


@shaped(type="string", pattern="^(self|[0-9A-Fa-f:.]+)$")
def next_hop(value: object) -> str:
    """Where a route leads: "self" (the announcing router), or an IP address."""
    return SELF if value == SELF else ip_address(value)


@shaped(type="string", pattern=f"^([0-9]+:[0-9]+|{'|'.join(COMMUNITIES)})$")
def community(value: object) -> str:
    """A BGP community: two numbers up to 65535, ``65000:100``, or a name of RFC 1997."""
    found = text(value)
    parts = found.split(":")
    well_formed = len(parts) == 2 and all(part.isdecimal() and int(part) <= 0xFFFF for part in parts)
    if not well_formed and found not in COMMUNITIES:
        raise RefusedError(f'expected a community like "65000:100", or {one_of(COMMUNITIES)}, found {show(found)}')
    return found


@shaped(type="string", pattern=f"^{_INTERFACE.pattern}$")
def interface(value: object) -> str:
    """The name of a network interface: at most 15 characters, as the kernel has it."""
    found = text(value)
    if not _INTERFACE.fullmatch(found) or found in (".", ".."):
        raise RefusedError(f"expected the name of a network interface, found {show(found)}")
    return found


@shaped(type="string", pattern="^[A-Za-z0-9.-]+$")
def asked_by(value: object) -> str:
    """A host name under which this machine is asked, without a port, in canonical form."""
    return host_name(text(value))


@shaped(type="string", pattern="^(|off|.+:[0-9]+)$")
@spelled_by(lambda place: place or OFF)
def listen(value: object) -> str:
    """Where to listen, ``127.0.0.1:5678``; "off" or an empty string is nowhere."""
    found = text(value, _LONGEST_PLACE)
    return "" if found in ("", OFF) else str(parse_endpoint(found))
