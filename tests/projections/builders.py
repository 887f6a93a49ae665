"""Small constructors that the projection and actor tests share."""

from kglb.events import ConfigApplied, DaemonStarted, RealAdded
from kglb.model import (
    Address,
    Balancer,
    Config,
    DataPlaneConfig,
    DummyCheck,
    Forward,
    Real,
    RealId,
    Service,
    ServiceId,
)

WEB = ServiceId("tcp://192.168.100.10:80")
DNS = ServiceId("udp://192.168.100.10:53")
VIP = Address("192.168.100.10/32", "lo")


def real(number: int, *, weight: int = 1000, port: int = 80) -> Real:
    return Real(host=f"10.0.{number // 250}.{number % 250 + 1}:{port}", weight=weight, forward=Forward())


def real_id(number: int, *, port: int = 80) -> RealId:
    return RealId(real(number, port=port).host)


def balancer(
    id: ServiceId = WEB,
    reals: int = 2,
    *,
    name: str = "web",
    scheduler: str = "wrr",
    weight: int = 1000,
    address: Address | None = VIP,
    **more: object,
) -> Balancer:
    fields: dict[str, object] = {"check": DummyCheck(interval=1.0, timeout=1.0, rise=1, fall=1), **more}
    return Balancer(
        name=name,
        service=Service(id=id, scheduler=scheduler),
        reals=tuple(real(number, weight=weight) for number in range(reals)),
        address=address,
        **fields,  # type: ignore[arg-type]
    )


def config(*balancers: Balancer) -> Config:
    return Config(data_plane=DataPlaneConfig(kind="memory"), balancers=balancers)


def applied(*balancers: Balancer) -> ConfigApplied:
    return ConfigApplied(digest="0", source="test", config=config(*balancers))


def started(boot_id: str = "boot") -> DaemonStarted:
    return DaemonStarted(software="0", decisions=1, host="director", boot_id=boot_id, pid=1)


def added(id: ServiceId, number: int, *, healthy: bool = False) -> RealAdded:
    return RealAdded(
        service=id,
        real=real_id(number),
        entry=real(number),
        healthy=healthy,
        basis="adopted" if healthy else "initial",
    )
