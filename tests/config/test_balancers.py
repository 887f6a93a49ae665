from collections.abc import Callable

import pytest

from kglb.config.load import Loaded
from kglb.model import Address, Announce, Balancer, Forward, HttpCheck, Real, Service, ServiceId

Write = Callable[..., str]
Accept = Callable[..., Loaded]
Refuse = Callable[..., dict[str, str]]

DESIGNED = """
[[balancer]]
name = "web"
setup = "edge"
service = "tcp://192.168.100.10:80"
scheduler = "wrr"
forward = "tunnel"
weight = 1000
when_all_down = "fail_open"
concurrency = 100
reals = ["192.168.100.100:80", { address = "192.168.100.101:80", weight = 500 }]
announce = { min_alive = 0.9 }

[balancer.check]
type = "http"
path = "/health"
codes = [200]
interval = "5s"
timeout = "1s"
rise = 3
fall = 2
"""


def test_a_whole_balancer_becomes_the_models(accept: Accept) -> None:
    tunnel = Forward("tunnel")
    assert accept(DESIGNED).config.balancers == (
        Balancer(
            name="web",
            setup="edge",
            service=Service(id=ServiceId("tcp://192.168.100.10:80"), scheduler="wrr"),
            reals=(
                Real(host="192.168.100.100:80", weight=1000, forward=tunnel),
                Real(host="192.168.100.101:80", weight=500, forward=tunnel),
            ),
            check=HttpCheck(interval=5.0, timeout=1.0, rise=3, fall=2, path="/health", codes=(200,)),
            when_all_down="fail_open",
            concurrency=100,
            address=Address("192.168.100.10/32", "lo"),
            announce=Announce(min_alive=0.9),
        ),
    )


def test_what_is_left_out_has_kglbs_weight_and_ipvsadms_scheduler_and_forwarding(
    balancer: Write, accept: Accept
) -> None:
    read = accept(balancer()).config.balancers[0]
    assert read.reals == (Real(host="10.0.0.1:80", weight=1000, forward=Forward("masquerade")),)
    assert read.service == Service(id=ServiceId("tcp://192.0.2.1:80"), scheduler="wlc")
    assert read.concurrency == 0
    assert read.announce is None


@pytest.mark.parametrize(
    ("service", "real", "address"),
    [
        ("tcp://192.0.2.1:80", "10.0.0.1:80", Address("192.0.2.1/32", "lo")),
        ("udp://[2001:DB8::1]:53", "[fd00::1]:53", Address("2001:db8::1/128", "lo")),
        ("fwmark://10", "10.0.0.1:80", None),
        ("fwmark6://10", "[fd00::1]:80", None),
    ],
)
def test_a_service_with_an_address_keeps_it_as_a_vip(
    balancer: Write, accept: Accept, service: str, real: str, address: Address | None
) -> None:
    text = balancer(service=f'"{service}"', reals=f'["{real}"]')
    assert accept(text).config.balancers[0].address == address


@pytest.mark.parametrize("key", ["name", "service", "reals", "check"])
def test_a_missing_key_is_named(balancer: Write, refuse: Refuse, key: str) -> None:
    assert refuse(balancer(**{key: ""})) == {"balancer[0]": f'missing "{key}"'}


@pytest.mark.parametrize("name", ["", " web", "web "])
def test_a_name_is_neither_empty_nor_padded(balancer: Write, refuse: Refuse, name: str) -> None:
    assert list(refuse(balancer(name=f'"{name}"'))) == ["balancer[0].name"]


@pytest.mark.parametrize(
    ("written", "forward"),
    [
        ('"masquerade"', Forward("masquerade")),
        ('"nat"', Forward("masquerade")),
        ('"masq"', Forward("masquerade")),
        ('"direct"', Forward("direct")),
        ('"dr"', Forward("direct")),
        ('"tunnel"', Forward("tunnel", "ipip")),
        ('"ipip"', Forward("tunnel", "ipip")),
        ('"gre"', Forward("tunnel", "gre")),
        ('{ type = "tunnel" }', Forward("tunnel", "ipip")),
        ('{ type = "gre", checksum = "csum" }', Forward("tunnel", "gre", 0, "csum")),
        ('{ type = "gue", port = 6080 }', Forward("tunnel", "gue", 6080)),
        ('{ type = "gue", port = 6080, checksum = "remcsum" }', Forward("tunnel", "gue", 6080, "remcsum")),
    ],
)
def test_forwarding_is_a_word_or_a_table(balancer: Write, accept: Accept, written: str, forward: Forward) -> None:
    assert accept(balancer(forward=written)).config.balancers[0].reals[0].forward == forward


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('"gue"', 'gue needs a port; write { type = "gue", port = 6080 }'),
        ('{ type = "gue" }', "gue needs a port; add port = 6080"),
        ('{ type = "direct", port = 6080 }', "only gue has a port, not direct"),
        ('{ type = "gre", checksum = "remcsum" }', "gre has no checksum remcsum"),
        ('{ type = "tunnel", checksum = "csum" }', "tunnel has no checksum csum"),
        ("5", "expected a forwarding method or a table, found 5"),
        ("{}", 'missing "type"'),
    ],
)
def test_forwarding_the_kernel_does_not_have_is_refused(
    balancer: Write, refuse: Refuse, written: str, message: str
) -> None:
    assert refuse(balancer(forward=written)) == {"balancer[0].forward": message}


