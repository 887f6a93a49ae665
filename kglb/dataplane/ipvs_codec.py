"""The messages of the family IPVS: operations and questions to bytes, answers to the model's values.

Pure: no socket here (``ipvs`` has it), and no judgement of what is asked (``rules`` has that). Each value
has one encoding, and what the kernel reads back decodes to exactly the value that was written; an
answer in another shape raises OSError. The layout is that of ``linux/ip_vs.h``::

    command 1 new, 2 set, 3 delete, 4 get a service       attribute 1: the service, nested
            5 new, 6 set, 7 delete, 8 get a destination   attribute 2: the destination, nested

    service      1 af u16, 2 protocol u16, 3 address, 4 port be16, 5 mark u32, 6 scheduler,
                 7 flags u32 and their mask u32, 8 timeout u32 in seconds, 11 engine,
                 9 netmask (IPv4: a mask in network order; IPv6: a prefix length in the host's)
    destination  1 address, 2 port be16, 3 method u32, 4 weight u32, 5 upper u32, 6 lower u32,
                 11 af u16, 13 tunnel type u8, 14 tunnel port be16, 15 tunnel flags u16

The address family stands before the address, which it explains. Setting an entry replaces all of it, so
every change carries every attribute: without those of the tunnel the kernel would turn gue into ipip.
"""

import ipaddress
import socket
import struct
from functools import lru_cache
from typing import assert_never

from kglb.dataplane.netlink import Attributes, Request, attribute, attributes, understood
from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteDestination,
    DeleteService,
    Destination,
    Endpoint,
    Forward,
    RealId,
    Service,
    ServiceId,
    ServiceKey,
    parse_service,
)
from kglb.model.endpoint import split_host_port
from kglb.model.service import FLAGS, Checksum, Method, Protocol, TunnelType

FAMILY = "IPVS"

IpvsOperation = AddService | ChangeService | DeleteService | AddDestination | ChangeDestination | DeleteDestination
"""The operations that are messages of this family."""

_NEW_SERVICE, _SET_SERVICE, _DELETE_SERVICE, _GET_SERVICE = 1, 2, 3, 4
_NEW_DESTINATION, _SET_DESTINATION, _DELETE_DESTINATION, _GET_DESTINATION = 5, 6, 7, 8
_GET_INFO = 15
_SERVICE, _DESTINATION = 1, 2

_METHODS: tuple[Method, ...] = ("masquerade", "local", "tunnel", "direct")
_TUNNELS: tuple[TunnelType, ...] = ("ipip", "gue", "gre")
_CHECKSUMS: tuple[Checksum, ...] = ("none", "csum", "remcsum")
_METHOD_NUMBERS = {name: number for number, name in enumerate(_METHODS)}
_TUNNEL_NUMBERS = {name: number for number, name in enumerate(_TUNNELS)}
_CHECKSUM_NUMBERS = {name: number for number, name in enumerate(_CHECKSUMS)}
_PROTOCOL_NAMES: dict[int, Protocol] = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}
_PROTOCOL_NUMBERS = {name: number for number, name in _PROTOCOL_NAMES.items()}
_FORWARDS = {number: Forward(name) for number, name in enumerate(_METHODS) if name != "tunnel"}
_UNKNOWN_FORWARD = Forward("local")

_PERSISTENT, _HASHED = 1, 2  # the kernel sets "hashed" itself
_FLAG_BITS = {name: 4 << number for number, name in enumerate(FLAGS)}
_FLAG_NAMES = {bit: name for name, bit in _FLAG_BITS.items()}
_ALL_FLAGS = 0xFFFFFFFF
_IRREGULAR_MASK = -1

_U16 = struct.Struct("=H")
_U32 = struct.Struct("=I")
_FLAGS = struct.Struct("=II")
_PORT = struct.Struct("!H")
_ENDPOINT = struct.Struct("=HHH2x HH4s HH2s2x")  # family, address, port
_ENDPOINT6 = struct.Struct("=HHH2x HH16s HH2s2x")
_PLAIN = struct.Struct("=HHI HHI HHI HHI")  # method, weight, upper, lower
_TUNNEL = struct.Struct("=HHB3x HH2s2x HHH2x")  # type, port, flags


