import pytest

from kglb.config import network
from kglb.config.problems import RefusedError
from kglb.model.service import SCHEDULERS


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("10.0.0.7:80", "10.0.0.7:80"),
        ("[2001:DB8:0::7]:80", "[2001:db8::7]:80"),
        ("Web-1.Example.COM:8080", "web-1.example.com:8080"),
        ("absolute.example.com.:80", "absolute.example.com.:80"),
        ("10.0.0.7:0", "10.0.0.7:0"),
    ],
)
def test_a_real_server_has_one_text_form(text: str, host: str) -> None:
    assert network.real_host(text) == host


@pytest.mark.parametrize(
    "value",
    [
        "10.0.0.7",
        "10.0.0.7:65536",
        "10.0.0.7:http",
        "10.0.0.256:80",
        "10.0.0:80",
        "2001:db8::7:80",
        "[name]:80",
        "[fe80::1%eth0]:80",
        "0.0.0.0:80",
        "224.0.0.1:80",
        "[::]:80",
        "-web:80",
        "web_1:80",
        "a..b:80",
        f"{'a' * 64}:80",
        f"{'a.' * 127}aa:80",
        ":80",
        "",
        80,
        f"web:{'9' * 5000}",
    ],
)
def test_what_cannot_be_a_real_server_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"expected|needs|scope|brackets"):
        network.real_host(value)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_of_the_kernel_is_known_by_its_name(name: str) -> None:
    assert network.scheduler(name) == name


def test_schedulers_are_known_by_the_long_names_of_ipvsadm() -> None:
    assert set(network.SCHEDULER_ALIASES.values()) <= set(SCHEDULERS)
    assert network.scheduler("weighted-round-robin") == "wrr"


def test_a_misspelt_scheduler_gets_a_suggestion() -> None:
    with pytest.raises(RefusedError) as refused:
        network.scheduler("WRRR")
    assert refused.value.hint == 'did you mean "wrr"?'


@pytest.mark.parametrize(
    ("text", "place"),
    [("127.0.0.1:5678", "127.0.0.1:5678"), ("[::1]:5678", "[::1]:5678"), ("", ""), ("off", "")],
)
def test_listen_is_an_endpoint_or_off(text: str, place: str) -> None:
    assert network.listen(text) == place


@pytest.mark.parametrize("value", ["", "a/b", "sixteen-letters-", "two words", "..", "eth0:1"])
def test_what_the_kernel_would_not_call_an_interface_is_refused(value: str) -> None:
    with pytest.raises(RefusedError):
        network.interface(value)


@pytest.mark.parametrize(
    "value", ["tcp://web:80", "http://192.0.2.1", "fwmark://0", "fwmark://x", "tcp://224.0.0.1:80", 5]
)
def test_what_is_no_virtual_service_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"expected|unicast"):
        network.service_key(value)
