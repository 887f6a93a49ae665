"""Value types of the house: endpoints, services, destinations, operations, and the config's structs.

Everything here is an immutable value with a text form. Nothing here does I/O or decides anything.
"""

from kglb.model.config import (
    Announce,
    Balancer,
    Check,
    Config,
    DataPlaneConfig,
    DummyCheck,
    HttpCheck,
    JournalConfig,
    Real,
    SecretRef,
    StatusConfig,
    TcpCheck,
    WhenAllDown,
)
from kglb.model.endpoint import Endpoint, RealId, parse_endpoint
from kglb.model.operations import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
)
from kglb.model.service import (
    Address,
    Destination,
    Forward,
    Service,
    ServiceId,
    ServiceKey,
    parse_service,
)

__all__ = [
    "AddAddress",
    "AddDestination",
    "AddService",
    "Address",
    "Announce",
    "Balancer",
    "ChangeDestination",
    "ChangeService",
    "Check",
    "Config",
    "DataPlaneConfig",
    "DeleteAddress",
    "DeleteDestination",
    "DeleteService",
    "Destination",
    "DummyCheck",
    "Endpoint",
    "Forward",
    "HttpCheck",
    "JournalConfig",
    "Operation",
    "Real",
    "RealId",
    "SecretRef",
    "Service",
    "ServiceId",
    "ServiceKey",
    "StatusConfig",
    "TcpCheck",
    "WhenAllDown",
    "parse_endpoint",
    "parse_service",
]
