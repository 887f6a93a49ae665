"""What a config asks of a machine, in the terms in which the machine is asked."""

from collections.abc import Iterable, Iterator

from kglb.model import Address, Balancer, Config, Endpoint, RealId, Way, parse_endpoint

_SHOWN = 5


def vips(config: Config) -> list[Address]:
    """The addresses of the virtual services, each once, in the config's order."""
    return list(dict.fromkeys(balancer.address for balancer in config.balancers if balancer.address is not None))


def literal_reals(config: Config) -> list[Endpoint]:
    """The reals that are given by address, each once; what names stand for is not asked."""
    hosts = dict.fromkeys(real.host for balancer in config.balancers for real in balancer.reals)
    return [endpoint for endpoint in map(_endpoint, hosts) if endpoint is not None]


def order_of_reals(balancer: Balancer) -> list[RealId]:
    """A balancer's reals that are given by address, in the config's order: that in which a start adds them."""
    return [endpoint.id for real in balancer.reals if (endpoint := _endpoint(real.host)) is not None]


def ways(config: Config) -> list[Way]:
    """The ways that clients' packets take to reals that are given by address, each once."""
    return list(dict.fromkeys(way for balancer in config.balancers for way in _ways(balancer)))


def marked_ways(config: Config) -> dict[Way, str]:
    """The ways that checks through the VIP take, and the source that each is configured to have."""
    return {
        way: balancer.check.source for balancer in config.balancers if balancer.fwmark_checks for way in _ways(balancer)
    }


def _ways(balancer: Balancer) -> Iterator[Way]:
    for real in balancer.reals:
        endpoint = _endpoint(real.host)
        if endpoint is not None:
            yield Way(endpoint.address, real.forward, balancer.service.key.ipv6)


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _endpoint(host: str) -> Endpoint | None:
    try:
        return parse_endpoint(host)
    except ValueError:
        return None
