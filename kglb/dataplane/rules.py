"""What the kernel must not be asked for, because it would accept it silently and do something else.

Measured on Linux 6.1: ip_vs takes weights above 16 bits, unknown flag bits, one-packet scheduling on TCP,
port 0 without persistence, unknown methods and tunnel types. What the kernel itself refuses is left to it,
so that there is one judge of each rule. Both data planes ask ``refusal`` before anything else.
"""

import ipaddress
import re
from collections.abc import Iterator
from errno import EINVAL
from functools import lru_cache

from kglb.dataplane.port import Failure
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    AnnounceRoute,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    Operation,
    RealId,
    Service,
    WithdrawRoute,
    parse_endpoint,
)
from kglb.model.operations import service_of
from kglb.model.service import FLAGS, MAX_WEIGHT, ServiceId, parse_service

MAX_PERSISTENCE = 31 * 86400
"""Seconds; ipvsadm's bound. The kernel counts in jiffies, in 32 bits, and wraps."""

_MODULE_NAME = re.compile(r"[a-z0-9_-]{1,15}", re.ASCII)


def refusal(operation: Operation) -> Failure | None:
    """Why an operation must not reach the kernel, None if it may."""
    reason = _reason(operation)
    return Failure(EINVAL, reason) if reason else None


def _reason(operation: Operation) -> str:
    service_id = service_of(operation)
    if service_id is not None and (reason := _key_reason(service_id)):
        return reason
    match operation:
        case AddService(service) | ChangeService(service):
            return next(_service_reasons(service), "")
        case AddDestination(_, destination) | ChangeDestination(_, destination):
            return _destination_reason(destination)
        case AddAddress(address) | DeleteAddress(address):
            return _address_reason(address)
        case DeleteDestination(_, real):
            return _real_reason(real)
        case DeleteService():
            return ""
        case AnnounceRoute() | WithdrawRoute():
            return "routes are announced by a BGP engine, not by the kernel"


@lru_cache(maxsize=65536)
def _key_reason(service_id: ServiceId) -> str:
    try:
        canonical = parse_service(service_id).id
    except ValueError as problem:
        return str(problem)
    return "" if canonical == service_id else f"{service_id} is not written as {canonical}"


@lru_cache(maxsize=65536)
def _real_reason(real: RealId) -> str:
    try:
        canonical = parse_endpoint(real).id
    except ValueError as problem:
        return str(problem)
    return "" if canonical == real else f"{real} is not written as {canonical}"


def _service_reasons(service: Service) -> Iterator[str]:
    key = service.key
    full = 128 if key.ipv6 else 32
    if not _MODULE_NAME.fullmatch(service.scheduler):
        yield f"no scheduler can have the name {service.scheduler!r}"
    if service.engine and not _MODULE_NAME.fullmatch(service.engine):
        yield f"no persistence engine can have the name {service.engine!r}"
    for flag in service.flags:
        if flag not in FLAGS:
            yield f"unknown service flag {flag!r}, expected one of {', '.join(FLAGS)}"
    if "one-packet" in service.flags and key.protocol == "tcp":
        yield "one-packet scheduling is for UDP: it would break every TCP connection"
    if not 0 <= service.persistence <= MAX_PERSISTENCE:
        yield f"persistence of {service.persistence} s is not between 0 and {MAX_PERSISTENCE} s (31 days)"
    if not 0 <= service.netmask <= full:
        yield f"the netmask's prefix length {service.netmask} is not between 0 and {full}"
    if key.protocol != "fwmark" and key.port == 0 and not service.persistence:
        yield "a service on every port (port 0) must be persistent"


def _destination_reason(destination: Destination) -> str:
    if not 0 <= destination.weight <= MAX_WEIGHT:
        return f"weight {destination.weight} is not between 0 and {MAX_WEIGHT}"
    if not (0 <= destination.upper < 1 << 32 and 0 <= destination.lower < 1 << 32):
        return f"the thresholds {destination.lower} and {destination.upper} do not fit into 32 bits"
    return _real_reason(destination.real) or _forward_reason(destination.forward)


@lru_cache(maxsize=1024)
def _forward_reason(forward: Forward) -> str:
    if forward.method != "tunnel":
        return "" if forward == Forward(forward.method) else f"{forward.method} takes no tunnel attributes"
    if forward.tunnel == "gue":
        return "" if 0 < forward.port < 1 << 16 else f"gue needs a port from 1 to 65535, found {forward.port}"
    if forward.port:
        return f"{forward.tunnel} has no port, found {forward.port}"
    allowed = ("none", "csum") if forward.tunnel == "gre" else ("none",)
    return "" if forward.checksum in allowed else f"{forward.tunnel} has no checksum {forward.checksum!r}"


def _address_reason(address: Address) -> str:
    try:
        interface = ipaddress.ip_interface(address.address)
    except ValueError:
        return f"expected an address with its prefix length, found {address.address!r}"
    if str(interface) != address.address:
        return f"{address.address} is not written as {interface}"
    if interface.ip.is_unspecified or interface.ip.is_multicast:
        return f"{address.address} cannot be put on an interface: it is no unicast address"
    return ""
