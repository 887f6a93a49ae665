"""How balancers are called: by their name, or ``name@service`` where names repeat."""

from collections import Counter
from collections.abc import Iterable

from kglb.model import Balancer, ServiceId

_SHOWN = 8


class Names:
    """The names of the balancers of one config."""

    def __init__(self, balancers: Iterable[Balancer] = ()) -> None:
        known = [(balancer.name, balancer.id) for balancer in balancers]
        count = Counter(name for name, _ in known)
        self._labels = {service: name if count[name] == 1 else f"{name}@{service}" for name, service in known}
        self._services: dict[str, set[ServiceId]] = {}
        for name, service in known:
            for alias in (name, f"{name}@{service}", service):
                self._services.setdefault(alias, set()).add(service)

    def label(self, service: ServiceId) -> str:
        """What a service's balancer is called; the service itself if no balancer is known for it."""
        return self._labels.get(service, service)

    def services(self, name: str) -> frozenset[ServiceId]:
        """The services that a name, ``name@service`` or service may mean; several where a name repeats."""
        return frozenset(self._services.get(name, ()))

    def missing(self, name: str) -> str:
        """What to say when a name means nothing."""
        if not self._labels:
            return "no config is recorded up to there, so no balancer has a name"
        labels = list(self._labels.values())
        import difflib  # noqa: PLC0415 - for mistakes alone

        close = difflib.get_close_matches(name, labels, 1) or labels
        more = f" and {len(close) - _SHOWN} more" if len(close) > _SHOWN else ""
        return f"there is no balancer of that name; there is {', '.join(close[:_SHOWN])}{more}"
