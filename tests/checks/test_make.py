"""From a configured check to its probe."""

import subprocess
import sys

import pytest

from kglb.checks.all_of import AllProbe
from kglb.checks.dial import Dialer
from kglb.checks.dns import DnsTcpProbe, DnsUdpProbe
from kglb.checks.dummy import DummyProbe
from kglb.checks.gate import Gate
from kglb.checks.http import HttpProbe
from kglb.checks.https import HttpsProbe
from kglb.checks.make import make_probe
from kglb.checks.ping import PingProbe
from kglb.checks.probe import ConnectingProbe, Probe
from kglb.checks.program import ProgramProbe
from kglb.checks.proxy import TunnelProbe
from kglb.checks.redirects import RedirectingProbe
from kglb.checks.syslog import SyslogTcpProbe, SyslogUdpProbe
from kglb.checks.tcp import TcpExchangeProbe, TcpProbe
from kglb.checks.tls_exchange import TlsExchangeProbe
from kglb.checks.udp import UdpProbe
from kglb.model import (
    AllCheck,
    Check,
    DnsCheck,
    DummyCheck,
    Endpoint,
    ExecCheck,
    HttpCheck,
    PingCheck,
    SecretRef,
    SyslogCheck,
    TcpCheck,
    UdpCheck,
    question_of,
)

REAL = Endpoint("10.0.0.7", 80)


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        (DummyCheck(), DummyProbe),
        (TcpCheck(), TcpProbe),
        (HttpCheck(), HttpProbe),
        (HttpCheck(tls=True), HttpsProbe),
        (TcpCheck(expect=b"x"), TcpExchangeProbe),
        (HttpCheck(follow_redirects=True), RedirectingProbe),
        (HttpCheck(proxy_check_url="http://a.test/"), HttpProbe),
        (HttpCheck(proxy_check_url="https://a.test/"), TunnelProbe),
        (DnsCheck(query="."), DnsUdpProbe),
        (DnsCheck(query=".", protocol="tcp"), DnsTcpProbe),
        (SyslogCheck(), SyslogUdpProbe),
        (SyslogCheck(protocol="tcp"), SyslogTcpProbe),
        (UdpCheck(), UdpProbe),
        (PingCheck(), PingProbe),
        (ExecCheck(command=("/bin/true",)), ProgramProbe),
        (TcpCheck(tls=True), TlsExchangeProbe),
        (AllCheck(checks=(question_of(TcpCheck()),)), AllProbe),
    ],
)
def test_each_kind_of_check_has_its_probe(check: Check, kind: type[Probe]) -> None:
    assert type(make_probe(check, REAL, answered=lambda _: None)) is kind


@pytest.mark.parametrize("check", [TcpCheck(timeout=2), HttpCheck(timeout=2), HttpCheck(tls=True, timeout=2)])
def test_a_probe_has_its_checks_timeout_gate_source_and_mark(check: Check) -> None:
    gate = Gate[Probe](1)
    probe = make_probe(check, REAL, answered=lambda _: None, gate=gate, dialer=Dialer("10.0.0.1", 7))
    assert isinstance(probe, ConnectingProbe)
    assert (probe.timeout, probe.gate, probe.target) == (2, gate, REAL)
    assert (probe.dialer.source, probe.dialer.mark) == ("10.0.0.1", 7)


@pytest.mark.parametrize("check", [TcpCheck(port=8080), HttpCheck(port=8080)])
def test_the_checks_own_port_takes_the_place_of_the_reals(check: Check) -> None:
    probe = make_probe(check, REAL, answered=lambda _: None)
    assert isinstance(probe, ConnectingProbe)
    assert probe.target == Endpoint("10.0.0.7", 8080)


def test_a_secret_that_was_not_loaded_makes_no_probe() -> None:
    check = HttpCheck(headers={"Authorization": SecretRef(env="TOKEN")})
    with pytest.raises(ValueError, match="no value was loaded"):
        make_probe(check, REAL, answered=lambda _: None)


def test_a_config_without_dns_checks_does_not_import_dnspython() -> None:
    script = (
        "import sys\n"
        "from kglb.checks.make import make_probe\n"
        "from kglb.model import Endpoint, HttpCheck\n"
        "make_probe(HttpCheck(), Endpoint('10.0.0.7', 80), answered=print)\n"
        "sys.exit('dns' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
