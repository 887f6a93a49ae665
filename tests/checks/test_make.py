"""From a configured check to its probe."""

import pytest

from kglb.checks import Gate, make_probe
from kglb.checks.dial import Dialer
from kglb.checks.dummy import DummyProbe
from kglb.checks.http import HttpProbe
from kglb.checks.https import HttpsProbe
from kglb.checks.probe import ConnectingProbe, Probe
from kglb.checks.tcp import TcpProbe
from kglb.model import Check, DummyCheck, Endpoint, HttpCheck, SecretRef, TcpCheck

REAL = Endpoint("10.0.0.7", 80)


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        (DummyCheck(), DummyProbe),
        (TcpCheck(), TcpProbe),
        (HttpCheck(), HttpProbe),
        (HttpCheck(tls=True), HttpsProbe),
    ],
)
def test_each_kind_of_check_has_its_probe(check: Check, kind: type[Probe]) -> None:
    assert type(make_probe(check, REAL, answered=lambda _: None)) is kind


@pytest.mark.parametrize("check", [TcpCheck(timeout=2), HttpCheck(timeout=2), HttpCheck(tls=True, timeout=2)])
def test_a_probe_has_its_checks_timeout_gate_source_and_mark(check: Check) -> None:
    gate = Gate(1)
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