def encode(operation: IpvsOperation) -> Request:
    """The request that performs an operation. The operation must have passed ``rules.refusal``."""
    match operation:
        case AddService(service):
            return _NEW_SERVICE, _service(service)
        case ChangeService(service):
            return _SET_SERVICE, _service(service)
        case DeleteService(service_id):
            return _DELETE_SERVICE, _nested_identity(service_id)
        case AddDestination(service_id, destination):
            return _NEW_DESTINATION, _nested_identity(service_id) + _destination(destination)
        case ChangeDestination(service_id, destination):
            return _SET_DESTINATION, _nested_identity(service_id) + _destination(destination)
        case DeleteDestination(service_id, real):
            identity = attribute(_DESTINATION, _endpoint(real))
            return _DELETE_DESTINATION, _nested_identity(service_id) + identity
    assert_never(operation)


def ask_version() -> Request:
    """Ask for the version: the cheapest question that needs the right to change."""
    return _GET_INFO, b""


def ask_services() -> Request:
    """Ask for all services, by a dump."""
    return _GET_SERVICE, b""


def ask_service(service_id: ServiceId) -> Request:
    """Ask for one service."""
    return _GET_SERVICE, _nested_identity(service_id)


def ask_destinations(service_id: ServiceId) -> Request:
    """Ask for the destinations of a service, by a dump."""
    return _GET_DESTINATION, _nested_identity(service_id)


@understood
def decode_service(answer: memoryview) -> Service | None:
    """The service in an answer; None if the model has no name for its key (SCTP, a multicast address).

    Two things only a stranger's service can have stay visible: a bit without a name is a flag like ``0x40``,
    and a netmask that is no prefix of 1 or more bits reads -1.
    """
    values = attributes(attributes(answer)[_SERVICE])
    key = _key(values)
    if key is None:
        return None
    flags, _ = _FLAGS.unpack(values[7])
    return Service(
        id=key.id,
        scheduler=_text(values[6]),
        flags=_flag_names(flags & ~(_PERSISTENT | _HASHED)),
        persistence=_U32.unpack(values[8])[0] if flags & _PERSISTENT else 0,
        netmask=_prefix_length(values[9], ipv6=key.ipv6),
        engine=_text(values[11]) if 11 in values else "",
    )


@understood
def decode_destination(answer: memoryview) -> Destination:
    """The destination in an answer. A stranger's method or tunnel without a name reads ``local``."""
    values = attributes(attributes(answer)[_DESTINATION])
    return Destination(
        real=real_of(values),
        weight=_U32.unpack(values[4])[0],
        forward=_forward(values),
        upper=_U32.unpack(values[5])[0],
        lower=_U32.unpack(values[6])[0],
    )


def real_of(values: Attributes) -> RealId:
    """The identity of the destination with these attributes."""
    (family,) = _U16.unpack(values[11])
    (port,) = _PORT.unpack(values[2])
    address = _address_text(family, values[1])
    return RealId(f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}")


def _identity(service_id: ServiceId) -> bytes:
    key = parse_service(service_id)
    family = _U16.pack(socket.AF_INET6 if key.ipv6 else socket.AF_INET)
    if key.protocol == "fwmark":
        return attribute(1, family) + attribute(5, _U32.pack(key.mark))
    return b"".join(
        (
            attribute(1, family),
            attribute(2, _U16.pack(_PROTOCOL_NUMBERS[key.protocol])),
            attribute(3, ipaddress.ip_address(key.address).packed),
            attribute(4, _PORT.pack(key.port)),
        )
    )


@lru_cache(maxsize=65536)
def _nested_identity(service_id: ServiceId) -> bytes:
    return attribute(_SERVICE, _identity(service_id))


def _service(service: Service) -> bytes:
    flags = _PERSISTENT if service.persistence else 0
    for name in service.flags:
        flags |= _FLAG_BITS[name]
    parts = [
        _identity(service.id),
        attribute(6, service.scheduler.encode() + b"\0"),
        attribute(7, _FLAGS.pack(flags, _ALL_FLAGS)),
        attribute(8, _U32.pack(service.persistence)),
        attribute(9, _netmask(service)),
    ]
    if service.engine:
        parts.append(attribute(11, service.engine.encode() + b"\0"))
    return attribute(_SERVICE, b"".join(parts))


