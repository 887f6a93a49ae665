"""The kernel's errnos in words: what went wrong with one operation, as a person would say it."""

import errno
import os

from kglb.dataplane.port import Failure
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    Service,
    ServiceId,
)
from kglb.model.endpoint import parse_endpoint
from kglb.model.operations import service_of
from kglb.model.service import parse_service

_GONE: dict[type[Operation], int] = {
    DeleteService: errno.ESRCH,
    DeleteDestination: errno.ENOENT,
    DeleteAddress: errno.EADDRNOTAVAIL,
}

_ANYWHERE = {
    errno.EPERM: "the kernel refuses: CAP_NET_ADMIN is missing",
    errno.ENOMEM: "the kernel has no memory for it",
    errno.ENOBUFS: "the kernel's answer was lost, so the outcome is unknown",
}


def failure(operation: Operation, number: int) -> Failure:
    """The failure of an operation that the kernel (or the fake) refused with this errno."""
    sentence = _ANYWHERE.get(number) or _sentence(operation, number) or f"the kernel says: {os.strerror(number)}"
    return Failure(number, sentence)


def already_gone(operation: Operation, number: int) -> bool:
    """Whether a deletion was refused with this errno because somebody else had done it before."""
    return _GONE.get(type(operation)) == number


def _sentence(operation: Operation, number: int) -> str:
    service_id = service_of(operation)
    if number == errno.ESRCH and service_id is not None:
        return f"there is no service {service_id}"
    match operation:
        case AddService(service) | ChangeService(service):
            return _service_sentence(service, number)
        case AddDestination(service_id, destination) | ChangeDestination(service_id, destination):
            return _destination_sentence(service_id, destination, number)
        case AddAddress(address) | DeleteAddress(address):
            return {
                errno.EEXIST: f"{address.address} is on {address.interface} already",
                errno.EADDRNOTAVAIL: f"{address.address} is not on {address.interface}",
                errno.ENODEV: f"there is no interface {address.interface}",
                errno.EACCES: f"IPv6 is disabled on {address.interface}",
            }.get(number, "")
        case DeleteDestination(service_id, real) if number == errno.ENOENT:
            return f"{service_id} has no destination {real}"
        case _:
            return ""


def _service_sentence(service: Service, number: int) -> str:
    if number == errno.EEXIST:
        return f"service {service.id} exists already"
    if number != errno.ENOENT:
        return ""
    scheduler = f"no scheduler {service.scheduler!r} (module ip_vs_{service.scheduler})"
    if not service.engine:
        return f"the kernel has {scheduler}"
    engine = f"no persistence engine {service.engine!r} (module ip_vs_pe_{service.engine})"
    return f"the kernel has {scheduler} or {engine}"


def _destination_sentence(service_id: ServiceId, destination: Destination, number: int) -> str:
    real = destination.real
    if number == errno.EINVAL:
        is_mixed = parse_service(service_id).ipv6 != parse_endpoint(real).is_ipv6
        if is_mixed and destination.forward.method != "tunnel":
            return f"{real} is of another address family than {service_id}: only a tunnel reaches it"
        return f"{real} is no address that a destination of {service_id} can have"
    return {
        errno.EEXIST: f"{service_id} has a destination {real} already",
        errno.ENOENT: f"{service_id} has no destination {real}",
        errno.ERANGE: f"lower threshold {destination.lower} of {real} is above its upper {destination.upper}",
    }.get(number, "")