def test_a_real_may_differ_from_its_balancer_in_weight_and_forwarding(balancer: Write, accept: Accept) -> None:
    text = balancer(
        weight="10",
        forward='"direct"',
        reals="""[
          "a:80",
          { address = "b:80", weight = 0, forward = "nat", upper_threshold = 9, lower_threshold = 3 },
        ]""",
    )
    assert accept(text).config.balancers[0].reals == (
        Real(host="a:80", weight=10, forward=Forward("direct")),
        Real(host="b:80", weight=0, forward=Forward("masquerade"), upper=9, lower=3),
    )


@pytest.mark.parametrize(
    ("reals", "problems"),
    [
        ("[]", {"balancer[0].reals": "no reals; list at least one, or remove the balancer"}),
        ('["a:80", "A:80"]', {"balancer[0].reals[1]": "duplicate real: a:80 is reals[0] already"}),
        ('["[::1]:80", "[0::1]:80"]', None),
        ("[5]", {"balancer[0].reals[0]": 'expected "address:port" or a table, found 5'}),
        ('"a:80"', {"balancer[0].reals": 'expected a list, found "a:80"'}),
        (
            '[{ address = "a:80", lower_threshold = 5 }]',
            {"balancer[0].reals[0]": "lower_threshold (5) is above upper_threshold (none)"},
        ),
        ("[{ weight = -1 }]", None),
    ],
)
def test_reals_that_make_no_sense_are_refused(
    balancer: Write, refuse: Refuse, reals: str, problems: dict[str, str] | None
) -> None:
    found = refuse(balancer(reals=reals))
    assert problems is None or found == problems


@pytest.mark.parametrize(
    ("written", "service"),
    [
        ('"360s"', {"persistence": 360}),
        ('"6m"', {"persistence": 360}),
        ('{ timeout = "6m", netmask = 24 }', {"persistence": 360, "netmask": 24}),
        ('{ timeout = "6m", netmask = 32 }', {"persistence": 360, "netmask": 0}),
    ],
)
def test_persistence_is_a_timeout_or_a_table(
    balancer: Write, accept: Accept, written: str, service: dict[str, int]
) -> None:
    read = accept(balancer(persistence=written)).config.balancers[0].service
    assert {field: getattr(read, field) for field in service} == service


def test_the_sip_engine_is_for_udp(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    persistence = '{ timeout = "6m", engine = "sip" }'
    udp = accept(balancer(service='"udp://192.0.2.1:5060"', persistence=persistence))
    assert udp.config.balancers[0].service.engine == "sip"
    assert list(refuse(balancer(persistence=persistence))) == ["balancer[0].persistence.engine"]


@pytest.mark.parametrize("written", ['"1.5s"', '"0s"', "360", "{ netmask = 24 }", '{ timeout = "6m", netmask = 33 }'])
def test_persistence_the_kernel_cannot_keep_is_refused(balancer: Write, refuse: Refuse, written: str) -> None:
    assert all(path.startswith("balancer[0].persistence") for path in refuse(balancer(persistence=written)))


@pytest.mark.parametrize(
    ("scheduler", "flags", "canonical"),
    [
        ("sh", '["sh-port", "sh-fallback"]', ("flag-1", "flag-2")),
        ("mh", '["mh-port"]', ("flag-2",)),
        ("wrr", '["flag-3", "flag-3"]', ("flag-3",)),
        ("wrr", "[]", ()),
    ],
)
def test_flags_are_kept_sorted_by_their_number(
    balancer: Write, accept: Accept, scheduler: str, flags: str, canonical: tuple[str, ...]
) -> None:
    text = balancer(scheduler=f'"{scheduler}"', flags=flags)
    assert accept(text).config.balancers[0].service.flags == canonical


@pytest.mark.parametrize("service", ["udp://192.0.2.1:53", "fwmark://1"])
def test_one_packet_scheduling_is_for_udp_and_marks(balancer: Write, accept: Accept, service: str) -> None:
    text = balancer(service=f'"{service}"', flags='["ops"]')
    assert accept(text).config.balancers[0].service.flags == ("one-packet",)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("sh-port", "sh-port needs the scheduler sh, not wlc"),
        ("mh-fallback", "mh-fallback needs the scheduler mh, not wlc"),
        ("ops", "ops needs a udp:// or fwmark service"),
        ("one-packet", "one-packet needs a udp:// or fwmark service"),
    ],
)
def test_a_flag_that_does_not_fit_is_refused(balancer: Write, refuse: Refuse, flag: str, message: str) -> None:
    assert refuse(balancer(flags=f'["{flag}"]')) == {"balancer[0].flags[0]": message}


def test_an_unknown_flag_gets_a_suggestion(balancer: Write, refuse: Refuse) -> None:
    assert refuse(balancer(flags='["shport"]'))["balancer[0].flags[0]"].endswith('did you mean "sh-port"?')


@pytest.mark.parametrize("share", ["1.1", "-0.1", '"90%"', "nan"])
def test_the_share_that_must_be_alive_is_from_0_to_1(balancer: Write, refuse: Refuse, share: str) -> None:
    assert list(refuse(balancer(announce=f"{{ min_alive = {share} }}"))) == ["balancer[0].announce.min_alive"]
