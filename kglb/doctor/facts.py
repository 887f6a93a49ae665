"""Everything that the rules ask about this machine, as plain values. Tests make them up; ``gather`` reads them."""

from collections.abc import Mapping

import msgspec

from kglb.dataplane.passage import Passage
from kglb.model import Address, Config, ServiceId


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The file system where the journal is, or would be: ``existing`` is the nearest directory that is there.

    ``free`` and ``used`` (by the journal itself) are bytes.
    """

    existing: str
    filesystem: str
    writable: bool
    free: int
    used: int = 0


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that holds secrets, or the config itself, and what its permissions let everybody else do."""

    path: str
    holds_secrets: bool
    readable_by_others: bool
    writable_by_others: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a machine, through the eyes of one config.

    ``unavailable`` and ``remedy`` are what the daemon itself would say of IPVS; None where it can be driven.
    ``loadable`` are the modules that the kernel has on disk or built in, None where nobody can tell.
    ``sysctls`` are by their dotted names; one that the kernel does not have is not there.
    ``services`` are those in the kernel that are neither the config's nor in its range of marks.
    ``neighbours`` are the IPv4 addresses that another machine on a segment has lately answered for.
    ``controllers`` are the process names of other programs that drive IPVS.
    ``descriptors`` is the hard limit of this process. ``daemon`` is the process that writes the journal, if any does.
    ``status_error`` is why the status address cannot be had. ``synchronised`` is None where the clock does not say.
    """

    config: Config
    kernel: tuple[int, int]
    unavailable: str | None = None
    remedy: str = ""
    loaded: frozenset[str] = frozenset()
    loadable: frozenset[str] | None = None
    sysctls: Mapping[str, int] = {}
    may_ping: bool = True
    descriptors: int = 1 << 20
    services: tuple[ServiceId, ...] = ()
    controllers: tuple[str, ...] = ()
    interfaces: Mapping[str, bool] = {}
    addresses: frozenset[Address] = frozenset()
    neighbours: frozenset[str] = frozenset()
    unreachable: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    daemon: int | None = None
    status_error: str = ""
    helper_is_there: bool = True
    control_group_is_there: bool = True
    disk: Disk
    files: tuple[ConfigFile, ...] = ()
    synchronised: bool | None = None
