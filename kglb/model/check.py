"""Health checks, as a config says them: which kinds there are, what each asks, and what follows from that.

Durations are seconds as float, secrets only references: a ``SecretRef`` says where the value is found.
"""

from typing import Literal, TypeVar

import msgspec

Transport = Literal["udp", "tcp"]
DnsRecord = Literal["A", "AAAA", "NS", "MX", "TXT", "SOA"]
HttpMethod = Literal["GET", "HEAD", "OPTIONS"]
"""Those that change nothing, and so may be asked again and again (RFC 9110, 9.2.1)."""

SyslogLevel = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
"""The severities of RFC 5424, 6.2.1, in their order, by the names of syslog(3)."""


class SecretRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a secret's value comes from: an environment variable, a file, or a place in the config file itself."""

    env: str = ""
    file: str = ""
    inline: str = ""

    def __str__(self) -> str:
        if self.env:
            return f"${self.env}"
        return f"file {self.file}" if self.file else f"secret in {self.inline}"


class _Check(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every health check has. ``timeout`` bounds the whole check; ``rise`` and ``fall`` count results.

    ``fast_interval`` is the interval while the real is in doubt. With ``watch``, which is for checks that connect by
    TCP, an idle connection is held to the real, and its loss is a reason to check at once.
    """

    interval: float = 5.0
    timeout: float = 5.0
    rise: int = 3
    fall: int = 2
    port: int = 0  # 0: the real's own
    source: str = ""  # "": the kernel chooses
    close: Literal["reset", "fin"] = "reset"  # how a TCP connection of the check ends
    fast_interval: float = 0.0  # 0: the interval
    watch: bool = False


class DummyCheck(_Check, frozen=True, kw_only=True, tag="dummy"):
    """Always passes (KgLb's dummy checker)."""


class TcpCheck(_Check, frozen=True, kw_only=True, tag="tcp"):
    """Passes when the connection is accepted, ``send`` is sent, and what is expected has come back, if anything is.

    With ``tls`` all of it is over TLS; ``sni`` "" asks for no name, ``verify`` and ``ca_file`` are as in ``HttpCheck``.
    """

    send: bytes = b""
    expect: bytes = b""
    expect_regex: str = ""
    tls: bool = False
    sni: str = ""
    verify: bool = False
    ca_file: str = ""


class HttpCheck(_Check, frozen=True, kw_only=True, tag="http"):
    """Passes when a request is answered with one of ``codes``, and with the expected body, if one is expected.

    ``proxy_check_url`` asks the real, as a proxy, for that URL. ``sni`` "" asks for the ``Host`` header's name.
    ``ca_file`` "" verifies, where ``verify`` says so, by what the system trusts.
    """

    method: HttpMethod = "GET"
    path: str = "/"
    codes: tuple[int, ...] = (200,)
    headers: dict[str, str | SecretRef] = {}
    body: str = ""
    body_regex: str = ""
    follow_redirects: bool = False
    proxy_check_url: str = ""
    tls: bool = False
    sni: str = ""
    verify: bool = False
    ca_file: str = ""


class DnsCheck(_Check, frozen=True, kw_only=True, tag="dns"):
    """Passes when a query is answered with ``rcode`` (RFC 1035, 4.1.1)."""

    query: str
    record: DnsRecord = "A"
    protocol: Transport = "udp"
    rcode: int = 0


class SyslogCheck(_Check, frozen=True, kw_only=True, tag="syslog"):
    """Passes when a message can be sent to a syslog daemon."""

    protocol: Transport = "udp"
    level: SyslogLevel = "info"


class UdpCheck(_Check, frozen=True, kw_only=True, tag="udp"):
    """Passes when ``send`` brings the expected datagram back; with nothing expected, when it brings no ICMP error."""

    send: bytes = b""
    expect: bytes = b""
    expect_regex: str = ""


class ExecCheck(_Check, frozen=True, kw_only=True, tag="exec"):
    """Passes when a program exits with status 0. ``command`` is an absolute path and arguments, ``user`` whom it runs
    as if the daemon is root.

    With ``dynamic_weight`` a status from 2 on passes too, and says the real's weight: two less.
    """

    command: tuple[str, ...]
    dynamic_weight: bool = False
    user: str = "nobody"


class PingCheck(_Check, frozen=True, kw_only=True, tag="ping"):
    """Passes when an ICMP echo request is answered."""


Question = TcpCheck | HttpCheck | DnsCheck | SyslogCheck | UdpCheck | ExecCheck | PingCheck


class AllCheck(_Check, frozen=True, kw_only=True, tag="all"):
    """Passes when each of ``checks`` does, asked one after the other; the first that fails says why.

    Of theirs only what they ask counts, and their ``port``; the rest is said of the whole, see ``question_of``.
    """

    checks: tuple[Question, ...]


Check = DummyCheck | Question | AllCheck

_T = TypeVar("_T", bound=_Check)


def question_of(check: _T) -> _T:
    """A check without when it is asked, and what is made of the answers: zeros, which no check has."""
    return msgspec.structs.replace(check, interval=0.0, timeout=0.0, rise=0, fall=0, fast_interval=0.0, watch=False)


def parts_of(check: Check) -> tuple[Check, ...]:
    """The checks of which a check consists, as they are asked: itself, or each of those that must all pass."""
    if not isinstance(check, AllCheck):
        return (check,)
    return tuple(
        msgspec.structs.replace(
            part,
            interval=check.interval,
            timeout=check.timeout,
            rise=check.rise,
            fall=check.fall,
            port=part.port or check.port,
            source=check.source,
            close=check.close,
            fast_interval=check.fast_interval,
        )
        for part in check.checks
    )


def asks_the_same(one: Check, other: Check) -> bool:
    """Whether two checks put the same question to a real, however often, and whatever the thresholds.

    Only then do results of the one count for the other.
    """
    return question_of(one) == question_of(other)


def type_of(check: Check) -> str:
    """The type of a check, as ``tcp``; ``https`` is ``http``."""
    return str(type(check).__struct_config__.tag)


def kind_of(check: Check) -> str:
    """The type of a check as the config names it, as ``https``."""
    return "https" if isinstance(check, HttpCheck) and check.tls else type_of(check)


def connects_by_tcp(check: Check) -> bool:
    """Whether a check makes TCP connections, so that one can be held to watch the real by."""
    match check:
        case TcpCheck() | HttpCheck():
            return True
        case DnsCheck(protocol=protocol) | SyslogCheck(protocol=protocol):
            return protocol == "tcp"
        case AllCheck(checks=checks):
            return any(map(connects_by_tcp, checks))
        case _:
            return False


def secrets_of(check: Check) -> frozenset[SecretRef]:
    """The secrets that a check uses."""
    asking = [part for part in parts_of(check) if isinstance(part, HttpCheck)]
    return frozenset(value for part in asking for value in part.headers.values() if isinstance(value, SecretRef))


def connects(check: Check) -> bool:
    """Whether a check speaks over TCP connections of its own alone: only such a one can be sent under a mark."""
    match check:
        case TcpCheck() | HttpCheck():
            return True
        case DnsCheck(protocol=protocol):
            return protocol == "tcp"
        case AllCheck(checks=checks):
            return all(map(connects, checks))
        case _:
            return False


def waits_for_silence(check: Check) -> bool:
    """Whether a check passes when nothing has come within the timeout, so that it takes all of it."""
    match check:
        case UdpCheck():
            return not (check.expect or check.expect_regex)
        case SyslogCheck(protocol=protocol):
            return protocol == "udp"
        case _:
            return False
