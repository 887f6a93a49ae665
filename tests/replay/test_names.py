"""How balancers are called."""

from kglb.model import ServiceId
from kglb.replay.names import Names
from tests.projections.builders import DNS, WEB, balancer

TLS = ServiceId("tcp://192.168.100.10:443")


def test_a_name_used_once_is_enough() -> None:
    names = Names([balancer(WEB), balancer(DNS, name="dns")])
    assert names.label(WEB) == "web"
    assert names.services("web") == {WEB}


def test_a_name_used_twice_needs_its_service() -> None:
    names = Names([balancer(WEB), balancer(TLS)])
    assert names.label(TLS) == f"web@{TLS}"
    assert names.services(f"web@{TLS}") == {TLS}
    assert names.services("web") == {WEB, TLS}


def test_a_service_names_its_balancer_too() -> None:
    assert Names([balancer(WEB)]).services(WEB) == {WEB}


def test_a_service_without_a_balancer_is_called_by_itself() -> None:
    assert Names().label(WEB) == WEB


def test_what_is_missing_comes_with_what_there_is() -> None:
    names = Names([balancer(WEB), balancer(DNS, name="dns")])
    assert names.missing("wbe") == "there is no balancer of that name; there is web"
    assert "web, dns" in names.missing("zzz")
    assert "no config" in Names().missing("web")
