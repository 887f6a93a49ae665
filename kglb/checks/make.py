"""From a configured check to the probe that makes it. One place knows all kinds; it never starts anything."""

from collections.abc import Callable, Mapping

from kglb.checks.dial import Dialer
from kglb.checks.dummy import DummyProbe
from kglb.checks.gate import Gate
from kglb.checks.http import HttpProbe
from kglb.checks.https import HttpsProbe
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.tcp import TcpProbe
from kglb.model.config import Check, DummyCheck, HttpCheck, SecretRef, TcpCheck
from kglb.model.endpoint import Endpoint

__all__ = ["Gate", "make_probe"]


def make_probe(
    check: Check,
    target: Endpoint,
    *,
    answered: Callable[[Outcome], None],
    gate: Gate | None = None,
    secrets: Mapping[SecretRef, str] | None = None,
    dialer: Dialer | None = None,
) -> Probe:
    """The probe of one real: ``target``, at the check's own port where it has one.

    ``answered`` gets each outcome, on the loop. ``gate`` bounds how many of a balancer's probes are under way
    at once, None for no bound. ``secrets`` are the values behind the check's references. ``dialer`` says how
    the probe connects; without one it is from the check's ``source``.

    Raises ValueError for a header that cannot be sent and for a secret that was not loaded.
    """
    if check.port:
        target = Endpoint(target.address, check.port)
    dialer = dialer or Dialer(check.source)
    match check:
        case DummyCheck():
            return DummyProbe(timeout=check.timeout, answered=answered)
        case TcpCheck():
            return TcpProbe(target, dialer, timeout=check.timeout, answered=answered, gate=gate)
        case HttpCheck():
            kind = HttpsProbe if check.tls else HttpProbe
            return kind(check, target, dialer, answered=answered, gate=gate, secrets=secrets or {})
