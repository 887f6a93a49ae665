"""From a configured check to the probe that makes it. One place knows all kinds, and imports those that a config has.
It never starts anything.
"""

from collections.abc import Callable, Mapping

from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.vigil import IdleConnection, Lost
from kglb.model.check import (
    AllCheck,
    Check,
    DnsCheck,
    DummyCheck,
    ExecCheck,
    HttpCheck,
    PingCheck,
    SecretRef,
    SyslogCheck,
    TcpCheck,
    UdpCheck,
    connects_by_tcp,
    kind_of,
    parts_of,
)
from kglb.model.endpoint import Endpoint

__all__ = ["Gate", "make_idle", "make_probe"]


def make_probe(
    check: Check,
    target: Endpoint,
    *,
    answered: Callable[[Outcome], None],
    gate: Gate[Probe] | None = None,
    secrets: Mapping[SecretRef, str] | None = None,
    dialer: Dialer | None = None,
) -> Probe:
    """The probe of one real: ``target``, at the check's own port where it has one.

    ``answered`` gets each outcome, on the loop. ``gate`` bounds how many of a balancer's probes are under way
    at once, None for no bound. ``secrets`` are the values behind the check's references. ``dialer`` says how
    the probe connects; without one it is from the check's ``source``.

    Raises ValueError for what cannot be sent, for a secret that was not loaded and for a pattern that is none,
    OSError for a CA file that cannot be used.
    """
    probe = _of_its_kind(check, _target(check, target), dialer or _dialer(check), answered, secrets or {})
    if gate is not None:
        probe.gate = gate
    return probe


def _of_its_kind(
    check: Check,
    target: Endpoint,
    dialer: Dialer,
    answered: Callable[[Outcome], None],
    secrets: Mapping[SecretRef, str],
) -> Probe:
    match check:
        case DummyCheck():
            from kglb.checks.dummy import DummyProbe

            return DummyProbe(timeout=check.timeout, answered=answered)
        case TcpCheck():
            from kglb.checks.tcp import TcpExchangeProbe, TcpProbe

            if check.tls:
                from kglb.checks.tls_exchange import TlsExchangeProbe

                return TlsExchangeProbe(check, target, dialer, answered=answered)
            if check.send or check.expect or check.expect_regex:
                return TcpExchangeProbe(check, target, dialer, answered=answered)
            return TcpProbe(target, dialer, timeout=check.timeout, answered=answered)
        case HttpCheck():
            from kglb.checks.redirects import RedirectingProbe, http_kind

            http = RedirectingProbe if check.follow_redirects else http_kind(check)
            return http(check, target, dialer, answered=answered, secrets=secrets)
        case DnsCheck():
            from kglb.checks.dns import DnsTcpProbe, DnsUdpProbe

            dns = DnsTcpProbe if check.protocol == "tcp" else DnsUdpProbe
            return dns(check, target, dialer, answered=answered)
        case SyslogCheck():
            from kglb.checks.syslog import SyslogTcpProbe, SyslogUdpProbe

            syslog = SyslogTcpProbe if check.protocol == "tcp" else SyslogUdpProbe
            return syslog(check, target, dialer, answered=answered)
        case UdpCheck():
            from kglb.checks.udp import UdpProbe

            return UdpProbe(check, target, dialer, answered=answered)
        case PingCheck():
            from kglb.checks.ping import PingProbe

            return PingProbe(target, dialer, timeout=check.timeout, answered=answered)
        case ExecCheck():
            from kglb.checks.program import ProgramProbe

            return ProgramProbe(check, target, answered=answered)
        case AllCheck():
            from kglb.checks.all_of import AllProbe

            parts = [
                (kind_of(part), _of_its_kind(part, _target(part, target), dialer, answered, secrets))
                for part in parts_of(check)
            ]
            return AllProbe(parts, timeout=check.timeout, answered=answered)


def make_idle(check: Check, target: Endpoint, *, lost: Lost, dialer: Dialer | None = None) -> IdleConnection:
    """The connection by which a real is watched; it goes where the check's probes go first by TCP, in the same way.

    ``lost`` is told, on the loop, when it ends. ``target`` and ``dialer`` are those of ``make_probe``.
    """
    first = next(part for part in parts_of(check) if connects_by_tcp(part))
    return IdleConnection(_target(first, target), dialer or _dialer(check), lost)


def _target(check: Check, real: Endpoint) -> Endpoint:
    return Endpoint(real.address, check.port) if check.port else real


def _dialer(check: Check) -> Dialer:
    return Dialer(check.source, fin=check.close == "fin")