def _netmask(service: Service) -> bytes:
    if service.key.ipv6:
        return _U32.pack(service.netmask or 128)
    return (0xFFFFFFFF << 32 - (service.netmask or 32) & 0xFFFFFFFF).to_bytes(4, "big")


@lru_cache(maxsize=65536)
def _endpoint(real: RealId) -> bytes:
    host, port = split_host_port(real)
    if ":" in host:
        return _ENDPOINT6.pack(
            6, 11, socket.AF_INET6, 20, 1, socket.inet_pton(socket.AF_INET6, host), 6, 2, _PORT.pack(port)
        )
    return _ENDPOINT.pack(6, 11, socket.AF_INET, 8, 1, socket.inet_aton(host), 6, 2, _PORT.pack(port))


def _destination(destination: Destination) -> bytes:
    forward = destination.forward
    body = _endpoint(destination.real) + _PLAIN.pack(
        8, 3, _METHOD_NUMBERS[forward.method],
        8, 4, destination.weight,
        8, 5, destination.upper,
        8, 6, destination.lower,
    )  # fmt: skip
    if forward.method == "tunnel":
        body += _TUNNEL.pack(
            5, 13, _TUNNEL_NUMBERS[forward.tunnel],
            6, 14, _PORT.pack(forward.port),
            6, 15, _CHECKSUM_NUMBERS[forward.checksum],
        )  # fmt: skip
    return attribute(_DESTINATION, body)


def _key(values: Attributes) -> ServiceKey | None:
    (family,) = _U16.unpack(values[1])
    ipv6 = family == socket.AF_INET6
    if 5 in values:
        return ServiceKey("fwmark", mark=_U32.unpack(values[5])[0], ipv6=ipv6)
    protocol = _PROTOCOL_NAMES.get(_U16.unpack(values[2])[0])
    endpoint = Endpoint(_address_text(family, values[3]), _PORT.unpack(values[4])[0])
    try:
        return parse_service(f"{protocol}://{endpoint}") if protocol else None
    except ValueError:
        return None


def _address_text(family: int, packed: memoryview) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntop(family, packed[:4])
    text = socket.inet_ntop(family, packed)
    # an IPv4 address at the end is written differently by the C library and by the model
    return str(ipaddress.IPv6Address(text)) if "." in text else text


def _text(value: memoryview) -> str:
    return bytes(value).rstrip(b"\0").decode("ascii", "replace")


def _flag_names(flags: int) -> tuple[str, ...]:
    bits = (1 << shift for shift in range(flags.bit_length()) if flags >> shift & 1)
    return tuple(sorted(_FLAG_NAMES.get(bit, hex(bit)) for bit in bits))


def _prefix_length(value: memoryview, *, ipv6: bool) -> int:
    if ipv6:
        length, full = int(_U32.unpack(value)[0]), 128
    else:
        mask = int.from_bytes(value, "big")
        length, full = mask.bit_count(), 32
        if mask != 0xFFFFFFFF << 32 - length & 0xFFFFFFFF or not mask:
            return _IRREGULAR_MASK
    return 0 if length == full else length


def _forward(values: Attributes) -> Forward:
    (method,) = _U32.unpack(values[3])
    if method != _METHOD_NUMBERS["tunnel"]:
        return _FORWARDS.get(method, _UNKNOWN_FORWARD)
    if 13 not in values:  # Linux before 5.3 has only ipip, and does not say so
        return _tunnel(0, 0, 0)
    return _tunnel(values[13][0], _PORT.unpack(values[14])[0], _U16.unpack(values[15])[0])


@lru_cache(maxsize=1024)
def _tunnel(kind: int, port: int, flags: int) -> Forward:
    if kind >= len(_TUNNELS):
        return _UNKNOWN_FORWARD
    # both checksums at once is nothing that can be asked for
    return Forward("tunnel", _TUNNELS[kind], port, _CHECKSUMS[min(flags, 2)])
