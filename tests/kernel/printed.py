"""What ``ipvsadm -Sn`` should print of a service and its destinations; it leaves out thresholds, and some flags."""

from collections.abc import Iterable

from kglb.model import Destination, Service
from lab.ipvs import SavedService

FLAG_NAMES = {
    "sh": {"flag-1": "sh-fallback", "flag-2": "sh-port"},
    "mh": {"flag-1": "mh-fallback", "flag-2": "mh-port"},
}


def printed(service: Service, reals: Iterable[Destination]) -> SavedService:
    """A service as ``lab.ipvs.saved`` reads it."""
    options = {"-s": service.scheduler}
    if service.persistence:
        options["-p"] = str(service.persistence)
        if service.netmask not in (0, 128 if service.key.ipv6 else 32):
            options["-M"] = str(service.netmask) if service.key.ipv6 else dotted(service.netmask)
    if service.engine:
        options["--pe"] = service.engine
    names = FLAG_NAMES.get(service.scheduler, {})
    if flags := [names.get(flag, flag) for flag in service.flags if flag != "one-packet"]:
        options["-b"] = ",".join(flags)
    if "one-packet" in service.flags:
        options["-o"] = ""
    return SavedService(options, {each.real: printed_real(each) for each in reals})


def dotted(length: int) -> str:
    """An IPv4 prefix length as a mask."""
    mask = (1 << 32) - (1 << 32 - length)
    return ".".join(str(mask >> shift & 255) for shift in (24, 16, 8, 0))


def printed_real(destination: Destination) -> dict[str, str]:
    """A destination's options."""
    forward = destination.forward
    options = {"-w": str(destination.weight), "forward": forward.method}
    if forward.method == "tunnel":
        options["--tun-type"] = forward.tunnel
    if forward.tunnel == "gue":
        options["--tun-port"] = str(forward.port)
    if forward.tunnel != "ipip":
        options[{"none": "--tun-nocsum", "csum": "--tun-csum", "remcsum": "--tun-remcsum"}[forward.checksum]] = ""
    return options


def is_printed(service: Service) -> bool:
    """Whether the kernel takes the service, and ipvsadm prints all of it."""
    exists = "missing" not in (service.scheduler, service.engine)
    loses_a_flag = service.scheduler in FLAG_NAMES and "flag-3" in service.flags
    return exists and service.scheduler != "none" and not loses_a_flag


def fits(service: Service, destination: Destination) -> bool:
    """Whether the kernel takes the destination, and ipvsadm prints its method and address as we do."""
    odd = destination.real.startswith(("224.", "[fe80", "[::a01:1]")) or destination.forward.method == "local"
    mixed = service.key.ipv6 != destination.real.startswith("[") and destination.forward.method != "tunnel"
    return not (odd or mixed or destination.lower > destination.upper)
